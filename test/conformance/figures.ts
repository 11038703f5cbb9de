/** Store suite: figures over time say what the log says, count nothing twice, and are kept as long as the log is. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { ONLINE_WITHIN } from '../../src/domain/device.ts';
import type { FigureSeries, Store } from '../../src/store/store.ts';
import {
  allEvents,
  alone,
  backDated,
  DAY,
  dataIn,
  dataOut,
  drain,
  eventOf,
  HOUR,
  importAll,
  makeConnector,
  makeRef,
  NOW,
  type Open,
  put,
  rejectsWith,
  remove,
  SECOND,
  same,
  shareStore,
} from './fixtures.ts';

const MINUTE = 60 * SECOND;
const refusal = (rule: string, timestamp = NOW) => eventOf('refused', { timestamp, payload: { rule } });
const sum = (column: readonly number[]) => column.reduce((all, n) => all + n, 0);

/** The hour that begins with NOW, by minutes unless asked otherwise. */
const readHour = (store: Store, connector: string, bucket = MINUTE) =>
  store.readFigures(connector, { from: NOW, to: NOW + HOUR - 1, bucket });

export function figureTests(open: Open): void {
  const shared = shareStore(open);

  it('fills every bucket from the first to the last, also where nothing happened', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    same(await store.readFigures(connector, { from: NOW + 1, to: NOW + 2 * MINUTE, bucket: MINUTE }), {
      times: [NOW, NOW + MINUTE, NOW + 2 * MINUTE],
      writes: [0, 0, 0],
      provisioned: [0, 0, 0],
      online: [null, null, null],
      refused: {},
    });
  });

  it('counts what devices wrote, were refused and provisioned, by the minute in which it came in', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    const ref = await makeRef(store, connector);
    await store.append(dataIn(ref, { a: '1', b: '2' }, NOW));
    await store.append(dataIn(ref, { a: '2' }, NOW + MINUTE - 1));
    await store.append(dataIn(ref, { a: '3' }, NOW + 2 * MINUTE));
    await store.append(dataOut(ref, { a: '4' }, NOW + 2 * MINUTE));
    await store.record(backDated(ref, { a: '0' }, NOW - DAY));
    await put(store, connector, 'other', {}, [eventOf('provisioned', { timestamp: NOW + MINUTE })]);
    await store.log(connector, [refusal('WINDOW_CLOSED'), refusal('IDENTITY_UNKNOWN'), refusal('WINDOW_CLOSED')]);
    await store.log(connector, [refusal('IDENTITY_UNKNOWN', NOW + MINUTE)]);
    const { writes, provisioned, refused } = await store.readFigures(connector, {
      from: NOW,
      to: NOW + 2 * MINUTE,
      bucket: MINUTE,
    });
    assert.deepEqual(writes, [3, 0, 1]);
    assert.deepEqual(provisioned, [0, 1, 0]);
    same(refused, { IDENTITY_UNKNOWN: [1, 1, 0], WINDOW_CLOSED: [2, 0, 0] });
  });

  it('begins buckets at multiples of their width since the epoch, whatever is asked for', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    const ref = await makeRef(store, connector);
    for (const minute of [-1, 0, 6, 7, 59]) await store.append(dataIn(ref, { a: '1' }, NOW + minute * MINUTE));
    const bucket = 7 * MINUTE;
    const { times, writes } = await store.readFigures(connector, { from: NOW, to: NOW + HOUR - 1, bucket });
    for (const time of times) assert.equal(time % bucket, 0);
    assert(times[0]! <= NOW && times[0]! > NOW - bucket);
    assert(times.at(-1)! + bucket >= NOW + HOUR && times.at(-1)! < NOW + HOUR);
    // The bucket in which `from` lies is counted in full.
    assert.equal(sum(writes), times[0]! <= NOW - MINUTE ? 5 : 4);
  });

  it('says what the log says, in whatever order events come and however wide the buckets are', async () => {
    const { store } = shared;
    const type = fc.constantFrom('data_in', 'provisioned', 'refused', 'publish', 'whitelisted' as const);
    const rule = fc.constantFrom('WINDOW_CLOSED', 'DEVICE_LOCKED', '__proto__', 'online', 'a b');
    const some = fc.record({ type, rule, minute: fc.integer({ min: 0, max: 3 * 1440 - 1 }) });
    const width = fc.constantFrom(1, 2, 7, 60, 1440, 10_000);
    await fc.assert(
      fc.asyncProperty(fc.array(some, { maxLength: 60 }), width, async (given, minutes) => {
        const connector = await makeConnector(store);
        const neighbour = await makeConnector(store);
        const events = given.map(({ type, rule, minute }) =>
          eventOf(type, { timestamp: NOW + minute * MINUTE, payload: type === 'refused' ? { rule } : [] }),
        );
        await store.log(connector, events);
        await store.log(neighbour, [refusal('NEIGHBOUR')]);
        const bucket = minutes * MINUTE;
        const series = await store.readFigures(connector, { from: NOW, to: NOW + 3 * DAY - 1, bucket });
        same(countsIn(series), tally(await allEvents(store, connector), bucket));
      }),
      { numRuns: 25 },
    );
  });

  it('counts no event twice and none not at all, however often it is closed and opened', async () => {
    await alone(open, async ({ store, reopen }) => {
      const connector = await makeConnector(store);
      const ref = await makeRef(store, connector);
      let current = store;
      for (let round = 1; round <= 3; round += 1) {
        for (let n = 0; n < 20; n += 1) await current.append(dataIn(ref, { a: `${n}` }, NOW + n));
        await current.log(connector, [refusal('DEVICE_LOCKED')]);
        current = await reopen();
        const { writes, refused } = await readHour(current, connector);
        assert.deepEqual([sum(writes), sum(refused.DEVICE_LOCKED!)], [20 * round, round]);
      }
    });
  });

  it('counts no event twice and none not at all when it is killed, before or after it counted', async () => {
    await alone(open, async ({ store, kill }) => {
      const connector = await makeConnector(store);
      const ref = await makeRef(store, connector);
      const count = async (from: Store) => sum((await readHour(from, connector)).writes);
      for (let n = 0; n < 20; n += 1) await store.append(dataIn(ref, { a: `${n}` }, NOW + n));
      const before = await kill();
      assert.equal(await count(store), 20);
      const between = await kill();
      for (let n = 0; n < 5; n += 1) await store.append(dataIn(ref, { a: `${n}` }, NOW + SECOND + n));
      const after = await kill();
      assert.deepEqual(await Promise.all([before, between, after].map(count)), [20, 20, 25]);
      await before.append(dataIn(ref, { a: 'more' }));
      assert.equal(await count(before), 21);
    });
  });

  it('shows the highest sample of a bucket, and none where none was taken', async () => {
    await alone(open, async ({ store, reopen }) => {
      const [connector, empty] = [await makeConnector(store), await makeConnector(store)];
      const refs = await Promise.all(['a', 'b', 'c'].map((name) => makeRef(store, connector, name)));
      await store.sampleOnline(NOW);
      for (const ref of refs) store.touch(ref, NOW, '192.0.2.1');
      await store.sampleOnline(NOW + 30 * SECOND);
      store.touch(refs[0]!, NOW + 4 * MINUTE, '192.0.2.1');
      await store.sampleOnline(NOW + ONLINE_WITHIN + MINUTE);
      const again = await reopen();
      const online = [3, null, null, null, null, null, 1];
      const asked = { from: NOW, to: NOW + 6 * MINUTE, bucket: MINUTE };
      assert.deepEqual((await again.readFigures(connector, asked)).online, online);
      assert.deepEqual(
        (await again.readFigures(empty, asked)).online,
        online.map((n) => n && 0),
      );
      assert.deepEqual((await readHour(again, connector, HOUR)).online, [3]);
      assert.deepEqual((await readHour(again, connector, HOUR)).writes, [0]);
    });
  });

  it('samples the devices that were heard of, not those that were made just now', async () => {
    await alone(open, async ({ store }) => {
      const connector = await makeConnector(store);
      await importAll(store, connector, 'lot', ['a', 'b', 'c']);
      const { ref } = await put(store, connector, 'heard', { created: NOW - DAY });
      store.touch(ref, NOW, '192.0.2.1');
      await store.sampleOnline(NOW);
      assert.equal((await readHour(store, connector)).online[0], 1);
      assert.equal(await store.countDevices(connector, { online: true }, NOW), 1);
    });
  });

  it('keeps them as long as the events of the connector, and removes them in steps', async () => {
    await alone(open, async ({ store, reopen }) => {
      const keep = (events_days: number) => ({ retention: { events_days, expired_days: 0, history_days: 0 } });
      const [month, forever] = [await makeConnector(store, keep(30)), await makeConnector(store, keep(0))];
      const days = [99, 31, 29, 0];
      for (const connector of [month, forever]) {
        const times = days.map((day) => NOW - day * DAY);
        await store.log(
          connector,
          times.flatMap((time) => [refusal('DEVICE_LOCKED', time), eventOf('provisioned', { timestamp: time })]),
        );
      }
      for (const day of days) await store.sampleOnline(NOW - day * DAY);
      const handled = await drain((limit) => store.purge(NOW, limit), 3);
      assert.equal(handled, 4 + 2 * 3, 'two events and three figures of each of two days');
      const again = await reopen();
      const read = async (connector: string) => {
        const asked = { from: NOW - 99 * DAY, to: NOW, bucket: DAY };
        const { provisioned, refused, online } = await again.readFigures(connector, asked);
        return [sum(provisioned), sum(refused.DEVICE_LOCKED!), online.filter((n) => n !== null).length];
      };
      assert.deepEqual(await read(month), [2, 2, 2]);
      assert.deepEqual(await read(forever), [4, 4, 4]);
    });
  });

  it('keeps those of devices that were deleted', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    const ref = await makeRef(store, connector);
    await store.append(dataIn(ref, { a: '1' }));
    await remove(store, connector, 'device');
    assert.equal(sum((await readHour(store, connector)).writes), 1);
  });

  it('removes those of a deleted connector with it', async () => {
    await alone(open, async ({ store, reopen }) => {
      const [gone, kept] = [await makeConnector(store), await makeConnector(store)];
      for (const connector of [gone, kept]) {
        await store.append(dataIn(await makeRef(store, connector), { a: '1' }));
        for (let minute = 0; minute < 20; minute += 1) await store.sampleOnline(NOW + minute * MINUTE);
      }
      await store.deleteConnector(gone);
      await rejectsWith(readHour(store, gone), 'CONNECTOR_UNKNOWN');
      await store.sampleOnline(NOW + HOUR);
      const handled = await drain((limit) => store.purge(NOW, limit), 7);
      assert(handled >= 1 + 1 + 21, `a device, an event and 21 figures, ${handled} in all`);
      const again = await reopen();
      assert.equal(await again.purge(NOW, 100), 0);
      const { writes, online } = await readHour(again, kept);
      assert.deepEqual([sum(writes), online.filter((n) => n !== null).length], [1, 20]);
    });
  });

  it('counts the devices of each status at one moment', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    const past = { expiresAt: NOW - 1 };
    await put(store, connector, 'w1');
    await put(store, connector, 'w2', { expiresAt: NOW + 1 });
    await put(store, connector, 'w3', past);
    await put(store, connector, 'l', { ...past, locked: true });
    await put(store, connector, 'r', { reprovision: true });
    await put(store, connector, 'p', { credential: { type: 'password', hash: 'hash' }, provisionedAt: NOW });
    const counted = { whitelisted: 2, provisioned: 1, reprovision: 1, locked: 1, expired: 1 };
    same(await store.countByStatus(connector, NOW), counted);
    await drain((limit) => store.expireDue(NOW, limit));
    same(await store.countByStatus(connector, NOW), counted);
    same(await store.countByStatus(connector, NOW + 1), { ...counted, whitelisted: 1, expired: 2 });
    await rejectsWith(store.countByStatus('nobody', NOW), 'CONNECTOR_UNKNOWN');
  });
}

/** Time and kind → number, without what is zero. */
function countsIn({ times, writes, provisioned, refused }: FigureSeries): Record<string, number> {
  const columns = { data_in: writes, provisioned, ...prefixed(refused) };
  const counts = Object.entries(columns).flatMap(([kind, column]) => {
    assert.equal(column.length, times.length, kind);
    return column.map((n, at) => [`${times[at]} ${kind}`, n] as const);
  });
  return Object.fromEntries(counts.filter(([, n]) => n > 0));
}

const prefixed = (refused: FigureSeries['refused']) =>
  Object.fromEntries(Object.entries(refused).map(([rule, column]) => [`refused ${rule}`, column]));

function tally(events: Awaited<ReturnType<typeof allEvents>>, bucket: number): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { type, timestamp, payload } of events) {
    if (!['data_in', 'provisioned', 'refused'].includes(type)) continue;
    const kind = type === 'refused' ? `refused ${(payload as { rule: string }).rule}` : type;
    const name = `${Math.floor(timestamp / bucket) * bucket} ${kind}`;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}
