/** Accounts: made by link or with a password, changed, removed; what that does to their sessions. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ensureAdmin } from '../../src/api/first-account.ts';
import { SESSION_LENGTH } from '../../src/api/session.ts';
import { LINK_LENGTH } from '../../src/api/users.ts';
import { openSession, PASSWORD, putUser, startApi, type TestApi } from './harness.ts';

let api: TestApi;
let late = 0;
before(async () => {
  api = await startApi({ clock: () => Date.now() * 1000 + late, heartbeat: 60_000 });
});
after(() => api.close());

const now = () => Date.now() * 1000 + late;
/** As an admin who has just shown the password. */
async function create(body: object) {
  const token = await openSession(api.store, (await api.store.getUser('admin@localhost'))!, now());
  return api.call('POST', '/api:1/users', body, { token });
}
const signIn = (email: string, password: string) =>
  api.call('POST', '/api:1/token', { email, password }, { as: 'nobody' });
const asNobody = { as: 'nobody' as const };
const secretOf = (link: string) => link.split('#')[1]!;
const setPassword = (link: string, password: string) =>
  api.call('POST', '/api:1/password', { link, password }, asNobody);

test('an account made without a password has a link to set one, shown once, good once', async () => {
  const made = await create({ email: 'Invited@Example.com', role: 'operator' });
  assert.equal(made.status, 201, made.text);
  assert.equal(made.body.email, 'invited@example.com');
  assert.equal(made.body.has_password, false);
  assert.match(made.body.link, /^\/password#[\w-]{43}$/);
  assert.equal((await signIn('invited@example.com', '')).status, 400);
  assert.equal((await signIn('invited@example.com', PASSWORD)).body.code, 'LOGIN_FAILED');
  const list = await api.call('GET', '/api:1/users');
  assert.ok(!list.text.includes(secretOf(made.body.link)));
  assert.ok(list.body.users.some(({ id }: { id: string }) => id === made.body.id));

  const link = secretOf(made.body.link);
  assert.equal((await setPassword(link, 'short')).body.code, 'SCHEMA');
  const both = await Promise.all([setPassword(link, 'a-password-of-mine'), setPassword(link, 'another-password-1')]);
  assert.deepEqual(both.map(({ status }) => status).sort(), [200, 404]);
  assert.equal(both.find(({ status }) => status === 404)!.body.code, 'LINK_INVALID');
  const won = both[0]!.status === 200 ? 'a-password-of-mine' : 'another-password-1';
  const { token } = (await signIn('invited@example.com', won)).body;
  const me = await api.call('GET', '/api:1/users/me', undefined, { token });
  assert.deepEqual([me.body.role, me.body.all_connectors], ['operator', true]);
  assert.equal((await setPassword(link, 'a-third-password')).body.code, 'LINK_INVALID');
});

test('an account may be made with a password and connectors; those have to be there, and the email must be new', async () => {
  const { id } = await api.connector();
  const made = await create({ email: 'limited@example.com', role: 'viewer', connectors: [id], password: PASSWORD });
  assert.equal(made.status, 201, made.text);
  assert.equal(made.body.link, undefined);
  assert.deepEqual(made.body.connectors, [id]);
  const { token } = (await signIn('limited@example.com', PASSWORD)).body;
  assert.deepEqual((await api.call('GET', '/api:1/users/me', undefined, { token })).body.connectors, [id]);
  assert.equal((await create({ email: 'LIMITED@example.com', role: 'viewer' })).body.code, 'USER_KNOWN');
  const unknown = await create({ email: 'other@example.com', role: 'viewer', connectors: ['zzzz'] });
  assert.equal(unknown.body.details[0].path, 'connectors');
  for (const email of ['', 'no-at', 'two words@x', 'a@b@c']) {
    assert.equal((await create({ email, role: 'viewer' })).body.code, 'SCHEMA', email);
  }
});

test('an email has nothing that nobody sees, and cannot be taken for an API key', async () => {
  const { id } = (await create({ email: 'plain@example.com', role: 'viewer' })).body;
  const unseen = ['a\0b@x', 'a@\u202ex', 'a\u200b@x', '\ud800@x', 'a@x\u2028', 'a\u00a0@x'];
  for (const email of [...unseen, 'key:line@3', 'KEY:line@3', '\u212aey:line@3']) {
    assert.equal((await create({ email, role: 'viewer' })).body.code, 'SCHEMA', JSON.stringify(email));
    assert.equal((await api.call('PATCH', `/api:1/users/${id}`, { email })).body.code, 'SCHEMA', JSON.stringify(email));
  }
  for (const email of ['jürgen+😀@bücher.example', 'a-key:x@example.com', 'key@example.com']) {
    assert.equal((await create({ email, role: 'viewer' })).status, 201, email);
  }
});

test('another role, other connectors and removal end the sessions and live streams of the account at once', async () => {
  const { id, base } = await api.connector();
  const changes: ((user: string) => Promise<unknown>)[] = [
    (user) => api.call('PATCH', `/api:1/users/${user}`, { role: 'operator' }),
    (user) => api.call('PATCH', `/api:1/users/${user}`, { connectors: [] }),
    (user) => api.call('DELETE', `/api:1/users/${user}/sessions`),
    (user) => api.call('DELETE', `/api:1/users/${user}`),
  ];
  for (const [at, change] of changes.entries()) {
    const user = await putUser(api.store, `streaming-${at}@localhost`, { role: 'viewer', connectors: [id] });
    const token = await openSession(api.store, user, now());
    const headers = { authorization: `token ${token}` };
    const stream = await fetch(`${api.url}${base}/events/stream`, { headers });
    assert.equal(stream.status, 200);
    await change(user.id);
    assert.match(await stream.text(), /event: end\ndata: \{"code":"SESSION_INVALID"\}/);
    assert.equal((await api.call('GET', '/api:1/users/me', undefined, { token })).status, 401);
  }
});

test('an account that keeps role and connectors keeps its sessions', async () => {
  const user = await putUser(api.store, 'renamed@localhost', { role: 'viewer' });
  const token = await openSession(api.store, user, now());
  const changed = await api.call('PATCH', `/api:1/users/${user.id}`, { email: 'New-Name@localhost', role: 'viewer' });
  assert.equal(changed.body.email, 'new-name@localhost');
  assert.equal((await api.call('GET', '/api:1/users/me', undefined, { token })).body.email, 'new-name@localhost');
});

test('the last admin can neither be removed nor demoted nor limited, also by two at once', async () => {
  const { id: connector } = await api.connector();
  const first = (await api.store.getUser('admin@localhost'))!;
  const path = `/api:1/users/${first.id}`;
  // Neither of these could manage everything.
  await create({ email: 'invited-admin@example.com', role: 'admin' });
  await create({ email: 'limited-admin@example.com', role: 'admin', connectors: [connector], password: PASSWORD });
  for (const [method, body] of [
    ['DELETE', undefined],
    ['PATCH', { role: 'operator' }],
    ['PATCH', { connectors: [connector] }],
  ] as const) {
    assert.equal((await api.call(method, path, body)).body.code, 'LAST_ADMIN', `${method} ${JSON.stringify(body)}`);
  }
  const second = await create({ email: 'second-admin@example.com', role: 'admin', password: PASSWORD });
  const token = (await signIn('second-admin@example.com', PASSWORD)).body.token;
  const both = await Promise.all([
    api.call('PATCH', `/api:1/users/${second.body.id}`, { role: 'viewer' }),
    api.call('DELETE', path, undefined, { token }),
  ]);
  // Of two that race one is refused: for being the last, or since its session has just ended.
  assert.equal(both.filter(({ status }) => status < 300).length, 1);
  const left = (await api.store.listUsers()).filter(
    ({ role, connectors, password }) => role === 'admin' && connectors === null && password !== '',
  );
  assert.equal(left.length, 1);
  if ((await api.store.getUser('admin@localhost')) === null) await api.store.putUser(first);
});

test('sessions can be seen and ended: the own, and by an admin those of anyone', async () => {
  const user = await putUser(api.store, 'sessions@localhost', { role: 'viewer' });
  const admin = await openSession(api.store, (await api.store.getUser('admin@localhost'))!, now());
  const [one, two, three] = await Promise.all([0, 1, 2].map(() => openSession(api.store, user, now())));
  await openSession(api.store, user, now() - SESSION_LENGTH);
  const own = await api.call('GET', '/api:1/users/me/sessions', undefined, { token: one });
  assert.equal(own.body.sessions.length, 3, 'without the one that has ended');
  assert.equal(own.body.sessions.filter(({ current }: { current: boolean }) => current).length, 1);
  const others = own.body.sessions.filter(({ current }: { current: boolean }) => !current);
  const path = '/api:1/users/me/sessions';
  assert.equal((await api.call('DELETE', `${path}/${others[0].id}`, undefined, { token: one })).status, 204);
  const gone = await api.call('DELETE', `${path}/${others[0].id}`, undefined, { token: one });
  assert.equal(gone.body.code, 'SESSION_UNKNOWN');
  const states = await Promise.all(
    [one, two, three].map((token) => api.call('GET', '/api:1/users/me', undefined, { token })),
  );
  assert.deepEqual(states.map(({ status }) => status).sort(), [200, 200, 401]);
  const seen = await api.call('GET', `/api:1/users/${user.id}/sessions`, undefined, { token: admin });
  assert.equal(seen.body.sessions.length, 2);
  // Nobody ends the session of another by its name alone.
  const foreign = await api.call('DELETE', `${path}/${seen.body.sessions[0].id}`, undefined, { token: admin });
  assert.equal(foreign.body.code, 'SESSION_UNKNOWN');
  const ended = await api.call('DELETE', `/api:1/users/${user.id}/sessions`, undefined, { token: admin });
  assert.equal(ended.status, 204);
  assert.equal((await api.store.listSessions(user.id)).filter(({ expires }) => expires > now()).length, 0);
  assert.equal((await api.call('GET', '/api:1/users/nobody/sessions', undefined, { token: admin })).status, 404);
});

test('what demands the password once more goes on for 15 minutes after it was shown', async () => {
  const admin = (await api.store.getUser('admin@localhost'))!;
  const token = await openSession(api.store, admin, now(), 0);
  const make = (email: string) => api.call('POST', '/api:1/users', { email, role: 'viewer' }, { token });
  const prove = (password: string) => api.call('POST', '/api:1/session/proof', { password }, { token });
  assert.equal((await make('proof-1@example.com')).body.code, 'PROOF_NEEDED');
  assert.equal((await prove('not-the-password')).body.code, 'PASSWORD_WRONG');
  assert.equal((await make('proof-1@example.com')).body.code, 'PROOF_NEEDED');
  assert.equal((await prove(PASSWORD)).status, 200);
  assert.equal((await make('proof-1@example.com')).status, 201);
  late = 899_000_000;
  assert.equal((await make('proof-2@example.com')).status, 201);
  late = 901_000_000;
  assert.equal((await make('proof-3@example.com')).body.code, 'PROOF_NEEDED');
});

test('an account that is removed leaves no way in', async () => {
  const { body } = await create({ email: 'leaving@example.com', role: 'admin', password: PASSWORD });
  assert.equal((await signIn('leaving@example.com', PASSWORD)).status, 200);
  const token = await openSession(api.store, (await api.store.getUser('admin@localhost'))!, now());
  const call = (method: string, change?: object) => api.call(method, `/api:1/users/${body.id}`, change, { token });
  assert.equal((await call('DELETE')).status, 204);
  assert.equal((await signIn('leaving@example.com', PASSWORD)).body.code, 'LOGIN_FAILED');
  assert.equal((await call('DELETE')).body.code, 'USER_UNKNOWN');
  assert.equal((await call('PATCH', { role: 'viewer' })).body.code, 'USER_UNKNOWN');
});

test('a link ends with another email or role, and with a password of the configuration; other connectors leave it', async () => {
  const { id: connector } = await api.connector();
  const token = await openSession(api.store, (await api.store.getUser('admin@localhost'))!, now());
  const change = (user: string, body: object) => api.call('PATCH', `/api:1/users/${user}`, body, { token });
  for (const [at, body] of [{ email: 'right@example.com' }, { role: 'admin' }].entries()) {
    const made = await create({ email: `wrong-${at}@example.com`, role: 'viewer' });
    const changed = await change(made.body.id, body);
    assert.equal(changed.body.link_expires, null, changed.text);
    assert.equal((await setPassword(secretOf(made.body.link), 'a-password-of-mine')).body.code, 'LINK_INVALID');
  }
  const kept = await create({ email: 'kept@example.com', role: 'viewer' });
  await change(kept.body.id, { email: 'Kept@example.com', role: 'viewer', connectors: [connector] });
  assert.equal((await setPassword(secretOf(kept.body.link), 'a-password-of-mine')).status, 200);

  const again = await create({ email: 'configured@example.com', role: 'viewer' });
  await ensureAdmin(api.store, { adminEmail: 'configured@example.com', adminPassword: 'by-configuration' });
  assert.equal((await setPassword(secretOf(again.body.link), 'a-password-of-mine')).body.code, 'LINK_INVALID');
});

test('a link ends after its time, and with the next one', async () => {
  const { body } = await create({ email: 'slow@example.com', role: 'viewer' });
  const admin = await openSession(api.store, (await api.store.getUser('admin@localhost'))!, now());
  const second = await api.call('POST', `/api:1/users/${body.id}/link`, undefined, { token: admin });
  assert.equal(second.status, 201, second.text);
  assert.equal((await setPassword(secretOf(body.link), 'a-password-of-mine')).body.code, 'LINK_INVALID');
  assert.equal((await setPassword(secretOf(second.body.link), 'a-password-of-mine')).status, 200);
  const third = await create({ email: 'slower@example.com', role: 'viewer' });
  // Last, since no other session lasts as long.
  late += LINK_LENGTH;
  assert.equal((await setPassword(secretOf(third.body.link), 'a-password-of-mine')).body.code, 'LINK_INVALID');
});
