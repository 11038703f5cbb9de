/** Every way in which people get into the management API, made on one server and tried on another that came out of its backup. */
import assert from 'node:assert/strict';
import { codeAt, fromBase32, stepAt } from '../../src/domain/totp.ts';
import type { TestServer } from './server.ts';

const factor = '/api:1/users/me/second-factor';
const PASSWORD = 'correct-horse-battery';
const codeOf = (secret: string, steps = 0) => codeAt(fromBase32(secret), stepAt(Date.now() * 1000) + steps);
const post = async (server: TestServer, path: string, body: unknown) => {
  const response = await fetch(`http://127.0.0.1:${server.console}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json().catch(() => null)) as Record<string, string> };
};

/** The account that has a second factor. */
export const careful = { email: 'careful@example.com', password: PASSWORD } as const;

/** Makes an account with a second factor, one whose one-time link is not used yet, and a key; answers what tries them all. */
export async function makePeople(server: TestServer): Promise<(there: TestServer) => Promise<void>> {
  const made = await server.api('POST', '/api:1/users', { ...careful, role: 'viewer' });
  assert.equal(made.status, 201, made.text);
  const { token } = (await post(server, '/api:1/token', careful)).body;
  const own = { authorization: `token ${token}` };
  const { secret, enrolment } = (await server.api('POST', factor, undefined, own)).body;
  const done = await server.api('PUT', factor, { enrolment, code: codeOf(secret, -1) }, own);
  assert.equal(done.status, 200, done.text);
  const [recovery] = done.body.recovery_codes as string[];
  const invited = await server.api('POST', '/api:1/users', { email: 'invited@example.com', role: 'viewer' });
  const link = (invited.body.link as string).split('#')[1];
  const { key } = (await server.api('POST', '/api:1/keys', { name: 'line', role: 'viewer' })).body;

  return async (there) => {
    for (const authorization of [`Bearer ${token}`, `token ${key}`]) {
      const me = await there.api('GET', '/api:1/users/me', undefined, { authorization });
      assert.equal(me.status, 200, me.text);
    }
    const signIn = (more: object) => post(there, '/api:1/token', { ...careful, ...more });
    assert.equal((await signIn({})).body.code, 'CODE_NEEDED');
    assert.equal((await signIn({ code: codeOf(secret) })).status, 200, 'a code of the second factor');
    assert.equal((await signIn({ code: recovery })).status, 200, 'a recovery code');
    assert.notEqual((await signIn({ code: recovery })).status, 200, 'which is good once');
    const set = await post(there, '/api:1/password', { link, password: PASSWORD });
    assert.ok(set.status < 300, `the one-time link: ${JSON.stringify(set)}`);
    const first = await post(there, '/api:1/token', { email: 'invited@example.com', password: PASSWORD });
    assert.equal(first.status, 200);
  };
}
