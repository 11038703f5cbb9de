/**
 * Runs the store suite on an installed PostgreSQL, whose tools fit it, and on what `pg_restore` makes of a dump of each store:
 * in another run than `postgres.test.ts`, for the newest server comes without tools.
 */
import { after, before, test } from 'node:test';
import { installedPostgres, startPostgres, type TestPostgres } from '../helpers/postgres.ts';
import { missingTool } from '../helpers/tool.ts';
import { openerOn } from './on-postgres.ts';
import { runRestoredSuite } from './store.ts';

const bin = installedPostgres();
if (bin === null && process.env.CI === 'true') throw new Error(missingTool('pg_dump'));

let server: TestPostgres | undefined;
before(async () => {
  if (bin !== null) server = await startPostgres(bin, { fsync: false });
});
after(() => server?.remove());

if (bin === null) test('a dump is restored', { skip: missingTool('pg_dump') }, () => {});
else
  runRestoredSuite(
    'PostgreSQL',
    openerOn(() => server!, bin),
    true,
  );
