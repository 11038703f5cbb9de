/**
 * Long polls: who waits for which aliases of which device. Waiting costs memory only. Woken by the store's signals, so a
 * value that another node took in wakes as well. Does not know what woke it means: the waiter reads the store again.
 */
import type { Signal, Store } from '../../store/store.ts';

/** Why a wait ended. `dropped`: the device's session may have ended; look again. */
export type Wake = 'changed' | 'dropped' | 'timeout' | 'gone' | 'stopping';

interface Waiter {
  readonly aliases: readonly string[];
  readonly wake: (reason: Wake) => void;
}

export interface Wait {
  readonly woken: Promise<Wake>;
  /** Ends the wait without a reason, or with that the client has gone. Harmless once it has ended. */
  end(): void;
}

export interface Waiting {
  /** Ends when one of the aliases changes or the time (ms) is over. Registered before it returns: nothing is missed. */
  wait(device: number, aliases: readonly string[], ms: number): Wait;
  /** The device's sessions were dropped. */
  drop(device: number): void;
  /** Ends every wait. */
  stop(): void;
  readonly size: number;
}

export function createWaiting(store: Store): Waiting {
  const waiters = new Map<number, Set<Waiter>>();
  let size = 0;
  let stopping = false;

  function add(device: number, waiter: Waiter): void {
    const ofDevice = waiters.get(device) ?? new Set();
    waiters.set(device, ofDevice.add(waiter));
    size += 1;
  }

  function remove(device: number, waiter: Waiter): void {
    const ofDevice = waiters.get(device);
    if (!ofDevice?.delete(waiter)) return;
    size -= 1;
    if (ofDevice.size === 0) waiters.delete(device);
  }

  function wakeAll(device: number, reason: Wake, concerns: (waiter: Waiter) => boolean = () => true): void {
    for (const waiter of waiters.get(device) ?? []) if (concerns(waiter)) waiter.wake(reason);
  }

  const stopListening = store.onSignal((signal: Signal) => {
    if (signal.kind !== 'values' || !waiters.has(signal.ref.key)) return;
    wakeAll(signal.ref.key, 'changed', ({ aliases }) => aliases.some((alias) => signal.aliases.includes(alias)));
  });

  return {
    wait(device, aliases, ms) {
      if (stopping) return { woken: Promise.resolve('stopping'), end: () => {} };
      const { promise, resolve } = Promise.withResolvers<Wake>();
      const wake = (reason: Wake) => {
        clearTimeout(timer);
        remove(device, waiter);
        resolve(reason);
      };
      const waiter: Waiter = { aliases, wake };
      const timer = setTimeout(wake, ms, 'timeout');
      add(device, waiter);
      return { woken: promise, end: () => wake('gone') };
    },
    drop: (device) => wakeAll(device, 'dropped'),
    stop() {
      stopping = true;
      stopListening();
      for (const device of [...waiters.keys()]) wakeAll(device, 'stopping');
    },
    get size() {
      return size;
    },
  };
}
