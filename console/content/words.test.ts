/** Offers, rollouts and names of files in words, and what a form makes of what is typed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { checkContentName, formatOffer, parseOffer } from '../../src/domain/content.ts';
import { startRollout } from '../../src/domain/rollout.ts';
import {
  checkRollout,
  describeOffer,
  emptyRollout,
  faultOfName,
  nameFor,
  offerFormOf,
  offerOf,
  rolloutOf,
} from './words.ts';

test('an offer goes through the form as it is, and the server reads it', () => {
  for (const offer of ['all', 'none', 'tag:site:lab', 'tag:site:a:b', 'batch:ab12']) {
    assert.equal(offerOf(offerFormOf(offer)), offer);
    assert.equal(formatOffer(parseOffer(offer)), offer);
  }
  assert.equal(offerOf({ to: 'tag', name: 'site', value: '', batch: '' }), null);
  assert.equal(offerOf({ to: 'tag', name: 'a:b', value: 'c', batch: '' }), null);
  assert.equal(offerOf({ to: 'batch', name: '', value: '', batch: '' }), null);
  assert.equal(describeOffer('tag:site:a:b'), 'Tag site: a:b');
});

test('whatever a file is called, the name made of it is one or is said to be none', () => {
  assert.equal(nameFor('Firmware (1.2) ü.bin'), 'Firmware-1.2-.bin');
  fc.assert(
    fc.property(fc.string(), (text) => {
      for (const name of [text, nameFor(text)]) {
        if (faultOfName(name) === null) assert.equal(checkContentName(name), name);
        else assert.throws(() => checkContentName(name));
      }
    }),
  );
});

test('a form without faults is a rollout that the server takes', () => {
  const form = { ...emptyRollout, steps: '1 %, 5;100', byItself: true, hours: '0.5', watched: true };
  const watched = { ...form, resource: 'fw', failure: 'failed\n\n -1 ', success: 'ok', share: '2.5', atLeast: '3' };
  assert.deepEqual(checkRollout(watched), {});
  const { steps, every, watch } = rolloutOf(watched);
  assert.deepEqual([steps, every], [[1, 5, 100], 1800]);
  assert.deepEqual(watch, { resource: 'fw', failure: ['failed', '-1'], success: ['ok'], share: 0.025, at_least: 3 });
  startRollout({ steps: steps!, every: null, watch: null }, 'salt', 0);
});

test('each field that makes no sense says what it wants', () => {
  const bad = { ...emptyRollout, steps: '10, 1', byItself: true, hours: 'x', watched: true, share: '', atLeast: '0' };
  assert.deepEqual(Object.keys(checkRollout(bad)).sort(), [
    'atLeast',
    'failure',
    'hours',
    'resource',
    'share',
    'steps',
  ]);
  assert.ok(checkRollout({ ...emptyRollout, watched: true, resource: 'a', failure: 'x', success: 'x' }).success);
  assert.deepEqual(checkRollout(emptyRollout), {});
});
