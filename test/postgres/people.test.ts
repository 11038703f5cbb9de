/** Two gateways on one PostgreSQL: whose account changes on one has nothing open on the other; and one audit log for both. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newConnector, type TestConnector, through } from '../helpers/connector.ts';
import { startPostgres, type TestPostgres } from '../helpers/postgres.ts';
import { root, startServer, type TestServer } from '../helpers/server.ts';
import { runTool } from '../helpers/tool.ts';

let postgres: TestPostgres | undefined;
let url: string;
let servers: TestServer[] = [];
let one: TestConnector;
let two: TestConnector;

before(async () => {
  postgres = await startPostgres();
  url = await postgres.newDatabase();
  const env = { SLIPWAY_DATABASE_URL: url };
  servers = await Promise.all([startServer({ env }), startServer({ env })]);
  one = await newConnector(servers[0]!);
  two = through(servers[1]!, one);
});
after(async () => {
  await Promise.all(servers.map((server) => server.stop())).finally(() => postgres?.remove());
});

const verify = async () => {
  const env = { ...process.env, SLIPWAY_DATABASE_URL: url };
  const command = `"${process.execPath}" src/main.ts audit verify --json`;
  const { stdout } = await runTool(
    'bash',
    ['-c', `SLIPWAY_DATABASE_URL='${env.SLIPWAY_DATABASE_URL}' ${command}`],
    root,
  );
  return JSON.parse(stdout.toString());
};

test('a live stream on one gateway ends when the account is demoted, or the key deleted, on the other', async () => {
  const password = 'a-password-of-mine';
  const user = (await servers[0]!.api('POST', '/api:1/users', { email: 'v@example.com', role: 'operator', password }))
    .body;
  const { token } = (
    await servers[1]!.api('POST', '/api:1/token', { email: 'v@example.com', password }, { authorization: '' })
  ).body;
  const key = (await servers[0]!.api('POST', '/api:1/keys', { name: 'k', role: 'viewer' })).body;
  const streams = await Promise.all(
    [token, key.key].map((secret) =>
      fetch(`http://localhost:${servers[1]!.console}/api:1/service/${one.id}/device2/events/stream`, {
        headers: { authorization: `token ${secret}` },
      }),
    ),
  );
  assert.deepEqual(
    streams.map(({ status }) => status),
    [200, 200],
  );
  assert.equal((await servers[0]!.api('PATCH', `/api:1/users/${user.id}`, { role: 'viewer' })).status, 200);
  assert.equal((await servers[0]!.api('DELETE', `/api:1/keys/${key.id}`)).status, 204);
  for (const stream of streams) assert.match(await stream.text(), /event: end/);
});

test('what is changed through two gateways at once is one chain, with an entry for each change', async () => {
  const before = await verify();
  assert.equal(before.fault, null);
  const changes = Array.from({ length: 40 }, (_, n) => (n % 2 === 0 ? one : two).whitelist(`d${n}`));
  await Promise.all(changes);
  const after = await verify();
  assert.equal(after.fault, null);
  assert.equal(after.entries - before.entries, 40);
  const { body } = await servers[1]!.api('GET', '/api:1/audit?search=whitelistDevice&limit=1000');
  assert.equal(body.entries.length, 40);
});

test('a second factor that was enrolled on one gateway is known to the other', async () => {
  const { body } = await servers[0]!.api('POST', '/api:1/users/me/second-factor');
  const wrong = { enrolment: body.enrolment, code: '000000' };
  // Opened with the same key: the code is what is wrong.
  assert.equal((await servers[1]!.api('PUT', '/api:1/users/me/second-factor', wrong)).body.code, 'CODE_WRONG');
});
