/** Webhooks and jobs with two gateways on one PostgreSQL: one of them does the work, and another goes on with it. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually, newConnector, type TestConnector, through } from '../helpers/connector.ts';
import { startPostgres, type TestPostgres } from '../helpers/postgres.ts';
import { type Receiver, startReceiver } from '../helpers/receiver.ts';
import { startServer, type TestServer } from '../helpers/server.ts';

let postgres: TestPostgres | undefined;
let servers: TestServer[] = [];
let one: TestConnector;
let two: TestConnector;
let receiver: Receiver;

before(async () => {
  [postgres, receiver] = await Promise.all([startPostgres(), startReceiver()]);
  const env = { SLIPWAY_DATABASE_URL: await postgres.newDatabase(), SLIPWAY_WEBHOOK_ALLOW: '127.0.0.0/8' };
  servers = await Promise.all([startServer({ env }), startServer({ env })]);
  one = await newConnector(servers[0]!);
  two = through(servers[1]!, one);
});
after(async () => {
  await receiver?.close();
  await Promise.all(servers.map((server) => server.stop())).finally(() => postgres?.remove());
});

const seqsOf = async (connector: TestConnector) =>
  (await connector.api('GET', '/events?limit=1000')).body.events.map(({ seq }: { seq: number }) => seq).reverse();

/** Waits for what a lease that runs out makes take its time. */
async function inTheEnd(what: string, ask: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await ask()); tries += 1) {
    assert.ok(tries < 600, `did not happen: ${what}`);
    await delay(100);
  }
}

test('an event comes once, whichever gateway it happened on and whichever one was told of the webhook', async () => {
  const { body } = await servers[0]!.api('POST', `/api:1/connectors/${one.id}/webhooks`, { url: receiver.url });
  for (let n = 0; n < 20; n += 1) await (n % 2 === 0 ? one : two).whitelist(`d${n}`);
  await eventually('all are there', async () => receiver.seqs().length >= 20);
  assert.deepEqual(receiver.seqs(), await seqsOf(two));
  await servers[1]!.api('POST', `/api:1/connectors/${one.id}/webhooks/${body.id}/replay`, {
    after: receiver.seqs()[9]!,
  });
  await eventually('half of them came again', async () => receiver.seqs().length >= 30);
  assert.deepEqual(receiver.seqs().slice(20), receiver.seqs().slice(10, 20));
});

test('a job is done once, and can be followed and undone on either', async () => {
  const identities = Array.from({ length: 20 }, (_, n) => `d${n}`);
  const { body } = await one.api('POST', '/identities/update', { action: 'lock', identities });
  await eventually('it is done', async () => (await two.api('GET', `/jobs/${body.id}`)).body.state === 'done');
  assert.equal((await two.api('GET', `/jobs/${body.id}`)).body.changed, 20);
  await two.api('POST', `/jobs/${body.id}/undo`);
  await eventually('it is undone', async () => (await one.api('GET', `/jobs/${body.id}`)).body.state === 'undone');
  assert.equal((await one.api('GET', '/identities/count?status=locked')).body.count, 0);
});

test('when the gateway that delivers is killed, the other one goes on with it, and with its jobs', async () => {
  const headers = { 'content-type': 'text/csv' };
  const rows = Array.from({ length: 3000 }, (_, n) => `many${n}`).join('\n');
  const path = `/api:1/service/${one.id}/device2/identities`;
  assert.equal((await servers[0]!.api('POST', path, `ID\n${rows}\n`, headers)).status, 200);
  const { body } = await one.api('POST', '/identities/update', { action: 'lock', filter: { identity: 'many' } });
  await servers[0]!.kill9();
  await inTheEnd('the job is done', async () => (await two.api('GET', `/jobs/${body.id}`)).body.state === 'done');
  assert.equal((await two.api('GET', `/jobs/${body.id}`)).body.changed, 3000);
  await inTheEnd('another device is whitelisted', async () => {
    return (await two.api('PUT', '/identity/after?upsert=true', {})).status < 300;
  });
  const [last] = (await seqsOf(two)).slice(-1);
  await inTheEnd('the last event is there', async () => receiver.seqs().includes(last));
  const lines = (await two.api('GET', '/events.ndjson')).text.split('\n').slice(0, -1);
  const logged = lines.map((line) => JSON.parse(line).seq);
  assert.ok(logged.length > 3000);
  // In the order in which each came first.
  assert.deepEqual([...new Set(receiver.seqs())], logged);
  await servers[0]!.restart();
});
