/** What a move notes of what it has copied, in the same commit, so that it goes on where a break left it. */
import type { Client } from 'pg';
import { type Digest, sameDigest } from '../moving.ts';
import { type Sql, sql } from './database.ts';

/** What is noted of a page, of the log of a connector so far, or of a file so far. `to` is null where the page has no end. */
export interface Note extends Digest {
  readonly to: string | null;
}

/** By `noteName`. */
export type Notes = Map<string, Note>;
export const noteName = (name: string, at: string | number | null) => `${name} ${at}`;

export async function readNotes(client: Client): Promise<Notes> {
  const { rows } = await client.query<{ name: string; at: string; to: string | null; rows: number; digest: string }>(
    'SELECT name, at, "to", rows, digest FROM moving',
  );
  return new Map(
    rows.map(({ name, at, to, rows, digest }) => [noteName(name, at), { to, rows, digest: BigInt(digest) }]),
  );
}

/** Commits the statements together with a note of them. */
export async function commit(
  client: Client,
  notes: Notes,
  statements: readonly Sql[],
  name: string,
  at: string | number | null,
  note: Note,
): Promise<void> {
  const { to, rows, digest } = note;
  const write = sql`INSERT INTO moving VALUES (${name}, ${String(at)}, ${to}, ${rows}, ${String(digest)})
    ON CONFLICT (name, at) DO UPDATE SET "to" = excluded."to", rows = excluded.rows, digest = excluded.digest`;
  // Statements of one message are one transaction.
  await client.query([...statements, write].join(';\n'));
  notes.set(noteName(name, at), note);
}

/** Throws if what was read back is not what was written. */
export function mustBeSame(what: string, there: Digest, wanted: Digest): void {
  if (sameDigest(there, wanted)) return;
  const say = ({ rows, digest }: Digest) => `${rows} rows with the digest ${digest.toString(16)}`;
  throw new Error(`Of ${what}, ${say(wanted)} were written, and ${say(there)} are there`);
}

/** Rows of a table, or of a part of it. */
export async function countRows(client: Client, from: Sql): Promise<number> {
  return (await client.query<{ n: number }>(`SELECT count(*) AS n FROM ${from}`)).rows[0]!.n;
}
