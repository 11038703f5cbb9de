/** A database of an older version is brought up to date with what is in it. */
import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { migrate } from './schema.ts';

test('2: values that the cloud set last are on their way, those that the device reported since are not', () => {
  const db = new DatabaseSync(':memory:');
  migrate(db, 1);
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

test('a database of a newer version is refused, with both versions in the message', () => {
  const db = new DatabaseSync(':memory:');
  db.exec('PRAGMA user_version = 999');
  assert.throws(() => migrate(db), /schema 999; this version of Slipway knows \d/);
});
