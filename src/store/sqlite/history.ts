/** Questions about what a device reported over time. */
import type { DatabaseSync } from 'node:sqlite';
import type { HistoryBucket, HistoryQuery } from '../store.ts';
import { createMerge, type Merge, type MergedPoint, spanOf } from './blocks.ts';

/** A number as JSON writes one (RFC 8259, 6): what else Number() would take, such as '' or ' 1', is none. */
const jsonNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

export function createHistoryQueries(db: DatabaseSync) {
  const aliasKey = db.prepare('SELECT key FROM aliases WHERE connector = ? AND name = ?');
  const blocks = db.prepare(`SELECT span, data FROM points
    WHERE device = ? AND alias = ? AND span BETWEEN ? AND ? ORDER BY span, step`);

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
    let span: number | null = null;
    let merge = createMerge({ from, to }, read, room);
    for (const row of blocks.iterate(device, found.key, spanOf(from), spanOf(to))) {
      const block = row as { span: number; data: string };
      if (span !== null && block.span !== span) {
        yield merge.result();
        merge = createMerge({ from, to }, read, room);
      }
      span = block.span;
      merge.add(block.data);
    }
    yield merge.result();
  }

  return {
    /** As many points as the limit or the room allows, the earliest. */
    readHistory(connector: number, device: number, query: HistoryQuery) {
      const points: MergedPoint<string>[] = [];
      let size = 0;
      for (const page of pointsOf(connector, device, query, (text) => text, ROOM)) {
        for (const point of page.points) {
          points.push(point);
          size += point.value.length;
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
