/**
 * `slipway migrate` beside a server that goes on: devices write and publish, a line activates and operators import meanwhile, the move
 * is killed and run again, the server is stopped, and the same fleet goes on over PostgreSQL with what it has.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openFactory } from '../helpers/authority.ts';
import { eventually, newConnector, resource, through } from '../helpers/connector.ts';
import { connected, message } from '../helpers/mqtt.ts';
import { startPostgres, type TestPostgres } from '../helpers/postgres.ts';
import { root, startServer, type TestServer } from '../helpers/server.ts';
import { startWriters } from '../helpers/writers.ts';

let postgres: TestPostgres | undefined;
before(async () => {
  postgres = await startPostgres();
});
after(() => postgres?.remove());

interface Move {
  readonly process: ChildProcess;
  output(): string;
  /** Its exit code. */
  readonly ended: Promise<number | null>;
}

function move(url: string, data: string): Move {
  const args = ['src/main.ts', 'migrate', '--from', 'sqlite', '--data', data];
  const env = { ...process.env, SLIPWAY_DATABASE_URL: url };
  const child = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  return { process: child, output: () => output, ended: once(child, 'close').then(([code]) => code) };
}

/** Kills it while it works. */
async function kill(running: Move, after: number): Promise<void> {
  await delay(after);
  running.process.kill('SIGKILL');
  assert.equal(await running.ended, null, running.output());
}

const inStep = (running: Move) => async () => {
  assert.equal(running.process.exitCode, null, running.output());
  return /^In step/m.test(running.output());
};

test('everything that was acknowledged before, during and between moves is there once, and every credential still works', async () => {
  const data = await mkdtemp(join(tmpdir(), 'slipway-move-'));
  const url = await postgres!.newDatabase();
  const old = await startServer({ data });
  const factory = openFactory();
  let server: TestServer | undefined;
  try {
    const connector = await newConnector(old, { resources: { n: resource(), w: resource() } });
    const byPassword = await newConnector(old, {
      provisioning: { auth_type: 'password' },
      resources: { n: resource() },
    });
    const ca = factory.authority('Factory root');
    const byCertificate = await newConnector(old, {
      provisioning: { auth_type: 'certificate' },
      pki: { enabled: true, client_ca: [ca.cert] },
      resources: { n: resource() },
    });
    await byCertificate.whitelist('machine');
    const certificate = ca.issue('machine');
    assert.equal(await byCertificate.write('n=1', { certificate }), 204);
    const session = await old.adminToken();
    const password = 'p'.repeat(24);
    await byPassword.whitelist('secret');
    const made = await byPassword.send('/provision/activate', { body: `id=secret&password=${password}` });
    assert.ok([200, 204].includes(made.status), made.body);
    const token = await connector.provision('early');
    assert.equal(await connector.write('n=first', { token }), 204);
    // Gone before the end, and one that takes the name of another again.
    const doomed = await connector.provision('doomed');
    const again = await connector.provision('again');
    for (const key of [doomed, again]) assert.equal(await connector.write('n=1', { token: key }), 204);

    const writers = await startWriters([connector]);
    await kill(move(url, data), 900);
    await connector.api('DELETE', '/identity/doomed');
    await kill(move(url, data), 2_500);
    await connector.api('DELETE', '/identity/again');
    const token2 = await connector.provision('again');
    const running = move(url, data);
    await eventually('it is in step', inStep(running), 60_000);
    await connector.change('early', { tags: { moved: ['ü'] } });
    await connector.api('PATCH', '/identity/early/state', { w: 'wanted' });
    const late = await connector.provision('late');
    assert.equal(await connector.write('n=last', { token: late }), 204);
    await old.kill9();
    assert.equal(await running.ended, 0, running.output());
    await writers.stop();
    server = await startServer({ env: { SLIPWAY_DATABASE_URL: url } });
    const counts = await writers.finish(through(server, connector));
    for (const kind of ['write', 'publish', 'activate', 'import'] as const) assert.ok(counts[kind] > 0, kind);
    for (const line of ['devices', 'events', 'points', 'credentials', 'sessions', 'users']) {
      assert.match(running.output(), new RegExp(`^${line} +[1-9]\\d* rows .* as before$`, 'm'));
    }

    const moved = through(server, connector);
    for (const [key, identity] of [
      [token, 'early'],
      [token2, 'again'],
      [late, 'late'],
    ] as const) {
      assert.equal(await moved.write('n=after', { token: key }), 204, identity);
    }
    for (const key of [doomed, again]) assert.equal(await moved.write('n=1', { token: key }), 401);
    assert.deepEqual((await moved.device('early')).tags, { moved: ['ü'] });
    const values = (await moved.history('early', 'n')).map(({ value }) => value);
    assert.deepEqual(values, ['first', 'after']);
    const client = await connected(server, token);
    assert.equal((await client.next()).payload.toString(), 'wanted');
    await client.send(message('$resource/n', 'over MQTT', 1));
    assert.equal((await client.next()).cmd, 'puback');
    client.destroy();
    assert.equal(await through(server, byCertificate).write('n=2', { certificate }), 204);
    const secret = await through(server, byPassword).write('n=1', { basic: ['secret', password] });
    assert.equal(secret, 204);
    const mine = await fetch(`http://127.0.0.1:${server.console}/api:1/connectors`, {
      headers: { authorization: `Bearer ${session}` },
    });
    assert.equal(mine.status, 200, 'who was signed in still is');
  } finally {
    factory.remove();
    await old.kill9();
    await server?.stop();
    await rm(data, { recursive: true });
  }
});
