/** Devices by the management API: whitelist, list, change, remove; and what the log tells of it. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { verifyPassword } from '../../src/gateway/password.ts';
import { type Factory, openFactory } from '../helpers/authority.ts';
import { at, eventsSince, startApi, type TestApi, type TestConnector } from './harness.ts';

const HOUR = 3_600_000_000;
const TOKEN = '0123456789abcdef0123456789abcdef01234567';

let api: TestApi;
let connector: TestConnector;
let factory: Factory;
let clock = Date.now() * 1000;
before(async () => {
  api = await startApi({ clock: () => clock++ });
  connector = await api.connector();
  factory = openFactory();
});
after(async () => {
  factory.remove();
  await api.close();
});

const call = (method: string, path: string, body?: unknown) => api.call(method, connector.base + path, body);
const stored = async (identity: string) => (await api.store.getDevice(connector.id, identity))!.device;

interface Scenario {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly body?: object;
  readonly status: number;
  readonly code?: string;
  /** Fields of the answer. */
  readonly shows?: object;
  /** What the log gained. */
  readonly events?: readonly string[];
}

/** One story, in order. */
const scenarios: readonly Scenario[] = [
  {
    name: 'whitelisting needs no body',
    ...{ method: 'PUT', path: at('s1'), status: 201 },
    shows: { identity: 's1', status: 'whitelisted', locked: false, devmode: false, tags: {}, batch: null, state: {} },
    events: ['whitelisted s1'],
  },
  {
    name: 'a known identity is a conflict',
    ...{ method: 'PUT', path: at('s1'), body: {}, status: 409, code: 'DEVICE_KNOWN', events: [] },
  },
  {
    name: 'with upsert a known identity is brought up to date',
    ...{ method: 'PUT', path: `${at('s1')}?upsert=true`, body: { tags: { line: ['4'] } }, status: 200 },
    shows: { tags: { line: ['4'] }, status: 'whitelisted' },
    events: [],
  },
  {
    name: 'locking',
    ...{ method: 'PATCH', path: at('s1'), body: { locked: true }, status: 200 },
    shows: { locked: true, status: 'locked' },
    events: ['locked s1'],
  },
  {
    name: 'locking what is locked changes nothing',
    ...{ method: 'PATCH', path: at('s1'), body: { locked: true }, status: 200, events: [] },
  },
  {
    name: 'unlocking',
    ...{ method: 'PATCH', path: at('s1'), body: { locked: false }, status: 200 },
    shows: { locked: false, status: 'whitelisted' },
    events: ['unlocked s1'],
  },
  {
    name: 'a device that never provisioned has nothing to reprovision',
    ...{
      method: 'PATCH',
      path: at('s1'),
      body: { reprovision: true },
      status: 409,
      code: 'STATE_CONFLICT',
      events: [],
    },
  },
  {
    name: 'revoking leaves it not provisioned and not whitelisted',
    ...{ method: 'PATCH', path: at('s1'), body: { auth: { expire: 0 } }, status: 200 },
    shows: { status: 'expired', auth: { type: 'token', expire: 0 } },
    events: ['revoked s1'],
  },
  {
    name: 'a later expire opens the window again',
    ...{ method: 'PATCH', path: at('s1'), body: { auth: { expire: 9_000_000_000_000_000 } }, status: 200 },
    shows: { status: 'whitelisted', auth: { type: 'token', expire: 9_000_000_000_000_000 } },
    events: ['whitelisted s1'],
  },
  {
    name: 'a time in seconds is taken for a mistake',
    ...{ method: 'PATCH', path: at('s1'), body: { auth: { expire: 1_800_000_000 } }, status: 400, code: 'SCHEMA' },
  },
  {
    name: 'an unknown field is refused',
    ...{ method: 'PATCH', path: at('s1'), body: { lock: true }, status: 400, code: 'SCHEMA', events: [] },
  },
  {
    name: 'deleting',
    ...{ method: 'DELETE', path: at('s1'), status: 204, events: ['deleted s1'] },
  },
  {
    name: 'what is deleted is unknown',
    ...{ method: 'GET', path: at('s1'), status: 404, code: 'DEVICE_UNKNOWN', events: [] },
  },
  {
    name: 'and cannot be deleted again',
    ...{ method: 'DELETE', path: at('s1'), status: 404, code: 'DEVICE_UNKNOWN', events: [] },
  },
  {
    name: 'or changed',
    ...{ method: 'PATCH', path: at('s1'), body: { locked: true }, status: 404, code: 'DEVICE_UNKNOWN', events: [] },
  },
  {
    name: 'whitelisting locked',
    ...{ method: 'PUT', path: at('s2'), body: { locked: true }, status: 201 },
    shows: { status: 'locked' },
    events: ['whitelisted s2', 'locked s2'],
  },
  {
    name: 'a token given beforehand provisions at once, and never ends',
    ...{ method: 'PUT', path: at('s3'), body: { auth: { key: TOKEN } }, status: 201 },
    shows: { status: 'provisioned', auth: { type: 'token' } },
    events: ['whitelisted s3', 'provisioned s3'],
  },
  {
    name: 'the same again by upsert changes nothing',
    ...{ method: 'PUT', path: `${at('s3')}?upsert=true`, body: { auth: { key: TOKEN } }, status: 200, events: [] },
  },
  {
    name: 'the token of another device is taken',
    ...{
      method: 'PUT',
      path: at('s4'),
      body: { auth: { key: TOKEN } },
      status: 409,
      code: 'CREDENTIAL_TAKEN',
      events: [],
    },
  },
  {
    name: 'a provisioned device may be told to provision again',
    ...{ method: 'PATCH', path: at('s3'), body: { reprovision: true }, status: 200 },
    shows: { status: 'reprovision', reprovision: true },
    events: ['reprovision s3'],
  },
  {
    name: 'and the permission withdrawn',
    ...{ method: 'PATCH', path: at('s3'), body: { reprovision: false }, status: 200 },
    shows: { status: 'provisioned', reprovision: false },
    events: ['reprovision s3'],
  },
  {
    name: 'for a provisioned device a later expire is the end of its credential',
    ...{ method: 'PATCH', path: at('s3'), body: { auth: { expire: 9_000_000_000_000_000 } }, status: 200 },
    shows: { status: 'provisioned', auth: { type: 'token', expire: 9_000_000_000_000_000 } },
    events: [],
  },
  {
    name: 'null takes the end away',
    ...{ method: 'PATCH', path: at('s3'), body: { auth: { expire: null } }, status: 200 },
    shows: { status: 'provisioned', auth: { type: 'token' } },
    events: [],
  },
  {
    name: 'several changes at once',
    ...{
      method: 'PATCH',
      path: at('s3'),
      body: { locked: true, auth: { expire: 0 }, tags: { a: ['1'] } },
      status: 200,
    },
    shows: { status: 'locked', locked: true, provisioned_at: null, tags: { a: ['1'] } },
    events: ['revoked s3', 'locked s3'],
  },
];

for (const { name, method, path, body, status, code, shows, events } of scenarios) {
  test(`story: ${name}`, async () => {
    const seq = await api.store.lastSeq();
    const answer = await call(method, path, body);
    assert.equal(answer.status, status, answer.text);
    if (code !== undefined) assert.equal(answer.body.code, code);
    for (const [field, value] of Object.entries(shows ?? {})) assert.deepEqual(answer.body[field], value, field);
    if (events !== undefined) assert.deepEqual(await eventsSince(api, connector, seq), events);
  });
}

test('the log names who did it, and from where', async () => {
  const seq = await api.store.lastSeq();
  await api.call('PUT', `${connector.base}${at('who')}`, {}, { as: 'operator' });
  const { events } = await api.store.readEvents(connector.id, { after: seq, limit: 1 });
  assert.equal((events[0]!.payload as { who: string }).who, 'operator@localhost');
  assert.equal(events[0]!.ip, '127.0.0.1');
});

test('a revoked device has no credential left, also not an earlier one', async () => {
  const { credential, previous, expiresAt } = await stored('s3');
  assert.deepEqual([credential, previous, expiresAt], [null, null, 0]);
});

test('the window of an entry is the one asked for, else that of the connector', async () => {
  const before = clock;
  const { body } = await call('PUT', at('w1'), {});
  assert.ok(body.auth.expire >= before + 24 * HOUR && body.auth.expire <= clock + 24 * HOUR);
  const expire = clock + 48 * HOUR;
  assert.equal((await call('PUT', at('w2'), { auth: { expire } })).body.auth.expire, expire);
});

test('an entry shows as expired at the very microsecond at which its window closes', async () => {
  const expire = clock + HOUR;
  await call('PUT', at('w3'), { auth: { expire } });
  const now = clock;
  try {
    clock = expire - 100;
    assert.equal((await call('GET', at('w3'))).body.status, 'whitelisted');
    clock = expire;
    assert.equal((await call('GET', at('w3'))).body.status, 'expired');
  } finally {
    clock = now;
  }
});

test('what is stored of a key given beforehand is never the key', async () => {
  await call('PUT', at('k1'), { auth: { type: 'token', key: TOKEN.replace('0', 'f') } });
  const digest = createHash('sha256').update(TOKEN.replace('0', 'f')).digest('hex');
  assert.deepEqual((await stored('k1')).credential, { type: 'token', digest });

  await call('PUT', at('k2'), { auth: { token_sha256: 'ab'.repeat(32) } });
  assert.deepEqual((await stored('k2')).credential, { type: 'token', digest: 'ab'.repeat(32) });

  const password = 'a password that is long enough';
  const { body } = await call('PUT', at('k3'), { auth: { type: 'password', key: password } });
  assert.equal(body.auth.type, 'password');
  const { credential } = await stored('k3');
  assert.ok(credential?.type === 'password' && (await verifyPassword(credential.hash, password)));

  const { cert } = factory.selfSigned('k4');
  assert.equal((await call('PUT', at('k4'), { auth: { key: cert } })).body.auth.type, 'certificate');
  const shown = (await call('GET', at('k4'))).body.credential;
  const bound = (await stored('k4')).credential;
  assert.equal(shown.fingerprint, bound?.type === 'certificate' && bound.fingerprint);
  for (const identity of ['k1', 'k2', 'k3']) {
    assert.deepEqual(Object.keys((await call('GET', at(identity))).body.credential), ['type']);
  }
});

for (const [what, auth, expected] of [
  ['a token in upper case', { type: 'token', key: TOKEN.toUpperCase() }, /40 lower-case hex/],
  ['a short password', { type: 'password', key: 'short-secret' }, /20 to 512 bytes/],
  ['text for a certificate', { type: 'certificate', key: 'short-secret' }, /PEM/],
  ['a key and a digest', { key: TOKEN, token_sha256: 'ab'.repeat(32) }, /one of the two/],
  ['a digest of a password', { type: 'password', token_sha256: 'ab'.repeat(32) }, /expected token/],
  ['a digest in upper case', { token_sha256: 'AB'.repeat(32) }, /pattern/],
] as const) {
  test(`${what} is refused beforehand, and not repeated`, async () => {
    const { status, body, text } = await call('PUT', at('refused'), { auth });
    assert.equal(status, 400, text);
    assert.match(body.message, expected);
    assert.ok(!text.includes('short-secret') && !text.includes(TOKEN.toUpperCase()));
    assert.equal((await call('GET', at('refused'))).status, 404);
  });
}

test("a certificate with another device's name is refused", async () => {
  const { body } = await call('PUT', at('k5'), { auth: { key: factory.selfSigned('other').cert } });
  assert.equal(body.code, 'SCHEMA');
  assert.match(body.message, /CN other/);
});

for (const identity of ['a/b', '100%', 'a+b', '#1', 'a b', 'ä€😀', '%2F', 'a?b=c', ':x', 'x'.repeat(256)]) {
  test(`the identity ${identity.slice(0, 20)} goes through the path unharmed`, async () => {
    assert.equal((await call('PUT', at(identity), {})).status, 201);
    assert.equal((await call('GET', at(identity))).body.identity, identity);
    assert.equal((await stored(identity)).identity, identity);
    assert.equal((await call('GET', `${at(identity)}/state`)).status, 200);
    assert.equal((await call('DELETE', at(identity))).status, 204);
  });
}

test('an identity that is no UTF-8, too long or does not fit the format is refused', async () => {
  assert.equal((await call('PUT', '/identity/%FF', {})).body.code, 'IDENTITY_ENCODING');
  assert.equal((await call('PUT', at('x'.repeat(257)), {})).body.code, 'IDENTITY_FORMAT');
  assert.equal((await call('PUT', at('é'.repeat(2000)), {})).body.code, 'URI_TOO_LONG');
  const base10 = await api.connector({ identity_format: { type: 'base10', options: { length: 8 } } });
  const { body } = await api.call('PUT', base10.base + at('1234567'), {});
  assert.equal(body.code, 'IDENTITY_FORMAT');
  assert.match(body.message, /1234567.*8 characters/);
});

test('the server makes an identity that fits the format, where the connector lets it', async () => {
  const off = await api.call('POST', `${connector.base}/identity`, {});
  assert.equal(off.body.code, 'GENERATE_DISABLED');
  const made = await api.connector({
    identity_format: { type: 'base10', prefix: 'P-', options: { length: 1 } },
    provisioning: { generate_identity: true },
  });
  const seen = new Set<string>();
  for (let i = 0; i < 5; i++) {
    const { status, body, text } = await api.call('POST', `${made.base}/identity`, { tags: { n: [String(i)] } });
    assert.equal(status, 201, text);
    assert.match(body.identity, /^P-\d$/);
    seen.add(body.identity);
  }
  assert.equal(seen.size, 5);
  await Promise.all(Array.from({ length: 10 }, (_, i) => api.call('PUT', `${made.base}${at(`P-${i}`)}`, {})));
  assert.equal((await api.call('POST', `${made.base}/identity`)).body.code, 'STATE_CONFLICT');
});

test('of two that whitelist one identity at once, one gets 201 and one 409', async () => {
  const answers = await Promise.all([call('PUT', at('race'), {}), call('PUT', at('race'), {})]);
  assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 409]);
});

test('lists are newest first, in pages that miss nothing and repeat nothing', async () => {
  const { base } = await api.connector();
  const names = Array.from({ length: 7 }, (_, i) => `p${i}`);
  for (const name of names) await api.call('PUT', base + at(name), {});
  const seen: string[] = [];
  let cursor = '';
  do {
    const { body } = await api.call('GET', `${base}/identity/?limit=3${cursor}`, undefined, { as: 'viewer' });
    seen.push(...body.devices.map((device: { identity: string }) => device.identity));
    assert.equal(body.mayLoadMore, body.cursor !== null);
    cursor = body.cursor === null ? '' : `&cursor=${encodeURIComponent(body.cursor)}`;
  } while (cursor !== '');
  assert.deepEqual(seen, names.toReversed());
  assert.equal((await api.call('GET', `${base}/identity?cursor=nonsense`)).body.code, 'CURSOR_INVALID');
  assert.equal((await api.call('GET', `${base}/identity?limit=1001`)).body.code, 'SCHEMA');
  assert.equal((await api.call('GET', `${base}/identity?colour=red`)).body.details[0].path, 'colour');
});

test('each filter narrows the list and the count alike, and all must hold', async () => {
  const { base } = await api.connector();
  const put = (identity: string, body: object) => api.call('PUT', base + at(identity), body);
  await put('red-1', { tags: { colour: ['red'], line: ['4:a'] } });
  await put('red-2', { tags: { colour: ['red', 'dark'] }, locked: true });
  await put('blue-1', { tags: { colour: ['blue'] }, auth: { token_sha256: 'cd'.repeat(32) } });
  for (const [query, expected] of [
    ['', ['blue-1', 'red-1', 'red-2']],
    ['tag=colour:red', ['red-1', 'red-2']],
    ['tag=colour:red&tag=colour:dark', ['red-2']],
    ['tag=line:4:a', ['red-1']],
    ['tag=colour:green', []],
    ['status=locked', ['red-2']],
    ['status=provisioned', ['blue-1']],
    ['status=whitelisted&tag=colour:red', ['red-1']],
    ['identity=ed-', ['red-1', 'red-2']],
    ['identity=red*', ['red-1', 'red-2']],
    ['identity=*1', ['blue-1', 'red-1']],
    ['online=true', []],
    ['online=false', ['blue-1', 'red-1', 'red-2']],
    ['batch=none', []],
    ['ipaddress=10.0.0.1', []],
    ['before=1', []],
    [`before=${clock + HOUR}`, ['blue-1', 'red-1', 'red-2']],
  ] as const) {
    const { body, text } = await api.call('GET', `${base}/identity?sort=identity&${query}`);
    assert.deepEqual(
      body.devices?.map((device: { identity: string }) => device.identity),
      expected,
      `${query} ${text}`,
    );
    assert.deepEqual(
      (await api.call('GET', `${base}/identities/count?${query}`)).body,
      { count: expected.length },
      query,
    );
  }
  assert.equal((await api.call('GET', `${base}/identity?tag=nocolon`)).body.code, 'SCHEMA');
});

test('tags: replaced as a whole, set and removed one by one, counted over the devices', async () => {
  const { base } = await api.connector();
  await api.call('PUT', base + at('t1'), { tags: { old: ['x'] } });
  await api.call('PUT', base + at('t2'), { tags: { colour: ['red'] } });
  const tags = `${base}${at('t1')}/tags`;
  assert.deepEqual((await api.call('PUT', tags, { colour: ['red', 'dark', 'red'], empty: [] })).body, {
    tags: { colour: ['red', 'dark'] },
  });
  const name = encodeURIComponent('a/b');
  assert.deepEqual((await api.call('PUT', `${tags}/${name}`, { values: ['1'] })).body, { name: 'a/b', values: ['1'] });
  assert.deepEqual((await api.call('GET', tags)).body.tags, { colour: ['red', 'dark'], 'a/b': ['1'] });
  assert.deepEqual((await api.call('GET', `${tags}/colour`)).body.values, ['red', 'dark']);
  assert.deepEqual((await api.call('GET', `${base}/tags`)).body.names.sort(), ['a/b', 'colour']);
  const { values } = (await api.call('GET', `${base}/tags/colour`)).body;
  assert.deepEqual(
    values.sort((a: { value: string }, b: { value: string }) => a.value.localeCompare(b.value)),
    [
      { value: 'dark', count: 1 },
      { value: 'red', count: 2 },
    ],
  );
  const few = async (query: string) => (await api.call('GET', `${base}/tags/colour?${query}`)).body;
  assert.deepEqual((await few('begins=r')).values, [{ value: 'red', count: 2 }]);
  assert.deepEqual((await few('limit=1')).values, [{ value: 'dark', count: 1 }]);
  assert.equal((await few('limit=0')).code, 'SCHEMA');
  assert.equal((await api.call('DELETE', `${tags}/${name}`)).status, 204);
  for (const method of ['DELETE', 'GET'])
    assert.equal((await api.call(method, `${tags}/${name}`)).body.code, 'TAG_UNKNOWN');
  assert.equal((await api.call('PUT', tags, { ['x'.repeat(129)]: ['1'] })).body.code, 'SCHEMA');
  assert.equal((await api.call('PUT', tags, { 'a\nb': 5 })).body.code, 'SCHEMA');
  assert.equal((await api.call('PUT', `${tags}/__proto__`, { values: ['1'] })).body.code, 'SCHEMA');
  assert.equal((await api.call('PUT', `${base}${at('nobody')}/tags`, {})).body.code, 'DEVICE_UNKNOWN');
  assert.deepEqual((await api.call('PATCH', base + at('t1'), { tags: { colour: [], new: ['n'] } })).body.tags, {
    new: ['n'],
  });
});
