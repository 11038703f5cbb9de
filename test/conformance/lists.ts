/** Store suite: which devices a filter finds, and how many. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { newDevice, ONLINE_WITHIN, statusOf } from '../../src/domain/device.ts';
import type { DeviceFilter, Store } from '../../src/store/store.ts';
import {
  allDevices,
  certificateOf,
  DAY,
  edit,
  makeConnector,
  NOW,
  type Open,
  placeFleet,
  put,
  remove,
  same,
  shareStore,
} from './fixtures.ts';
import { filters, fleets, matches, statuses } from './model.ts';

export function listTests(open: Open): void {
  const shared = shareStore(open);

  it('finds and counts what the filters mean, whatever fleet and filters', async () => {
    const { store } = shared;
    const scenario = fc.asyncProperty(
      fleets,
      fc.noShrink(fc.array(filters, { minLength: 60, maxLength: 60 })),
      async (fleet, all) => {
        const connector = await makeConnector(store);
        await placeFleet(store, connector, fleet);
        for (const filter of all) {
          const wanted = fleet.filter((device) => matches(device, filter, NOW));
          const page = await store.listDevices(connector, filter, { sort: 'identity', limit: 100 }, NOW);
          same(byIdentity(page.devices), byIdentity(wanted), JSON.stringify(filter));
          assert.equal(await store.countDevices(connector, filter, NOW), wanted.length, JSON.stringify(filter));
        }
      },
    );
    await fc.assert(scenario, { numRuns: 12 });
  });

  it('finds a part of an identity of any length, by exact characters', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    const all = ['00:14:22:01:23:45', '00:14:22:01:23:46', 'ABCDEFGH12345678', 'abcdefgh12345678', 'a', 'ßüé😀x'];
    for (const identity of all) await put(store, connector, identity);
    const parts = [
      '0',
      '1',
      'a',
      'A',
      '😀',
      '14',
      'AB',
      'é😀',
      ':14',
      'CDE',
      'cde',
      '12345678',
      'ABCDEFGH',
      'ss',
      'ü',
      '',
    ];
    for (const part of [...parts, 'u\u0308', '4:22:01:23:45', 'BCDEFGH1234567', 'nowhere']) {
      same(
        await identities(store, connector, { identity: part }),
        all.filter((identity) => identity.includes(part)).sort(),
        part,
      );
    }
  });

  it('takes the special characters of SQL, LIKE, GLOB and full-text search as themselves', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    const all = [...`%_[]^"'-?.\\;()+&{}~$#@!|/:<>=,\` `].map((special) => `x${special}y${special}${special}z`);
    all.push('plain xyz', 'NEAR', 'a AND b', 'a OR b', 'NOT a', 'x]y', '[x]', 'x[^y]z', '--', "';--");
    for (const identity of all) await put(store, connector, identity);
    const parts = [...`%_[]^"'-?.\\;()+&{}~$#@!|/:<>=,\` `].flatMap((s) => [s, `x${s}`, `x${s}y`, `${s}y${s}${s}z`]);
    for (const part of [...parts, ' AND ', 'NOT', '[x]', '[^y]', "';--", 'x_y', '"x"']) {
      const wanted = all.filter((identity) => identity.includes(part)).sort();
      same(await identities(store, connector, { identity: part }), wanted, part);
      const anchored = all.filter((identity) => identity.startsWith(part)).sort();
      same(await identities(store, connector, { identity: `${part}*` }), anchored, `${part}*`);
    }
  });

  it('anchors a pattern with an asterisk at both ends', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    const all = ['001', '0010', '1001', '100', 'ab00cd', '00', 'AB-00', 'x*y'];
    for (const identity of all) await put(store, connector, identity);
    const cases: Record<string, string[]> = {
      '00*': ['00', '001', '0010'],
      '*00': ['00', '100', 'AB-00'],
      '*00*': ['00', '001', '0010', '1001', '100', 'ab00cd', 'AB-00'],
      '0*0': ['00', '0010'],
      '1*1': ['1001'],
      'ab*': ['ab00cd'],
      'a*0*d': ['ab00cd'],
      '00**': ['00', '001', '0010'],
      '*': all,
      '**': all,
      'x*y': ['x*y'],
      'nothing*': [],
    };
    for (const [pattern, wanted] of Object.entries(cases)) {
      same(await identities(store, connector, { identity: pattern }), wanted.toSorted(), pattern);
    }
  });

  it('counts certificates that end, of all connectors that are there', async () => {
    const { store } = shared;
    const [one, two, gone] = [await makeConnector(store), await makeConnector(store), await makeConnector(store)];
    const times = [NOW, NOW + DAY, NOW + 30 * DAY, NOW + 1000 * DAY];
    const before = await store.countCertificatesEnding(times);
    const ends = (identity: string, notAfter: number) => ({
      credential: { ...certificateOf(`${identity} ${notAfter}`), notAfter },
    });
    await put(store, one, 'ended', ends('ended', NOW - 1));
    await put(store, one, 'soon', ends('soon', NOW + DAY - 1));
    await put(store, two, 'later', ends('later', NOW + DAY));
    await put(store, two, 'renewed', ends('renewed', NOW + 1));
    await edit(store, two, 'renewed', ends('renewed', NOW + 365 * DAY));
    await put(store, two, 'removed', ends('removed', NOW + 1));
    await remove(store, two, 'removed');
    await put(store, two, 'by password', { credential: { type: 'password', hash: 'hash' } });
    await put(store, gone, 'with its connector', ends('gone', NOW + 1));
    await store.deleteConnector(gone);
    const grown = (await store.countCertificatesEnding(times)).map((n, at) => n - before[at]!);
    assert.deepEqual(grown, [1, 2, 3, 4]);
    const within = { certificateExpiresBefore: NOW + DAY + 1 };
    assert.deepEqual(await identities(store, two, within), ['later']);
    assert.equal(await store.countDevices(two, within, NOW), 1);
    assert.equal(await store.countDevices(one, { ...within, identity: 'soon' }, NOW), 1);
  });

  it('tells the status by time alone, to the very microsecond', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    const at = NOW + DAY;
    await put(store, connector, 'entry', { expiresAt: at });
    const bound = { credential: certificateOf(connector), provisionedAt: NOW };
    await put(store, connector, 'bound', { ...bound, expiresAt: at });
    await put(store, connector, 'again', { reprovision: true, expiresAt: at });
    await put(store, connector, 'locked', { locked: true, expiresAt: at });
    for (const now of [at - 1, at, at + 1]) {
      const devices = await allDevices(store, connector, now);
      for (const status of statuses) {
        const wanted = devices.filter((device) => statusOf(device, now) === status).map((device) => device.identity);
        same(await identities(store, connector, { status }, now), wanted.sort(), `${status} at ${now - at}`);
        assert.equal(await store.countDevices(connector, { status }, now), wanted.length);
      }
      assert.equal(await store.countDevices(connector, { status: 'expired' }, now), now < at ? 0 : 3);
    }
  });

  it('counts a device as online only while it was heard of lately', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    await put(store, connector, 'never');
    await put(store, connector, 'long ago', { lastSeen: NOW - 2 * ONLINE_WITHIN });
    await put(store, connector, 'lately', { lastSeen: NOW - ONLINE_WITHIN / 2 });
    same(await identities(store, connector, { online: true }), ['lately']);
    same(await identities(store, connector, { online: false }), ['long ago', 'never']);
    same(await identities(store, connector, { online: true }, NOW + ONLINE_WITHIN), []);
  });

  it('keeps counts true while devices change and go', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    const names = Array.from({ length: 30 }, (_, n) => `d${n}`);
    await Promise.all(
      names.map((name) => put(store, connector, name, { tags: { site: ['north'] }, expiresAt: NOW + 1 })),
    );
    await Promise.all(names.slice(0, 10).map((name) => remove(store, connector, name)));
    await Promise.all(names.slice(10, 20).map((name) => edit(store, connector, name, { tags: {}, locked: true })));
    const site = [{ name: 'site', value: 'north' }];
    for await (const look of shared.nowAndReopened()) {
      assert.equal(await look.countDevices(connector, {}, NOW), 20);
      assert.equal(await look.countDevices(connector, { tags: site }, NOW), 10);
      assert.equal(await look.countDevices(connector, { status: 'whitelisted' }, NOW), 10);
      assert.equal(await look.countDevices(connector, { status: 'expired' }, NOW + 1), 10);
      assert.equal(await look.countDevices(connector, { status: 'locked' }, NOW + 1), 10);
      assert.equal(await look.countDevices(connector, { status: 'locked', tags: site }, NOW), 0);
    }
  });

  it('shows only devices of the connector asked', async () => {
    const { store } = shared;
    const [one, two] = [await makeConnector(store), await makeConnector(store)];
    for (const connector of [one, two]) {
      const tags = { [connector]: [connector] };
      const heard = { lastSeen: NOW, lastIp: '192.0.2.1' };
      const device = { ...newDevice(`of ${connector}`, NOW), tags, batch: 'lot', ...heard };
      await placeFleet(store, connector, [device]);
    }
    const filters: DeviceFilter[] = [
      {},
      { batch: 'lot' },
      { ipaddress: '192.0.2.1' },
      { identity: 'of' },
      { status: 'whitelisted' },
    ];
    for (const filter of filters) same(await identities(store, one, filter), [`of ${one}`]);
    assert.equal(await store.countDevices(one, { batch: 'lot' }, NOW), 1);
    same(await store.listTagNames(one), [one]);
    same(await store.countTagValues(one, two), []);
  });

  it('lists tag names, and the values of a name with how many devices have each', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    same(await store.listTagNames(connector), []);
    await put(store, connector, 'a', { tags: { site: ['north', 'south'], line: ['1'] } });
    await put(store, connector, 'b', { tags: { site: ['north'], Site: ['x'], "o'%_": ['"'] } });
    await put(store, connector, 'c', { tags: Object.fromEntries([['__proto__', ['p']]]) });
    await put(store, connector, 'd', { tags: { gone: ['1'], site: ['west'] } });
    await edit(store, connector, 'd', { tags: { site: ['south'] } });
    await put(store, connector, 'e', { tags: { left: ['1'], site: ['north'] } });
    await remove(store, connector, 'e');
    for await (const look of shared.nowAndReopened()) {
      same((await look.listTagNames(connector)).toSorted(), ['Site', '__proto__', 'line', "o'%_", 'site']);
      const counts = await look.countTagValues(connector, 'site');
      same(
        counts.toSorted((x, y) => (x.value < y.value ? -1 : 1)),
        [
          { value: 'north', count: 2 },
          { value: 'south', count: 2 },
        ],
      );
      same(await look.countTagValues(connector, 'site', { begins: 'so' }), [{ value: 'south', count: 2 }]);
      same(await look.countTagValues(connector, 'site', { begins: 'north ' }), []);
      same(await look.countTagValues(connector, 'site', { limit: 1 }), [{ value: 'north', count: 2 }]);
      same(await look.countTagValues(connector, '__proto__'), [{ value: 'p', count: 1 }]);
      same(await look.countTagValues(connector, 'gone'), []);
      same(await look.countTagValues(connector, 'Site'), [{ value: 'x', count: 1 }]);
    }
  });
}

function byIdentity<T extends { readonly identity: string }>(devices: readonly T[]): T[] {
  return devices.toSorted((a, b) => (a.identity < b.identity ? -1 : 1));
}

async function identities(store: Store, connector: string, filter: DeviceFilter, now = NOW): Promise<string[]> {
  const { devices } = await store.listDevices(connector, filter, { sort: 'identity', limit: 1000 }, now);
  return devices.map((device) => device.identity).sort();
}
