/** House-keeping over a real store, by its own clock: what it does once it is started. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { defaultSettings } from '../domain/connector.ts';
import { newDevice } from '../domain/device.ts';
import { createLogger } from '../log.ts';
import { openSqliteStore } from '../store/sqlite/index.ts';
import { startHouseKeeping } from './house-keeping.ts';

const MINUTE = 60_000_000;

test('it expires what is due and samples who is online, in this minute and at the beginning of the next', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-house-'));
  const store = await openSqliteStore({ folder });
  const settings = defaultSettings('c');
  await store.createConnector({ id: 'c', created: 1, version: 1, settings });
  // A clock that stands two seconds before a minute ends.
  const start = 29_000_000 * MINUTE - 2_000_000;
  const began = performance.now();
  const clock = () => start + Math.round((performance.now() - began) * 1000);
  const device = { ...newDevice('d', start), expiresAt: start };
  const { found } = await store.changeDevice('c', 'd', () => ({ answer: null, device }));
  store.touch(found!.ref, start, '192.0.2.1');
  const stop = startHouseKeeping(store, clock, createLogger('error', process.stderr));
  const asked = { from: start, to: start + MINUTE, bucket: MINUTE };
  const samples = async () => (await store.readFigures('c', asked)).online;
  while ((await samples()).includes(null)) await delay(50);
  await stop();
  assert.deepEqual(await samples(), [1, 1]);
  const { events } = await store.readEvents('c', { limit: 10 });
  assert.deepEqual(
    events.map(({ type }) => type),
    ['expired'],
  );
  await store.close();
  await rm(folder, { recursive: true });
});
