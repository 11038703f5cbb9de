/** What the address of the Overview says: how far it looks back. */
import { oneOf } from '../devices/search.ts';

export const ranges = ['1h', '6h', '24h', '7d', '30d'] as const;
export type Range = (typeof ranges)[number];

export interface OverviewSearch {
  readonly range?: Range;
}

export function readOverviewSearch(given: Record<string, unknown>): OverviewSearch {
  return { range: oneOf(ranges, given.range) };
}
