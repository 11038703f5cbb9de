/** Webhooks by the management API: made, shown, changed, replayed; which targets are refused. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startAt } from '../../src/domain/webhook.ts';
import { startApi, type TestApi } from './harness.ts';

let api: TestApi;
before(async () => {
  api = await startApi();
});
after(() => api.close());

async function newPath(): Promise<string> {
  const { id } = await api.connector();
  return `/api:1/connectors/${id}/webhooks`;
}

test('a webhook is made with a secret that is shown once, and begins with what happens from now on', async () => {
  const path = await newPath();
  const made = await api.call('POST', path, { url: 'https://example.com/hook?token=1', types: ['locked', 'locked'] });
  assert.equal(made.status, 201, made.text);
  const { secret, ...shown } = made.body;
  assert.match(secret, /^slipway_wh_[\w-]{43}$/);
  assert.deepEqual([shown.types, shown.enabled, shown.state], [['locked'], true, 'active']);
  assert.equal(shown.position, await api.store.lastSeq());
  assert.deepEqual((await api.call('GET', path)).body, { webhooks: [shown] });
  assert.deepEqual((await api.call('GET', `${path}/${shown.id}/deliveries`)).body, { deliveries: [] });
  const [stored] = await api.store.listWebhooks(path.split('/')[3]!);
  assert.ok(!JSON.stringify(stored).includes(secret));
  assert.equal((await api.call('DELETE', `${path}/${shown.id}`)).status, 204);
  assert.equal((await api.call('DELETE', `${path}/${shown.id}`)).body.code, 'WEBHOOK_UNKNOWN');
});

test('targets that nobody may reach, and URLs with a password in them, are refused with words and without the password', async () => {
  const path = await newPath();
  const refused = ['http://127.0.0.1/', 'http://[::1]:8080/', 'http://169.254.169.254/latest', 'ftp://example.com/'];
  for (const url of [...refused, 'https://user:hunter2@example.com/', 'https://example.com:25/']) {
    const answer = await api.call('POST', path, { url });
    assert.equal(answer.body.code, 'WEBHOOK_TARGET', url);
    assert.ok(!answer.text.includes('hunter2'));
  }
  assert.equal(
    (await api.call('POST', path, { url: 'https://example.com/', types: ['explosion'] })).body.code,
    'SCHEMA',
  );
  assert.equal((await api.call('POST', path, {})).body.code, 'SCHEMA');
  assert.ok(!api.logged().includes('hunter2'));
});

test('a connector has ten of them at the most', async () => {
  const path = await newPath();
  const make = () => api.call('POST', path, { url: 'https://example.com/' });
  for (let n = 0; n < 10; n += 1) assert.equal((await make()).status, 201);
  assert.equal((await make()).body.code, 'WEBHOOK_LIMIT');
});

test('address, types and whether it is on can be changed; switched on, it is tried at once', async () => {
  const path = await newPath();
  const { body } = await api.call('POST', path, { url: 'https://example.com/', enabled: false });
  assert.equal(body.state, 'disabled');
  const one = `${path}/${body.id}`;
  const connector = path.split('/')[3]!;
  const failing = { ...startAt(body.position, 1), failures: 3, failingSince: 5, nextTry: 9, pausedAt: 7 };
  const fail = () => api.store.changeWebhook(connector, body.id, (hook) => ({ ...hook, ...failing }));
  await fail();
  const typed = await api.call('PATCH', one, { types: ['locked'] });
  assert.deepEqual([typed.body.types, typed.body.failures, typed.body.paused_at], [['locked'], 3, 7]);
  assert.equal((await api.call('PATCH', one, { enabled: true })).body.state, 'active');
  await fail();
  const moved = await api.call('PATCH', one, { url: 'https://example.org/' });
  assert.deepEqual([moved.body.url, moved.body.state], ['https://example.org/', 'active']);
  assert.equal((await api.call('PATCH', one, { url: 'http://10.0.0.1/' })).body.code, 'WEBHOOK_TARGET');
  assert.equal((await api.call('PATCH', `${path}/none`, { enabled: true })).body.code, 'WEBHOOK_UNKNOWN');
  const rotated = await api.call('PATCH', one, { rotate_secret: true });
  assert.match(rotated.body.secret, /^slipway_wh_/);
  assert.notEqual(rotated.body.secret, body.secret);
});

test('a replay sets its place, never behind the end of the log', async () => {
  const connector = await api.connector();
  const path = `/api:1/connectors/${connector.id}/webhooks`;
  const { body } = await api.call('POST', path, { url: 'https://example.com/' });
  const replay = async (after: unknown) => (await api.call('POST', `${path}/${body.id}/replay`, { after })).body;
  assert.deepEqual([(await replay(0)).position, (await replay(0)).state], [0, 'active']);
  assert.equal((await replay(Number.MAX_SAFE_INTEGER)).position, await api.store.lastSeq());
  assert.equal((await replay(-1)).code, 'SCHEMA');
});

test('webhooks of one connector are not found by the path of another', async () => {
  const [path, other] = [await newPath(), await newPath()];
  const { body } = await api.call('POST', path, { url: 'https://example.com/' });
  for (const [method, rest, given] of [
    ['PATCH', '', { enabled: false }],
    ['DELETE', '', undefined],
    ['GET', '/deliveries', undefined],
    ['POST', '/replay', { after: 0 }],
  ] as const) {
    const answer = await api.call(method, `${other}/${body.id}${rest}`, given);
    assert.equal(answer.body.code, 'WEBHOOK_UNKNOWN', `${method} ${rest}`);
  }
});
