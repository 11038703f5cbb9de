/** The small rules of the form: faults, pasted texts, dates, words, and what an address may ask for. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultSettings } from '../../src/domain/connector.ts';
import { readAddresses } from './address-list.ts';
import { describeFault, faultsIn, joinFaults } from './faults.ts';
import { blocksIn, holdsPrivateKey } from './pem.ts';
import { readSettingsSearch } from './search.ts';
import { judgeValidity } from './validity.ts';
import { pathOfFault, valuesOf } from './values.ts';
import { inWords, listed } from './words.ts';

const values = valuesOf(defaultSettings('Pump'));
const DAY = 86_400_000_000;

test('what is typed is judged by the rules that the server saves by', () => {
  assert.deepEqual(faultsIn(values), []);
  const faults = faultsIn({
    ...values,
    name: ' ',
    'identity_format.options.length': Number.NaN,
    'provisioning.expire_hours': 0,
    'provisioning.ip_whitelisting.allowed': ['10.0.0.0/8', '10.0.0'],
    'pki.enabled': true,
  });
  const where = ['name', 'identity_format.options.length', 'provisioning.expire_hours'];
  assert.deepEqual(
    faults.map(({ path }) => path),
    [...where, 'provisioning.ip_whitelisting.allowed[1]', 'pki.enabled'],
  );
  assert.match(describeFault(faults[1]!), /this is not a number/);
});

test('a fault that the form knows itself is not told twice', () => {
  const own = [{ path: 'name', seen: 'nothing', expected: 'a name' }];
  const refused = [
    { path: 'name', seen: 'x', expected: 'y' },
    { path: 'pki.client_ca[0]', seen: 'x', expected: 'y' },
  ];
  assert.deepEqual(joinFaults(own, refused), [own[0], refused[1]]);
});

test('a fault of an entry belongs to the field of its list; one that the form has not belongs to none', () => {
  assert.equal(pathOfFault('pki.client_ca[12]'), 'pki.client_ca');
  assert.equal(pathOfFault('resources.a.unit'), null);
});

test('addresses are taken one by one or as a whole list; what is none is told apart', () => {
  assert.deepEqual(readAddresses(' 10.0.0.1, 10.0.0.1\n2001:db8::/32;10.0.0 '), {
    good: ['10.0.0.1', '2001:db8::/32'],
    bad: ['10.0.0'],
  });
  assert.deepEqual(readAddresses('  '), { good: [], bad: [] });
});

test('the blocks of a pasted text are taken apart, with what stands between them left out', () => {
  const block = (body: string) => `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----`;
  const text = `Subject: A\n${block('A')}\nSubject: B\n${block('B')}\n${block('A')}`;
  assert.deepEqual(blocksIn(text, 'CERTIFICATE'), [`${block('A')}\n`, `${block('B')}\n`]);
  assert.deepEqual(blocksIn(text, 'X509 CRL'), [text]);
  assert.equal(holdsPrivateKey(text), false);
  assert.equal(holdsPrivateKey(`${text}\n-----BEGIN EC PRIVATE KEY-----\n`), true);
});

test('days left are counted, and the last of them stand out', () => {
  const judge = (now: number) => judgeValidity(1000 * DAY, 2000 * DAY, now * DAY);
  assert.deepEqual(judge(999), { state: 'early', text: 'begins in 1 day' });
  assert.deepEqual(judge(1000), { state: 'good', text: '1,000 days left' });
  assert.deepEqual(judge(1999), { state: 'soon', text: '1 day left' });
  assert.deepEqual(judge(2003), { state: 'over', text: 'ended 3 days ago' });
});

test('values are told in the words of the form', () => {
  assert.equal(inWords('identity_format.type', 'base10'), 'Base 10');
  assert.equal(inWords('identity_format.options.length', 0), 'any');
  assert.equal(inWords('retention.events_days', 0), 'forever');
  assert.equal(inWords('retention.events_days', 1), '1 day');
  assert.equal(inWords('description', ''), 'none');
  assert.equal(listed(['a', 'b', 'c']), 'a, b and c');
});

test('an address may name a section and a dialog; anything else in it is left out', () => {
  assert.deepEqual(readSettingsSearch({ section: 'pki', dialog: 'add-ca' }), { section: 'pki', dialog: 'add-ca' });
  assert.deepEqual(readSettingsSearch({ section: '<b>', dialog: 7 }), { section: undefined, dialog: undefined });
});
