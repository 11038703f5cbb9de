/** How long one step of background work may hold the event loop: by the clock, as what a row costs differs from disk to disk. */

/** ms; with the COMMIT behind it, a step stays well below the 10 ms that nobody may hold the loop longer than. */
const STEP = 3;

/** Begins a step; the answer says when it is over. What is under way then is finished. */
export function beginStep(ms = STEP): () => boolean {
  const end = performance.now() + ms;
  return () => performance.now() >= end;
}
