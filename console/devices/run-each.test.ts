/** One thing, done to many devices. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runEach } from './run-each.ts';

const all = Array.from({ length: 20 }, (_, i) => `d${i}`);

test('each device is asked once, a few at a time, and failures are named with their reason', async () => {
  let running = 0;
  let most = 0;
  const progress: number[] = [];
  const act = async (identity: string) => {
    most = Math.max(most, ++running);
    await new Promise((resolve) => setImmediate(resolve));
    running -= 1;
    if (identity === 'd7' || identity === 'd9') throw new Error(`no ${identity}`);
  };
  const options = { atOnce: 4, endsAll: () => false, onProgress: (n: number) => progress.push(n) };
  const { done, failed } = await runEach(all, act, options);
  assert.equal(most, 4);
  assert.equal(done.length, 18);
  assert.deepEqual(
    failed.map(({ identity, error }) => [identity, (error as Error).message]),
    [
      ['d7', 'no d7'],
      ['d9', 'no d9'],
    ],
  );
  assert.deepEqual(
    progress,
    Array.from({ length: 20 }, (_, i) => i + 1),
  );
});

test('what would fail for all is not tried with the rest, which fails for the same reason', async () => {
  const gone = new Error('no server');
  let tried = 0;
  const act = async () => {
    tried += 1;
    if (tried > 3) throw gone;
  };
  const { done, failed } = await runEach(all, act, { atOnce: 1, endsAll: () => true, onProgress: () => {} });
  assert.equal(tried, 4);
  assert.equal(done.length, 3);
  assert.equal(failed.length, 17);
  assert.ok(failed.every(({ error }) => error === gone));
});
