import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Resource } from './connector.ts';
import { checkAlias, checkResource, checkValue, parseRange } from './resources.ts';

function resource(given: Partial<Resource> = {}): Resource {
  return { format: 'string', unit: '', settable: false, allowed: [], initial: null, sync: false, ...given };
}

describe('an alias', () => {
  for (const alias of ['temperature', 'a', 'a b', 'ä', '温度', 'a-b_c', '%', '?', 'x'.repeat(128)]) {
    test(`may be ${alias.slice(0, 20)}`, () => assert.equal(checkAlias(alias), true));
  }
  for (const alias of [
    '',
    'x'.repeat(129),
    '😀'.repeat(65),
    'a\n',
    'a\0',
    '\x9f',
    '\ud800',
    '__proto__',
    ...'.$&=/+#',
  ]) {
    test(`may not be ${JSON.stringify(alias.slice(0, 20))}`, () => assert.equal(checkAlias(alias), false));
  }
});

describe('a range', () => {
  const rows: [string, [number, number] | null][] = [
    ['9-11', [9, 11]],
    ['9..11', [9, 11]],
    ['-40..125', [-40, 125]],
    ['-40-125', [-40, 125]],
    ['-5--1', [-5, -1]],
    ['-5..-1', [-5, -1]],
    ['0.5-1.25', [0.5, 1.25]],
    ['1e-3-1e3', [0.001, 1000]],
    ['3-3', [3, 3]],
    ['11-9', null],
    ['5', null],
    ['-5', null],
    ['5-', null],
    ['..5', null],
    ['1...5', null],
    ['1-2-3', null],
    ['1 - 2', null],
    ['a-b', null],
    ['0-1e999', null],
    ['', null],
  ];
  for (const [text, ends] of rows) {
    test(`"${text}" is ${ends === null ? 'none' : `from ${ends[0]} to ${ends[1]}`}`, () => {
      assert.deepEqual(parseRange(text), ends === null ? null : { from: ends[0], to: ends[1] });
    });
  }

  test('reads back any two numbers, with either sign', () => {
    const value = fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }));
    fc.assert(
      fc.property(value, value, fc.constantFrom('-', '..'), (a, b, separator) => {
        const [from, to] = a <= b ? [a, b] : [b, a];
        // String(-0) is 0.
        assert.deepEqual(parseRange(`${from}${separator}${to}`), { from: from + 0, to: to + 0 });
      }),
    );
  });
});

describe('a value', () => {
  const number = resource({ format: 'number' });
  const boolean = resource({ format: 'boolean' });
  const ranges = resource({ format: 'number', allowed: ['-40..-10', '9-11', 42, '0.1'] });
  const rows: [string, Resource, string, boolean][] = [
    ['a string', resource(), '', true],
    ['a string', resource(), 'x'.repeat(100_000), true],
    ...['0', '-1', '1.5', '007', '.5', '5.', '1e3', '-1E-3', '123456789012345678901234567890'].map(
      (text): [string, Resource, string, boolean] => ['a number', number, text, true],
    ),
    ...['', ' 1', '1 ', '+1', '0x10', 'NaN', 'Infinity', '1e999', '1,5', '.', '-', 'e1', '1_0', '--1', '٣'].map(
      (text): [string, Resource, string, boolean] => ['a number', number, text, false],
    ),
    ...['true', 'false', '1', '0', 'True', 'FALSE'].map((text): [string, Resource, string, boolean] => [
      'a boolean',
      boolean,
      text,
      true,
    ]),
    ...['', 'yes', 'on', '2', 'true ', '1.0'].map((text): [string, Resource, string, boolean] => [
      'a boolean',
      boolean,
      text,
      false,
    ]),
    ['one of on, off', resource({ allowed: ['on', 'off'] }), 'on', true],
    ['one of on, off', resource({ allowed: ['on', 'off'] }), 'On', false],
    ['one of 1, 2 as text', resource({ allowed: [1, 2] }), '1', true],
    ['one of 1, 2 as text', resource({ allowed: [1, 2] }), '1.0', false],
    ['true only', resource({ format: 'boolean', allowed: [true] }), '1', true],
    ['true only', resource({ format: 'boolean', allowed: [true] }), 'false', false],
    ...['-40', '-10.0', '-25', '9', '10.5', '11', '42.00', '4.2e1', '0.10'].map(
      (text): [string, Resource, string, boolean] => ['in the ranges', ranges, text, true],
    ),
    ...['-41', '-9.99', '8', '11.01', '43', '0.11', 'x'].map((text): [string, Resource, string, boolean] => [
      'in the ranges',
      ranges,
      text,
      false,
    ]),
  ];
  for (const [kind, definition, value, fits] of rows) {
    test(`"${value.slice(0, 40)}" is ${fits ? '' : 'not '}${kind}`, () => {
      assert.equal(checkValue(definition, value) === null, fits);
    });
  }

  test('that is refused is shown beside what would be taken', () => {
    assert.deepEqual(checkValue(number, 'abc'), { seen: 'abc', wanted: 'a decimal number' });
    assert.deepEqual(checkValue(resource({ allowed: ['on', 'off'] }), ''), {
      seen: 'nothing',
      wanted: 'one of on, off',
    });
  });

  test('is in a range exactly when it lies between its ends', () => {
    const value = fc.integer({ min: -100, max: 100 });
    fc.assert(
      fc.property(value, value, value, (a, b, c) => {
        const [from, to] = a <= b ? [a, b] : [b, a];
        const definition = resource({ format: 'number', allowed: [`${from}..${to}`] });
        assert.equal(checkValue(definition, String(c)) === null, from <= c && c <= to);
      }),
    );
  });
});

describe('a definition', () => {
  test('without faults passes', () => {
    const good = resource({ format: 'number', unit: '°C', settable: true, allowed: ['-40..125', 200], initial: 21.5 });
    assert.deepEqual(checkResource('temperature', good), []);
  });

  const rows: [string, string, Partial<Resource>, string[]][] = [
    ['an alias that is none', 'a.b', {}, ['resources.a.b']],
    ['an unknown format', 'a', { format: 'float' as 'number' }, ['resources.a.format']],
    ['the name of an inherited property as format', 'a', { format: 'toString' as 'number' }, ['resources.a.format']],
    ['an endless unit', 'a', { unit: 'x'.repeat(65) }, ['resources.a.unit']],
    [
      'a text among numbers',
      'a',
      { format: 'number', allowed: [1, 'x', '5-1'] },
      ['resources.a.allowed[1]', 'resources.a.allowed[2]'],
    ],
    ['a text among booleans', 'a', { format: 'boolean', allowed: [true, 'yes'] }, ['resources.a.allowed[1]']],
    ['too many values', 'a', { allowed: Array.from({ length: 1001 }, (_, i) => i) }, ['resources.a.allowed']],
    ['a value that is too long', 'a', { allowed: ['x'.repeat(1025)] }, ['resources.a.allowed[0]']],
    ['an initial value that cannot be set', 'a', { initial: 'x' }, ['resources.a.initial']],
    [
      'an initial value of another format',
      'a',
      { format: 'number', settable: true, initial: true },
      ['resources.a.initial'],
    ],
    [
      'an initial value that is not allowed',
      'a',
      { settable: true, allowed: ['x'], initial: 'y' },
      ['resources.a.initial'],
    ],
    ['an initial value that is too long', 'a', { settable: true, initial: 'x'.repeat(1025) }, ['resources.a.initial']],
  ];
  for (const [what, alias, given, paths] of rows) {
    test(`with ${what} is refused at ${paths.join(', ')}`, () => {
      assert.deepEqual(
        checkResource(alias, resource(given)).map((fault) => fault.path),
        paths,
      );
    });
  }
});
