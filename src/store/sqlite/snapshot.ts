/** A copy of one moment of a database in use, and whether a file is a database that this version can open. */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { link, mkdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import { contentPath, INCOMING_FOLDER } from './content-files.ts';
import { databaseFile } from './database.ts';
import { migrations } from './schema.ts';
import { stagePath } from './stage.ts';

/** Pages (4 KiB) between two looks at how far it is. */
const STEP = 4_096;

/** True where there is a database in the folder. */
export const hasDatabase = (folder: string): boolean => existsSync(databaseFile(folder));

/** A file beside the database. `path`: its place in the data folder, with `/`; `file`: where it can be read. */
export interface KeptFile {
  readonly path: string;
  readonly file: string;
}

/** Where files can be kept in the data folder for a while. What a crash leaves there is removed at the next start. */
export const placeToKeep = (folder: string): string => join(folder, INCOMING_FOLDER, `kept-${randomUUID()}`);

/**
 * Copies the database as it stands now, while others write. The read transaction keeps that moment: without it each write of
 * another process would begin the copy anew. Meanwhile the write-ahead log grows. The files that it needs, content and rows of
 * imports that are being written, do not change any more, but may go at any time: they get another name in the folder `kept`, which
 * the caller removes. ENOENT if one was gone already; a moment later the database needs it no more.
 */
export async function copyDatabase(
  folder: string,
  to: string,
  kept: string,
  onProgress: (done: number, total: number) => void,
): Promise<readonly KeptFile[]> {
  const db = new DatabaseSync(databaseFile(folder));
  try {
    db.exec('PRAGMA busy_timeout = 10000; BEGIN');
    const { version } = versionOf(db);
    if (version > migrations.length) throw new Error(tooNew(version));
    const files = filesOf(db, folder);
    if (files.length > 0) await mkdir(kept, { recursive: true, mode: 0o700 });
    const all: KeptFile[] = [];
    for (const file of files) {
      all.push({ path: relative(folder, file).replaceAll('\\', '/'), file: await keep(file, kept) });
    }
    await backup(db, to, {
      rate: STEP,
      progress: ({ totalPages, remainingPages }) => onProgress(totalPages - remainingPages, totalPages),
    });
    db.exec('COMMIT');
    return all;
  } finally {
    db.close();
  }
}

function filesOf(db: DatabaseSync, folder: string): string[] {
  const stages = db.prepare('SELECT stage FROM batches WHERE stage IS NOT NULL').all() as { stage: string }[];
  // A database of a version that knew no content has no such table.
  const known = db.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'content'").get() !== undefined;
  const digests = known ? (db.prepare('SELECT DISTINCT sha256 FROM content').all() as { sha256: string }[]) : [];
  return [
    ...stages.map(({ stage }) => stagePath(folder, stage)),
    ...digests.map(({ sha256 }) => contentPath(folder, sha256)),
  ];
}

/** Another name for the file, by which it can be read after it was removed. */
async function keep(file: string, folder: string): Promise<string> {
  const name = join(folder, randomUUID());
  try {
    await link(file, name);
    return name;
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    // On another mount, or on a file system that knows no links: by its own name, as long as it has that.
    if (['EXDEV', 'EPERM', 'ENOTSUP', 'ENOSYS'].includes(code) && existsSync(file)) return file;
    throw error;
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
