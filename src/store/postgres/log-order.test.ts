/** Several nodes on one database: what they log is seen in order, and what they do at once is done once. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startPostgres, type TestPostgres } from '../../../test/helpers/postgres.ts';
import { defaultSettings } from '../../domain/connector.ts';
import { newDevice } from '../../domain/device.ts';
import type { DeviceRef, Store } from '../store.ts';
import { openPostgresStore } from './index.ts';

const NOW = Date.UTC(2026, 8, 21) * 1000;
const DAY = 86_400_000_000;
let postgres: TestPostgres | undefined;
let url = '';
let stores: Store[] = [];

before(async () => {
  postgres = await startPostgres();
  url = await postgres.newDatabase();
  // At once: the tables are made by one of them.
  stores = await Promise.all([1, 2, 3].map(() => openPostgresStore({ url })));
});
after(async () => {
  for (const store of stores) await store.close();
  await postgres?.remove();
});

async function newConnector(id: string, retention = defaultSettings(id).retention): Promise<void> {
  await stores[0]!.createConnector({ id, created: NOW, version: 1, settings: { ...defaultSettings(id), retention } });
}

async function newRef(connector: string, identity: string): Promise<DeviceRef> {
  const { found } = await stores[0]!.changeDevice(connector, identity, () => ({
    answer: null,
    device: newDevice(identity, NOW),
  }));
  return found!.ref;
}

const origin = { ip: '192.0.2.1', protocol: 'onep:v1/http', connectionId: null } as const;
const entry = (ref: DeviceRef, timestamp: number, value: string) => ({
  ref,
  type: 'data_in' as const,
  origin,
  timestamp,
  points: [{ timestamp, values: { a: value } }],
  undefinedPoints: [],
});

test('who has seen an event never finds one with a smaller number later, however many nodes write', async () => {
  await newConnector('order');
  const refs = await Promise.all(Array.from({ length: 40 }, (_, n) => newRef('order', `d${n}`)));
  let writing = true;
  const writers = refs.map(async (ref, n) => {
    for (let at = 0; at < 25; at += 1) await stores[n % 2]!.append(entry(ref, NOW + at, `${at}`));
  });
  const done = Promise.all(writers).finally(() => {
    writing = false;
  });
  // Reads on from what it has seen, as a live log does: what appeared behind it would be missing.
  const seen: number[] = [];
  const read = async () => {
    const { events } = await stores[2]!.readEvents('order', { after: seen.at(-1) ?? 0, limit: 1000, order: 'oldest' });
    seen.push(...events.map(({ seq }) => seq));
  };
  while (writing) await read();
  await done;
  await read();
  assert.equal(seen.length, 1000);
  assert.equal(new Set(seen).size, 1000);
  assert.equal(await stores[1]!.lastSeq(), seen.at(-1));
});

test('of rules that race on three nodes for one device each sees what the one before it did', async () => {
  await newConnector('race');
  const add = (store: Store) =>
    store.changeDevice('race', 'd', (device) => {
      const before = device ?? newDevice('d', NOW);
      const n = Number(before.tags.n?.[0] ?? 0) + 1;
      return { answer: n, device: { ...before, tags: { n: [`${n}`] } } };
    });
  const answers = await Promise.all(Array.from({ length: 30 }, (_, n) => add(stores[n % 3]!)));
  const given = answers.map(({ answer }) => answer).sort((a, b) => a - b);
  assert.deepEqual(
    given,
    Array.from({ length: 30 }, (_, n) => n + 1),
  );
});

test('a point that is recorded on two nodes at once is recorded once', async () => {
  await newConnector('record');
  const ref = await newRef('record', 'd');
  for (let at = 0; at < 20; at += 1) {
    const answers = await Promise.all(
      stores.map((store, n) => store.record({ ...entry(ref, NOW - DAY + at, `${n}`), timestamp: NOW })),
    );
    assert.equal(answers.filter((conflicts) => conflicts.length === 0).length, 1);
  }
  assert.equal((await stores[0]!.readEvents('record', { types: ['data_in'], limit: 100 })).events.length, 20);
});

test('a node that missed more than is kept, or is told what it cannot read, tells that anything may have changed', async () => {
  await newConnector('missed');
  const told = async (sql: string) => {
    const heard = Promise.withResolvers<void>();
    const stop = stores[1]!.onSignal((signal) => {
      if (signal.kind === 'connector' && signal.connector === 'missed') heard.resolve();
    });
    await postgres!.query(sql, url);
    await heard.promise;
    stop();
  };
  await told(
    `INSERT INTO commits (id, number, node, seq) SELECT gen_random_uuid(), max(number) + 100, 'gone', max(seq) FROM commits`,
  );
  await told(
    `SELECT write_log(gen_random_uuid(), 'other', 'no signals', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}')`,
  );
  const late = stores[2]!.log('missed', [
    { type: 'refused', identity: 'd', origin: null, timestamp: NOW, payload: null },
  ]);
  await late;
  assert.equal((await stores[1]!.readEvents('missed', { limit: 10 })).events.length, 1);
});

test('house-keeping on all nodes at once logs each expiry once', async () => {
  await newConnector('expiry');
  for (let n = 0; n < 60; n += 1) {
    const device = { ...newDevice(`d${n}`, NOW), expiresAt: NOW + n };
    await stores[n % 3]!.changeDevice('expiry', `d${n}`, () => ({ answer: null, device }));
  }
  const drain = async (store: Store) => {
    for (let quiet = 0; quiet < 3; ) quiet = (await store.expireDue(NOW + DAY, 7)) === 0 ? quiet + 1 : 0;
  };
  await Promise.all(stores.map(drain));
  const { events } = await stores[0]!.readEvents('expiry', { types: ['expired'], limit: 100 });
  assert.equal(events.length, 60);
  assert.equal(new Set(events.map(({ identity }) => identity)).size, 60);
});

test('an import that its node leaves behind is finished by another one, once', async () => {
  await newConnector('import');
  const node = await openPostgresStore({ url });
  const stage = await node.openImport('import');
  const rows = Array.from({ length: 12_000 }, (_, n) => ({
    line: n + 2,
    identity: `r${n}`,
    tags: {},
    credential: null,
  }));
  for (let at = 0; at < rows.length; at += 1000) await stage.add(rows.slice(at, at + 1000));
  const began = Promise.withResolvers<void>();
  const applied = stage
    .apply({ id: 'left', name: 'left', who: 'me', created: NOW }, null, () => began.resolve())
    .catch(() => {});
  await began.promise;
  await node.close();
  await applied;
  while ((await stores[1]!.getBatch('import', 'left'))?.state !== 'done')
    await new Promise((done) => setTimeout(done, 50));
  assert.equal((await stores[1]!.getBatch('import', 'left'))?.count, 12_000);
  assert.equal(await stores[2]!.countDevices('import', {}, NOW), 12_000);
  const { events } = await stores[2]!.readEvents('import', { types: ['whitelisted'], limit: 10 });
  assert.equal(events.length, 1);
});
