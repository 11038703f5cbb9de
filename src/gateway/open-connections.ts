/** The connections that a door has open, and how it closes: what both doors do in the same order. Knows no protocol. */
interface Closable {
  /** Takes no more, finishes what is under way, and closes. */
  stop(): void;
  /** Closes at once. */
  destroy(): void;
}

export interface OpenConnections<C extends Closable> extends Iterable<C> {
  readonly size: number;
  /** True once the door has begun to close. */
  readonly closing: boolean;
  add(connection: C): void;
  /** To be called when it has closed. */
  remove(connection: C): void;
  /** Stops them all; resolves when the last one has closed, after `grace` ms by force. */
  close(grace: number): Promise<void>;
}

export function createOpenConnections<C extends Closable>(): OpenConnections<C> {
  const open = new Set<C>();
  /** Set once the door is closing. */
  let emptied: (() => void) | null = null;
  return {
    [Symbol.iterator]: () => open.values(),
    get size() {
      return open.size;
    },
    get closing() {
      return emptied !== null;
    },
    add: (connection) => void open.add(connection),
    remove(connection) {
      open.delete(connection);
      if (open.size === 0) emptied?.();
    },
    async close(grace) {
      const closed = new Promise<void>((resolve) => {
        emptied = resolve;
      });
      for (const connection of open) connection.stop();
      const force = setTimeout(() => {
        for (const connection of open) connection.destroy();
      }, grace);
      if (open.size > 0) await closed;
      clearTimeout(force);
    },
  };
}
