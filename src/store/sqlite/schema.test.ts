/** Databases of earlier versions open, with all that is in them; those of later ones do not. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { defaultSettings } from '../../domain/connector.ts';
import { databaseFile } from './database.ts';
import { openSqliteStore } from './index.ts';
import { migrate, migrations } from './schema.ts';

const MINUTE = 60_000_000;
const NOW = 29_000_000 * MINUTE;

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-schema-'));
  await work(folder).finally(() => rm(folder, { recursive: true }));
}

test('a database from before figures over time opens, lists its devices in order, and counts from then on', async () => {
  await inFolder(async (folder) => {
    const db = new DatabaseSync(databaseFile(folder));
    migrate(db, migrations.slice(0, 1));
    db.prepare('INSERT INTO connectors VALUES (1, ?, ?, 1, ?)').run('c', NOW, JSON.stringify(defaultSettings('c')));
    const device =
      db.prepare(`INSERT INTO devices (connector, identity, created, expiry_logged, locked, reprovision, tags,
      last_seen, last_ip, activity, phase) VALUES (1, ?1, ?2, 0, 0, 0, '{}', ?3, '192.0.2.1', coalesce(?3, ?2), 0)`);
    device.run('unheard', NOW, null);
    device.run('heard', NOW - MINUTE, NOW);
    device.run('long-ago', NOW - MINUTE, NOW - 10 * MINUTE);
    db.close();

    const store = await openSqliteStore({ folder });
    const page = await store.listDevices('c', {}, { sort: '-activity', limit: 10 }, NOW);
    assert.deepEqual(
      page.devices.map(({ identity }) => identity),
      ['heard', 'unheard', 'long-ago'],
    );
    await store.sampleOnline(NOW);
    const { online, writes } = await store.readFigures('c', { from: NOW, to: NOW, bucket: MINUTE });
    assert.deepEqual([online, writes], [[1], [0]]);
    await store.close();
  });
});

test('values that the cloud set last are on their way, those that the device reported since are not', () => {
  const db = new DatabaseSync(':memory:');
  migrate(db, migrations.slice(0, 2));
  db.exec(`INSERT INTO state VALUES (1, 1, 'set', 20, 'reported', 10), (1, 2, 'set', 20, NULL, NULL),
    (1, 3, 'same', 30, 'same', 30), (1, 4, NULL, NULL, 'older', 10)`);
  db.exec(`INSERT INTO devices (connector, identity, created, expiry_logged, locked, reprovision, tags, activity, phase)
    VALUES (1, 'd', 1, 0, 0, 0, '{}', 1, 0)`);
  migrate(db);
  assert.deepEqual(
    db
      .prepare('SELECT device, alias, at, value FROM wanted ORDER BY alias')
      .all()
      .map((row) => ({ ...row })),
    [
      { device: 1, alias: 1, at: 20, value: 'set' },
      { device: 1, alias: 2, at: 20, value: 'set' },
    ],
  );
  assert.deepEqual({ ...db.prepare('SELECT connected, left_at FROM devices').get() }, { connected: 0, left_at: null });
});

test('an account and a session from before roles per connector sign in as they did, and see all connectors', async () => {
  await inFolder(async (folder) => {
    const db = new DatabaseSync(databaseFile(folder));
    migrate(db, migrations.slice(0, 3));
    db.exec(`INSERT INTO users VALUES ('u', 'u@example.com', 'admin', 'hash', ${NOW});
      INSERT INTO sessions VALUES ('digest', 'u', ${NOW}, ${NOW + MINUTE})`);
    db.close();
    const store = await openSqliteStore({ folder });
    const { connectors, link, factor, subject } = (await store.getUser('u@example.com'))!;
    assert.deepEqual([connectors, link, factor, subject], [null, null, null, null]);
    const session = await store.getSession('digest');
    assert.deepEqual([session?.user, session?.ip, session?.proven, session?.used], ['u', null, 0, 0]);
    assert.deepEqual(await store.readChain(0, 1), []);
    await store.close();
  });
});

test('of certificates that are there already it is known when they end', () => {
  const db = new DatabaseSync(':memory:');
  migrate(db, migrations.slice(0, 4));
  const device =
    db.prepare(`INSERT INTO devices (connector, identity, created, expiry_logged, locked, reprovision, tags,
    activity, phase) VALUES (1, ?, 1, 0, 0, 0, '{}', 1, 1) RETURNING key`);
  const credential = db.prepare('INSERT INTO credentials VALUES (?, ?, 1, ?, ?, NULL, ?)');
  const give = (identity: string, slot: number, type: string, data: object) => {
    const { key } = device.get(`${identity} ${slot}`) as { key: number };
    credential.run(key, slot, type, identity, JSON.stringify({ type, ...data }));
  };
  give('certificate', 0, 'certificate', { notAfter: 1_900_000_000_000_000 });
  give('before', 1, 'certificate', { notAfter: 1 });
  give('token', 0, 'token', { digest: 'x' });
  migrate(db);
  assert.deepEqual(
    db
      .prepare('SELECT certificate_ends AS ends FROM devices ORDER BY key')
      .all()
      .map(({ ends }) => ends),
    [1_900_000_000_000_000, null, null],
  );
});

test('connectors from before content take no files from devices, and show those of others where they show those of devices', () => {
  const db = new DatabaseSync(':memory:');
  migrate(db, migrations.slice(0, 6));
  const { content: _, events, ...rest } = defaultSettings('c');
  const old = events.types.filter((type) => type !== 'content_out' && type !== 'rollout');
  const insert = db.prepare('INSERT INTO connectors VALUES (?, ?, 1, 1, ?)');
  insert.run(1, 'a', JSON.stringify({ ...rest, events: { types: old } }));
  insert.run(2, 'b', JSON.stringify({ ...rest, events: { types: ['data_in'] } }));
  migrate(db);
  const [a, b] = db
    .prepare('SELECT settings FROM connectors ORDER BY key')
    .all()
    .map(({ settings }) => JSON.parse(String(settings)));
  assert.deepEqual(a.content, {
    ...{ device_upload: false, device_upload_bytes: 1_048_576 },
    device_upload_total_bytes: 1_073_741_824,
  });
  assert.deepEqual(a.events.types.toSorted(), events.types.toSorted());
  assert.deepEqual(b.events.types, ['data_in']);
  assert.deepEqual(Object.keys(a).toSorted(), Object.keys(defaultSettings('c')).toSorted());
});

test('a database of a later version is refused, and says so', async () => {
  await inFolder(async (folder) => {
    const db = new DatabaseSync(databaseFile(folder));
    migrate(db, [...migrations, 'CREATE TABLE later (n INTEGER)']);
    db.close();
    await assert.rejects(openSqliteStore({ folder }), /schema \d+; this version of Slipway knows \d+/);
  });
});
