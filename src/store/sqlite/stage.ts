/**
 * Rows of an import on their way in: a SQLite file of their own, so that a million of them take no memory, repeats are
 * found by an index, and device writes are not held up. Knows nothing of devices.
 */
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { AppError } from '../../domain/errors.ts';
import type { ImportDuplicate, ImportRow } from '../store.ts';
import { digestOf } from './device-state.ts';

const stagesIn = (folder: string) => join(folder, 'imports');
export const stagePath = (folder: string, name: string) => join(stagesIn(folder), name);

export interface Stage {
  readonly name: string;
  /** Rows kept so far, numbered from 1. */
  count(): number;
  add(rows: readonly ImportRow[]): ImportDuplicate[];
  /** Puts the file on disk and closes it; no rows are taken afterwards. */
  seal(): Promise<void>;
  /** Takes no more; the next start removes the file unless its batch has begun. */
  close(): void;
  remove(): void;
}

/** STORAGE_UNAVAILABLE where the disk or the descriptors are used up; no file is left then. */
function openStage(path: string): DatabaseSync {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path);
    db.exec(`
      PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -16384;
      CREATE TABLE rows (n INTEGER PRIMARY KEY, line INTEGER NOT NULL, identity TEXT NOT NULL UNIQUE, tags TEXT NOT NULL, digest TEXT UNIQUE, credential TEXT) STRICT;
      BEGIN`);
    return db;
  } catch (cause) {
    db?.close();
    rmSync(path, { force: true });
    throw new AppError('STORAGE_UNAVAILABLE', { seen: 'no room for an import', retryAfter: 5, cause });
  }
}

export function createStage(folder: string, name: string): Stage {
  mkdirSync(stagesIn(folder), { recursive: true, mode: 0o700 });
  const path = stagePath(folder, name);
  const db = openStage(path);
  const insert = db.prepare('INSERT OR IGNORE INTO rows VALUES (?,?,?,?,?,?)');
  const first = db.prepare('SELECT line FROM rows WHERE identity = ? OR digest = ? ORDER BY n LIMIT 1');
  let count = 0;
  let state: 'open' | 'sealed' | 'closed' = 'open';

  function keep(...values: (string | number | null)[]) {
    try {
      return insert.run(...values);
    } catch (cause) {
      throw new AppError('STORAGE_UNAVAILABLE', { seen: 'no room for an import', retryAfter: 5, cause });
    }
  }

  function close(): void {
    if (state === 'open') db.close();
    state = 'closed';
  }

  return {
    name,
    count: () => count,
    add(rows) {
      const duplicates: ImportDuplicate[] = [];
      for (const { line, identity, tags, credential } of rows) {
        const digest = credential && digestOf(credential);
        const stored = credential && JSON.stringify(credential);
        const kept = keep(count + 1, line, identity, JSON.stringify(tags), digest, stored);
        if (kept.changes === 1) count += 1;
        else duplicates.push({ line, identity, firstLine: (first.get(identity, digest) as { line: number }).line });
      }
      return duplicates;
    },
    async seal() {
      if (state === 'sealed') return;
      if (state === 'closed') throw new AppError('STORAGE_UNAVAILABLE', { seen: 'an import that was given up' });
      db.exec('COMMIT');
      db.close();
      state = 'sealed';
      // A large file takes its time to reach the disk: not on the loop.
      const file = await open(path, 'r');
      await file.sync();
      await file.close();
    },
    close,
    remove() {
      close();
      for (const file of [path, `${path}-journal`]) rmSync(file, { force: true });
    },
  };
}

/** Removes what a crash left of imports that never began to be written. */
export function removeStages(folder: string, except: ReadonlySet<string>): void {
  if (!existsSync(stagesIn(folder))) return;
  for (const name of readdirSync(stagesIn(folder))) {
    if (!except.has(name)) rmSync(stagePath(folder, name), { force: true });
  }
}
