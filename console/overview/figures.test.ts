/** What the Overview's plots show. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ratePerSecond, topRules, withNow } from './figures.ts';

test('writes are told per second, also in the bucket that has only begun', () => {
  const times = [0, 60_000_000, 120_000_000];
  assert.deepEqual(ratePerSecond({ times, writes: [120, 60, 60], bucket: 60 }, 150_000_000), [2, 1, 2]);
});

test('a bucket that has just begun has no rate of thousands', () => {
  assert.deepEqual(ratePerSecond({ times: [0], writes: [3], bucket: 60 }, 1000), [3]);
});

test('who is online now is part of the newest bucket, also before the first sample', () => {
  assert.deepEqual(withNow([null, null], 1), [null, 1]);
  assert.deepEqual(withNow([2, 5], 1), [2, 5]);
  assert.deepEqual(withNow([2, null], undefined), [2, null]);
  assert.deepEqual(withNow([], 1), []);
});

test('the most frequent rules have names, the rest is one', () => {
  const refused = { A: [1, 0], B: [5, 5], C: [0, 0], D: [2, 0], E: [0, 1] };
  assert.deepEqual(topRules(refused, 2), [
    { rule: 'B', values: [5, 5] },
    { rule: 'D', values: [2, 0] },
    { rule: 'other', values: [1, 1] },
  ]);
  assert.deepEqual(topRules({ C: [0] }, 2), []);
});
