/** What the audit log tells of webhooks, of jobs over many devices, and of files and their rollouts; and of what it is silent. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import type { AuditEntry } from '../../src/domain/audit.ts';
import { auditDuring, auditLog, putKey, startApi, type TestApi, type TestConnector, withJobs } from './harness.ts';

let api: TestApi;
let connector: TestConnector;
before(async () => {
  api = await startApi();
  connector = await api.connector({ resources: { fw: { settable: true } } });
});
after(() => api.close());

const during = (work: () => Promise<unknown>) => auditDuring(api, work);
/** The one entry that the call leaves. */
async function entryOf(...call: Parameters<TestApi['call']>): Promise<AuditEntry> {
  const entries = await during(async () => {
    const answer = await api.call(...call);
    assert.ok(answer.status < 300, answer.text);
  });
  assert.equal(entries.length, 1, JSON.stringify(entries));
  return entries[0]!;
}
const changeOf = ({ action, before, after }: AuditEntry) => [action, before, after];

const hooks = () => `/api:1/connectors/${connector.id}/webhooks`;

test('of a webhook: its address, types and whether it is on, that its secret is a new one, and where a replay begins', async () => {
  const url = 'https://example.com/hook';
  const made = await entryOf('POST', hooks(), { url, types: ['locked'] });
  const whole = { url, types: ['locked'], enabled: true, paused: false };
  assert.deepEqual(changeOf(made), ['createWebhook', null, whole]);
  const id = made.target.split('/').at(-1)!;
  assert.equal(made.target, `connectors/${connector.id}/webhooks/${id}`);
  const one = `${hooks()}/${id}`;
  const moved = await entryOf('PATCH', one, { url: 'https://example.org/', enabled: false });
  const { url: _, ...rest } = { ...whole, enabled: false };
  assert.deepEqual(changeOf(moved), [
    'changeWebhook',
    { url, enabled: true },
    { url: 'https://example.org/', enabled: false },
  ]);
  const rotated = await entryOf('PATCH', one, { rotate_secret: true });
  assert.deepEqual(changeOf(rotated), ['changeWebhook', {}, { secret: 'new' }]);
  const { position } = (await api.store.getWebhook(connector.id, id))!;
  const replayed = await entryOf('POST', `${one}/replay`, { after: 0 });
  const after = { position: 0, paused: false };
  assert.deepEqual(changeOf(replayed), ['replayWebhook', { ...after, position }, after]);
  const gone = await entryOf('DELETE', one);
  assert.deepEqual(changeOf(gone), ['deleteWebhook', { ...rest, url: 'https://example.org/' }, null]);
  assert.ok(new Set([made, moved, rotated, replayed, gone].map(({ target }) => target)).size === 1);
});

test('of a webhook that was paused: that it goes on, switched on or by a replay', async () => {
  const { body } = await api.call('POST', hooks(), { url: 'https://example.com/' });
  const pause = () => api.store.changeWebhook(connector.id, body.id, (hook) => ({ ...hook, pausedAt: 1 }));
  await pause();
  const resumed = await entryOf('PATCH', `${hooks()}/${body.id}`, { enabled: true });
  assert.deepEqual(changeOf(resumed), ['changeWebhook', { paused: true }, { paused: false }]);
  const { position } = await pause();
  const replayed = await entryOf('POST', `${hooks()}/${body.id}/replay`, { after: 0 });
  assert.deepEqual(replayed.before, { position, paused: true });
  assert.deepEqual(replayed.after, { position: 0, paused: false });
});

test('no secret of a webhook, in the clear or sealed', async () => {
  const { body } = await api.call('POST', hooks(), { url: 'https://example.com/' });
  const stored = (await api.store.getWebhook(connector.id, body.id))!;
  const rotated = await api.call('PATCH', `${hooks()}/${body.id}`, { rotate_secret: true });
  const text = JSON.stringify(await auditLog(api));
  for (const secret of [body.secret, rotated.body.secret, stored.secret]) assert.ok(!text.includes(secret));
});

const update = (body: object) => ['POST', `${connector.base}/identities/update`, body] as const;

test('of a job: what is done, to which devices or how many, and who asked; its devices have no entries of their own', async () => {
  await withJobs(api, async () => {
    for (const n of [1, 2, 3]) await api.call('PUT', `${connector.base}/identity/f${n}`, {});
    const byFilter = await entryOf(...update({ action: 'lock', filter: { identity: 'f', status: 'whitelisted' } }));
    const id = byFilter.target.split('/').at(-1)!;
    assert.equal(byFilter.target, `connectors/${connector.id}/jobs/${id}`);
    const filter = { identity: 'f', status: 'whitelisted' };
    assert.deepEqual(changeOf(byFilter), ['updateDevices', null, { action: { type: 'lock' }, filter, total: 3 }]);
    assert.equal(await api.store.countDevices(connector.id, { status: 'locked' }, Date.now() * 1000), 3);
    const undone = await entryOf('POST', `${connector.base}/jobs/${id}/undo`);
    assert.deepEqual(changeOf(undone), ['undoJob', { state: 'done' }, { state: 'undoing', changed: 3 }]);
    assert.equal(undone.target, byFilter.target);
    const token = await putKey(api.store, { name: 'line 9', role: 'operator', connector: connector.id });
    const named = update({ action: 'tag', tags: { site: ['north'] }, identities: ['f1', 'f2', 'f1', 'none'] });
    const byKey = await entryOf(...named, { token });
    assert.equal(byKey.who, 'key:line 9');
    const action = { type: 'tag', tags: { site: ['north'] } };
    assert.deepEqual(byKey.after, { action, identities: 3, total: 3 });
  });
});

test('of a job that was cancelled: how many devices it had changed', async () => {
  const begun = await during(() => api.call(...update({ action: 'lock', filter: { identity: 'f' } })));
  const id = begun[0]!.target.split('/').at(-1)!;
  const cancelled = await entryOf('DELETE', `${connector.base}/jobs/${id}`);
  assert.deepEqual(changeOf(cancelled), ['cancelJob', { state: 'running' }, { state: 'cancelled', changed: 0 }]);
});

const digest = (text: string) => createHash('sha256').update(text).digest('hex');
const file = (id: string) => `${connector.base}/content/${id}`;
const asText = { headers: { 'content-type': 'text/plain' } };

test('of a file: type, bytes, digest, description and whom it is for, before and after', async () => {
  const stored = await entryOf('PUT', `${file('fw')}?meta=1.0&offer=none`, 'one', asText);
  assert.equal(stored.target, `connectors/${connector.id}/content/fw`);
  const { updated: first, ...told } = stored.after as { updated: number };
  const description = { type: 'text/plain', bytes: 3, sha256: digest('one'), meta: '1.0', offer: 'none' };
  assert.deepEqual([stored.before, told], [null, { ...description, device: null, rollout: null }]);
  const replaced = await entryOf('PUT', `${file('fw')}?meta=1.0`, 'four', asText);
  const { updated: second, ...other } = replaced.after as { updated: number };
  assert.deepEqual(replaced.before, { bytes: 3, sha256: digest('one'), updated: first });
  assert.deepEqual(other, { bytes: 4, sha256: digest('four') });
  const offered = await entryOf('PATCH', file('fw'), { offer: 'tag:site:north' });
  assert.deepEqual(changeOf(offered), ['changeContent', { offer: 'none' }, { offer: 'tag:site:north' }]);
  assert.deepEqual(await during(() => api.call('PATCH', file('fw'), { offer: 'tag:site:north' })), []);
  const gone = await entryOf('DELETE', file('fw'));
  assert.equal(gone.after, null);
  assert.deepEqual((gone.before as { sha256: string }).sha256, digest('four'));
  assert.ok(second > first);
});

test('of a rollout: how it begins, each step, and whom the file is for once it was stopped', async () => {
  await api.call('PUT', file('rolled'), 'bytes', asText);
  const path = `${file('rolled')}/rollout`;
  const watch = { resource: 'fw', failure: ['bad'], share: 0.1 };
  const started = await entryOf('PUT', path, { steps: [10, 100], watch });
  const { started: since, stepped, ...rollout } = (started.after as { rollout: Record<string, unknown> }).rollout;
  assert.deepEqual(started.before, { rollout: null });
  assert.deepEqual([since, rollout.state, rollout.percent, rollout.steps], [stepped, 'running', 10, [10, 100]]);
  assert.deepEqual(rollout.watch, { ...watch, success: [], at_least: 1 });
  const held = await entryOf('PATCH', path, { action: 'hold' });
  assert.equal(held.action, 'holdRollout');
  assert.equal((held.after as { rollout: { state: string } }).rollout.state, 'held');
  await api.call('PATCH', path, { action: 'resume' });
  const advanced = await entryOf('PATCH', path, { action: 'advance' });
  assert.equal((advanced.after as { rollout: { percent: number } }).rollout.percent, 100);
  await api.call('DELETE', file('rolled'));
  await api.call('PUT', file('rolled'), 'bytes', asText);
  await api.call('PUT', path, {});
  const stopped = await entryOf('DELETE', path);
  assert.deepEqual(stopped.after, { rollout: null, offer: 'none' });
  assert.equal((stopped.before as { offer: string }).offer, 'all');
});

test('nothing of what was refused', async () => {
  await api.call('PUT', file('busy'), 'bytes', asText);
  await api.call('PUT', `${file('busy')}/rollout`, {});
  const { body: hook } = await api.call('POST', hooks(), { url: 'https://example.com/' });
  const refused: Parameters<TestApi['call']>[] = [
    ['POST', hooks(), { url: 'http://10.0.0.1/' }],
    ['PATCH', `${hooks()}/${hook.id}`, { url: 'http://10.0.0.1/' }],
    ['PATCH', `${hooks()}/none`, { enabled: false }],
    ['DELETE', `${hooks()}/none`],
    ['POST', `${hooks()}/none/replay`, { after: 0 }],
    [...update({ action: 'lock', filter: {}, expect: 9999 })],
    [...update({ action: 'lock' })],
    ['DELETE', `${connector.base}/jobs/none`],
    ['POST', `${connector.base}/jobs/none/undo`],
    ['PUT', file('busy'), 'other bytes', asText],
    ['PUT', file('-bad-name'), 'bytes', asText],
    ['PATCH', file('busy'), { offer: 'none' }],
    ['DELETE', file('none')],
    ['PUT', `${file('busy')}/rollout`, {}],
    ['PATCH', `${file('none')}/rollout`, { action: 'hold' }],
    ['DELETE', `${file('none')}/rollout`],
  ];
  const added = await during(async () => {
    for (const call of refused) {
      const answer = await api.call(...call);
      assert.ok(answer.status >= 400, `${call.slice(0, 2).join(' ')}: ${answer.text}`);
    }
  });
  assert.deepEqual(added, []);
});
