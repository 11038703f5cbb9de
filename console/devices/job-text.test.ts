/** How the console tells of a job. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Job } from '../api/types.ts';
import { outcomeOf, throughOf } from './job-text.ts';

const job = {
  ...{
    id: 'a',
    action: { type: 'lock' },
    who: 'w',
    created: 1,
    state: 'done',
    total: 10,
    changed: 7,
    same: 2,
    refused: 1,
  },
  ...{ refusals: [], restored: 0, left: 0, finished: 2, undoable: true },
} satisfies Job;

test('an outcome names what was changed, what needed no change and what was refused, where there is such', () => {
  assert.equal(outcomeOf(job, 'locked'), '7 devices locked, 2 needed no change, 1 refused');
  assert.equal(outcomeOf({ ...job, changed: 1, same: 0, refused: 0 }, 'locked'), '1 device locked');
});

test('an undoing tells how many are as before, and of those that others have changed', () => {
  const undone: Job = { ...job, state: 'undone', restored: 6, left: 1 };
  assert.equal(outcomeOf(undone, 'locked'), '6 devices as before; 1 device changed since, and left as they are');
  assert.deepEqual(throughOf(undone), [7, 7]);
});

test('progress never passes its end, also where more devices fit than did at the beginning', () => {
  assert.deepEqual(throughOf({ ...job, changed: 20 }), [23, 23]);
  assert.deepEqual(throughOf({ ...job, changed: 1 }), [4, 10]);
});
