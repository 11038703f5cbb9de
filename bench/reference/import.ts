/** What an import is compared with: the same rows put into two tables by `node:sqlite`, in one transaction, synced at its end. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { answerQuestions } from '../helper.ts';
import { identityOf, tagsOf } from '../identities.ts';

/** Answer: seconds. */
export interface ImportQuestion {
  readonly rows: number;
}

answerQuestions<ImportQuestion>(({ rows }) => {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-bench-'));
  const db = new DatabaseSync(join(folder, 'reference.db'));
  try {
    db.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      CREATE TABLE devices (identity TEXT PRIMARY KEY, tags TEXT NOT NULL) STRICT;
      CREATE TABLE device_tags (
        name TEXT NOT NULL, value TEXT NOT NULL, identity TEXT NOT NULL, PRIMARY KEY (name, value, identity)
      ) STRICT, WITHOUT ROWID;
    `);
    return insert(db, rows);
  } finally {
    db.close();
    rmSync(folder, { recursive: true });
  }
});

function insert(db: DatabaseSync, rows: number): number {
  const device = db.prepare('INSERT INTO devices VALUES (?, ?)');
  const tag = db.prepare('INSERT INTO device_tags VALUES (?, ?, ?)');
  const start = performance.now();
  db.exec('BEGIN');
  for (let n = 0; n < rows; n += 1) {
    const identity = identityOf(n);
    const tags = tagsOf(n);
    device.run(identity, JSON.stringify(tags));
    for (const { name, value } of tags) tag.run(name, value, identity);
  }
  db.exec('COMMIT');
  return (performance.now() - start) / 1000;
}
