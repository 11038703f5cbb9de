/** Signing in by a real OpenID provider: who is let in, as what, and what a forged answer of it is worth. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startProvider, type TestProvider, type Visitor, visitor } from '../helpers/provider.ts';
import { PASSWORD, startApi, type TestApi } from './harness.ts';

let provider: TestProvider;
let api: TestApi;
let url: string;
let late = 0;
before(async () => {
  provider = await startProvider('groups:admins=admin,groups:line=operator');
  api = await startApi({ env: provider.env, clock: () => Date.now() * 1000 + late });
  url = `http://localhost:${new URL(api.url).port}`;
  provider.expect(url);
});
after(async () => {
  await api?.close();
  await provider?.stop();
});

const person = (sub: string, groups: unknown, over: object = {}) => {
  provider.people.set(sub, { email: `${sub}@example.com`, email_verified: true, groups, ...over });
  return sub;
};
const start = (to = '/', more = '') => `${url}/api:1/oidc/start?to=${encodeURIComponent(to)}${more}`;
const account = async ({ cookies }: Visitor) => {
  const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  return (await api.call('GET', '/api:1/session', undefined, { as: 'nobody', headers: { cookie } })).body.account;
};

test('the page to sign in is told that there is a provider, and nothing of it but its name', async () => {
  const { body } = await api.call('GET', '/api:1/sign-in', undefined, { as: 'nobody' });
  assert.deepEqual(body, { provider: { name: 'Harbour ID' } });
});

test('who is let in gets an account with the role of the claims, and ends on the page that was asked for', async () => {
  const browser = visitor();
  const end = await browser.signIn(start('/connectors/x/logs?types=refused'), person('kim', ['other', 'line']));
  assert.equal(end.href, `${url}/connectors/x/logs?types=refused`);
  const me = await account(browser);
  assert.deepEqual([me.email, me.role, me.has_password], ['kim@example.com', 'operator', false]);
  assert.deepEqual([me.connectors, me.all_connectors], [[], false], 'an admin here gives them');
  assert.equal(
    [...browser.cookies.keys()].some((name) => name.startsWith('slipway_oidc')),
    false,
  );
  const { rows } = await api.store.readAudit({ limit: 2 });
  assert.deepEqual(
    rows.map(({ text }) => JSON.parse(text).action),
    ['signIn', 'createUser'],
  );
});

test('an email counts where the provider says that it is verified, as a text too, or says nothing of it', async () => {
  for (const [sub, email_verified] of [
    ['as-text', 'true'],
    ['unsaid', undefined],
  ] as const) {
    const browser = visitor();
    await browser.signIn(start(), person(sub, ['line'], { email_verified }));
    assert.equal((await account(browser))?.email, `${sub}@example.com`);
  }
});

test('a person who signs in for the first time in several browsers at once gets one account, and is let in everywhere', async () => {
  for (let n = 0; n < 5; n += 1) {
    const sub = person(`at-once${n}`, ['line']);
    const browsers = Array.from({ length: 4 }, () => visitor());
    const ends = await Promise.all(browsers.map((browser) => browser.signIn(start('/connectors'), sub)));
    for (const end of ends) assert.equal(end.href, `${url}/connectors`);
    const ids = new Set(await Promise.all(browsers.map(async (browser) => (await account(browser)).email)));
    assert.deepEqual([...ids], [`${sub}@example.com`]);
    assert.equal((await api.store.listUsers()).filter(({ email }) => email === `${sub}@example.com`).length, 1);
  }
});

test('the role is as the provider has it at each sign-in; another one ends the sessions before', async () => {
  const [first, second] = [visitor(), visitor()];
  await first.signIn(start(), person('sam', ['line']));
  const { id } = await account(first);
  provider.people.set('sam', { ...provider.people.get('sam'), groups: ['admins'], email: 'samuel@example.com' });
  await second.signIn(start(), 'sam');
  const me = await account(second);
  assert.deepEqual([me.id, me.role, me.email], [id, 'admin', 'samuel@example.com']);
  assert.equal(me.all_connectors, true, 'admins manage everything');
  assert.equal(await account(first), null);
  const changed = await api.call('PATCH', `/api:1/users/${id}`, { role: 'viewer' });
  assert.equal(changed.body.code, 'PROVIDED');
  assert.equal((await api.call('POST', `/api:1/users/${id}/link`)).body.code, 'PROVIDED');
  provider.people.set('sam', { ...provider.people.get('sam'), groups: ['line'] });
  await second.signIn(start(), 'sam');
  assert.equal((await account(second)).all_connectors, false, 'and operators do not');
});

test('the connectors that an admin here gives stay', async () => {
  const { id: connector } = await api.connector();
  const browser = visitor();
  await browser.signIn(start(), person('stays', ['line']));
  const { id } = await account(browser);
  assert.equal((await api.call('PATCH', `/api:1/users/${id}`, { connectors: [connector] })).status, 200);
  await browser.signIn(start(), 'stays');
  assert.deepEqual((await account(browser)).connectors, [connector]);
});

test('what nobody began is not in the audit log', async () => {
  const before = (await api.store.readAudit({ limit: 1 })).rows[0]!.seq;
  await visitor().get(`${url}/api:1/oidc/callback?code=x&state=y`);
  assert.equal((await api.store.readAudit({ limit: 1 })).rows[0]!.seq, before);
});

test('who has no role, no verified email, or the email of an account with a password is not let in', async () => {
  const strangers: [string, unknown, object][] = [
    ['nobody', ['other'], {}],
    ['no-groups', undefined, {}],
    ['unverified', ['admins'], { email_verified: false }],
    ['unverified-text', ['admins'], { email_verified: 'false' }],
    ['unverified-number', ['admins'], { email_verified: 0 }],
    ['unverified-null', ['admins'], { email_verified: null }],
    ['no-email', ['admins'], { email: undefined }],
    ['turned', ['admins'], { email: 'admin@\u202elocalhost' }],
    ['as-a-key', ['admins'], { email: 'Key:line@3' }],
    ['takes-over', ['admins'], { email: 'Admin@localhost' }],
  ];
  for (const [sub, groups, over] of strangers) {
    const browser = visitor();
    const end = await browser.signIn(start('/account'), person(sub, groups, over));
    assert.equal(end.href, `${url}/account?refused=PROVIDER_FORBIDDEN`, sub);
    assert.equal(await account(browser), null);
  }
  assert.equal((await api.store.getUser('admin@localhost'))?.subject, null);
});

test('who is removed at the provider does not come in again', async () => {
  await visitor().signIn(start(), person('leaver', ['line']));
  provider.people.delete('leaver');
  const browser = visitor();
  await assert.rejects(browser.signIn(start(), 'leaver'));
  assert.equal(await account(browser), null);
});

test('an answer that was not asked for here, is of another browser, late, or used is refused', async () => {
  person('pat', ['line']);
  const refusal = `${url}/?refused=PROVIDER_FAILED`;
  const callback = async (browser: Visitor, query: string) => {
    const response = await browser.get(`${url}/api:1/oidc/callback${query}`);
    assert.equal(response.status, 302);
    return new URL(response.headers.get('location')!, url).href;
  };
  assert.equal(await callback(visitor(), '?code=x&state=y'), refusal);
  // A victim whose browser is sent to the answer that an attacker got.
  const attacker = visitor();
  const answer = await stopAtCallback(attacker, 'pat');
  const victim = visitor();
  assert.equal(await callback(victim, answer), refusal);
  await victim.get(start());
  assert.equal(await callback(victim, answer), refusal, 'with a sign-in of its own under way');
  assert.equal(await account(victim), null);
  // The attacker's own browser has it, once.
  const kept = new Map(attacker.cookies);
  assert.equal(await callback(attacker, answer), `${url}/`);
  for (const [name, value] of kept) attacker.cookies.set(name, value);
  assert.equal(await callback(attacker, answer), refusal, 'a code is good once');
  const slow = visitor();
  const second = await stopAtCallback(slow, 'pat');
  late = 601_000_000;
  assert.equal(await callback(slow, second), refusal);
  late = 0;
});

/** Signs in at the provider, and stops before the console hears of it. */
async function stopAtCallback(browser: Visitor, login: string): Promise<string> {
  let query = '';
  const get = browser.get;
  let response = await get(start());
  let at = new URL(start());
  while (query === '') {
    const location = response.headers.get('location');
    if (location === null) {
      const page = await response.text();
      at = new URL(/action="([^"]+)"/.exec(page)![1]!, at);
      const prompt = /name="prompt" value="(\w+)"/.exec(page)![1]!;
      response = await browser.post(at.href, prompt === 'login' ? { prompt, login, password: 'any' } : { prompt });
      continue;
    }
    at = new URL(location, at);
    if (at.pathname === '/api:1/oidc/callback') query = at.search;
    else response = await get(at.href);
  }
  return query;
}

test('a refusal at the provider ends on the page with a reason', async () => {
  const browser = visitor();
  await browser.get(start());
  const response = await browser.get(`${url}/api:1/oidc/callback?error=access_denied&state=x`);
  assert.equal(new URL(response.headers.get('location')!, url).search, '?refused=PROVIDER_FAILED');
});

test('no page but one of this console is led to at the end', async () => {
  for (const to of [
    'https://evil.example',
    '//evil.example',
    '/\\evil.example',
    '///evil.example',
    'javascript:1',
    '/%0d%0aX: y',
  ]) {
    const end = await visitor().signIn(start(to), person('open', ['line']));
    assert.equal(end.origin, url, to);
  }
});

test('only where the provider was asked for the password anew are calls open that demand it', async () => {
  person('root', ['admins']);
  const browser = visitor();
  await browser.signIn(start(), 'root');
  const post = () => {
    const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = { cookie, 'sec-fetch-site': 'same-origin' };
    return api.call('POST', '/api:1/keys', { name: 'k', role: 'viewer' }, { as: 'nobody', headers });
  };
  assert.equal((await post()).body.code, 'PROOF_NEEDED');
  await browser.signIn(start('/', '&fresh=true'), 'root');
  assert.equal((await post()).status, 201);
});

test('an account of the provider has no password to sign in with', async () => {
  for (const password of [PASSWORD, ' ']) {
    const answer = await api.call('POST', '/api:1/token', { email: 'kim@example.com', password }, { as: 'nobody' });
    assert.equal(answer.body.code, 'LOGIN_FAILED');
  }
});

test('a provider that is away ends on the page with a reason, and is asked again later', async () => {
  const gone = await startProvider('groups:admins=admin');
  const other = await startApi({ env: gone.env });
  const otherUrl = `http://localhost:${new URL(other.url).port}`;
  try {
    await gone.stop();
    const response = await visitor().get(`${otherUrl}/api:1/oidc/start?to=%2Faccount`);
    assert.equal(response.headers.get('location'), '/account?refused=PROVIDER_FAILED');
  } finally {
    await other.close();
  }
});
