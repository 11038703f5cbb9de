/**
 * Keeps a second process off the data folder: much is held in memory, and two writers would not know of each other. The lock
 * is SQLite's own on a small file beside the database, so it ends with the process however that ends.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** Takes the lock; the answer gives it back. Throws if another process has it, and keeps it for `wait` ms. */
export function lockFolder(folder: string, wait = 2_000): () => void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const db = new DatabaseSync(join(folder, 'slipway.lock'));
  try {
    db.exec(`PRAGMA busy_timeout = ${wait}; BEGIN EXCLUSIVE`);
  } catch (cause) {
    db.close();
    throw new Error(`Another process uses ${folder}: one server for each data folder`, { cause });
  }
  return () => db.close();
}
