/** How often a source may try: the burst, the pace, the bound on memory, and what counts as one source. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createThrottle, sourceOf } from './throttle.ts';

const SECOND = 1_000_000;

test('a key has its burst, then one attempt an interval, and is told how long to wait', () => {
  const throttle = createThrottle({ burst: 3, interval: 10 * SECOND, keys: 10 });
  const now = 1_000 * SECOND;
  assert.deepEqual(
    [1, 2, 3, 4].map(() => throttle.take('a', now)),
    [0, 0, 0, 10],
  );
  assert.equal(throttle.take('b', now), 0);
  assert.equal(throttle.take('a', now + 9 * SECOND), 1);
  assert.equal(throttle.take('a', now + 10 * SECOND), 0);
  assert.equal(throttle.take('a', now + 10 * SECOND), 10);
});

test('an attempt that is given back does not count', () => {
  const throttle = createThrottle({ burst: 2, interval: SECOND, keys: 10 });
  for (let i = 0; i < 50; i++) {
    assert.equal(throttle.take('a', 0), 0);
    throttle.giveBack('a');
  }
});

test('in any time no more attempts pass than the burst and what was regained', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(3 * SECOND), { maxLength: 200 }), (pauses) => {
      const throttle = createThrottle({ burst: 5, interval: SECOND, keys: 10 });
      let now = 0;
      let passed = 0;
      for (const pause of pauses) {
        now += pause;
        if (throttle.take('a', now) === 0) passed += 1;
      }
      assert.ok(passed <= 5 + now / SECOND);
    }),
  );
});

test('memory is bounded: past the limit the key that tried longest ago is forgotten', () => {
  const throttle = createThrottle({ burst: 1, interval: SECOND, keys: 2 });
  for (const key of ['a', 'b', 'a', 'c']) throttle.take(key, 0);
  assert.equal(throttle.take('c', 0), 1);
  assert.equal(throttle.take('a', 0), 0);
});

test('a source is an IPv4 address, or the /64 of an IPv6 address', () => {
  for (const [ip, source] of [
    ['10.0.0.1', '10.0.0.1'],
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
  ] as const) {
    assert.equal(sourceOf(ip), source, ip);
  }
});
