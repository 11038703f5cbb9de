/** Store suite: what the cloud set and the device has not acknowledged (device-mqtt.md, the server publishes). */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import type { DataEntry, DeviceRef, PendingValue, Store } from '../../src/store/store.ts';
import {
  backDated,
  dataIn,
  dataOut,
  drain,
  makeConnector,
  makeRef,
  NOW,
  type Open,
  remove,
  SECOND,
  same,
  shareStore,
} from './fixtures.ts';

/** Everything that waits, oldest first, as a connection asks for it: one after the other. */
async function pendingOf(store: Store, ref: DeviceRef): Promise<PendingValue[]> {
  const found: PendingValue[] = [];
  const except = new Set<string>();
  for (;;) {
    const next = await store.readPending(ref, except);
    if (next === null) return found;
    found.push(next);
    except.add(next.alias);
  }
}

export function pendingTests(open: Open): void {
  const shared = shareStore(open);
  const device = async () => makeRef(shared.store, await makeConnector(shared.store));

  it('keeps what the cloud set, oldest first, also over a restart, until it is acknowledged', async () => {
    const ref = await device();
    await shared.store.append(dataOut(ref, { b: '1' }, NOW));
    await shared.store.append(dataOut(ref, { a: '2', c: '3' }, NOW + 1));
    const first = { alias: 'b', value: '1', setAt: NOW };
    for await (const store of shared.nowAndReopened()) {
      same((await pendingOf(store, ref))[0], first);
      same((await pendingOf(store, ref)).map(({ alias }) => alias).toSorted(), ['a', 'b', 'c']);
    }
    shared.store.acknowledge(ref, 'b', NOW);
    shared.store.acknowledge(ref, 'c', NOW + 1);
    for await (const store of shared.nowAndReopened()) {
      same(await pendingOf(store, ref), [{ alias: 'a', value: '2', setAt: NOW + 1 }]);
    }
  });

  it('lets a newer value replace the older one, which an old acknowledgement does not touch', async () => {
    const ref = await device();
    await shared.store.append(dataOut(ref, { a: 'old' }, NOW));
    await shared.reopen();
    await shared.store.append(dataOut(ref, { a: 'new' }, NOW + 1));
    shared.store.acknowledge(ref, 'a', NOW);
    for await (const store of shared.nowAndReopened()) {
      same(await pendingOf(store, ref), [{ alias: 'a', value: 'new', setAt: NOW + 1 }]);
    }
    await shared.store.append(dataOut(ref, { a: 'late' }, NOW - 1));
    for await (const store of shared.nowAndReopened()) {
      same(await pendingOf(store, ref), [{ alias: 'a', value: 'new', setAt: NOW + 1 }]);
    }
  });

  it('forgets a value that the device itself reports, and no other', async () => {
    const ref = await device();
    await shared.store.append(dataOut(ref, { a: '1', b: '1' }, NOW));
    await shared.store.append(dataIn(ref, { a: '2', b: '1' }, NOW + 1));
    for await (const store of shared.nowAndReopened()) {
      same(await pendingOf(store, ref), [{ alias: 'a', value: '1', setAt: NOW }]);
    }
    await shared.store.append(backDated(ref, { a: '1' }, NOW - SECOND));
    for await (const store of shared.nowAndReopened()) {
      same(await pendingOf(store, ref), [{ alias: 'a', value: '1', setAt: NOW }]);
    }
    await shared.store.append(dataIn(ref, { a: '1' }, NOW + SECOND));
    for await (const store of shared.nowAndReopened()) same(await pendingOf(store, ref), []);
  });

  it('has nothing for a device that was only heard of, for another device, and for one that is gone', async () => {
    const connector = await makeConnector(shared.store);
    const [ref, other] = [await makeRef(shared.store, connector, 'd1'), await makeRef(shared.store, connector, 'd2')];
    await shared.store.append(dataIn(ref, { a: '1' }));
    await shared.store.append(dataOut(other, { a: '1' }));
    same(await pendingOf(shared.store, ref), []);
    await remove(shared.store, connector, 'd2');
    await drain((limit) => shared.store.purge(NOW, limit));
    for await (const store of shared.nowAndReopened()) same(await pendingOf(store, other), []);
  });

  it('leaves out the aliases that are already on their way', async () => {
    const ref = await device();
    await shared.store.append(dataOut(ref, { a: '1' }, NOW));
    await shared.store.append(dataOut(ref, { b: '2' }, NOW + 1));
    same(await shared.store.readPending(ref, new Set(['a'])), { alias: 'b', value: '2', setAt: NOW + 1 });
    assert.equal(await shared.store.readPending(ref, new Set(['a', 'b'])), null);
  });

  it('agrees with a simple account, whatever comes in whatever order', async () => {
    const alias = fc.constantFrom('a', 'b');
    const value = fc.constantFrom('1', '2');
    const action = fc.record({ kind: fc.constantFrom('set', 'report', 'acknowledge', 'reopen'), alias, value });
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 12 }), async (actions) => {
        const ref = await device();
        const model = new Map<string, PendingValue>();
        let at = NOW;
        for (const { kind, alias, value } of actions) {
          at += 1;
          const entry = (make: typeof dataIn): DataEntry => make(ref, { [alias]: value }, at);
          if (kind === 'set') {
            await shared.store.append(entry(dataOut));
            model.set(alias, { alias, value, setAt: at });
          } else if (kind === 'report') {
            await shared.store.append(entry(dataIn));
            if (model.get(alias)?.value === value) model.delete(alias);
          } else if (kind === 'acknowledge') {
            const pending = model.get(alias);
            if (pending !== undefined) shared.store.acknowledge(ref, alias, pending.setAt);
            model.delete(alias);
          } else await shared.reopen();
        }
        await shared.reopen();
        same(
          await pendingOf(shared.store, ref),
          [...model.values()].sort((a, b) => a.setAt - b.setAt),
        );
      }),
      { numRuns: 25 },
    );
  });
}
