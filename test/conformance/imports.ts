/** Store suite: imports: staged where nobody sees them, reviewed, applied as a batch that the store finishes. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type DeviceStatus, type StoredEvent, statusOf } from '../../src/domain/device.ts';
import type { ImportStage, Store } from '../../src/store/store.ts';
import {
  addAll,
  allDevices,
  allEvents,
  alone,
  batchOf,
  certificateOf,
  DAY,
  dataIn,
  digestOf,
  edit,
  importAll,
  makeConnector,
  NOW,
  type Open,
  put,
  rejectsWith,
  rowsOf,
  same,
  shareStore,
  someConnector,
  tokenOf,
  until,
} from './fixtures.ts';

export function importTests(open: Open): void {
  const shared = shareStore(open);

  it('shows nothing of an import until it is applied, also after reopening', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    const stage = await store.openImport(connector);
    const rows = rowsOf(['a', 'b']).map((row) => ({
      ...row,
      tags: { site: ['north'] },
      credential: tokenOf(row.identity),
    }));
    await stage.add(rows);
    await stage.review(NOW);
    await assertUntouched(store, connector);
    await assertUntouched(await shared.reopen(), connector);
    const later = await shared.store.openImport(connector);
    assert.deepEqual(await later.add(rowsOf(['a'])), [], 'what an earlier import staged is no duplicate');
    assert.equal((await later.review(NOW)).fresh, 1);
    await later.discard();
  });

  it('names the rows that repeat an identity of the same file, and where it stood first', async () => {
    const connector = await makeConnector(shared.store);
    const stage = await shared.store.openImport(connector);
    same(await stage.add(rowsOf(['a', 'b', 'a', 'A'])), [{ line: 4, identity: 'a', firstLine: 2 }]);
    same(await stage.add([]), []);
    // A row may span lines.
    same(await stage.add([...rowsOf(['c'], 9), ...rowsOf(['b', 'c', 'a', 'a'], 20)]), [
      { line: 20, identity: 'b', firstLine: 3 },
      { line: 21, identity: 'c', firstLine: 9 },
      { line: 22, identity: 'a', firstLine: 2 },
      { line: 23, identity: 'a', firstLine: 2 },
    ]);
    const review = await stage.review(NOW);
    assert.equal(review.fresh, 4);
    assert.equal(review.duplicates, 5);
    const info = await stage.apply(batchOf('repeated'), null, () => {});
    assert.equal(info.count, 4);
    assert.deepEqual(await identities(shared.store, connector), ['A', 'a', 'b', 'c']);
  });

  it('keeps the first of two rows of one identity', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    const stage = await store.openImport(connector);
    const [first, second] = ['first', 'second'].map((value, at) => ({
      ...rowsOf(['a'], at + 2)[0]!,
      tags: { row: [value] },
    }));
    await stage.add([first!, second!]);
    await stage.apply(batchOf('first'), null, () => {});
    same((await store.getDevice(connector, 'a'))?.device.tags, { row: ['first'] });
  });

  it('reviews how many rows are new, repeated, and known in which state', async () => {
    const { store } = shared;
    const [connector, other] = [await makeConnector(store), await makeConnector(store)];
    const known = await putOneOfEach(store, connector);
    await put(store, other, 'new-1');
    const stage = await store.openImport(connector);
    await stage.add(rowsOf(['new-1', 'new-2', 'new-3', 'new-1', ...known]));
    const one: Record<DeviceStatus, number> = { whitelisted: 1, provisioned: 1, expired: 2, locked: 1, reprovision: 1 };
    same(await stage.review(NOW), { fresh: 3, duplicates: 1, known: one });
    same(await stage.review(NOW + DAY), { fresh: 3, duplicates: 1, known: { ...one, whitelisted: 0, expired: 3 } });
    assert.equal(await store.countDevices(connector, {}, NOW), known.length);
  });

  it('writes tags, credential, batch and activation window of each row', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    const stage = await store.openImport(connector);
    const tags = Object.fromEntries([
      ['site', ['north', 'south']],
      ['__proto__', ['x']],
    ]);
    await stage.add([
      { line: 2, identity: 'plain', tags: {}, credential: null },
      { line: 3, identity: 'tagged', tags, credential: null },
      { line: 4, identity: 'leaf', tags: {}, credential: certificateOf(connector) },
    ]);
    const info = await stage.apply(batchOf('fields', { created: NOW + 3 }), NOW + DAY, () => {});
    same(info, { ...batchOf('fields', { created: NOW + 3 }), state: 'done', count: 3 });
    for await (const look of shared.nowAndReopened()) {
      const read = async (identity: string) => (await look.getDevice(connector, identity))?.device;
      const [simple, tagged, leaf] = await Promise.all(['plain', 'tagged', 'leaf'].map(read));
      assert(simple && tagged && leaf);
      for (const device of [simple, tagged, leaf]) {
        assert.equal(device.batch, 'fields');
        assert.equal(device.created, NOW + 3);
        assert.equal(device.locked, false);
        assert.equal(device.lastSeen, null);
      }
      same(tagged.tags, tags);
      for (const device of [simple, tagged]) {
        assert.equal(device.expiresAt, NOW + DAY);
        assert.equal(device.credential, null);
        assert.equal(device.provisionedAt, null);
        assert.equal(statusOf(device, NOW + DAY), 'expired');
      }
      // Given beforehand: provisioned at once, and the activation window is not the end of the credential.
      assert.equal(statusOf(leaf, NOW + 9 * DAY), 'provisioned');
      same(leaf.credential, certificateOf(connector));
      assert.deepEqual((await look.listTagNames(connector)).toSorted(), ['__proto__', 'site']);
      assert.equal(await look.countDevices(connector, { batch: 'fields' }, NOW), 3);
      assert.equal(await look.countDevices(connector, { tags: [{ name: 'site', value: 'south' }] }, NOW), 1);
      assert.equal(await look.countDevices(connector, { status: 'provisioned' }, NOW + 9 * DAY), 1);
      assert.equal(await look.countDevices(connector, { certificateExpiresBefore: NOW + 366 * DAY }, NOW), 1);
    }
  });

  it('binds a token or certificate that came with a row to its device', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    const stage = await store.openImport(connector);
    await stage.add([
      { line: 2, identity: 'token', tags: {}, credential: tokenOf(connector) },
      { line: 3, identity: 'leaf', tags: {}, credential: certificateOf(connector) },
    ]);
    await stage.apply(batchOf('bound'), NOW + DAY, () => {});
    assert.equal((await store.findByToken(digestOf(connector)))?.device.identity, 'token');
    await rejectsWith(put(store, connector, 'thief', { credential: tokenOf(connector) }), 'CREDENTIAL_TAKEN');
    await rejectsWith(put(store, connector, 'thief', { credential: certificateOf(connector) }), 'CREDENTIAL_TAKEN');
  });

  it('never overwrites a device that is known, whenever it became known', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    const known = await putOneOfEach(store, connector);
    const stage = await store.openImport(connector);
    const rows = rowsOf(['new', ...known, 'later']).map((row) => ({ ...row, tags: { from: ['file'] } }));
    await stage.add(rows);
    assert.equal((await stage.review(NOW)).fresh, 2);
    await put(store, connector, 'later', { credential: tokenOf(`${connector} later`), provisionedAt: NOW });
    const before = await allDevices(store, connector);
    const info = await stage.apply(batchOf('careful'), NOW + DAY, () => {});
    assert.equal(info.count, 1);
    const after = await allDevices(store, connector);
    same(
      after.filter((device) => device.identity !== 'new'),
      before,
    );
    same(after.find((device) => device.identity === 'new')?.tags, { from: ['file'] });
  });

  it('keeps two imports of one connector apart, the later finding what the earlier brought in', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    const [one, two] = [await store.openImport(connector), await store.openImport(connector)];
    same(await one.add(rowsOf(['a', 'b'])), []);
    same(await two.add(rowsOf(['b', 'c'])), []);
    assert.equal((await one.apply(batchOf('one'), null, () => {})).count, 2);
    const review = await two.review(NOW);
    assert.equal(review.fresh, 1);
    assert.equal(review.known.whitelisted, 1);
    assert.equal((await two.apply(batchOf('two'), null, () => {})).count, 1);
    assert.equal((await store.getDevice(connector, 'b'))?.device.batch, 'one');
  });

  it('lets two imports of one file race without writing a row twice', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    const names = Array.from({ length: 3000 }, (_, n) => `r${n}`);
    const infos = await Promise.all(['x', 'y'].map((batch) => importAll(store, connector, `race-${batch}`, names)));
    assert.equal(infos[0]!.count + infos[1]!.count, names.length);
    assert.equal(await store.countDevices(connector, {}, NOW), names.length);
    for (const info of infos) {
      assert.equal(await store.countDevices(connector, { batch: info.id }, NOW), info.count);
    }
  });

  it('logs one event for the whole batch', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    const info = await importAll(store, connector, 'logged', ['a', 'b', 'c']);
    assert.equal(info.count, 3);
    const events = await allEvents(store, connector);
    assert.equal(events.length, 1);
    assert.equal(events[0]?.type, 'whitelisted');
    assert.equal(events[0]?.identity, null);
    same(namedBy(events[0]), { batch: 'logged', count: 3 });
  });

  it('throws away what is discarded, and takes a discard after apply as done', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    const stage = await store.openImport(connector);
    await stage.add(rowsOf(['a']));
    await stage.discard();
    await assertUntouched(store, connector);
    const other = await store.openImport(connector);
    assert.deepEqual(await other.add(rowsOf(['a'])), []);
    await other.apply(batchOf('kept'), null, () => {});
    await other.discard();
    assert.deepEqual(await identities(await shared.reopen(), connector), ['a']);
  });

  it('lists batches of the connector, and finds one by its id', async () => {
    const { store } = shared;
    const [connector, other] = [await makeConnector(store), await makeConnector(store)];
    same(await store.listBatches(connector), []);
    const one = await importAll(store, connector, `${connector}-1`, ['a', 'b']);
    const two = await importAll(store, connector, `${connector}-2`, ['b', 'c']);
    same([one.count, two.count], [2, 1]);
    for await (const look of shared.nowAndReopened()) {
      const listed = await look.listBatches(connector);
      same(
        listed.toSorted((x, y) => (x.id < y.id ? -1 : 1)),
        [one, two],
      );
      same(await look.getBatch(connector, one.id), one);
      assert.equal(await look.getBatch(other, one.id), null);
      assert.equal(await look.getBatch(connector, 'nobatch'), null);
      same(await look.listBatches(other), []);
    }
  });

  it('counts nothing for a file that has no rows, or only known ones', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    await put(store, connector, 'known');
    for (const [batch, names] of Object.entries({ empty: [], known: ['known'] })) {
      const info = await importAll(store, connector, batch, names);
      same([info.state, info.count], ['done', 0]);
    }
    assert.equal(await store.countDevices(connector, {}, NOW), 1);
  });

  it('does not let a row take the credential of another device, nor be stopped by it for ever', async () => {
    await alone(open, async ({ store, reopen }) => {
      const connector = await makeConnector(store);
      const owner = await put(store, connector, 'owner', { credential: certificateOf('owned') });
      const stage = await store.openImport(connector);
      await stage.add([{ line: 2, identity: 'thief', tags: {}, credential: certificateOf('owned') }]);
      await Promise.allSettled([stage.apply(batchOf('theft'), null, () => {})]);
      await stage.discard();
      const again = await reopen();
      same(await again.getDevice(connector, 'owner'), owner);
      const thief = await again.getDevice(connector, 'thief');
      assert.equal(thief?.device.credential ?? null, null);
      const batch = await again.getBatch(connector, 'theft');
      assert(batch === null || batch.state !== 'writing', 'the import has come to an end');
      assert.equal((await importAll(again, connector, 'next', ['honest'])).count, 1);
    });
  });

  it('leaves nothing in a connector that was deleted meanwhile', async () => {
    const { store } = shared;
    const connector = someConnector();
    await store.createConnector(connector);
    const stage = await store.openImport(connector.id);
    await stage.add(rowsOf(['a', 'b']));
    await store.deleteConnector(connector.id);
    await Promise.allSettled([stage.apply(batchOf('late'), null, () => {})]);
    await store.createConnector(connector);
    same(await allDevices(store, connector.id), []);
    same(await store.listBatches(connector.id), []);
  });

  it('takes 20,000 rows in steps, tells its progress, and lets other writes go on meanwhile', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    const { ref } = await put(store, connector, 'busy');
    const stage = await openLarge(store, connector);
    const progress: [number, number][] = [];
    const order: string[] = [];
    let write: Promise<unknown> | undefined;
    const apply = stage.apply(batchOf(`large-${connector}`), NOW + DAY, (written, total) => {
      progress.push([written, total]);
      write ??= store.append(dataIn(ref, { a: '1' })).then(() => order.push('write'));
    });
    const info = await apply.finally(() => order.push('apply'));
    await write;
    same([info.state, info.count], ['done', LARGE]);
    assert(progress.length > 1, 'it was written in steps');
    assert.deepEqual(order, ['write', 'apply']);
    for (let at = 1; at < progress.length; at += 1) assert(progress[at]![0] >= progress[at - 1]![0]);
    assert.deepEqual(progress.at(-1), [LARGE, LARGE]);
    assert.equal(await store.countDevices(connector, { batch: info.id }, NOW), LARGE);
    const page = await store.listDevices(connector, { identity: 'big-19999' }, { sort: 'identity', limit: 5 }, NOW);
    assert.equal(page.devices.length, 1);
  });

  it('finishes by itself what was begun before it was closed', async () => {
    await alone(open, async ({ store, reopen }) => {
      const connector = await makeConnector(store);
      await put(store, connector, 'big-00007', { locked: true });
      const stage = await openLarge(store, connector);
      const { promise, resolve } = Promise.withResolvers<void>();
      const applied = stage.apply(batchOf('cut'), NOW + DAY, () => resolve()).catch(() => {});
      await promise;
      const again = await reopen();
      await applied;
      await until('the import is finished', async () => (await again.getBatch(connector, 'cut'))?.state === 'done');
      assert.equal((await again.getBatch(connector, 'cut'))?.count, LARGE - 1);
      assert.equal(await again.countDevices(connector, {}, NOW), LARGE);
      assert.equal((await again.getDevice(connector, 'big-00007'))?.device.locked, true);
      const events = await allEvents(again, connector);
      assert.equal(events.length, 1);
      assert.equal(events[0]?.type, 'whitelisted');
      same(namedBy(events[0]), { batch: 'cut', count: LARGE - 1 });
    });
  });
}

const LARGE = 20_000;

/** What the event of a batch must say; it may say more. */
function namedBy(event: StoredEvent | undefined): { batch: unknown; count: unknown } {
  assert(event);
  const { batch, count } = event.payload as { batch: unknown; count: unknown };
  return { batch, count };
}

async function openLarge(store: Store, connector: string): Promise<ImportStage> {
  const stage = await store.openImport(connector);
  await addAll(stage, rowsOf(Array.from({ length: LARGE }, (_, n) => `big-${String(n).padStart(5, '0')}`)));
  return stage;
}

/** A device in each state at `NOW`, expired twice: one closes in that very microsecond. */
async function putOneOfEach(store: Store, connector: string): Promise<string[]> {
  await put(store, connector, 'k-whitelisted', { expiresAt: NOW + 1, tags: { kept: ['1'] } });
  await put(store, connector, 'k-provisioned', { credential: tokenOf(`${connector} p`), provisionedAt: NOW });
  await put(store, connector, 'k-expired', { expiresAt: NOW });
  await put(store, connector, 'k-long-expired', { expiresAt: NOW - DAY });
  await put(store, connector, 'k-locked', { locked: true, expiresAt: NOW - DAY });
  await put(store, connector, 'k-reprovision', { credential: tokenOf(`${connector} r`) });
  await edit(store, connector, 'k-reprovision', { reprovision: true });
  return ['k-whitelisted', 'k-provisioned', 'k-expired', 'k-long-expired', 'k-locked', 'k-reprovision'];
}

async function assertUntouched(store: Store, connector: string): Promise<void> {
  same(await allDevices(store, connector), []);
  assert.equal(await store.countDevices(connector, {}, NOW), 0);
  assert.equal(await store.getDevice(connector, 'a'), null);
  assert.equal(await store.findByToken(digestOf('a')), null);
  const seen = await store.changeDevice(connector, 'a', (device) => ({ answer: device }));
  assert.equal(seen.answer, null);
  same(await store.listTagNames(connector), []);
  same(await store.listBatches(connector), []);
  same(await allEvents(store, connector), []);
}

async function identities(store: Store, connector: string): Promise<string[]> {
  return (await allDevices(store, connector)).map((device) => device.identity).sort();
}
