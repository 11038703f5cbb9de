/** Store suite: the history of a resource, point by point and in buckets. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import type { HistoryBucket } from '../../src/store/store.ts';
import { dataIn, dataOut, HOUR, makeConnector, makeRef, NOW, type Open, SECOND, same, shareStore } from './fixtures.ts';

/** A multiple of every bucket used here, so that buckets begin at `from` and at whole steps of the epoch alike. */
const START = Math.floor(NOW / HOUR) * HOUR;

export function historyTests(open: Open): void {
  const shared = shareStore(open);
  const device = async () => makeRef(shared.store, await makeConnector(shared.store));

  it('holds what the device reported, oldest first, and nothing that the cloud set', async () => {
    const ref = await device();
    for (const at of [3, 1, 2]) await shared.store.append(dataIn(ref, { a: `${at}`, b: 'other' }, NOW + at));
    await shared.store.append(dataOut(ref, { a: 'set' }, NOW + 4));
    for await (const look of shared.nowAndReopened()) {
      const history = await look.readHistory(ref, { alias: 'a', from: 0, to: NOW + 9, limit: 10 });
      const points = [1, 2, 3].map((at) => ({ timestamp: NOW + at, value: `${at}` }));
      same(history, { points, mayLoadMore: false });
    }
  });

  it('gives fewer points at once where values are large, and leaves none out', async () => {
    const ref = await device();
    const large = 'x'.repeat(1_000_000);
    const order = [5, 1, 4, 0, 3, 2, 8, 6, 7];
    for (const at of order) await shared.store.append(dataIn(ref, { a: `${at}${large}` }, NOW + at));
    const found: string[] = [];
    for (let from = 0; ; ) {
      const query = { alias: 'a', from, to: NOW + 99, limit: 1000 };
      const { points, mayLoadMore } = await shared.store.readHistory(ref, query);
      assert.ok(points.length < 7, `${points.length} points at once`);
      found.push(...points.map(({ value }) => value[0]!));
      from = points.at(-1)!.timestamp + 1;
      if (!mayLoadMore) break;
    }
    assert.deepEqual(found, order.toSorted().map(String));
  });

  it('keeps what comes a value at a time as it came: in any order, large or small, of one moment the first', async () => {
    const value = fc.oneof(
      { weight: 4, arbitrary: fc.integer({ min: -9999, max: 9999 }).map(String) },
      fc.string({ unit: 'grapheme', maxLength: 20 }),
      fc.integer({ min: 100, max: 2000 }).map((length) => 'é'.repeat(length)),
    );
    const written = fc.array(fc.tuple(fc.nat(30), value), { minLength: 1, maxLength: 25 });
    await fc.assert(
      fc.asyncProperty(written, async (values) => {
        const ref = await device();
        const query = { alias: 'a', from: START, to: START + HOUR, limit: 100 };
        const firsts = new Map<number, string>();
        for (const [second, value] of values) {
          const timestamp = START + second * SECOND;
          await shared.store.append(dataIn(ref, { a: value }, timestamp));
          if (!firsts.has(timestamp)) firsts.set(timestamp, value);
          // Whoever looks has what waits brought to the tables.
          await shared.store.readHistory(ref, { ...query, limit: 1 });
        }
        const points = [...firsts].sort(([a], [b]) => a - b).map(([timestamp, value]) => ({ timestamp, value }));
        same(await shared.store.readHistory(ref, query), { points, mayLoadMore: false });
      }),
      { numRuns: 20 },
    );
  });

  it('includes both ends of the time asked', async () => {
    const ref = await device();
    for (let at = 0; at < 5; at += 1) await shared.store.append(dataIn(ref, { a: `${at}` }, NOW + at));
    const between = async (from: number, to: number) =>
      (await shared.store.readHistory(ref, { alias: 'a', from: NOW + from, to: NOW + to, limit: 10 })).points.map(
        (point) => Number(point.value),
      );
    assert.deepEqual(await between(1, 3), [1, 2, 3]);
    assert.deepEqual(await between(2, 2), [2]);
    assert.deepEqual(await between(-5, 0), [0]);
    assert.deepEqual(await between(5, 9), []);
    assert.deepEqual(await between(3, 1), []);
  });

  it('says whether there is more than the limit', async () => {
    const ref = await device();
    const points = Array.from({ length: 10 }, (_, at) => ({ timestamp: NOW + at, values: { a: `${at}` } }));
    await shared.store.append({ ...dataIn(ref, {}), points });
    const first = await shared.store.readHistory(ref, { alias: 'a', from: NOW, to: NOW + 99, limit: 4 });
    assert.deepEqual(
      first.points.map((point) => point.value),
      ['0', '1', '2', '3'],
    );
    assert.equal(first.mayLoadMore, true);
    const rest = await shared.store.readHistory(ref, { alias: 'a', from: NOW + 4, to: NOW + 99, limit: 7 });
    assert.equal(rest.points.length, 6);
    assert.equal(rest.mayLoadMore, false);
  });

  it('says what the numbers of each bucket were', async () => {
    const ref = await device();
    const values: [number, string][] = [
      [0, '1'],
      [1, '2.5'],
      [9.999999, '-4'],
      [10, '7'],
      [30, '1e3'],
      [39, '0'],
    ];
    for (const [second, value] of values) await shared.store.append(dataIn(ref, { a: value }, START + second * SECOND));
    const query = { alias: 'a', from: START, to: START + HOUR, limit: 100 };
    for await (const look of shared.nowAndReopened()) {
      const { points, mayLoadMore } = await look.readBuckets(ref, query, 10 * SECOND);
      assert.equal(mayLoadMore, false);
      assertBuckets(points, [
        { timestamp: START, min: -4, mean: -0.5 / 3, max: 2.5, count: 3 },
        { timestamp: START + 10 * SECOND, min: 7, mean: 7, max: 7, count: 1 },
        { timestamp: START + 30 * SECOND, min: 0, mean: 500, max: 1000, count: 2 },
      ]);
    }
  });

  it('leaves values that are no numbers out of buckets', async () => {
    const ref = await device();
    const values = ['12', '', 'abc', '12abc', 'NaN', 'true', '{"a":1}', '1,5', '4', '-', '😀', '1 2', '0\u00001'];
    const points = values.map((value, at) => ({ timestamp: START + at, values: { a: value, none: 'no number' } }));
    await shared.store.append({ ...dataIn(ref, {}), points });
    const query = { from: START, to: START + HOUR, limit: 100 };
    const found = await shared.store.readBuckets(ref, { ...query, alias: 'a' }, SECOND);
    assertBuckets(found.points, [{ timestamp: START, min: 4, mean: 8, max: 12, count: 2 }]);
    same(await shared.store.readBuckets(ref, { ...query, alias: 'none' }, SECOND), { points: [], mayLoadMore: false });
  });

  it('bounds buckets by both ends of the time asked and by the limit', async () => {
    const ref = await device();
    const points = Array.from({ length: 12 }, (_, at) => ({ timestamp: START + at * SECOND, values: { a: `${at}` } }));
    await shared.store.append({ ...dataIn(ref, {}), points });
    const query = { alias: 'a', from: START + 4 * SECOND, to: START + 9 * SECOND, limit: 100 };
    const all = await shared.store.readBuckets(ref, query, 2 * SECOND);
    assert.deepEqual(
      all.points.map(({ min, max, count }) => [min, max, count]),
      [
        [4, 5, 2],
        [6, 7, 2],
        [8, 9, 2],
      ],
    );
    assert.equal(all.mayLoadMore, false);
    const two = await shared.store.readBuckets(ref, { ...query, limit: 2 }, 2 * SECOND);
    same(two.points, all.points.slice(0, 2));
    assert.equal(two.mayLoadMore, true);
  });

  it('counts each number once, whatever the values and the bucket', async () => {
    const numbers = fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 1, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(numbers, fc.constantFrom(1, 2, 5, 60), async (values, seconds) => {
        const ref = await device();
        const points = values.map((value, at) => ({ timestamp: START + at * SECOND, values: { a: `${value}` } }));
        await shared.store.append({ ...dataIn(ref, {}), points });
        const query = { alias: 'a', from: START, to: START + HOUR, limit: 100 };
        const found = await shared.store.readBuckets(ref, query, seconds * SECOND);
        const wanted: HistoryBucket[] = [];
        for (let at = 0; at < values.length; at += seconds) {
          const part = values.slice(at, at + seconds);
          const mean = part.reduce((sum, value) => sum + value, 0) / part.length;
          const [min, max] = [Math.min(...part), Math.max(...part)];
          wanted.push({ timestamp: START + at * SECOND, min, mean, max, count: part.length });
        }
        assertBuckets(found.points, wanted);
      }),
      { numRuns: 20 },
    );
  });
}

/** Means are compared to nine digits: engines may add up in another order. */
function assertBuckets(actual: readonly HistoryBucket[], wanted: readonly HistoryBucket[]): void {
  const rounded = (buckets: readonly HistoryBucket[]) =>
    buckets.map((bucket) => ({ ...bucket, mean: Math.round(bucket.mean * 1e9) / 1e9 }));
  same(rounded(actual), rounded(wanted));
}
