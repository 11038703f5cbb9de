/** Runs the store suite on SQLite, each store in a folder of its own, and on what `slipway restore` makes of its backups. */
import { copyFileSync, cpSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeBackup, restoreBackup } from '../../src/backup/backup.ts';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';
import type { Store } from '../../src/store/store.ts';
import { runRestoredSuite } from './store.ts';

const newFolder = () => mkdtemp(join(tmpdir(), 'slipway-store-'));

const steps = { step: () => {}, progress: () => {} };

runRestoredSuite('SQLite', async () => {
  const folder = await newFolder();
  const folders = [folder];
  const first = await openSqliteStore({ folder });
  const opened: Store[] = [first];
  return {
    store: first,
    reopen: async () => {
      await opened[0]!.close();
      opened[0] = await openSqliteStore({ folder });
      return opened[0];
    },
    // The files as they are: this thread writes them, and a checkpoint is not due with so little in them.
    kill: async () => {
      const copy = await newFolder();
      folders.push(copy);
      for (const file of ['slipway.db', 'slipway.db-wal']) copyFileSync(join(folder, file), join(copy, file));
      cpSync(join(folder, 'content'), join(copy, 'content'), { recursive: true });
      const store = await openSqliteStore({ folder: copy });
      opened.push(store);
      return store;
    },
    // What the two commands do, while the store is in use.
    restored: async () => {
      const place = await newFolder();
      const [archive, data] = [join(place, 'backup.slipway'), join(place, 'data')];
      await makeBackup(folder, archive, 'sqlite', false, steps);
      await restoreBackup(archive, data, steps);
      const store = await openSqliteStore({ folder: data });
      return {
        store,
        end: async () => {
          await store.close();
          await rm(place, { recursive: true, force: true });
        },
      };
    },
    remove: async () => {
      // A test may have closed it already.
      for (const store of opened) await store.close().catch(() => {});
      for (const folder of folders) await rm(folder, { recursive: true, force: true });
    },
  };
});
