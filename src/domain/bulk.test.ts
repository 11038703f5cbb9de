/** What bulk actions make of one device, and what undoing them makes of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { applyBulk, type BulkAction, canUndo, newJob, undoBulk } from './bulk.ts';
import { type Device, newDevice, type Tags } from './device.ts';

const NOW = 1_790_000_000_000_000;
const actor = { who: 'w', origin: { ip: '192.0.2.1', protocol: null, connectionId: null }, now: NOW };
const apply = (device: Device, action: BulkAction) => applyBulk(device, action, actor, 'j');
const token = { type: 'token', digest: 'a'.repeat(64) } as const;

const name = fc.constantFrom('a', 'b', 'c', 'constructor', '__proto__x');
const values = fc.uniqueArray(fc.constantFrom('1', '2', '3', ''), { minLength: 1 });
const tags: fc.Arbitrary<Tags> = fc.dictionary(name, values);

test('a lock or tag that is undone leaves the device as it was, whatever it was', () => {
  const action: fc.Arbitrary<BulkAction> = fc.oneof(
    fc.constantFrom<BulkAction>({ type: 'lock' }, { type: 'unlock' }),
    tags.map((tags): BulkAction => ({ type: 'tag', tags })),
    fc.uniqueArray(name, { minLength: 1 }).map((names): BulkAction => ({ type: 'untag', names })),
  );
  fc.assert(
    fc.property(tags, fc.boolean(), action, (tags, locked, action) => {
      const device = { ...newDevice('d', NOW), tags, locked };
      const { answer, device: after } = apply(device, action);
      if (answer.result === 'same') return;
      assert.equal(answer.result, 'changed');
      assert.equal(apply(after!, action).answer.result, 'same');
      const undone = undoBulk(after!, action, answer.before!, actor, 'j').device!;
      const sorted = (tags: Tags) => Object.entries(tags).toSorted(([a], [b]) => (a < b ? -1 : 1));
      assert.deepEqual({ ...undone, tags: sorted(undone.tags) }, { ...device, tags: sorted(device.tags) });
    }),
  );
});

test('what somebody has changed since is not undone', () => {
  const locked = { ...newDevice('d', NOW), locked: true };
  assert.equal(
    undoBulk({ ...locked, locked: false }, { type: 'lock' }, { locked: false }, actor, 'j').device,
    undefined,
  );
  const action: BulkAction = { type: 'tag', tags: { a: ['1'] } };
  const since = { ...newDevice('d', NOW), tags: { a: ['2'] } };
  assert.equal(undoBulk(since, action, { tags: { a: [] } }, actor, 'j').device, undefined);
});

test('an end for windows alone leaves devices with a credential as they are', () => {
  const provisioned: Device = { ...newDevice('d', NOW), credential: token, provisionedAt: NOW };
  const action: BulkAction = { type: 'expire', expire: NOW + 1, unprovisioned: true };
  assert.equal(apply(provisioned, action).answer.result, 'same');
  assert.equal(apply(newDevice('d', NOW), action).device!.expiresAt, NOW + 1);
  assert.equal(apply(provisioned, { ...action, unprovisioned: false }).device!.expiresAt, NOW + 1);
});

test('what the rules refuse is told and changes nothing; events name who and which job', () => {
  const { answer, device } = apply(newDevice('d', NOW), { type: 'reprovision' });
  assert.deepEqual([answer.result, answer.refusal?.code, device], ['refused', 'STATE_CONFLICT', undefined]);
  const { events } = apply(newDevice('d', NOW), { type: 'delete' });
  assert.deepEqual(
    events!.map(({ type, payload }) => [type, payload]),
    [['deleted', { who: 'w', job: 'j' }]],
  );
});

test('a job can be undone once it is over and has changed something that can be given back', () => {
  const asked = { id: 'j', connector: 'c', ...actor, created: NOW, total: 1 };
  const done = { ...newJob({ ...asked, action: { type: 'lock' } }), state: 'done', changed: 1 } as const;
  assert.equal(canUndo(done), true);
  assert.equal(canUndo({ ...done, state: 'cancelled' }), true);
  for (const state of ['running', 'undoing', 'undone'] as const) assert.equal(canUndo({ ...done, state }), false);
  assert.equal(canUndo({ ...done, changed: 0 }), false);
  assert.equal(canUndo({ ...done, action: { type: 'delete' } }), false);
});
