/** Runs the store suite on SQLite, each store in a folder of its own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';
import { runStoreSuite } from './store.ts';

runStoreSuite('SQLite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-store-'));
  const first = await openSqliteStore({ folder });
  let current = first;
  return {
    store: first,
    reopen: async () => {
      await current.close();
      current = await openSqliteStore({ folder });
      return current;
    },
    remove: async () => {
      // A test may have closed it already.
      await current.close().catch(() => {});
      await rm(folder, { recursive: true, force: true });
    },
  };
});
