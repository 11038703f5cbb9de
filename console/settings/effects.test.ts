/** What a change is said to affect, and what not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultSettings } from '../../src/domain/connector.ts';
import { type Effect, effectsOf } from './effects.ts';
import { type Values, valuesOf } from './values.ts';

const values = valuesOf(defaultSettings('Pump'));
const told = (change: Partial<Values>, before: Partial<Values> = {}) => {
  const from = { ...values, ...before };
  return effectsOf(from, { ...from, ...change }, (pem) => (pem === 'A' ? 'CN=A' : undefined));
};
const texts = (effects: readonly Effect[], kind: Effect['kind']) =>
  effects.filter((effect) => effect.kind === kind).map(({ text }) => text);

test('nothing changed affects nothing', () => assert.deepEqual(told({}), []));

test('authentication counts for new devices; the others keep their credential', () => {
  const effects = told({ 'provisioning.auth_type': 'certificate' });
  assert.deepEqual(texts(effects, 'affects'), ['Devices that provision from now on get a TLS client certificate.']);
  assert.deepEqual(texts(effects, 'keeps'), ['Devices already provisioned keep their credential.']);
});

test('several fields of the identity format are told once, in words; known identities keep working', () => {
  const effects = told({ 'identity_format.type': 'base10', 'identity_format.options.length': 8 });
  assert.deepEqual(texts(effects, 'affects'), ['New identities must fit: 8 characters, each 0-9.']);
  assert.equal(texts(effects, 'keeps').length, 1);
  assert.equal(told({ 'identity_format.options.length': Number.NaN }).length, 2);
});

test('provisioning switched off shuts new devices out, not provisioned ones', () => {
  const effects = told({ 'provisioning.enabled': false });
  assert.match(texts(effects, 'warns')[0]!, /No device can provision/);
  assert.deepEqual(texts(effects, 'keeps'), ['Devices already provisioned go on.']);
});

test('self-registration is warned of, and differently where certificates must lead to a CA', () => {
  const open = texts(told({ 'provisioning.presenter_identity': true }), 'warns')[0]!;
  const closed = told(
    { 'provisioning.presenter_identity': true },
    { 'pki.enabled': true, 'provisioning.auth_type': 'certificate' },
  );
  assert.doesNotMatch(open, /CA/);
  assert.match(texts(closed, 'warns')[0]!, /leads to one of the CAs/);
});

test('an empty list of addresses is warned of', () => {
  assert.match(texts(told({ 'provisioning.ip_whitelisting.enabled': true }), 'warns')[0]!, /empty/);
  const filled = { 'provisioning.ip_whitelisting.enabled': true, 'provisioning.ip_whitelisting.allowed': ['10.0.0.1'] };
  assert.deepEqual(texts(told(filled), 'warns'), []);
});

test('a removed CA refuses its devices from now on, by its name', () => {
  const effects = told({ 'pki.client_ca': ['B'] }, { 'pki.enabled': true, 'pki.client_ca': ['A', 'B'] });
  assert.match(texts(effects, 'warns')[0]!, /CN=A are refused from now on/);
  assert.deepEqual(texts(told({ 'pki.client_ca': [] }, { 'pki.client_ca': ['A'] }), 'warns'), [], 'PKI is off');
});

for (const [before, after, loses] of [
  [30, 7, true],
  [0, 90, true],
  [7, 30, false],
  [30, 0, false],
] as const) {
  test(`events kept ${after} days instead of ${before} ${loses ? 'are lost for good' : 'lose nothing'}`, () => {
    const effects = told({ 'retention.events_days': after }, { 'retention.events_days': before });
    assert.equal(texts(effects, 'loses').length, loses ? 1 : 0);
  });
}
