/** provisioning.md, The three ways: TLS client certificates while PKI is off. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type Certificate, openFactory } from '../helpers/authority.ts';
import { newConnector, resource } from '../helpers/connector.ts';
import { openTls } from '../helpers/raw.ts';
import { startServer } from '../helpers/server.ts';

const server = await startServer();
const factory = openFactory();
after(async () => {
  await server.stop();
  factory.remove();
});
const alias = '/api:v1/stack/alias';
const hour = 3_600_000;

/** A connector that wants certificates, with `d1` whitelisted. */
async function newScene(more: object = {}) {
  const connector = await newConnector(server, {
    provisioning: { auth_type: 'certificate' },
    resources: { a: resource() },
    ...more,
  });
  await connector.whitelist('d1');
  return connector;
}

test('the first call of any kind provisions and is then carried out', async () => {
  const connector = await newScene();
  const certificate = factory.selfSigned('d1');
  const read = await connector.send(`${alias}?a`, { certificate });
  assert.equal(read.status, 204, read.body);
  assert.equal((await connector.device('d1')).status, 'provisioned');
  assert.equal(await connector.write('a=1', { certificate }), 204);
  assert.deepEqual(
    (await connector.events('provisioned,data_in')).map((event) => event.type),
    ['provisioned', 'data_in'],
  );
});

test('a first call that is refused for what it says is still known by its credential: the next one works', async () => {
  const connector = await newScene({ resources: { n: resource({ format: 'number' }) } });
  const certificate = factory.selfSigned('d1');
  assert.equal(await connector.write('n=warm', { certificate }), 422);
  assert.equal(await connector.write('n=1', { certificate }), 204);
  assert.deepEqual((await connector.history('d1', 'n')).length, 1);
});

test('ten first calls at the same time, as of a device that opens several connections: all are carried out', async () => {
  const connector = await newScene();
  for (let device = 1; device <= 6; device++) {
    const identity = `parallel-${device}`;
    await connector.whitelist(identity);
    const { cert, key } = factory.selfSigned(identity);
    const open = () => openTls(server, connector.fqdn, { cert, key });
    const connections = await Promise.all(Array.from({ length: 10 }, open));
    const statuses = connections.map(async (connection) => {
      await connection.send(writeOf(connector.fqdn));
      const { status } = await connection.response();
      connection.destroy();
      return status;
    });
    assert.deepEqual(await Promise.all(statuses), Array(10).fill(204));
    assert.equal((await connector.events('provisioned')).length, device);
  }
});

for (const [what, from, to] of [
  ['no longer valid', -2 * hour, -hour],
  ['not yet valid', hour, 2 * hour],
] as const) {
  test(`a certificate that is ${what}: 403 that names both times and the server's clock`, async () => {
    const connector = await newScene();
    const dates = { from: new Date(Date.now() + from), to: new Date(Date.now() + to) };
    const certificate = factory.selfSigned('d1', dates);
    const answer = await connector.send(alias, { certificate, body: 'a=1' });
    assert.equal(answer.status, 403, answer.body);
    assert.match(answer.body, what === 'not yet valid' ? /not valid yet/ : /no longer valid/);
    const times: string[] = answer.body.match(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/g) ?? [];
    const second = (date: Date) => date.toISOString().slice(0, 19);
    assert.ok(times.includes(second(dates.from)) && times.includes(second(dates.to)), answer.body);
    const clock = times.find((time) => Math.abs(Date.parse(`${time}Z`) - Date.now()) < 60_000);
    assert.ok(clock !== undefined, `no clock in: ${answer.body}`);
    assert.equal((await connector.device('d1')).status, 'whitelisted');
  });
}

test('a provisioned device whose certificate runs out is refused with 403 from that second on', async () => {
  const connector = await newScene();
  const ends = new Date((Math.floor(Date.now() / 1000) + 3) * 1000);
  const certificate = factory.selfSigned('d1', { from: new Date(Date.now() - hour), to: ends });
  assert.equal(await connector.write('a=1', { certificate }), 204);
  await delay(ends.getTime() + 1100 - Date.now());
  assert.equal(await connector.write('a=2', { certificate }), 403);
});

test('a certificate of an identity that is not whitelisted: 404, and no device is made', async () => {
  const connector = await newScene();
  const certificate = factory.selfSigned('stranger');
  const answer = await connector.send(alias, { certificate, body: 'a=1' });
  assert.equal(answer.status, 404, answer.body);
  assert.equal((await connector.api('GET', '/identity/stranger')).status, 404);
});

test('another certificate with the same CN is refused, also one from the same key', async () => {
  const connector = await newScene();
  const ca = factory.authority('Any');
  const [first, second] = [ca.issue('d1'), ca.issue('d1')];
  assert.equal(await connector.write('a=1', { certificate: first }), 204);
  const answer = await connector.send(alias, { certificate: second, body: 'a=2' });
  assert.ok([401, 403].includes(answer.status), `${answer.status} ${answer.body}`);
  assert.equal(await connector.write('a=3', { certificate: first }), 204);
  assert.deepEqual(
    (await connector.history('d1', 'a')).map((point) => point.value),
    ['1', '3'],
  );
});

test('a certificate and an Authorization header must name the same device, else 401', async () => {
  const connector = await newScene();
  const certificate = factory.selfSigned('d1');
  assert.equal(await connector.write('a=1', { certificate }), 204);
  await connector.set({ provisioning: { auth_type: 'token' } });
  const token = await connector.provision('d2');
  assert.equal(await connector.write('a=2', { certificate, token }), 401);
  assert.equal(await connector.write('a=2', { certificate, token: '0'.repeat(40) }), 401);
  assert.equal(await connector.write('a=2', { certificate, basic: ['d2', '0123456789abcdefghij'] }), 401);
  assert.deepEqual(await connector.history('d2', 'a'), []);
});

test('a device that has a token is not opened by a certificate with its CN', async () => {
  const connector = await newConnector(server, { resources: { a: resource() } });
  const token = await connector.provision('d1');
  await connector.set({ provisioning: { auth_type: 'certificate' } });
  const certificate = factory.selfSigned('d1');
  const answer = await connector.send(alias, { certificate, body: 'a=stolen' });
  assert.ok([401, 403].includes(answer.status), `${answer.status} ${answer.body}`);
  assert.deepEqual(await connector.history('d1', 'a'), []);
  assert.equal(await connector.write('a=1', { token }), 204);
});

test('where the connector wants a token, a certificate does not provision', async () => {
  const connector = await newScene({ provisioning: { auth_type: 'token' } });
  const certificate = factory.selfSigned('d1');
  const answer = await connector.send(alias, { certificate, body: 'a=1' });
  assert.ok(answer.status >= 400 && answer.status < 500, `${answer.status}`);
  assert.equal((await connector.device('d1')).status, 'whitelisted');
});

test('a certificate comes from the handshake only, never from a header', async () => {
  const connector = await newScene();
  const { cert } = factory.selfSigned('d1');
  for (const name of ['X-Client-Cert', 'X-SSL-Client-Cert', 'X-Forwarded-Client-Cert', 'SSL_CLIENT_CERT']) {
    const answer = await connector.send(alias, { body: 'a=1', headers: { [name]: encodeURIComponent(cert) } });
    assert.equal(answer.status, 401, name);
  }
});

test('locked: 403 for a certificate as for anything else', async () => {
  const connector = await newScene();
  const certificate = factory.selfSigned('d1');
  await connector.change('d1', { locked: true });
  assert.equal(await connector.write('a=1', { certificate }), 403);
  await connector.change('d1', { locked: false });
  assert.equal(await connector.write('a=1', { certificate }), 204);
});

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`a resumed ${version} session stands for the certificate of its first handshake, which is checked again`, async () => {
    const connector = await newScene();
    const certificate = factory.selfSigned('d1');
    const session = await firstSession(connector.fqdn, certificate, version);
    const resumed = async () => {
      const connection = await openTls(server, connector.fqdn, { session, maxVersion: version });
      assert.ok(connection.socket.isSessionReused(), 'the session was not resumed');
      await connection.send(writeOf(connector.fqdn));
      const { status } = await connection.response();
      connection.destroy();
      return status;
    };
    assert.equal(await resumed(), 204);
    await connector.change('d1', { locked: true });
    assert.equal(await resumed(), 403);
    await connector.change('d1', { locked: false });
    await connector.api('DELETE', '/identity/d1');
    assert.equal(await resumed(), 404);
  });
}

test('on a connection that stays open, each request is checked anew: dates, lock and existence', async () => {
  const connector = await newScene();
  const ends = new Date((Math.floor(Date.now() / 1000) + 4) * 1000);
  const certificate = factory.selfSigned('d1', { to: ends });
  const connection = await openTls(server, connector.fqdn, { cert: certificate.cert, key: certificate.key });
  const write = async () => {
    await connection.send(writeOf(connector.fqdn));
    return (await connection.response()).status;
  };
  assert.equal(await write(), 204);
  await connector.change('d1', { locked: true });
  assert.equal(await write(), 403);
  await connector.change('d1', { locked: false });
  assert.equal(await write(), 204);
  await delay(ends.getTime() + 1100 - Date.now());
  assert.equal(await write(), 403);
  connection.destroy();
});

const writeOf = (host: string) => `POST ${alias} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 3\r\n\r\na=1`;

/** Writes once with the certificate, and gives the TLS session for the next connection. */
async function firstSession(host: string, { cert, key }: Certificate, version: 'TLSv1.2' | 'TLSv1.3'): Promise<Buffer> {
  const connection = await openTls(server, host, { cert, key, maxVersion: version });
  const ticket = version === 'TLSv1.3' ? once(connection.socket, 'session') : null;
  await connection.send(writeOf(host));
  assert.equal((await connection.response()).status, 204);
  const session = ticket === null ? connection.socket.getSession() : (await ticket)[0];
  connection.destroy();
  assert.ok(session instanceof Buffer, 'the server gave no session');
  return session;
}
