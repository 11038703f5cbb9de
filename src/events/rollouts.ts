/**
 * Looks after rollouts: advances them by time, and holds those of which too many devices report failure. Every server of an
 * installation does it; of those that decide the same at once, the store lets one step be made.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { judgeRollout, needsJudging, rolloutEvent } from '../domain/rollout.ts';
import type { Logger } from '../log.ts';
import type { Store } from '../store/store.ts';

/** ms between two looks; after one that took long, so many times as long. */
const LOOK_EVERY = 2_000;
const REST = 10;

/** Starts it; the answer stops it and resolves when no look is under way. */
export function startRollouts(store: Store, clock: () => number, logger: Logger): () => Promise<void> {
  const stopped = new AbortController();
  const done = (async () => {
    while (!stopped.signal.aborted) {
      const start = performance.now();
      await judgeAll(store, clock).catch((error) =>
        logger.warn('rollouts were not looked after; trying again', { error }),
      );
      const wait = Math.max(LOOK_EVERY, (performance.now() - start) * REST);
      await delay(wait, undefined, { signal: stopped.signal }).catch(() => {});
    }
  })();
  return async () => {
    stopped.abort();
    await done;
  };
}

/** One look at all that run. */
export async function judgeAll(store: Store, clock: () => number): Promise<void> {
  for (const { connector, content } of await store.listRollouts()) {
    if (!needsJudging(content.rollout)) continue;
    const figures = await store.readRolloutFigures(connector, content.id);
    const now = clock();
    // Most looks change nothing, and then nothing is asked to be written.
    if (judgeRollout(content.rollout, figures, now) === content.rollout) continue;
    await store.changeContent(connector, content.id, (before) => {
      const rollout = before?.rollout ?? null;
      // Somebody may have taken it in hand, or replaced the file that the figures are of.
      if (before === null || rollout === null || before.sha256 !== content.sha256) return { answer: null };
      if (rollout.salt !== content.rollout?.salt || rollout.since !== content.rollout.since) return { answer: null };
      const judged = judgeRollout(rollout, figures, now);
      if (judged === rollout) return { answer: null };
      const event = rolloutEvent(before.id, { before: rollout, after: judged }, { who: null, origin: null, now });
      return { answer: null, content: { ...before, rollout: judged }, events: [event] };
    });
  }
}
