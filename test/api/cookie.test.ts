/** The console's session cookie: what it is good for, and what it is not; and the own password. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { PASSWORD, startApi, type TestApi } from './harness.ts';

let api: TestApi;
before(async () => {
  api = await startApi();
});
after(() => api.close());

const own = { 'sec-fetch-site': 'same-origin' };
const asNobody = (headers: Record<string, string>) => ({ as: 'nobody' as const, headers });

async function signIn(email = 'admin@localhost', password = PASSWORD, headers: Record<string, string> = own) {
  return api.call('POST', '/api:1/session', { email, password }, asNobody(headers));
}

/** `name=value` of the cookie that an answer sets. */
function cookieOf(answer: { headers: Headers }): string {
  return answer.headers.get('set-cookie')!.split(';')[0]!;
}

test('a session by cookie tells whose it is, lasts 12 hours, and is out of the reach of scripts and other sites', async () => {
  const answer = await signIn();
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.body.email, 'admin@localhost');
  const { port } = new URL(api.url);
  assert.match(
    answer.headers.get('set-cookie')!,
    new RegExp(`^slipway_session_${port}=[\\w-]{43}; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict$`),
  );
  const account = await api.call('GET', '/api:1/session', undefined, asNobody({ cookie: cookieOf(answer) }));
  assert.equal(account.body.account.email, 'admin@localhost');
});

test('behind a proxy that adds TLS the cookie is for TLS alone', async () => {
  const headers = { origin: 'https://slipway.example', host: 'slipway.example', 'sec-fetch-site': 'same-origin' };
  const answer = await signIn('admin@localhost', PASSWORD, headers);
  assert.match(answer.headers.get('set-cookie')!, /; Secure$/);
});

test('nobody signed in: the console is told so, without an error', async () => {
  for (const headers of [
    {} as Record<string, string>,
    { cookie: 'other=1' },
    { cookie: `${cookieOf(await signIn())}x` },
  ]) {
    const answer = await api.call('GET', '/api:1/session', undefined, asNobody(headers));
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.body, { account: null });
  }
});

test('the cookie is no credential for requests of other pages', async () => {
  const cookie = cookieOf(await signIn());
  const call = (method: string, headers: Record<string, string>) =>
    api.call(
      method,
      '/api:1/connectors',
      method === 'POST' ? { name: 'X' } : undefined,
      asNobody({ cookie, ...headers }),
    );
  const { origin, host } = new URL(api.url);
  const good: [string, Record<string, string>][] = [
    ['GET', {}],
    ['GET', { 'sec-fetch-site': 'none' }],
    ['GET', own],
    ['POST', own],
    ['POST', { origin }],
  ];
  for (const [method, headers] of good) {
    assert.ok((await call(method, headers)).status < 300, `${method} ${JSON.stringify(headers)}`);
  }
  const bad: [string, Record<string, string>][] = [
    ['GET', { 'sec-fetch-site': 'same-site' }],
    ['GET', { 'sec-fetch-site': 'cross-site' }],
    ['GET', { origin: 'http://localhost:1' }],
    ['POST', {}],
    ['POST', { 'sec-fetch-site': 'none' }],
    ['POST', { 'sec-fetch-site': 'same-site', origin }],
    ['POST', { origin: `http://evil.${host}` }],
    ['POST', { origin: 'null' }],
  ];
  for (const [method, headers] of bad) {
    const answer = await call(method, headers);
    assert.equal(answer.status, 403, `${method} ${JSON.stringify(headers)}`);
    assert.equal(answer.body.code, 'CROSS_SITE');
  }
});

test('a page of another site cannot sign a browser in', async () => {
  for (const headers of [{}, { origin: 'http://evil.example' }, { 'sec-fetch-site': 'cross-site' }]) {
    assert.equal(
      (await signIn('admin@localhost', PASSWORD, headers as Record<string, string>)).body.code,
      'CROSS_SITE',
    );
  }
});

test('signing out ends the session and takes the cookie away', async () => {
  const cookie = cookieOf(await signIn());
  const out = await api.call('DELETE', '/api:1/session', undefined, asNobody({ cookie, ...own }));
  assert.equal(out.status, 204);
  assert.match(out.headers.get('set-cookie')!, /Max-Age=0/);
  assert.equal((await api.call('GET', '/api:1/connectors', undefined, asNobody({ cookie, ...own }))).status, 401);
  assert.equal((await api.call('DELETE', '/api:1/session', undefined, asNobody({ ...own }))).status, 204);
});

test('an Authorization header that is no good is not made good by a cookie', async () => {
  const cookie = cookieOf(await signIn());
  const answer = await api.call('GET', '/api:1/connectors', undefined, asNobody({ cookie, authorization: 'token x' }));
  assert.equal(answer.status, 401);
});

test('another password needs the current one, ends all other sessions, and holds from then on', async () => {
  const email = 'operator@localhost';
  const here = cookieOf(await signIn(email));
  const there = cookieOf(await signIn(email));
  const change = (current: string, chosen: string) =>
    api.call('PATCH', '/api:1/users/me', { password: { current, new: chosen } }, asNobody({ cookie: here, ...own }));
  const wrong = await change('wrong', 'a-better-password');
  assert.equal(wrong.status, 403);
  assert.equal(wrong.body.code, 'PASSWORD_WRONG');
  assert.equal((await change(PASSWORD, 'short')).body.code, 'SCHEMA');
  assert.equal((await change(PASSWORD, 'a-better-password')).status, 200);
  const me = (cookie: string) => api.call('GET', '/api:1/users/me', undefined, asNobody({ cookie, ...own }));
  assert.equal((await me(here)).status, 200);
  assert.equal((await me(there)).status, 401);
  assert.equal((await signIn(email)).status, 401);
  assert.equal((await signIn(email, 'a-better-password')).status, 200);
});

test('the current password cannot be tried without end', async () => {
  const headers = { cookie: cookieOf(await signIn('viewer@localhost')), ...own };
  let status = 0;
  for (let n = 0; n < 40 && status !== 429; n += 1) {
    const password = { current: `guess ${n}`, new: 'a-better-password' };
    ({ status } = await api.call('PATCH', '/api:1/users/me', { password }, asNobody(headers)));
  }
  assert.equal(status, 429);
});

test('a sign-in with the old password that a change of it overtakes opens no session', async () => {
  const email = 'viewer@localhost';
  const newer = await startApi();
  const body = (password: string) => ({ email, password });
  const cookie = cookieOf(await newer.call('POST', '/api:1/session', body(PASSWORD), asNobody(own)));
  const opened = [];
  const change = { password: { current: PASSWORD, new: 'a-better-password' } };
  const changing = newer.call('PATCH', '/api:1/users/me', change, asNobody({ cookie, ...own }));
  for (let n = 0; n < 4; n += 1) opened.push(newer.call('POST', '/api:1/session', body(PASSWORD), asNobody(own)));
  assert.equal((await changing).status, 200);
  for (const answer of await Promise.all(opened)) {
    if (answer.status !== 200) continue;
    const now = await newer.call('GET', '/api:1/session', undefined, asNobody({ cookie: cookieOf(answer) }));
    assert.equal(now.body.account, null);
  }
  await newer.close();
});

test('signing out while the password is being changed is not undone by it', async () => {
  const newer = await startApi();
  const body = { email: 'operator@localhost', password: PASSWORD };
  const cookie = cookieOf(await newer.call('POST', '/api:1/session', body, asNobody(own)));
  const change = { password: { current: PASSWORD, new: 'a-better-password' } };
  const changing = newer.call('PATCH', '/api:1/users/me', change, asNobody({ cookie, ...own }));
  await newer.call('DELETE', '/api:1/session', undefined, asNobody({ cookie, ...own }));
  await changing;
  assert.equal((await newer.call('GET', '/api:1/users/me', undefined, asNobody({ cookie, ...own }))).status, 401);
  await newer.close();
});

test('a cookie of the same name that another port of the host has set keeps nobody out', async () => {
  const good = cookieOf(await signIn());
  const name = good.split('=')[0];
  for (const cookie of [`${name}=tossed; ${good}`, `${name}=a; ${name}=b; ${good}; ${name}=c`]) {
    assert.equal((await api.call('GET', '/api:1/connectors', undefined, asNobody({ cookie, ...own }))).status, 200);
  }
});

test('an upload that outlives its session writes nothing', async () => {
  const connector = await api.connector();
  const cookie = cookieOf(await signIn());
  const rows = Promise.withResolvers<void>();
  const text = async function* () {
    yield Buffer.from('ID\n');
    await rows.promise;
    yield Buffer.from('late\n');
  };
  const upload = fetch(`${api.url}${connector.base}/identities`, {
    method: 'POST',
    headers: { cookie, ...own, 'content-type': 'text/csv' },
    body: ReadableStream.from(text()),
    duplex: 'half',
  } as RequestInit);
  assert.equal((await api.call('DELETE', '/api:1/session', undefined, asNobody({ cookie, ...own }))).status, 204);
  rows.resolve();
  assert.equal((await upload).status, 401);
  assert.equal((await api.call('GET', `${connector.base}/identities/count`)).body.count, 0);
});

test('one session cannot take all live logs for itself', async () => {
  const connector = await api.connector();
  const headers = { cookie: cookieOf(await signIn()), ...own };
  const end = new AbortController();
  const open = () => fetch(`${api.url}${connector.base}/events/stream`, { headers, signal: end.signal });
  const answers: Response[] = [];
  for (let n = 0; n < 21; n += 1) answers.push(await open());
  const statuses = answers.map(({ status }) => status);
  assert.deepEqual(statuses, [...Array(20).fill(200), 503]);
  assert.equal((await fetch(`${api.url}${connector.base}/events/stream`, { signal: end.signal })).status, 401);
  end.abort();
});
