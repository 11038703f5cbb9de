/**
 * Figures over time: how much of a kind there was in each minute. Counted from the events of a projection step, in its
 * transaction: each event counts once, whatever crashes. How many devices are online is a sample that house-keeping takes.
 */
import type { DatabaseSync } from 'node:sqlite';
import { createColumns, kindOf, MINUTE, ONLINE, type Sum } from '../figure-columns.ts';
import type { FigureQuery, FigureSeries } from '../store.ts';
import type { LoggedEvent } from './ledger.ts';
import type { Reader } from './reader.ts';

/** Minutes that one question to the reader may cover: others get their turn in between. */
const SLICE = 1_440;
type Counted = Pick<LoggedEvent, 'connector' | 'type' | 'timestamp' | 'rule'>;

interface Count {
  readonly connector: number;
  readonly minute: number;
  readonly kind: string;
  n: number;
}

/** What writes them; inside a transaction only. */
export interface Figures {
  count(counts: Counts): void;
  /** The highest of a minute's samples stays. */
  sample(connector: number, now: number, online: number): void;
  /** Removes up to `limit` of those of minutes that ended before `before`; answers how many. */
  purge(connector: number, before: number, limit: number): number;
}

export function createFigures(db: DatabaseSync): Figures {
  const add = db.prepare('INSERT INTO figures VALUES (?,?,?,?) ON CONFLICT DO UPDATE SET n = n + excluded.n');
  const sample = db.prepare(`INSERT INTO figures VALUES (?, ?, '${ONLINE}', ?)
    ON CONFLICT DO UPDATE SET n = max(n, excluded.n)`);
  const purge = db.prepare(`DELETE FROM figures WHERE connector = ?1 AND (minute, kind) IN
    (SELECT minute, kind FROM figures WHERE connector = ?1 AND minute < ?2 ORDER BY minute LIMIT ?3)`);
  return {
    count(counts) {
      for (const { connector, minute, kind, n } of counts.rows()) add.run(connector, minute, kind, n);
    },
    sample: (connector, now, online) => void sample.run(connector, minuteOf(now), online),
    purge: (connector, before, limit) => Number(purge.run(connector, minuteOf(before), limit).changes),
  };
}

const minuteOf = (time: number) => Math.floor(time / MINUTE);

/** Counts as events come: one row for all of a kind in a minute. */
export interface Counts {
  add(event: Counted): void;
  rows(): Iterable<Count>;
}

export function createCounts(): Counts {
  const counts = new Map<string, Count>();
  // Neighbours in the log are mostly alike, so most are counted without a look-up.
  let last: Count | undefined;
  return {
    add({ connector, type, timestamp, rule }) {
      const kind = kindOf(type, rule);
      if (kind === null) return;
      const minute = minuteOf(timestamp);
      if (last?.connector !== connector || last.minute !== minute || last.kind !== kind) {
        const name = `${connector} ${minute} ${kind}`;
        last = counts.get(name) ?? { connector, minute, kind, n: 0 };
        counts.set(name, last);
      }
      last.n += 1;
    },
    rows: () => counts.values(),
  };
}

export function createFigureQueries(db: DatabaseSync) {
  const first = db.prepare('SELECT min(minute) AS minute FROM figures WHERE connector = ? AND minute >= ?');
  // Numbers are bound as REAL, which would divide with a fraction.
  const sums = db.prepare(`SELECT minute / CAST(?4 AS INTEGER) AS bucket, kind, sum(n) AS sum, max(n) AS highest
    FROM figures WHERE connector = ?1 AND minute >= ?2 AND minute < ?3 GROUP BY bucket, kind`);
  return {
    /** Of a slice that begins with the first minute there is from `from` on; `next` is where to go on. Null if none is left. */
    sumFigures(connector: number, from: number, to: number, width: number): { sums: Sum[]; next: number } | null {
      const { minute } = first.get(connector, from) as { minute: number | null };
      if (minute === null || minute >= to) return null;
      const next = Math.min(minute + SLICE, to);
      return { sums: sums.all(connector, minute, next, width) as unknown as Sum[], next };
    },
  };
}

/** Asks slice by slice and puts the sums into columns. */
export async function readFigures(reader: Reader, connector: number, query: FigureQuery): Promise<FigureSeries> {
  const columns = createColumns(query);
  const { from, to, width } = columns;
  let slice = await reader.ask('sumFigures', connector, from, to, width);
  while (slice !== null) {
    for (const sum of slice.sums) columns.add(sum);
    slice = await reader.ask('sumFigures', connector, slice.next, to, width);
  }
  return columns.series();
}
