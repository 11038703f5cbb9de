/** Runs the store's house-keeping by the clock, in small steps with pauses, so that it never shows in a device's answer. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../log.ts';
import type { Store } from '../store/store.ts';

/** ms between two looks; each look goes on until nothing is left. */
const EXPIRE_EVERY = 1_000;
const PURGE_EVERY = 60_000;
const MINUTE = 60_000;
/** Things handled by one step, and ms of rest after it. */
const STEP = 200;
const REST = 20;

/** Starts it; the answer stops it and resolves when no step is under way. */
export function startHouseKeeping(store: Store, clock: () => number, logger: Logger): () => Promise<void> {
  const stopped = new AbortController();
  const jobs = [
    repeat(
      () => store.expireDue(clock(), STEP),
      () => EXPIRE_EVERY,
    ),
    repeat(
      () => store.purge(clock(), STEP),
      () => PURGE_EVERY,
    ),
    repeat(() => store.sampleOnline(clock()).then(() => 0), untilNextMinute),
  ];

  /** `wait`: ms until it looks again, once nothing is left to do. */
  async function repeat(step: () => Promise<number>, wait: () => number): Promise<void> {
    while (!stopped.signal.aborted) {
      const handled = await step().catch((error) => {
        logger.warn('house-keeping failed; it goes on later', { error });
        return 0;
      });
      await pause(handled > 0 ? REST : wait());
    }
  }

  /** Every minute gets its sample, however long each takes. */
  function untilNextMinute(): number {
    return MINUTE - Math.floor((clock() / 1000) % MINUTE);
  }

  /** Ends early, or does not begin, when it is stopped: that is all that can reject it. */
  const pause = (ms: number): Promise<void> => delay(ms, undefined, { signal: stopped.signal }).catch(() => {});

  return async () => {
    stopped.abort();
    await Promise.all(jobs);
  };
}
