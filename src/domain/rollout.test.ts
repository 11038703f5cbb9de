/** Rollouts: who is chosen, and what time, figures and people make of one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AppError, type ErrorCode } from './errors.ts';
import {
  changeRollout,
  isChosen,
  judgeRollout,
  percentOf,
  placeOf,
  type Rollout,
  type RolloutRequest,
  rolloutEvent,
  startRollout,
} from './rollout.ts';

const NOW = 1_000_000_000;
const watch = { alias: 'fw', failure: ['failed'], success: ['ok'], share: 0.1, atLeast: 2 };
const begin = (over: Partial<RolloutRequest> = {}, salt = 'salt') =>
  startRollout({ steps: [1, 10, 100], every: null, watch: null, ...over }, salt, NOW);
const figures = (taken: number, failed: number) => ({ taken, failed, completed: taken, succeeded: 0 });
const throwsWith = (work: () => unknown, code: ErrorCode) =>
  assert.throws(work, (error) => error instanceof AppError && error.code === code);

test('those of a smaller share are among those of every larger one, and 100 % is everybody', () => {
  const share = fc.double({ min: 0.01, max: 100, noNaN: true });
  fc.assert(
    fc.property(fc.string(), fc.string(), share, share, (salt, identity, a, b) => {
      const [small, large] = [Math.min(a, b), Math.max(a, b)];
      const rollout: Rollout = { ...begin({}, salt), steps: [small, large, 100] };
      const chosen = rollout.steps.map((_, step) => isChosen({ ...rollout, step }, identity));
      assert.ok(!chosen[0] || chosen[1]);
      assert.equal(chosen[2], true);
    }),
  );
});

test('the choice is the same each time, and not that of another rollout', () => {
  const identities = Array.from({ length: 1000 }, (_, n) => String(n));
  const chosen = (salt: string) => identities.filter((identity) => isChosen({ ...begin({}, salt), step: 1 }, identity));
  assert.deepEqual(chosen('a'), chosen('a'));
  assert.notDeepEqual(chosen('a'), chosen('b'));
  // On other machines and in later versions too: devices that were chosen stay so.
  assert.equal(placeOf('salt', 'device').toFixed(12), '0.739099530291');
});

test('of identities in a row, as factories give them, a share is about that share', () => {
  for (const percent of [1, 10, 50]) {
    const rollout: Rollout = { ...begin(), steps: [percent, 100] };
    const chosen = Array.from({ length: 100_000 }, (_, n) => isChosen(rollout, String(n).padStart(8, '0')));
    const share = chosen.filter(Boolean).length / 1000;
    // Six standard deviations of a fair choice.
    const bound = 6 * Math.sqrt(percent * (100 - percent) * 0.00001);
    assert.ok(Math.abs(share - percent) < bound, `${share} % for ${percent} %`);
  }
});

for (const steps of [[], [0, 100], [10, 1, 100], [10, 10, 100], [1, 10], [50, 101], [Number.NaN, 100]]) {
  test(`steps ${JSON.stringify(steps)} are refused`, () => throwsWith(() => begin({ steps }), 'ROLLOUT_INVALID'));
}

test('a value cannot mean both failure and success, and something has to mean failure', () => {
  throwsWith(() => begin({ watch: { ...watch, success: ['failed'] } }), 'ROLLOUT_INVALID');
  throwsWith(() => begin({ watch: { ...watch, failure: [] } }), 'ROLLOUT_INVALID');
});

test('by hand it goes step by step to its end, and can be held and resumed on the way', () => {
  const first = begin();
  assert.equal(percentOf(first), 1);
  const second = changeRollout(first, { action: 'advance' }, NOW + 1);
  assert.deepEqual([percentOf(second), second.stepped], [10, NOW + 1]);
  const held = changeRollout(second, { action: 'hold' }, NOW + 2);
  assert.deepEqual([held.state, percentOf(held), isChosen(held, 'any')], ['held', 0, false]);
  const resumed = changeRollout(held, { action: 'resume' }, NOW + 3);
  assert.deepEqual([percentOf(resumed), resumed.since, resumed.reason], [10, NOW + 3, null]);
  const third = changeRollout(resumed, { action: 'advance' }, NOW + 4);
  const done = changeRollout(third, { action: 'advance' }, NOW + 5);
  assert.deepEqual([done.state, percentOf(done)], ['done', 100]);
  for (const action of ['advance', 'hold', 'resume'] as const)
    throwsWith(() => changeRollout(done, { action }, NOW), 'ROLLOUT_STATE');
  throwsWith(() => changeRollout(held, { action: 'advance' }, NOW), 'ROLLOUT_STATE');
  throwsWith(() => changeRollout(first, { action: 'resume' }, NOW), 'ROLLOUT_STATE');
});

test('by time it goes a step whenever that has passed, and no sooner', () => {
  let rollout = begin({ every: 100 });
  assert.equal(judgeRollout(rollout, figures(0, 0), NOW + 99), rollout);
  const seen: (number | string)[] = [];
  for (let at = NOW; at <= NOW + 400; at += 50) {
    rollout = judgeRollout(rollout, figures(0, 0), at);
    seen.push(rollout.state === 'done' ? 'done' : percentOf(rollout));
  }
  assert.deepEqual(seen, [1, 1, 10, 10, 100, 100, 'done', 'done', 'done']);
  const byHand = begin();
  assert.equal(judgeRollout(byHand, figures(0, 0), NOW * 1000), byHand);
});

for (const [taken, failed, held] of [
  [0, 0, false],
  [1, 1, false],
  [2, 2, true],
  [20, 2, false],
  [19, 2, true],
  [1000, 100, false],
  [1000, 101, true],
] as const) {
  test(`with ${failed} of ${taken} failed, where 10 % and at least 2 hold it, it is ${held ? 'held' : 'not held'}`, () => {
    const judged = judgeRollout(begin({ watch, every: 1 }), figures(taken, failed), NOW);
    assert.equal(judged.state, held ? 'held' : 'running');
    if (held) assert.match(judged.reason ?? '', new RegExp(`${failed} of ${taken} devices .* fw`));
  });
}

test('too many failures win over the time for the next step', () => {
  assert.equal(judgeRollout(begin({ watch, every: 1 }), figures(10, 10), NOW + 5).state, 'held');
});

test('nothing happens by itself to one that is held or done', () => {
  for (const state of ['held', 'done'] as const) {
    const rollout: Rollout = { ...begin({ watch, every: 1 }), state };
    assert.equal(judgeRollout(rollout, figures(10, 10), NOW + 5), rollout);
  }
});

test('each step is an event that says what, how far, who and why', () => {
  const first = begin();
  const second = changeRollout(first, { action: 'advance' }, NOW);
  const held = judgeRollout(begin({ watch }), figures(2, 2), NOW);
  const by = { who: 'admin@localhost', origin: null, now: NOW };
  const told = (before: Rollout | null, after: Rollout | null) => rolloutEvent('fw.bin', { before, after }, by).payload;
  const payload = (action: string, percent: number) => ({ content: 'fw.bin', action, percent, who: 'admin@localhost' });
  assert.deepEqual(told(null, first), payload('started', 1));
  assert.deepEqual(told({ ...begin({}, 'other'), state: 'done' }, first), payload('started', 1));
  assert.deepEqual(told(first, second), payload('advanced', 10));
  assert.deepEqual(told(first, held), { ...payload('held', 0), reason: held.reason });
  assert.deepEqual(told(held, changeRollout(held, { action: 'resume' }, NOW)), payload('resumed', 1));
  assert.deepEqual(told(second, { ...second, state: 'done' }), payload('done', 100));
  assert.deepEqual(told(second, null), payload('stopped', 0));
});

test('who says at which step they see it acts at that step alone', () => {
  const first = startRollout({ steps: [1, 10, 100], every: null, watch: null }, 'salt', NOW);
  const second = changeRollout(first, { action: 'advance', step: 0 }, NOW);
  assert.equal(second.step, 1);
  throwsWith(() => changeRollout(second, { action: 'advance', step: 0 }, NOW), 'ROLLOUT_STATE');
  assert.equal(changeRollout(second, { action: 'hold', step: 1 }, NOW).state, 'held');
});
