/** A server that is killed in the middle of deliveries and of a job: nothing is lost, and the order holds. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually, newConnector, type TestConnector } from '../helpers/connector.ts';
import { assertSigned, type Receiver, startReceiver } from '../helpers/receiver.ts';
import { startServer, type TestServer } from '../helpers/server.ts';

let server: TestServer;
let receiver: Receiver;
before(async () => {
  receiver = await startReceiver();
  server = await startServer({ env: { SLIPWAY_WEBHOOK_ALLOW: '127.0.0.1/32, ::1' } });
});
after(async () => {
  await server?.stop();
  await receiver?.close();
});

const names = (prefix: string, n: number) =>
  Array.from({ length: n }, (_, at) => `${prefix}${String(at).padStart(5, '0')}`);

async function update(connector: TestConnector, body: object) {
  const answer = await connector.api('POST', '/identities/update', body);
  assert.ok(answer.status === 200 || answer.status === 202, answer.text);
  return answer.body;
}

async function importAll({ server, id }: TestConnector, identities: readonly string[]): Promise<void> {
  const headers = { 'content-type': 'text/csv' };
  const path = `/api:1/service/${id}/device2/identities`;
  const answer = await server.api('POST', path, `ID\n${identities.join('\n')}\n`, headers);
  assert.equal(answer.status, 200, answer.text);
}

test('every event arrives at least once and in order, however often the server is killed; so does every device of a job', async () => {
  const connector = await newConnector(server);
  const { body: hook } = await server.api('POST', `/api:1/connectors/${connector.id}/webhooks`, {
    url: receiver.url,
    types: ['locked', 'unlocked'],
  });
  await importAll(connector, names('d', 2000));
  const job = await update(connector, { action: 'lock', filter: { identity: 'd' } });
  for (let round = 0; round < 3; round += 1) {
    await delay(150 + Math.random() * 300);
    await server.kill9();
    await server.restart();
  }
  await eventually('the job ends', async () => {
    const { body } = await connector.api('GET', `/jobs/${job.id}`);
    return body.state === 'done';
  });
  const { body: done } = await connector.api('GET', `/jobs/${job.id}`);
  assert.deepEqual([done.changed, done.same, done.refused], [2000, 0, 0]);
  const wanted: number[] = [];
  for (let after = 0; ; ) {
    const { body } = await connector.api('GET', `/events?types=locked&limit=1000&before=${after || 1e12}`);
    wanted.unshift(...body.events.map(({ seq }: { seq: number }) => seq).reverse());
    if (!body.mayLoadMore) break;
    after = wanted[0]!;
  }
  assert.equal(wanted.length, 2000);
  await eventually('all have arrived', async () => new Set(receiver.seqs()).size >= 2000);
  const first = [...new Set(receiver.seqs())];
  assert.deepEqual(first, wanted);
  for (const received of receiver.taken) assertSigned(received, hook.secret);
  assert.ok(!server.output().includes(hook.secret));
});

test('a stop comes in time and in order while a delivery hangs', async () => {
  const hanging = await startReceiver(() => {});
  const other = await startServer({ env: { SLIPWAY_WEBHOOK_ALLOW: '127.0.0.1' } });
  const connector = await newConnector(other);
  await other.api('POST', `/api:1/connectors/${connector.id}/webhooks`, { url: hanging.url });
  await connector.whitelist('a');
  await eventually('a delivery hangs', async () => hanging.tries.length > 0);
  await other.stop();
  await hanging.close();
});
