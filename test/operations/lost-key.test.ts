/** The key of what is encrypted (`seal.key`) was lost: the start says so, and whoever has a second factor still gets in. */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { codeAt, fromBase32, stepAt } from '../../src/domain/totp.ts';
import { admin, startServer, type TestServer } from '../helpers/server.ts';

let server: TestServer;
before(async () => {
  server = await startServer();
});
after(() => server?.stop());

const path = '/api:1/users/me/second-factor';
const codeOf = (secret: string, steps = 0) => codeAt(fromBase32(secret), stepAt(Date.now() * 1000) + steps);
const signIn = async (code: string) => {
  const response = await fetch(`http://localhost:${server.console}/api:1/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...admin, code }),
  });
  return {
    status: response.status,
    body: (await response.json()) as { code?: string; message?: string; token?: string },
  };
};

test('without the key a recovery code signs in, a code of the second factor is told why not, and it can be removed', async () => {
  const begun = await server.api('POST', path);
  const { secret, enrolment } = begun.body;
  const done = await server.api('PUT', path, { enrolment, code: codeOf(secret, -1) });
  assert.equal(done.status, 200, done.text);
  const [first, second] = done.body.recovery_codes as string[];
  assert.doesNotMatch(server.output(), /seal\.key/);

  await server.kill9();
  await rm(join(server.data, 'seal.key'));
  await server.restart();
  assert.match(server.output(), /seal\.key.*admin@localhost/);
  const refused = await signIn(codeOf(secret));
  assert.deepEqual([refused.status, refused.body.code], [503, 'FACTOR_SEALED']);
  assert.match(refused.body.message!, /recovery code/);
  assert.equal((await signIn(first!)).status, 200);
  assert.equal((await signIn(first!)).body.code, 'FACTOR_SEALED', 'good once');
  const { token } = (await signIn(second!)).body;
  const headers = { authorization: `token ${token}` };
  const removed = await fetch(`http://localhost:${server.console}${path}`, { method: 'DELETE', headers });
  assert.equal(removed.status, 204, await removed.text());
  await server.kill9();
  await server.restart();
  assert.doesNotMatch(server.output(), /seal\.key/);
});
