/**
 * Counts refusals per source address and per identity (device-http.md, Limits). Only refusals are counted and only
 * refusals are held back: a valid credential is let through all the same, since a fleet may sit behind one address.
 */
import { AppError } from '../domain/errors.ts';

/** Refusals per window; past them the answer is 429 until the window ends. */
export const ADDRESS_MAX = 1_000;
export const IDENTITY_MAX = 300;
export const WINDOW_SECONDS = 60;
/** Addresses and identities remembered; the ones that came first go first. */
const REMEMBERED = 50_000;

interface Count {
  since: number;
  refusals: number;
}

export interface Failures {
  /** Counts one refusal at `now` (µs). RATE_LIMITED names the limit that is passed, null if none is. */
  count(address: string, identity: string | null, now: number): AppError | null;
}

export function createFailures(): Failures {
  const addresses = new Map<string, Count>();
  const identities = new Map<string, Count>();
  return {
    count(address, identity, now) {
      const second = Math.floor(now / 1_000_000);
      return (
        add(addresses, networkOf(address), second, ADDRESS_MAX, 'refusals from this address') ??
        (identity === null ? null : add(identities, identity, second, IDENTITY_MAX, 'refusals of this identity'))
      );
    },
  };
}

/** A v6 host has a whole /64 to send from: its first four groups stand for all of them. */
function networkOf(address: string): string {
  if (!address.includes(':')) return address;
  const [head = '', tail = ''] = address.split('::', 2);
  const groups = head.split(':');
  if (!address.includes('::')) return groups.slice(0, 4).join(':');
  const zeros = new Array(Math.max(0, 8 - groups.length - tail.split(':').length)).fill('0');
  return [...groups, ...zeros, ...tail.split(':')].slice(0, 4).join(':');
}

function add(counts: Map<string, Count>, key: string, second: number, max: number, what: string): AppError | null {
  let count = counts.get(key);
  if (count === undefined || second - count.since >= WINDOW_SECONDS) {
    counts.delete(key);
    if (counts.size >= REMEMBERED) counts.delete(counts.keys().next().value!);
    count = { since: second, refusals: 0 };
    counts.set(key, count);
  }
  count.refusals += 1;
  if (count.refusals <= max) return null;
  const retryAfter = Math.max(1, count.since + WINDOW_SECONDS - second);
  const seen = `more than ${max} ${what} within ${WINDOW_SECONDS} s`;
  return new AppError('RATE_LIMITED', {
    seen,
    wanted: `a pause of ${retryAfter} s, or a valid credential`,
    retryAfter,
  });
}
