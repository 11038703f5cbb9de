/** Connectors and their settings. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Factory, openFactory } from '../helpers/authority.ts';
import { deviceUrl, startApi, type TestApi } from './harness.ts';

let api: TestApi;
let factory: Factory;
before(async () => {
  api = await startApi();
  factory = openFactory();
});
after(async () => {
  factory.remove();
  await api.close();
});

test('a new connector has an id that is a host name label, and its address', async () => {
  const before = Date.now() * 1000;
  const { status, body } = await api.call('POST', '/api:1/connectors', { name: 'Pumps', description: 'Line 4' });
  assert.equal(status, 201);
  assert.match(body.id, /^[a-z][a-z0-9]{15}$/);
  assert.ok(body.created >= before);
  const { id, created } = body;
  const url = deviceUrl(id);
  assert.deepEqual(body, { id, name: 'Pumps', description: 'Line 4', fqdn: `${id}.m2.localhost`, url, created });
  assert.deepEqual((await api.call('GET', `/api:1/connectors/${id}`)).body, body);
  const listed = (await api.call('GET', '/api:1/connectors/')).body;
  assert.ok(listed.some((connector: { id: string }) => connector.id === id));
  assert.ok((await api.call('GET', '/api:1/users/me')).body.connectors.includes(id));
});

test('a connector can be renamed, and its settings say so', async () => {
  const { id, base } = await api.connector();
  const renamed = await api.call('PATCH', `/api:1/connectors/${id}`, { name: 'Valves' });
  assert.equal(renamed.body.name, 'Valves');
  assert.equal((await api.call('GET', base)).body.name, 'Valves');
});

test('deleting a connector needs its name', async () => {
  const { id, name, base } = await api.connector();
  const path = `/api:1/connectors/${id}`;
  for (const query of ['', '?confirm=', '?confirm=other']) {
    const refused = await api.call('DELETE', path + query);
    assert.equal(refused.body.code, 'CONFIRM_MISSING', query);
  }
  assert.equal((await api.call('DELETE', `${path}?confirm=${encodeURIComponent(name)}`)).status, 204);
  for (const gone of [path, base, `${base}/identity/`]) {
    assert.equal((await api.call('GET', gone)).body.code, 'CONNECTOR_UNKNOWN', gone);
  }
});

test('the settings have the shape that the tools expect', async () => {
  const { id, name, base } = await api.connector();
  const { body } = await api.call('GET', base);
  assert.equal(body.name, name);
  assert.equal(body.fqdn, `${id}.m2.localhost`);
  assert.deepEqual(body.protocol, { name: 'onep:v1/http', devmode: false, port: '8443', client_ca: null });
  assert.deepEqual(body.identity_format, { type: 'opaque', prefix: '', options: { casing: 'mixed', length: 0 } });
  assert.equal(body.provisioning.expire_hours, 24);
  assert.deepEqual(body.resources, {});
});

test('a patch is merged deeply, and `resources` replaces the whole set', async () => {
  const { base } = await api.connector({ resources: { old: {} }, provisioning: { enabled: false } });
  const { status, body } = await api.call('PATCH', base, {
    identity_format: { options: { length: 8 } },
    provisioning: { ip_whitelisting: { allowed: ['10.0.0.0/8'] } },
    resources: { temperature: { format: 'number', unit: 'C', settable: true, allowed: ['-40..125'] } },
  });
  assert.equal(status, 200);
  assert.deepEqual(body.identity_format.options, { casing: 'mixed', length: 8 });
  assert.equal(body.provisioning.enabled, false);
  assert.deepEqual(body.provisioning.ip_whitelisting, { enabled: false, allowed: ['10.0.0.0/8'] });
  assert.deepEqual(body.resources, {
    temperature: { format: 'number', unit: 'C', settable: true, allowed: ['-40..125'], initial: null, sync: true },
  });
  assert.deepEqual((await api.call('GET', base)).body, body);
});

test('what GET gave may be sent back whole, and changes nothing', async () => {
  const { base } = await api.connector({ resources: { a: { unit: 'V' } } });
  const { body } = await api.call('GET', base);
  assert.deepEqual((await api.call('PATCH', base, body)).body, body);
});

for (const [what, patch, paths] of [
  ['an unknown field', { colour: 'red' }, ['colour']],
  ['unknown fields further in', { provisioning: { enable: true, x: 1 } }, ['provisioning.enable', 'provisioning.x']],
  ['an ill-typed field', { provisioning: { enabled: 'yes' } }, ['provisioning.enabled']],
  ['a type that is none', { identity_format: { type: 'hex' } }, ['identity_format.type']],
  ['an ill-typed resource', { resources: { a: { unit: 5 } } }, ['resources.a.unit']],
  ['a settable that is text', { resources: { 'a\nb': { settable: 'no' } } }, ['resources.a�b.settable']],
] as const) {
  test(`${what} is refused by name, and nothing is changed`, async () => {
    const { base } = await api.connector();
    const before = (await api.call('GET', base)).body;
    const { status, body } = await api.call('PATCH', base, patch);
    assert.equal(status, 400);
    assert.equal(body.code, 'SCHEMA');
    assert.deepEqual(
      body.details.map((detail: { path: string }) => detail.path),
      paths,
    );
    assert.deepEqual((await api.call('GET', base)).body, before);
  });
}

for (const [what, patch, path] of [
  ['a window of no time', { provisioning: { expire_hours: 0 } }, 'provisioning.expire_hours'],
  [
    'a range that is none',
    { provisioning: { ip_whitelisting: { allowed: ['10.0.0.0/40'] } } },
    'provisioning.ip_whitelisting.allowed[0]',
  ],
  ['an alias with a slash', { resources: { 'a/b': {} } }, 'resources.a/b'],
  ['PKI without a CA', { pki: { enabled: true } }, 'pki.enabled'],
  ['text that is no certificate', { pki: { client_ca: ['nonsense'] } }, 'pki.client_ca[0]'],
  ['another host name', { fqdn: 'elsewhere.example.com' }, 'fqdn'],
  ['another port', { protocol: { name: 'onep:v1/http', devmode: false, port: '1', client_ca: null } }, 'protocol'],
] as const) {
  test(`${what} makes no sense as a setting, and is told by its path`, async () => {
    const { base } = await api.connector();
    const { status, body } = await api.call('PATCH', base, patch);
    assert.equal(status, 400);
    assert.equal(body.code, 'SETTINGS_INVALID');
    assert.equal(body.details[0].path, path);
    assert.ok(body.details[0].expected.length > 0);
  });
}

test('a CA is decoded before it is saved, and a certificate that is none is refused as a CA', async () => {
  const { base } = await api.connector();
  const ca = factory.authority('Root of tests');
  const decoded = await api.call('POST', `${base}/pki/decode`, { certificate: ca.cert }, { as: 'viewer' });
  assert.equal(decoded.status, 200);
  assert.equal(decoded.body.is_ca, true);
  assert.match(decoded.body.subject, /Root of tests/);
  assert.equal((await api.call('PATCH', base, { pki: { enabled: true, client_ca: [ca.cert] } })).status, 200);
  const leaf = ca.issue('leaf').cert;
  const refused = await api.call('PATCH', base, { pki: { client_ca: [leaf] } });
  assert.equal(refused.body.details[0].path, 'pki.client_ca[0]');
  assert.equal((await api.call('POST', `${base}/pki/decode`, { certificate: 'x' })).body.code, 'PEM_INVALID');
});

test('a revocation list is decoded before it is saved', async () => {
  const { base } = await api.connector();
  const ca = factory.authority('Root of a list');
  const crl = ca.revoke(ca.issue('r1'), ca.issue('r2'));
  const { status, body } = await api.call('POST', `${base}/pki/decode-crl`, { crl }, { as: 'viewer' });
  assert.equal(status, 200);
  assert.equal(body.issuer, 'O=Tests, CN=Root of a list');
  assert.equal(body.revoked, 2);
  const days = (body.next_update - body.this_update) / 86_400_000_000;
  assert.equal(days, 30);
  assert.equal((await api.call('POST', `${base}/pki/decode-crl`, { crl: ca.cert })).body.code, 'CRL_INVALID');
});

test('a key that is pasted as a certificate is not repeated', async () => {
  const { base } = await api.connector();
  const { key } = factory.selfSigned('d');
  const { text } = await api.call('PATCH', base, { pki: { client_ca: [key] } });
  assert.ok(!text.includes(key.split('\n')[1]!));
});

test('settings are changed only as the version that was read, where If-Match names it', async () => {
  const connector = await api.connector();
  const { headers } = await api.call('GET', connector.base);
  const etag = headers.get('etag')!;
  const rename = (name: string, match: string) =>
    api.call('PATCH', connector.base, { name }, { headers: { 'if-match': match } });
  const first = await rename('First', etag);
  assert.equal(first.status, 200);
  assert.notEqual(first.headers.get('etag'), etag);
  const clash = await rename('Second', etag);
  assert.equal(clash.status, 412);
  assert.equal(clash.body.code, 'SETTINGS_CHANGED');
  assert.equal((await api.call('GET', connector.base)).body.name, 'First');
  assert.equal((await rename('Third', `"0", ${first.headers.get('etag')}`)).status, 200);
  assert.equal((await rename('Fourth', '*')).status, 200);
  const now = (await api.call('GET', connector.base)).headers.get('etag')!;
  const racing = await Promise.all(['A', 'B', 'C', 'D'].map((name) => rename(name, now)));
  assert.deepEqual(racing.map(({ status }) => status).sort(), [200, 412, 412, 412]);
});

test('the server tells its version, its MQTT port, and where devices connect, and that it has no CA of its own where it has none', async () => {
  const { body } = await api.call('GET', '/api:1/server');
  assert.deepEqual(body, { version: '1.2.3', device_url: deviceUrl('connector'), mqtt_port: 8883, ca: null });
});
