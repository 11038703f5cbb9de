/** Runs the store suite on PostgreSQL, each store in a database of its own. */
import { after, before } from 'node:test';
import { openPostgresStore } from '../../src/store/postgres/index.ts';
import type { Store } from '../../src/store/store.ts';
import { startPostgres, type TestPostgres } from '../helpers/postgres.ts';
import { until } from './fixtures.ts';
import { runStoreSuite } from './store.ts';

let server: TestPostgres | undefined;
before(async () => {
  server = await startPostgres();
});
after(() => server?.remove());

const isTrue = () => true;
const isFalse = () => false;

runStoreSuite('PostgreSQL', async () => {
  const postgres = server!;
  const url = await postgres.newDatabase();
  const urls = [url];
  const first = await openPostgresStore({ url });
  const opened: Store[] = [first];
  return {
    store: first,
    reopen: async () => {
      await opened[0]!.close();
      opened[0] = await openPostgresStore({ url });
      return opened[0];
    },
    // All that a database knows at this moment; the store goes on with new connections.
    kill: async () => {
      const copy = await postgres.copyDatabase(url);
      urls.push(copy);
      // It may have been found out of reach while it was copied.
      await until('the store has come back', () => opened[0]!.ping().then(isTrue, isFalse));
      const store = await openPostgresStore({ url: copy });
      opened.push(store);
      return store;
    },
    remove: async () => {
      // A test may have closed it already.
      for (const store of opened) await store.close().catch(() => {});
      for (const url of urls) await postgres.dropDatabase(url);
    },
  };
});
