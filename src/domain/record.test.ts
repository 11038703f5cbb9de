import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { checkSpacing, parseTimestamp, SPACING } from './record.ts';

describe('a timestamp', () => {
  const rows: [string, number | null][] = [
    ['0', 0],
    ['1', 1_000_000],
    ['1700000000', 1_700_000_000_000_000],
    ['1700000000.5', 1_700_000_000_500_000],
    ['1700000000.000001', 1_700_000_000_000_001],
    ['1700000000.1234567', 1_700_000_000_123_456],
    ['1700000000123', 1_700_000_000_123_000],
    ['1700000000123.25', 1_700_000_000_123_250],
    ['1700000000123456', 1_700_000_000_123_456],
    ['1700000000123456.9', 1_700_000_000_123_456],
    ['99999999999', null],
    ['9007199254', 9_007_199_254_000_000],
    ['9007199255', null],
    ['100000000000', 100_000_000_000_000],
    ['99999999999999', null],
    ['100000000000000', 100_000_000_000_000],
    ['9007199254740991', 9_007_199_254_740_991],
    ['9007199254740992', null],
    ['99999999999999999999999', null],
  ];
  for (const [text, time] of rows) test(`${text} is ${time} µs`, () => assert.equal(parseTimestamp(text), time));

  for (const text of [
    '',
    '-1',
    '+1',
    '1e9',
    'NaN',
    'Infinity',
    '0x10',
    ' 1',
    '1 ',
    '1.',
    '.5',
    '1,5',
    '1.2.3',
    '1_000',
    '١',
    '1\n',
  ]) {
    test(`${JSON.stringify(text)} is none`, () => assert.equal(parseTimestamp(text), null));
  }

  test('means the same moment in all three units', () => {
    // From March 1973, where the three ranges begin, to the end of what a number holds.
    fc.assert(
      fc.property(
        fc.integer({ min: 100_000_000, max: 9_007_199_254 }),
        fc.integer({ min: 0, max: 740_991 }),
        (seconds, micros) => {
          const digits = String(micros).padStart(6, '0');
          const time = seconds * 1_000_000 + micros;
          assert.equal(parseTimestamp(`${seconds}.${digits}`), time);
          assert.equal(parseTimestamp(`${seconds}${digits.slice(0, 3)}.${digits.slice(3)}`), time);
          assert.equal(parseTimestamp(`${seconds}${digits}`), time);
        },
      ),
    );
  });

  test('of any text is null or whole µs', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.double().map(String), fc.stringMatching(/^[0-9.]{1,30}$/)), (text) => {
        const time = parseTimestamp(text);
        assert.ok(time === null || (Number.isSafeInteger(time) && time >= 0));
      }),
    );
  });
});

describe('points of one alias', () => {
  test('less than a second apart are named, alias by alias, earlier first', () => {
    const points = [
      { alias: 'b', timestamp: 5_000_000 },
      { alias: 'a', timestamp: 2_000_000 },
      { alias: 'a', timestamp: 1_000_001 },
      { alias: 'b', timestamp: 6_000_000 },
      { alias: 'a', timestamp: 9_000_000 },
      { alias: 'a', timestamp: 9_000_000 },
    ];
    assert.deepEqual(checkSpacing(points), [
      { alias: 'a', earlier: 1_000_001, later: 2_000_000 },
      { alias: 'a', earlier: 9_000_000, later: 9_000_000 },
    ]);
  });

  test('of different aliases may fall together', () => {
    const timestamp = 1_000_000;
    assert.deepEqual(checkSpacing(['a', 'b', '__proto__'].map((alias) => ({ alias, timestamp }))), []);
  });

  test('are too close exactly where some pair of them is', () => {
    const point = fc.record({ alias: fc.constantFrom('a', 'b'), timestamp: fc.integer({ min: 0, max: 20_000_000 }) });
    fc.assert(
      fc.property(fc.array(point, { maxLength: 12 }), (points) => {
        const close = points.some((a, i) =>
          points.some((b, j) => i < j && a.alias === b.alias && Math.abs(a.timestamp - b.timestamp) < SPACING),
        );
        const faults = checkSpacing(points);
        assert.equal(faults.length > 0, close);
        for (const { earlier, later } of faults) assert.ok(later >= earlier && later - earlier < SPACING);
      }),
    );
  });
});
