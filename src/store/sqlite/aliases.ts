/** Alias names as small numbers, per connector. Only aliases of defined resources get here, so the map stays small. */
import type { DatabaseSync } from 'node:sqlite';

export interface Aliases {
  /** The number of an alias; makes one if there is none. Inside a write transaction only. */
  key(connector: number, name: string): number;
  find(connector: number, name: string): number | undefined;
  /** After a failed transaction: numbers that it made are not there. */
  forget(): void;
}

/** Past this many names the memory is dropped and filled anew from the table. */
const REMEMBERED = 100_000;

export function createAliases(db: DatabaseSync): Aliases {
  const insert = db.prepare('INSERT OR IGNORE INTO aliases (connector, name) VALUES (?, ?)');
  const select = db.prepare('SELECT key FROM aliases WHERE connector = ? AND name = ?');
  const known = new Map<number, Map<string, number>>();
  let count = 0;

  function find(connector: number, name: string): number | undefined {
    const remembered = known.get(connector)?.get(name);
    if (remembered !== undefined) return remembered;
    const row = select.get(connector, name) as { key: number } | undefined;
    return row === undefined ? undefined : remember(connector, name, row.key);
  }

  function remember(connector: number, name: string, key: number): number {
    if (++count > REMEMBERED) {
      known.clear();
      count = 1;
    }
    const ofConnector = known.get(connector) ?? new Map<string, number>();
    known.set(connector, ofConnector.set(name, key));
    return key;
  }

  return {
    find,
    key(connector, name) {
      const found = find(connector, name);
      if (found !== undefined) return found;
      insert.run(connector, name);
      return (select.get(connector, name) as { key: number }).key;
    },
    forget() {
      known.clear();
      count = 0;
    },
  };
}
