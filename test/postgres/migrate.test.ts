/** `slipway migrate`: what an installation on SQLite knew, one on PostgreSQL knows, also where the move was broken off. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Content } from '../../src/domain/content.ts';
import { startRollout } from '../../src/domain/rollout.ts';
import { openPostgresStore } from '../../src/store/postgres/index.ts';
import { takeOver } from '../../src/store/postgres/takeover.ts';
import { openExport } from '../../src/store/sqlite/export.ts';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';
import type { Store } from '../../src/store/store.ts';
import {
  allDevices,
  allEvents,
  certificateOf,
  DAY,
  dataIn,
  dataOut,
  digestOf,
  eventOf,
  importAll,
  makeConnector,
  NOW,
  put,
  same,
  tokenOf,
} from '../conformance/fixtures.ts';
import { newConnector, resource, through } from '../helpers/connector.ts';
import { startPostgres, type TestPostgres } from '../helpers/postgres.ts';
import { root, startServer } from '../helpers/server.ts';
import { runTool } from '../helpers/tool.ts';

let postgres: TestPostgres | undefined;
before(async () => {
  postgres = await startPostgres();
});
after(() => postgres?.remove());

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-move-'));
  await work(folder).finally(() => rm(folder, { recursive: true }));
}

/** Something of everything; ids of the connectors. */
async function fill(store: Store): Promise<string[]> {
  const connectors = [await makeConnector(store), await makeConnector(store)];
  for (const connector of connectors) {
    await importAll(
      store,
      connector,
      'lot',
      Array.from({ length: 2500 }, (_, n) => `lot-${n}`),
    );
    const odd = {
      tags: { 'a"b\\': ['x\u0000y', ''], site: ['ü'] },
      credential: tokenOf(connector),
      provisionedAt: NOW,
    };
    const { ref } = await put(store, connector, 'odd', { ...odd, lastSeen: NOW, lastIp: '2001:db8::1' });
    await put(store, connector, 'leaf', { credential: certificateOf(connector), expiresAt: NOW + DAY, locked: true });
    for (let n = 0; n < 300; n += 1) {
      await store.append(
        dataIn(ref, { a: `${n}`, 'b\u0000': 'nul\u0000', large: 'x'.repeat(n * 10) }, NOW + n * 60_000_000),
      );
    }
    await store.append(dataOut(ref, { a: 'wanted' }, NOW + DAY));
    await store.log(connector, [eventOf('refused', { payload: { rule: 'DEVICE_LOCKED' } })]);
    await store.sampleOnline(NOW);
    await putFile(store, connector, 'firmware', Buffer.alloc(3_000_000, connector));
    await putFile(store, connector, 'empty', Buffer.alloc(0));
    await store.noteFetch(ref, 'firmware', 'some version', NOW, true);
  }
  await store.putUser({ id: 'u', email: 'u@example.com', role: 'admin', password: 'hash', created: NOW });
  await store.putSession({ digest: 'd', user: 'u', created: NOW, expires: NOW + DAY }, 'hash');
  return connectors;
}

async function putFile(store: Store, connector: string, id: string, bytes: Buffer): Promise<void> {
  async function* once() {
    yield bytes;
  }
  const staged = await store.stageContent(once(), { file: 1 << 30, total: 1 << 30 });
  const rollout = startRollout({ steps: [1, 100], every: null, watch: null }, 'salt', NOW);
  const content: Content = {
    ...{ id, type: 'a/b', bytes: 0, sha256: '', meta: 'm', created: NOW, updated: NOW, who: 'admin@localhost' },
    ...{ device: null, offer: { to: 'batch', batch: 'lot' }, rollout },
  };
  await store.changeContent(connector, id, () => ({ answer: null, content }), staged);
}

/** Digest of the bytes as they are read. */
async function bytesOf(store: Store, connector: string, id: string): Promise<string> {
  const reader = (await store.openContent(connector, id))!;
  const hash = createHash('sha256');
  for (let at = 0; at < reader.content.bytes; ) {
    const piece = await reader.read(at, 100_000);
    hash.update(piece);
    at += piece.length;
  }
  await reader.close();
  return hash.digest('hex');
}

/** All that a store can be asked for. */
async function everything(store: Store, connectors: readonly string[]): Promise<unknown> {
  const ofEach = connectors.map(async (connector) => {
    const found = await store.findByToken(digestOf(connector));
    const { ref } = found!;
    const query = { alias: 'a', from: 0, to: NOW + 9 * DAY, limit: 1000 };
    return [
      await store.getConnector(connector),
      found,
      await allDevices(store, connector),
      await allEvents(store, connector),
      await store.readState(ref),
      await store.readHistory(ref, query),
      await store.readBuckets(ref, query, 3_600_000_000),
      await store.readFigures(connector, { from: NOW, to: NOW + DAY, bucket: 3_600_000_000 }),
      await store.listBatches(connector),
      await store.countByStatus(connector, NOW),
      await store.countTagValues(connector, 'a"b\\'),
      await store.listContent(connector, { limit: 10 }),
      await store.listFetches(connector, 'firmware', { limit: 10 }),
      await bytesOf(store, connector, 'firmware'),
      await bytesOf(store, connector, 'empty'),
    ];
  });
  return [
    await Promise.all(ofEach),
    await store.lastSeq(),
    await store.getUser('u@example.com'),
    await store.getSession('d'),
  ];
}

test('everything is there afterwards, under the same numbers, and goes on from them', async () => {
  await inFolder(async (folder) => {
    const before = await openSqliteStore({ folder });
    const connectors = await fill(before);
    const known = await everything(before, connectors);
    const last = await before.lastSeq();
    await before.close();
    const url = await postgres!.newDatabase();

    // Broken off in the middle of a table, twice, and then run to its end.
    for (const limit of [3000, 4500]) {
      const source = await openExport(folder);
      const broken = takeOver(url, source, {}, (table, rows) => {
        if (table === 'devices' && rows > limit) throw new Error('broken off');
      });
      await assert.rejects(broken, /broken off/).finally(source.close);
    }
    const source = await openExport(folder);
    const moved = await takeOver(url, source, { ca: 'kept' }, () => {}).finally(source.close);
    for (const { table, source, target } of moved) same(target, source, table);
    assert.ok(moved.find(({ table }) => table === 'points')!.target.rows >= 1800);

    const store = await openPostgresStore({ url });
    same(await everything(store, connectors), known);
    assert.equal(await store.keep('ca', 'another'), 'kept');
    await store.log(connectors[0]!, [eventOf('publish')]);
    assert.equal(await store.lastSeq(), last + 1);
    await putFile(store, connectors[0]!, 'new', Buffer.from('new'));
    const { ref } = await put(store, connectors[0]!, 'new');
    assert.ok(ref.key > 5000);
    await store.close();
  });
});

test('a database that holds an installation is left alone', async () => {
  await inFolder(async (folder) => {
    const url = await postgres!.newDatabase();
    const there = await openPostgresStore({ url });
    await makeConnector(there);
    await (await openSqliteStore({ folder })).close();
    const source = await openExport(folder);
    await assert
      .rejects(
        takeOver(url, source, {}, () => {}),
        /holds an installation already/,
      )
      .finally(source.close);
    assert.equal((await there.listConnectors()).length, 1);
    await there.close();
  });
});

test('devices go on with their tokens and the CA that they trust', async () => {
  await inFolder(async (data) => {
    const url = await postgres!.newDatabase();
    const old = await startServer({ data });
    const connector = await newConnector(old, { resources: { a: resource() } });
    const token = await connector.provision('d');
    assert.equal(await connector.write('a=1', { token }), 204);
    const busy = await runTool(
      process.execPath,
      ['src/main.ts', 'migrate', '--from', 'sqlite', '--to', url, '--data', data],
      root,
    );
    assert.equal(busy.code, 1, 'not while the server runs');
    await old.stop();
    const { code, stdout, stderr } = await runTool(
      process.execPath,
      ['src/main.ts', 'migrate', '--from', 'sqlite', '--to', url, '--data', data],
      root,
    );
    assert.equal(code, 0, stderr);
    assert.match(stdout.toString(), /^devices +1 rows .* as before$/m);
    const server = await startServer({ env: { SLIPWAY_DATABASE_URL: url } });
    assert.equal(readFileSync(server.caPath, 'utf8'), readFileSync(join(data, 'ca', 'ca.pem'), 'utf8'));
    const moved = through(server, connector);
    assert.equal((await moved.send('/api:v1/stack/alias?a', { token })).body, 'a=1');
    assert.equal(await moved.write('a=2', { token }), 204);
    await server.stop();
  });
});
