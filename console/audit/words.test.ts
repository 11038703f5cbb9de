/** Names of actions as people read them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readAuditSearch } from './search.ts';
import { wordsOf } from './words.ts';

test('the name of a call reads as words', () => {
  assert.equal(wordsOf('signInFailed'), 'Sign in failed');
  assert.equal(wordsOf('explain'), 'Explain');
});

test('the address says what is searched for, or nothing', () => {
  assert.deepEqual(readAuditSearch({ search: 'kim' }), { search: 'kim' });
  for (const other of [{}, { search: '' }, { search: 7 }]) assert.deepEqual(readAuditSearch(other), {});
});
