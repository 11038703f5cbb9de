/** The server's clock: µs since the epoch, and no two readings alike, so that points and events can be told apart by time. */

/** Grows with every reading, also within one millisecond; `read` gives ms since the epoch. */
export function createClock(read: () => number = Date.now): () => number {
  let last = 0;
  return () => {
    const now = read() * 1000;
    last = now > last ? now : last + 1;
    return last;
  };
}
