/** The audit log of a data folder, read from beside a server that may be running. */
import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { ChainRow } from '../../domain/audit.ts';
import { databaseFile } from './database.ts';

/** In the order of the numbers. */
export async function* readSqliteChain(folder: string): AsyncGenerator<ChainRow> {
  const file = databaseFile(folder);
  if (!existsSync(file)) throw new Error(`There is no database in ${folder}`);
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    yield* db
      .prepare('SELECT seq, entry AS text, previous, digest FROM audit ORDER BY seq')
      .iterate() as Iterable<ChainRow>;
  } finally {
    db.close();
  }
}
