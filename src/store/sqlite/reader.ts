/**
 * Questions that may take milliseconds (lists, searches, history, the log) go to a thread of their own, so that they
 * never hold up a device. The same thread runs checkpoints, for the same reason.
 */
import type { DatabaseSync } from 'node:sqlite';
import { Worker } from 'node:worker_threads';
import { AppError, type ErrorCode } from '../../domain/errors.ts';
import type { Committer } from './committer.ts';
import type { Questions } from './questions.ts';

/** Questions that may wait. */
const WAITING_MAX = 10_000;
/** Pages (4 KiB) in the write-ahead log from which on a checkpoint is due. */
const CHECKPOINT_PAGES = 4_000;
/** Commits between two looks at that number. */
const CHECKPOINT_COMMITS = 64;

export interface Reader {
  ask<N extends keyof Questions>(name: N, ...args: Parameters<Questions[N]>): Promise<ReturnType<Questions[N]>>;
  /** Questions that were asked and not answered yet. */
  waiting(): number;
  close(): Promise<void>;
}

export interface Failures {
  /** The process cannot go on. */
  readonly fatal: (error: Error) => void;
  /** Something is to be tried again later; nothing is lost. */
  readonly passing: (error: Error) => void;
}

export function createReader(db: DatabaseSync, folder: string, committer: Committer, failures: Failures): Reader {
  const worker = new Worker(new URL('./reader-worker.ts', import.meta.url), { workerData: { folder } });
  const waiting = new Map<number, { resolve: (answer: never) => void; reject: (error: unknown) => void }>();
  // NOOP: counts the log's pages, copies none (SQLite 3.51).
  const walPages = db.prepare('PRAGMA wal_checkpoint(NOOP)');
  let last = 0;
  let commits = 0;
  let checkpointing: Promise<void> | null = null;
  let closing = false;

  worker.on(
    'message',
    ({ id, answer, code, seen }: { id: number; answer: never; code?: ErrorCode | null; seen?: string }) => {
      const asked = waiting.get(id)!;
      waiting.delete(id);
      if (code === undefined) asked.resolve(answer);
      else
        asked.reject(
          code === null ? new AppError('STORAGE_UNAVAILABLE', { cause: seen }) : new AppError(code, { seen }),
        );
    },
  );
  worker.on('error', (error) => failures.fatal(new Error("The reader's thread ended", { cause: error })));

  function ask<N extends keyof Questions>(
    name: N,
    ...args: Parameters<Questions[N]>
  ): Promise<ReturnType<Questions[N]>> {
    if (closing) return Promise.reject(new AppError('STORAGE_UNAVAILABLE', { seen: 'a closed store' }));
    if (waiting.size >= WAITING_MAX) {
      return Promise.reject(new AppError('OVERLOADED', { seen: `${waiting.size} questions waiting`, retryAfter: 1 }));
    }
    return new Promise((resolve, reject) => {
      waiting.set(++last, { resolve, reject });
      worker.postMessage({ id: last, name, args });
    });
  }

  /**
   * The first pass copies most pages while commits go on; the second one, with commits held back for a moment, copies
   * the few that are left, so that the next commit begins the log file anew instead of growing it.
   */
  async function checkpoint(): Promise<void> {
    await ask('checkpoint');
    await committer.paused(() => ask('checkpoint'));
  }

  committer.onCommit(() => {
    if (++commits % CHECKPOINT_COMMITS !== 0 || checkpointing !== null || closing) return;
    if ((walPages.get() as { log: number }).log < CHECKPOINT_PAGES) return;
    checkpointing = checkpoint()
      .catch((error) =>
        failures.passing(new Error('A checkpoint failed; the log grows until one succeeds', { cause: error })),
      )
      .finally(() => {
        checkpointing = null;
      });
  });

  return {
    ask,
    waiting: () => waiting.size,
    async close() {
      await checkpointing;
      closing = true;
      await worker.terminate();
    },
  };
}
