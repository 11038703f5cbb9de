/** How long to wait before the log is asked for again. */

/** A stream that lived this long was a good one: the next pause is short again, in ms. */
export const GOOD_LIFE = 10_000;

const FIRST = 300;
const LONGEST = 15_000;

/** ms before the next try; `failures` in a row, the first of them 1. Never sooner than the server asks, in seconds. */
export function pauseBefore(failures: number, retryAfter: number | null): number {
  const growing = Math.min(LONGEST, FIRST * 2 ** Math.max(0, failures - 1));
  return Math.max(growing, (retryAfter ?? 0) * 1000);
}
