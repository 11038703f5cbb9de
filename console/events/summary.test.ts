/** What a line of the log says of an event. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type EventType, eventTypes } from '../../src/domain/connector.ts';
import { allEventTypes } from './labels.ts';
import { isOfMany, refusedOf, summarize } from './summary.ts';

test('every event type has a label, and no two the same', () => {
  assert.deepEqual([...allEventTypes].sort(), [...eventTypes].sort());
});

test('a write shows its values and which of them are not defined', () => {
  const payload = [{ timestamp: 1, values: { temp: '21.5', door: 'open' }, undefined: ['door'] }];
  assert.deepEqual(summarize({ type: 'data_in', payload }), {
    text: '',
    values: [
      { alias: 'temp', value: '21.5', defined: true },
      { alias: 'door', value: 'open', defined: false },
    ],
    more: 0,
  });
});

test('a recording of many points says how many there are, and how many values are left out', () => {
  const payload = Array.from({ length: 10 }, (_, i) => ({ timestamp: i, values: { temp: String(i) } }));
  const { text, values, more } = summarize({ type: 'data_in', payload });
  assert.equal(text, '10 points');
  assert.equal(values.length + more, 10);
  assert.ok(more > 0);
});

test('each type is told in words', () => {
  const cases: [type: EventType, payload: unknown, text: string][] = [
    ['provisioned', { auth: 'token' }, 'by token'],
    ['provisioned', { auth: 'certificate', registered_itself: true }, 'by TLS client certificate, registered itself'],
    ['whitelisted', { who: 'admin@localhost', expire: 1 }, 'by admin@localhost'],
    [
      'whitelisted',
      { batch: 'b', name: 'evening', who: 'x', count: 1200 },
      '1,200 devices, let in by an import: evening',
    ],
    ['deleted', { batch: 'b', name: 'evening', who: 'x', count: 1 }, '1 device, an import was undone: evening'],
    [
      'refused',
      { rule: 'IDENTITY_UNKNOWN', message: 'The identity is not whitelisted.' },
      'The identity is not whitelisted.',
    ],
    ['reprovision', { who: 'a@b', allowed: true }, 'may provision once more, by a@b'],
    ['locked', { who: 'a@b' }, 'by a@b'],
    ['expired', null, 'the activation window has closed'],
    ['publish', { topic: 'alarm', payload: 'on' }, 'alarm on'],
  ];
  for (const [type, payload, text] of cases) assert.equal(summarize({ type, payload }).text, text, type);
});

test('no payload, whatever it is, breaks a line or makes it long', () => {
  fc.assert(
    fc.property(fc.constantFrom(...eventTypes), fc.anything(), (type, payload) => {
      // As it comes: through JSON.
      const sent = JSON.parse(
        JSON.stringify(payload, (_, value) => (typeof value === 'bigint' ? null : value)) ?? 'null',
      );
      const { text, values } = summarize({ type, payload: sent });
      assert.ok(text.length <= 241);
      for (const { alias, value } of values) assert.ok(alias.length <= 241 && value.length <= 241);
      refusedOf(sent);
    }),
  );
});

test('an import is of many devices, so that it does not lack one', () => {
  assert.equal(isOfMany({ type: 'whitelisted', payload: { count: 4, name: 'lot' } }), true);
  assert.equal(isOfMany({ type: 'refused', payload: { rule: 'CREDENTIAL_MISSING' } }), false);
});
