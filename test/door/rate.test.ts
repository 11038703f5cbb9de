/** device-http.md, Limits: refusals are counted and held back, a valid credential never is; a device's rate is a setting. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { newConnector } from '../helpers/connector.ts';
import { startServer } from '../helpers/server.ts';

const server = await startServer();
after(() => server.stop());
const path = '/provision/activate';

test('refused activations of one identity end in a 429 with Retry-After that names the limit', async () => {
  const connector = await newConnector(server);
  const token = await connector.provision('d1');
  await connector.provision('d2');
  const attempt = (identity: string) => connector.send(path, { body: `id=${identity}`, plain: true });
  let answer = await attempt('d1');
  for (let tries = 1; answer.status === 409; tries++) {
    assert.ok(tries < 5000, 'no limit was met');
    answer = await attempt('d1');
  }
  assert.equal(answer.status, 429);
  assert.match(answer.headers['retry-after'] ?? '', /^[1-9]\d*$/);
  assert.match(answer.body, /identity/);
  assert.equal((await attempt('d2')).status, 409, 'another identity is not held back');
  assert.equal(await connector.write('a=1', { token, plain: true }), 204, 'a valid credential is let through');
});

test('failed authentications of one address end in a 429, and valid credentials from there are let through', async () => {
  const connector = await newConnector(server);
  const token = await connector.provision('d1');
  const attempt = (at: number) =>
    connector.send('/api:v1/stack/alias?a', { token: `${at}`.padStart(40, '0'), plain: true });
  let answer = await attempt(0);
  for (let tries = 1; answer.status === 401; tries++) {
    assert.ok(tries < 5000, 'no limit was met');
    answer = await attempt(tries);
  }
  assert.equal(answer.status, 429);
  assert.match(answer.headers['retry-after'] ?? '', /^[1-9]\d*$/);
  assert.match(answer.body, /address/);
  assert.equal(await connector.write('a=1', { token, plain: true }), 204);
  await connector.whitelist('d2');
  assert.match(await connector.activate('d2'), /^[0-9a-f]{40}$/);
});

test('a rate limit per device, set on the connector, answers 429 for that device alone', async () => {
  const connector = await newConnector(server, { limits: { requests_per_minute: 5 } });
  const [one, two] = [await connector.provision('d1'), await connector.provision('d2')];
  const statuses = [];
  for (let at = 0; at < 20; at++) statuses.push(await connector.write(`a=${at}`, { token: one, plain: true }));
  assert.ok(statuses.includes(204) && statuses.includes(429), statuses.join(' '));
  const limited = await connector.send('/api:v1/stack/alias', { token: one, body: 'a=1', plain: true });
  assert.equal(limited.status, 429);
  assert.match(limited.headers['retry-after'] ?? '', /^[1-9]\d*$/);
  assert.equal(await connector.write('a=1', { token: two, plain: true }), 204);
  await connector.set({ limits: { requests_per_minute: 0 } });
  assert.equal(await connector.write('a=1', { token: one, plain: true }), 204);
});

test('a hybrid request counts once: a 429 never comes after the write was stored', async () => {
  const connector = await newConnector(server, {
    limits: { requests_per_minute: 3 },
    resources: { a: { format: 'string' } },
  });
  const token = await connector.provision('d1');
  const statuses: number[] = [];
  for (let at = 0; at < 8; at++) {
    const request = { token, body: `a=${at}`, plain: true };
    statuses.push((await connector.send('/api:v1/stack/alias?a', request)).status);
  }
  const stored = (await connector.history('d1', 'a')).length;
  assert.equal(stored, statuses.filter((status) => status === 200).length, statuses.join(' '));
});
