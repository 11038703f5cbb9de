/** A 2xx means stored (device-http.md), also when the process is killed in the next moment. The long form: scripts/crash.ts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crashRounds } from '../../scripts/crash.ts';

test('kill -9 under load, three times: every acknowledged write, publish, activation, whitelist entry and import is there, and values that were set arrive', async () => {
  const report = await crashRounds({ rounds: 3, say: () => {} });
  assert.deepEqual(report.lost, []);
  for (const [kind, count] of Object.entries(report.acknowledged)) assert.ok(count > 0, `no ${kind} was acknowledged`);
});
