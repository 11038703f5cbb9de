/** Where in the log a day begins. */
import { formatExact } from '../parts/format-time.ts';

/** µs since the epoch at which the day of the reader began that `at` (µs) is in. */
const startOfDay = (at: number) => new Date(at / 1000).setHours(0, 0, 0, 0) * 1000;

/**
 * For the lines of a log, newest first, the day (`2026-11-23`) at those above which it has to be said: where it is no
 * longer the day of the line above, or, at the top, no longer that of `now`. Looks at the calendar once per day.
 */
export function daysOf(timestamps: readonly number[], now: number): (string | undefined)[] {
  let start = startOfDay(now);
  return timestamps.map((at) => {
    if (at >= start) return undefined;
    start = startOfDay(at);
    return formatExact(at).slice(0, 10);
  });
}
