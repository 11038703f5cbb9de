/** The rules of the management API as a table of states and wishes, without any store. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { defaultSettings } from './connector.ts';
import { type Credential, type Device, newDevice, statusOf } from './device.ts';
import { AppError } from './errors.ts';
import {
  type Actor,
  type Decision,
  type DevicePatch,
  mergeTags,
  patchDevice,
  removeDevice,
  removeTag,
  replaceTags,
  whitelist,
  windowEnd,
} from './operations.ts';

const NOW = 1_800_000_000_000_000;
const HOUR = 3_600_000_000;
const settings = defaultSettings('test');
const actor: Actor = { who: 'me', now: NOW, origin: { ip: '10.0.0.1', protocol: null, connectionId: null } };
const token = (digest: string): Credential => ({ type: 'token', digest });

const entry: Device = { ...newDevice('d', 1), expiresAt: NOW + HOUR };
const provisioned: Device = { ...newDevice('d', 1), credential: token('a'), provisionedAt: 2 };
const types = (decision: Decision<unknown>) => (decision.events ?? []).map(({ type }) => type);
const patched = (device: Device, patch: DevicePatch) => patchDevice(device, patch, actor).device!;

test('a new entry has the window asked for, else that of the connector', () => {
  assert.equal(whitelist(null, { identity: 'd' }, settings, false, actor).device?.expiresAt, windowEnd(settings, NOW));
  assert.equal(windowEnd(settings, NOW), NOW + 24 * HOUR);
  assert.equal(whitelist(null, { identity: 'd', expire: NOW + 5 }, settings, false, actor).device?.expiresAt, NOW + 5);
  const odd = structuredClone(settings);
  odd.provisioning.expire_hours = 1 / 3;
  assert.ok(Number.isSafeInteger(windowEnd(odd, NOW)));
});

test('the format of identities binds new ones only', () => {
  const base10 = structuredClone(settings);
  base10.identity_format.type = 'base10';
  assert.throws(() => whitelist(null, { identity: 'd' }, base10, true, actor), { code: 'IDENTITY_FORMAT' });
  assert.equal(whitelist(entry, { identity: 'd' }, base10, true, actor).answer, false);
});

test('a credential given beforehand is provisioned at once, and ends when asked', () => {
  const request = { identity: 'd', credential: token('b') };
  const decision = whitelist(null, request, settings, false, actor);
  assert.deepEqual(types(decision), ['whitelisted', 'provisioned']);
  assert.equal(statusOf(decision.device!, NOW), 'provisioned');
  assert.deepEqual([decision.device?.expiresAt, decision.device?.provisionedAt], [null, NOW]);
  const ends = whitelist(null, { ...request, expire: NOW + 5 }, settings, false, actor).device!;
  assert.deepEqual([ends.expiresAt, statusOf(ends, NOW + 5)], [NOW + 5, 'expired']);
  const revoked = whitelist(null, { ...request, expire: 0 }, settings, false, actor);
  assert.deepEqual([revoked.device?.credential, types(revoked)], [null, ['whitelisted']]);
});

test('an upsert keeps the credential, unless another is given', () => {
  const kept = whitelist(provisioned, { identity: 'd', tags: { a: ['1'] } }, settings, true, actor);
  assert.deepEqual(kept.device, { ...provisioned, tags: { a: ['1'] } });
  assert.deepEqual(types(kept), []);
  const same = whitelist(provisioned, { identity: 'd', credential: token('a') }, settings, true, actor);
  assert.deepEqual([same.device, types(same)], [provisioned, []]);
  const other = whitelist(provisioned, { identity: 'd', credential: token('b') }, settings, true, actor);
  assert.deepEqual([other.device?.credential, types(other)], [token('b'), ['provisioned']]);
});

test('an upsert opens the window of an entry again', () => {
  const closed = { ...entry, expiresAt: 0 };
  const decision = whitelist(closed, { identity: 'd' }, settings, true, actor);
  assert.deepEqual([decision.device?.expiresAt, types(decision)], [windowEnd(settings, NOW), ['whitelisted']]);
});

test('revoking takes the credential, the one before it, and the permission to provision again', () => {
  const before = { ...provisioned, reprovision: true, previous: { credential: token('z'), until: NOW + HOUR } };
  const decision = patchDevice(before, { expire: 0 }, actor);
  assert.deepEqual(decision.device, { ...provisioned, credential: null, provisionedAt: null, expiresAt: 0 });
  assert.deepEqual(types(decision), ['revoked']);
  assert.deepEqual(types(patchDevice(decision.device!, { expire: 0 }, actor)), []);
});

test('a later expire opens a closed window, and moves the end of a credential', () => {
  const closed = { ...entry, expiresAt: NOW };
  assert.deepEqual(types(patchDevice(closed, { expire: NOW + 1 }, actor)), ['whitelisted']);
  assert.deepEqual(types(patchDevice(entry, { expire: NOW + 1 }, actor)), []);
  const ends = patchDevice(provisioned, { expire: NOW + 1 }, actor);
  assert.deepEqual([ends.device, types(ends)], [{ ...provisioned, expiresAt: NOW + 1 }, []]);
  assert.equal(patched(ends.device!, { expire: null }).expiresAt, null);
});

test('only a provisioned device can be told to provision again', () => {
  assert.deepEqual(types(patchDevice(provisioned, { reprovision: true }, actor)), ['reprovision']);
  assert.throws(() => patchDevice(entry, { reprovision: true }, actor), { code: 'STATE_CONFLICT' });
  assert.throws(() => patchDevice(provisioned, { expire: 0, reprovision: true }, actor), { code: 'STATE_CONFLICT' });
});

test('tags: merged by name, replaced as a whole, removed by name', () => {
  const device = { ...entry, tags: { a: ['1'], b: ['2'] } };
  assert.deepEqual(patched(device, { tags: { a: [], c: ['3', '3'] } }).tags, { b: ['2'], c: ['3'] });
  assert.deepEqual(replaceTags(device, { c: ['3'], d: [] }).device?.tags, { c: ['3'] });
  assert.deepEqual(removeTag(device, 'a').device?.tags, { b: ['2'] });
  assert.throws(() => removeTag(device, 'toString'), { code: 'TAG_UNKNOWN' });
  assert.deepEqual(Object.keys(mergeTags({}, JSON.parse('{"__proto__":["x"]}'))), ['__proto__']);
});

test('what is not there can be neither changed nor removed', () => {
  for (const act of [
    () => patchDevice(null, {}, actor),
    () => removeDevice(null, actor),
    () => replaceTags(null, {}),
    () => removeTag(null, 'a'),
  ]) {
    assert.throws(act, { code: 'DEVICE_UNKNOWN' });
  }
  assert.deepEqual(types(removeDevice(entry, actor)), ['deleted']);
});

test('after any row of changes: a revoked device holds no credential, nothing is changed in place, a repeat says nothing new', () => {
  const step = fc.record(
    {
      locked: fc.boolean(),
      reprovision: fc.boolean(),
      expire: fc.constantFrom(0, NOW - 1, NOW + 1, null),
      tags: fc.dictionary(fc.constantFrom('a', 'b'), fc.array(fc.constantFrom('1', '2'), { maxLength: 2 })),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.constantFrom(entry, provisioned), fc.array(step, { maxLength: 8 }), (start, steps) => {
      let device = start;
      for (const patch of steps) {
        const before = structuredClone(device);
        try {
          const decision = patchDevice(device, patch, actor);
          assert.deepEqual(device, before);
          device = decision.device!;
          assert.deepEqual(types(patchDevice(device, { ...patch, reprovision: device.reprovision }, actor)), []);
        } catch (error) {
          if (!(error instanceof AppError && error.code === 'STATE_CONFLICT')) throw error;
        }
        if (device.expiresAt === 0) assert.deepEqual([device.credential, device.previous], [null, null]);
        if (device.reprovision) assert.ok(device.credential !== null);
      }
    }),
  );
});
