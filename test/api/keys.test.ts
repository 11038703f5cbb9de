/** API keys: shown once, good until they end or are deleted, and found by those who look for secrets. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { eventually } from '../helpers/connector.ts';
import { startApi, type TestApi, type TestConnector } from './harness.ts';

let api: TestApi;
let connector: TestConnector;
let late = 0;
before(async () => {
  api = await startApi({ clock: () => Date.now() * 1000 + late, heartbeat: 60_000 });
  connector = await api.connector();
});
after(() => api.close());

const now = () => Date.now() * 1000 + late;
const create = (body: object) => api.call('POST', '/api:1/keys', body);
const me = (token: string, headers = {}) => api.call('GET', '/api:1/users/me', undefined, { token, headers });

test('a key is shown once, is stored as its digest, and begins with a name that scanners know', async () => {
  const made = await create({ name: 'line 3', role: 'operator' });
  assert.equal(made.status, 201, made.text);
  assert.match(made.body.key, /^slipway_[\w-]{43}$/);
  const list = await api.call('GET', '/api:1/keys');
  assert.ok(!list.text.includes(made.body.key));
  const { key: _, ...shown } = made.body;
  assert.deepEqual(
    list.body.keys.find(({ id }: { id: string }) => id === shown.id),
    shown,
  );
  assert.deepEqual([shown.creator, shown.used, shown.expires, shown.connector], ['admin@localhost', null, null, null]);
  const digest = createHash('sha256').update(made.body.key).digest('hex');
  assert.equal((await api.store.getKey(digest))?.name, 'line 3');
  assert.equal(await api.store.getKey(made.body.key), null);
});

test('the name of a key can be read as it is: not blank, without line breaks and what nobody sees', async () => {
  for (const name of ['', ' ', '\u00a0', ' x', 'x ', 'x\ny', '\0', 'x\u2028y', 'x\u202ey', '\u200b', '\ud800']) {
    assert.equal((await create({ name, role: 'viewer' })).body.code, 'SCHEMA', JSON.stringify(name));
  }
  for (const name of ['x', 'line 3, Süd', '線 3 😀']) {
    assert.equal((await create({ name, role: 'viewer' })).status, 201, name);
  }
});

test('a key is good in either spelling of the header, as the role and for the connector that it has', async () => {
  const { key, id } = (await create({ name: 'for one', role: 'operator', connector: connector.id })).body;
  for (const scheme of ['token', 'Bearer']) {
    const headers = { authorization: `${scheme} ${key}` };
    const { body } = await api.call('GET', '/api:1/users/me', undefined, { as: 'nobody', headers });
    assert.deepEqual(
      [body.id, body.email, body.role, body.connectors],
      [id, 'key:for one', 'operator', [connector.id]],
    );
  }
  const put = await api.call('PUT', `${connector.base}/identity/by-key`, {}, { token: key });
  assert.equal(put.status, 201, put.text);
  const log = await api.call('GET', `${connector.base}/events?identity=by-key`);
  assert.equal(log.body.events[0].payload.who, 'key:for one');
});

test('a key is no cookie', async () => {
  const { key } = (await create({ name: 'cookie', role: 'admin' })).body;
  const cookie = `slipway_session_${new URL(api.url).port}=${key}`;
  const answer = await api.call('GET', '/api:1/session', undefined, { as: 'nobody', headers: { cookie } });
  assert.deepEqual(answer.body, { account: null });
  assert.equal(
    (await api.call('GET', '/api:1/users/me', undefined, { as: 'nobody', headers: { cookie } })).status,
    401,
  );
});

test('a key ends at its time', async () => {
  const expires = now() + 60_000_000;
  const { key } = (await create({ name: 'short', role: 'viewer', expires })).body;
  assert.equal((await me(key)).status, 200);
  late = 60_000_000;
  assert.equal((await me(key)).body.code, 'SESSION_INVALID');
  late = 0;
  const past = await create({ name: 'past', role: 'viewer', expires: now() - 1 });
  assert.equal(past.body.details[0].path, 'expires');
  assert.equal((await create({ name: 'seconds', role: 'viewer', expires: 1_900_000_000 })).body.code, 'SCHEMA');
});

test('a key that is deleted is good no more, and what it has open ends at once', async () => {
  const { key, id } = (await create({ name: 'gone', role: 'viewer' })).body;
  const stream = await fetch(`${api.url}${connector.base}/events/stream`, {
    headers: { authorization: `token ${key}` },
  });
  assert.equal(stream.status, 200);
  assert.equal((await api.call('DELETE', `/api:1/keys/${id}`)).status, 204);
  assert.match(await stream.text(), /event: end/);
  assert.equal((await me(key)).body.code, 'SESSION_INVALID');
  assert.equal((await api.call('DELETE', `/api:1/keys/${id}`)).body.code, 'KEY_UNKNOWN');
});

test('the last use is noted, and not with every request', async () => {
  const { key, id } = (await create({ name: 'used', role: 'viewer' })).body;
  const used = async () =>
    (await api.call('GET', '/api:1/keys')).body.keys.find((one: { id: string }) => one.id === id).used;
  await me(key);
  await eventually('the use is noted', async () => (await used()) !== null);
  const first = await used();
  // Behind the commit of the note, so that it is counted.
  await create({ name: 'behind', role: 'viewer' });
  const before = api.store.figures().commitWrites.sum;
  for (let n = 0; n < 20; n += 1) await me(key);
  assert.equal(api.store.figures().commitWrites.sum, before);
  late = 61_000_000;
  await me(key);
  await eventually('the use is noted', async () => (await used()) > first);
  late = 0;
});

test('a key for a connector that is not there is refused', async () => {
  assert.equal((await create({ name: 'x', role: 'viewer', connector: 'zzzz' })).body.details[0].path, 'connectors');
});
