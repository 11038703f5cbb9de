/** One webhook and two nodes on one PostgreSQL: who waited too long for a place has lost it to the other, and sends nothing again. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { createSeal, SEAL_BYTES } from '../../src/api/seal.ts';
import { defaultSettings } from '../../src/domain/connector.ts';
import { startAt, type Webhook } from '../../src/domain/webhook.ts';
import { type Places, purposeOf, startRun, type WebhookDeps } from '../../src/events/webhooks/run.ts';
import { createSlots } from '../../src/events/webhooks/slots.ts';
import { createLogger } from '../../src/log.ts';
import { openPostgresStore } from '../../src/store/postgres/index.ts';
import type { Store } from '../../src/store/store.ts';
import { eventually } from '../helpers/connector.ts';
import { startPostgres, type TestPostgres } from '../helpers/postgres.ts';
import { type Receiver, startReceiver } from '../helpers/receiver.ts';

/** Seconds: short, so that one runs out while a place is waited for. */
const LEASE = 1;
const seal = createSeal(randomBytes(SEAL_BYTES));
const clock = () => Date.now() * 1000;
let postgres: TestPostgres;
let url: string;
let stores: Store[] = [];
let receiver: Receiver;
before(async () => {
  [postgres, receiver] = await Promise.all([startPostgres(), startReceiver()]);
  url = await postgres.newDatabase();
  stores = [await openPostgresStore({ url }), await openPostgresStore({ url })];
});
const ends = new AbortController();
after(async () => {
  ends.abort();
  await receiver.close();
  for (const store of stores) await store.close();
  await postgres.remove();
});

test('who waits for a place while its lease runs out sends nothing that another node has sent', async () => {
  const [slow, quick] = stores as [Store, Store];
  await slow.createConnector({ id: 'hooks', created: 1, version: 1, settings: defaultSettings('hooks') });
  const began = startAt(await slow.lastSeq(), clock());
  const settings = { types: [], enabled: true, secret: seal.close(purposeOf('hook'), 'secret'), created: clock() };
  const hook: Webhook = { ...began, ...settings, id: 'hook', connector: 'hooks', url: receiver.url, generation: 1 };
  await slow.createWebhook(hook, 1);
  await slow.log('hooks', [{ type: 'refused', identity: 'd', origin: null, timestamp: clock(), payload: null }]);

  const run = (store: Store, places: Places) => {
    const logger = createLogger('error', process.stderr);
    const deps: WebhookDeps = { store, seal, clock, logger, allowed: ['127.0.0.0/8'], timeout: 500, lease: LEASE };
    return startRun(hook, deps, places, ends.signal, ends.signal).done;
  };
  const places = placesOf();
  const leave = await places.fresh.take(ends.signal);
  assert(leave);
  const waiting = run(slow, places);
  await eventually('it has the lease, and waits', async () => {
    return (await postgres.query(`SELECT 1 FROM leases WHERE name = '${purposeOf('hook')}'`, url)).length === 1;
  });
  await eventually('the lease has run out', () => quick.claim(purposeOf('hook'), LEASE));
  const working = run(quick, placesOf());
  await eventually('the other one has delivered', async () => {
    return (await quick.listDeliveries('hooks', 'hook')).length === 1;
  });
  leave();
  // In turn: this is given when the one that waited has had its place.
  const next = await places.fresh.take(ends.signal);
  assert(next);
  assert.equal(receiver.tries.length, 1);
  next();
  ends.abort();
  await Promise.all([waiting, working]);
});

const placesOf = (): Places => ({ steady: createSlots(1), troubled: createSlots(1), fresh: createSlots(1) });
