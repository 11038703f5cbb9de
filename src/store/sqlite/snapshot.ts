/** A copy of one moment of a database in use, and whether a file is a database that this version can open. */
import { existsSync } from 'node:fs';
import { backup, DatabaseSync } from 'node:sqlite';
import { databaseFile } from './database.ts';
import { migrations } from './schema.ts';
import { stagePath } from './stage.ts';

/** Pages (4 KiB) between two looks at how far it is. */
const STEP = 4_096;

export interface Snapshot {
  /** Files beside the database that it needs: rows of imports that are being written. They do not change any more. */
  readonly files: readonly string[];
}

/** True where there is a database in the folder. */
export const hasDatabase = (folder: string): boolean => existsSync(databaseFile(folder));

/**
 * Copies the database as it stands now, while others write. The read transaction keeps that moment: without it each write of
 * another process would begin the copy anew. Meanwhile the write-ahead log grows.
 */
export async function copyDatabase(
  folder: string,
  to: string,
  onProgress: (done: number, total: number) => void,
): Promise<Snapshot> {
  const db = new DatabaseSync(databaseFile(folder));
  try {
    db.exec('PRAGMA busy_timeout = 10000; BEGIN');
    const { version } = versionOf(db);
    if (version > migrations.length) throw new Error(tooNew(version));
    const stages = db.prepare('SELECT stage FROM batches WHERE stage IS NOT NULL').all() as { stage: string }[];
    await backup(db, to, {
      rate: STEP,
      progress: ({ totalPages, remainingPages }) => onProgress(totalPages - remainingPages, totalPages),
    });
    db.exec('COMMIT');
    return { files: stages.map(({ stage }) => stagePath(folder, stage)) };
  } finally {
    db.close();
  }
}

const versionOf = (db: DatabaseSync) => {
  const { user_version: version } = db.prepare('PRAGMA user_version').get() as { user_version: number };
  return { version };
};

const tooNew = (version: number) =>
  `The database has schema ${version}; this version of Slipway knows ${migrations.length}. Use the newer version.`;

/** What SQLite finds wrong with the file, or that it is of a newer version; nothing if all is well. */
export function faultsOf(file: string): string[] {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(file, { readOnly: true });
    const { version } = versionOf(db);
    if (version > migrations.length) return [tooNew(version)];
    const rows = db.prepare('PRAGMA quick_check(20)').all() as { quick_check: string }[];
    return rows.map(({ quick_check }) => quick_check).filter((text) => text !== 'ok');
  } catch (error) {
    return [(error as Error).message];
  } finally {
    db?.close();
  }
}
