/** A bounded number of places: who finds none waits for one, in turn. */
export interface Slots {
  /** Resolves with what gives the place back; false where `signal` aborted before. */
  take(signal: AbortSignal): Promise<(() => void) | false>;
}

export function createSlots(places: number): Slots {
  let free = places;
  const waiting = new Set<() => void>();
  const give = () => {
    const [next] = waiting;
    if (next === undefined) {
      free += 1;
      return;
    }
    waiting.delete(next);
    next();
  };
  return {
    take(signal) {
      if (signal.aborted) return Promise.resolve(false);
      if (free > 0) {
        free -= 1;
        return Promise.resolve(give);
      }
      return new Promise((resolve) => {
        const called = () => {
          signal.removeEventListener('abort', left);
          resolve(give);
        };
        const left = () => {
          waiting.delete(called);
          resolve(false);
        };
        waiting.add(called);
        signal.addEventListener('abort', left, { once: true });
      });
    },
  };
}
