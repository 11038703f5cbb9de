/** The audit log of a database, read from beside servers that may be running. */
import { Client } from 'pg';
import type { ChainRow } from '../../domain/audit.ts';
import { poolConfig } from './database.ts';

const PAGE = 5_000;

/** In the order of the numbers. */
export async function* readPostgresChain(url: string): AsyncGenerator<ChainRow> {
  const client = new Client(poolConfig(url));
  await client.connect();
  try {
    for (let last = 0; ; ) {
      const { rows } = await client.query<ChainRow>(
        'SELECT seq, entry AS text, previous, digest FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2',
        [last, PAGE],
      );
      yield* rows;
      if (rows.length < PAGE) return;
      last = rows.at(-1)!.seq;
    }
  } finally {
    await client.end();
  }
}
