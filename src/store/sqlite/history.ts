/** Questions about what a device reported over time. */
import type { DatabaseSync } from 'node:sqlite';
import type { HistoryBucket, HistoryPoint, HistoryQuery } from '../store.ts';
import { mergeBlocks, spanOf } from './blocks.ts';

/** A number as JSON writes one (RFC 8259, 6): what else Number() would take, such as '' or ' 1', is none. */
const jsonNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

export function createHistoryQueries(db: DatabaseSync) {
  const aliasKey = db.prepare('SELECT key FROM aliases WHERE connector = ? AND name = ?');
  const blocks = db.prepare(`SELECT span, data FROM points
    WHERE device = ? AND alias = ? AND span BETWEEN ? AND ? ORDER BY span, step`);

  /** The points of a query in order of time, a span at a time. */
  function* pointsOf(connector: number, device: number, { alias, from, to }: HistoryQuery): Generator<HistoryPoint[]> {
    const found = aliasKey.get(connector, alias) as { key: number } | undefined;
    if (found === undefined || from > to) return;
    let span: number | null = null;
    let data: string[] = [];
    for (const row of blocks.iterate(device, found.key, spanOf(from), spanOf(to))) {
      const block = row as { span: number; data: string };
      if (span !== null && block.span !== span) {
        yield mergeBlocks(data, from, to);
        data = [];
      }
      span = block.span;
      data.push(block.data);
    }
    yield mergeBlocks(data, from, to);
  }

  return {
    readHistory(connector: number, device: number, query: HistoryQuery) {
      const points: HistoryPoint[] = [];
      for (const page of pointsOf(connector, device, query)) {
        points.push(...page.slice(0, query.limit + 1 - points.length));
        if (points.length > query.limit) break;
      }
      return { points: points.slice(0, query.limit), mayLoadMore: points.length > query.limit };
    },

    readBuckets(connector: number, device: number, query: HistoryQuery, width: number) {
      const buckets: HistoryBucket[] = [];
      let open: Sum | null = null;
      for (const page of pointsOf(connector, device, query)) {
        for (const { timestamp, value } of page) {
          const number = jsonNumber.test(value) ? Number(value) : Number.NaN;
          if (!Number.isFinite(number)) continue;
          const start = Math.floor(timestamp / width) * width;
          if (open !== null && open.timestamp !== start) buckets.push(closed(open));
          if (open === null || open.timestamp !== start) {
            if (buckets.length > query.limit) break;
            open = { timestamp: start, min: number, max: number, sum: 0, count: 0 };
          }
          take(open, number);
        }
        if (buckets.length > query.limit) break;
      }
      if (open !== null && buckets.length <= query.limit) buckets.push(closed(open));
      return { points: buckets.slice(0, query.limit), mayLoadMore: buckets.length > query.limit };
    },
  };
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
