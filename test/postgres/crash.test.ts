/** The same on PostgreSQL as in test/door/crash.test.ts on SQLite. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crashRounds } from '../../scripts/crash.ts';
import { startPostgres } from '../helpers/postgres.ts';

test('kill -9 under load on PostgreSQL, three times: nothing that was acknowledged is lost, and nothing is counted twice', async () => {
  const postgres = await startPostgres();
  try {
    const report = await crashRounds({ rounds: 3, say: () => {}, databaseUrl: await postgres.newDatabase() });
    assert.deepEqual(report.lost, []);
    for (const [kind, count] of Object.entries(report.acknowledged))
      assert.ok(count > 0, `no ${kind} was acknowledged`);
  } finally {
    await postgres.remove();
  }
});
