import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Resource } from '../domain/connector.ts';
import { checkResource, checkValue } from '../domain/resources.ts';
import { createValues } from './values.ts';

const ends = fc.tuple(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);
const range = ends.map(([a, b]) => `${Math.min(a, b)}..${Math.max(a, b)}`);
const definition = (format: Resource['format'], allowed: fc.Arbitrary<Resource['allowed']>): fc.Arbitrary<Resource> =>
  allowed.map((allowed) => ({ format, unit: '', settable: false, allowed, initial: null, sync: false }));
const resource = fc
  .oneof(
    definition('number', fc.array(fc.oneof(range, fc.integer()), { maxLength: 3 })),
    definition('boolean', fc.constantFrom([], [true, false])),
    definition('string', fc.array(fc.string(), { maxLength: 3 })),
  )
  .filter((resource) => checkResource('a', resource).length === 0);

test('values fit the definition of their resource', () => {
  fc.assert(
    fc.property(resource, fc.nat(), fc.nat(), fc.nat(), (resource, seed, device, n) => {
      const [value] = createValues([{ name: 'a', resource }], seed)(device, n);
      assert.equal(checkValue(resource, value!), null, value!);
    }),
  );
});

test('the same seed gives the same values; another seed, device or write gives others', () => {
  const values = (seed: number, device: number, from: number) => {
    const make = createValues(
      [
        { name: 'a', resource: null },
        { name: 'b', resource: null },
      ],
      seed,
    );
    return Array.from({ length: 20 }, (_, n) => make(device, from + n));
  };
  assert.deepEqual(values(1, 2, 3), values(1, 2, 3));
  for (const others of [values(9, 2, 3), values(1, 9, 3), values(1, 2, 9)])
    assert.notDeepEqual(values(1, 2, 3), others);
});
