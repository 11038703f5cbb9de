/** Store suite: signals are sent after the commit they tell of and before the promise of the write resolves. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Device } from '../../src/domain/device.ts';
import type { Signal, Store } from '../../src/store/store.ts';
import {
  backDated,
  DAY,
  dataIn,
  dataOut,
  edit,
  eventOf,
  importAll,
  listen,
  makeConnector,
  makeRef,
  NOW,
  type Open,
  ORIGIN,
  put,
  remove,
  same,
  shareStore,
  someConnector,
  tokenOf,
} from './fixtures.ts';

export function signalTests(open: Open): void {
  const shared = shareStore(open);

  it('tells that a connector was made, changed and deleted', async () => {
    const { store } = shared;
    const connector = someConnector();
    const told = async (work: () => Promise<unknown>) => {
      const signals = await during(store, work);
      assert(signals.some((signal) => signal.kind === 'connector' && signal.connector === connector.id));
    };
    await told(() => store.createConnector(connector));
    await told(() => store.changeConnector(connector.id, (settings) => ({ ...settings, name: 'Other' })));
    await told(() => store.deleteConnector(connector.id));
  });

  it('tells that the credential or the lock of a device changed, and that it was deleted', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    const { ref } = await put(store, connector, 'd');
    const tells = (signals: readonly Signal[]) =>
      signals.some((signal) => signal.kind === 'device' && signal.ref.key === ref.key && signal.ref.identity === 'd');
    const changes: Partial<Device>[] = [
      { credential: tokenOf(`${connector} 1`), provisionedAt: NOW },
      { locked: true },
      { locked: false },
      { credential: tokenOf(`${connector} 2`), previous: { credential: tokenOf(`${connector} 1`), until: NOW + DAY } },
      { previous: null },
      { expiresAt: NOW - 1 },
      { credential: null, expiresAt: 0 },
    ];
    for (const change of changes) {
      const signals = await during(store, () => edit(store, connector, 'd', change));
      assert(tells(signals), `changed: ${Object.keys(change).join(', ')}`);
    }
    assert(tells(await during(store, () => remove(store, connector, 'd'))), 'deleted');
  });

  it('tells which wanted values changed, whether the cloud or the device set them', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    const ref = await makeRef(store, connector);
    for (const [by, entry] of [
      ['cloud', dataOut(ref, { a: '1', b: '2' })],
      ['device', dataIn(ref, { a: '3', b: '4' }, NOW + 1)],
    ] as const) {
      const signals = await during(store, () => store.append(entry));
      const aliases = signals.flatMap((signal) =>
        signal.kind === 'values' && signal.ref.key === ref.key && signal.by === by ? signal.aliases : [],
      );
      assert.deepEqual([...new Set(aliases)].sort(), ['a', 'b'], by);
    }
  });

  it('tells that a live connection of a device began, and which', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    const ref = await makeRef(store, connector);
    const origin = { ...ORIGIN, connectionId: 'the one' };
    const connects = await during(store, () => store.log(connector, [eventOf('connect', { origin })], ref));
    const told = connects.filter((signal) => signal.kind === 'connection');
    assert.deepEqual(told, [{ kind: 'connection', ref, connection: 'the one' }]);
    const ends = await during(store, () => store.log(connector, [eventOf('disconnect', { origin })], ref));
    assert(!ends.some((signal) => signal.kind === 'connection'));
  });

  it('tells that the log of a connector grew, whatever made it grow', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    const ref = await makeRef(store, connector);
    const works = {
      log: () => store.log(connector, [eventOf('refused')]),
      change: () => store.changeDevice(connector, 'nobody', () => ({ answer: null, events: [eventOf('refused')] })),
      append: () => store.append(dataIn(ref, { a: '1' })),
      record: () => store.record(backDated(ref, { a: '0' }, NOW - DAY)),
      import: () => importAll(store, connector, `batch ${connector}`, ['x']),
    };
    for (const [name, work] of Object.entries(works)) {
      const signals = await during(store, work);
      assert(
        signals.some((signal) => signal.kind === 'events' && signal.connector === connector),
        name,
      );
    }
  });

  it('sends no signal for a write that was refused', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    await put(store, connector, 'd');
    const signals = await during(store, () =>
      assert.rejects(
        store.changeDevice(connector, 'd', () => {
          throw new Error('refused');
        }),
      ),
    );
    same(signals, []);
  });

  it('lets a listener read what the signal tells of', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    const ref = await makeRef(store, connector);
    const reads: Promise<unknown>[] = [];
    const stop = store.onSignal((signal) => {
      if (signal.kind === 'values') reads.push(store.readValues(signal.ref, signal.aliases));
      if (signal.kind === 'events') reads.push(store.readEvents(signal.connector, { limit: 1 }));
    });
    await store.append(dataOut(ref, { a: 'wanted' }));
    stop();
    const seen = JSON.stringify(await Promise.all(reads));
    assert.match(seen, /"set":"wanted"/);
    assert.match(seen, /"type":"data_out"/);
  });

  it('sends to every listener until it stops listening', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    const [one, two] = [listen(store), listen(store)];
    await store.log(connector, [eventOf('refused')]);
    one.stop();
    const heard = one.signals.length;
    await store.log(connector, [eventOf('refused')]);
    two.stop();
    assert.equal(one.signals.length, heard);
    assert(two.signals.length > heard && heard > 0);
  });
}

/** The signals that came before the promise of `work` resolved. */
async function during(store: Store, work: () => Promise<unknown>): Promise<Signal[]> {
  const { signals, stop } = listen(store);
  try {
    await work();
    return [...signals];
  } finally {
    stop();
  }
}
