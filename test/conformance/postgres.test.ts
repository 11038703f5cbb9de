/** Runs the store suite on PostgreSQL: the newest there is, or that of `SLIPWAY_TEST_DATABASE_URL`. */
import { after, before } from 'node:test';
import { startPostgres, type TestPostgres } from '../helpers/postgres.ts';
import { openerOn } from './on-postgres.ts';
import { runStoreSuite } from './store.ts';

let server: TestPostgres | undefined;
before(async () => {
  server = await startPostgres();
});
after(() => server?.remove());

runStoreSuite(
  'PostgreSQL',
  openerOn(() => server!),
);
