/**
 * What writes to PostgreSQL are compared with: the same rows (log, history, state), inserted by one bare connection, in commits of
 * the same size, into tables with the same indexes.
 */
import { Client } from 'pg';
import { answerQuestions } from '../helper.ts';

export interface PostgresQuestion {
  readonly url: string;
  readonly seconds: number;
  readonly devices: number;
  /** Writes in a commit. */
  readonly batch: number;
}

/** Rows in `bare_…`, made on the first question. */
const tables = ['events', 'points', 'state']
  .map((table) => `CREATE TABLE IF NOT EXISTS bare_${table} (LIKE ${table} INCLUDING ALL)`)
  .join(';');

const insert = {
  name: 'insert',
  text: `WITH e AS (
      INSERT INTO bare_events SELECT $2::bigint + n, 1, d, 'bench-' || d, 'data_in', '127.0.0.1', 'onep:v1/http',
        $2::bigint + n, 'connection-1', '[{"timestamp":' || $2::bigint + n || ',"values":{"temperature":"21.50"}}]'
      FROM unnest($1::bigint[]) WITH ORDINALITY AS u (d, n)
    ), p AS (
      INSERT INTO bare_points SELECT d, 'temperature', $2::bigint + n, '21.50'
      FROM unnest($1::bigint[]) WITH ORDINALITY AS u (d, n) ON CONFLICT DO NOTHING
    )
    INSERT INTO bare_state SELECT d, 'temperature', '21.50', $2::bigint, '21.50', $2::bigint FROM unnest($1::bigint[]) AS u (d)
      ON CONFLICT (device, alias) DO UPDATE SET set_value = excluded.set_value, set_at = excluded.set_at,
        reported = excluded.reported, reported_at = excluded.reported_at`,
};

let client: Client | null = null;

answerQuestions<PostgresQuestion>(async ({ url, seconds, devices, batch }) => {
  if (client === null) {
    client = new Client({ connectionString: url });
    await client.connect();
    await client.query(tables);
  }
  const start = performance.now();
  let answered = 0;
  while (performance.now() - start < seconds * 1000) {
    const keys = Array.from({ length: batch }, (_, n) => ((answered + n) % devices) + 1);
    await client.query({ ...insert, values: [`{${keys}}`, Date.now() * 1000] });
    answered += batch;
  }
  return { answered, seconds: (performance.now() - start) / 1000, share: 0 };
});
