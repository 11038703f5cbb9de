/** Store suite: connectors and their settings. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Store } from '../../src/store/store.ts';
import {
  allDevices,
  allEvents,
  alone,
  batchOf,
  dataIn,
  digestOf,
  drain,
  eventOf,
  importAll,
  listen,
  makeConnector,
  NOW,
  type Open,
  put,
  rejectsWith,
  rowsOf,
  same,
  shareStore,
  someConnector,
  someKey,
  someSession,
  someUser,
  tokenOf,
  until,
} from './fixtures.ts';

export function connectorTests(open: Open): void {
  const shared = shareStore(open);

  it('reads a connector back as it was created, also after reopening', async () => {
    const connector = someConnector({
      name: `Pump "№ 1" 'x'; --`,
      description: 'ünï 😀 \n second line',
      resources: {
        temperature: {
          format: 'number',
          unit: '°C',
          settable: true,
          allowed: [1, '-40..125'],
          initial: 0.5,
          sync: true,
        },
      },
      retention: { events_days: 0, expired_days: 1, history_days: 2 },
    });
    await shared.store.createConnector(connector);
    same(await shared.store.getConnector(connector.id), connector);
    const again = await shared.reopen();
    same(await again.getConnector(connector.id), connector);
  });

  it('answers null for a connector that is not there', async () => {
    assert.equal(await shared.store.getConnector('nosuchconnector0'), null);
  });

  it('lists every connector', async () => {
    await alone(open, async ({ store }) => {
      assert.deepEqual(await store.listConnectors(), []);
      const all = [someConnector(), someConnector(), someConnector()];
      for (const connector of all) await store.createConnector(connector);
      const listed = await store.listConnectors();
      same(
        listed.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
        all,
      );
    });
  });

  it('refuses a second connector of the same id and keeps the first', async () => {
    const connector = someConnector();
    await shared.store.createConnector(connector);
    const second = { ...connector, settings: { ...connector.settings, name: 'Second' } };
    await assert.rejects(shared.store.createConnector(second));
    same(await shared.store.getConnector(connector.id), connector);
  });

  it('changes settings and counts the version up by one', async () => {
    const connector = someConnector();
    await shared.store.createConnector(connector);
    const changed = await shared.store.changeConnector(connector.id, (settings) => ({ ...settings, name: 'New' }));
    const wanted = { ...connector, version: connector.version + 1, settings: { ...connector.settings, name: 'New' } };
    same(changed, wanted);
    same(await shared.store.getConnector(connector.id), wanted);
    same(await (await shared.reopen()).getConnector(connector.id), wanted);
  });

  it('loses none of many concurrent changes', async () => {
    const connector = someConnector({ description: '' });
    const { store } = shared;
    await store.createConnector(connector);
    const grow = () =>
      store.changeConnector(connector.id, (settings) => ({ ...settings, description: `${settings.description}.` }));
    const answers = await Promise.all(Array.from({ length: 50 }, grow));
    const found = await store.getConnector(connector.id);
    assert.equal(found?.settings.description, '.'.repeat(50));
    assert.equal(found?.version, connector.version + 50);
    assert.equal(new Set(answers.map((answer) => answer.version)).size, 50);
  });

  it('passes on what the change throws and leaves all as it was', async () => {
    const connector = someConnector();
    await shared.store.createConnector(connector);
    const refusal = new Error('refused');
    const change = shared.store.changeConnector(connector.id, (settings) => {
      settings.name = 'Spoilt';
      settings.retention.events_days = 999;
      throw refusal;
    });
    await assert.rejects(change, (error) => error === refusal);
    same(await shared.store.getConnector(connector.id), connector);
  });

  it('answers CONNECTOR_UNKNOWN to a change of no connector', async () => {
    await rejectsWith(
      shared.store.changeConnector('nosuchconnector0', (settings) => settings),
      'CONNECTOR_UNKNOWN',
    );
  });

  it('says whether there was a connector to delete', async () => {
    const id = await makeConnector(shared.store);
    assert.equal(await shared.store.deleteConnector(id), true);
    assert.equal(await shared.store.deleteConnector(id), false);
    assert.equal(await shared.store.deleteConnector('nosuchconnector0'), false);
  });

  it('has nothing of a deleted connector any more, at once', async () => {
    const { store } = shared;
    const id = await makeConnector(store);
    await fill(store, id);
    await store.deleteConnector(id);
    assert.equal(await store.getConnector(id), null);
    assert(!(await store.listConnectors()).some((connector) => connector.id === id));
    assert.equal(await store.getDevice(id, 'full'), null);
    assert.equal(await store.findByToken(digestOf(id)), null);
    await rejectsWith(
      store.changeConnector(id, (settings) => settings),
      'CONNECTOR_UNKNOWN',
    );
    await rejectsWith(put(store, id, 'late'), 'CONNECTOR_UNKNOWN');
    assert.equal(await (await shared.reopen()).getDevice(id, 'full'), null);
  });

  it('takes a deleted connector out of the lists of accounts, which end with nothing rather than everything', async () => {
    await alone(open, async ({ store, reopen }) => {
      const [gone, kept] = [await makeConnector(store), await makeConnector(store)];
      const before = [
        someUser('only', { connectors: [gone] }),
        someUser('several', { connectors: ['never-there', gone, kept] }),
        someUser('other', { connectors: [kept] }),
        someUser('everything'),
      ];
      for (const user of before) await store.putUser(user);
      await store.putSession(someSession('only', 'open'), before[0]!);
      await store.deleteConnector(gone);
      const lists = async (look: Store) => (await look.listUsers()).map(({ id, connectors }) => [id, connectors]);
      const after = [
        ['everything', null],
        ['only', []],
        ['other', [kept]],
        ['several', ['never-there', kept]],
      ];
      same(await lists(store), after);
      assert(await store.getSession(digestOf('open')), 'nothing that the session may do is there any more');
      same(await lists(await reopen()), after);
    });
  });

  it('deletes the keys that saw a deleted connector alone, and tells so', async () => {
    await alone(open, async ({ store }) => {
      const [gone, kept] = [await makeConnector(store), await makeConnector(store)];
      for (const [id, connector] of [
        ['of-gone', gone],
        ['of-kept', kept],
        ['of-all', null],
      ] as const)
        await store.putKey(someKey(id, { connector }));
      const { signals, stop } = listen(store);
      await store.deleteConnector(gone);
      await until('its key is told of', async () => signals.some(({ kind }) => kind === 'account'));
      stop();
      same(
        signals.filter(({ kind }) => kind === 'account'),
        [{ kind: 'account', account: 'of-gone' }],
      );
      assert.equal(await store.getKey(digestOf('of-gone')), null);
      same((await store.listKeys()).map(({ id }) => id).toSorted(), ['of-all', 'of-kept']);
    });
  });

  it('loses no place to a change of an account at the same time', async () => {
    const { store } = shared;
    const [gone, kept] = [await makeConnector(store), await makeConnector(store)];
    for (let n = 0; n < 10; n += 1) await store.putUser(someUser(`busy${n}`, { connectors: [gone, kept] }));
    const rename = (n: number) =>
      store.changeUser(`busy${n}`, (user) => ({ answer: null, user: { ...user!, email: `renamed${n}@example.com` } }));
    const renamed = Array.from({ length: 10 }, (_, n) => rename(n));
    await Promise.all([...renamed, store.deleteConnector(gone)]);
    for (let n = 0; n < 10; n += 1) {
      const { email, connectors } = (await store.getUserById(`busy${n}`))!;
      same([email, connectors], [`renamed${n}@example.com`, [kept]]);
    }
  });

  it('frees the tokens of a deleted connector at once', async () => {
    const { store } = shared;
    const [id, other] = [await makeConnector(store), await makeConnector(store)];
    await put(store, id, 'full', { credential: tokenOf(id) });
    await store.deleteConnector(id);
    const { ref } = await put(store, other, 'moved', { credential: tokenOf(id) });
    same((await store.findByToken(digestOf(id)))?.ref, ref);
  });

  it('starts empty when a deleted id is made again, before and after the purge', async () => {
    await alone(open, async ({ store }) => {
      const connector = someConnector();
      await store.createConnector(connector);
      const before = await fill(store, connector.id);
      await store.deleteConnector(connector.id);
      await store.createConnector(connector);
      await assertEmpty(store, connector.id);
      await drain((limit) => store.purge(NOW, limit), 10);
      same(await store.getConnector(connector.id), connector);
      await assertEmpty(store, connector.id);
      const { ref } = await put(store, connector.id, 'full');
      assert.notEqual(ref.key, before.key);
      same(await store.readState(ref), {});
      const history = await store.readHistory(ref, { alias: 'a', from: 0, to: NOW + 1, limit: 10 });
      same(history.points, []);
    });
  });

  it('purges what a deleted connector left and nothing of another', async () => {
    await alone(open, async ({ store, reopen }) => {
      const [gone, kept] = [await makeConnector(store), await makeConnector(store)];
      await fill(store, gone);
      const ref = await fill(store, kept);
      await store.deleteConnector(gone);
      const events = await allEvents(store, kept);
      await drain((limit) => store.purge(NOW, limit), 3);
      assert.equal(await store.purge(NOW, 100), 0);
      const again = await reopen();
      same(await allEvents(again, kept), events);
      assert.equal((await allDevices(again, kept)).length, 3);
      assert.equal((await again.readState(ref)).a?.reported, '9');
      assert.equal((await again.listBatches(kept)).length, 1);
    });
  });
}

/** One of everything that can belong to a connector. */
async function fill(store: Store, connector: string) {
  const { ref } = await put(store, connector, 'full', { credential: tokenOf(connector), tags: { site: ['north'] } });
  for (let value = 0; value < 10; value += 1) await store.append(dataIn(ref, { a: String(value) }, NOW - 10 + value));
  await store.log(connector, [eventOf('refused')]);
  await importAll(store, connector, `batch-${connector}`, ['one', 'two']);
  const stage = await store.openImport(connector);
  await stage.add(rowsOf(['staged']));
  return ref;
}

async function assertEmpty(store: Store, connector: string): Promise<void> {
  same(await allDevices(store, connector), []);
  assert.equal(await store.countDevices(connector, {}, NOW), 0);
  same(await allEvents(store, connector), []);
  same(await store.listTagNames(connector), []);
  same(await store.countTagValues(connector, 'site'), []);
  same(await store.listBatches(connector), []);
  assert.equal(await store.getBatch(connector, batchOf(`batch-${connector}`).id), null);
  assert.equal(await store.getDevice(connector, 'full'), null);
  assert.equal(await store.findByToken(digestOf(connector)), null);
}
