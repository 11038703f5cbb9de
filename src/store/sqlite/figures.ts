/**
 * Figures over time: how much of a kind there was in each minute. Counted from the events of a projection step, in its
 * transaction: each event counts once, whatever crashes. How many devices are online is a sample that house-keeping takes.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { FigureQuery, FigureSeries } from '../store.ts';
import type { LoggedEvent } from './ledger.ts';
import type { Reader } from './reader.ts';

const MINUTE = 60_000_000;
/** Minutes that one question to the reader may cover: others get their turn in between. */
const SLICE = 1_440;
/** On disk: never change them. The rule follows behind `refused `. */
const kinds = { data_in: 'writes', provisioned: 'provisioned' } as const;
const ONLINE = 'online';
const REFUSED = 'refused ';

type Counted = Pick<LoggedEvent, 'connector' | 'type' | 'timestamp' | 'rule'>;

interface Count {
  readonly connector: number;
  readonly minute: number;
  readonly kind: string;
  n: number;
}

interface Sum {
  /** Number of the bucket since the epoch. */
  readonly bucket: number;
  readonly kind: string;
  readonly sum: number;
  readonly highest: number;
}

/** What writes them; inside a transaction only. */
export interface Figures {
  count(events: readonly Counted[]): void;
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
    count(events) {
      for (const { connector, minute, kind, n } of countsOf(events)) add.run(connector, minute, kind, n);
    },
    sample: (connector, now, online) => void sample.run(connector, minuteOf(now), online),
    purge: (connector, before, limit) => Number(purge.run(connector, minuteOf(before), limit).changes),
  };
}

const minuteOf = (time: number) => Math.floor(time / MINUTE);

/** One row for all of a kind in a minute. Neighbours in the log are mostly alike, so most are counted without a look-up. */
function countsOf(events: readonly Counted[]): Iterable<Count> {
  const counts = new Map<string, Count>();
  let last: Count | undefined;
  for (const event of events) {
    const kind = kindOf(event);
    if (kind === null) continue;
    const { connector } = event;
    const minute = minuteOf(event.timestamp);
    if (last?.connector !== connector || last.minute !== minute || last.kind !== kind) {
      const name = `${connector} ${minute} ${kind}`;
      last = counts.get(name) ?? { connector, minute, kind, n: 0 };
      counts.set(name, last);
    }
    last.n += 1;
  }
  return counts.values();
}

function kindOf({ type, rule }: Counted): string | null {
  if (type === 'data_in' || type === 'provisioned') return kinds[type];
  return rule === null ? null : REFUSED + rule;
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
  const width = query.bucket / MINUTE;
  const [first, last] = [Math.floor(query.from / query.bucket), Math.floor(query.to / query.bucket)];
  const times = Array.from({ length: last - first + 1 }, (_, at) => (first + at) * query.bucket);
  const columns = new Map<string, number[]>();
  const columnOf = (kind: string) => columns.getOrInsertComputed(kind, () => times.map(() => 0));
  const online: (number | null)[] = times.map(() => null);
  const end = (last + 1) * width;
  let slice = await reader.ask('sumFigures', connector, first * width, end, width);
  while (slice !== null) {
    for (const { bucket, kind, sum, highest } of slice.sums) {
      const at = bucket - first;
      if (kind === ONLINE) online[at] = Math.max(online[at] ?? 0, highest);
      else columnOf(kind)[at]! += sum;
    }
    slice = await reader.ask('sumFigures', connector, slice.next, end, width);
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
