/** What an account may do: a viewer reads, an operator changes devices, an admin changes settings too. */
import { useQuery } from '@tanstack/react-query';
import { meQuery } from './queries.ts';
import type { Role } from './types.ts';

const order: readonly Role[] = ['viewer', 'operator', 'admin'];

/** Whether the signed-in account has at least this role. */
export function useMay(least: Role): boolean {
  const { data: me } = useQuery(meQuery);
  return order.indexOf(me?.role ?? 'viewer') >= order.indexOf(least);
}
