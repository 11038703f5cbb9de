/** What the management API answers to requests that are not as they should be, and to machines that ask how it is. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { readScrape } from '../helpers/scrape.ts';
import { startApi, type TestApi } from './harness.ts';

let api: TestApi;
before(async () => {
  api = await startApi();
});
after(() => api.close());

const json = { 'content-type': 'application/json' };
const post = (body: string, headers: Record<string, string> = json) =>
  api.call('POST', '/api:1/connectors', body, { headers });

for (const [what, answer, code, message] of [
  ['a path that is none', () => api.call('GET', '/api:1/nothing'), 'PATH_UNKNOWN', /api:1\/nothing/],
  [
    'a method that a path does not take',
    () => api.call('PUT', '/api:1/connectors'),
    'METHOD_NOT_ALLOWED',
    /GET, POST, HEAD/,
  ],
  ['a body that is no JSON', () => post('{"name":'), 'BODY_INVALID', /JSON/],
  ['an empty body', () => post(''), 'BODY_INVALID', /empty/],
  [
    'a form',
    () => post('name=a', { 'content-type': 'application/x-www-form-urlencoded' }),
    'MEDIA_TYPE',
    /expected application\/json/,
  ],
  ['a body without a type', () => post('name', { 'content-type': '' }), 'MEDIA_TYPE', /application\/json/],
  ['a body of over 1 MiB', () => post(JSON.stringify({ name: 'x'.repeat(1_100_000) })), 'BODY_TOO_LARGE', /./],
  ['a key that reaches for a prototype', () => post('{"name":"a","__proto__":{"x":1}}'), 'BODY_INVALID', /./],
  ['no body', () => api.call('POST', '/api:1/connectors'), 'SCHEMA', /name: nothing, expected a value/],
  ['an array', () => post('[]'), 'SCHEMA', /an array, expected object/],
  ['null', () => post('null'), 'SCHEMA', /null, expected object/],
  ['a path that is no UTF-8', () => api.call('GET', '/api:1/connectors/%FF'), 'IDENTITY_ENCODING', /./],
] as const) {
  test(`${what} is answered from the catalogue: ${code}`, async () => {
    const { body } = await answer();
    assert.equal(body.code, code);
    assert.match(body.message, message);
    assert.equal(typeof body.error, 'string');
  });
}

test('what may be a secret in the wrong place is not repeated', async () => {
  const secret = 'correct-horse-battery';
  for (const [path, body, headers, status] of [
    ['/api:1/token', JSON.stringify({ email: 'a@b', password: secret }), { 'content-type': 'text/plain' }, 415],
    ['/api:1/token', JSON.stringify(secret), json, 400],
    ['/api:1/connectors', JSON.stringify({ name: 'a', settings: { auth: secret } }), json, 400],
  ] as const) {
    const answer = await api.call('POST', path, body, { headers });
    assert.equal(answer.status, status, answer.text);
    assert.ok(!answer.text.includes(secret), answer.text);
  }
});

test('a form that is broken is the caller’s fault: 400, and no device', async () => {
  const { base } = await api.connector();
  const part = '--b\r\nContent-Disposition: form-data; name="identities"; filename="a.csv"\r\n\r\nID\n1\n';
  for (const [body, type] of [
    [part, 'multipart/form-data'],
    [part, 'multipart/form-data; boundary=b'],
    ['nothing', 'multipart/form-data; boundary=b'],
  ] as const) {
    const answer = await api.call('POST', `${base}/identities`, body, { headers: { 'content-type': type } });
    assert.equal(answer.status, 400, `${type}: ${answer.text}`);
  }
  assert.deepEqual((await api.call('GET', `${base}/identities/count`)).body, { count: 0 });
});

test('every fault of a body is named, with what was seen and what was expected; secrets are not repeated', async () => {
  const { body, text } = await api.call('POST', '/api:1/token', { email: 5, password: '', extra: 1 });
  assert.deepEqual(
    body.details.toSorted((a: { path: string }, b: { path: string }) => a.path.localeCompare(b.path)),
    [
      { path: 'email', seen: '5', expected: 'string' },
      { path: 'extra', seen: 'a field', expected: 'no such field' },
      { path: 'password', seen: '0 characters', expected: 'at least 1 characters' },
    ],
  );
  const long = await api.call('POST', '/api:1/token', { email: 'a', password: 'hunter2'.repeat(500) });
  assert.equal(long.status, 400);
  assert.ok(!long.text.includes('hunter2') && !text.includes('hunter2'));
});

test('405 names what the path takes, and asks for no session', async () => {
  const { status, headers } = await api.call('DELETE', '/healthz', undefined, { as: 'nobody' });
  assert.equal(status, 405);
  assert.equal(headers.get('allow'), 'GET, HEAD');
});

test('a trailing slash makes no difference', async () => {
  for (const path of ['/api:1/connectors', '/api:1/users/me', '/healthz']) {
    for (const slash of ['', '/']) assert.equal((await api.call('GET', path + slash)).status, 200, path + slash);
  }
});

test('every answer forbids sniffing, framing, referrers and keeping', async () => {
  for (const path of ['/api:1/connectors', '/healthz', '/nothing', '/api:1/connectors/%FF', '/api/docs/']) {
    const { headers } = await api.call('GET', path);
    assert.equal(headers.get('x-content-type-options'), 'nosniff', path);
    assert.match(headers.get('content-security-policy') ?? '', /frame-ancestors 'none'/, path);
    assert.equal(headers.get('referrer-policy'), 'no-referrer', path);
    if (path.startsWith('/api:1')) assert.equal(headers.get('cache-control'), 'no-store', path);
  }
});

test('HEAD answers as GET does, without the body', async () => {
  const { status, text } = await api.call('HEAD', '/api:1/connectors');
  assert.deepEqual([status, text], [200, '']);
});

test('bytes that are no HTTP get an answer from the catalogue, and the server goes on', async () => {
  const { hostname, port } = new URL(api.url);
  for (const [bytes, status, code] of [
    ['nonsense\r\n\r\n', 400, 'REQUEST_MALFORMED'],
    [`GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431, 'HEADERS_TOO_LARGE'],
  ] as const) {
    const socket = connect(Number(port), hostname);
    socket.end(bytes);
    let answer = '';
    for await (const chunk of socket) answer += chunk;
    assert.ok(answer.startsWith(`HTTP/1.1 ${status} `), answer);
    assert.equal(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n'))).code, code);
  }
  assert.equal((await api.call('GET', '/healthz')).status, 200);
});

test('alive, ready and figures are told to anyone', async () => {
  for (const path of ['/healthz', '/readyz']) {
    const { status, text } = await api.call('GET', path, undefined, { as: 'nobody' });
    assert.deepEqual([status, text], [200, 'ok\n']);
  }
  const { text, headers } = await api.call('GET', '/metrics', undefined, { as: 'nobody' });
  assert.equal(headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
  const figures = readScrape(text);
  assert.equal(figures.value('slipway_info', { version: '1.2.3' }), 1);
  assert.ok(figures.value('slipway_store_commit_writes_count') > 0);
});

test('a client that never finishes its request does not keep the API from closing', async () => {
  const other = await startApi();
  const { hostname, port } = new URL(other.url);
  const silent = connect(Number(port), hostname);
  const slow = connect(Number(port), hostname);
  for (const socket of [silent, slow]) socket.on('error', () => {});
  slow.write('POST /api:1/token HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{');
  const ended = Promise.all(
    [silent, slow].map((socket) => new Promise((resolve) => socket.resume().on('close', resolve))),
  );
  assert.equal((await other.call('GET', '/healthz')).status, 200);
  await other.close();
  await ended;
});

test('what goes wrong inside is logged, and the answer tells nothing of it', async () => {
  const broken = await startApi();
  const { base } = await broken.connector();
  await broken.store.close();
  const { status, body, text } = await broken
    .call('PUT', `${base}/identity/a`, {})
    .finally(() => broken.close().catch(() => {}));
  assert.ok(status === 500 || status === 503, text);
  assert.ok(['INTERNAL', 'STORAGE_UNAVAILABLE', 'STOPPING'].includes(body.code), text);
  assert.doesNotMatch(text, /sqlite|database|\.ts|at /i);
});
