/** Refusals in words: every one has some, and buttons are offered where they help. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultSettings } from '../../src/domain/connector.ts';
import { tellingCodes } from '../../src/domain/refusals.ts';
import type { Identity, Settings } from '../api/types.ts';
import {
  type Attempt,
  goneOf,
  groupAttempts,
  labelOf,
  type Refused,
  remediesOf,
  roleFor,
  ruleOf,
  rules,
} from './rules.ts';

const now = 1_700_000_000_000_000;
const hour = 3_600_000_000;

const refused = (rule: string, seen: string | null = null): Refused => ({ rule, seen, wanted: null, message: null });
const settings = (provisioning: object = {}, more: object = {}): Settings => {
  const given = defaultSettings('Test');
  return { ...given, ...more, provisioning: { ...given.provisioning, ...provisioning } } as unknown as Settings;
};
const device = (given: Partial<Identity> = {}): Identity => ({
  identity: '00000001',
  auth: { type: 'token', expire: now + hour },
  state: {},
  locked: false,
  reprovision: false,
  devmode: false,
  status: 'whitelisted',
  online: false,
  lastip: null,
  lastseen: null,
  created: now,
  provisioned_at: null,
  tags: {},
  batch: null,
  credential: null,
  ...given,
});
const standing = (found: Identity | null | undefined, given: Settings | undefined = settings()) => ({
  identity: '00000001',
  device: found,
  settings: given,
  now,
});
const kinds = (rule: string, at: ReturnType<typeof standing>, seen: string | null = null) =>
  remediesOf(refused(rule, seen), at).map(({ kind }) => kind);

test('every refusal that is told of a device has a row, and no row is left over', () => {
  assert.deepEqual(Object.keys(rules).sort(), [...tellingCodes].sort());
  for (const [code, { title, explanation, advice }] of Object.entries(rules)) {
    assert.match(title, /^[A-Z][^.]+$/, code);
    assert.match(explanation, /^[A-Z].+\.$/s, code);
    assert.match(advice, /^[A-Z].+\.$/s, code);
  }
});

test('a refusal of another kind has the words of the catalogue, and an unknown one those of the server', () => {
  assert.equal(ruleOf(refused('ALIAS_INVALID')).title, 'An alias is not valid');
  assert.equal(ruleOf({ ...refused('NEW_ONE'), message: 'Something new.' }).explanation, 'Something new.');
  assert.equal(ruleOf({ rule: null, seen: null, wanted: null, message: null }).title, 'The request was refused');
  assert.equal(ruleOf(refused('toString')).title, 'The request was refused');
});

test('an unknown identity can be whitelisted, a known one not', () => {
  assert.deepEqual(kinds('IDENTITY_UNKNOWN', standing(null)), ['whitelist', 'settings']);
  assert.deepEqual(kinds('IDENTITY_UNKNOWN', standing(device())), ['settings']);
  assert.deepEqual(kinds('IDENTITY_UNKNOWN', standing(undefined)), ['settings'], 'nobody has looked yet');
  assert.equal(goneOf(refused('IDENTITY_UNKNOWN'), standing(null)), null);
  assert.equal(goneOf(refused('IDENTITY_UNKNOWN'), standing(device())), 'The identity is known by now.');
});

test('a locked device can be unlocked, until it is', () => {
  assert.deepEqual(kinds('DEVICE_LOCKED', standing(device({ locked: true, status: 'locked' }))), ['unlock']);
  assert.deepEqual(kinds('DEVICE_LOCKED', standing(device())), []);
  assert.equal(goneOf(refused('DEVICE_LOCKED'), standing(device())), 'It is not locked any more.');
});

test('a closed window opens again; where there is a credential, that lives on instead', () => {
  const closed = device({ status: 'expired', auth: { type: 'token', expire: now - 1 } });
  assert.deepEqual(kinds('WINDOW_CLOSED', standing(closed)), ['reopen']);
  assert.deepEqual(kinds('WINDOW_CLOSED', standing({ ...closed, auth: { type: 'token', expire: 0 } })), ['reopen']);
  const ended = { ...closed, credential: { type: 'token' as const } };
  assert.deepEqual(kinds('WINDOW_CLOSED', standing(ended)), ['keep']);
  assert.deepEqual(kinds('CREDENTIAL_EXPIRED', standing(ended)), ['keep']);
  assert.equal(goneOf(refused('WINDOW_CLOSED'), standing(closed)), null);
  assert.equal(goneOf(refused('WINDOW_CLOSED'), standing(device())), 'The window is open again.');
  const provisioned = device({ status: 'provisioned', auth: { type: 'token' }, credential: { type: 'token' } });
  assert.equal(goneOf(refused('WINDOW_CLOSED'), standing(provisioned)), 'The device is provisioned by now.');
  assert.equal(goneOf(refused('CREDENTIAL_EXPIRED'), standing(provisioned)), 'The credential is valid again.');
});

test('a provisioned device may be allowed to provision once more, once', () => {
  const provisioned = device({ status: 'provisioned', auth: { type: 'token' }, credential: { type: 'token' } });
  assert.deepEqual(kinds('ALREADY_PROVISIONED', standing(provisioned)), ['reprovision']);
  assert.deepEqual(kinds('CREDENTIAL_INVALID', standing(provisioned)), ['reprovision']);
  const allowed = { ...provisioned, status: 'reprovision' as const, reprovision: true };
  assert.deepEqual(kinds('ALREADY_PROVISIONED', standing(allowed)), []);
  assert.match(goneOf(refused('ALREADY_PROVISIONED'), standing(allowed)) ?? '', /once more/);
  assert.match(goneOf(refused('ALREADY_PROVISIONED'), standing(device())) ?? '', /no credential/);
});

test('settings that refuse are mended where they still refuse', () => {
  assert.deepEqual(kinds('PROVISIONING_DISABLED', standing(null, settings({ enabled: false }))), [
    'switch-on',
    'settings',
  ]);
  assert.deepEqual(kinds('PROVISIONING_DISABLED', standing(null)), ['settings']);
  const restricted = (allowed: string[]) => settings({ ip_whitelisting: { enabled: true, allowed } });
  const [allow] = remediesOf(refused('ADDRESS_NOT_ALLOWED', '10.1.2.3'), standing(null, restricted(['10.0.0.1'])));
  assert.equal(allow && labelOf(allow), 'Allow 10.1.2.3');
  assert.deepEqual(kinds('ADDRESS_NOT_ALLOWED', standing(null, restricted(['10.1.2.3'])), '10.1.2.3'), ['settings']);
  assert.equal(
    goneOf(refused('ADDRESS_NOT_ALLOWED', '10.1.2.3'), standing(null, restricted(['10.1.2.3']))),
    'The address is allowed by now.',
  );
  assert.match(goneOf(refused('ADDRESS_NOT_ALLOWED', '10.1.2.3'), standing(null)) ?? '', /not restricted/);
});

test('a device that brings another proof may be let in by that one', () => {
  const [take] = remediesOf(refused('PASSWORD_NOT_WANTED'), standing(device()));
  assert.deepEqual(take && labelOf(take), 'Let this device provision by password');
  assert.deepEqual(kinds('PASSWORD_NOT_WANTED', standing(device({ auth: { type: 'password' } }))), ['settings']);
  assert.deepEqual(kinds('CERTIFICATE_REQUIRED', standing(null)), ['settings'], 'it registered itself');
});

test('an identity that fits the format by now is said to', () => {
  const numbers = settings(
    {},
    { identity_format: { type: 'base10', prefix: '', options: { casing: 'mixed', length: 4 } } },
  );
  assert.equal(goneOf(refused('IDENTITY_FORMAT'), standing(null, numbers)), null);
  assert.equal(goneOf(refused('IDENTITY_FORMAT'), standing(null)), 'The identity fits the format by now.');
});

test('settings are for admins, devices for operators, pages for all to look at', () => {
  assert.equal(roleFor({ kind: 'unlock' }), 'operator');
  assert.equal(roleFor({ kind: 'allow-address', address: '::1' }), 'admin');
  assert.equal(roleFor({ kind: 'settings', section: 'pki' }), 'viewer');
});

test('attempts that failed alike are one line', () => {
  const attempt = (timestamp: number, rule: string, wanted: string | null = null): Attempt => ({
    ...refused(rule),
    wanted,
    timestamp,
    ip: '::1',
  });
  const groups = groupAttempts([
    attempt(9, 'IDENTITY_UNKNOWN'),
    attempt(8, 'IDENTITY_UNKNOWN'),
    attempt(7, 'DEVICE_LOCKED'),
    attempt(6, 'IDENTITY_UNKNOWN'),
    attempt(5, 'CERTIFICATE_EXPIRED', 'the clock reads 5'),
    attempt(4, 'CERTIFICATE_EXPIRED', 'the clock reads 4'),
  ]);
  assert.deepEqual(
    groups.map(({ last, first, count }) => [last.timestamp, first, count]),
    [
      [9, 8, 2],
      [7, 7, 1],
      [6, 6, 1],
      [5, 4, 2],
    ],
  );
  assert.deepEqual(groupAttempts([]), []);
});
