/** Signals on the wire between nodes: one notification for each commit, and none that anything hangs on. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client } from 'pg';
import { startPostgres, type TestPostgres } from '../../../test/helpers/postgres.ts';
import { defaultSettings } from '../../domain/connector.ts';
import { newDevice } from '../../domain/device.ts';
import { openPostgresStore } from './index.ts';

const NOW = Date.UTC(2026, 8, 21) * 1000;
let postgres: TestPostgres | undefined;
before(async () => {
  postgres = await startPostgres();
});
after(() => postgres?.remove());

test('a commit sends one notification, however many writes, devices and signals are in it', async () => {
  const url = await postgres!.newDatabase();
  const store = await openPostgresStore({ url });
  const listener = new Client({ connectionString: url });
  await listener.connect();
  const heard: number[] = [];
  listener.on('notification', ({ payload }) => heard.push(Number(payload!.split(' ')[0])));
  await listener.query('LISTEN slipway');
  const before = Number((await postgres!.query('SELECT coalesce(max(number), 0) AS n FROM commits', url))[0]!.n);
  await store.createConnector({ id: 'c', created: NOW, version: 1, settings: defaultSettings('c') });
  const origin = { ip: '192.0.2.1', protocol: 'murano:v1/mqtt', connectionId: 'x' } as const;
  const work = Array.from({ length: 300 }, async (_, n) => {
    const identity = `d${n}`;
    const { found } = await store.changeDevice('c', identity, () => ({ answer: 0, device: newDevice(identity, NOW) }));
    const { ref } = found!;
    await store.log('c', [{ type: 'connect', identity, origin, timestamp: NOW, payload: {} }], ref);
    const points = [{ timestamp: NOW, values: { a: `${n}` } }];
    await store.append({ ref, type: 'data_in', origin, timestamp: NOW, points, undefinedPoints: [] });
  });
  await Promise.all(work);
  const after = Number((await postgres!.query('SELECT max(number) AS n FROM commits', url))[0]!.n);
  await listener.query('SELECT 1');
  assert.deepEqual(
    heard,
    Array.from({ length: after - before }, (_, n) => before + 1 + n),
    'each commit once, in order',
  );
  assert.ok(heard.length < 900, `${heard.length} commits for 901 writes`);
  await listener.end();
  await store.close();
});
