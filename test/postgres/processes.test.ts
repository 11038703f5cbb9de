/** Several processes on one machine share its ports; one that dies is replaced, and all stop together. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import { eventually, newConnector, resource, type TestConnector } from '../helpers/connector.ts';
import { startPostgres, type TestPostgres } from '../helpers/postgres.ts';
import { startServer, type TestServer } from '../helpers/server.ts';

const PROCESSES = 3;
let postgres: TestPostgres | undefined;
let server: TestServer | undefined;
let connector: TestConnector;

before(async () => {
  postgres = await startPostgres();
  const url = await postgres.newDatabase();
  server = await startServer({ env: { SLIPWAY_DATABASE_URL: url, SLIPWAY_PROCESSES: String(PROCESSES) } });
  connector = await newConnector(server, { resources: { a: resource() } });
});
after(async () => {
  await server?.stop().finally(() => postgres?.remove());
});

function children(): number[] {
  const list = execFileSync('ps', ['-e', '-o', 'pid=,ppid='], { encoding: 'utf8' });
  const pairs = list.split('\n').map((line) => line.trim().split(/\s+/).map(Number));
  return pairs.filter(([, parent]) => parent === server!.process.pid).map(([pid]) => pid!);
}

/** Which processes answered `count` connections, by when they started. */
async function answering(count: number): Promise<Set<string>> {
  const starts = new Set<string>();
  for (let n = 0; n < count; n += 1) {
    const response = await fetch(`http://127.0.0.1:${server!.console}/metrics`, { headers: { connection: 'close' } });
    starts.add(/^process_start_time_seconds (\S+)$/m.exec(await response.text())![1]!.slice(0, 14));
  }
  return starts;
}

test('connections are handed to all processes, and each of them knows what the others did', async () => {
  assert.equal(children().length, PROCESSES);
  assert.ok((await answering(60)).size > 1, 'more than one answers');
  const token = await connector.provision('d');
  for (let n = 0; n < 30; n += 1) {
    assert.equal(await connector.write(`a=${n}`, { token }), 204);
    const read = await connector.send('/api:v1/stack/alias?a', { token, plain: true });
    assert.equal(read.body, `a=${n}`);
  }
});

test('a process that is killed is replaced', async () => {
  const [victim, ...others] = children();
  process.kill(victim!, 'SIGKILL');
  await eventually('there are as many again', async () => {
    const now = children();
    return now.length === PROCESSES && !now.includes(victim!) && others.every((pid) => now.includes(pid));
  });
  const token = await connector.provision('after');
  await eventually('they all answer', async () => (await connector.write('a=1', { token })) === 204);
});
