/**
 * Follows the log of a connector: what is there after a sequence number, then whatever comes, in order and without gaps.
 * Holds a cursor and one page, however many events there are; woken by signals, it reads the content from the store.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { EventType } from '../domain/connector.ts';
import type { StoredEvent } from '../domain/device.ts';
import type { Store } from '../store/store.ts';

export interface TailQuery {
  readonly types?: readonly EventType[];
  readonly identity?: string;
  /** The last sequence number that is not wanted. */
  readonly after: number;
}

const PAGE = 200;
/** Commits come by the thousand in a second; a reader of the log looks this often at most, in ms. */
const PAUSE = 50;

/** Pages of events, oldest first, until `signal` aborts. Reads no faster than the pages are taken. */
export async function* tailEvents(
  store: Pick<Store, 'lastSeq' | 'readEvents' | 'onSignal'>,
  connector: string,
  query: TailQuery,
  signal: AbortSignal,
): AsyncGenerator<StoredEvent[], void, undefined> {
  const bell = createBell(signal);
  const stop = store.onSignal((sent) => {
    // A change of the connector may be its end, which the next read then tells of.
    if ((sent.kind === 'events' || sent.kind === 'connector') && sent.connector === connector) bell.ring();
  });
  try {
    let { after } = query;
    while (!signal.aborted) {
      bell.reset();
      // Read before the page: what the page leaves out up to here does not fit the query and need not be looked at again.
      const head = await store.lastSeq();
      const page = await store.readEvents(connector, { ...query, after, order: 'oldest', limit: PAGE });
      after = page.events.at(-1)?.seq ?? after;
      if (page.events.length > 0) yield page.events;
      if (page.mayLoadMore) continue;
      after = Math.max(after, head);
      await bell.rung();
      if (!signal.aborted) await sleep(PAUSE, undefined, { signal }).catch(() => {});
    }
  } finally {
    stop();
  }
}

/** Remembers that it rang since the last reset, so that no signal is lost while nobody waits. */
export function createBell(signal: AbortSignal) {
  let ringing = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => ringing.resolve(), { once: true });
  return {
    ring: () => ringing.resolve(),
    reset() {
      if (!signal.aborted) ringing = Promise.withResolvers<void>();
    },
    rung: () => ringing.promise,
  };
}
