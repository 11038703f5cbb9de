/** device-http.md, table of codes: what is refused at the door, how, and with which headers. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { newConnector, resource } from '../helpers/connector.ts';
import { curl, runCurl } from '../helpers/curl.ts';
import { send } from '../helpers/device.ts';
import { openTcp, openTls } from '../helpers/raw.ts';
import { startServer } from '../helpers/server.ts';

/** Slow requests are given up after this time (ms), so that the tests need not wait for the default. */
const REQUEST_TIMEOUT = 1500;
const server = await startServer({ env: { SLIPWAY_REQUEST_TIMEOUT_MS: String(REQUEST_TIMEOUT) } });
after(() => server.stop());
const connector = await newConnector(server, { resources: { a: resource() } });
const token = await connector.provision('d1');
const alias = '/api:v1/stack/alias';

for (const [what, headers] of [
  ['no credential', {}],
  ['a token that is not known', { Authorization: `Token ${'0'.repeat(40)}` }],
  ['a token that is no token', { Authorization: 'Token x' }],
  ['an empty token', { Authorization: 'Token ' }],
  ['an unknown scheme', { Authorization: `Digest ${'0'.repeat(40)}` }],
  ['Basic that is no base64', { Authorization: 'Basic %%%' }],
  ['Basic without a colon', { Authorization: `Basic ${Buffer.from('d1').toString('base64')}` }],
  [
    'Basic of an unknown identity',
    { Authorization: `Basic ${Buffer.from('dx:0123456789abcdefghij').toString('base64')}` },
  ],
  [
    'Basic for a device that has a token',
    { Authorization: `Basic ${Buffer.from('d1:0123456789abcdefghij').toString('base64')}` },
  ],
  ['an X-Exosite-CIK that is not known', { 'X-Exosite-CIK': '0'.repeat(40) }],
] as const) {
  test(`${what}: 401 with WWW-Authenticate, on write, read, record and long poll`, async () => {
    for (const [path, body, more] of [
      [alias, 'a=1', {}],
      [`${alias}?a`, undefined, {}],
      ['/onep:v1/stack/record', 'alias=a&1700000000=1', {}],
      [`${alias}?a`, undefined, { 'Request-Timeout': '1000' }],
    ] as const) {
      const answer = await connector.send(path, { body, headers: { ...headers, ...more } });
      assert.equal(answer.status, 401, `${path}: ${answer.body}`);
      assert.match(answer.headers['www-authenticate'] ?? '', /^(Token|Basic)\b/);
    }
    assert.deepEqual(await connector.history('d1', 'a'), []);
  });
}

for (const path of [
  '/',
  '/nothing',
  '/api:v1',
  '/api:v1/',
  '/api:v1/stack',
  '/api:v2/stack/alias',
  '/api:v1//stack/alias',
  '/API:V1/stack/alias',
  '/metrics',
  '/api:1/connectors',
  '/../etc/passwd',
]) {
  test(`the path ${path} is a 404`, async () => {
    const answer = await connector.send(path, { token });
    assert.equal(answer.status, 404, answer.body);
  });
}

test('a host that names no connector, nor the domain itself, is a 404', async () => {
  for (const host of ['a234567890123456.m2.localhost', 'short.m2.localhost']) {
    const answer = await send(server, '', alias, { host, token, body: 'a=1' });
    assert.equal(answer.status, 404, host);
    const activation = await send(server, '', '/provision/activate', { host, body: 'id=d1' });
    assert.equal(activation.status, 404, host);
  }
});

for (const { path, methods, allow } of [
  { path: alias, methods: ['PUT', 'DELETE', 'PATCH', 'OPTIONS'], allow: ['GET', 'POST'] },
  { path: '/onep:v1/stack/record', methods: ['GET', 'PUT', 'DELETE'], allow: ['POST'] },
  { path: '/api:v1/stack/alias/a', methods: ['DELETE', 'PUT'], allow: ['POST'] },
  { path: '/provision/activate', methods: ['GET', 'PUT', 'DELETE'], allow: ['POST'] },
  { path: '/timestamp', methods: ['POST', 'PUT', 'DELETE'], allow: ['GET'] },
  { path: '/ip', methods: ['POST', 'DELETE'], allow: ['GET'] },
]) {
  test(`${path} answers ${methods.join(', ')} with 405 and Allow: ${allow.join(', ')}`, async () => {
    for (const method of methods) {
      const answer = await connector.send(path, { method, token });
      assert.equal(answer.status, 405, method);
      const allowed = (answer.headers.allow ?? '').split(', ');
      for (const name of allow) assert.ok(allowed.includes(name), `Allow: ${answer.headers.allow}`);
      assert.ok(!allowed.includes(method), `Allow: ${answer.headers.allow}`);
    }
  });
}

test('GET /timestamp and GET /ip answer without credentials, on any host', async () => {
  for (const host of [connector.fqdn, 'm2.localhost']) {
    const timestamp = await send(server, '', '/timestamp', { host });
    assert.equal(timestamp.status, 200);
    assert.match(timestamp.headers['content-type'] ?? '', /^text\/plain/);
    assert.match(timestamp.body, /^\d{10}$/);
    const ip = await send(server, '', '/ip', { host });
    assert.equal(ip.status, 200);
    assert.equal(ip.body, '127.0.0.1');
  }
});

test('a body over the limit is a 413, also when only its length says so', async () => {
  const announced = await openTls(server, connector.fqdn);
  await announced.send(
    `POST ${alias} HTTP/1.1\r\nHost: ${connector.fqdn}\r\nAuthorization: Token ${token}\r\nContent-Length: 99999999999\r\n\r\n`,
  );
  assert.equal((await announced.response()).status, 413);
  await announced.closed();
});

test('a path that is too long is a 414, headers that are too long are a 431', async () => {
  const path = await openTcp(server);
  await path.send(`GET ${alias}?${'a&'.repeat(64_000)} HTTP/1.1\r\nHost: ${connector.fqdn}\r\n\r\n`);
  assert.equal((await path.response()).status, 414);
  const headers = await openTcp(server);
  await headers.send(`GET ${alias}?a HTTP/1.1\r\nHost: ${connector.fqdn}\r\nX-Long: ${'x'.repeat(128_000)}\r\n\r\n`);
  assert.equal((await headers.response()).status, 431);
});

test('a request of too many headers is refused with a 4xx', async () => {
  const many = await openTcp(server);
  const lines = Array.from({ length: 5000 }, (_, at) => `X-${at}: 1\r\n`).join('');
  await many.send(`GET /timestamp HTTP/1.1\r\nHost: ${connector.fqdn}\r\n${lines}\r\n`);
  assert.equal((await many.response()).status, 431);
});

test('headers that do not arrive in time: 408, and the connection closes', async () => {
  const connection = await openTcp(server);
  const pieces = [`POST ${alias} HTTP/1.1\r\n`, 'Host: ', ...`${connector.fqdn}\r\n`];
  await connection.dribble([...pieces, ...'X-Slow: '.repeat(20)], 100);
  assert.equal((await connection.response()).status, 408);
  await connection.closed();
});

test('a body that does not arrive in time: 408, and nothing is stored', async () => {
  const connection = await openTls(server, connector.fqdn);
  await connection.send(
    `POST ${alias} HTTP/1.1\r\nHost: ${connector.fqdn}\r\nAuthorization: Token ${token}\r\nContent-Length: 1000\r\n\r\na=1`,
  );
  await connection.dribble([...'x'.repeat(60)], 100);
  assert.equal((await connection.response()).status, 408);
  await connection.closed();
  assert.deepEqual(await connector.history('d1', 'a'), []);
});

test('a long poll outlives the time that a request may take to arrive', async () => {
  const headers = { 'Request-Timeout': String(REQUEST_TIMEOUT * 2) };
  assert.equal((await connector.send(`${alias}?a`, { token, headers })).status, 304);
});

test('a Host header that differs from the TLS server name: 421', async () => {
  const other = await newConnector(server);
  for (const host of [other.fqdn, 'm2.localhost', 'example.com']) {
    const answer = await send(server, '', alias, { host, servername: connector.fqdn, token, body: 'a=1' });
    assert.equal(answer.status, 421, host);
  }
});

test('case and port of the Host header make no difference', async () => {
  for (const host of [connector.fqdn, connector.fqdn.toUpperCase(), `${connector.fqdn}:443`]) {
    const connection = await openTls(server, connector.fqdn);
    await connection.send(`GET ${alias}?a HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Token ${token}\r\n\r\n`);
    assert.equal((await connection.response()).status, 204, host);
    connection.destroy();
  }
});

test('an error is one line of text that says what was wrong, without echoing a secret', async () => {
  const secret = 'f'.repeat(40);
  const answer = await connector.send(alias, { token: secret, body: 'a=1' });
  assert.equal(answer.status, 401);
  assert.ok(!answer.body.includes(secret));
});

test('curl over HTTP/1.0 and over keep-alive is served alike', async () => {
  const url = `${server.url(connector.id)}/timestamp`;
  assert.equal((await curl(server, ['--http1.0', url])).status, 200);
  const { stderr } = await runCurl(server, ['-sv', url, url]);
  assert.match(stderr, /Re-using existing connection/);
});

test('TLS below 1.2 is refused', async () => {
  const old = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' } as const;
  await assert.rejects(openTls(server, connector.fqdn, old));
  const fine = await openTls(server, connector.fqdn, { maxVersion: 'TLSv1.2' });
  assert.equal(fine.socket.getProtocol(), 'TLSv1.2');
  fine.destroy();
});
