/**
 * Sums up numbers over time in buckets of equal width. Between threads the buckets go as plain figures, in one array: as objects they
 * would cost more on the way than it took to find them. Pure.
 */
import type { HistoryBucket } from '../store.ts';
import type { Numbers } from './numbers.ts';

/** Figures of a bucket: its start, least, mean, greatest, count. */
const FIGURES = 5;

/** `width`: µs. Takes numbers in order of time; keeps `limit` buckets and knows whether there were more. */
export function createBuckets(width: number, limit: number) {
  const figures: number[] = [];
  let mayLoadMore = false;
  let start = 0;
  let end = Number.NEGATIVE_INFINITY;
  let min = 0;
  let max = 0;
  let sum = 0;
  let count = 0;

  function close(): void {
    if (count > 0) figures.push(start, min, sum / count, max, count);
    count = 0;
  }

  return {
    /** False once no more is wanted. */
    add({ times, values }: Numbers): boolean {
      for (let at = 0; at < times.length; at += 1) {
        const timestamp = times[at]!;
        const value = values[at]!;
        if (timestamp >= end) {
          close();
          mayLoadMore = figures.length === limit * FIGURES;
          if (mayLoadMore) return false;
          start = Math.floor(timestamp / width) * width;
          end = start + width;
          min = max = value;
          sum = 0;
        }
        if (value < min) min = value;
        if (value > max) max = value;
        sum += value;
        count += 1;
      }
      return true;
    },
    result() {
      close();
      return { figures: Float64Array.from(figures), mayLoadMore };
    },
  };
}

/** The buckets that these figures are. */
export function bucketsOf(figures: Float64Array): HistoryBucket[] {
  const buckets: HistoryBucket[] = [];
  for (let at = 0; at < figures.length; at += FIGURES) {
    buckets.push({
      timestamp: figures[at]!,
      min: figures[at + 1]!,
      mean: figures[at + 2]!,
      max: figures[at + 3]!,
      count: figures[at + 4]!,
    });
  }
  return buckets;
}
