/** Questions about what a device reported over time. */
import type { DatabaseSync } from 'node:sqlite';
import type { HistoryBucket, HistoryPoint, HistoryQuery } from '../store.ts';

const alias = '(SELECT key FROM aliases WHERE connector = ? AND name = ?)';

export function createHistoryQueries(db: DatabaseSync) {
  const points = db.prepare(`SELECT timestamp, value FROM points
    WHERE device = ? AND alias = ${alias} AND timestamp BETWEEN ? AND ? ORDER BY timestamp LIMIT ?`);
  // A number is what JSON calls one: no leading zeros or signs that CAST would read anyway.
  const buckets = db.prepare(`
    SELECT min(timestamp) / CAST(?1 AS INTEGER) * CAST(?1 AS INTEGER) AS timestamp, min(number) AS min, avg(number) AS mean, max(number) AS max, count(*) AS count
    FROM (SELECT timestamp, CAST(value AS REAL) AS number FROM points
      WHERE device = ?2 AND alias = (SELECT key FROM aliases WHERE connector = ?3 AND name = ?4)
        AND timestamp BETWEEN ?5 AND ?6 AND instr(value, char(0)) = 0 AND json_valid(value) AND json_type(value) IN ('integer', 'real'))
    GROUP BY timestamp / CAST(?1 AS INTEGER) ORDER BY 1 LIMIT ?7`);

  const page = <T>(rows: T[], limit: number) => ({ points: rows.slice(0, limit), mayLoadMore: rows.length > limit });

  return {
    readHistory(connector: number, device: number, { alias: name, from, to, limit }: HistoryQuery) {
      const rows = points.all(device, connector, name, from, to, limit + 1) as unknown as HistoryPoint[];
      return page(rows, limit);
    },
    readBuckets(connector: number, device: number, { alias: name, from, to, limit }: HistoryQuery, bucket: number) {
      const rows = buckets.all(bucket, device, connector, name, from, to, limit + 1) as unknown as HistoryBucket[];
      return page(rows, limit);
    },
  };
}
