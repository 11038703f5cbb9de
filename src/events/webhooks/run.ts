/**
 * Delivers the events of one webhook, one batch after the other, from its place in the log on. Holds one batch while it sends
 * it and nothing while it waits. Works only while this node has the lease, and notes each try before the next.
 */
import { createHmac, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StoredEvent } from '../../domain/device.ts';
import { afterDelivery, type Delivery, missedAt, type Webhook, type WebhookProgress } from '../../domain/webhook.ts';
import type { Logger } from '../../log.ts';
import type { Store } from '../../store/store.ts';
import { createBell } from '../tail.ts';
import { post } from './post.ts';
import type { Slots } from './slots.ts';

/** Reads what was encrypted (api/seal.ts). */
export interface Opener {
  open(purpose: string, sealed: string): string | null;
}

export interface WebhookDeps {
  readonly store: Store;
  readonly seal: Opener;
  /** µs since the epoch. */
  readonly clock: () => number;
  readonly logger: Logger;
  /** CIDR ranges that may be reached although they are not public. */
  readonly allowed: readonly string[];
  /** ms for a delivery. */
  readonly timeout?: number;
  /** Seconds of a lease: longer than a delivery takes. */
  readonly lease?: number;
  readonly nameServers?: readonly string[];
}

/** What all webhooks of a node share: places for those that do well, and others for those that do not, or of which nobody knows. */
export interface Places {
  readonly steady: Slots;
  readonly troubled: Slots;
  /** For those that never had a success. */
  readonly fresh: Slots;
}

/** Events of one delivery. */
const BATCH = 200;
/** ms for a delivery. */
const TIMEOUT = 10_000;
/** Seconds of a lease, and ms after which one looks again; by then a lease is prolonged, so that a delivery fits into what is left. */
const LEASE = 20;
const RENEW = 8_000;
/** ms for which events gather before they are sent. */
const GATHER = 50;
/** ms after which a place is noted at which nothing was to be delivered. */
const NOTE_EVERY = 60_000;
/** ms after which something that failed here, not there, is tried again. */
const AGAIN = 2_000;
const DAY = 86_400_000_000;

/** Under which its secret is sealed. */
export const purposeOf = (id: string) => `webhook ${id}`;

/** `ring`: there may be new events. `done` resolves when it has ended: told to, paused, or the webhook is another by now. */
export function startRun(hook: Webhook, deps: WebhookDeps, places: Places, signal: AbortSignal, stopping: AbortSignal) {
  const ends = AbortSignal.any([signal, stopping]);
  const bell = createBell(ends);
  return { ring: bell.ring, done: run(hook, deps, places, bell, signal, ends) };
}

type Bell = ReturnType<typeof createBell>;

/** `cut` also ends a delivery that is under way; `ends` lets it come to its end. */
async function run(
  hook: Webhook,
  deps: WebhookDeps,
  places: Places,
  bell: Bell,
  cut: AbortSignal,
  ends: AbortSignal,
): Promise<void> {
  const { store, clock, logger } = deps;
  const lease = createLease(store, hook.id, deps.lease ?? LEASE);
  const pause = (ms: number) => sleep(ms, undefined, { signal: ends }).catch(() => {});
  let progress: WebhookProgress | null = null;
  let retry: Retry | null = null;
  let noted = performance.now();
  while (!ends.aborted) {
    try {
      bell.reset();
      const held = await lease.hold();
      if (held !== 'still') {
        progress = null;
        retry = null;
      }
      if (held === 'no') {
        await pause(RENEW);
        continue;
      }
      // Another node may have gone on with it.
      progress ??= await placeOf(store, hook);
      // Gone, or paused by another node.
      if (progress === null || progress.pausedAt !== null) return;
      const due = progress.nextTry === null ? 0 : (progress.nextTry - clock()) / 1000;
      if (due > 0) {
        await pause(Math.min(due, RENEW));
        continue;
      }
      const leave: (() => void) | false = await placesOf(progress, places).take(ends);
      if (leave === false) return;
      let delivery: Delivery | null = null;
      try {
        // It may have waited long for its place: another node may have the webhook by now, and have gone on with it.
        if ((await lease.hold()) !== 'still') {
          progress = null;
          retry = null;
          continue;
        }
        progress = await sinceMissed(deps, hook, progress);
        const head = await store.lastSeq();
        delivery = await deliverNext(hook, progress, retry, deps, cut);
        if (delivery !== null) {
          if (cut.aborted) return;
          progress = afterDelivery(progress, delivery, clock(), Math.random());
          retry =
            delivery.error === null ? null : { id: delivery.id, last: delivery.last, attempt: delivery.attempt + 1 };
        } else if (retry !== null) {
          // Purged meanwhile.
          retry = null;
          continue;
        } else {
          progress = { ...progress, position: Math.max(progress.position, head), reachedAt: clock() };
        }
      } finally {
        leave();
      }
      if (delivery !== null || performance.now() - noted > NOTE_EVERY) {
        noted = performance.now();
        if (!(await store.noteDelivery(hook, progress, delivery))) {
          lease.lose();
          continue;
        }
      }
      tell(logger, hook, progress, delivery);
      if (progress.pausedAt !== null) return;
      if (delivery !== null) continue;
      await rungWithin(bell, RENEW, ends);
      await pause(GATHER);
    } catch (error) {
      if (ends.aborted) return;
      logger.debug('a webhook waits for storage', { connector: hook.connector, webhook: hook.id, error });
      lease.lose();
      await pause(AGAIN);
    }
  }
}

function placesOf({ failures, lastSuccess }: WebhookProgress, places: Places): Slots {
  if (failures > 0) return places.troubled;
  return lastSuccess === null ? places.fresh : places.steady;
}

async function rungWithin(bell: Bell, ms: number, ends: AbortSignal): Promise<void> {
  const rung = new AbortController();
  const late = sleep(ms, undefined, { signal: AbortSignal.any([ends, rung.signal]) }).catch(() => {});
  await Promise.race([bell.rung(), late]);
  rung.abort();
}

/** The batch that failed: it is sent again as it was. */
interface Retry {
  readonly id: string;
  readonly last: number;
  readonly attempt: number;
}

/** How far it is now; null where it is another by now, or gone. */
async function placeOf(store: Store, { connector, id, generation }: Webhook): Promise<Webhook | null> {
  const now = await store.getWebhook(connector, id);
  return now?.generation === generation ? now : null;
}

/** `still`: as before; `anew`: somebody else may have had it in between. */
function createLease(store: Store, id: string, seconds: number) {
  /** ms; a part of it is left for a delivery. */
  const whole = seconds * 1000;
  const fresh = whole * (RENEW / (LEASE * 1000));
  let until = 0;
  return {
    async hold(): Promise<'still' | 'anew' | 'no'> {
      const now = performance.now();
      if (now < until - (whole - fresh)) return 'still';
      const before = now < until;
      if (!(await store.claim(purposeOf(id), seconds))) {
        until = 0;
        return 'no';
      }
      until = now + whole;
      return before ? 'still' : 'anew';
    },
    lose(): void {
      until = 0;
    },
  };
}

async function sinceMissed({ store, clock }: WebhookDeps, hook: Webhook, progress: WebhookProgress) {
  const now = clock();
  if (now - progress.reachedAt < DAY) return progress;
  const days = (await store.getConnector(hook.connector))?.settings.retention.events_days ?? 0;
  const missed = missedAt(progress, days, now);
  return missed === null ? progress : { ...progress, missed, reachedAt: missed.to };
}

async function nextEvents(store: Store, hook: Webhook, { position }: WebhookProgress, retry: Retry | null) {
  const types = hook.types.length === 0 ? undefined : hook.types;
  const before = retry === null ? undefined : retry.last + 1;
  const query = { types, after: position, before, order: 'oldest', limit: BATCH } as const;
  return (await store.readEvents(hook.connector, query)).events;
}

/** Null where there is nothing to deliver. The batch is held in here alone: a run that waits keeps nothing of it. */
async function deliverNext(
  hook: Webhook,
  progress: WebhookProgress,
  retry: Retry | null,
  deps: WebhookDeps,
  signal: AbortSignal,
): Promise<Delivery | null> {
  const events = await nextEvents(deps.store, hook, progress, retry);
  return events.length === 0 ? null : deliver(hook, events, retry, deps, signal);
}

async function deliver(
  hook: Webhook,
  events: readonly StoredEvent[],
  retry: Retry | null,
  { seal, clock, allowed, timeout = TIMEOUT, nameServers }: WebhookDeps,
  signal: AbortSignal,
): Promise<Delivery> {
  const id = retry?.id ?? randomUUID();
  const at = clock();
  const began = performance.now();
  const secret = seal.open(purposeOf(hook.id), hook.secret);
  const body = JSON.stringify({ events });
  const { status, error } =
    secret === null
      ? { status: null, error: 'its secret cannot be read: seal.key is another one than when it was made' }
      : await post(hook.url, body, headersOf(hook, id, secret, body, at), { allowed, timeout, nameServers, signal });
  return {
    ...{ id, at, attempt: retry?.attempt ?? 1, first: events[0]!.seq, last: events.at(-1)!.seq, count: events.length },
    ...{ status, duration: Math.round(performance.now() - began), error },
  };
}

/** `Slipway-Signature: t=<epoch s>,v1=<hex HMAC-SHA256 of "<t>.<body>">` */
function headersOf({ connector }: Webhook, id: string, secret: string, body: string, at: number) {
  const t = Math.floor(at / 1_000_000);
  const signature = createHmac('sha256', secret).update(`${t}.${body}`).digest('hex');
  return {
    'content-type': 'application/json',
    'user-agent': 'Slipway',
    'slipway-connector': connector,
    'slipway-delivery': id,
    'slipway-signature': `t=${t},v1=${signature}`,
  };
}

/** The address may be a secret: it is not told. */
function tell(logger: Logger, hook: Webhook, { failures, pausedAt }: WebhookProgress, delivery: Delivery | null): void {
  if (delivery === null || delivery.error === null) return;
  const fields = { connector: hook.connector, webhook: hook.id, error: delivery.error };
  if (pausedAt !== null) logger.warn('a webhook is paused: its deliveries keep failing', fields);
  else if (failures === 1) logger.warn('a delivery failed; it is tried again', fields);
}
