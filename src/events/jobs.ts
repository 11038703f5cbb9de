/**
 * Works on jobs, step by step: those of a connector one after the other, in the order in which they were asked for. Between
 * two steps it rests for as long as the last one took, so that devices never wait for more than one.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { applyBulk, isOpen, type Job, undoBulk } from '../domain/bulk.ts';
import { AppError } from '../domain/errors.ts';
import type { Logger } from '../log.ts';
import type { JobRule, Store } from '../store/store.ts';

/** ms after which it looks for work that no signal told of: that of a node that is gone. */
const LOOK_EVERY = 10_000;
/** ms after which a step that storage did not take is tried again. */
const AGAIN = 1_000;
/** ms between two steps, at most. */
const REST_MAX = 50;
/** Seconds for which a node has the jobs of a connector. */
const LEASE = 20;

/** Starts it; the answer stops it and resolves when no step is under way. */
export function startJobs(store: Store, clock: () => number, logger: Logger): () => Promise<void> {
  const stopping = new AbortController();
  const { signal } = stopping;
  const working = new Map<string, Promise<void>>();
  let wake = Promise.withResolvers<void>();
  const unlisten = store.onSignal(({ kind }) => {
    if (kind === 'work') wake.resolve();
  });
  const pause = (ms: number) => sleep(ms, undefined, { signal }).catch(() => {});

  async function finish({ connector, id }: Job): Promise<void> {
    while (!signal.aborted) {
      try {
        if (!(await store.claim(`jobs ${connector}`, LEASE))) return;
        const began = performance.now();
        const job = await store.getJob(connector, id);
        if (job === null || !isOpen(job)) return;
        await store.stepJob(connector, id, ruleOf(job, clock()), clock());
        await pause(Math.min(REST_MAX, performance.now() - began));
      } catch (error) {
        if (error instanceof AppError && (error.code === 'CONNECTOR_UNKNOWN' || error.code === 'JOB_UNKNOWN')) return;
        if (signal.aborted) return;
        logger.debug('a job waits for storage', { connector, job: id, error });
        await pause(AGAIN);
      }
    }
  }

  async function work(jobs: readonly Job[]): Promise<void> {
    for (const job of jobs) await finish(job);
  }

  async function look(): Promise<void> {
    const byConnector = Map.groupBy(await store.listUnfinishedJobs(), ({ connector }) => connector);
    for (const [connector, jobs] of byConnector) {
      if (working.has(connector)) continue;
      const done = work(jobs)
        .catch((error) => logger.error('a job ended by a fault of ours', { connector, error }))
        // What came meanwhile is found at once.
        .then(() => {
          working.delete(connector);
          if (jobs.length > 0) wake.resolve();
        });
      working.set(connector, done);
    }
  }

  async function keepLooking(): Promise<void> {
    while (!signal.aborted) {
      wake = Promise.withResolvers();
      await look().catch((error) => logger.debug('jobs could not be listed; trying again', { error }));
      await Promise.race([wake.promise, pause(LOOK_EVERY)]);
      // Not in a circle, where another node has all that there is.
      await pause(20);
    }
  }
  const looking = keepLooking();

  return async () => {
    unlisten();
    stopping.abort();
    wake.resolve();
    await looking;
    await Promise.all(working.values());
  };
}

/** What becomes of each device: by whom it was asked for, or by whom it is undone. */
function ruleOf({ id, action, who, origin, undoneBy }: Job, now: number): JobRule {
  const actor = { who, origin, now };
  const undoer = { ...(undoneBy ?? { who, origin }), now };
  return (device, before) =>
    before === null ? applyBulk(device, action, actor, id) : undoBulk(device, action, before, undoer, id);
}
