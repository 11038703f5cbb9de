/** What is done to many devices by the management API: by filter or by name, followed, cancelled, undone. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startJobs } from '../../src/events/jobs.ts';
import { createLogger } from '../../src/log.ts';
import { eventually } from '../helpers/connector.ts';
import { at, startApi, type TestApi, type TestConnector } from './harness.ts';

/** ms in which a job of thousands ends, also on a machine that is busy with other things. */
const PATIENCE = 60_000;

let api: TestApi;
let stop: () => Promise<void>;
before(async () => {
  api = await startApi();
  stop = startJobs(api.store, () => Date.now() * 1000, createLogger('error', process.stderr));
});
after(async () => {
  await stop();
  await api.close();
});

const names = (n: number) => Array.from({ length: n }, (_, at) => `d${String(at).padStart(5, '0')}`);

async function fleet(n: number): Promise<TestConnector> {
  const connector = await api.connector();
  const headers = { 'content-type': 'text/csv' };
  const answer = await api.call('POST', `${connector.base}/identities`, `ID\n${names(n).join('\n')}\n`, { headers });
  assert.equal(answer.status, 200, answer.text);
  return connector;
}

const update = (connector: TestConnector, body: object, options = {}) =>
  api.call('POST', `${connector.base}/identities/update`, body, options);
const count = async (connector: TestConnector, query: string) =>
  (await api.call('GET', `${connector.base}/identities/count?${query}`)).body.count;

/** The job once it has come to an end. */
async function ended(connector: TestConnector, id: string) {
  let job = (await api.call('GET', `${connector.base}/jobs/${id}`)).body;
  await eventually(
    'the job ends',
    async () => {
      job = (await api.call('GET', `${connector.base}/jobs/${id}`)).body;
      return job.finished !== null;
    },
    PATIENCE,
  );
  return job;
}

test('a few devices are done by the time of the answer; the log says who and by which job', async () => {
  const connector = await fleet(5);
  const answer = await update(
    connector,
    { action: 'lock', identities: ['d00001', 'd00002', 'd00002'] },
    { as: 'operator' },
  );
  assert.equal(answer.status, 200, answer.text);
  const { id, state, total, changed, undoable, who } = answer.body;
  assert.deepEqual([state, total, changed, undoable, who], ['done', 2, 2, true, 'operator@localhost']);
  assert.equal(await count(connector, 'status=locked'), 2);
  const { events } = (await api.call('GET', `${connector.base}/events?types=locked`)).body;
  assert.deepEqual(events[0].payload, { who: 'operator@localhost', job: id });
  assert.deepEqual((await api.call('GET', `${connector.base}/jobs`)).body.jobs, [answer.body]);
});

test('each action does to every device what it does to one', async () => {
  const connector = await fleet(4);
  const one = async () => (await api.call('GET', connector.base + at('d00003'))).body;
  const all = (body: object) => update(connector, { filter: { identity: 'd*' }, ...body });
  assert.equal((await all({ action: 'tag', tags: { site: ['a', 'b'] } })).body.changed, 4);
  assert.deepEqual((await one()).tags, { site: ['a', 'b'] });
  assert.equal((await all({ action: 'untag', names: ['site'] })).body.changed, 4);
  assert.deepEqual((await one()).tags, {});
  assert.equal((await all({ action: 'lock' })).body.changed, 4);
  assert.deepEqual([(await all({ action: 'lock' })).body.same, (await one()).status], [4, 'locked']);
  assert.equal((await all({ action: 'unlock' })).body.changed, 4);
  const refused = (await all({ action: 'reprovision' })).body;
  assert.deepEqual([refused.refused, refused.refusals[0].code], [4, 'STATE_CONFLICT']);
  const expire = (Date.now() + 3_600_000) * 1000;
  assert.equal((await all({ action: 'expire', expire, unprovisioned: true })).body.changed, 4);
  assert.equal((await one()).auth.expire, expire);
  assert.equal((await all({ action: 'expire', expire: 0 })).body.changed, 4);
  assert.equal((await one()).status, 'expired');
  assert.equal((await all({ action: 'delete' })).body.changed, 4);
  assert.equal(await count(connector, ''), 0);
});

test('many go on after the answer, are followed by id, and can be undone exactly', async () => {
  const connector = await fleet(6000);
  await update(connector, { action: 'tag', tags: { site: ['old'] }, identities: names(10) });
  const begun = await update(connector, { action: 'tag', tags: { site: ['new'] }, filter: { status: 'whitelisted' } });
  assert.ok(begun.status === 202 || begun.status === 200, begun.text);
  assert.equal(begun.body.total, 6000);
  const job = await ended(connector, begun.body.id);
  assert.deepEqual([job.state, job.changed], ['done', 6000]);
  assert.equal(await count(connector, 'tag=site:new'), 6000);
  await api.call('PUT', `${connector.base}${at('d00000')}/tags/site`, { values: ['mine'] });
  assert.ok((await api.call('POST', `${connector.base}/jobs/${job.id}/undo`)).status <= 202);
  const undone = await ended(connector, job.id);
  assert.deepEqual([undone.state, undone.restored, undone.left, undone.undoable], ['undone', 5999, 1, false]);
  assert.deepEqual([await count(connector, 'tag=site:old'), await count(connector, 'tag=site:new')], [9, 0]);
  assert.equal((await api.call('POST', `${connector.base}/jobs/${job.id}/undo`)).body.code, 'JOB_STATE');
});

test('one under way can be cancelled; what it did stays, and can be undone', async () => {
  const connector = await fleet(20_000);
  const begun = await update(connector, { action: 'lock', filter: {}, expect: 20_000 });
  assert.equal(begun.status, 202, begun.text);
  const cancelled = await api.call('DELETE', `${connector.base}/jobs/${begun.body.id}`);
  assert.equal(cancelled.body.state, 'cancelled', cancelled.text);
  assert.equal(await count(connector, 'status=locked'), cancelled.body.changed);
  assert.equal((await api.call('DELETE', `${connector.base}/jobs/${begun.body.id}`)).body.code, 'JOB_STATE');
  await api.call('POST', `${connector.base}/jobs/${begun.body.id}/undo`);
  const undone = await ended(connector, begun.body.id);
  assert.deepEqual([undone.restored, await count(connector, 'status=locked')], [cancelled.body.changed, 0]);
});

test('devices answer and are changed while it runs', async () => {
  const connector = await fleet(10_000);
  const { body } = await update(connector, { action: 'lock', filter: { identity: 'd' } });
  let between = 0;
  for (let n = 0; n < 20; n += 1) {
    assert.equal((await api.call('PUT', connector.base + at(`new${n}`), {})).status, 201);
    if ((await api.call('GET', `${connector.base}/jobs/${body.id}`)).body.finished === null) between += 1;
  }
  assert.ok(between > 0);
  assert.equal((await ended(connector, body.id)).changed, 10_000);
  assert.equal(await count(connector, 'status=whitelisted'), 20);
});

test('jobs of a connector run in the order in which they were asked for', async () => {
  const connector = await fleet(3000);
  const first = await update(connector, { action: 'lock', filter: { identity: 'd' } });
  const second = await update(connector, { action: 'unlock', filter: { identity: 'd' } });
  await ended(connector, first.body.id);
  assert.equal((await ended(connector, second.body.id)).changed, 3000);
  assert.equal(await count(connector, 'status=locked'), 0);
});

test('a request that is not clear is refused: who means all has to say how many those are', async () => {
  const connector = await fleet(3);
  const refused: [object, string, string?][] = [
    [{ action: 'lock' }, 'SCHEMA', 'filter'],
    [{ action: 'lock', filter: { identity: 'd' }, identities: ['a'] }, 'SCHEMA', 'filter'],
    [{ action: 'lock', identities: [] }, 'SCHEMA', 'identities'],
    [{ action: 'explode', identities: ['a'] }, 'SCHEMA', 'action'],
    [{ action: 'delete', filter: {} }, 'SCHEMA', 'expect'],
    [{ action: 'delete', filter: {}, expect: 2 }, 'COUNT_CHANGED'],
    [{ action: 'delete', filter: { identity: 'd' }, expect: 4 }, 'COUNT_CHANGED'],
    [{ action: 'delete', filter: { identiti: 'd' } }, 'SCHEMA', 'filter.identiti'],
    [{ action: 'delete', filter: { tag: ['nothing'] } }, 'SCHEMA', 'tag'],
    [{ action: 'tag', identities: ['a'] }, 'SCHEMA', 'tags'],
    [{ action: 'tag', identities: ['a'], tags: { site: [] } }, 'SCHEMA', 'tags'],
    [{ action: 'untag', identities: ['a'], tags: { site: ['x'] } }, 'SCHEMA', 'tags'],
    [{ action: 'lock', identities: ['a'], expire: 0 }, 'SCHEMA', 'expire'],
    [{ action: 'expire', identities: ['a'], expire: 1_700_000_000 }, 'SCHEMA', 'expire'],
  ];
  for (const [body, code, path] of refused) {
    const answer = await update(connector, body);
    assert.equal(answer.body.code, code, `${JSON.stringify(body)}: ${answer.text}`);
    if (path !== undefined) assert.equal(answer.body.details[0].path, path, answer.text);
  }
  assert.equal(await count(connector, 'status=whitelisted'), 3);
  assert.deepEqual((await api.call('GET', `${connector.base}/jobs`)).body.jobs, []);
});
