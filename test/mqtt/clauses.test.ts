/** Every statement of the specifications that the sources say they obey has a test that says so, and the reverse. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareClauses } from '../../scripts/mqtt-clauses.ts';

test('conformance statements are cited beside the code and beside a test', () => {
  const { proved, untested, unobeyed } = compareClauses();
  assert.deepEqual([untested, unobeyed], [[], []]);
  assert.ok(proved.length > 150);
});

test('every other statement is explained in docs/mqtt.md, and none is cited that there is not', () => {
  const { forgotten, invented, contradicted } = compareClauses();
  assert.deepEqual([forgotten, invented, contradicted], [[], [], []]);
});
