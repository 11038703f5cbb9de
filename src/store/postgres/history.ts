/** Questions about what a device reported over time. */
import type { HistoryBucket, HistoryPoint, HistoryQuery } from '../store.ts';
import { type Database, statement } from './database.ts';

/** Bytes of values in one answer, or one value more: values may be large. */
const ROOM = 4 << 20;

const points = statement(
  'history',
  `SELECT timestamp, value FROM (
     SELECT timestamp, value, sum(octet_length(value)) OVER (ORDER BY timestamp) - octet_length(value) AS size FROM (
       SELECT timestamp, value FROM points
       WHERE device = $1 AND alias = $2 AND timestamp BETWEEN $3 AND $4 ORDER BY timestamp LIMIT $5
     ) page
   ) sized WHERE size <= $6 ORDER BY timestamp`,
);
const buckets = statement(
  'history-buckets',
  `SELECT start AS timestamp, min(n) AS min, avg(n) AS mean, max(n) AS max, count(*) AS count FROM (
     SELECT timestamp - timestamp % $5 AS start, json_number(value) AS n FROM points
     WHERE device = $1 AND alias = $2 AND timestamp BETWEEN $3 AND $4 AND octet_length(value) < 1000
   ) numbers WHERE n IS NOT NULL GROUP BY start ORDER BY start LIMIT $6`,
);

interface Row {
  readonly timestamp: number;
  readonly value: string;
}

export function createHistory(db: Database) {
  return {
    /** As many points as the limit or the room allows, the earliest. */
    async read(device: number, { alias, from, to, limit }: HistoryQuery) {
      const rows = await db.read<Row>(points, [device, alias, from, to, limit + 1, ROOM]);
      const page = rows.slice(0, limit).map(({ timestamp, value }): HistoryPoint => ({ timestamp, value }));
      if (rows.length > limit) return { points: page, mayLoadMore: true };
      // Either the limit was not reached, or the room was: then there may be one more.
      const size = page.reduce((sum, { value }) => sum + Buffer.byteLength(value), 0);
      return { points: page, mayLoadMore: size > ROOM };
    },

    async readBuckets(device: number, { alias, from, to, limit }: HistoryQuery, width: number) {
      const rows = await db.read<HistoryBucket>(buckets, [device, alias, from, to, width, limit + 1]);
      return { points: rows.slice(0, limit), mayLoadMore: rows.length > limit };
    },
  };
}
