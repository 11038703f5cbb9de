/** Resources as the console handles them: forms, changes that meet those of others, aliases that nobody defined. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Resource } from '../../src/domain/connector.ts';
import { checkResource } from '../../src/domain/resources.ts';
import { applyChanges, clashesOf, isSame } from './change.ts';
import { checkForm, emptyForm, faultsByField, formOf, resourceOfForm } from './form.ts';
import { readResourceSearch } from './search.ts';
import { gatherUndefined, plainResource } from './undefined.ts';

const nobody = () => false;
const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('', ' a', '"', 'a\nb', '\r', '-40..125', '1'),
);
const value = (format: Resource['format']): fc.Arbitrary<string | number | boolean> =>
  format === 'number'
    ? fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constantFrom('9-11', '007'))
    : format === 'boolean'
      ? fc.oneof(fc.boolean(), fc.constantFrom('1', '0', 'True'))
      : text;
const resource = fc.constantFrom<Resource['format'][]>('string', 'number', 'boolean').chain((format) =>
  fc.record({
    format: fc.constant(format),
    unit: fc.constantFrom('', '°C'),
    settable: fc.constant(true),
    allowed: fc.array(value(format), { maxLength: 5 }),
    initial: fc.oneof(fc.constant(null), value(format)),
    sync: fc.boolean(),
  }),
);

test('a definition comes out of its form as the server judges it, whatever is in it', () => {
  fc.assert(
    fc.property(resource, (given) => {
      const back = resourceOfForm(formOf('a', given));
      assert.deepEqual(back.allowed.map(String), given.allowed.map(String));
      assert.equal(String(back.initial), String(given.initial));
      assert.deepEqual(checkResource('a', back), checkResource('a', given));
      assert.ok(isSame(back, resourceOfForm(formOf('a', back))));
    }),
  );
});

test('what is not settable has no initial value', () => {
  assert.equal(resourceOfForm({ ...emptyForm, initial: 'x' }).initial, null);
});

test('faults stand at their fields, with the line that is wrong', () => {
  const form = {
    ...emptyForm,
    alias: 'a.b',
    format: 'number' as const,
    allowed: '1\n\nten',
    settable: true,
    initial: 'x',
  };
  const faults = checkForm(form, nobody);
  assert.match(faults.alias ?? '', /none of \. \$/);
  assert.match(faults.allowed ?? '', /^Line 3: saw ten, expected a decimal number/);
  assert.match(faults.initial ?? '', /a decimal number/);
  assert.deepEqual(checkForm({ ...emptyForm, alias: 'ok' }, nobody), {});
  assert.match(checkForm({ ...emptyForm, alias: 'ok' }, () => true).alias ?? '', /already/);
});

test('faults of the server stand at the same fields; those of others are left out', () => {
  const form = { ...emptyForm, alias: 'a' };
  const faults = [
    { path: 'resources.a.unit', seen: '70 characters', wanted: 'at most 64' },
    { path: 'resources.b.unit', seen: '70 characters', wanted: 'at most 64' },
    { path: 'name', seen: '', wanted: '' },
  ];
  assert.deepEqual(faultsByField(faults, form), { unit: 'saw 70 characters, expected at most 64' });
});

const number = plainResource('number');
const string = plainResource('string');

test('a change goes into a set that others have changed, if it is about other aliases', () => {
  const changes = [{ alias: 'a', from: string, to: number }];
  const latest = { a: string, b: number, c: string };
  assert.deepEqual(clashesOf(changes, latest), []);
  assert.deepEqual(applyChanges(changes, latest), { a: number, b: number, c: string });
  assert.deepEqual(applyChanges([{ alias: 'b', from: number, to: null }], latest), { a: string, c: string });
});

test('a change of what somebody else has changed is a clash, unless both mean the same', () => {
  const kelvin = { ...number, unit: 'K' };
  assert.deepEqual(clashesOf([{ alias: 'a', from: string, to: number }], { a: kelvin }), [
    { alias: 'a', from: kelvin, to: number },
  ]);
  assert.deepEqual(clashesOf([{ alias: 'a', from: string, to: number }], {}), [{ alias: 'a', from: null, to: number }]);
  assert.deepEqual(clashesOf([{ alias: 'a', from: null, to: number }], { a: number }), []);
  assert.deepEqual(clashesOf([{ alias: 'a', from: string, to: null }], {}), []);
  assert.deepEqual(clashesOf([{ alias: 'constructor', from: null, to: number }], {}), []);
});

test('undefined aliases are counted by write, newest value first, with the format that all values have', () => {
  const write = (timestamp: number, values: Record<string, string>, undefinedAliases: string[]) => ({
    timestamp,
    payload: [{ timestamp, values, undefined: undefinedAliases }],
  });
  const writes = [
    write(3, { temp: '21.5', on: 'true', note: 'x', known: '1' }, ['temp', 'on', 'note']),
    write(2, { temp: '20', on: '0', note: '7' }, ['temp', 'on', 'note']),
    write(1, { temp: '19', since: '1' }, ['temp', 'since']),
    { timestamp: 0, payload: null },
  ];
  assert.deepEqual(gatherUndefined(writes, { since: number }), [
    { alias: 'temp', format: 'number', sample: '21.5', writes: 3, last: 3 },
    { alias: 'note', format: 'string', sample: 'x', writes: 2, last: 3 },
    { alias: 'on', format: 'boolean', sample: 'true', writes: 2, last: 3 },
  ]);
});

test('no address breaks the page', () => {
  assert.deepEqual(readResourceSearch({ dialog: 'edit', alias: 7, page: 2 }), {
    find: undefined,
    page: 2,
    dialog: 'edit',
    alias: '7',
  });
  assert.equal(readResourceSearch({ dialog: 'edit' }).dialog, undefined);
  const keys = fc.constantFrom('find', 'page', 'dialog', 'alias');
  fc.assert(fc.property(fc.dictionary(keys, fc.anything()), (given) => void readResourceSearch(given)));
});
