/** Store suite: work on many devices, in steps that nothing can divide. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { applyBulk, type BulkAction, type Job, newJob, undoBulk } from '../../src/domain/bulk.ts';
import { type DeviceFilter, JOBS_KEPT, type JobRule, type JobTargets, type Store } from '../../src/store/store.ts';
import {
  allDevices,
  allEvents,
  alone,
  DAY,
  drain,
  edit,
  importAll,
  listen,
  makeConnector,
  NOW,
  type Open,
  ORIGIN,
  put,
  rejectsWith,
  remove,
  same,
  shareStore,
  someConnector,
  tokenOf,
} from './fixtures.ts';

export function jobTests(open: Open): void {
  const shared = shareStore(open);

  it('changes every device that fits, once, with an event of each, and no other', async () => {
    const { store } = shared;
    const [connector, other] = [await makeConnector(store), await makeConnector(store)];
    await importAll(store, connector, 'in', names('in', 700));
    await importAll(store, connector, 'out', names('out', 30));
    await importAll(store, other, 'in', names('in', 10));
    const job = await begin(store, connector, { type: 'lock' }, { filter: { batch: 'in' } });
    const heard = listen(store);
    const { job: done, steps } = await finish(store, job);
    heard.stop();
    assert(steps > 2, `${steps} steps`);
    same(counts(done), { state: 'done', changed: 700, same: 0, refused: 0 });
    assert.equal(done.finished, NOW);
    assert.equal(await store.countDevices(connector, { status: 'locked' }, NOW), 700);
    same(await statuses(store, other), { whitelisted: 10, locked: 0 });
    const locked = (await allEvents(store, connector)).filter(({ type }) => type === 'locked');
    same(locked.map(({ identity }) => identity).sort(), names('in', 700).sort());
    same(locked[0]!.payload, { who: job.who, job: job.id });
    assert.equal(heard.signals.filter(({ kind }) => kind === 'device').length, 700);
    assert(heard.signals.some(({ kind }) => kind === 'events'));
  });

  const filters: readonly [string, DeviceFilter, readonly string[]][] = [
    ['identity', { identity: 'a*' }, ['a1', 'a2']],
    ['a part of the identity', { identity: '2' }, ['a2', 'b2']],
    ['status', { status: 'locked' }, ['b1']],
    ['tag', { tags: [{ name: 'site', value: 'north' }] }, ['a1', 'b1']],
    [
      'two tags',
      {
        tags: [
          { name: 'site', value: 'north' },
          { name: 'kind', value: 'x' },
        ],
      },
      ['a1'],
    ],
    ['online', { online: true }, ['a2']],
    ['not online, by name', { online: false, identity: 'a' }, ['a1']],
    ['address', { ipaddress: '192.0.2.44' }, ['a2']],
    ['nothing', {}, ['a1', 'a2', 'b1', 'b2']],
  ];
  for (const [name, filter, wanted] of filters) {
    it(`finds devices by ${name}, as lists do`, async () => {
      const { store } = shared;
      const connector = await makeConnector(store);
      await put(store, connector, 'a1', { tags: { site: ['north'], kind: ['x'] } });
      const { ref } = await put(store, connector, 'a2');
      await put(store, connector, 'b1', { tags: { site: ['south', 'north'] }, locked: true });
      await put(store, connector, 'b2');
      store.touch(ref, NOW, '192.0.2.44');
      assert.equal(await store.countDevices(connector, filter, NOW), wanted.length);
      await finish(store, await begin(store, connector, { type: 'tag', tags: { marked: ['1'] } }, { filter }));
      const marked = (await allDevices(store, connector)).filter(({ tags }) => tags.marked !== undefined);
      same(
        marked.map(({ identity }) => identity),
        wanted,
      );
    });
  }

  it('takes the devices that are named, in any number, and tells of those that are not there', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    await importAll(store, connector, 'all', names('d', 900));
    const identities = [...names('d', 900).slice(100, 750), 'nobody', 'nul\u0000'];
    const job = await begin(store, connector, { type: 'lock' }, { identities });
    const { job: done } = await finish(store, job);
    same(counts(done), { state: 'done', changed: 650, same: 0, refused: 2 });
    same(
      done.refusals.map(({ identity, code }) => [identity, code]),
      [
        ['nobody', 'DEVICE_UNKNOWN'],
        ['nul\u0000', 'DEVICE_UNKNOWN'],
      ],
    );
  });

  it('leaves devices alone that were made after it began', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    await importAll(store, connector, 'first', names('a', 300));
    const job = await begin(store, connector, { type: 'lock' }, { filter: {} });
    await importAll(store, connector, 'second', names('b', 300));
    same(counts((await finish(store, job)).job), { state: 'done', changed: 300, same: 0, refused: 0 });
    same(await statuses(store, connector), { whitelisted: 300, locked: 300 });
  });

  it('looks at each device when its turn comes: one that no longer fits is left alone', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    await importAll(store, connector, 'a', names('d', 5));
    const job = await begin(store, connector, { type: 'delete' }, { filter: { status: 'whitelisted' } });
    await edit(store, connector, 'd00003', {
      credential: tokenOf(`${connector} d3`),
      provisionedAt: NOW,
      expiresAt: null,
    });
    same(counts((await finish(store, job)).job), { state: 'done', changed: 4, same: 0, refused: 0 });
    same(
      (await allDevices(store, connector)).map(({ identity }) => identity),
      ['d00003'],
    );
  });

  it('leaves alone what changes while a step looks for the next devices', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    const all = names('d', 400);
    await importAll(store, connector, 'a', all);
    const job = await begin(store, connector, { type: 'delete' }, { filter: { status: 'whitelisted' } });
    const provision = (identity: string) =>
      store.changeDevice(connector, identity, (device) => {
        if (device === null) return { answer: false };
        const credential = tokenOf(`${connector} ${identity}`);
        return { answer: true, device: { ...device, credential, provisionedAt: NOW, expiresAt: null } };
      });
    const finished = finish(store, job);
    const answers: Promise<{ answer: boolean }>[] = [];
    for (const identity of all) {
      // The first ones first: those that the step is about to change.
      if (answers.length % 10 === 0) await setImmediate();
      answers.push(provision(identity));
    }
    await finished;
    const stayed = (await Promise.all(answers)).map(({ answer }) => answer);
    same(
      (await allDevices(store, connector)).map(({ identity }) => identity),
      all.filter((_, at) => stayed[at]),
    );
  });

  it('counts devices that were so already, and tells of those that the rules refuse', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    await importAll(store, connector, 'a', names('d', 40));
    await put(store, connector, 'd00000', { credential: tokenOf(`${connector} x`), provisionedAt: NOW });
    await put(store, connector, 'd00001', {
      credential: tokenOf(`${connector} y`),
      provisionedAt: NOW,
      reprovision: true,
    });
    const { job } = await finish(store, await begin(store, connector, { type: 'reprovision' }, { filter: {} }));
    same(counts(job), { state: 'done', changed: 1, same: 1, refused: 38 });
    assert.equal(job.refusals.length, 20);
    assert.equal(job.refusals[0]!.code, 'STATE_CONFLICT');
  });

  it('gives back exactly what was: locks and tags, also those that there were not', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    await importAll(store, connector, 'many', names('d', 450));
    await put(store, connector, 'd00001', { locked: true, tags: { site: ['b', 'a'], other: ['1'] } });
    await put(store, connector, 'd00002', { tags: { site: ['new'] } });
    const before = await allDevices(store, connector);
    const actions: BulkAction[] = [
      { type: 'lock' },
      { type: 'unlock' },
      { type: 'tag', tags: { site: ['new'], fresh: ['x', 'y'] } },
      { type: 'untag', names: ['site', 'nothing'] },
    ];
    for (const action of actions) {
      const { job: done } = await finish(store, await begin(store, connector, action, { filter: {} }));
      const changed = (await allDevices(store, connector)).filter(
        (device, at) => JSON.stringify(device) !== JSON.stringify(before[at]),
      );
      assert.equal(changed.length, done.changed, action.type);
      const undone = await undo(store, done);
      same(await allDevices(store, connector), before, action.type);
      same([undone.state, undone.restored, undone.left], ['undone', done.changed, 0]);
    }
  });

  it('gives nothing back to a device that somebody has changed since, that is gone, or that was made anew', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    for (const identity of ['a', 'b', 'c', 'd']) await put(store, connector, identity, { tags: { site: ['old'] } });
    const action: BulkAction = { type: 'tag', tags: { site: ['new'] } };
    const { job } = await finish(store, await begin(store, connector, action, { filter: {} }));
    await edit(store, connector, 'b', { tags: { site: ['newer'] } });
    await remove(store, connector, 'c');
    await remove(store, connector, 'd');
    await put(store, connector, 'd', { tags: { site: ['new'] } });
    const undone = await undo(store, job);
    same([undone.state, undone.restored, undone.left], ['undone', 1, 3]);
    const tags = (await allDevices(store, connector)).map(({ identity, tags }) => `${identity} ${tags.site}`);
    same(tags, ['a old', 'b newer', 'd new']);
  });

  it('goes on after a crash where it was: no device twice, and none left out', async () => {
    await alone(open, async ({ store, kill }) => {
      const connector = await makeConnector(store);
      await importAll(store, connector, 'many', names('d', 1000));
      const job = await begin(store, connector, { type: 'lock' }, { filter: {} });
      await step(store, job);
      await step(store, job);
      const again = await kill();
      const [found] = await again.listUnfinishedJobs();
      assert(found !== undefined && found.changed > 0 && found.changed < 1000);
      assert.equal(await again.countDevices(connector, { status: 'locked' }, NOW), found.changed);
      const { job: done } = await finish(again, found);
      same(counts(done), { state: 'done', changed: 1000, same: 0, refused: 0 });
      assert.equal((await allEvents(again, connector)).filter(({ type }) => type === 'locked').length, 1000);
      same(
        [(await undo(again, done)).restored, await again.countDevices(connector, { status: 'locked' }, NOW)],
        [1000, 0],
      );
    });
  });

  it('does no step of a job that was cancelled; what was done can be undone', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    await importAll(store, connector, 'many', names('d', 1000));
    const job = await begin(store, connector, { type: 'lock' }, { filter: {} });
    const first = await step(store, job);
    const cancel = (job: Job): Job => ({ ...job, state: 'cancelled', finished: NOW });
    const cancelled = await store.changeJob(connector, job.id, cancel);
    same(await step(store, job), cancelled);
    assert.equal(await store.countDevices(connector, { status: 'locked' }, NOW), first.changed);
    same(
      (await store.listUnfinishedJobs()).filter(({ id }) => id === job.id),
      [],
    );
    assert.equal((await undo(store, cancelled)).restored, first.changed);
    assert.equal(await store.countDevices(connector, { status: 'locked' }, NOW), 0);
  });

  it('makes no step twice, however many are asked for at once', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    await importAll(store, connector, 'many', names('d', 1000));
    const job = await begin(store, connector, { type: 'lock' }, { filter: {} });
    await Promise.all(Array.from({ length: 20 }, () => step(store, job)));
    same(counts((await finish(store, job)).job), { state: 'done', changed: 1000, same: 0, refused: 0 });
    assert.equal((await allEvents(store, connector)).filter(({ type }) => type === 'locked').length, 1000);
  });

  it('lists jobs newest first, and knows none by another connector', async () => {
    const { store } = shared;
    const [connector, other] = [await makeConnector(store), await makeConnector(store)];
    const jobs = [];
    for (let n = 0; n < 3; n += 1) jobs.push(await begin(store, connector, { type: 'lock' }, { filter: {} }));
    for await (const look of shared.nowAndReopened()) {
      same(await look.listJobs(connector, 2), [jobs[2], jobs[1]]);
      same(await look.getJob(connector, jobs[0]!.id), jobs[0]);
      assert.equal(await look.getJob(other, jobs[0]!.id), null);
      same(
        (await look.listUnfinishedJobs()).filter((job) => job.connector === connector),
        jobs,
      );
      await rejectsWith(step(look, { ...jobs[0]!, connector: other }), 'JOB_UNKNOWN');
    }
  });

  it('takes so many unfinished jobs of a connector, and none of a connector that is not there', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    for (let n = 0; n < 2; n += 1) await store.createJob(jobOf(connector, { type: 'lock' }), { filter: {} }, 2);
    const more = () => store.createJob(jobOf(connector, { type: 'lock' }), { filter: {} }, 2);
    await rejectsWith(more(), 'OVERLOADED');
    await finish(store, (await store.listJobs(connector, 1))[0]!);
    await more();
    const nowhere = jobOf(someConnector().id, { type: 'lock' });
    await rejectsWith(store.createJob(nowhere, { filter: {} }, 2), 'CONNECTOR_UNKNOWN');
  });

  it('keeps a finished job, and what it changed, for its time', async () => {
    await alone(open, async ({ store }) => {
      const connector = await makeConnector(store, { retention: { events_days: 0, expired_days: 0, history_days: 0 } });
      await importAll(store, connector, 'many', names('d', 300));
      const { job } = await finish(store, await begin(store, connector, { type: 'lock' }, { filter: {} }));
      const waiting = await begin(store, connector, { type: 'unlock' }, { filter: {} });
      await drain((limit) => store.purge(NOW + JOBS_KEPT - 1, limit));
      same(await store.getJob(connector, job.id), job);
      await drain((limit) => store.purge(NOW + JOBS_KEPT + DAY, limit));
      assert.equal(await store.getJob(connector, job.id), null);
      same(await store.getJob(connector, waiting.id), waiting);
    });
  });

  it('ends with its connector', async () => {
    await alone(open, async ({ store }) => {
      const connector = await makeConnector(store);
      await importAll(store, connector, 'many', names('d', 500));
      const job = await begin(store, connector, { type: 'lock' }, { filter: {} });
      await step(store, job);
      await store.deleteConnector(connector);
      await rejectsWith(step(store, job), 'CONNECTOR_UNKNOWN');
      same(await store.listUnfinishedJobs(), []);
      await drain((limit) => store.purge(NOW, limit));
      same(await store.listUnfinishedJobs(), []);
    });
  });
}

const names = (prefix: string, n: number) =>
  Array.from({ length: n }, (_, at) => `${prefix}${String(at).padStart(5, '0')}`);
const counts = ({ state, changed, same, refused }: Job) => ({ state, changed, same, refused });

let made = 0;

/** One that is about to begin. */
export function jobOf(connector: string, action: BulkAction): Job {
  made += 1;
  const who = 'operator@example.com';
  return newJob({ id: `job${made}`, connector, who, origin: ORIGIN, created: NOW, action, total: 0 });
}

async function begin(store: Store, connector: string, action: BulkAction, targets: JobTargets): Promise<Job> {
  const job = jobOf(connector, action);
  await store.createJob(job, targets, 100);
  return job;
}

function step(store: Store, { connector, id, who, origin, action }: Job): Promise<Job> {
  const actor = { who, origin, now: NOW };
  const rule: JobRule = (device, before) =>
    before === null ? applyBulk(device, action, actor, id) : undoBulk(device, action, before, actor, id);
  return store.stepJob(connector, id, rule, NOW);
}

async function finish(store: Store, job: Job): Promise<{ job: Job; steps: number }> {
  for (let steps = 1; ; steps += 1) {
    const now = await step(store, job);
    if (now.finished !== null) return { job: now, steps };
    assert(steps < 10_000, 'a job ends');
  }
}

async function undo(store: Store, job: Job): Promise<Job> {
  await store.changeJob(job.connector, job.id, (before) => ({ ...before, state: 'undoing', finished: null }));
  return (await finish(store, job)).job;
}

async function statuses(store: Store, connector: string) {
  const { whitelisted, locked } = await store.countByStatus(connector, NOW);
  return { whitelisted, locked };
}
