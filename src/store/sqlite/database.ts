/** Opens the database file with the settings that the rest of this folder relies on. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { migrate } from './schema.ts';

/** Cached pages of the writer and of the reader, each, in KiB. */
const CACHE_KIB = 32_768;

export const databaseFile = (folder: string) => join(folder, 'slipway.db');

/** The one connection that writes. Checkpoints are run by the reader's thread: see reader.ts. */
export function openWriter(folder: string): DatabaseSync {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const db = new DatabaseSync(databaseFile(folder));
  db.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    PRAGMA wal_autocheckpoint = 0;
    PRAGMA cache_size = -${CACHE_KIB};
    PRAGMA foreign_keys = OFF;
    PRAGMA temp_store = MEMORY;
    PRAGMA busy_timeout = 5000;
  `);
  migrate(db);
  return db;
}

/** A second connection, on a thread of its own, for questions that may take long, and for checkpoints. */
export function openReader(folder: string): DatabaseSync {
  const db = new DatabaseSync(databaseFile(folder));
  db.exec(`
    PRAGMA synchronous = NORMAL;
    PRAGMA wal_autocheckpoint = 0;
    PRAGMA cache_size = -${CACHE_KIB};
    PRAGMA temp_store = MEMORY;
    PRAGMA busy_timeout = 5000;
  `);
  return db;
}
