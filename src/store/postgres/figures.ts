/**
 * Figures over time: how much of a kind there was in each minute. Counted with the events, in their commit: each counts once,
 * whatever crashes. How many devices are online is a sample that house-keeping takes.
 */
import { createColumns, type Sum } from '../figure-columns.ts';
import type { FigureQuery, FigureSeries } from '../store.ts';
import { type Database, statement } from './database.ts';

const sums = statement(
  'figures-sums',
  `SELECT minute / $4::bigint AS bucket, kind, sum(n)::bigint AS sum, max(n) AS highest
   FROM figures WHERE connector = $1 AND minute >= $2 AND minute < $3 GROUP BY 1, 2`,
);

export async function readFigures(db: Database, connector: number, query: FigureQuery): Promise<FigureSeries> {
  const columns = createColumns(query);
  const { from, to, width } = columns;
  for (const sum of await db.read<Sum>(sums, [connector, from, to, width])) columns.add(sum);
  return columns.series();
}
