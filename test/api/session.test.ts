/** Signing in and out, and the first account. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ensureAdmin } from '../../src/api/first-account.ts';
import { SESSION_LENGTH } from '../../src/api/session.ts';
import { verifyPassword } from '../../src/gateway/password.ts';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';
import { PASSWORD, startApi, type TestApi } from './harness.ts';

let api: TestApi;
let late = 0;
before(async () => {
  api = await startApi({ clock: () => Date.now() * 1000 + late });
});
after(() => api.close());

const signIn = (email: string, password: string) =>
  api.call('POST', '/api:1/token/', { email, password }, { as: 'nobody' });

test('the right password gives a token, in either spelling of the header and of the email', async () => {
  const { status, body } = await signIn('Admin@LOCALHOST', PASSWORD);
  assert.equal(status, 200);
  assert.deepEqual(Object.keys(body), ['token']);
  for (const scheme of ['token', 'Token', 'Bearer', 'bearer']) {
    const me = await api.call('GET', '/api:1/users/me', undefined, {
      as: 'nobody',
      headers: { authorization: `${scheme} ${body.token}` },
    });
    assert.equal(me.status, 200, scheme);
    assert.equal(me.body.email, 'admin@localhost');
    assert.equal(me.body.role, 'admin');
  }
});

test('the store keeps only the SHA-256 of the token', async () => {
  const { token } = (await signIn('admin@localhost', PASSWORD)).body;
  const digest = createHash('sha256').update(token).digest('hex');
  assert.equal((await api.store.getSession(digest))?.digest, digest);
  assert.equal(await api.store.getSession(token), null);
});

test('DELETE /api:1/token ends the session that asks, and no other', async () => {
  const { token } = (await signIn('admin@localhost', PASSWORD)).body;
  assert.equal((await api.call('DELETE', '/api:1/token', undefined, { token })).status, 204);
  assert.equal((await api.call('GET', '/api:1/users/me', undefined, { token })).status, 401);
  assert.equal((await api.call('GET', '/api:1/users/me')).status, 200);
});

test('a session ends after its time', async () => {
  const { token } = (await signIn('viewer@localhost', PASSWORD)).body;
  try {
    late = SESSION_LENGTH - 1_000_000;
    assert.equal((await api.call('GET', '/api:1/users/me', undefined, { token })).status, 200);
    late = SESSION_LENGTH;
    assert.equal((await api.call('GET', '/api:1/users/me', undefined, { token })).status, 401);
  } finally {
    late = 0;
  }
});

test('a wrong password and an unknown account get the same answer, and neither is logged in clear', async () => {
  const wrong = await signIn('admin@localhost', 'not-the-password');
  const unknown = await signIn('stranger@localhost', 'not-the-password');
  assert.equal(wrong.body.code, 'LOGIN_FAILED');
  assert.equal(wrong.text, unknown.text);
  assert.ok(!api.logged().includes('not-the-password'));
});

test('guessing at one account is slowed down, with the time to wait; another account still signs in', async () => {
  let answer = await signIn('guessed@localhost', 'guess');
  for (let i = 0; i < 15 && answer.status === 401; i++) answer = await signIn('guessed@localhost', 'guess');
  assert.equal(answer.body.code, 'RATE_LIMITED');
  assert.ok(Number(answer.headers.get('retry-after')) > 0);
  assert.equal((await signIn('operator@localhost', PASSWORD)).status, 200);
});

test('an operator is slowed down no more by signing in often', async () => {
  late = 3_600_000_000; // what was guessed above is forgotten
  for (let i = 0; i < 12; i++) assert.equal((await signIn('operator@localhost', PASSWORD)).status, 200);
  late = 0;
});

test('the first account gets a random password where none is configured, shown once', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-first-'));
  const store = await openSqliteStore({ folder });
  try {
    const config = { adminEmail: 'first@localhost', adminPassword: null };
    const { email, password } = await ensureAdmin(store, config);
    assert.equal(email, 'first@localhost');
    const user = await store.getUser('first@localhost');
    assert.equal(user?.role, 'admin');
    assert.ok(await verifyPassword(user.password, password!));
    assert.deepEqual(await ensureAdmin(store, config), { email, password: null });
    // Another address later on adds no second way in.
    await ensureAdmin(store, { adminEmail: 'second@localhost', adminPassword: null });
    assert.equal(await store.countUsers(), 1);
  } finally {
    await store.close();
    await rm(folder, { recursive: true });
  }
});

test('a configured password that differs replaces the old one', async () => {
  await ensureAdmin(api.store, { adminEmail: 'admin@localhost', adminPassword: 'another-long-password' });
  late = 7_200_000_000;
  assert.equal((await signIn('admin@localhost', PASSWORD)).status, 401);
  assert.equal((await signIn('admin@localhost', 'another-long-password')).status, 200);
  late = 0;
});
