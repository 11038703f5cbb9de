/** The times of back-dated data (device-http.md, record): what a timestamp means, and which points lie too close. */

/** Two points of one alias are at least this far apart, in µs. */
export const SPACING = 1_000_000;

/** The last µs that a number holds exactly, in June 2255. What lies after it is taken for a mistake. */
export const TIMESTAMP_MAX = Number.MAX_SAFE_INTEGER;

/**
 * Told apart by size (the whole part). Read wrongly are only milliseconds before March 1973 and microseconds before
 * March 1973, which no device sends. 10^11 s would be the year 5138.
 */
const units = [
  { below: 1e11, decimals: 6 },
  { below: 1e14, decimals: 3 },
  { below: Number.POSITIVE_INFINITY, decimals: 0 },
] as const;

/**
 * µs since the epoch, from seconds, milliseconds or microseconds, each with or without a fraction. Digits beyond the µs
 * are cut. Null for what is none: a sign, an exponent, no digits, a time after `TIMESTAMP_MAX`.
 */
export function parseTimestamp(text: string): number | null {
  const [, whole, fraction = ''] = /^(\d{1,20})(?:\.(\d{1,20}))?$/.exec(text) ?? [];
  if (whole === undefined) return null;
  const { decimals } = units.find(({ below }) => Number(whole) < below)!;
  // Digits are moved, not multiplied: 1700000000.000001 has no exact double.
  const time = Number(whole + fraction.padEnd(decimals, '0').slice(0, decimals));
  return time <= TIMESTAMP_MAX ? time : null;
}

/** Two points of one alias that are less than `SPACING` apart; µs, the earlier one first. */
export interface SpacingFault {
  readonly alias: string;
  readonly earlier: number;
  readonly later: number;
}

/** The neighbours in time, alias by alias, that lie too close; in order of time. Points may come in any order. */
export function checkSpacing(
  points: readonly { readonly alias: string; readonly timestamp: number }[],
): SpacingFault[] {
  const faults: SpacingFault[] = [];
  for (const [alias, group] of Map.groupBy(points, (point) => point.alias)) {
    const times = group.map((point) => point.timestamp).sort((a, b) => a - b);
    for (let i = 1; i < times.length; i += 1) {
      const [earlier, later] = [times[i - 1]!, times[i]!];
      if (later - earlier < SPACING) faults.push({ alias, earlier, later });
    }
  }
  return faults;
}
