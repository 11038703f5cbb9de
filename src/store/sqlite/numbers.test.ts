/** Numbers in blocks against JSON.parse() and Number(). */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { createNumbers } from './numbers.ts';

const ever = { from: Number.MIN_SAFE_INTEGER, to: Number.MAX_SAFE_INTEGER };
const jsonNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

type Point = readonly [time: number, text: string];

/** As slowly as it can be said. */
function wanted(blocks: readonly (readonly Point[])[], { from, to } = ever): Point[] {
  const firsts = new Map<number, string>();
  for (const [time, text] of blocks.flat()) {
    const number = jsonNumber.test(text) ? Number(text) : Number.NaN;
    if (Number.isFinite(number) && time >= from && time <= to && !firsts.has(time)) firsts.set(time, text);
  }
  return [...firsts].sort(([a], [b]) => a - b);
}

function read(blocks: readonly (readonly Point[])[], bounds = ever): [number, number][] {
  const numbers = createNumbers(bounds);
  for (const block of blocks) numbers.add(JSON.stringify(block.flat()));
  const { times, values } = numbers.result();
  assert.equal(times.length, values.length);
  return times.map((time, at) => [time, values[at]!]);
}

const asNumbers = (points: readonly Point[]) => points.map(([time, text]) => [time, Number(text)]);

const digits = (least: number, most: number) =>
  fc.array(fc.constantFrom(...'0123456789'), { minLength: least, maxLength: most }).map((list) => list.join(''));
const decimal = fc
  .tuple(fc.constantFrom('', '-'), digits(0, 18), fc.constantFrom('', '.'), digits(0, 18))
  .map((parts) => parts.join(''));
const text = fc.oneof(
  { weight: 6, arbitrary: decimal },
  fc.double().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number.toFixed(6)),
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '',
    '-',
    '.',
    '1.',
    '.5',
    '00',
    '01',
    '-0',
    '1e3',
    '1E-400',
    '1e400',
    ' 1',
    '1 ',
    '"',
    '\\',
    '1"2',
    '٣',
    'İ',
  ),
);
const time = fc.oneof(
  fc.integer({ min: 1_700_000_000_000_000, max: 1_700_000_000_000_050 }),
  fc.constantFrom(0, 9, 99_999_999, 100_000_000, 9_007_199_254_740_991, -1, -1_700_000_000_000_000),
);
const blocks = fc.array(fc.array(fc.tuple(time, text), { minLength: 1, maxLength: 6 }), { maxLength: 6 });

it('reads the numbers of any blocks as Number() does, by time, of equal times the first', () => {
  fc.assert(
    fc.property(blocks, (given) => {
      assert.deepStrictEqual(read(given), asNumbers(wanted(given)));
    }),
    { numRuns: 2_000 },
  );
});

it('reads a number of few digits to the last bit', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(time, decimal), { minLength: 1, maxLength: 3 }), (block) => {
      assert.deepStrictEqual(read([block]), asNumbers(wanted([block])));
    }),
    { numRuns: 5_000 },
  );
});

it('takes only what is between the bounds, both included', () => {
  fc.assert(
    fc.property(blocks, time, time, (given, from, to) => {
      assert.deepStrictEqual(read(given, { from, to }), asNumbers(wanted(given, { from, to })));
    }),
  );
});
