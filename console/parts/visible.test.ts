/** Identities with characters that cannot be seen. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { visible } from './visible.ts';

test('what cannot be seen is written by its number, everything else stays', () => {
  assert.equal(visible('dev\u200b01'), 'dev‹U+200B›01');
  assert.equal(visible('\u202e10'), '‹U+202E›10');
  assert.equal(visible('a b\u00a0c\u2028'), 'a b‹U+00A0›c‹U+2028›');
  assert.equal(visible('\u{e0001}'), '‹U+E0001›');
  assert.equal(visible('00:14:22 Größe 🚢'), '00:14:22 Größe 🚢');
});
