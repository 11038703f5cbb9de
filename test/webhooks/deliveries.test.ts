/** Webhooks over a real store and real receivers: order, at least once, retries, pauses, and that one harms no other. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createSeal, SEAL_BYTES } from '../../src/api/seal.ts';
import { defaultSettings } from '../../src/domain/connector.ts';
import { PAUSE_AFTER, resumed, startAt, type Webhook } from '../../src/domain/webhook.ts';
import { purposeOf, type WebhookDeps } from '../../src/events/webhooks/run.ts';
import { startWebhooks } from '../../src/events/webhooks/start.ts';
import { createLogger } from '../../src/log.ts';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';
import type { Store } from '../../src/store/store.ts';
import { eventually } from '../helpers/connector.ts';
import { assertSigned, type Receiver, startReceiver } from '../helpers/receiver.ts';

const seal = createSeal(randomBytes(SEAL_BYTES));
const clock = () => Date.now() * 1000;
let folder: string;
let store: Store;
let logged = '';
let stop: () => Promise<void>;
const receivers: Receiver[] = [];
let made = 0;

const out = { write: (text: string) => (logged += text) } as unknown as NodeJS.WritableStream;
const deps = (over: Partial<WebhookDeps> = {}): WebhookDeps => {
  const logger = createLogger('debug', out);
  return { store, seal, clock, logger, allowed: ['127.0.0.0/8'], timeout: 1_000, ...over };
};

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-hooks-'));
  store = await openSqliteStore({ folder });
  stop = startWebhooks(deps());
});
after(async () => {
  await stop();
  await store.close();
  for (const receiver of receivers) await receiver.close();
  await rm(folder, { recursive: true });
});

async function receive(...given: Parameters<typeof startReceiver>): Promise<Receiver> {
  const receiver = await startReceiver(...given);
  receivers.push(receiver);
  return receiver;
}

async function newConnector(): Promise<string> {
  const id = `hooks${++made}`;
  await store.createConnector({ id, created: 1, version: 1, settings: defaultSettings(id) });
  return id;
}

const SECRET = 'slipway_wh_that-nobody-may-find';

async function newHook(connector: string, url: string, over: Partial<Webhook> = {}): Promise<Webhook> {
  const id = `hook${++made}`;
  const begun = startAt(await store.lastSeq(), clock());
  const secret = seal.close(purposeOf(id), SECRET);
  const hook = {
    ...begun,
    id,
    connector,
    url,
    types: [],
    enabled: true,
    secret,
    created: clock(),
    generation: 1,
    ...over,
  };
  await store.createWebhook(hook, 100);
  return hook;
}

const log = (connector: string, count: number, type: 'refused' | 'locked' = 'refused') =>
  store.log(
    connector,
    Array.from({ length: count }, (_, n) => ({
      type,
      identity: `d${n}`,
      origin: null,
      timestamp: clock(),
      payload: { n },
    })),
  );

async function seqsOf(connector: string): Promise<number[]> {
  const { events } = await store.readEvents(connector, { limit: 10_000, order: 'oldest' });
  return events.map(({ seq }) => seq);
}

const isThere = (receiver: Receiver, count: number) =>
  eventually(`${count} events are there`, async () => receiver.seqs().length >= count);
const stateOf = async ({ connector, id }: Webhook) => (await store.getWebhook(connector, id))!;

test('every event comes once, in order, signed, in batches, and its place is noted', async () => {
  const [connector, receiver] = [await newConnector(), await receive()];
  await log(connector, 3);
  const hook = await newHook(connector, receiver.url);
  await log(connector, 450);
  await log(connector, 7);
  await isThere(receiver, 457);
  assert.deepEqual(receiver.seqs(), (await seqsOf(connector)).slice(3));
  assert.ok(receiver.taken.every(({ events }) => events.length <= 200));
  for (const received of receiver.taken) assertSigned(received, SECRET);
  const ids = receiver.taken.map(({ headers }) => headers['slipway-delivery']);
  assert.equal(new Set(ids).size, ids.length);
  assert.equal(receiver.taken[0]!.headers['content-type'], 'application/json');
  assert.equal(receiver.taken[0]!.headers['slipway-connector'], connector);
  const { events } = await store.readEvents(connector, { limit: 1 });
  await eventually('its place is noted', async () => (await stateOf(hook)).position === events[0]!.seq);
  assert.deepEqual(receiver.taken.at(-1)!.events.at(-1), events[0]);
  const deliveries = await store.listDeliveries(connector, hook.id);
  assert.deepEqual(
    deliveries.map(({ id, status, error, attempt }) => ({ id, status, error, attempt })),
    ids.map((id) => ({ id, status: 204, error: null, attempt: 1 })).reverse(),
  );
});

test('it gets the types that it asks for, and no event of another connector', async () => {
  const [connector, other, receiver] = [await newConnector(), await newConnector(), await receive()];
  await newHook(connector, receiver.url, { types: ['locked'] });
  await log(connector, 5);
  await log(other, 5, 'locked');
  await log(connector, 2, 'locked');
  await isThere(receiver, 2);
  assert.deepEqual(
    receiver.taken.flatMap(({ events }) => events.map(({ type, identity }) => `${type} ${identity}`)),
    ['locked d0', 'locked d1'],
  );
});

test('one that is down for a while loses nothing, and gets the same batch again under the same id', async () => {
  const [connector, receiver] = [await newConnector(), await receive()];
  const hook = await newHook(connector, receiver.url);
  receiver.behave((_, response) => void response.writeHead(503).end());
  await log(connector, 3);
  await eventually('it has failed', async () => (await stateOf(hook)).failures > 0);
  await log(connector, 3);
  await eventually('it was tried again', async () => receiver.tries.length >= 2);
  const [first, second] = receiver.tries;
  assert.equal(first!.body, second!.body);
  assert.equal(first!.headers['slipway-delivery'], second!.headers['slipway-delivery']);
  await receiver.down();
  await eventually('it has failed otherwise', async () => {
    return (await store.listDeliveries(connector, hook.id)).some(({ error }) => error?.includes('ECONNREFUSED'));
  });
  assert.equal((await stateOf(hook)).position, hook.position);
  receiver.behave(null);
  await receiver.up();
  await isThere(receiver, 6);
  assert.deepEqual(receiver.seqs(), await seqsOf(connector));
  await eventually('it does well again', async () => {
    const { failures, failingSince, nextTry, lastSuccess } = await stateOf(hook);
    return failures === 0 && failingSince === null && nextTry === null && lastSuccess !== null;
  });
});

test('many that hang, fail or answer without end hold up neither those that do well nor the log', async () => {
  const connector = await newConnector();
  const hanging = await receive(() => {});
  const endless = await receive((_, response) => void response.writeHead(500).write('x'));
  for (let n = 0; n < 20; n += 1) await newHook(connector, n % 2 === 0 ? hanging.url : endless.url);
  await newHook(connector, 'http://127.0.0.1:1/');
  await log(connector, 1);
  await eventually('all have begun', async () => hanging.tries.length + endless.tries.length >= 8);
  const receiver = await receive();
  await newHook(connector, receiver.url);
  for (let n = 0; n < 50; n += 1) await log(connector, 2);
  await isThere(receiver, 100);
  assert.deepEqual(receiver.seqs(), (await seqsOf(connector)).slice(1));
  for (const { id } of await store.listWebhooks(connector)) await store.deleteWebhook(connector, id);
});

test('new ones that hang, however many, do not hold up one that has done well', async () => {
  await stop();
  stop = startWebhooks(deps({ timeout: 60_000 }));
  const [connector, good] = [await newConnector(), await receive()];
  await newHook(connector, good.url);
  await log(connector, 1);
  await isThere(good, 1);
  const hanging = await receive(() => {});
  for (let n = 0; n < 40; n += 1) await newHook(connector, hanging.url);
  await log(connector, 1);
  await eventually('they hang', async () => hanging.tries.length >= 8);
  await log(connector, 1);
  await isThere(good, 3);
  for (const { id } of await store.listWebhooks(connector)) await store.deleteWebhook(connector, id);
  await stop();
  stop = startWebhooks(deps());
});

test('one that stays away for a day is paused and left alone, until somebody switches it on again', async () => {
  const [connector, receiver] = [await newConnector(), await receive()];
  receiver.behave((_, response) => void response.writeHead(500).end());
  const failingSince = clock() - PAUSE_AFTER;
  const hook = await newHook(connector, receiver.url, { failures: 9, failingSince });
  await log(connector, 4);
  await eventually('it is paused', async () => (await stateOf(hook)).pausedAt !== null);
  assert.match(logged, /a webhook is paused/);
  const { length } = receiver.tries;
  receiver.behave(null);
  await log(connector, 1);
  // What another webhook gets meanwhile this one would have got too.
  const other = await receive();
  await newHook(connector, other.url);
  await log(connector, 1);
  await isThere(other, 1);
  assert.equal(receiver.tries.length, length);
  await store.changeWebhook(connector, hook.id, resumed);
  await isThere(receiver, 6);
  assert.deepEqual(receiver.seqs(), await seqsOf(connector));
});

test('one that is switched off gets nothing, and everything once it is on', async () => {
  const [connector, receiver] = [await newConnector(), await receive()];
  const hook = await newHook(connector, receiver.url);
  await log(connector, 1);
  await isThere(receiver, 1);
  await store.changeWebhook(connector, hook.id, (before) => ({ ...before, enabled: false }));
  await log(connector, 2);
  const other = await receive();
  await newHook(connector, other.url, { position: hook.position });
  await isThere(other, 3);
  assert.equal(receiver.seqs().length, 1);
  await store.changeWebhook(connector, hook.id, (before) => ({ ...before, enabled: true }));
  await isThere(receiver, 3);
  assert.deepEqual(receiver.seqs(), await seqsOf(connector));
});

test('a change takes hold at once, also while a delivery hangs: the old address gets nothing more', async () => {
  const [connector, hanging, receiver] = [await newConnector(), await receive(() => {}), await receive()];
  const hook = await newHook(connector, hanging.url);
  await log(connector, 2);
  await eventually('it hangs', async () => hanging.tries.length === 1);
  await store.changeWebhook(connector, hook.id, (before) => ({ ...before, url: receiver.url }));
  await isThere(receiver, 2);
  assert.equal(hanging.tries.length, 1);
});

test('a replay delivers again what lies behind a number, and nothing up to a later one', async () => {
  const [connector, receiver] = [await newConnector(), await receive()];
  const hook = await newHook(connector, receiver.url);
  await log(connector, 10);
  await isThere(receiver, 10);
  const all = await seqsOf(connector);
  await store.changeWebhook(connector, hook.id, (before) => ({ ...before, position: all[5]! }));
  await isThere(receiver, 14);
  assert.deepEqual(receiver.seqs(), [...all, ...all.slice(6)]);
});

test('events that were purged before their turn are told of as missed, and the rest is delivered', async () => {
  const [connector, receiver] = [await newConnector(), await receive()];
  const day = 86_400_000_000;
  const reachedAt = clock() - 40 * day;
  const hook = await newHook(connector, receiver.url, { reachedAt });
  await log(connector, 1);
  await isThere(receiver, 1);
  await eventually('it says so', async () => (await stateOf(hook)).missed !== null);
  const { missed } = await stateOf(hook);
  assert.equal(missed!.from, reachedAt);
  assert.ok(Math.abs(missed!.to - (clock() - 30 * day)) < day);
});

test('one that is deleted, or whose connector is, ends', async () => {
  const [connector, hanging] = [await newConnector(), await receive(() => {})];
  const hook = await newHook(connector, hanging.url);
  await log(connector, 1);
  await eventually('it hangs', async () => hanging.tries.length === 1);
  await store.deleteWebhook(connector, hook.id);
  const other = await newHook(connector, hanging.url);
  await log(connector, 1);
  await eventually('the other hangs', async () => hanging.tries.length === 2);
  await store.deleteConnector(connector);
  assert.deepEqual(
    (await store.listWebhooks()).filter(({ id }) => id === other.id),
    [],
  );
});

test('its secret stands nowhere in the clear: not in the files of the database, not in the log', async () => {
  const [connector, receiver] = [await newConnector(), await receive()];
  await newHook(connector, receiver.url);
  await newHook(connector, 'http://127.0.0.1:1/?token=their-own-secret');
  await log(connector, 1);
  await isThere(receiver, 1);
  for (const file of ['slipway.db', 'slipway.db-wal']) {
    const bytes = await readFile(join(folder, file));
    assert.equal(bytes.indexOf(SECRET), -1, file);
  }
  assert.ok(!logged.includes(SECRET) && !logged.includes('their-own-secret'));
});

test('a secret that was sealed under another key fails the delivery with words, and nothing is sent unsigned', async () => {
  const [connector, receiver] = [await newConnector(), await receive()];
  const foreign = createSeal(randomBytes(SEAL_BYTES));
  const hook = await newHook(connector, receiver.url, { secret: foreign.close('webhook x', SECRET) });
  await log(connector, 1);
  await eventually('it has failed', async () => (await stateOf(hook)).failures > 0);
  assert.match((await store.listDeliveries(connector, hook.id))[0]!.error!, /seal\.key/);
  assert.equal(receiver.tries.length, 0);
});
