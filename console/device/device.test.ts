/** The logic of the device's page: its address, its commands, its rows, its chart, what can be done. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Identity, Resource } from '../api/types.ts';
import { validityOf } from '../parts/validity.ts';
import { possibleActions } from './actions.ts';
import { formatFingerprint } from './credential.ts';
import {
  bucketOf,
  describe,
  drawingOf,
  formatBucket,
  formatNumber,
  fromLocalInput,
  type History,
  kindOf,
  spanOf,
  toLocalInput,
} from './history.ts';
import { readDevicePageSearch } from './search.ts';
import { controlOf, exampleOf, rowsOf } from './values.ts';

const now = 1_700_000_000_000_000;
const HOUR = 3_600_000_000;

const resource = (given: Partial<Resource> = {}): Resource => ({
  format: 'string',
  unit: '',
  settable: true,
  allowed: [],
  initial: null,
  sync: true,
  ...given,
});
const device = (given: Partial<Identity> = {}) =>
  ({ locked: false, reprovision: false, credential: null, auth: { type: 'token', expire: now }, ...given }) as Identity;

test('an address is taken for what makes sense of it', () => {
  const plain = (given: object) => JSON.parse(JSON.stringify(readDevicePageSearch(given as Record<string, unknown>)));
  assert.deepEqual(plain({ alias: 42, range: '7d', from: 1, to: 2, view: 'table', event: 7, dialog: 'delete' }), {
    alias: '42',
    range: '7d',
    view: 'table',
    event: 7,
    dialog: 'delete',
  });
  assert.deepEqual(plain({ range: 'custom', from: 5, to: 9 }), { range: 'custom', from: 5, to: 9 });
  assert.deepEqual(plain({ range: 'custom', from: 9, to: 5 }), {});
  assert.deepEqual(plain({ range: '2h', view: 'x', event: -1, dialog: 'explode', alias: '' }), {});
});

test('every resource has a row, and so has a value whose resource is gone', () => {
  const resources = { b: resource({ format: 'number' }), a: resource(), c: resource({ format: 'boolean' }) };
  const at = { timestamp: now };
  const state = {
    b: { reported: '22', set: '22.0', ...at },
    c: { reported: '1', set: 'false', ...at },
    old: { reported: 'x', set: 'x', ...at },
  };
  assert.deepEqual(
    rowsOf(resources, state).map(({ alias, resource, waiting }) => [alias, resource !== null, waiting]),
    [
      ['a', true, false],
      ['b', true, false],
      ['c', true, true],
      ['old', false, false],
    ],
  );
  const fixed = rowsOf({ b: resource({ format: 'number', settable: false }), c: resource({ settable: false }) }, state);
  assert.deepEqual(
    fixed.map(({ set }) => set),
    [null, 'false', null],
    'what cannot be set shows a value only where another one was set',
  );
  const [never] = rowsOf({ a: resource() }, { a: { reported: null, set: 'on', ...at } });
  assert.equal(never!.waiting, true);
  assert.deepEqual(
    rowsOf({}, {}).map(({ alias }) => alias),
    [],
  );
});

test('a value is set by the control that fits its resource', () => {
  assert.deepEqual(controlOf(resource({ format: 'boolean' })), { kind: 'switch' });
  assert.deepEqual(controlOf(resource({ allowed: ['on', 'off', 'on'] })), { kind: 'select', options: ['on', 'off'] });
  assert.deepEqual(controlOf(resource({ format: 'number', allowed: [1, 2] })), { kind: 'select', options: ['1', '2'] });
  assert.deepEqual(controlOf(resource({ format: 'number', allowed: ['10-30', 5], unit: '°C' })), {
    kind: 'number',
    hint: 'Allowed: 10-30, 5 (°C)',
  });
  assert.equal(controlOf(resource()).kind, 'text');
  assert.deepEqual(exampleOf([]), { alias: 'myalias', value: '50' });
  assert.deepEqual(exampleOf(rowsOf({ mode: resource({ allowed: ['on'] }) }, {})), { alias: 'mode', value: 'on' });
});

test('the time of a chart ends now, or is the one that was chosen', () => {
  assert.deepEqual(spanOf({}, now), { from: now - 24 * HOUR, to: now });
  assert.deepEqual(spanOf({ range: '1h' }, now), { from: now - HOUR, to: now });
  assert.deepEqual(spanOf({ range: 'all' }, now), { from: 0, to: now });
  assert.deepEqual(spanOf({ range: 'custom', from: 5, to: 9 }, now), { from: 5, to: 9 });
});

test('a chart has at most 480 summed-up points, whatever its time', () => {
  for (const hours of [0, 0.01, 1, 24, 168, 720, 8760, 87_600]) {
    const to = now + hours * HOUR;
    const width = bucketOf({ from: now, to });
    assert.ok((to - now) / 1_000_000 / width <= 480, `${hours} h by ${width} s`);
  }
  assert.equal(formatBucket(bucketOf({ from: now - 24 * HOUR, to: now })), '5 min');
  assert.equal(formatBucket(86_400), '1 day');
});

const history = (given: Partial<History>): History => ({
  kind: 'number',
  points: [],
  bucket: null,
  cut: false,
  from: 0,
  to: now,
  ...given,
});

test('values are drawn as what they are', () => {
  const drawn = (given: Partial<History>) =>
    drawingOf('t', history(given)).series.map(({ label, look, values }) => [label, look, ...values]);
  const points = ['1', '2.5', 'x', ''].map((value, i) => ({ timestamp: i * 1_000_000, value }));
  assert.deepEqual(drawn({ points }), [['t', 'bare', 1, 2.5, null, null]]);
  const flags = ['true', '0', 'maybe'].map((value, i) => ({ timestamp: i * 1_000_000, value }));
  assert.deepEqual(drawn({ kind: 'boolean', points: flags }), [['t', 'steps', 1, 0, null]]);
  const summed = [{ timestamp: 7, min: 1, mean: 2, max: 3, count: 9 }];
  assert.deepEqual(drawn({ points: summed, bucket: 60 }), [
    ['least', 'edge', 1],
    ['greatest', 'band', 3],
    ['mean', 'bare', 2],
  ]);
  assert.deepEqual(drawingOf('t', history({ points: summed, bucket: 60 })).times, [7]);
  assert.equal(kindOf(undefined, points.slice(0, 2)), 'number');
  assert.equal(kindOf(undefined, points), 'text');
  assert.equal(kindOf('string', points.slice(0, 1)), 'text');
});

test('a chart is told in a sentence', () => {
  const points = ['1', '2.5'].map((value, i) => ({ timestamp: i, value }));
  assert.equal(describe('t', '°C', history({ points })), 't: 2 values in °C, from 1 to 2.5, last 2.5');
  assert.equal(describe('t', '', history({})), 't: no values');
  const summed = [{ timestamp: 0, min: 1, mean: 2, max: 3, count: 9 }];
  assert.equal(describe('t', '', history({ points: summed, bucket: 60 })), 't: 9 values, from 1 to 3, last 2');
  assert.equal(formatNumber(0.1 + 0.2), '0.3');
});

test('a time goes into a field and comes out of it', () => {
  assert.equal(fromLocalInput(toLocalInput(now)), now);
  assert.equal(fromLocalInput('yesterday'), null);
});

test('what can be done depends on how the device stands', () => {
  const names = (given: Partial<Identity>) => possibleActions(device(given)).map(({ name }) => name);
  assert.deepEqual(names({}), ['lock', 'window', 'revoke', 'delete']);
  assert.deepEqual(names({ auth: { type: 'token', expire: 0 } }), ['lock', 'window', 'delete']);
  const bound = { credential: { type: 'token' as const }, auth: { type: 'token' as const } };
  assert.deepEqual(names(bound), ['lock', 'reprovision', 'revoke', 'delete']);
  assert.deepEqual(names({ ...bound, locked: true }), ['unlock', 'reprovision', 'revoke', 'delete']);
  assert.deepEqual(names({ ...bound, reprovision: true }), ['lock', 'withdraw', 'revoke', 'delete']);
  assert.deepEqual(names({ ...bound, auth: { type: 'token', expire: now } }), [
    'lock',
    'keep',
    'reprovision',
    'revoke',
    'delete',
  ]);
});

test('a certificate that ends within thirty days is worth a word', () => {
  const day = 24 * HOUR;
  assert.deepEqual(validityOf(now - day, now + 31 * day, now), { text: '31 days left', tone: 'good' });
  assert.deepEqual(validityOf(now - day, now + 29 * day, now), { text: '29 days left', tone: 'warn' });
  assert.deepEqual(validityOf(now - day, now + HOUR, now), { text: 'less than a day left', tone: 'warn' });
  assert.deepEqual(validityOf(now - 9 * day, now - day, now), { text: 'ended 1 day ago', tone: 'bad' });
  assert.deepEqual(validityOf(now + 2 * day, now + 9 * day, now), { text: 'begins in 2 days', tone: 'bad' });
  assert.deepEqual(
    formatFingerprint('abcd01').map(({ text }) => text),
    ['AB:', 'CD:', '01'],
  );
});
