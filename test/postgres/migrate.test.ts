/** `slipway migrate`: what an installation on SQLite knew, one on PostgreSQL knows, also where the move was broken off. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { applyBulk, newJob } from '../../src/domain/bulk.ts';
import type { Content } from '../../src/domain/content.ts';
import type { Credential } from '../../src/domain/device.ts';
import { startRollout } from '../../src/domain/rollout.ts';
import { startAt } from '../../src/domain/webhook.ts';
import { sameDigest } from '../../src/store/moving.ts';
import { openPostgresStore } from '../../src/store/postgres/index.ts';
import { type Progress, takeOver } from '../../src/store/postgres/takeover.ts';
import { openExport } from '../../src/store/sqlite/export.ts';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';
import type { Store } from '../../src/store/store.ts';
import {
  allDevices,
  allEvents,
  auditOf,
  certificateOf,
  DAY,
  dataIn,
  dataOut,
  digestOf,
  edit,
  eventOf,
  importAll,
  makeConnector,
  NOW,
  ORIGIN,
  put,
  remove,
  same,
  someKey,
  someSession,
  someUser,
  tokenOf,
} from '../conformance/fixtures.ts';
import { hookOf } from '../conformance/webhooks.ts';
import { slipway } from '../helpers/command.ts';
import { newConnector, resource, through } from '../helpers/connector.ts';
import { startPostgres, type TestPostgres } from '../helpers/postgres.ts';
import { startServer } from '../helpers/server.ts';

let postgres: TestPostgres | undefined;
before(async () => {
  postgres = await startPostgres();
});
after(() => postgres?.remove());

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-move-'));
  await work(folder).finally(() => rm(folder, { recursive: true }));
}

const quiet: Progress = { table() {}, round() {}, frozen() {} };

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
  for (const connector of connectors) {
    const hook = hookOf(connector, { url: 'https://example.com/\u0000' });
    await store.createWebhook(hook, 10);
    await store.noteDelivery(hook, startAt(7, NOW), {
      ...{ id: 'd', at: NOW, attempt: 1, first: 1, last: 7, count: 7, status: 204, duration: 3, error: null },
    });
    const id = `job-${connector}`;
    const job = newJob({
      id,
      connector,
      who: 'u',
      origin: ORIGIN,
      created: NOW,
      action: { type: 'lock' },
      total: 2500,
    });
    await store.createJob(job, { filter: { batch: 'lot' } }, 10);
    // Half done.
    for (let n = 0; n < 3; n += 1) {
      const actor = { who: 'u', origin: ORIGIN, now: NOW };
      await store.stepJob(connector, id, (device) => applyBulk(device, job.action, actor, id), NOW);
    }
  }
  const factor = { sealed: 'sealed', step: 7, recovery: [digestOf('recovery')] };
  const link = { digest: digestOf('link'), expires: NOW + DAY };
  await store.putUser(someUser('u', { connectors: [...connectors], factor, link, subject: 'https://provider u' }));
  await store.putSession(someSession('u', 'd'), someUser('u'), auditOf('signIn', 'ü "\u0000"'));
  await store.putKey(someKey('k', { connector: connectors[0]!, expires: NOW + DAY }), auditOf('createKey'));
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
      await store.listWebhooks(connector),
      await Promise.all((await store.listWebhooks(connector)).map(({ id }) => store.listDeliveries(connector, id))),
      await store.listJobs(connector, 10),
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
    await store.getSession(digestOf('d')),
    await store.listKeys(),
    await store.readChain(0, 10),
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

    // Broken off in the middle of a file, and of a table, twice, and then run to its end.
    for (const [name, limit] of [
      ['content_pieces', 20],
      ['devices', 3000],
      ['devices', 4500],
    ] as const) {
      const source = await openExport(folder);
      const broken = takeOver(
        url,
        source,
        {},
        {
          ...quiet,
          table(table, rows) {
            if (table === name && rows > limit) throw new Error('broken off');
          },
        },
      );
      await assert.rejects(broken, /broken off/).finally(source.close);
    }
    const source = await openExport(folder);
    const moved = await takeOver(url, source, { ca: 'kept' }, quiet).finally(source.close);
    for (const { table, source, target } of moved) assert.ok(sameDigest(target, source), table);
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

test('what moves between devices while it is copied, and back again, is where it belongs in the end', async () => {
  await inFolder(async (folder) => {
    const url = await postgres!.newDatabase();
    const store = await openSqliteStore({ folder });
    const connector = await makeConnector(store);
    const names = Array.from({ length: 5000 }, (_, n) => `d${n}`);
    await importAll(store, connector, 'lot', names);
    const give = (identity: string, credential: Credential | null) =>
      edit(store, connector, identity, { credential, provisionedAt: NOW });
    const token = tokenOf('the one');
    // Between rounds the token goes from the first page to the last one, and comes back; an identity is made anew.
    const rounds = [
      async () => {
        await give('d1', tokenOf('another'));
        await give('d4999', token);
        await remove(store, connector, 'd2');
        await put(store, connector, 'd2', { tags: { made: ['anew'] } });
      },
      async () => {
        await give('d4999', tokenOf('a third'));
        await give('d1', token);
      },
      () => store.close(),
    ];
    await give('d1', token);
    const source = await openExport(folder);
    let work: Promise<unknown> = Promise.resolve();
    const progress = {
      ...quiet,
      round() {
        work = work.then(() => rounds.shift()?.());
      },
    };
    const moved = await takeOver(url, source, {}, progress).finally(source.close);
    for (const { table, source, target } of moved) assert.ok(sameDigest(target, source), table);
    const there = await openPostgresStore({ url });
    assert.equal((await there.findByToken(digestOf('the one')))?.ref.identity, 'd1');
    assert.equal((await there.findByToken(digestOf('a third')))?.ref.identity, 'd4999');
    assert.deepEqual((await there.getDevice(connector, 'd2'))?.device.tags, { made: ['anew'] });
    assert.equal(await there.countDevices(connector, {}, NOW), 5000);
    await there.close();
  });
});

test('files, webhooks and jobs that change while they are copied are there as they last were', async () => {
  await inFolder(async (folder) => {
    const url = await postgres!.newDatabase();
    const store = await openSqliteStore({ folder });
    const connector = await makeConnector(store);
    await importAll(store, connector, 'lot', ['d0', 'd1', 'd2']);
    const file = (id: string, bytes: number, of: string) => putFile(store, connector, id, Buffer.alloc(bytes, of));
    await file('grows', 10_000, 'a');
    await file('shrinks', 4_000_000, 'b');
    await file('stays', 100_000, 'c');
    await file('goes', 100_000, 'd');
    const hooks = [hookOf(connector), hookOf(connector)];
    for (const hook of hooks) await store.createWebhook(hook, 10);
    const job = newJob({
      ...{ id: 'j', connector, who: 'u', origin: ORIGIN, created: NOW, action: { type: 'lock' }, total: 3 },
    });
    await store.createJob(job, { filter: { batch: 'lot' } }, 10);
    const actor = { who: 'u', origin: ORIGIN, now: NOW };
    const look = async (from: Store) => [
      await from.listContent(connector, { limit: 10 }),
      await Promise.all(['grows', 'shrinks', 'stays', 'anew'].map((id) => bytesOf(from, connector, id))),
      await from.listFetches(connector, 'stays', { limit: 10 }),
      await from.listWebhooks(connector),
      await Promise.all((await from.listWebhooks(connector)).map(({ id }) => from.listDeliveries(connector, id))),
      await from.listJobs(connector, 10),
      await allDevices(from, connector),
    ];
    let known: unknown;
    const rounds = [
      async () => {
        await file('grows', 3_000_000, 'e');
        await file('shrinks', 70_000, 'f');
        await store.changeContent(connector, 'goes', () => ({ answer: null, content: null }));
        await file('anew', 200_000, 'g');
        await store.noteDelivery(hooks[0]!, startAt(7, NOW), {
          ...{ id: 'd', at: NOW, attempt: 1, first: 1, last: 7, count: 7, status: 204, duration: 3, error: null },
        });
        await store.deleteWebhook(connector, hooks[1]!.id);
        await store.stepJob(connector, 'j', (device) => applyBulk(device, job.action, actor, 'j'), NOW);
      },
      async () => {
        // Under the same name, and again with the same bytes.
        await store.changeContent(connector, 'anew', () => ({ answer: null, content: null }));
        await file('anew', 200_000, 'g');
        const { ref } = (await store.getDevice(connector, 'd1'))!;
        await store.noteFetch(ref, 'stays', 'some version', NOW, true);
      },
      async () => {
        known = await look(store);
        await store.close();
      },
    ];
    const source = await openExport(folder);
    let work: Promise<unknown> = Promise.resolve();
    const progress = {
      ...quiet,
      round() {
        work = work.then(() => rounds.shift()?.());
      },
    };
    const moved = await takeOver(url, source, {}, progress).finally(source.close);
    for (const { table, source, target } of moved) assert.ok(sameDigest(target, source), table);
    const there = await openPostgresStore({ url });
    same(await look(there), known);
    await there.close();
  });
});

test('a database that holds an installation is left alone', async () => {
  await inFolder(async (folder) => {
    const url = await postgres!.newDatabase();
    const there = await openPostgresStore({ url });
    await makeConnector(there);
    await (await openSqliteStore({ folder })).close();
    const source = await openExport(folder);
    await assert.rejects(takeOver(url, source, {}, quiet), /holds an installation already/).finally(source.close);
    assert.equal((await there.listConnectors()).length, 1);
    await there.close();
  });
});

const move = (data: string, url: string) => slipway(['migrate', '--from', 'sqlite', '--to', url, '--data', data]);

test('no server starts on a folder that was moved away, until its mark is removed; it can be moved once more', async () => {
  await inFolder(async (data) => {
    await (await openSqliteStore({ folder: data })).close();
    const full = await postgres!.newDatabase();
    const there = await openPostgresStore({ url: full });
    await makeConnector(there);
    await there.close();
    const failed = await move(data, full);
    assert.equal(failed.code, 1);
    assert.match(failed.stderr, /^The move into postgres:.* holds an installation already.*\.\n$/);
    assert.ok(!existsSync(join(data, 'moved.txt')), 'a move that failed is none');

    for (const url of [await postgres!.newDatabase(), await postgres!.newDatabase()]) {
      const { code, stdout, stderr } = await move(data, url);
      assert.equal(code, 0, stderr);
      assert.match(stdout, /moved\.txt/);
      const { host, pathname, password } = new URL(url);
      const text = readFileSync(join(data, 'moved.txt'), 'utf8');
      assert.ok(text.startsWith(`to postgres://${host}${pathname} at 20`), text);
      assert.ok(password === '' || !text.includes(password));
      const refused = await slipway(['serve', '--data', data, '--https-port', '0', '--console-port', '0']);
      assert.equal(refused.code, 1);
      const said = refused.stderr;
      assert.ok(said.includes(`${host}${pathname}`) && said.includes(`remove ${join(data, 'moved.txt')}`), said);
      const { stdout: findings } = await slipway(['doctor', '--json', '--data', data]);
      assert.match(findings, /no server starts on it/);
    }
    await rm(join(data, 'moved.txt'));
    await (await startServer({ data })).stop();
  });
});

test('commands on a database that is not there say so in a sentence', async () => {
  await inFolder(async (data) => {
    await (await openSqliteStore({ folder: data })).close();
    const url = (await postgres!.newDatabase()).replace(/\/[^/?]+(?=\?|$)/, '/not_there');
    const verified = await slipway(['audit', 'verify'], { env: { SLIPWAY_DATABASE_URL: url } });
    for (const { code, stderr } of [verified, await move(data, url)]) {
      assert.equal(code, 1);
      assert.match(stderr, /^The .*"not_there" does not exist\.\n$/);
    }
  });
});

test('devices go on with their tokens and the CA that they trust', async () => {
  await inFolder(async (data) => {
    const url = await postgres!.newDatabase();
    const old = await startServer({ data });
    const connector = await newConnector(old, { resources: { a: resource() } });
    const token = await connector.provision('d');
    assert.equal(await connector.write('a=1', { token }), 204);
    await old.stop();
    const { code, stdout, stderr } = await move(data, url);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^devices +1 rows .* as before$/m);
    const server = await startServer({ env: { SLIPWAY_DATABASE_URL: url } });
    assert.equal(readFileSync(server.caPath, 'utf8'), readFileSync(join(data, 'ca', 'ca.pem'), 'utf8'));
    // What secrets of webhooks are encrypted with.
    const [seal] = await postgres!.query("SELECT content FROM kept WHERE name = 'seal'", url);
    assert.equal(seal?.content, readFileSync(join(data, 'seal.key'), 'utf8'));
    const moved = through(server, connector);
    assert.equal((await moved.send('/api:v1/stack/alias?a', { token })).body, 'a=1');
    assert.equal(await moved.write('a=2', { token }), 204);
    await server.stop();
  });
});
