/**
 * Slows down guessing: how often a source or an account may try to sign in. Bounded memory: past `keys` names, the one
 * that tried longest ago is forgotten. Knows nothing of passwords.
 */
import { isIPv6 } from 'node:net';

/** A bucket per key that holds `burst` attempts and regains one every `interval` µs. */
export interface Throttle {
  /** Takes one attempt. Answers 0, or the seconds to wait; then nothing was taken. */
  take(key: string, now: number): number;
  /** Gives the attempt back: it was a good one. */
  giveBack(key: string): void;
}

/** Attempts to sign in, per source address and per email. */
export interface Sources {
  readonly byAddress: Throttle;
  readonly byEmail: Throttle;
}

const SECOND = 1_000_000;

/** 20 failures at once and 4 a minute from one address; 10 at once and 2 a minute for one account. */
export function createLoginThrottles(): Sources {
  return {
    byAddress: createThrottle({ burst: 20, interval: 15 * SECOND, keys: 10_000 }),
    byEmail: createThrottle({ burst: 10, interval: 30 * SECOND, keys: 10_000 }),
  };
}

/** One note a minute of each session or key. */
export const createUseThrottle = () => createThrottle({ burst: 1, interval: 60 * SECOND, keys: 10_000 });

/** Entries on failed sign-ins, all together: 200 at once, and 100 an hour. */
export const createFailureThrottle = () => createThrottle({ burst: 200, interval: 36 * SECOND, keys: 1 });

/** Generic cell rate algorithm: one number per key, the time at which its bucket is full again. */
export function createThrottle(limit: { burst: number; interval: number; keys: number }): Throttle {
  const fullAt = new Map<string, number>();
  const remember = (key: string, at: number) => {
    fullAt.delete(key);
    fullAt.set(key, at);
    if (fullAt.size > limit.keys) fullAt.delete(fullAt.keys().next().value as string);
  };
  return {
    take(key, now) {
      const at = Math.max(now, fullAt.get(key) ?? 0) + limit.interval;
      const over = at - now - limit.burst * limit.interval;
      if (over > 0) return Math.ceil(over / SECOND);
      remember(key, at);
      return 0;
    },
    giveBack(key) {
      const at = fullAt.get(key);
      if (at !== undefined) fullAt.set(key, at - limit.interval);
    },
  };
}

/** One key per source: an IPv4 address, or the /64 network that an IPv6 subscriber owns. */
export function sourceOf(ip: string): string {
  const v4 = ip.startsWith('::ffff:') ? ip.slice(7) : ip;
  if (!isIPv6(v4)) return v4;
  const [head = '', tail = ''] = v4.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === '' ? [] : tail.split(':');
  const zeros: string[] = v4.includes('::') ? Array(8 - left.length - right.length).fill('0') : [];
  return `${[...left, ...zeros, ...right].slice(0, 4).join(':')}::/64`;
}
