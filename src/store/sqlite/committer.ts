/**
 * Group commit: writes that arrive while a commit is under way share the next one. A promise given here resolves after
 * the transaction is committed *and* the write-ahead log is on disk.
 *
 * SQLite itself runs with `synchronous=NORMAL`, which orders its own writes but leaves the log unsynced at commit; the
 * sync is ours, on a thread of the pool, so that the loop reads further requests meanwhile. What reaches the client is
 * the same as with FULL. If a sync fails, nobody knows what the disk holds, so the process ends (as PostgreSQL's does)
 * and the next start reads what is really there.
 */
import { closeSync, fdatasync, openSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { AppError } from '../../domain/errors.ts';
import { COMMIT_SECONDS, COMMIT_WRITES, createHistogram } from '../../metrics/histogram.ts';
import type { CommitFigures } from '../store.ts';

/** Bounds of one transaction, so that it holds the loop only for milliseconds. */
const BATCH_WRITES = 512;
const BATCH_BYTES = 8 << 20;
/** Bounds of what may wait. Past them writes are refused with OVERLOADED. */
const QUEUE_WRITES = 50_000;
const QUEUE_BYTES = 128 << 20;

/** Writes that make a second sync worth its cost beside the one under way: the disk is kept busy then. */
const SECOND_SYNC_WRITES = 48;
/** ms that a commit waits at most, for as long as each turn of the event loop brings more writes: they share its cost. */
const GATHER = 1;

/** A write, as those hand it over who have many: one object in place of several closures. */
export interface Work<T> {
  /** Runs inside the transaction; may run again if a neighbour broke the batch. Refuses (AppError, Refused) before it writes. */
  run(): T;
  /** Right after COMMIT, before the sync: memory follows the database. */
  committed?(answer: T): void;
  /** After the sync, before the promise resolves: others may be told. */
  durable?(answer: T): void;
  /** What it takes in memory, roughly. */
  readonly bytes?: number;
}

interface Write {
  readonly work: Work<unknown>;
  readonly bytes: number;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** What `run` answered. */
  answer: unknown;
}

/** Carries what a caller's own rule threw, whatever it is, past the check that tells refusals from faults of the engine. */
export class Refused {
  readonly reason: unknown;
  constructor(reason: unknown) {
    this.reason = reason;
  }
}

/** Lets a rule decide inside a transaction; what it throws refuses this write alone. */
export function decided<T>(decide: () => T): T {
  try {
    return decide();
  } catch (error) {
    throw new Refused(error);
  }
}

export interface Committer {
  /**
   * Queues a write. `committed` runs right after COMMIT (memory follows the database), `durable` once it is on disk.
   * Rejects with what `run` throws if that is an AppError, OVERLOADED, or STORAGE_UNAVAILABLE.
   */
  submit<T>(
    run: () => T,
    hooks?: { committed?: (answer: T) => void; durable?: (answer: T) => void; bytes?: number },
  ): Promise<T>;
  /** The same for a write that is one object. */
  take<T>(work: Work<T>): Promise<T>;
  /** Runs `work` between two commits, in a transaction of its own that nobody waits for and that is not synced. */
  aside(work: () => void): void;
  /** Holds commits back while `work` is under way; writes wait in the queue. */
  paused<T>(work: () => Promise<T>): Promise<T>;
  /** Number of the transaction under way: tells writes of the same one. */
  transaction(): number;
  /** Called after each commit, when all its `durable` have run and before its promises resolve. */
  onCommit(listener: () => void): void;
  figures(): CommitFigures;
  /** Commits what is queued, then refuses everything. */
  close(): Promise<void>;
}

/** Rows that a transaction's writes share: written right before its COMMIT, dropped with its ROLLBACK. */
export interface Shared {
  flush(): void;
  discard(): void;
  /** Right after COMMIT, before the `committed` of each write. */
  committed?(): void;
}

export function createCommitter(
  db: DatabaseSync,
  walFile: string,
  shared: readonly Shared[],
  onFatal: (error: Error) => void,
): Committer {
  const begin = db.prepare('BEGIN IMMEDIATE');
  const commit = db.prepare('COMMIT');
  const rollback = db.prepare('ROLLBACK');
  // One for each sync at a time: the kernel reports a failed write once to each descriptor (fsync(2)), so neither of two
  // syncs can take for written what the other was told is lost.
  const free = [openSync(walFile, 'r'), openSync(walFile, 'r')];
  let queue: Write[] = [];
  let queuedBytes = 0;
  let scheduled = false;
  /** Writes that the turn before saw, and when the first turn was, ms; 0 before it. */
  let seen = 0;
  let gathering = 0;
  let syncing = 0;
  let holds = 0;
  let closing: (() => void) | null = null;
  let closed = false;
  const afterCommit: (() => void)[] = [];
  let transactions = 0;
  const commitSeconds = createHistogram(COMMIT_SECONDS);
  const commitWrites = createHistogram(COMMIT_WRITES);

  function submit<T>(
    run: () => T,
    hooks: { committed?: (answer: T) => void; durable?: (answer: T) => void; bytes?: number } = {},
  ): Promise<T> {
    return take({ run, ...hooks });
  }

  function take<T>(work: Work<T>): Promise<T> {
    if (closed || closing !== null)
      return Promise.reject(new AppError('STORAGE_UNAVAILABLE', { seen: 'a closed store' }));
    const bytes = work.bytes ?? 256;
    if (queue.length >= QUEUE_WRITES || queuedBytes + bytes > QUEUE_BYTES) {
      return Promise.reject(new AppError('OVERLOADED', { seen: `${queue.length} writes waiting`, retryAfter: 1 }));
    }
    return new Promise((resolve, reject) => {
      queue.push({ work, bytes, resolve, reject, answer: undefined } as Write);
      queuedBytes += bytes;
      schedule();
    });
  }

  function schedule(): void {
    if (scheduled || !mayCommit() || (queue.length === 0 && closing === null)) return;
    setImmediate(turn);
    scheduled = true;
  }

  function mayCommit(): boolean {
    if (holds > 0) return false;
    return syncing === 0 || (free.length > 0 && queue.length >= SECOND_SYNC_WRITES);
  }

  function turn(): void {
    scheduled = false;
    if (!mayCommit()) return;
    if (brings()) {
      schedule();
      return;
    }
    const batch = nextBatch();
    if (batch.length === 0) {
      if (syncing === 0) closing?.();
      return;
    }
    const start = performance.now();
    const done = transact(batch);
    if (done.length === 0) {
      schedule();
      return;
    }
    syncing += 1;
    const wal = free.pop()!;
    fdatasync(wal, (error) => {
      if (error !== null) {
        onFatal(new Error('The write-ahead log could not be synced to disk', { cause: error }));
        return;
      }
      syncing -= 1;
      free.push(wal);
      commitSeconds.observe((performance.now() - start) / 1000);
      commitWrites.observe(done.length);
      for (const { work, answer } of done) work.durable?.(answer);
      for (const listener of afterCommit) listener();
      for (const { resolve, answer } of done) resolve(answer);
      schedule();
    });
  }

  /** Whether the turn brought writes, and the next one may bring more. */
  function brings(): boolean {
    const now = performance.now();
    if (gathering === 0) gathering = now;
    const more = queue.length > seen && queue.length < BATCH_WRITES && now - gathering < GATHER;
    seen = more ? queue.length : 0;
    if (!more) gathering = 0;
    return more;
  }

  function nextBatch(): Write[] {
    let bytes = 0;
    let count = 0;
    while (count < queue.length && count < BATCH_WRITES && bytes < BATCH_BYTES) bytes += queue[count++]!.bytes;
    const batch = count === queue.length ? queue : queue.slice(0, count);
    queue = count === queue.length ? [] : queue.slice(count);
    queuedBytes -= bytes;
    return batch;
  }

  /** Runs the batch in one transaction; if one write breaks it, each in its own, so that only that one fails. */
  function transact(batch: readonly Write[]): readonly Write[] {
    try {
      return attempt(batch);
    } catch (error) {
      if (batch.length === 1) {
        batch[0]!.reject(unavailable(error));
        return [];
      }
      return batch.flatMap((write) => transact([write]));
    }
  }

  function attempt(batch: readonly Write[]): readonly Write[] {
    const refused: { write: Write; error: unknown }[] = [];
    transactions += 1;
    begin.run();
    try {
      for (const write of batch) {
        try {
          write.answer = write.work.run();
        } catch (error) {
          if (!(error instanceof AppError) && !(error instanceof Refused)) throw error;
          refused.push({ write, error: error instanceof Refused ? error.reason : error });
        }
      }
      for (const rows of shared) rows.flush();
      commit.run();
    } catch (error) {
      for (const rows of shared) rows.discard();
      if (db.isTransaction) rollback.run();
      throw error;
    }
    for (const rows of shared) rows.committed?.();
    for (const { write, error } of refused) write.reject(error);
    const failed = new Set(refused.map(({ write }) => write));
    const done = failed.size === 0 ? batch : batch.filter((write) => !failed.has(write));
    for (const { work, answer } of done) work.committed?.(answer);
    return done;
  }

  return {
    submit,
    take,
    aside(work) {
      begin.run();
      try {
        work();
        commit.run();
      } catch (error) {
        if (db.isTransaction) rollback.run();
        throw error;
      }
    },
    async paused(work) {
      holds += 1;
      try {
        return await work();
      } finally {
        holds -= 1;
        schedule();
      }
    },
    transaction: () => transactions,
    onCommit(listener) {
      afterCommit.push(listener);
    },
    figures: () => ({
      commitSeconds: commitSeconds.read(),
      commitWrites: commitWrites.read(),
      queuedWrites: queue.length,
      queuedBytes,
    }),
    async close() {
      if (closed || closing !== null) return;
      await new Promise<void>((resolve) => {
        closing = resolve;
        schedule();
      });
      closed = true;
      for (const wal of free) closeSync(wal);
    },
  };
}

function unavailable(cause: unknown): AppError {
  return new AppError('STORAGE_UNAVAILABLE', { retryAfter: 5, cause });
}
