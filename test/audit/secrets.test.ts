/** What is secret is nowhere in clear: not in the data folder, the server's output, the audit log, answers, nor the documents. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { codeAt, fromBase32, stepAt } from '../../src/domain/totp.ts';
import { newConnector } from '../helpers/connector.ts';
import { admin, startServer, type TestServer } from '../helpers/server.ts';

let server: TestServer;
before(async () => {
  server = await startServer({ env: { SLIPWAY_LOG: 'debug' } });
});
after(() => server?.stop());

const secrets = new Map<string, string>();
const password = (name: string) => {
  const made = `${name}-${randomBytes(9).toString('hex')}`;
  secrets.set(name, made);
  return made;
};

/** Uses every kind of secret once, well and badly. */
async function useAll(): Promise<void> {
  secrets.set('password of the first account', admin.password);
  secrets.set('session', await server.adminToken());
  const own = password('password-of-a-person');
  await server.api('POST', '/api:1/users', { email: 'a@example.com', role: 'viewer', password: own });
  const { token } = (await server.api('POST', '/api:1/token', { email: 'a@example.com', password: own })).body;
  secrets.set('session of a person', token);
  await server.api('POST', '/api:1/token', { email: 'a@example.com', password: password('wrong-password') });
  await server.api('POST', '/api:1/token', { email: password('password-in-the-wrong-field'), password: 'x' });
  const invited = (await server.api('POST', '/api:1/users', { email: 'b@example.com', role: 'viewer' })).body;
  const link = invited.link.split('#')[1];
  secrets.set('link', link);
  await server.api('POST', '/api:1/password', { link: `${link}x`, password: password('password-by-link-refused') });
  await server.api('POST', '/api:1/password', { link, password: password('password-by-link') });
  const factor = '/api:1/users/me/second-factor';
  const authorization = `token ${token}`;
  const { secret, enrolment } = (await server.api('POST', factor, undefined, { authorization })).body;
  secrets.set('secret of a second factor', secret);
  secrets.set('the same in hex', fromBase32(secret).toString('hex'));
  const code = codeAt(fromBase32(secret), stepAt(Date.now() * 1000));
  const { recovery_codes } = (await server.api('PUT', factor, { enrolment, code }, { authorization })).body;
  for (const [at, one] of recovery_codes.entries()) {
    secrets.set(`recovery code ${at}`, one);
    secrets.set(`recovery code ${at}, bare`, one.replaceAll('-', ''));
  }
  const key = (await server.api('POST', '/api:1/keys', { name: 'k', role: 'operator' })).body.key;
  secrets.set('key', key);
  const connector = await newConnector(server);
  await server.api('GET', '/api:1/users/me', undefined, { authorization: `token ${key}` });
  await server.api('GET', '/api:1/users', undefined, { authorization: `token ${key}` });
  secrets.set('token of a device', await connector.provision('d1'));
  const given = randomBytes(20).toString('hex');
  secrets.set('token given beforehand', given);
  await connector.api('PUT', '/identity/d2', { auth: { type: 'token', key: given } });
  await connector.api('PUT', '/identity/d3', { auth: { type: 'password', key: password('password-of-a-device') } });
  await connector.api('PUT', '/identity/d4', { auth: { type: 'password', key: password('short').slice(0, 19) } });
  await server.api('PATCH', '/api:1/users/me', {
    password: { current: password('current-wrong'), new: password('new') },
  });
  await server.api('POST', '/api:1/session/proof', { password: password('proof-wrong') });
  await server.api('POST', '/api:1/users', { email: 'bad', role: 'viewer', password: password('refused') });
}

async function* places(): AsyncGenerator<[string, string]> {
  for (const entry of await readdir(server.data, { recursive: true, withFileTypes: true })) {
    // Where the key lies that what is encrypted is encrypted with, there is only that.
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    yield [path, await readFile(path, 'latin1')];
  }
  yield ['output', server.output()];
  for (const path of [
    '/api:1/audit/export',
    '/api:1/users',
    '/api:1/keys',
    '/api:1/users/me/sessions',
    '/api/openapi.json',
  ]) {
    yield [path, (await server.api('GET', path)).text];
  }
}

test('no password, token, key, link, recovery code or secret of a second factor is found anywhere in clear', async () => {
  await useAll();
  assert.ok(secrets.size > 30);
  let looked = 0;
  for await (const [place, text] of places()) {
    looked += 1;
    for (const [name, secret] of secrets) assert.ok(!text.includes(secret), `${name} is in ${place}`);
  }
  assert.ok(looked > 8);
});
