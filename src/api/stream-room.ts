/**
 * What event streams hold in memory together: a page is read only while there is room for it, and by few at a time, so that
 * slow readers of large events cost no more than a bound. Knows nothing of how events are written.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Store } from '../store/store.ts';
import type { ApiState, Call } from './context.ts';

/** Bytes that wait for the readers of all streams together; past it, streams wait before they read on. */
const WAITING_BYTES_MAX = 67_108_864;
/** Streams that have a page in hand of which it is not known yet how large it is. */
export const READING_MAX = 8;
/** ms between two looks whether others have been read. */
const LOOK = 100;

export interface BoundedLog extends Pick<Store, 'lastSeq' | 'readEvents' | 'onSignal'> {
  /** How many bytes wait of the page that was read last. */
  holds(bytes: number): void;
  /** The stream has ended. */
  close(): void;
}

/** The log as one stream reads it; `end` is the one that it is listed by. */
export function boundedLog({ state, deps: { store } }: Pick<Call, 'state' | 'deps'>, end: AbortController): BoundedLog {
  const { signal } = end;
  let leave = () => {};
  return {
    lastSeq: () => store.lastSeq(),
    onSignal: (listener) => store.onSignal(listener),
    async readEvents(connector, query) {
      const place = await state.reading.take(signal);
      leave = place === false ? leave : once(place);
      try {
        while (bytesOf(state) > WAITING_BYTES_MAX) await sleep(LOOK, undefined, { signal });
        const page = await store.readEvents(connector, query);
        if (page.events.length === 0) leave();
        return page;
      } catch (error) {
        leave();
        throw error;
      }
    },
    holds(bytes) {
      const own = state.streams.get(end);
      if (own !== undefined) own.held = bytes;
      leave();
    },
    close: () => leave(),
  };
}

const bytesOf = ({ streams }: ApiState): number =>
  [...streams.values()].reduce((sum, { held, raw }) => sum + held + raw.writableLength, 0);

function once(work: () => void): () => void {
  let done = false;
  return () => {
    if (!done) work();
    done = true;
  };
}
