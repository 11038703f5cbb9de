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

/** Whether it manages the installation: accounts, keys, the audit log, connectors as such. */
export function useManages(): boolean {
  const { data: me } = useQuery(meQuery);
  return me?.role === 'admin' && me.all_connectors;
}
