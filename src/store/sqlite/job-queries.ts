/** Which devices are next for a job: asked on the reader's thread, a window of the keys at a time, so that it never takes long. */
import type { DatabaseSync } from 'node:sqlite';
import type { DeviceFilter } from '../store.ts';
import { conditionsOf } from './device-filter.ts';

/** Keys that one question looks at, however few of them fit. */
const WINDOW = 20_000;

export interface Candidates {
  readonly keys: readonly number[];
  /** Up to this key all have been looked at. */
  readonly upTo: number;
}

export function createJobQueries(db: DatabaseSync) {
  return {
    /** Devices behind `after` and up to `last` that fit, in the order of their keys. */
    findForJob(
      connector: number,
      filter: DeviceFilter,
      after: number,
      last: number,
      limit: number,
      now: number,
    ): Candidates {
      const conditions = conditionsOf(connector, filter, now).map(({ test }) => test);
      const end = Math.min(last, after + WINDOW);
      // In the order of the rows, whatever an index could do: all of the window is looked at once.
      const sql = `SELECT d.key FROM devices d NOT INDEXED WHERE d.key > ? AND d.key <= ? AND d.connector = ?
        ${conditions.map(({ sql }) => ` AND ${sql}`).join('')} ORDER BY d.key LIMIT ?`;
      const values = [after, end, connector, ...conditions.flatMap(({ values }) => values), limit];
      const keys = (db.prepare(sql).all(...values) as { key: number }[]).map(({ key }) => key);
      return { keys, upTo: keys.length < limit ? end : keys.at(-1)! };
    },
  };
}
