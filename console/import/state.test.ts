/** The dialog's way from a file to devices, and back out of every failure. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiFailure, Unreachable } from '../api/failure.ts';
import { FileUnreadable } from './failure-text.ts';
import type { Review } from './review.ts';
import {
  type Action,
  batchName,
  expiryOf,
  findLost,
  hoursFault,
  type ImportState,
  initialState,
  percent,
  reduce,
  whyNotAdd,
  withHours,
} from './state.ts';

const file = { name: 'lot.csv', size: 100 };
const review: Review = { total: 3, new: 3, duplicates: 0, known: {}, bad: 0, rows: [], repeated: [] };
const batch = { id: 'b', name: 'lot.csv', who: 'a@b', created: 1, state: 'done', count: 3 } as const;
const walk = (...actions: Action[]): ImportState => actions.reduce(reduce, initialState);
const chosen: Action = { type: 'chosen', file };
const checked: Action = { type: 'answered', answer: { ...review, batch: null } };
const sent: Action = { type: 'progress', progress: { phase: 'writing', rows: 1, total: 3 } };
const refused = (code: string, more = {}): Action => ({
  type: 'failed',
  error: new ApiFailure({ statusCode: 400, code, error: '', message: '', ...more }),
});

test('a file is checked as soon as it is chosen, then added, and the result is shown', () => {
  assert.deepEqual(walk(chosen).step, { at: 'checking', progress: { phase: 'sending', sent: 0, size: 100 } });
  assert.deepEqual(walk(chosen, checked).step, { at: 'checked', review, error: null });
  assert.equal(walk(chosen, checked, { type: 'add' }).step.at, 'adding');
  const added = walk(chosen, checked, { type: 'add' }, { type: 'answered', answer: { ...review, batch } });
  assert.deepEqual(added.step, { at: 'added', review, batch });
});

test('nothing is added before it was checked', () => {
  for (const before of [[], [chosen]]) assert.notEqual(walk(...before, { type: 'add' }).step.at, 'adding');
  assert.equal(walk(chosen, { type: 'unfit', fault: 'empty' }, { type: 'add' }).step.at, 'choose');
});

test('a failed check keeps file and choices, and can be tried again', () => {
  const choice: Action = { type: 'choice', choices: { hours: 7, name: 'Lot 7' } };
  const failed = walk(chosen, choice, refused('SESSION_INVALID'));
  assert.equal(failed.step.at, 'unchecked');
  assert.deepEqual([failed.file, failed.choices.hours, batchName(failed)], [file, 7, 'Lot 7']);
  assert.equal(reduce(failed, { type: 'check' }).step.at, 'checking');
});

test('a refused writing keeps what was found, and can be tried again', () => {
  const failed = walk(chosen, checked, { type: 'add' }, refused('SESSION_INVALID'));
  assert.ok(failed.step.at === 'checked');
  assert.deepEqual(failed.step.review, review);
  assert.equal(whyNotAdd(withHours(failed, 48)), null);
  assert.equal(reduce(failed, { type: 'add' }).step.at, 'adding');
});

test('a writing refused for bad rows shows those, and asks anew whether to leave them out', () => {
  const { rows: _, ...details } = { ...review, bad: 1 };
  const state = walk(
    chosen,
    checked,
    { type: 'choice', choices: { skip: true } },
    { type: 'add' },
    refused('IMPORT_REFUSED', { details, rows: [] }),
  );
  assert.ok(state.step.at === 'checked' && state.step.review.bad === 1 && state.step.error !== null);
  assert.equal(state.choices.skip, false);
});

test('a file that changed on the disk has to be checked again', () => {
  const state = walk(chosen, checked, { type: 'add' }, { type: 'failed', error: new FileUnreadable() });
  assert.equal(state.step.at, 'unchecked');
});

test('a server lost, or failing, while adding leaves open what came of it, until the batch is found', () => {
  const lost: Action = { type: 'failed', error: new Unreachable() };
  const early = walk(chosen, checked, { type: 'add' }, lost);
  assert.ok(early.step.at === 'lost' && !early.step.uploaded);
  const late = walk(chosen, checked, { type: 'add' }, sent, lost);
  assert.ok(late.step.at === 'lost' && late.step.uploaded);
  const stopping = walk(chosen, checked, { type: 'add' }, sent, refused('STORAGE_UNAVAILABLE', { statusCode: 503 }));
  assert.equal(stopping.step.at, 'lost');
  const unsent = walk(chosen, checked, { type: 'add' }, { type: 'failed', error: new Unreachable(), begun: false });
  assert.equal(unsent.step.at, 'checked');
  assert.equal(reduce(late, { type: 'add' }).step.at, 'adding');
  assert.deepEqual(reduce(late, { type: 'found', batch }).step, { at: 'added', review, batch });
});

test('what comes late, of a request that was cancelled, changes nothing', () => {
  for (const action of [sent, checked, refused('CSV_INVALID')]) assert.deepEqual(walk(action), initialState);
  assert.deepEqual(walk(chosen, { type: 'reset' }, checked), initialState);
});

test('another file does not take over the leave to skip bad rows, but window and typed name', () => {
  const state = walk(chosen, { type: 'choice', choices: { skip: true, hours: 5, name: 'Mine' } }, chosen);
  assert.deepEqual(state.choices, { skip: false, hours: 5, name: 'Mine' });
});

test('ADD waits for a file with new devices, leave to skip bad rows, and a window', () => {
  const looked = (found: Partial<Review>, choices = {}) =>
    whyNotAdd({
      file,
      choices: { ...initialState.choices, hours: 48, ...choices },
      step: { at: 'checked', review: { ...review, ...found }, error: null },
    });
  assert.match(whyNotAdd(initialState)!, /Choose a file/);
  assert.match(looked({ new: 0 })!, /no new device/);
  assert.match(looked({ bad: 1 })!, /bad rows/);
  assert.equal(looked({ bad: 1 }, { skip: true }), null);
  assert.match(looked({}, { hours: '' })!, /activation window/);
  assert.equal(looked({}), null);
});

test('the window is that of the connector unless changed, and ends that long after the time of the server', () => {
  assert.equal(withHours(initialState, 12).choices.hours, 12);
  const typed = withHours(walk(chosen, { type: 'choice', choices: { hours: 48 } }), 12);
  assert.equal(expiryOf(typed.choices, 1_000), 1_000_000 + 48 * 3_600_000_000);
  const faults = [-5, 0, 0.5, 87_600, 87_601, ''].map((hours) => hoursFault({ ...typed.choices, hours }) !== null);
  assert.deepEqual(faults, [true, true, false, false, true, true]);
});

test('the batch has the name of the file unless one was typed', () => {
  assert.equal(batchName(walk(chosen)), 'lot.csv');
  assert.equal(batchName(walk(chosen, { type: 'choice', choices: { name: '  ' } })), 'lot.csv');
  assert.equal(batchName(walk({ type: 'chosen', file: { name: 'x'.repeat(255), size: 1 } })).length, 200);
});

test('progress is a part of the whole where the whole is known', () => {
  assert.equal(percent({ phase: 'sending', sent: 50, size: 200 }), 25);
  assert.equal(percent({ phase: 'reading', rows: 5 }), null);
  assert.equal(percent({ phase: 'reading', rows: 5 }, 10), 50);
  assert.equal(percent({ phase: 'writing', rows: 10, total: 10 }), 100);
  assert.equal(percent({ phase: 'writing', rows: 0, total: 0 }), 100);
});

test('a lost batch is found by being new, and by its name and person', () => {
  const found = (before: string[], name: string, who: string) => findLost([batch], new Set(before), name, who)?.id;
  assert.equal(found([], 'lot.csv', 'a@b'), 'b');
  assert.equal(found(['b'], 'lot.csv', 'a@b'), undefined);
  assert.equal(found([], 'other.csv', 'a@b'), undefined);
  assert.equal(found([], 'lot.csv', 'c@d'), undefined);
});
