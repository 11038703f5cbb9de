/** What a plot draws of the values that it is given. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alignBuckets } from './align.ts';

test('the last bucket is drawn to its end, steps up to there', () => {
  const steps = { look: 'steps', values: [1, 2] };
  const bars = { look: 'bars', values: [3, 4] };
  assert.deepEqual(alignBuckets([0, 60], [steps, bars], 60), [
    [0, 60, 120],
    [1, 2, 2],
    [3, 4, null],
  ]);
});

test('equal counts of a stack do not hide each other', () => {
  const stack = [
    { look: 'stack', values: [1, 0] },
    { look: 'stack', values: [1, 2] },
    { look: 'stack', values: [1, null] },
  ];
  assert.deepEqual(alignBuckets([0, 60], stack), [
    [0, 60],
    [3, 2],
    [2, 2],
    [1, 0],
  ]);
});

test('nothing is added where there is no bucket, or no time', () => {
  assert.deepEqual(alignBuckets([0, 1], [{ values: [5, null] }]), [
    [0, 1],
    [5, null],
  ]);
  assert.deepEqual(alignBuckets([], [{ look: 'steps', values: [] }], 60), [[], []]);
});
