/** Store suite: API keys. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { digestOf, listen, NOW, type Open, rejectsWith, same, shareStore, someKey, until } from './fixtures.ts';

export function keyTests(open: Open): void {
  const shared = shareStore(open);

  it('finds a key by its digest, and lists all, newest first', async () => {
    const older = someKey('older', { connector: 'c', expires: NOW + 1 });
    const newer = someKey('newer', { created: NOW + 1 });
    await shared.store.putKey(older);
    await shared.store.putKey(newer);
    for await (const look of shared.nowAndReopened()) {
      same(await look.getKey(digestOf('older')), older);
      same(await look.listKeys(), [newer, older]);
    }
    assert.equal(await shared.store.getKey(digestOf('nobody')), null);
  });

  it('refuses a name that another key has, until that one is deleted', async () => {
    const { store } = shared;
    await store.putKey(someKey('named'));
    const same = someKey('named-too', { name: someKey('named').name });
    await rejectsWith(store.putKey(same), 'KEY_KNOWN');
    assert.equal(await store.getKey(same.digest), null);
    await store.deleteKey('named');
    await store.putKey(same);
  });

  it('deletes a key once, and tells so', async () => {
    const { store } = shared;
    await store.putKey(someKey('gone'));
    const { signals, stop } = listen(store);
    assert.equal(await store.deleteKey('gone'), true);
    assert.equal(await store.deleteKey('gone'), false);
    stop();
    assert.deepEqual(
      signals.filter(({ kind }) => kind === 'account'),
      [{ kind: 'account', account: 'gone' }],
    );
    assert.equal(await store.getKey(digestOf('gone')), null);
  });

  it('notes when a key was last used, and never goes back', async () => {
    const { store } = shared;
    await store.putKey(someKey('used'));
    store.noteUse('key', 'used', NOW + 7);
    await until('it is noted', async () => (await store.getKey(digestOf('used')))?.used === NOW + 7);
    store.noteUse('key', 'used', NOW + 3);
    store.noteUse('key', 'used', NOW + 8);
    await until('it is noted', async () => (await store.getKey(digestOf('used')))?.used === NOW + 8);
  });
}
