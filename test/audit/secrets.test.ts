/**
 * What is secret is nowhere in clear, after each kind of it was used, well and badly: not in the database, the data folder, the
 * server's output, the audit log, answers, nor the documents. With both engines.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { codeAt, fromBase32, stepAt } from '../../src/domain/totp.ts';
import { eventually, newConnector } from '../helpers/connector.ts';
import { byPassword, byToken, openMqtts } from '../helpers/mqtt.ts';
import { startPostgres, type TestPostgres } from '../helpers/postgres.ts';
import { type Receiver, startReceiver } from '../helpers/receiver.ts';
import { admin, startServer, type TestServer } from '../helpers/server.ts';

interface Used {
  /** What each is → its text. */
  readonly secrets: ReadonlyMap<string, string>;
  /** What was answered with an error, by the management API. */
  readonly refusals: readonly string[];
}

/** Uses every kind of secret once, well and badly. */
async function useAll(server: TestServer, receiver: Receiver): Promise<Used> {
  const secrets = new Map<string, string>();
  const refusals: string[] = [];
  const password = (name: string) => {
    const made = `${name}-${randomBytes(9).toString('hex')}`;
    secrets.set(name, made);
    return made;
  };
  const api: TestServer['api'] = async (...call) => {
    const answer = await server.api(...call);
    if (answer.status >= 400) refusals.push(answer.text);
    return answer;
  };

  secrets.set('password of the first account', admin.password);
  secrets.set('session', await server.adminToken());
  const own = password('password-of-a-person');
  await api('POST', '/api:1/users', { email: 'a@example.com', role: 'viewer', password: own });
  const { token } = (await api('POST', '/api:1/token', { email: 'a@example.com', password: own })).body;
  secrets.set('session of a person', token);
  await api('POST', '/api:1/token', { email: 'a@example.com', password: password('wrong-password') });
  await api('POST', '/api:1/token', { email: password('password-in-the-wrong-field'), password: 'x' });
  const invited = (await api('POST', '/api:1/users', { email: 'b@example.com', role: 'viewer' })).body;
  const link = invited.link.split('#')[1];
  secrets.set('link', link);
  await api('POST', '/api:1/password', { link: `${link}x`, password: password('password-by-link-refused') });
  await api('POST', '/api:1/password', { link, password: password('password-by-link') });
  const factor = '/api:1/users/me/second-factor';
  const authorization = `token ${token}`;
  const { secret, enrolment } = (await api('POST', factor, undefined, { authorization })).body;
  secrets.set('secret of a second factor', secret);
  secrets.set('the same in hex', fromBase32(secret).toString('hex'));
  const code = codeAt(fromBase32(secret), stepAt(Date.now() * 1000));
  const { recovery_codes } = (await api('PUT', factor, { enrolment, code }, { authorization })).body;
  for (const [at, one] of recovery_codes.entries()) {
    secrets.set(`recovery code ${at}`, one);
    secrets.set(`recovery code ${at}, bare`, one.replaceAll('-', ''));
  }
  const { key } = (await api('POST', '/api:1/keys', { name: 'k', role: 'operator' })).body;
  secrets.set('key', key);
  await api('GET', '/api:1/users/me', undefined, { authorization: `token ${key}` });
  await api('GET', '/api:1/users', undefined, { authorization: `token ${key}` });
  await api('PATCH', '/api:1/users/me', { password: { current: password('current-wrong'), new: password('new') } });
  await api('POST', '/api:1/session/proof', { password: password('proof-wrong') });
  await api('POST', '/api:1/users', { email: 'bad', role: 'viewer', password: password('refused') });

  const connector = await newConnector({ ...server, api });
  const hooks = `/api:1/connectors/${connector.id}/webhooks`;
  const hook = (await api('POST', hooks, { url: receiver.url })).body;
  secrets.set('secret of a webhook', hook.secret);
  await api('PATCH', `${hooks}/${hook.id}`, { url: `http://user:${password('password-in-a-url')}@example.com/` });
  const given = password('token-given-beforehand').padEnd(40, '0').slice(-40);
  secrets.set('token given beforehand', given);
  await connector.api('PUT', '/identity/d2', { auth: { type: 'token', key: given } });
  const known = password('password-of-a-device');
  await connector.api('PUT', '/identity/d3', { auth: { type: 'password', key: known } });
  await connector.api('PUT', '/identity/d4', { auth: { type: 'password', key: password('short').slice(0, 19) } });
  const device = await connector.provision('d1');
  secrets.set('token of a device', device);
  const guess = randomBytes(20).toString('hex');
  secrets.set('token of a stranger', guess);
  assert.equal(await connector.write('a=1', { token: device }), 204);
  assert.equal(await connector.write('a=1', { token: guess }), 401);
  const chosen = password('password-by-a-device');
  await connector.whitelist('d5', { auth: { type: 'password' } });
  const activated = await connector.send('/provision/activate', { body: `id=d5&password=${chosen}` });
  assert.equal(activated.status, 204, activated.body);
  const again = await connector.send('/provision/activate', {
    body: `id=d5&password=${password('second-activation')}`,
  });
  refusals.push(again.body);
  for (const [shown, code] of [
    [byToken(device), 0],
    [byToken(randomBytes(20).toString('hex')), 4],
    [byPassword('d3', known), 0],
    [byPassword('d3', password('wrong-by-mqtt')), 4],
  ] as const) {
    const client = await openMqtts(connector);
    assert.equal((await client.connect(shown)).returnCode, code);
    client.destroy();
  }
  await eventually('a delivery arrives', async () => receiver.taken.length > 0);
  const renewed = await api('PATCH', `${hooks}/${hook.id}`, { rotate_secret: true });
  secrets.set('new secret of a webhook', renewed.body.secret);
  receiver.behave((_, response) => response.writeHead(500).end());
  const before = receiver.tries.length;
  await connector.write('a=2', { token: device });
  await eventually('a delivery fails', async () => receiver.tries.length > before);
  return { secrets, refusals };
}

/** Each row of each table, as PostgreSQL writes it. */
async function* rowsOf(postgres: TestPostgres, url: string): AsyncGenerator<[string, string]> {
  const tables = await postgres.query("SELECT relname FROM pg_stat_user_tables WHERE schemaname = 'public'", url);
  for (const { relname } of tables) {
    const rows = await postgres.query(`SELECT t::text AS row FROM "${relname}" t`, url);
    yield [`table ${relname}`, rows.map(({ row }) => row).join('\n')];
  }
}

async function* places(server: TestServer): AsyncGenerator<[string, string]> {
  for (const entry of await readdir(server.data, { recursive: true, withFileTypes: true })) {
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
    '/api:1/connectors',
    '/api/openapi.json',
    '/metrics',
  ]) {
    yield [path, (await server.api('GET', path)).text];
  }
}

function expectNone({ secrets }: Used, place: string, text: string): void {
  for (const [name, secret] of secrets) {
    assert.ok(!text.includes(secret), `${name} is in ${place}`);
    assert.ok(!text.includes(Buffer.from(secret).toString('hex')), `${name} is in ${place}, in hex`);
  }
}

for (const engine of ['sqlite', 'postgres'] as const) {
  describe(engine, () => {
    let postgres: TestPostgres | undefined;
    let url: string | undefined;
    let server: TestServer;
    let receiver: Receiver;
    before(async () => {
      postgres = engine === 'postgres' ? await startPostgres() : undefined;
      url = await postgres?.newDatabase();
      receiver = await startReceiver();
      const env = { SLIPWAY_LOG: 'debug', SLIPWAY_WEBHOOK_ALLOW: '127.0.0.0/8' };
      server = await startServer({ env: url === undefined ? env : { ...env, SLIPWAY_DATABASE_URL: url } });
    });
    after(async () => {
      await server?.stop();
      await receiver?.close();
      await postgres?.remove();
    });

    test('no password, token, key, link, recovery code or secret of a second factor or webhook is found in clear', async () => {
      const used = await useAll(server, receiver);
      assert.ok(used.secrets.size > 40, `${used.secrets.size} secrets`);
      assert.ok(used.refusals.length > 8, `${used.refusals.length} refusals`);
      expectNone(used, 'an answer', used.refusals.join('\n'));
      let looked = 0;
      const everywhere = [places(server), ...(postgres === undefined ? [] : [rowsOf(postgres, url!)])];
      for (const source of everywhere) {
        for await (const [place, text] of source) {
          looked += 1;
          expectNone(used, place, text);
        }
      }
      assert.ok(looked > (engine === 'postgres' ? 30 : 12), `${looked} places`);
    });
  });
}
