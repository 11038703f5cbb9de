/** The activation window as it is asked for. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { usualHours, windowEnd } from './activation-window.ts';

const now = 1_700_000_000_000_000;
const HOUR = 3_600_000_000;

test('a window has more than no hours and at most ten years', () => {
  assert.equal(windowEnd(48, now), now + 48 * HOUR);
  assert.equal(windowEnd('0.5', now), now + HOUR / 2);
  for (const hours of ['', ' ', 'soon', '-', 0, -5, 87_601, '9999999']) assert.equal(windowEnd(hours, now), null);
});

test('a dialog begins with 48 hours, or with those that somebody set for the connector', () => {
  assert.deepEqual([undefined, 24, 48, 2].map(usualHours), [48, 48, 48, 2]);
});
