/**
 * Figures over time: how much of a kind there was in each minute. Counted with the events, in their commit: each counts once,
 * whatever crashes. How many devices are online is a sample that house-keeping takes.
 */
import type { EventType } from '../../domain/connector.ts';
import type { FigureQuery, FigureSeries } from '../store.ts';
import { type Database, statement } from './database.ts';

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

const sums = statement(
  'figures-sums',
  `SELECT minute / $4::bigint AS bucket, kind, sum(n)::bigint AS sum, max(n) AS highest
   FROM figures WHERE connector = $1 AND minute >= $2 AND minute < $3 GROUP BY 1, 2`,
);

interface Sum {
  /** Number of the bucket since the epoch. */
  readonly bucket: number;
  readonly kind: string;
  readonly sum: number;
  readonly highest: number;
}

export async function readFigures(db: Database, connector: number, query: FigureQuery): Promise<FigureSeries> {
  const width = query.bucket / MINUTE;
  const [first, last] = [Math.floor(query.from / query.bucket), Math.floor(query.to / query.bucket)];
  const times = Array.from({ length: last - first + 1 }, (_, at) => (first + at) * query.bucket);
  const columns = new Map<string, number[]>();
  const columnOf = (kind: string) => columns.getOrInsertComputed(kind, () => times.map(() => 0));
  const online: (number | null)[] = times.map(() => null);
  for (const row of await db.read<Sum>(sums, [connector, first * width, (last + 1) * width, width])) {
    const at = row.bucket - first;
    if (row.kind === ONLINE) online[at] = row.highest;
    else columnOf(row.kind)[at] = row.sum;
  }
  const refused = [...columns].filter(([kind]) => kind.startsWith(REFUSED)).sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    times,
    writes: columnOf(kinds.data_in),
    provisioned: columnOf(kinds.provisioned),
    online,
    refused: Object.fromEntries(refused.map(([kind, column]) => [kind.slice(REFUSED.length), column])),
  };
}
