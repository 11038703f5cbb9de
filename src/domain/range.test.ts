/** RFC 9110, 14: which part of a file a request wants. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { etagOf, httpDate, matchesIfRange, type Part, parseRange, partOf } from './range.ts';

const cases: [header: string | undefined, bytes: number, wanted: Part | 'whole' | 'none'][] = [
  [undefined, 10, 'whole'],
  ['bytes=0-0', 10, { start: 0, end: 0 }],
  ['bytes=2-5', 10, { start: 2, end: 5 }],
  ['bytes=2-', 10, { start: 2, end: 9 }],
  ['bytes=0-', 1, { start: 0, end: 0 }],
  ['bytes=2-99', 10, { start: 2, end: 9 }],
  ['bytes=-3', 10, { start: 7, end: 9 }],
  ['bytes=-99', 10, { start: 0, end: 9 }],
  ['Bytes = 2 - 5', 10, { start: 2, end: 5 }],
  ['bytes=10-', 10, 'none'],
  ['bytes=10-12', 10, 'none'],
  ['bytes=0-', 0, 'none'],
  ['bytes=-0', 10, 'none'],
  ['bytes=-1', 0, 'none'],
  // Not understood, so ignored (14.2): the whole file.
  ['bytes=5-2', 10, 'whole'],
  ['bytes=-', 10, 'whole'],
  ['bytes=', 10, 'whole'],
  ['bytes=0-1,3-4', 10, 'whole'],
  ['lines=0-1', 10, 'whole'],
  ['bytes=a-b', 10, 'whole'],
  ['bytes=0x1-2', 10, 'whole'],
  ['bytes=1.5-2', 10, 'whole'],
  ['0-1', 10, 'whole'],
  [`bytes=0-${'9'.repeat(16)}`, 10, 'whole'],
];
for (const [header, bytes, wanted] of cases) {
  test(`of ${bytes} bytes ${header ?? 'no Range'} is ${typeof wanted === 'string' ? wanted : `${wanted.start} to ${wanted.end}`}`, () => {
    assert.deepEqual(parseRange(header, bytes), wanted);
  });
}

test('a range that is met is what slicing gives, whatever its form', () => {
  const file = fc.integer({ min: 1, max: 300 }).map((length) => Uint8Array.from({ length }, (_, n) => n));
  fc.assert(
    fc.property(file, fc.nat(400), fc.nat(400), fc.constantFrom('both', 'from', 'last'), (bytes, a, b, form) => {
      const [from, to] = [Math.min(a, b), Math.max(a, b)];
      const header = { both: `bytes=${from}-${to}`, from: `bytes=${from}-`, last: `bytes=-${from}` }[form];
      const wanted = {
        both: bytes.slice(from, to + 1),
        from: bytes.slice(from),
        last: from === 0 ? bytes.slice(0, 0) : bytes.slice(-from),
      }[form];
      const part = parseRange(header, bytes.length);
      if (wanted.length === 0) assert.equal(part, 'none');
      else {
        assert.ok(typeof part === 'object');
        assert.deepEqual(bytes.slice(part.start, part.end + 1), wanted);
      }
    }),
  );
});

test('a header of any kind gives a part inside of the file, or none, or the whole', () => {
  const header = fc.oneof(
    fc.string(),
    fc.string({ unit: fc.constantFrom('b', '=', '-', ',', ' ', '0', '9', 'bytes=') }),
  );
  fc.assert(
    fc.property(header, fc.nat(), (header, bytes) => {
      const part = parseRange(header, bytes);
      if (typeof part === 'string') return;
      assert.ok(part.start >= 0 && part.start <= part.end && part.end < bytes);
    }),
    { numRuns: 2000 },
  );
});

test('a range counts only for the version that If-Range names', () => {
  const version = { etag: etagOf('ab'), updated: Date.UTC(2026, 8, 21, 12, 0, 5) * 1000 + 123_456 };
  assert.equal(httpDate(version.updated), 'Mon, 21 Sep 2026 12:00:05 GMT');
  for (const header of [undefined, '"ab"', 'Mon, 21 Sep 2026 12:00:05 GMT'])
    assert.equal(matchesIfRange(header, version), true);
  for (const header of [
    '"cd"',
    'W/"ab"',
    'ab',
    '',
    'Mon, 21 Sep 2026 12:00:04 GMT',
    'Mon, 21 Sep 2026 12:00:06 GMT',
    'never',
  ]) {
    assert.equal(matchesIfRange(header, version), false, header);
    assert.equal(partOf('bytes=1-2', header, 10, version), 'whole');
  }
  assert.deepEqual(partOf('bytes=1-2', '"ab"', 10, version), { start: 1, end: 2 });
});
