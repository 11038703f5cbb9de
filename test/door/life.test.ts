/** provisioning.md: who gets in, and a device's life, seen from the device's side of the door. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openFactory } from '../helpers/authority.ts';
import { eventually, newConnector } from '../helpers/connector.ts';
import { openTcp } from '../helpers/raw.ts';
import { startServer } from '../helpers/server.ts';

const server = await startServer();
after(() => server.stop());
const path = '/provision/activate';

for (const { allowed, status } of [
  { allowed: ['127.0.0.1'], status: 200 },
  { allowed: ['127.0.0.0/8'], status: 200 },
  { allowed: ['10.0.0.0/8', '127.0.0.1/32'], status: 200 },
  { allowed: ['10.0.0.0/8'], status: 403 },
  { allowed: ['127.0.0.2'], status: 403 },
  { allowed: ['::1'], status: 403 },
  { allowed: [], status: 403 },
]) {
  test(`provisioning from 127.0.0.1 where [${allowed.join(', ')}] may: ${status}`, async () => {
    const connector = await newConnector(server, { provisioning: { ip_whitelisting: { enabled: true, allowed } } });
    await connector.whitelist('d1');
    const answer = await connector.send(path, { body: 'id=d1' });
    assert.equal(answer.status, status, answer.body);
    assert.equal((await connector.device('d1')).status, status === 200 ? 'provisioned' : 'whitelisted');
  });
}

test('IP whitelisting guards provisioning, not later data', async () => {
  const connector = await newConnector(server);
  const token = await connector.provision('d1');
  await connector.set({ provisioning: { ip_whitelisting: { enabled: true, allowed: ['10.0.0.0/8'] } } });
  assert.equal(await connector.write('a=1', { token }), 204);
});

test('an X-Forwarded-For header moves nobody to another address', async () => {
  const connector = await newConnector(server, {
    provisioning: { ip_whitelisting: { enabled: true, allowed: ['10.0.0.1'] } },
  });
  await connector.whitelist('d1');
  const headers = { 'X-Forwarded-For': '10.0.0.1', 'X-Real-IP': '10.0.0.1', Forwarded: 'for=10.0.0.1' };
  assert.equal((await connector.send(path, { body: 'id=d1', headers })).status, 403);
  assert.equal((await connector.send('/ip', { headers })).body, '127.0.0.1');
});

test('with provisioning switched off nobody provisions, and devices already provisioned go on', async () => {
  const connector = await newConnector(server);
  const token = await connector.provision('d1');
  await connector.whitelist('d2');
  await connector.set({ provisioning: { enabled: false } });
  assert.equal((await connector.send(path, { body: 'id=d2' })).status, 403);
  assert.equal(await connector.write('a=1', { token }), 204);
  assert.equal((await connector.device('d2')).status, 'whitelisted');
});

test('self-registration creates an identity that nobody whitelisted, once', async () => {
  const connector = await newConnector(server, {
    identity_format: { type: 'base10', prefix: 'A-', options: { length: 4 } },
    provisioning: { presenter_identity: true },
  });
  const token = await connector.activate('A-1234');
  assert.equal(await connector.write('a=1', { token }), 204);
  assert.equal((await connector.device('A-1234')).status, 'provisioned');
  assert.equal((await connector.send(path, { body: 'id=A-1234' })).status, 409);
});

test('self-registration of an identity that does not fit the format: 400, and no device', async () => {
  const connector = await newConnector(server, {
    identity_format: { type: 'base16', prefix: 'A-', options: { length: 4, casing: 'lower' } },
    provisioning: { presenter_identity: true },
  });
  for (const identity of ['1234', 'A-123', 'A-12345', 'A-12g4', 'A-12AB', 'a-12ab', 'A-12ab ']) {
    const answer = await connector.send(path, { body: `id=${encodeURIComponent(identity)}` });
    assert.equal(answer.status, 400, `${identity}: ${answer.body}`);
  }
  assert.deepEqual((await connector.api('GET', '/identity/')).body.devices, []);
  assert.equal((await connector.send(path, { body: 'id=A-12ab' })).status, 200);
});

test('changing the format touches no device that is already known', async () => {
  const connector = await newConnector(server);
  await connector.whitelist('free text');
  const token = await connector.provision('other text');
  await connector.set({ identity_format: { type: 'uuid' } });
  assert.match(await connector.activate('free text'), /^[0-9a-f]{40}$/);
  assert.equal(await connector.write('a=1', { token }), 204);
});

test('a window that closes in a second is closed at that second, and tells one expired event', async () => {
  const connector = await newConnector(server);
  const expire = (Date.now() + 1000) * 1000;
  await connector.whitelist('d1', { auth: { expire } });
  await delay(Math.max(0, expire / 1000 - Date.now()) + 5);
  const answer = await connector.send(path, { body: 'id=d1' });
  assert.equal(answer.status, 409, answer.body);
  assert.equal((await connector.device('d1')).status, 'expired');
  await eventually('an expired event', async () => (await connector.events('expired')).length > 0);
  assert.equal((await connector.events('expired')).length, 1);
});

test('a token that is to end ends at that second: 401', async () => {
  const connector = await newConnector(server);
  const token = await connector.provision('d1');
  const expire = (Date.now() + 1000) * 1000;
  await connector.change('d1', { auth: { expire } });
  assert.equal(await connector.write('a=1', { token }), 204);
  await delay(Math.max(0, expire / 1000 - Date.now()) + 5);
  assert.equal(await connector.write('a=2', { token }), 401);
});

test('reprovision: one more activation; the old token works until the new one is first used', async () => {
  const connector = await newConnector(server);
  const old = await connector.provision('d1');
  await connector.change('d1', { reprovision: true });
  assert.equal((await connector.device('d1')).status, 'reprovision');
  assert.equal(await connector.write('a=1', { token: old }), 204);
  const fresh = await connector.activate('d1');
  assert.notEqual(fresh, old);
  assert.equal((await connector.device('d1')).status, 'provisioned');
  assert.equal(await connector.write('a=2', { token: old }), 204);
  assert.equal((await connector.send(path, { body: 'id=d1' })).status, 409);
  assert.equal(await connector.write('a=3', { token: fresh }), 204);
  assert.equal(await connector.write('a=4', { token: old }), 401);
  assert.equal(await connector.write('a=5', { token: fresh }), 204);
});

test('reprovision twice before the new token is used: the token handed out last works', async () => {
  const connector = await newConnector(server);
  const first = await connector.provision('d1');
  await connector.change('d1', { reprovision: true });
  const second = await connector.activate('d1');
  await connector.change('d1', { reprovision: true });
  const third = await connector.activate('d1');
  assert.equal(await connector.write('a=1', { token: third }), 204);
  assert.equal(await connector.write('a=1', { token: second }), 401);
  assert.equal(await connector.write('a=1', { token: first }), 401);
});

test('revoking ends the credential at once and leaves an identity that is neither provisioned nor whitelisted', async () => {
  const connector = await newConnector(server);
  const token = await connector.provision('d1');
  assert.equal(await connector.write('a=1', { token }), 204);
  await connector.change('d1', { auth: { expire: 0 } });
  assert.equal(await connector.write('a=2', { token }), 401);
  const again = await connector.send(path, { body: 'id=d1' });
  assert.ok([404, 409].includes(again.status), `${again.status} ${again.body}`);
  assert.ok((await connector.events('revoked')).length === 1);
});

test('a revoked device that comes with a certificate is refused as one with a token is: 401', async () => {
  const factory = openFactory();
  try {
    const connector = await newConnector(server, { provisioning: { auth_type: 'certificate' } });
    await connector.whitelist('d1');
    const certificate = factory.selfSigned('d1');
    assert.equal(await connector.write('a=1', { certificate }), 204);
    await connector.change('d1', { auth: { expire: 0 } });
    assert.equal(await connector.write('a=2', { certificate }), 401);
  } finally {
    factory.remove();
  }
});

test('locking refuses all that the device sends with 403 until it is unlocked', async () => {
  const connector = await newConnector(server);
  const token = await connector.provision('d1');
  await connector.whitelist('d2', { locked: true });
  await connector.change('d1', { locked: true });
  assert.equal((await connector.device('d1')).status, 'locked');
  assert.equal(await connector.write('a=1', { token }), 403);
  assert.equal((await connector.send('/api:v1/stack/alias?a', { token })).status, 403);
  assert.equal((await connector.send('/api:v1/stack/record', { token, body: 'alias=a&1700000000=1' })).status, 403);
  assert.equal((await connector.send(path, { body: 'id=d2' })).status, 403);
  await connector.change('d1', { locked: false });
  await connector.change('d2', { locked: false });
  assert.equal(await connector.write('a=2', { token }), 204);
  assert.match(await connector.activate('d2'), /^[0-9a-f]{40}$/);
});

test('a deleted device is unknown: its token 401, its identity 404', async () => {
  const connector = await newConnector(server);
  const token = await connector.provision('d1');
  assert.equal(await connector.write('a=1', { token }), 204);
  assert.equal((await connector.api('DELETE', '/identity/d1')).status, 204);
  assert.equal(await connector.write('a=2', { token }), 401);
  assert.equal((await connector.send(path, { body: 'id=d1' })).status, 404);
});

test('an identity whitelisted again after a delete starts anew: no value, no history, and the old token stays dead', async () => {
  const connector = await newConnector(server, { resources: { a: { format: 'string' } } });
  const old = await connector.provision('d1');
  await connector.write('a=1', { token: old });
  await connector.api('DELETE', '/identity/d1');
  const token = await connector.provision('d1');
  assert.equal((await connector.send('/api:v1/stack/alias?a', { token })).status, 204);
  assert.deepEqual(await connector.history('d1', 'a'), []);
  assert.equal(await connector.write('a=2', { token: old }), 401);
});

test('a deleted connector closes its door: 404', async () => {
  const connector = await newConnector(server);
  const token = await connector.provision('d1');
  const answer = await server.api(
    'DELETE',
    `/api:1/connectors/${connector.id}?confirm=${encodeURIComponent(connector.name)}`,
  );
  assert.ok(answer.status < 300, answer.text);
  assert.equal(await connector.write('a=1', { token }), 404);
});

test('two hundred devices that race to activate one identity: one 200 and 199 times 409', async () => {
  const connector = await newConnector(server);
  await connector.whitelist('d1');
  const answers = await Promise.all(
    Array.from({ length: 200 }, () => connector.send(path, { body: 'id=d1', plain: true })),
  );
  const count = (status: number) => answers.filter((answer) => answer.status === status).length;
  assert.deepEqual([count(200), count(409)], [1, 199]);
  const token = answers.find((answer) => answer.status === 200)?.body;
  assert.equal(await connector.write('a=1', { token }), 204);
  assert.equal((await connector.events('provisioned')).length, 1);
});

test('on a connection that stays open, a token is checked anew with each request', async () => {
  const connector = await newConnector(server);
  const token = await connector.provision('d1');
  const connection = await openTcp(server);
  const write = async () => {
    await connection.send(
      `POST /api:v1/stack/alias HTTP/1.1\r\nHost: ${connector.fqdn}\r\nAuthorization: Token ${token}\r\nContent-Length: 3\r\n\r\na=1`,
    );
    return (await connection.response()).status;
  };
  assert.equal(await write(), 204);
  await connector.change('d1', { locked: true });
  assert.equal(await write(), 403);
  await connector.change('d1', { locked: false });
  const expire = (Date.now() + 1000) * 1000;
  await connector.change('d1', { auth: { expire } });
  assert.equal(await write(), 204);
  await delay(Math.max(0, expire / 1000 - Date.now()) + 5);
  assert.equal(await write(), 401);
  connection.destroy();
});

test('a setting is in force for the first request after the PATCH was answered', async () => {
  const connector = await newConnector(server);
  for (let round = 0; round < 20; round++) {
    await connector.whitelist(`d${round}`);
    const enabled = round % 2 === 0;
    await connector.set({ provisioning: { enabled } });
    const answer = await connector.send(path, { body: `id=d${round}`, plain: true });
    assert.equal(answer.status, enabled ? 200 : 403, `round ${round}`);
  }
});

test('a whitelist entry may ask for another way than the connector', async () => {
  const connector = await newConnector(server);
  await connector.whitelist('d1', { auth: { type: 'password' } });
  assert.equal((await connector.send(path, { body: 'id=d1' })).status, 415);
  const password = '0123456789abcdefghij';
  assert.equal((await connector.send(path, { body: `id=d1&password=${password}` })).status, 204);
  assert.equal(await connector.write('a=1', { basic: ['d1', password] }), 204);
});

test('a token or password set beforehand works without activation, as devices bring it that move here', async () => {
  const connector = await newConnector(server);
  const [token, hashed] = [randomBytes(20).toString('hex'), randomBytes(20).toString('hex')];
  const digest = createHash('sha256').update(hashed).digest('hex');
  const password = 'moved-with-its-password';
  await connector.whitelist('d1', { auth: { type: 'token', key: token } });
  await connector.whitelist('d2', { auth: { type: 'token', token_sha256: digest } });
  await connector.whitelist('00:14:22:01:23:45', { auth: { type: 'password', key: password } });
  assert.equal(await connector.write('a=1', { token }), 204);
  assert.equal(await connector.write('a=1', { token: hashed }), 204);
  assert.equal(await connector.write('a=1', { basic: ['00:14:22:01:23:45', password] }), 204);
  assert.equal((await connector.send(path, { body: 'id=d1' })).status, 409);
});

test('a wrong password is told of the device that it was for', async () => {
  const connector = await newConnector(server, { provisioning: { auth_type: 'password' } });
  await connector.whitelist('d1');
  await connector.send(path, { body: 'id=d1&password=correct-horse-battery-1' });
  assert.equal(await connector.write('a=1', { basic: ['d1', 'wrong-horse-battery-1'] }), 401);
  await eventually('a refused event', async () => (await connector.events('refused')).length > 0);
  assert.equal((await connector.events('refused'))[0]?.identity, 'd1');
});

test('a refused token is told of the device whose it is, and at the door of another connector of nobody', async () => {
  const [connector, other] = [await newConnector(server), await newConnector(server)];
  const token = await connector.provision('d1');
  await connector.change('d1', { locked: true });
  assert.equal(await connector.write('a=1', { token }), 403);
  await connector.change('d1', { locked: false });
  assert.equal(await other.write('a=1', { token }), 401);
  const refused = async (at: typeof connector) => {
    await eventually('a refused event', async () => (await at.events('refused')).length > 0);
    return (await at.events('refused')).map(({ identity, payload }) => [identity, payload.rule]);
  };
  assert.deepEqual(await refused(connector), [['d1', 'DEVICE_LOCKED']]);
  assert.deepEqual(await refused(other), [[null, 'CREDENTIAL_INVALID']]);
});

test('every refusal is told in the log with its rule, what was seen and what was wanted', async () => {
  const connector = await newConnector(server, { provisioning: { auth_type: 'password' } });
  await connector.whitelist('d1');
  await connector.send(path, { body: 'id=d1&password=short-secret' });
  await eventually('a refused event', async () => (await connector.events('refused')).length > 0);
  const [event] = await connector.events('refused');
  assert.equal(event?.identity, 'd1');
  assert.equal(event?.ip, '127.0.0.1');
  assert.ok(typeof event?.payload.rule === 'string' && event.payload.rule !== '');
  assert.ok(typeof event?.payload.wanted === 'string');
  const { text } = await connector.api('GET', '/events?limit=100');
  assert.ok(!text.includes('short-secret'));
});
