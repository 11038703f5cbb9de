/** The second factor: enrolled with a code, asked for from then on, no code taken twice, recovery codes, its secret never again. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { codeAt, fromBase32, stepAt } from '../../src/domain/totp.ts';
import { openSession, PASSWORD, putUser, startApi, type TestApi } from './harness.ts';

let api: TestApi;
let late = 0;
const STEP = 30_000_000;
const now = () => Date.now() * 1000 + late;
before(async () => {
  api = await startApi({ clock: now });
});
after(() => api.close());

const path = '/api:1/users/me/second-factor';
const signIn = (email: string, code?: string) =>
  api.call(
    'POST',
    '/api:1/token',
    { email, password: PASSWORD, ...(code !== undefined && { code }) },
    { as: 'nobody' },
  );
const codeOf = (secret: string, steps = 0) => codeAt(fromBase32(secret), stepAt(now()) + steps);

async function enrol(email: string) {
  const user = await putUser(api.store, email, { role: 'viewer' });
  const token = await openSession(api.store, user, now());
  const begun = await api.call('POST', path, undefined, { token });
  assert.equal(begun.status, 200, begun.text);
  const { secret, enrolment, uri } = begun.body;
  return { user, token, secret, enrolment, uri };
}

/** With a code of the step before, so that the current one is still good. */
async function enrolled(email: string) {
  const begun = await enrol(email);
  const body = { enrolment: begun.enrolment, code: codeOf(begun.secret, -1) };
  const done = await api.call('PUT', path, body, { token: begun.token });
  assert.equal(done.status, 200, done.text);
  return { ...begun, codes: done.body.recovery_codes as string[] };
}

test('nothing is asked for until a code was shown; then a sign-in without one is told so, after the password', async () => {
  const { user, secret, uri, enrolment, token } = await enrol('enrol@localhost');
  assert.equal(uri, `otpauth://totp/Slipway:enrol%40localhost?secret=${secret}&issuer=Slipway`);
  assert.equal((await signIn(user.email)).status, 200);
  const wrong = await api.call('PUT', path, { enrolment, code: '000000' }, { token });
  assert.ok(['CODE_WRONG'].includes(wrong.body.code), wrong.text);
  const other = await openSession(api.store, user, now());
  const done = await api.call('PUT', path, { enrolment, code: codeOf(secret, -1) }, { token });
  assert.equal(done.body.recovery_codes.length, 10);
  assert.equal((await api.call('GET', '/api:1/users/me', undefined, { token })).body.second_factor, true);
  assert.equal((await api.call('GET', '/api:1/users/me', undefined, { token: other })).status, 401, 'others end');
  assert.equal((await signIn(user.email)).body.code, 'CODE_NEEDED');
  const bad = { email: user.email, password: 'not-the-password', code: codeOf(secret) };
  assert.equal((await api.call('POST', '/api:1/token', bad, { as: 'nobody' })).body.code, 'LOGIN_FAILED');
  assert.equal((await signIn(user.email, codeOf(secret))).status, 200);
  assert.equal((await api.call('POST', path, undefined, { token })).body.code, 'FACTOR_KNOWN');
});

test('no sign-in with the password alone outlives the moment from which a code is asked for', async () => {
  const { user, secret, enrolment, token } = await enrol('racing@localhost');
  // Checking a password takes its time: these have read the account before it has a second factor.
  const racing = Array.from({ length: 6 }, () => signIn(user.email));
  await delay(30);
  const done = await api.call('PUT', path, { enrolment, code: codeOf(secret, -1) }, { token });
  assert.equal(done.status, 200, done.text);
  for (const { status, body } of await Promise.all(racing)) {
    if (status !== 200) continue;
    assert.equal((await api.call('GET', '/api:1/users/me', undefined, { token: body.token })).status, 401);
  }
});

test('a code is taken once, also of two that race, and none of before', async () => {
  const { user, secret } = await enrolled('once@localhost');
  assert.equal((await signIn(user.email, codeOf(secret, -1))).body.code, 'CODE_WRONG', 'the one of the enrolment');
  const code = codeOf(secret);
  const both = await Promise.all([
    signIn(user.email, code),
    signIn(user.email, `${code.slice(0, 3)} ${code.slice(3)}`),
  ]);
  assert.deepEqual(both.map(({ status }) => status).sort(), [200, 401]);
  assert.equal((await signIn(user.email, code)).body.code, 'CODE_WRONG');
  late += STEP;
  assert.equal((await signIn(user.email, codeOf(secret))).status, 200);
  late += 3 * STEP;
  assert.equal((await signIn(user.email, codeOf(secret, -3))).body.code, 'CODE_WRONG');
});

test('a recovery code is good once, however it is typed', async () => {
  const { user, codes } = await enrolled('recovery@localhost');
  assert.match(codes[0]!, /^([a-z2-7]{4}-){3}[a-z2-7]{4}$/);
  assert.equal((await signIn(user.email, codes[0]!.toUpperCase().replaceAll('-', ' '))).status, 200);
  assert.equal((await signIn(user.email, codes[0])).body.code, 'CODE_WRONG');
  assert.equal((await signIn(user.email, codes[1])).status, 200);
  const { rows } = await api.store.readAudit({ limit: 50, search: 'useRecoveryCode' });
  assert.equal(rows.length, 2);
  assert.deepEqual(JSON.parse(rows[0]!.text).after, { recovery_codes: 8 });
});

test('guessing codes is slowed down', async () => {
  const { user, secret } = await enrolled('guessed-code@localhost');
  let answer = await signIn(user.email, '000000');
  for (let n = 0; n < 15 && answer.status === 401; n += 1)
    answer = await signIn(user.email, String(n).padStart(6, '1'));
  assert.equal(answer.body.code, 'RATE_LIMITED');
  assert.equal((await signIn(user.email, codeOf(secret))).body.code, 'RATE_LIMITED');
  late += 3_600_000_000;
});

test('the password once more needs a code too', async () => {
  const { token, secret } = await enrolled('proof@localhost');
  const prove = (code?: string) =>
    api.call('POST', '/api:1/session/proof', { password: PASSWORD, ...(code !== undefined && { code }) }, { token });
  assert.equal((await prove()).body.code, 'CODE_NEEDED');
  assert.equal((await prove(codeOf(secret))).status, 200);
});

test('another password needs a code too', async () => {
  const { token, secret } = await enrolled('password@localhost');
  const change = (code?: string) =>
    api.call(
      'PATCH',
      '/api:1/users/me',
      { password: { current: PASSWORD, new: 'another-password', ...(code && { code }) } },
      { token },
    );
  assert.equal((await change()).body.code, 'CODE_NEEDED');
  assert.equal((await change(codeOf(secret))).status, 200);
});

test('it can be removed: by its owner, and by an admin for somebody who lost it', async () => {
  const { user, token } = await enrolled('removed@localhost');
  assert.equal((await api.call('DELETE', path, undefined, { token })).status, 204);
  assert.equal((await signIn(user.email)).status, 200);
  const lost = await enrolled('lost@localhost');
  const admin = await openSession(api.store, (await api.store.getUser('admin@localhost'))!, now());
  const removed = await api.call('DELETE', `/api:1/users/${lost.user.id}/second-factor`, undefined, { token: admin });
  assert.equal(removed.status, 204);
  assert.equal((await signIn(lost.user.email)).status, 200);
});

test('an enrolment is for the account that began it, and for a quarter of an hour', async () => {
  const mine = await enrol('mine@localhost');
  const theirs = await enrol('theirs@localhost');
  const put = (enrolment: string, token: string, secret: string) =>
    api.call('PUT', path, { enrolment, code: codeOf(secret) }, { token });
  assert.equal((await put(mine.enrolment, theirs.token, mine.secret)).body.code, 'LINK_INVALID');
  assert.equal((await put(`${mine.enrolment}x`, mine.token, mine.secret)).body.code, 'LINK_INVALID');
  late += 900_000_001;
  const token = await openSession(api.store, mine.user, now());
  assert.equal((await put(mine.enrolment, token, mine.secret)).body.code, 'LINK_INVALID');
});

test('the secret is stored encrypted, and recovery codes as digests', async () => {
  const { user, secret, codes } = await enrolled('stored@localhost');
  const stored = JSON.stringify(await api.store.getUserById(user.id));
  for (const clear of [
    secret,
    secret.toLowerCase(),
    fromBase32(secret).toString('hex'),
    ...codes,
    codes[0]!.replaceAll('-', ''),
  ]) {
    assert.ok(!stored.includes(clear));
  }
  const { rows } = await api.store.readAudit({ limit: 1000 });
  assert.ok(!JSON.stringify(rows).includes(secret));
});
