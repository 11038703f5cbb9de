/** Text and signals come out as they went in, whatever is in them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Signal } from '../store.ts';
import { packSignals, unpackSignals } from './signal-text.ts';
import { packTags, unpackTags } from './tags.ts';
import { fromText, toText } from './text.ts';

const text = fc.string({
  unit: fc.oneof(fc.constantFrom('\0', '\x01', 'a', 'b', '"', '\\'), fc.string({ maxLength: 1 })),
});

test('any text comes back from what PostgreSQL can hold, and that has no U+0000', () => {
  fc.assert(
    fc.property(text, (given) => {
      assert.ok(!toText(given).includes('\0'));
      assert.equal(fromText(toText(given)), given);
    }),
  );
});

test('tags come back as they were, and no U+0000 stands in them', () => {
  fc.assert(
    fc.property(fc.dictionary(text, fc.array(text, { maxLength: 3 }), { noNullPrototype: true }), (tags) => {
      assert.ok(!packTags(tags).includes('\\u0000'));
      assert.deepEqual(unpackTags(packTags(tags)), tags);
    }),
  );
});

test('signals come back as they were sent, grouped', () => {
  const ref = fc.record({ connector: fc.constantFrom('c', 'd'), identity: text, key: fc.nat() });
  const signal: fc.Arbitrary<Signal> = fc.oneof(
    fc.record({ kind: fc.constant('connector' as const), connector: text }),
    fc.record({ kind: fc.constant('events' as const), connector: text }),
    fc.record({ kind: fc.constant('work' as const), connector: text }),
    fc.record({ kind: fc.constant('device' as const), ref }),
    fc.record({
      kind: fc.constant('values' as const),
      ref,
      aliases: fc.array(fc.constantFrom('a', 'b', '')),
      by: fc.constantFrom('device' as const, 'cloud' as const),
    }),
  );
  const sorted = (signals: readonly Signal[]) =>
    signals.map((one) => JSON.stringify(one, Object.keys(flat(one)).sort())).sort();
  const flat = (one: Signal) => ({ ...one, connector: 0, identity: 0, key: 0, aliases: 0, ref: 0, by: 0 });
  fc.assert(
    fc.property(fc.array(signal, { minLength: 1 }), (signals) => {
      assert.deepEqual(sorted(unpackSignals(packSignals(signals))), sorted(signals));
    }),
  );
});
