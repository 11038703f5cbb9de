/** What a question about history is compared with: SQL over the same values in an ordinary table of `node:sqlite`. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { answerQuestions } from '../helper.ts';
import { INTERVAL } from '../series.ts';

export type HistoryQuestion =
  | { readonly kind: 'fill'; readonly devices: number; readonly values: number; readonly start: number }
  /** Times inclusive, and the width of a bucket, µs. */
  | {
      readonly kind: 'ask';
      readonly device: number;
      readonly from: number;
      readonly to: number;
      readonly bucket: number;
    };

export interface HistoryAnswer {
  readonly ms: number;
  readonly points: readonly {
    readonly timestamp: number;
    readonly min: number;
    readonly mean: number;
    readonly max: number;
    readonly count: number;
  }[];
}

const folder = mkdtempSync(join(tmpdir(), 'slipway-bench-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
process.once('SIGTERM', () => process.exit());
const db = new DatabaseSync(join(folder, 'reference.db'));
// The cache is as large as that of the store's reader.
db.exec(`
  PRAGMA journal_mode = WAL;
  PRAGMA cache_size = -32768;
  CREATE TABLE points (
    device INTEGER NOT NULL, alias INTEGER NOT NULL, timestamp INTEGER NOT NULL, value REAL NOT NULL,
    PRIMARY KEY (device, alias, timestamp)
  ) STRICT, WITHOUT ROWID;
`);
let ask: StatementSync | null = null;

answerQuestions<HistoryQuestion>((question) => {
  if (question.kind === 'fill') return fill(question);
  ask ??=
    db.prepare(`SELECT timestamp / CAST(?1 AS INTEGER) * CAST(?1 AS INTEGER) AS timestamp, min(value) AS min, avg(value) AS mean, max(value) AS max, count(*) AS count
    FROM points WHERE device = ?2 AND alias = 1 AND timestamp BETWEEN ?3 AND ?4 GROUP BY 1 ORDER BY 1`);
  const start = performance.now();
  const points = ask.all(question.bucket, question.device, question.from, question.to);
  return { ms: performance.now() - start, points } as unknown as HistoryAnswer;
});

/** The values of series.ts, made by SQLite itself. */
function fill({ devices, values, start }: HistoryQuestion & { kind: 'fill' }): void {
  const insert = db.prepare(`
    INSERT INTO points
    WITH RECURSIVE value (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM value WHERE n + 1 < ?2)
    SELECT ?1, 1, ?3 + n * ${INTERVAL}, (1800 + ((?1 * 7 + n * 13) % 1600)) / 100.0 FROM value`);
  db.exec('BEGIN');
  for (let device = 0; device < devices; device += 1) insert.run(device, values, start);
  db.exec('COMMIT; PRAGMA wal_checkpoint(TRUNCATE)');
}
