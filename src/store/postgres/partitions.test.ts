/** Log and history stand in partitions by time; what nobody keeps any more is dropped with its partition. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startPostgres, type TestPostgres } from '../../../test/helpers/postgres.ts';
import { defaultSettings } from '../../domain/connector.ts';
import { newDevice } from '../../domain/device.ts';
import type { Store } from '../store.ts';
import { openPostgresStore } from './index.ts';

const DAY = 86_400_000_000;
const NOW = Math.floor((Date.now() * 1000) / DAY) * DAY + DAY / 2;
let postgres: TestPostgres | undefined;
let url = '';
let store: Store;

before(async () => {
  postgres = await startPostgres();
  url = await postgres.newDatabase();
  store = await openPostgresStore({ url });
});
after(async () => {
  await store.close();
  await postgres?.remove();
});

const rowsIn = async (table: string) =>
  Number((await postgres!.query(`SELECT count(*) AS n FROM ${table}`, url))[0]!.n);
const tables = async () =>
  (
    await postgres!.query(
      `SELECT relname FROM pg_class WHERE relname ~ '^(events|points)_[0-9]+$' AND relkind = 'r'`,
      url,
    )
  ).map(({ relname }) => String(relname));
const drain = async (now: number) => {
  while ((await store.purge(now, 50)) > 0);
};

test('events and points of now stand in partitions of their own, those of any other time in the default one', async () => {
  const retention = { events_days: 10, expired_days: 0, history_days: 10 };
  await store.createConnector({ id: 'c', created: NOW, version: 1, settings: { ...defaultSettings('c'), retention } });
  const { found } = await store.changeDevice('c', 'd', () => ({ answer: null, device: newDevice('d', NOW) }));
  const points = [-4000, -1, 0, 2, 4000].map((days) => ({ timestamp: NOW + days * DAY, values: { a: `${days}` } }));
  const origin = { ip: '192.0.2.1', protocol: null, connectionId: null };
  await store.append({ ref: found!.ref, type: 'data_in', origin, timestamp: NOW, points, undefinedPoints: [] });
  const today = Math.floor(NOW / DAY);
  assert.equal(await rowsIn(`events_${today}`), 1);
  assert.equal(await rowsIn('events_default'), 0);
  const week = Math.floor(NOW / (7 * DAY));
  assert.ok((await rowsIn(`points_${week}`)) >= 1);
  assert.ok((await rowsIn('points_default')) >= 2);
});

test('what stands in the default partition moves when one of its time is made, and stays readable', async () => {
  const { ref } = (await store.getDevice('c', 'd'))!;
  const later = NOW + 4000 * DAY;
  const query = { alias: 'a', from: 0, to: NOW + 5000 * DAY, limit: 10 };
  const before = await store.readHistory(ref, query);
  assert.equal(before.points.length, 5);
  await store.changeConnector('c', (settings) => ({
    ...settings,
    retention: { events_days: 0, expired_days: 0, history_days: 0 },
  }));
  await drain(later);
  assert.equal(await rowsIn(`points_${Math.floor(later / (7 * DAY))}`), 1);
  assert.deepEqual(await store.readHistory(ref, query), before);
});

test('a partition that no connector keeps anything of is dropped, not emptied row by row', async () => {
  const today = Math.floor(NOW / DAY);
  const keep = (days: number) =>
    store.changeConnector('c', (settings) => ({
      ...settings,
      retention: { events_days: days, expired_days: 0, history_days: days },
    }));
  const there = await tables();
  assert.ok(there.includes(`events_${today}`) && there.includes(`events_${today + 1}`));
  await keep(10);
  // Deleted rows would be counted as such: a trigger that is not there to be dropped sees them.
  await postgres!.query(
    `CREATE FUNCTION no_delete() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'row by row'; END $$;
     CREATE TRIGGER no_delete BEFORE DELETE ON events_${today} FOR EACH ROW EXECUTE FUNCTION no_delete()`,
    url,
  );
  await drain(NOW + 9 * DAY);
  assert.ok((await tables()).includes(`events_${today}`), 'still kept');
  await drain(NOW + 12 * DAY);
  const left = await tables();
  assert.ok(!left.includes(`events_${today}`), 'dropped');
  assert.ok(left.includes(`events_${today + 12}`), 'the one of now is there');
  assert.deepEqual((await store.readEvents('c', { limit: 10 })).events, []);
});
