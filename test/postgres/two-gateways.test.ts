/** Two gateways on one PostgreSQL, tried from outside: devices and operators see one system, whichever they talk to. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually, newConnector, resource, type TestConnector, through } from '../helpers/connector.ts';
import { follow } from '../helpers/live-log.ts';
import { startPostgres, type TestPostgres } from '../helpers/postgres.ts';
import { startServer, type TestServer } from '../helpers/server.ts';

/** ms within which one gateway has to follow what was done on the other. */
const FOLLOWS_WITHIN = 1_000;

let postgres: TestPostgres | undefined;
let servers: TestServer[] = [];
let one: TestConnector;
let two: TestConnector;

before(async () => {
  postgres = await startPostgres();
  const env = { SLIPWAY_DATABASE_URL: await postgres.newDatabase() };
  // At once, on an empty database: who comes first makes the tables, the account and the CA for both.
  servers = await Promise.all([startServer({ env }), startServer({ env })]);
  one = await newConnector(servers[0]!, { resources: { a: resource() } });
  two = through(servers[1]!, one);
});
after(async () => {
  await Promise.all(servers.map((server) => server.stop())).finally(() => postgres?.remove());
});

/** How long it took until it was so, ms. */
async function took(what: string, holds: () => Promise<boolean>): Promise<number> {
  const start = performance.now();
  await eventually(what, holds);
  return performance.now() - start;
}

test('gateways that start at once on an empty database share one CA, one account and one first connector', async () => {
  const [first, second] = servers.map(({ caPath }) => readFileSync(caPath, 'utf8'));
  assert.equal(first, second);
  for (const server of servers) {
    const { body } = await server.api('GET', '/api:1/connectors');
    assert.equal(body.filter(({ name }: { name: string }) => name === 'Tutorial').length, 1);
  }
});

test('a device that is provisioned on one writes on the other, and both know its values', async () => {
  await one.whitelist('moves');
  const token = await two.activate('moves');
  assert.equal(await one.write('a=1', { token }), 204);
  assert.equal((await two.state('moves')).a.reported, '1');
  assert.equal(await two.write('a=2', { token }), 204);
  const read = await one.send('/api:v1/stack/alias?a', { token });
  assert.equal(read.body, 'a=2');
  assert.deepEqual(
    (await one.history('moves', 'a')).map(({ value }) => value),
    ['1', '2'],
  );
});

test('a value that is set on one wakes a long poll on the other in under a second', async () => {
  const token = await one.provision('polls');
  for (const [at, there] of [
    [one, two],
    [two, one],
  ] as const) {
    const value = at === one ? 'from two' : 'from one';
    const waiting = at.send('/api:v1/stack/alias?a', { token, headers: { 'Request-Timeout': '30000' } });
    await delay(300);
    const start = performance.now();
    assert.equal((await there.api('PATCH', '/identity/polls/state', { a: value })).status, 200);
    const answer = await waiting;
    assert.equal(answer.body, `a=${encodeURIComponent(value)}`);
    assert.ok(performance.now() - start < FOLLOWS_WITHIN, `after ${performance.now() - start} ms`);
  }
});

test('a lock on one cuts a device on the other within a second, and so does a deletion', async () => {
  const token = await two.provision('cut');
  const status = () => two.write('a=1', { token });
  assert.equal(await status(), 204);
  await one.change('cut', { locked: true });
  const locked = await took('the lock holds on the other gateway', async () => (await status()) === 403);
  assert.ok(locked < FOLLOWS_WITHIN, `after ${locked} ms`);
  await one.change('cut', { locked: false });
  await eventually('it is let in again', async () => (await status()) === 204);
  assert.ok((await one.api('DELETE', '/identity/cut')).status < 300);
  const deleted = await took('it is gone on the other gateway', async () => (await status()) === 401);
  assert.ok(deleted < FOLLOWS_WITHIN, `after ${deleted} ms`);
});

test('of many activations of one identity over both gateways one wins', async () => {
  for (let round = 0; round < 5; round += 1) {
    const identity = `raced-${round}`;
    await one.whitelist(identity);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        (n % 2 === 0 ? one : two).send('/provision/activate', { body: `id=${identity}` }),
      ),
    );
    const statuses = Map.groupBy(answers, ({ status }) => status);
    assert.equal(statuses.get(200)?.length, 1, JSON.stringify([...statuses.keys()]));
    assert.equal(statuses.get(409)?.length, 19);
    const token = statuses.get(200)![0]!.body;
    for (const gateway of [one, two]) assert.equal(await gateway.write('a=1', { token }), 204);
  }
});

test('the live log on either shows what happens on both, in one order', async () => {
  const stop = new AbortController();
  const streams = [one, two].map((gateway) => follow(gateway, 'types=provisioned,data_in', 20, stop.signal));
  await delay(500);
  const tokens = await Promise.all(Array.from({ length: 10 }, (_, n) => one.provision(`logged-${n}`)));
  for (const [n, token] of tokens.entries()) await (n % 2 === 0 ? one : two).write(`a=logged ${n}`, { token });
  const [first, second] = await Promise.all(streams);
  stop.abort();
  assert.deepEqual(first, second);
  const identities = first!.filter(({ type }) => type === 'data_in').map(({ identity }) => identity);
  assert.deepEqual(
    identities,
    Array.from({ length: 10 }, (_, n) => `logged-${n}`),
  );
});

test('settings that are changed on one hold on the other within a second, and so does a new connector', async () => {
  await one.set({ provisioning: { presenter_identity: true } });
  const activates = async () => (await two.send('/provision/activate', { body: 'id=presented' })).status === 200;
  assert.ok((await took('the other gateway takes identities that present themselves', activates)) < FOLLOWS_WITHIN);
  const made = await newConnector(servers[0]!, { resources: { a: resource() } });
  await made.whitelist('d');
  const there = through(servers[1]!, made);
  const found = async () => (await there.send('/provision/activate', { body: 'id=d' })).status === 200;
  assert.ok((await took('the other gateway knows the connector', found)) < FOLLOWS_WITHIN);
});

test('a batch that is imported on one can be undone on the other', async () => {
  const upload = new FormData();
  const rows = Array.from({ length: 3000 }, (_, n) => `imported-${n}`);
  upload.set('identities', new File([`ID\n${rows.join('\n')}\n`], 'identities.csv', { type: 'text/csv' }));
  const imported = await one.api('POST', '/identities', upload);
  assert.ok(imported.status < 300, imported.text);
  const count = async (gateway: TestConnector) =>
    (await gateway.api('GET', '/identities/count?identity=imported-*')).body.count;
  assert.equal(await count(two), 3000);
  const [{ id }] = (await two.api('GET', '/batches')).body.batches;
  const undone = await two.api('DELETE', `/batches/${id}`);
  assert.ok(undone.status < 300, undone.text);
  await eventually('nothing of it is left', async () => (await count(one)) === 0);
});

test('a file that is sent to one is fetched from the other, in parts of both', async () => {
  const bytes = Buffer.alloc(300_000, 'abcdefg');
  const token = await one.provision('fetches');
  const stored = await one.server.api('PUT', `/api:1/service/${one.id}/device2/content/f`, bytes.toString(), {
    'content-type': 'text/plain',
  });
  assert.equal(stored.status, 201, stored.text);
  assert.equal((await two.send('/provision/download', { token })).body, 'f\n');
  const part = (connector: TestConnector, range: string) =>
    connector.send('/provision/download?id=f', {
      token,
      headers: { Range: range, 'If-Range': `"${stored.body.sha256}"` },
    });
  const [first, second] = [await part(two, 'bytes=0-123456'), await part(one, 'bytes=123457-')];
  assert.deepEqual([first.status, second.status], [206, 206]);
  assert.equal(first.body + second.body, bytes.toString());
  await eventually('both know that it was fetched', async () => {
    const { body } = await two.api('GET', '/content/f/fetches');
    return body.fetches[0]?.completed > 0;
  });
  assert.equal((await two.api('DELETE', '/content/f')).status, 204);
  assert.equal((await one.send('/provision/download?id=f', { token })).status, 404);
});

test('a rollout chooses the same devices on both, goes each step once, and is held on both', async () => {
  const tokens: string[] = [];
  for (let n = 0; n < 10; n += 1) tokens.push(await one.provision(`rolls-${n}`));
  await one.server.api('PUT', `/api:1/service/${one.id}/device2/content/r`, 'x', { 'content-type': 'text/plain' });
  const watch = { resource: 'a', failure: ['failed'], share: 0.1, at_least: 2 };
  assert.equal((await one.api('PUT', '/content/r/rollout', { steps: [40, 70, 100], every: 1, watch })).status, 200);
  await eventually(
    'it has gone all its steps',
    async () => (await two.api('GET', '/content/r/info')).body.rollout.step === 2,
  );
  await two.api('DELETE', '/content/r/rollout');
  await two.api('PATCH', '/content/r', { offer: 'all' });
  assert.equal((await two.api('PUT', '/content/r/rollout', { steps: [50, 100], watch })).status, 200);
  const offered = async (connector: TestConnector) =>
    Promise.all(tokens.map(async (token) => (await connector.send('/provision/download', { token })).status === 200));
  assert.deepEqual(await offered(one), await offered(two));
  await two.api('PATCH', '/content/r/rollout', { action: 'advance' });
  for (const token of tokens.slice(0, 2)) {
    await one.send('/provision/download?id=r', { token });
    await two.write('a=failed', { token });
  }
  await eventually('it is held', async () => (await one.api('GET', '/content/r/info')).body.rollout.state === 'held');
  assert.deepEqual(
    await offered(two),
    tokens.map(() => false),
  );
  const all = (await one.events('rollout')).map(({ payload }) => `${payload.action} ${payload.percent}`);
  // The first one may have ended before it was stopped.
  const steps = all.filter((step) => step !== 'done 100');
  assert.deepEqual(steps, [
    'started 40',
    'advanced 70',
    'advanced 100',
    'stopped 0',
    'started 50',
    'advanced 100',
    'held 0',
  ]);
});
