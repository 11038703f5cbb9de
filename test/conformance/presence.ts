/** Store suite: who is online: heard of lately, and not left since; a restart finds nobody connected. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { isOnline, ONLINE_WITHIN } from '../../src/domain/device.ts';
import type { Store } from '../../src/store/store.ts';
import { dataIn, eventOf, makeConnector, makeRef, NOW, type Open, ORIGIN, SECOND, shareStore } from './fixtures.ts';

/** By the device itself and by the filter, which have to agree. */
async function onlineAt(store: Store, connector: string, now: number): Promise<boolean> {
  const found = await store.getDevice(connector, 'device');
  assert(found);
  const listed = async (online: boolean) => (await store.countDevices(connector, { online }, now)) === 1;
  const online = isOnline(found.device, now);
  assert.deepEqual([await listed(true), await listed(false)], [online, !online]);
  return online;
}

export function presenceTests(open: Open): void {
  const shared = shareStore(open);
  const log = (
    connector: string,
    ref: Awaited<ReturnType<typeof makeRef>>,
    type: 'connect' | 'disconnect',
    at: number,
    connectionId = 'connection-1',
  ) => shared.store.log(connector, [eventOf(type, { timestamp: at, origin: { ...ORIGIN, connectionId } })], ref);

  it('counts a device as online from connect to disconnect, and again when it is heard of later', async () => {
    const connector = await makeConnector(shared.store);
    const ref = await makeRef(shared.store, connector);
    assert.equal(await onlineAt(shared.store, connector, NOW), false);
    await log(connector, ref, 'connect', NOW);
    assert.equal(await onlineAt(shared.store, connector, NOW + SECOND), true);
    await log(connector, ref, 'disconnect', NOW + 2 * SECOND);
    assert.equal(await onlineAt(shared.store, connector, NOW + 3 * SECOND), false);
    await shared.store.append(dataIn(ref, { a: '1' }, NOW + 4 * SECOND));
    assert.equal(await onlineAt(shared.store, connector, NOW + 5 * SECOND), true);
    await log(connector, ref, 'disconnect', NOW + 6 * SECOND);
    await log(connector, ref, 'connect', NOW + 7 * SECOND);
    assert.equal(await onlineAt(shared.store, connector, NOW + 8 * SECOND), true);
  });

  it('keeps a device online that is noted as heard of, for as long as it is', async () => {
    const connector = await makeConnector(shared.store);
    const ref = await makeRef(shared.store, connector);
    await log(connector, ref, 'connect', NOW);
    shared.store.touch(ref, NOW + ONLINE_WITHIN, '192.0.2.7');
    assert.equal(await onlineAt(shared.store, connector, NOW + ONLINE_WITHIN + SECOND), true);
    assert.equal(await onlineAt(shared.store, connector, NOW + 2 * ONLINE_WITHIN + SECOND), false);
  });

  it('knows the live connection that began last, and leaves the device online when an older one ends', async () => {
    const connector = await makeConnector(shared.store);
    const ref = await makeRef(shared.store, connector);
    assert.equal(await shared.store.readConnection(ref), null);
    await log(connector, ref, 'connect', NOW, 'one');
    assert.equal(await shared.store.readConnection(ref), 'one');
    await log(connector, ref, 'connect', NOW + SECOND, 'two');
    await log(connector, ref, 'disconnect', NOW + 2 * SECOND, 'one');
    assert.equal(await shared.store.readConnection(ref), 'two');
    assert.equal(await onlineAt(shared.store, connector, NOW + 3 * SECOND), true);
    await log(connector, ref, 'disconnect', NOW + 4 * SECOND, 'two');
    assert.equal(await shared.store.readConnection(ref), null);
    assert.equal(await onlineAt(shared.store, connector, NOW + 5 * SECOND), false);
  });

  it('writes the end of a connection behind its beginning, however soon it ends', async () => {
    const connector = await makeConnector(shared.store);
    const ref = await makeRef(shared.store, connector);
    for (let n = 0; n < 20; n += 1) {
      const at = NOW + n * SECOND;
      await Promise.all([
        log(connector, ref, 'connect', at, `${n}`),
        log(connector, ref, 'disconnect', at + 1, `${n}`),
      ]);
      assert.equal(await shared.store.readConnection(ref), null);
      assert.equal(await onlineAt(shared.store, connector, at + 2), false);
    }
  });

  it('finds nobody connected after a restart, until they connect again', async () => {
    const connector = await makeConnector(shared.store);
    const ref = await makeRef(shared.store, connector);
    await log(connector, ref, 'connect', NOW);
    await shared.store.append(dataIn(ref, { a: '1' }, NOW + 1));
    await shared.reopen();
    assert.equal(await shared.store.readConnection(ref), null);
    assert.equal(await onlineAt(shared.store, connector, NOW + SECOND), false);
    await log(connector, ref, 'connect', NOW + 2 * SECOND);
    assert.equal(await onlineAt(shared.store, connector, NOW + 3 * SECOND), true);
  });

  it('leaves a device online over a restart that holds no connection and was heard of lately', async () => {
    const connector = await makeConnector(shared.store);
    const ref = await makeRef(shared.store, connector);
    await shared.store.append(dataIn(ref, { a: '1' }, NOW));
    await shared.reopen();
    assert.equal(await onlineAt(shared.store, connector, NOW + SECOND), true);
  });
}
