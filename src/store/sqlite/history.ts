/** Questions about what a device reported over time. */
import type { DatabaseSync } from 'node:sqlite';
import type { HistoryBucket, HistoryQuery } from '../store.ts';
import { createMerge, type Merge, spanOf } from './blocks.ts';

/** A number as JSON writes one (RFC 8259, 6): what else Number() would take, such as '' or ' 1', is none. */
const jsonNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** Bytes of a span up to which its blocks are read as one. */
const JOINED_BYTES = 1 << 20;

interface Span {
  readonly span: number;
  readonly bytes: number;
  /** Its block, where it has one alone. */
  readonly only: string | null;
}

export function createHistoryQueries(db: DatabaseSync) {
  const aliasKey = db.prepare('SELECT key FROM aliases WHERE connector = ? AND name = ?');
  const spans = db.prepare(`SELECT span, sum(octet_length(data)) AS bytes, iif(count(*) = 1, min(data), NULL) AS only
    FROM points WHERE device = ? AND alias = ? AND span BETWEEN ? AND ? GROUP BY span ORDER BY span`);
  // A row costs more on its way out of SQLite than in it.
  const joined =
    db.prepare(`SELECT '[' || group_concat(substr(data, 2, length(data) - 2), ',' ORDER BY step) || ']' AS data
    FROM points WHERE device = ? AND alias = ? AND span = ?`);
  const blocks = db.prepare('SELECT data FROM points WHERE device = ? AND alias = ? AND span = ? ORDER BY step');

  /** The blocks of a span in the order in which they were written, as one where they are small. */
  function* blocksOf(device: number, alias: number, { span, bytes, only }: Span): Generator<string> {
    if (only !== null) yield only;
    else if (bytes <= JOINED_BYTES) yield (joined.get(device, alias, span) as { data: string }).data;
    else for (const row of blocks.iterate(device, alias, span)) yield (row as { data: string }).data;
  }

  /** The points of a query that `read` takes, in order of time, a span at a time; ends with the first that was cut. */
  function* pointsOf<Value>(
    connector: number,
    device: number,
    { alias, from, to }: HistoryQuery,
    read: (text: string) => Value | undefined,
    room: number,
  ): Generator<ReturnType<Merge<Value>['result']>> {
    const found = aliasKey.get(connector, alias) as { key: number } | undefined;
    if (found === undefined || from > to) return;
    for (const row of spans.iterate(device, found.key, spanOf(from), spanOf(to))) {
      const merge = createMerge({ from, to }, read, room);
      for (const block of blocksOf(device, found.key, row as unknown as Span)) merge.add(block);
      yield merge.result();
    }
  }

  return {
    /** As many points as the limit or the room allows, the earliest. */
    readHistory(connector: number, device: number, query: HistoryQuery) {
      const points: { timestamp: number; value: string }[] = [];
      let size = 0;
      for (const page of pointsOf(connector, device, query, (text) => text, ROOM)) {
        for (const { timestamp, value } of page.points) {
          points.push({ timestamp, value });
          size += value.length;
          if (points.length > query.limit) return { points: points.slice(0, query.limit), mayLoadMore: true };
          if (size > ROOM) return { points, mayLoadMore: true };
        }
        if (page.cut) return { points, mayLoadMore: true };
      }
      return { points, mayLoadMore: false };
    },

    readBuckets(connector: number, device: number, query: HistoryQuery, width: number) {
      const buckets: HistoryBucket[] = [];
      let open: Sum | null = null;
      for (const { points } of pointsOf(connector, device, query, readNumber, Number.POSITIVE_INFINITY)) {
        for (const { timestamp, value } of points) {
          const start = Math.floor(timestamp / width) * width;
          if (open !== null && open.timestamp !== start) buckets.push(closed(open));
          if (open === null || open.timestamp !== start) {
            if (buckets.length > query.limit) break;
            open = { timestamp: start, min: value, max: value, sum: 0, count: 0 };
          }
          take(open, value);
        }
        if (buckets.length > query.limit) break;
      }
      if (open !== null && buckets.length <= query.limit) buckets.push(closed(open));
      return { points: buckets.slice(0, query.limit), mayLoadMore: buckets.length > query.limit };
    },
  };
}

/** Characters of values in one answer, or one value more: values may be large. */
const ROOM = 4 << 20;

function readNumber(text: string): number | undefined {
  const number = jsonNumber.test(text) ? Number(text) : Number.NaN;
  return Number.isFinite(number) ? number : undefined;
}

interface Sum {
  readonly timestamp: number;
  min: number;
  max: number;
  sum: number;
  count: number;
}

function take(sum: Sum, number: number): void {
  if (number < sum.min) sum.min = number;
  if (number > sum.max) sum.max = number;
  sum.sum += number;
  sum.count += 1;
}

function closed({ timestamp, min, max, sum, count }: Sum): HistoryBucket {
  return { timestamp, min, mean: sum / count, max, count };
}
