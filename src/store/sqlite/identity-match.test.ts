import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { countFitting, eachFitting } from './identity-match.ts';

const letters = fc.constantFrom('a', 'b', 'é', '😀', '0');
const identities = fc.uniqueArray(fc.string({ unit: letters, minLength: 1, maxLength: 6 }), { maxLength: 30 });
const texts = fc
  .string({ unit: fc.oneof(letters, fc.constant('*')), minLength: 1, maxLength: 5 })
  .filter((text) => text !== '');

/** The same in other words: a regular expression for each identity. */
function expected(all: readonly string[], text: string): string[] {
  const body = text.split('*').map(RegExp.escape).join('.*');
  const pattern = new RegExp(text.includes('*') ? `^${body}$` : body, 'u');
  return all.filter((identity) => pattern.test(identity));
}

test('finds and counts the identities that a text fits, whatever they are', () => {
  fc.assert(
    fc.property(identities, texts, (all, text) => {
      const lines = Buffer.from(`\n${all.map((identity) => `${identity}\n`).join('')}`);
      const found: string[] = [];
      eachFitting(lines, text.split('*'), (identity) => found.push(identity) > 0);
      assert.deepEqual(found, expected(all, text));
      assert.equal(countFitting(lines, text.split('*')), found.length);
    }),
    { numRuns: 2_000 },
  );
});

test('stops when it is told to', () => {
  const found: string[] = [];
  const lines = Buffer.from('\na1\nb\na2\na3\n');
  assert.equal(
    eachFitting(lines, ['a'], (identity) => found.push(identity) < 2),
    false,
  );
  assert.deepEqual(found, ['a1', 'a2']);
});
