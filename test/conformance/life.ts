/** Store suite: figures, and how a store ends. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { startAt } from '../../src/domain/webhook.ts';
import type { Store, StoreFigures } from '../../src/store/store.ts';
import {
  allEvents,
  alone,
  auditOf,
  backDated,
  batchOf,
  dataIn,
  dataOut,
  eventOf,
  makeConnector,
  makeRef,
  NOW,
  type Open,
  put,
  rowsOf,
  same,
  someConnector,
  someKey,
  someSession,
  someUser,
} from './fixtures.ts';
import { hookOf } from './webhooks.ts';

export function lifeTests(open: Open): void {
  it('can be written to once it is open', async () => {
    await alone(open, async ({ store, reopen }) => {
      await store.ping();
      await (await reopen()).ping();
    });
  });

  it('counts what it committed and what waits', async () => {
    await alone(open, async ({ store }) => {
      const ref = await makeRef(store, await makeConnector(store));
      const before = store.figures();
      const writes = Array.from({ length: 50 }, (_, n) => store.append(dataIn(ref, { a: `${n}` }, NOW + n)));
      const during = store.figures();
      await Promise.all(writes);
      const after = store.figures();
      assert(during.queuedWrites > 0 && during.queuedBytes > 0);
      assert.equal(after.queuedWrites, 0);
      assert.equal(after.queuedBytes, 0);
      const written = ({ commitWrites }: StoreFigures) => commitWrites.sum;
      const commits = ({ commitWrites }: StoreFigures) => commitWrites.counts.reduce((sum, n) => sum + n, 0);
      assert(written(after) >= written(before) + 50);
      assert(commits(after) > commits(before));
      assert(commits(after) - commits(before) <= written(after) - written(before));
      assert((await store.sizes()).database > 0);
      assert(after.commitSeconds.sum > before.commitSeconds.sum);
    });
  });

  it('finishes what it accepted before it closes', async () => {
    await alone(open, async ({ store, reopen }) => {
      const connector = await makeConnector(store);
      const ref = await makeRef(store, connector);
      const writes = [
        ...Array.from({ length: 100 }, (_, n) => store.append(dataIn(ref, { [`a${n}`]: `${n}` }, NOW + n))),
        put(store, connector, 'last', { locked: true }),
        store.log(connector, [eventOf('refused')]),
      ];
      const reopened = reopen();
      await Promise.all(writes);
      const again = await reopened;
      assert.equal(Object.keys(await again.readState(ref)).length, 100);
      assert.equal((await again.getDevice(connector, 'last'))?.device.locked, true);
      assert.equal((await allEvents(again, connector)).length, 101);
    });
  });

  it('refuses every call once it is closed, rather than leave it waiting', async () => {
    await alone(open, async ({ store }) => {
      const connector = await makeConnector(store);
      const ref = await makeRef(store, connector);
      const stage = await store.openImport(connector);
      await store.close();
      const calls = {
        ...callsOf(store, connector, ref),
        add: () => stage.add(rowsOf(['a'])),
        review: () => stage.review(NOW),
      };
      const answers = await Promise.allSettled(Object.values(calls).map((call) => call()));
      const answered = Object.keys(calls).filter((_, at) => answers[at]?.status === 'fulfilled');
      assert.deepEqual(answered, []);
      await assert.rejects(stage.apply(batchOf('late'), null, () => {}));
    });
  });

  it('keeps all topics of one device through reopening', async () => {
    await alone(open, async ({ store, reopen }) => {
      const connector = await makeConnector(store);
      const ref = await makeRef(store, connector);
      await store.append(dataIn(ref, { a: '1' }, NOW));
      await store.append(dataOut(ref, { a: '2' }, NOW + 1));
      const look = async (from: Store) => ({
        device: await from.getDevice(connector, 'device'),
        state: await from.readState(ref),
        history: await from.readHistory(ref, { alias: 'a', from: 0, to: NOW + 9, limit: 9 }),
        events: await allEvents(from, connector),
        last: await from.lastSeq(),
      });
      const before = await look(store);
      same(await look(await reopen()), before);
    });
  });
}

type Ref = Awaited<ReturnType<typeof makeRef>>;

/** Every method that answers with a promise, called as it would be. */
function callsOf(store: Store, connector: string, ref: Ref): Record<string, () => Promise<unknown>> {
  const range = { alias: 'a', from: 0, to: NOW, limit: 1 };
  return {
    createConnector: () => store.createConnector(someConnector()),
    getConnector: () => store.getConnector(connector),
    listConnectors: () => store.listConnectors(),
    changeConnector: () => store.changeConnector(connector, (settings) => settings),
    deleteConnector: () => store.deleteConnector(connector),
    getDevice: () => store.getDevice(connector, 'device'),
    findByToken: () => store.findByToken('0'),
    changeDevice: () => store.changeDevice(connector, 'device', () => ({ answer: null, device: null })),
    listDevices: () => store.listDevices(connector, {}, { sort: 'identity', limit: 1 }, NOW),
    countDevices: () => store.countDevices(connector, {}, NOW),
    countByStatus: () => store.countByStatus(connector, NOW),
    listTagNames: () => store.listTagNames(connector),
    countTagValues: () => store.countTagValues(connector, 'site'),
    append: () => store.append(dataIn(ref, { a: '1' })),
    record: () => store.record(backDated(ref, { a: '1' }, NOW - 1)),
    readValues: () => store.readValues(ref, ['a']),
    readState: () => store.readState(ref),
    readHistory: () => store.readHistory(ref, range),
    readBuckets: () => store.readBuckets(ref, range, 1),
    log: () => store.log(connector, [eventOf('refused')]),
    readConnection: () => store.readConnection(ref),
    readEvents: () => store.readEvents(connector, { limit: 1 }),
    readFigures: () => store.readFigures(connector, { from: 0, to: 1, bucket: 60_000_000 }),
    lastSeq: () => store.lastSeq(),
    openImport: () => store.openImport(connector),
    listBatches: () => store.listBatches(connector),
    getBatch: () => store.getBatch(connector, 'b'),
    undoBatch: () => store.undoBatch(connector, 'b', null, NOW),
    createWebhook: () => store.createWebhook(hookOf(connector), 1),
    listWebhooks: () => store.listWebhooks(connector),
    getWebhook: () => store.getWebhook(connector, 'w'),
    changeWebhook: () => store.changeWebhook(connector, 'w', (hook) => hook),
    deleteWebhook: () => store.deleteWebhook(connector, 'w'),
    noteDelivery: () => store.noteDelivery(hookOf(connector), startAt(0, NOW), null),
    listDeliveries: () => store.listDeliveries(connector, 'w'),
    listJobs: () => store.listJobs(connector, 1),
    getJob: () => store.getJob(connector, 'j'),
    listUnfinishedJobs: () => store.listUnfinishedJobs(),
    changeJob: () => store.changeJob(connector, 'j', (job) => job),
    stepJob: () => store.stepJob(connector, 'j', () => ({ answer: { result: 'same' } }), NOW),
    claim: () => store.claim('work', 1),
    stageContent: () => store.stageContent((async function* () {})(), { file: 1, total: 1 }),
    changeContent: () => store.changeContent(connector, 'f', () => ({ answer: null, content: null })),
    getContent: () => store.getContent(connector, 'f'),
    listContent: () => store.listContent(connector, { limit: 1 }),
    listOffered: () => store.listOffered(connector),
    openContent: () => store.openContent(connector, 'f'),
    noteFetch: () => store.noteFetch(ref, 'f', '0', NOW, false),
    listFetches: () => store.listFetches(connector, 'f', { limit: 1 }),
    listRollouts: () => store.listRollouts(),
    readRolloutFigures: () => store.readRolloutFigures(connector, 'f'),
    getUser: () => store.getUser('u@example.com'),
    getUserById: () => store.getUserById('u'),
    countUsers: () => store.countUsers(),
    putUser: () => store.putUser(someUser('u')),
    getUserByLink: () => store.getUserByLink('d'),
    getUserBySubject: () => store.getUserBySubject('s'),
    listUsers: () => store.listUsers(),
    changeUser: () => store.changeUser('u', () => ({ answer: null })),
    putSession: () => store.putSession(someSession('u', 'd'), someUser('u')),
    getSession: () => store.getSession('d'),
    listSessions: () => store.listSessions('u'),
    proveSession: () => store.proveSession('d', NOW),
    deleteSession: () => store.deleteSession('d'),
    putKey: () => store.putKey(someKey('k')),
    getKey: () => store.getKey('d'),
    listKeys: () => store.listKeys(),
    deleteKey: () => store.deleteKey('k'),
    audit: () => store.audit(auditOf('signIn')),
    readAudit: () => store.readAudit({ limit: 1 }),
    readChain: () => store.readChain(0, 1),
    sampleOnline: () => store.sampleOnline(NOW),
    expireDue: () => store.expireDue(NOW, 1),
    purge: () => store.purge(NOW, 1),
    ping: () => store.ping(),
  };
}
