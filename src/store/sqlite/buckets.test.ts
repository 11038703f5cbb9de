/** Buckets against a plain reckoning of the same numbers. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import type { HistoryBucket } from '../store.ts';
import { bucketsOf, createBuckets } from './buckets.ts';

/** Times apart by up to some buckets, with a value each. */
const points = fc.array(fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: -1_000, max: 1_000 })), {
  maxLength: 60,
});

it('tells of each bucket what its numbers were, however they come, and no more buckets than asked', () => {
  fc.assert(
    fc.property(
      points,
      fc.integer({ min: 1, max: 30 }),
      fc.integer({ min: 1, max: 20 }),
      fc.nat(60),
      (steps, width, limit, cut) => {
        let now = -100;
        const all = steps.map(([step, value]) => {
          now += step;
          return { time: now, value };
        });
        const groups = Map.groupBy(all, ({ time }) => Math.floor(time / width) * width);
        const wanted = [...groups].map(([timestamp, group]): HistoryBucket => {
          const values = group.map(({ value }) => value);
          const sum = values.reduce((total, value) => total + value, 0);
          return {
            timestamp,
            min: Math.min(...values),
            mean: sum / values.length,
            max: Math.max(...values),
            count: values.length,
          };
        });
        const buckets = createBuckets(width, limit);
        const parts = [all.slice(0, cut), all.slice(cut)];
        for (const part of parts) {
          if (!buckets.add({ times: part.map(({ time }) => time), values: part.map(({ value }) => value) })) break;
        }
        const { figures, mayLoadMore } = buckets.result();
        assert.deepStrictEqual(bucketsOf(figures), wanted.slice(0, limit));
        assert.equal(mayLoadMore, wanted.length > limit);
      },
    ),
    { numRuns: 1_000 },
  );
});
