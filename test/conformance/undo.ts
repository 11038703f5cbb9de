/** Store suite: a batch can be undone for as long as none of its devices has been provisioned. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Store } from '../../src/store/store.ts';
import {
  addAll,
  allDevices,
  allEvents,
  batchOf,
  DAY,
  edit,
  importAll,
  makeConnector,
  NOW,
  type Open,
  ORIGIN,
  put,
  rejectsWith,
  rowsOf,
  same,
  shareStore,
  tokenOf,
  until,
} from './fixtures.ts';

export function undoTests(open: Open): void {
  const shared = shareStore(open);

  it('removes the devices that the batch brought in and no others, and logs it', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    await put(store, connector, 'known');
    await importAll(store, connector, 'earlier', ['e1']);
    await importAll(store, connector, 'wrong', ['known', 'e1', 'w1', 'w2']);
    const before = (await allEvents(store, connector)).length;
    await undo(store, connector, 'wrong');
    for await (const look of shared.nowAndReopened()) {
      const left = (await allDevices(look, connector)).map((device) => device.identity);
      assert.deepEqual(left, ['e1', 'known']);
      assert.equal(await look.countDevices(connector, {}, NOW), 2);
      assert.equal((await look.getBatch(connector, 'wrong'))?.state, 'undone');
      assert.equal((await look.getBatch(connector, 'earlier'))?.state, 'done');
      const logged = (await allEvents(look, connector)).slice(before);
      assert(logged.length > 0);
      for (const event of logged) {
        assert.equal(event.type, 'deleted');
        assert.equal(event.ip, ORIGIN.ip);
        assert.equal(event.timestamp, NOW + 5);
      }
    }
  });

  it('lets the same file be imported again after', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    await importAll(store, connector, 'first', ['a', 'b']);
    await undo(store, connector, 'first');
    assert.equal((await importAll(store, connector, 'second', ['a', 'b'])).count, 2);
    assert.equal((await store.getDevice(connector, 'a'))?.device.batch, 'second');
  });

  it('is refused once one device has been provisioned, and then removes nothing', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    await importAll(store, connector, 'used', ['a', 'b', 'c']);
    await edit(store, connector, 'b', {
      credential: tokenOf(`${connector} b`),
      provisionedAt: NOW + 1,
      expiresAt: null,
    });
    const before = await allDevices(store, connector);
    const events = await allEvents(store, connector);
    await rejectsWith(store.undoBatch(connector, 'used', ORIGIN, NOW), 'STATE_CONFLICT');
    same(await allDevices(store, connector), before);
    same(await allEvents(store, connector), events);
    assert.equal((await store.getBatch(connector, 'used'))?.state, 'done');
  });

  it('is refused also when the credential has been revoked since', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    await importAll(store, connector, 'revoked', ['a', 'b']);
    await edit(store, connector, 'a', { credential: null, provisionedAt: NOW + 1, expiresAt: 0 });
    await rejectsWith(store.undoBatch(connector, 'revoked', ORIGIN, NOW), 'STATE_CONFLICT');
    assert.equal(await store.countDevices(connector, {}, NOW), 2);
  });

  it('knows no batch of another connector', async () => {
    const { store } = shared;
    const [connector, other] = [await makeConnector(store), await makeConnector(store)];
    await importAll(store, connector, 'mine', ['a']);
    await rejectsWith(store.undoBatch(other, 'mine', null, NOW), 'BATCH_UNKNOWN');
    await rejectsWith(store.undoBatch(connector, 'nobatch', null, NOW), 'BATCH_UNKNOWN');
    assert.equal(await store.countDevices(connector, {}, NOW), 1);
  });

  it('waits for no batch that is still being written', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    const stage = await store.openImport(connector);
    await addAll(stage, rowsOf(Array.from({ length: 20_000 }, (_, n) => `b${n}`)));
    const busy = Promise.withResolvers<void>();
    const applied = stage.apply(batchOf('busy'), NOW + DAY, (written, total) => {
      if (written < total) busy.resolve(rejectsWith(store.undoBatch(connector, 'busy', ORIGIN, NOW), 'BATCH_BUSY'));
      else busy.reject(new Error('the batch was written without a step in between'));
    });
    await Promise.all([busy.promise, applied]);
    assert.equal((await store.getBatch(connector, 'busy'))?.state, 'done');
    await undo(store, connector, 'busy');
    assert.equal(await store.countDevices(connector, {}, NOW), 0);
  });

  it('forgets tags of the devices it removed', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    const stage = await store.openImport(connector);
    await stage.add(rowsOf(['a']).map((row) => ({ ...row, tags: { site: ['north'] } })));
    await stage.apply(batchOf('tagged'), null, () => {});
    await undo(store, connector, 'tagged');
    same(await store.listTagNames(connector), []);
    same(await store.countTagValues(connector, 'site'), []);
  });
}

async function undo(store: Store, connector: string, batch: string): Promise<void> {
  const answer = await store.undoBatch(connector, batch, ORIGIN, NOW + 5);
  assert.equal(answer.id, batch);
  await until('the batch is undone', async () => (await store.getBatch(connector, batch))?.state === 'undone');
}
