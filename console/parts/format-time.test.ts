/** Times in words. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatAgo, formatExact } from './format-time.ts';

const now = 1_700_000_000_000_000;

test('a length of time is told in the unit that fits', () => {
  const cases: [seconds: number, text: string][] = [
    [3, 'just now'],
    [59, '59 s ago'],
    [60, '1 min ago'],
    [3_599, '59 min ago'],
    [7_200, '2 h ago'],
    [172_800, '2 days ago'],
    [-3_600, 'in 1 h'],
  ];
  for (const [seconds, text] of cases) assert.equal(formatAgo(now - seconds * 1_000_000, now), text);
});

test('an exact time has milliseconds, in the zone of the reader', () => {
  const at = new Date(2026, 10, 3, 4, 5, 6, 7).getTime() * 1000;
  assert.equal(formatExact(at), '2026-11-03 04:05:06.007');
});
