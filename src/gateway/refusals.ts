/**
 * Refusals of devices: each is counted against its address and identity, and shown in the log, so that `explain` can tell of
 * it. Bounded, as strangers cause them. Decides nothing about who is refused.
 */
import type { Connector } from '../domain/connector.ts';
import type { Origin } from '../domain/device.ts';
import { AppError, type ErrorCode } from '../domain/errors.ts';
import { tellingCodes } from '../domain/refusals.ts';
import type { Logger } from '../log.ts';
import type { Store } from '../store/store.ts';
import type { Failures } from './failures.ts';

/** Refusals written to the log per second; more are answered all the same. */
const REFUSALS_LOGGED = 500;
const telling: ReadonlySet<ErrorCode> = new Set<ErrorCode>(tellingCodes);
/** Those of them that a device which is who it says may cause again and again: logged, not counted as an attack. */
const ofKnownDevices: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['VALUE_REFUSED']);

export interface Refusals {
  /** Counts and logs what tells something of a device, and gives it back, or RATE_LIMITED in its place. */
  refused(error: unknown, connector: Connector | null, identity: string | null, origin: Origin): unknown;
  /** Logs a refusal, whatever it is about. */
  logRefusal(error: AppError, connector: string, identity: string | null, origin: Origin): void;
}

export interface RefusalsDeps {
  readonly store: Store;
  readonly failures: Failures;
  readonly clock: () => number;
  readonly logger: Logger;
}

export function createRefusals({ store, failures, clock, logger }: RefusalsDeps): Refusals {
  let lately = { second: 0, logged: 0 };

  /** Strangers must not be able to fill the disk with refusals, however many addresses they have. */
  function mayLog(now: number): boolean {
    const second = Math.floor(now / 1_000_000);
    if (second !== lately.second) lately = { second, logged: 0 };
    lately.logged += 1;
    return lately.logged <= REFUSALS_LOGGED;
  }

  function refused(error: unknown, connector: Connector | null, identity: string | null, origin: Origin): unknown {
    if (!(error instanceof AppError) || !telling.has(error.code)) return error;
    const now = clock();
    const limited = ofKnownDevices.has(error.code) ? null : failures.count(origin.ip, identity, now);
    if (limited !== null) return limited;
    if (connector !== null) logRefusal(error, connector.id, identity, origin, now);
    return error;
  }

  function logRefusal(
    error: AppError,
    connector: string,
    identity: string | null,
    origin: Origin,
    now: number = clock(),
  ): void {
    if (!mayLog(now)) return;
    const { code: rule, seen, wanted, message } = error;
    const payload = { rule, seen, wanted, message };
    const event = { type: 'refused' as const, identity, origin, timestamp: now, payload };
    store.log(connector, [event]).catch((cause) => logger.warn('a refusal could not be logged', { rule, cause }));
  }

  return { refused, logRefusal };
}
