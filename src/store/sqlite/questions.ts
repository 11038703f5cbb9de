/** Everything that the reader's thread can be asked: a name, plain arguments, a plain answer. */
import type { DatabaseSync } from 'node:sqlite';
import { createAuditQueries } from './audit.ts';
import { createContentQueries } from './content.ts';
import { createEventQueries } from './event-queries.ts';
import { createFigureQueries } from './figures.ts';
import { createHistoryQueries } from './history.ts';
import { createImportReview } from './import-review.ts';
import { createJobQueries } from './job-queries.ts';
import { createLists } from './lists.ts';

export function questions(db: DatabaseSync) {
  const checkpoint = db.prepare('PRAGMA wal_checkpoint(PASSIVE)');
  return {
    ...createContentQueries(db),
    ...createLists(db),
    ...createHistoryQueries(db),
    ...createEventQueries(db),
    ...createFigureQueries(db),
    ...createImportReview(db),
    ...createAuditQueries(db),
    ...createJobQueries(db),
    checkpoint: () => void checkpoint.get(),
  };
}

export type Questions = ReturnType<typeof questions>;
