/** State, history and the index follow the log in steps: one that was killed halfway through a stretch ends it with the same rows. */
import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { defaultSettings } from '../../domain/connector.ts';
import { newDevice } from '../../domain/device.ts';
import type { DeviceRef, Store } from '../store.ts';
import { databaseFile } from './database.ts';
import { openSqliteStore } from './index.ts';

const NOW = Date.UTC(2026, 8, 21) * 1000;
const DEVICES = 3_000;
const ORIGIN = { ip: '192.0.2.7', protocol: 'onep:v1/http', connectionId: 'connection-1' } as const;

const report = (ref: DeviceRef, timestamp: number, temperature: string) => ({
  ...{ ref, type: 'data_in' as const, origin: ORIGIN, timestamp },
  ...{ points: [{ timestamp, values: { temperature } }], undefinedPoints: [] },
});

async function fill(store: Store): Promise<DeviceRef[]> {
  const refs: DeviceRef[] = [];
  await store.createConnector({ id: 'c', created: NOW, version: 1, settings: defaultSettings('C') });
  for (let n = 0; n < DEVICES; n += 500) {
    const some = Array.from({ length: 500 }, (_, at) => `device-${n + at}`);
    const made = await Promise.all(
      some.map((identity) =>
        store.changeDevice('c', identity, () => ({ answer: null, device: newDevice(identity, NOW) })),
      ),
    );
    refs.push(...made.map(({ found }) => found!.ref));
  }
  return refs;
}

function marks(db: DatabaseSync): { projected: number; projecting: number } {
  const rows = db.prepare("SELECT name, value FROM meta WHERE name IN ('projected', 'projecting')").all();
  const { projected = 0, projecting = 0 } = Object.fromEntries(rows.map(({ name, value }) => [name, value]));
  return { projected: Number(projected), projecting: Number(projecting) };
}

test('a stretch of the log that was half written when the process was killed leaves each row once', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-projection-'));
  const copy = await mkdtemp(join(tmpdir(), 'slipway-projection-'));
  const store = await openSqliteStore({ folder });
  const look = new DatabaseSync(databaseFile(folder), { readOnly: true });
  try {
    const refs = await fill(store);
    // Two values of each device in one stretch, and a value behind it that is committed while the stretch is being written.
    await Promise.all(refs.map((ref) => store.append(report(ref, NOW + 1, '20'))));
    await Promise.all(refs.map((ref) => store.append(report(ref, NOW + 2, '21'))));
    const following = store.readBuckets(refs[0]!, { alias: 'temperature', from: NOW, to: NOW + 9, limit: 10 }, 10);
    const later = store.append(report(refs[0]!, NOW + 3, '22'));
    for (;;) {
      const { projected, projecting } = marks(look);
      if (projecting > projected) break;
      assert(projected < refs.length * 2, 'the stretch was never half written');
      await new Promise(setImmediate);
    }
    for (const end of ['', '-wal']) copyFileSync(databaseFile(folder) + end, databaseFile(copy) + end);
    await Promise.all([following, later]);

    const again = await openSqliteStore({ folder: copy });
    for (const ref of [refs[0]!, refs[1]!, refs.at(-1)!]) {
      const { points } = await again.readHistory(ref, { alias: 'temperature', from: NOW, to: NOW + 2, limit: 10 });
      assert.deepEqual(
        points.map(({ timestamp, value }) => [timestamp, value]),
        [
          [NOW + 1, '20'],
          [NOW + 2, '21'],
        ],
      );
      const { events } = await again.readEvents('c', { identity: ref.identity, types: ['data_in'], limit: 10 });
      assert.equal(events.filter(({ timestamp }) => timestamp <= NOW + 2).length, 2, ref.identity);
    }
    await again.close();
    const db = new DatabaseSync(databaseFile(copy), { readOnly: true });
    const count = (sql: string) => Number(db.prepare(sql).get()!.n);
    const logged = count('SELECT count(*) AS n FROM log, json_each(log.events) e WHERE e.value ->> 1 = 1');
    assert(logged >= 2 * DEVICES, 'the log has all that was acknowledged before');
    assert.equal(count('SELECT count(*) AS n FROM points, json_each(points.data) p WHERE p.key % 2 = 0'), logged);
    assert.equal(count('SELECT sum(json_array_length(seqs)) AS n FROM event_index WHERE type = 1'), logged);
    assert.equal(count('SELECT sum(n) AS n FROM figures'), logged);
    db.close();
  } finally {
    look.close();
    await store.close();
    await Promise.all([folder, copy].map((path) => rm(path, { recursive: true })));
  }
});
