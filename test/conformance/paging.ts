/** Store suite: the order of device lists, and cursors through them. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import type { Device } from '../../src/domain/device.ts';
import type { DeviceFilter, DeviceSort, Store } from '../../src/store/store.ts';
import {
  edit,
  makeConnector,
  NOW,
  type Open,
  placeFleet,
  put,
  rejectsWith,
  remove,
  same,
  shareStore,
} from './fixtures.ts';
import { compareBy, filters, fleets, matches, sorts } from './model.ts';

export function pagingTests(open: Open): void {
  const shared = shareStore(open);

  it('gives each device once and in order, whatever sort, limit, filter and ties', async () => {
    const { store } = shared;
    const scenario = fc.asyncProperty(fleets, filters, fc.integer({ min: 1, max: 7 }), async (fleet, filter, limit) => {
      const connector = await makeConnector(store);
      await placeFleet(store, connector, fleet);
      for (const conditions of [{}, filter]) {
        const wanted = fleet.filter((device) => matches(device, conditions, NOW));
        for (const sort of sorts) await assertPages(store, connector, conditions, sort, limit, wanted);
      }
    });
    await fc.assert(scenario, { numRuns: 10 });
  });

  it('pages through far more equal keys than a page holds', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    const fleet = await Promise.all(
      Array.from({ length: 50 }, async (_, n) => (await put(store, connector, `d${n}`, { lastSeen: NOW })).device),
    );
    for (const sort of sorts) await assertPages(store, connector, {}, sort, 3, fleet);
  });

  it('answers no cursor on the last page', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    const none = await store.listDevices(connector, {}, { sort: '-activity', limit: 2 }, NOW);
    same(none, { devices: [], cursor: null });
    for (const identity of ['a', 'b', 'c']) await put(store, connector, identity);
    const first = await store.listDevices(connector, {}, { sort: '-activity', limit: 2 }, NOW);
    assert.equal(first.devices.length, 2);
    assert(first.cursor);
    const last = await store.listDevices(connector, {}, { sort: '-activity', limit: 2, cursor: first.cursor }, NOW);
    assert.equal(last.devices.length, 1);
    assert.equal(last.cursor, null);
    assert.equal((await store.listDevices(connector, {}, { sort: '-activity', limit: 4 }, NOW)).cursor, null);
  });

  it('neither repeats nor skips a device that stays while others come, change and go', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    const stays = Array.from({ length: 20 }, (_, n) => `m${String(n).padStart(2, '0')}`);
    await Promise.all(stays.map((identity) => put(store, connector, identity)));
    for (const identity of ['a-goes', 'z-goes']) await put(store, connector, identity);
    const seen: string[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < 50; page += 1) {
      const answer = await store.listDevices(connector, {}, { sort: 'identity', limit: 3, cursor }, NOW);
      seen.push(...answer.devices.map((device) => device.identity));
      if (answer.cursor === null) break;
      cursor = answer.cursor;
      await put(store, connector, `a-new-${page}`);
      await put(store, connector, `m05-new-${page}`);
      if (page === 1) for (const identity of ['a-goes', 'z-goes']) await remove(store, connector, identity);
      // The device at which the last page ended moves in time, not in the alphabet.
      const last = seen.findLast((identity) => stays.includes(identity)) ?? '';
      await edit(store, connector, last, { locked: true });
      store.touch((await put(store, connector, `a-touched-${page}`)).ref, NOW + page, '192.0.2.1');
    }
    assert.equal(new Set(seen).size, seen.length);
    assert.deepEqual(
      seen.filter((identity) => stays.includes(identity)),
      stays,
    );
    assert(!seen.includes('z-goes'));
  });

  it('goes on from a cursor whose device has been deleted, also after reopening', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    for (const identity of ['a', 'b', 'c', 'd']) await put(store, connector, identity);
    const first = await store.listDevices(connector, {}, { sort: 'identity', limit: 2 }, NOW);
    assert(first.cursor);
    await remove(store, connector, 'b');
    const again = await shared.reopen();
    const next = await again.listDevices(connector, {}, { sort: 'identity', limit: 2, cursor: first.cursor }, NOW);
    assert.deepEqual(
      next.devices.map((device) => device.identity),
      ['c', 'd'],
    );
  });

  it('refuses a cursor of another sort', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    for (const identity of ['a', 'b', 'c']) await put(store, connector, identity);
    for (const sort of sorts) {
      const { cursor } = await store.listDevices(connector, {}, { sort, limit: 1 }, NOW);
      assert(cursor);
      for (const other of sorts.filter((candidate) => candidate !== sort)) {
        const page = { sort: other, limit: 1, cursor };
        await rejectsWith(store.listDevices(connector, {}, page, NOW), 'CURSOR_INVALID');
      }
    }
  });

  it('refuses what is no cursor', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    for (const identity of ['a', 'b', 'c']) await put(store, connector, identity);
    const { cursor } = await store.listDevices(connector, {}, { sort: '-activity', limit: 1 }, NOW);
    assert(cursor);
    const encoded = ['null', '[]', '{}', '0', '"x"', '[null,null]', '["-activity"]', '["-activity",null,{}]'].map(
      (text) => Buffer.from(text).toString('base64url'),
    );
    const broken = [cursor.slice(0, -3), cursor.slice(1), `${cursor}${cursor}`];
    for (const garbage of ['garbage', ' ', '%', "' OR 1=1 --", '\u0000', 'ü', ...encoded, ...broken]) {
      const page = { sort: '-activity' as const, limit: 1, cursor: garbage };
      await rejectsWith(store.listDevices(connector, {}, page, NOW), 'CURSOR_INVALID', `the cursor ${garbage}`);
    }
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', minLength: 1 }), fc.constantFrom(...sorts), async (text, sort) => {
        await rejectsWith(store.listDevices(connector, {}, { sort, limit: 1, cursor: text }, NOW), 'CURSOR_INVALID');
      }),
      { numRuns: 100 },
    );
  });
}

async function assertPages(
  store: Store,
  connector: string,
  filter: DeviceFilter,
  sort: DeviceSort,
  limit: number,
  wanted: readonly Device[],
): Promise<void> {
  const devices: Device[] = [];
  let cursor: string | undefined;
  for (let page = 0; page <= wanted.length + 1; page += 1) {
    const answer = await store.listDevices(connector, filter, { sort, limit, cursor }, NOW);
    assert(answer.devices.length <= limit);
    devices.push(...answer.devices);
    cursor = answer.cursor ?? undefined;
    if (cursor === undefined) break;
  }
  assert.equal(cursor, undefined, 'the pages come to an end');
  const compare = compareBy(sort);
  for (let at = 1; at < devices.length; at += 1) {
    assert(compare(devices[at - 1]!, devices[at]!) <= 0, `${sort}: ${at} stands after its predecessor`);
  }
  const byIdentity = compareBy('identity');
  same(devices.toSorted(byIdentity), wanted.toSorted(byIdentity), `${sort} by ${limit}, ${JSON.stringify(filter)}`);
}
