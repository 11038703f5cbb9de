/** Long identities on the screen. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { splitMiddle } from './middle.ts';

test('a long identity keeps its last eight characters, a short one is left alone', () => {
  assert.deepEqual(splitMiddle('00:14:22:01:23:45'), ['00:14:22:01:23:45', '']);
  assert.deepEqual(splitMiddle(`${'a'.repeat(30)}12345678`), ['a'.repeat(30), '12345678']);
});

test('no character is cut in two', () => {
  const [start, end] = splitMiddle('🚢'.repeat(40));
  assert.ok(start.isWellFormed() && end.isWellFormed());
  assert.equal([...end].length, 8);
});
