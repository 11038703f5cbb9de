/**
 * What authentication found out, remembered in bounded memory: by digest, never by secret, and dropped by the store's
 * signals on any change, so that revoking cuts at once. A session that is no longer `valid` must not be used again.
 */
import type { AuthType } from '../domain/connector.ts';
import type { DeviceRef, Store } from '../store/store.ts';

export interface Session {
  readonly ref: DeviceRef;
  readonly auth: AuthType;
  /** When the credential ends by itself, µs; Infinity if never. */
  readonly until: number;
  /** False once anything about the device's right to be here has changed. */
  valid: boolean;
  /** Requests in the running minute, for the connector's rate limit. */
  minute: number;
  requests: number;
  /** Looks the device up again and asks the rules anew, by what was shown at first. Throws what it is to be told. */
  readonly renew: () => Promise<Session>;
  /** Aliases that a long poll told of, with the time they were set, µs; null before the first. */
  news: Map<string, number> | null;
}

const REMEMBERED = 100_000;

export interface Sessions {
  /** Grows with every drop: who reads the store and then puts a session must have seen no drop in between. */
  epoch(): number;
  get(key: string): Session | undefined;
  put(key: string, session: Session): void;
  /** Calls `listener`, one of several, with the key of each device whose sessions were dropped. */
  onDrop(listener: (device: number) => void): void;
  close(): void;
}

export function createSessions(store: Store): Sessions {
  const byKey = new Map<string, Session>();
  const byDevice = new Map<number, Map<string, Session>>();
  let epoch = 0;
  const listeners: ((device: number) => void)[] = [];

  function forget(key: string, session: Session): void {
    byKey.delete(key);
    const ofDevice = byDevice.get(session.ref.key);
    ofDevice?.delete(key);
    if (ofDevice?.size === 0) byDevice.delete(session.ref.key);
  }

  function drop(device: number): void {
    epoch += 1;
    for (const [key, session] of byDevice.get(device) ?? []) {
      session.valid = false;
      byKey.delete(key);
    }
    byDevice.delete(device);
    for (const listener of listeners) listener(device);
  }

  const close = store.onSignal((signal) => {
    if (signal.kind === 'device') drop(signal.ref.key);
    if (signal.kind !== 'connector') return;
    epoch += 1;
    for (const session of [...byKey.values()]) if (session.ref.connector === signal.connector) drop(session.ref.key);
  });

  return {
    epoch: () => epoch,
    get: (key) => byKey.get(key),
    put(key, session) {
      if (byKey.size >= REMEMBERED) {
        // Signals find sessions through this memory: one that leaves it must be looked up anew wherever it is in use.
        const [oldest, before] = byKey.entries().next().value!;
        before.valid = false;
        forget(oldest, before);
      }
      byKey.set(key, session);
      const ofDevice = byDevice.get(session.ref.key) ?? new Map<string, Session>();
      byDevice.set(session.ref.key, ofDevice.set(key, session));
    },
    onDrop: (listener) => void listeners.push(listener),
    close,
  };
}
