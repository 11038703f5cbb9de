/** Questions about what a device reported over time. */
import type { DatabaseSync } from 'node:sqlite';
import type { HistoryQuery } from '../store.ts';
import { createMerge, spanOf } from './blocks.ts';
import { createBuckets } from './buckets.ts';
import { createNumbers } from './numbers.ts';

/** Characters of values in one answer, or one value more: values may be large. */
const ROOM = 4 << 20;

export function createHistoryQueries(db: DatabaseSync) {
  const blocks = db.prepare(`SELECT span, data FROM points
    WHERE device = ? AND alias = ? AND span BETWEEN ? AND ? ORDER BY span, step`);
  blocks.setReturnArrays(true);

  /** What a query's blocks, those written first added first, make of each span, in order of time. */
  function* spansOf<Result>(
    device: number,
    alias: number,
    { from, to }: HistoryQuery,
    begin: () => { add(data: string): void; result(): Result },
  ): Generator<Result> {
    if (from > to) return;
    let current: number | null = null;
    let gathered = begin();
    const rows = blocks.iterate(device, alias, spanOf(from), spanOf(to));
    for (const [span, data] of rows as unknown as Iterable<[number, string]>) {
      if (current !== null && current !== span) {
        yield gathered.result();
        gathered = begin();
      }
      current = span;
      gathered.add(data);
    }
    if (current !== null) yield gathered.result();
  }

  return {
    /** As many points as the limit or the room allows, the earliest. */
    readHistory(device: number, alias: number, query: HistoryQuery) {
      const points: { timestamp: number; value: string }[] = [];
      let size = 0;
      for (const page of spansOf(device, alias, query, () => createMerge(query, ROOM))) {
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

    /** As many buckets as the limit allows, the earliest, as figures (buckets.ts). `width`: µs. */
    readBuckets(device: number, alias: number, query: HistoryQuery, width: number) {
      const buckets = createBuckets(width, query.limit);
      for (const numbers of spansOf(device, alias, query, () => createNumbers(query))) {
        if (!buckets.add(numbers)) break;
      }
      return buckets.result();
    },
  };
}
