/** Figures over time: what counts as what, and how sums become columns. Pure; the same for all engines. */
import type { EventType } from '../domain/connector.ts';
import type { FigureQuery, FigureSeries } from './store.ts';

/** µs. */
export const MINUTE = 60_000_000;
/** In the tables: never change them. The rule follows behind `refused `. */
const kinds = { data_in: 'writes', provisioned: 'provisioned' } as const;
export const ONLINE = 'online';
const REFUSED = 'refused ';

/** What an event counts as; null if nothing. */
export function kindOf(type: EventType, rule: string | null): string | null {
  if (type === 'data_in' || type === 'provisioned') return kinds[type];
  return rule === null ? null : REFUSED + rule;
}

/** What there is of a kind in a bucket. */
export interface Sum {
  /** Number of the bucket since the epoch. */
  readonly bucket: number;
  readonly kind: string;
  readonly sum: number;
  readonly highest: number;
}

/** Columns of a query: `width`, `from` and `to` (exclusive) in minutes. */
export function createColumns({ from, to, bucket }: FigureQuery) {
  const width = bucket / MINUTE;
  const [first, last] = [Math.floor(from / bucket), Math.floor(to / bucket)];
  const times = Array.from({ length: last - first + 1 }, (_, at) => (first + at) * bucket);
  const columns = new Map<string, number[]>();
  const columnOf = (kind: string) => columns.getOrInsertComputed(kind, () => times.map(() => 0));
  const online: (number | null)[] = times.map(() => null);
  return {
    width,
    from: first * width,
    to: (last + 1) * width,
    add({ bucket, kind, sum, highest }: Sum): void {
      const at = bucket - first;
      if (kind === ONLINE) online[at] = Math.max(online[at] ?? 0, highest);
      else columnOf(kind)[at]! += sum;
    },
    series(): FigureSeries {
      const refused = [...columns].filter(([kind]) => kind.startsWith(REFUSED)).sort(([a], [b]) => (a < b ? -1 : 1));
      return {
        times,
        writes: columnOf(kinds.data_in),
        provisioned: columnOf(kinds.provisioned),
        online,
        refused: Object.fromEntries(refused.map(([kind, column]) => [kind.slice(REFUSED.length), column])),
      };
    },
  };
}
