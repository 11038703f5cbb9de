import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type ConnectorSettings, defaultSettings, eventTypes } from './connector.ts';
import { AppError } from './errors.ts';
import { type CheckPem, checkSettings, mergeSettings, type SettingsPatch } from './settings.ts';

/** PEM itself is judged in pki.ts; here it matters only what becomes of the answer. */
const checkPem: CheckPem = {
  ca: (pem) => (pem === 'a CA' ? null : new AppError('PEM_INVALID', { seen: 'no CA' })),
  crl: (pem) => (pem === 'a list' ? null : new AppError('PEM_INVALID')),
};

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(freeze);
  return value;
}

const current = freeze(
  mergeSettings(defaultSettings('Thermostats', 'in the hall'), {
    resources: { temperature: { format: 'number', unit: '°C' } },
    provisioning: { ip_whitelisting: { allowed: ['10.0.0.0/8'] } },
  }),
);

describe('a patch', () => {
  test('changes what it names and leaves the rest', () => {
    const merged = mergeSettings(current, {
      description: 'outside',
      identity_format: { options: { length: 8 } },
      provisioning: { presenter_identity: true },
    });
    assert.deepEqual(merged, {
      ...current,
      description: 'outside',
      identity_format: { type: 'opaque', prefix: '', options: { casing: 'mixed', length: 8 } },
      provisioning: { ...current.provisioning, presenter_identity: true },
    });
  });

  test('replaces arrays', () => {
    const merged = mergeSettings(current, { provisioning: { ip_whitelisting: { enabled: true, allowed: ['::1'] } } });
    assert.deepEqual(merged.provisioning.ip_whitelisting, { enabled: true, allowed: ['::1'] });
  });

  test('replaces the whole set of resources and fills in what each leaves out', () => {
    const merged = mergeSettings(current, {
      resources: { led: { settable: true }, door: { format: 'boolean', sync: true } },
    });
    const plain = { format: 'string', unit: '', settable: false, allowed: [], initial: null, sync: false };
    assert.deepEqual(merged.resources, {
      led: { ...plain, settable: true, sync: true },
      door: { ...plain, format: 'boolean', sync: true },
    });
  });

  test('that is empty or undefined changes nothing', () => {
    assert.deepEqual(mergeSettings(current, {}), current);
    assert.deepEqual(mergeSettings(current, { name: undefined, provisioning: undefined }), current);
  });

  test('shares nothing with what it was merged from', () => {
    const patch = { provisioning: { ip_whitelisting: { allowed: ['::1'] } }, resources: { led: { allowed: ['on'] } } };
    const merged = mergeSettings(current, patch);
    merged.provisioning.ip_whitelisting.allowed.push('::2');
    merged.resources.led!.allowed.push('off');
    merged.events.types.pop();
    assert.deepEqual(patch, {
      provisioning: { ip_whitelisting: { allowed: ['::1'] } },
      resources: { led: { allowed: ['on'] } },
    });
    const copy = mergeSettings(current, {});
    copy.resources.temperature!.unit = 'K';
    assert.equal(current.resources.temperature!.unit, '°C');
  });

  test('never reaches a prototype, and settings get no field that is none', () => {
    const shape = (value: unknown): unknown =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shape(inner)]))
        : typeof value;
    const evil = fc.constantFrom('__proto__', 'constructor', 'prototype', 'toString', 'enabled', 'provisioning');
    const json = fc.letrec((tie) => ({
      node: fc.oneof({ depthSize: 'small' }, fc.boolean(), fc.dictionary(evil, tie('node'), { noNullPrototype: true })),
    })).node;
    fc.assert(
      fc.property(fc.dictionary(evil, json), (patch) => {
        const merged = mergeSettings(defaultSettings('x'), JSON.parse(JSON.stringify(patch)) as SettingsPatch);
        assert.equal(Object.getPrototypeOf(merged), Object.prototype);
        assert.deepEqual(Object.keys(merged), Object.keys(defaultSettings('x')));
        assert.equal(({} as { enabled?: unknown }).enabled, undefined);
        assert.deepEqual(Object.keys(Object.prototype), []);
      }),
    );
    const merged = mergeSettings(
      current,
      JSON.parse('{"__proto__":{"name":"x"},"pki":{"__proto__":{"enabled":true}}}'),
    );
    assert.deepEqual(shape(merged), shape(current));
    assert.equal(merged.pki.enabled, false);
  });

  test('cannot smuggle in a resource named __proto__', () => {
    const merged = mergeSettings(current, JSON.parse('{"resources":{"__proto__":{"unit":"x"}}}'));
    assert.equal(Object.getPrototypeOf(merged.resources), Object.prototype);
    assert.deepEqual(
      checkSettings(merged, checkPem).map((fault) => fault.path),
      ['resources.__proto__'],
    );
  });
});

describe('settings', () => {
  test('as they are at first are good', () => {
    assert.deepEqual(checkSettings(defaultSettings('x'), checkPem), []);
    assert.deepEqual(checkSettings(current, checkPem), []);
  });

  const good: [string, SettingsPatch][] = [
    ['an identity of 256 bytes', { identity_format: { prefix: 'é', options: { length: 254 } } }],
    ['the longest prefix of a UUID', { identity_format: { type: 'uuid', prefix: 'x'.repeat(220) } }],
    ['half an hour', { provisioning: { expire_hours: 0.5 } }],
    ['ten years', { provisioning: { expire_hours: 87_600 } }],
    ['PKI with a CA and a list', { pki: { enabled: true, client_ca: ['a CA'], crl: ['a list'] } }],
    ['no event types', { events: { types: [] } }],
    ['1000 resources', { resources: Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`r${i}`, {}])) }],
    ['a description of several lines', { description: 'a\r\n\tb' }],
  ];
  for (const [what, patch] of good) {
    test(`may have ${what}`, () => assert.deepEqual(checkSettings(mergeSettings(current, patch), checkPem), []));
  }

  const bad: [string, SettingsPatch, string[]][] = [
    ['no name', { name: ' ' }, ['name']],
    ['an endless name', { name: 'x'.repeat(129) }, ['name']],
    ['a control character in the name', { name: 'a\0' }, ['name']],
    ['an endless description', { description: 'x'.repeat(2001) }, ['description']],
    ['a control character in the description', { description: 'a\0' }, ['description']],
    ['an unknown identity type', { identity_format: { type: 'imei' as 'mac' } }, ['identity_format.type']],
    [
      'an inherited property as identity type',
      { identity_format: { type: 'toString' as 'mac' } },
      ['identity_format.type'],
    ],
    [
      'an unknown casing',
      { identity_format: { options: { casing: 'title' as 'lower' } } },
      ['identity_format.options.casing'],
    ],
    ['a control character in the prefix', { identity_format: { prefix: 'a\n' } }, ['identity_format.prefix']],
    ['a prefix that begins with a space', { identity_format: { prefix: ' a' } }, ['identity_format.prefix']],
    ['a prefix that leaves no room', { identity_format: { prefix: 'x'.repeat(256) } }, ['identity_format.prefix']],
    [
      'a prefix that leaves no room for a UUID',
      { identity_format: { type: 'uuid', prefix: 'x'.repeat(221) } },
      ['identity_format.prefix'],
    ],
    [
      'a length beyond 256 with the prefix',
      { identity_format: { prefix: 'é', options: { length: 255 } } },
      ['identity_format.prefix'],
    ],
    ['a broken length', { identity_format: { options: { length: 1.5 } } }, ['identity_format.options.length']],
    ['a length below 0', { identity_format: { options: { length: -1 } } }, ['identity_format.options.length']],
    ['a length of 257', { identity_format: { options: { length: 257 } } }, ['identity_format.options.length']],
    ['an unknown way to authenticate', { provisioning: { auth_type: 'magic' as 'token' } }, ['provisioning.auth_type']],
    ['a window of no length', { provisioning: { expire_hours: 0 } }, ['provisioning.expire_hours']],
    ['a window that is no number', { provisioning: { expire_hours: Number.NaN } }, ['provisioning.expire_hours']],
    ['a window beyond ten years', { provisioning: { expire_hours: 87_601 } }, ['provisioning.expire_hours']],
    [
      'ranges that are none',
      { provisioning: { ip_whitelisting: { allowed: ['10.0.0.0/8', '10.0.0.0/33', 'x'] } } },
      ['provisioning.ip_whitelisting.allowed[1]', 'provisioning.ip_whitelisting.allowed[2]'],
    ],
    [
      'too many ranges',
      { provisioning: { ip_whitelisting: { allowed: Array.from({ length: 1001 }, () => '::1') } } },
      ['provisioning.ip_whitelisting.allowed'],
    ],
    ['PKI without a CA', { pki: { enabled: true } }, ['pki.enabled']],
    ['a CA that is none', { pki: { client_ca: ['a CA', 'a key'] } }, ['pki.client_ca[1]']],
    ['an endless CA', { pki: { client_ca: ['x'.repeat(1_048_577)] } }, ['pki.client_ca[0]']],
    ['a list that is none', { pki: { crl: ['a CA'] } }, ['pki.crl[0]']],
    ['too many CAs', { pki: { client_ca: Array.from({ length: 101 }, () => 'a CA') } }, ['pki.client_ca']],
    ['an unknown event type', { events: { types: ['data_in', 'rain' as 'publish'] } }, ['events.types[1]']],
    [
      'more event types than there are',
      { events: { types: Array.from({ length: eventTypes.length + 1 }, () => 'publish' as const) } },
      ['events.types'],
    ],
    [
      'time that runs backwards',
      { retention: { events_days: -1, expired_days: Number.NaN } },
      ['retention.events_days', 'retention.expired_days'],
    ],
    ['files of no bytes', { content: { device_upload_bytes: 0 } }, ['content.device_upload_bytes']],
    ['files of devices over 3 MiB', { content: { device_upload_bytes: 3_145_729 } }, ['content.device_upload_bytes']],
    ['a broken rate', { limits: { requests_per_minute: 0.5 } }, ['limits.requests_per_minute']],
    [
      '1001 resources',
      { resources: Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [`r${i}`, {}])) },
      ['resources'],
    ],
    ['a bad resource', { resources: { 'a.b': {}, a: { initial: 'x' } } }, ['resources.a.b', 'resources.a.initial']],
  ];
  for (const [what, patch, paths] of bad) {
    test(`may not have ${what}: ${paths.join(', ')}`, () => {
      const faults = checkSettings(mergeSettings(current, patch), checkPem);
      assert.deepEqual(
        faults.map((fault) => fault.path),
        paths,
      );
      for (const { seen, wanted } of faults) assert.ok(seen.length > 0 && seen.length <= 201 && wanted.length > 0);
    });
  }

  test('are not repeated where a certificate should be: it may be a private key', () => {
    const settings: ConnectorSettings = mergeSettings(current, { pki: { client_ca: ['-----BEGIN PRIVATE KEY-----'] } });
    assert.doesNotMatch(JSON.stringify(checkSettings(settings, checkPem)), /PRIVATE/);
  });
});
