/** Migrations on PostgreSQL: gateways of the version before go on beside them, and an older one does not start on a newer schema. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client } from 'pg';
import { startPostgres, type TestPostgres } from '../../../test/helpers/postgres.ts';
import { openPostgresStore } from './index.ts';
import { migrate, migrations } from './schema.ts';

let postgres: TestPostgres | undefined;
before(async () => {
  postgres = await startPostgres();
});
after(() => postgres?.remove());

async function onDatabase<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url });
  await client.connect();
  return work(client).finally(() => client.end());
}

/** Columns with their types, and routines with their parameters. */
async function offers(url: string): Promise<string[]> {
  const rows = await postgres!.query(
    `SELECT table_name || '.' || column_name || ' ' || data_type AS offer FROM information_schema.columns WHERE table_schema = 'public'
     UNION ALL SELECT p.oid::regprocedure || ' ' || p.prorettype::regtype FROM pg_proc p
     WHERE p.pronamespace = 'public'::regnamespace AND p.prolang = (SELECT oid FROM pg_language WHERE lanname = 'plpgsql')`,
    url,
  );
  return rows.map(({ offer }) => offer as string);
}

/** Columns that have to be given a value. */
async function demands(url: string): Promise<string[]> {
  const rows = await postgres!.query(
    `SELECT table_name || '.' || column_name AS demand FROM information_schema.columns WHERE table_schema = 'public'
     AND is_nullable = 'NO' AND column_default IS NULL AND is_identity = 'NO'`,
    url,
  );
  return rows.map(({ demand }) => demand as string);
}

test('each migration only adds: what a gateway of the version before calls and writes is still taken', async () => {
  for (let version = 1; version < migrations.length; version += 1) {
    const [older, newer] = [await postgres!.newDatabase(), await postgres!.newDatabase()];
    await onDatabase(older, (client) => migrate(client, migrations.slice(0, version)));
    await onDatabase(newer, (client) => migrate(client, migrations.slice(0, version + 1)));
    const there = new Set(await offers(newer));
    assert.deepEqual(
      (await offers(older)).filter((offer) => !there.has(offer)),
      [],
      `migration ${version + 1} takes away`,
    );
    const tables = new Set((await offers(older)).map((offer) => offer.split('.')[0]));
    const known = new Set(await demands(older));
    const demanded = (await demands(newer)).filter((demand) => tables.has(demand.split('.')[0]!) && !known.has(demand));
    assert.deepEqual(demanded, [], `migration ${version + 1} demands of older gateways what they do not know`);
  }
});

test('a gateway that runs goes on while another migrates, and one that is older than the schema does not start', async () => {
  const url = await postgres!.newDatabase();
  await onDatabase(url, (client) => migrate(client, migrations.slice(0, 1)));
  const store = await openPostgresStore({ url });
  await store.ping();
  await onDatabase(url, (client) => migrate(client, [...migrations, 'CREATE TABLE of_a_later_version ()']));
  await store.ping();
  await assert.rejects(openPostgresStore({ url }), /knows \d+\. Upgrade Slipway/);
  await store.close();
});
