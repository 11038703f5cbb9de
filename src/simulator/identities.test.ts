import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { IdentityFormat } from '../domain/connector.ts';
import { checkIdentity, identityTypes } from '../domain/identity.ts';
import { Explained } from './explained.ts';
import { makeIdentities } from './identities.ts';

const format = fc.record({
  type: fc.constantFrom(...identityTypes),
  prefix: fc.constantFrom('', 'ABC', 'ä-'),
  options: fc.record({ casing: fc.constantFrom('lower', 'upper', 'mixed'), length: fc.constantFrom(0, 8, 20) }),
}) as fc.Arbitrary<IdentityFormat>;

test('identities fit the format, differ, leave out those that are taken, and are the same with the same seed', () => {
  fc.assert(
    fc.property(format, fc.nat(1_000_000), (format, seed) => {
      const first = makeIdentities(format, seed, 10, new Set());
      for (const identity of first) assert.equal(checkIdentity(format, identity), null, identity);
      assert.equal(new Set(first).size, 10);
      assert.deepEqual(makeIdentities(format, seed, 10, new Set()), first);
      const others = makeIdentities(format, seed, 10, new Set(first));
      assert.deepEqual(new Set([...first, ...others]).size, 20);
    }),
    { numRuns: 50 },
  );
});

test('a format that has not enough identities is told as it is', () => {
  const format: IdentityFormat = { type: 'base10', prefix: '', options: { casing: 'mixed', length: 2 } };
  assert.equal(makeIdentities(format, 1, 50, new Set()).length, 50);
  assert.throws(() => makeIdentities(format, 1, 101, new Set()), Explained);
});
