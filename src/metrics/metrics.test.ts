import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { counter, gauge, histogram, render } from './figure.ts';
import { addHistograms, createHistogram } from './histogram.ts';
import { createTally } from './tally.ts';

test('text format: help, type, labels with escapes; a family without numbers is left out', () => {
  const text = render([
    counter('a_total', 'A\nand \\ more', [[{ x: 'say "hi"\\\n' }, 2]]),
    gauge('b', 'B', 0.5),
    gauge('none', 'Nothing', []),
  ]);
  assert.equal(
    text,
    '# HELP a_total A\\nand \\\\ more\n# TYPE a_total counter\na_total{x="say \\"hi\\"\\\\\\n"} 2\n# HELP b B\n# TYPE b gauge\nb 0.5\n',
  );
});

test('buckets of a histogram include those below; the last one is all, and its sum is that of the values', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 1000 })), (values) => {
      const made = createHistogram([10, 100, 500]);
      for (const value of values) made.observe(value);
      const { samples } = histogram('h', 'H', made.read());
      const upTo = (bound: number) => values.filter((value) => value <= bound).length;
      assert.deepEqual(
        samples.map(({ suffix, labels, value }) => [suffix, labels.le, value]),
        [
          ['_bucket', '10', upTo(10)],
          ['_bucket', '100', upTo(100)],
          ['_bucket', '500', upTo(500)],
          ['_bucket', '+Inf', values.length],
          ['_sum', undefined, values.reduce((sum, value) => sum + value, 0)],
          ['_count', undefined, values.length],
        ],
      );
    }),
  );
});

test('two histograms add up', () => {
  const [a, b] = [createHistogram([1]), createHistogram([1])];
  a.observe(1);
  b.observe(0.5);
  b.observe(3);
  assert.deepEqual(addHistograms(a.read(), b.read()), { bounds: [1], counts: [2, 1], sum: 4.5 });
});

test('a tally tells of each endpoint and code that was answered, and of refusals that alerts look for from the start', () => {
  const tally = createTally(
    'https',
    [
      { method: 'GET', route: '/a' },
      { method: 'other', route: 'none' },
    ],
    599,
  );
  tally.answered(0, 204);
  tally.answered(0, 204);
  tally.answered(1, 404);
  tally.refused('PATH_UNKNOWN');
  assert.deepEqual(tally.requests(), [
    [{ door: 'https', method: 'GET', route: '/a', code: '204' }, 2],
    [{ door: 'https', method: 'other', route: 'none', code: '404' }, 1],
  ]);
  const refusals = new Map(tally.refusals().map(([{ reason }, n]) => [reason, n]));
  assert.equal(refusals.get('PATH_UNKNOWN'), 1);
  assert.equal(refusals.get('STORAGE_UNAVAILABLE'), 0);
  assert.equal(refusals.get('CREDENTIAL_INVALID'), 0);
  assert.equal(refusals.has('SCHEMA'), false);
});
