/**
 * Identities once more, packed by the thousand: what no index knows (a text of one or two characters, or how many devices
 * have a frequent one) is looked for in the bytes themselves, which for a million devices are read in milliseconds. A row
 * holds those of 1,024 neighbouring keys as `\n<identity>\n<identity>\n`; no identity holds a line break.
 */
import type { DatabaseSync } from 'node:sqlite';
import { countFitting, eachFitting, type Pieces } from './identity-match.ts';

/** The row of a device of connector ?1: the connector's number in front, so that its rows are neighbours too. */
const rowOf = (key: string) => `(?1 << 32) + (${key} >> 10)`;
/** Connectors are told apart by this much in the number of a row. */
const CONNECTOR = 2 ** 32;

/** Follows devices as they come and go; to be called inside the transaction that writes them. */
export function createIdentityWriter(db: DatabaseSync) {
  const append = 'ON CONFLICT DO UPDATE SET identities = identities || substr(excluded.identities, 2)';
  const add = db.prepare(`INSERT INTO identity_blocks VALUES (${rowOf('?2')}, char(10) || ?3 || char(10)) ${append}`);
  const addAll = db.prepare(`INSERT INTO identity_blocks
    SELECT ${rowOf('key')}, char(10) || group_concat(identity, char(10)) || char(10)
    FROM devices WHERE key > ?2 GROUP BY key >> 10 ${append}`);
  const remove = db.prepare(`UPDATE identity_blocks
    SET identities = replace(identities, char(10) || ?3 || char(10), char(10)) WHERE id = ${rowOf('?2')}`);
  const drop = db.prepare(`DELETE FROM identity_blocks WHERE id = ${rowOf('?2')} AND identities = char(10)`);
  return {
    add: (connector: number, key: number, identity: string) => add.run(connector, key, identity),
    /** All devices of the database whose key is greater; they must be of this connector. */
    addNewer: (connector: number, key: number) => addAll.run(connector, key),
    remove(connector: number, key: number, identity: string): void {
      remove.run(connector, key, identity);
      drop.run(connector, key);
    },
  };
}

/** Looks for identities that a text fits. */
export function createIdentityReader(db: DatabaseSync) {
  const blocks = db.prepare('SELECT CAST(identities AS BLOB) AS bytes FROM identity_blocks WHERE id >= ? AND id < ?');

  function* linesOf(connector: number): Generator<Buffer> {
    for (const row of blocks.iterate(connector * CONNECTOR, (connector + 1) * CONNECTOR)) {
      const { bytes } = row as { bytes: Uint8Array };
      yield Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
  }

  return {
    count(connector: number, text: Pieces): number {
      let n = 0;
      for (const lines of linesOf(connector)) n += countFitting(lines, text);
      return n;
    },
    /** The identities; null if there are more than `max`. */
    find(connector: number, text: Pieces, max: number): string[] | null {
      const found: string[] = [];
      for (const lines of linesOf(connector)) {
        if (!eachFitting(lines, text, (identity) => found.push(identity) <= max)) return null;
      }
      return found;
    },
  };
}
