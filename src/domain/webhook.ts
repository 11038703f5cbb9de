/**
 * The rules of webhooks (management-api.md): which addresses they may have, and what becomes of one after each delivery.
 * Pure: a delivery's outcome, the time and random numbers come in. Knows nothing of sockets or storage.
 */
import { BlockList, isIP } from 'node:net';
import type { EventType } from './connector.ts';
import { isAllowed, normalizeAddress } from './network.ts';

/** How far it is. Changes with every delivery; all times in µs since the epoch. */
export interface WebhookProgress {
  /** The last sequence number that is delivered, or does not concern it. */
  readonly position: number;
  /** When everything up to there was known to be delivered: what came later may have been purged since. */
  readonly reachedAt: number;
  /** Deliveries that failed since the last one that did not. */
  readonly failures: number;
  readonly failingSince: number | null;
  /** When the next try is due, after a failure. */
  readonly nextTry: number | null;
  /** Since when it is not tried any more; until somebody says so. */
  readonly pausedAt: number | null;
  readonly lastSuccess: number | null;
  /** Events of this time were no longer kept when their turn came. */
  readonly missed: { readonly from: number; readonly to: number } | null;
}

export interface Webhook extends WebhookProgress {
  readonly id: string;
  /** Id of the connector whose events it gets. */
  readonly connector: string;
  readonly url: string;
  /** Empty: all. */
  readonly types: readonly EventType[];
  readonly enabled: boolean;
  /** Sealed (api/seal.ts): never in the clear where it is kept. */
  readonly secret: string;
  readonly created: number;
  /** Grows with every change by people: progress of an older one does not count. */
  readonly generation: number;
}

/** One try. */
export interface Delivery {
  /** `Slipway-Delivery`; tries of the same events have the same one, as long as the server runs. */
  readonly id: string;
  /** When it began, µs. */
  readonly at: number;
  /** From 1. */
  readonly attempt: number;
  /** Sequence numbers. */
  readonly first: number;
  readonly last: number;
  /** Events in it. */
  readonly count: number;
  /** Of the answer; null where none came. */
  readonly status: number | null;
  /** ms */
  readonly duration: number;
  /** Why it failed; null if it did not. */
  readonly error: string | null;
}

export type WebhookState = 'active' | 'failing' | 'paused' | 'disabled';

/** Webhooks of one connector. */
export const WEBHOOKS_MAX = 10;
/** Tries that are remembered of each. */
export const DELIVERIES_KEPT = 100;
/** µs without one success after which it is paused. */
export const PAUSE_AFTER = 86_400_000_000;
/** µs until the first other try, and between two tries at most. */
const FIRST_PAUSE = 1_000_000;
const LONGEST_PAUSE = 300_000_000;
/** RFC 9110, 15.5.11: what was there is gone, and will not come back. */
const GONE = 410;
const URL_MAX = 2048;

export function stateOf({ enabled, pausedAt, failures }: Webhook): WebhookState {
  if (!enabled) return 'disabled';
  if (pausedAt !== null) return 'paused';
  return failures > 0 ? 'failing' : 'active';
}

/** What a new one, or one that is to try at once, begins with. */
export function startAt(position: number, now: number): WebhookProgress {
  const never = { failures: 0, failingSince: null, nextTry: null, pausedAt: null, lastSuccess: null, missed: null };
  return { position, reachedAt: now, ...never };
}

/** The same place, with what went wrong before forgotten. */
export function resumed<P extends WebhookProgress>(progress: P): P {
  return { ...progress, failures: 0, failingSince: null, nextTry: null, pausedAt: null };
}

/** After a try: on to the next events, or another pause. `random` from 0 to 1. */
export function afterDelivery(
  before: WebhookProgress,
  delivery: Delivery,
  now: number,
  random: number,
): WebhookProgress {
  if (delivery.error === null) {
    return { ...resumed(before), position: delivery.last, reachedAt: delivery.at, lastSuccess: now };
  }
  const failures = before.failures + 1;
  const failingSince = before.failingSince ?? delivery.at;
  if (delivery.status === GONE || now - failingSince >= PAUSE_AFTER) {
    return { ...before, failures, failingSince, nextTry: null, pausedAt: now };
  }
  return { ...before, failures, failingSince, nextTry: now + retryPause(failures, random) };
}

/** µs: doubled with each failure up to a bound, and never the same for many that failed together. */
export function retryPause(failures: number, random: number): number {
  const longest = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** Math.min(failures - 1, 20));
  return Math.round(longest * (0.5 + random / 2));
}

/** What retention has taken since the place was reached; null if nothing can be missing. `days` 0 keeps everything. */
export function missedAt({ reachedAt }: WebhookProgress, days: number, now: number): WebhookProgress['missed'] {
  const kept = now - days * 86_400_000_000;
  return days === 0 || reachedAt >= kept ? null : { from: reachedAt, to: kept };
}

export interface TargetFault {
  readonly seen: string;
  readonly wanted: string;
}

/** What is wrong with the URL of a webhook, as far as it can be told without asking for its name; null if nothing is. */
export function checkTarget(text: string, allowed: readonly string[]): TargetFault | null {
  if (text.length > URL_MAX) return { seen: `${text.length} characters`, wanted: `at most ${URL_MAX}` };
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    return { seen: url === null ? 'no URL' : url.protocol, wanted: 'https://… or http://…' };
  }
  // Not to be repeated: they are secrets.
  if (url.username !== '' || url.password !== '') return { seen: 'a user or password', wanted: 'a URL without' };
  if (url.hash !== '') return { seen: 'a fragment', wanted: 'a URL without' };
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
  if (port < 1024 && port !== 80 && port !== 443) {
    return { seen: `port ${port}`, wanted: '80, 443, or one from 1024 on' };
  }
  const host = hostOf(url);
  return isIP(host) !== 0 && !mayReach(host, allowed) ? unreachable(host) : null;
}

/** Why an address is refused. */
export const unreachable = (address: string): TargetFault => ({
  seen: address,
  wanted: 'a public address, or one that SLIPWAY_WEBHOOK_ALLOW lists',
});

/** Without the brackets of IPv6. The URL standard has made `127.1` and `0x7f000001` what they are. */
export const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/g, '');

/** Whether a webhook may be sent to this address: a public one, or one in the ranges that the operator allows. */
export function mayReach(address: string, allowed: readonly string[]): boolean {
  return isPublic(address) || isAllowed(allowed, address);
}

/** Whether the address is global unicast and nobody's own, by the registries of special addresses (RFC 6890). */
export function isPublic(text: string): boolean {
  const address = normalizeAddress(text);
  const family = isIP(address);
  if (family === 4) return !special4.check(address, 'ipv4');
  // Others are unassigned, local, multicast, or carry an IPv4 address (64:ff9b::/96) that nobody would look at.
  return family === 6 && global6.check(address, 'ipv6') && !special6.check(address, 'ipv6');
}

function listOf(ranges: readonly string[], family: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address, bits] = range.split('/') as [string, string];
    list.addSubnet(address, Number(bits), family);
  }
  return list;
}

/** IANA IPv4 Special-Purpose Address Registry, and multicast. */
const special4 = listOf(
  [
    ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24'],
    ...['192.0.2.0/24', '192.31.196.0/24', '192.52.193.0/24', '192.88.99.0/24', '192.168.0.0/16', '192.175.48.0/24'],
    ...['198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4'],
  ],
  'ipv4',
);
const global6 = listOf(['2000::/3'], 'ipv6');
/** Of those: protocol assignments with Teredo, documentation, and 6to4, which carries an IPv4 address. */
const special6 = listOf(['2001::/23', '2001:db8::/32', '2002::/16', '2620:4f:8000::/48', '3fff::/20'], 'ipv6');
