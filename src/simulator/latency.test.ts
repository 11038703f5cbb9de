import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Latency } from './latency.ts';

test('a quantile is that of the durations, exact to 5 percent', () => {
  const durations = fc.array(fc.double({ min: 0.02, max: 1e6, noNaN: true }), { minLength: 1 });
  fc.assert(
    fc.property(durations, fc.constantFrom(0.5, 0.9, 0.99, 1), (given, share) => {
      const latency = new Latency();
      for (const duration of given) latency.add(duration);
      const exact = given.toSorted((a, b) => a - b)[Math.ceil(given.length * share) - 1]!;
      const told = latency.quantile(share)!;
      assert.ok(told >= exact * 0.999 && told <= exact * 1.05, `${told} of ${exact}`);
    }),
  );
});

test('there is none before the first duration, nor after it was cleared', () => {
  const latency = new Latency();
  assert.equal(latency.quantile(0.5), null);
  latency.add(3);
  latency.clear();
  assert.equal(latency.quantile(0.5), null);
});
