/**
 * Group commit: writes that arrive while a commit is under way share the next one, which is one round trip. A promise given
 * here resolves after PostgreSQL has said that the transaction is committed, and on disk (`synchronous_commit`).
 */
import { AppError } from '../../domain/errors.ts';
import { COMMIT_SECONDS, COMMIT_WRITES, createHistogram } from '../../metrics/histogram.ts';
import type { CommitFigures } from '../store.ts';
import type { Database } from './database.ts';
import { toFailure, unavailable } from './failures.ts';

/** Bounds of one transaction. */
const BATCH_WRITES = 512;
const BATCH_BYTES = 8 << 20;
/** Bounds of what may wait. Past them writes are refused with OVERLOADED. */
const QUEUE_WRITES = 50_000;
const QUEUE_BYTES = 128 << 20;

/** What became of one write of a batch. `again`: nothing yet, it goes first in the next one. */
export type Outcome = { readonly answer: unknown } | { readonly error: unknown } | 'again';

interface Waiting<Write> {
  readonly write: Write;
  readonly bytes: number;
  readonly resolve: (answer: never) => void;
  readonly reject: (error: unknown) => void;
}

export interface Committer<Write> {
  /** OVERLOADED, STORAGE_UNAVAILABLE, or what its outcome says. */
  submit<T>(write: Write, bytes: number): Promise<T>;
  figures(): CommitFigures;
  /** Commits what is queued, then refuses everything. */
  close(): Promise<void>;
}

/**
 * `commit` writes a batch in one transaction and tells an outcome for each of its writes; if it throws, each is tried by itself,
 * so that only the one at fault fails. `lanes`: how many commits may be under way at a time.
 */
export function createCommitter<Write>(
  db: Database,
  commit: (batch: readonly Write[]) => Promise<readonly Outcome[]>,
  lanes: number,
): Committer<Write> {
  let queue: Waiting<Write>[] = [];
  let queuedBytes = 0;
  let scheduled = false;
  let busy = 0;
  let closing: (() => void) | null = null;
  const commitSeconds = createHistogram(COMMIT_SECONDS);
  const commitWrites = createHistogram(COMMIT_WRITES);

  // What waits would wait for nobody knows how long; what is under way learns what became of it.
  db.onUnreachable(() => {
    const refused = queue;
    queue = [];
    queuedBytes = 0;
    for (const { reject } of refused) reject(unavailable(new Error('The database does not answer')));
  });

  function submit<T>(write: Write, bytes: number): Promise<T> {
    if (closing !== null) return Promise.reject(new AppError('STORAGE_UNAVAILABLE', { seen: 'a closed store' }));
    if (db.unreachable()) return Promise.reject(unavailable(new Error('The database does not answer')));
    if (queue.length >= QUEUE_WRITES || queuedBytes + bytes > QUEUE_BYTES) {
      return Promise.reject(new AppError('OVERLOADED', { seen: `${queue.length} writes waiting`, retryAfter: 1 }));
    }
    return new Promise((resolve, reject) => {
      queue.push({ write, bytes, resolve, reject } as Waiting<Write>);
      queuedBytes += bytes;
      schedule();
    });
  }

  function schedule(): void {
    if (queue.length === 0 && busy === 0) closing?.();
    if (scheduled || busy >= lanes || queue.length === 0) return;
    scheduled = true;
    setImmediate(turn);
  }

  function turn(): void {
    scheduled = false;
    const batch = take();
    if (batch.length === 0) return;
    busy += 1;
    void run(batch).finally(() => {
      busy -= 1;
      schedule();
    });
    schedule();
  }

  function take(): Waiting<Write>[] {
    let bytes = 0;
    let count = 0;
    while (count < queue.length && count < BATCH_WRITES && bytes < BATCH_BYTES) bytes += queue[count++]!.bytes;
    const batch = queue.slice(0, count);
    queue = queue.slice(count);
    queuedBytes -= bytes;
    return batch;
  }

  async function run(batch: readonly Waiting<Write>[]): Promise<void> {
    const start = performance.now();
    let outcomes: readonly Outcome[];
    try {
      outcomes = await commit(batch.map(({ write }) => write));
    } catch (error) {
      const passing = error instanceof AppError;
      if (batch.length === 1 || passing) for (const { reject } of batch) reject(toFailure(error));
      else for (const one of batch) await run([one]);
      return;
    }
    const done = outcomes.filter((outcome) => outcome !== 'again' && 'answer' in outcome).length;
    if (done > 0) {
      commitSeconds.observe((performance.now() - start) / 1000);
      commitWrites.observe(done);
    }
    const rest: Waiting<Write>[] = [];
    for (const [at, waiting] of batch.entries()) {
      const outcome = outcomes[at]!;
      if (outcome === 'again') rest.push(waiting);
      else if ('answer' in outcome) waiting.resolve(outcome.answer as never);
      else waiting.reject(outcome.error);
    }
    if (rest.length === 0) return;
    queue = [...rest, ...queue];
    queuedBytes += rest.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  return {
    submit,
    figures: () => ({
      commitSeconds: commitSeconds.read(),
      commitWrites: commitWrites.read(),
      queuedWrites: queue.length,
      queuedBytes,
    }),
    async close() {
      if (closing !== null) return;
      await new Promise<void>((resolve) => {
        closing = resolve;
        schedule();
      });
    },
  };
}
