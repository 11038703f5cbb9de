/**
 * The bytes of files for devices, piece by piece. Under one digest they never change: what was copied is not read again, however
 * often the move looks at what is there. Of each piece the database tells the digest of what it keeps.
 */
import { createHash } from 'node:crypto';
import type { Client } from 'pg';
import { type Digest, digestOf, nothing, PIECE, plus, type Row, type Source, type SourceFile } from '../moving.ts';
import { type Sql, sql } from './database.ts';
import type { Moved, Progress } from './takeover.ts';
import { commit, countRows, mustBeSame, type Note, type Notes, noteName } from './takeover-notes.ts';
import { texts } from './text.ts';

/** Name of the notes: of each file, by its key, whose bytes (`to`: their digest) are here, and how many pieces. */
const FILES = 'bytes of';

const piecesOf = ({ bytes }: SourceFile) => Math.ceil(bytes / PIECE);

export function createFiles(client: Client, notes: Notes, source: Source, progress: Progress) {
  const noteOf = (key: number): Note | undefined => notes.get(noteName(FILES, key));
  const noted = () =>
    [...notes].flatMap(([name, note]) =>
      name.startsWith(`${FILES} `) ? [{ key: Number(name.slice(FILES.length)), note }] : [],
    );
  const copied = (): Digest => noted().reduce<Digest>((sum, { note }) => plus(sum, note), nothing);

  /** Those of files that are no longer there. */
  async function removeGone(files: readonly SourceFile[]): Promise<void> {
    const there = new Set(files.map(({ key }) => key));
    for (const { key } of noted()) {
      if (there.has(key)) continue;
      await client.query(
        [drop(key), sql`DELETE FROM moving WHERE name = ${FILES} AND at = ${String(key)}`].join(';\n'),
      );
      notes.delete(noteName(FILES, key));
    }
  }

  /** All of one, from where it stands. One that was replaced meanwhile is left to the next look. Answers how many pieces came. */
  async function copyFile(file: SourceFile): Promise<number> {
    const { key, sha256 } = file;
    if (noteOf(key)?.to !== sha256) {
      await commit(client, notes, [drop(key)], FILES, key, { ...nothing, to: sha256 });
    }
    const begun = noteOf(key)!.rows;
    let at = begun;
    while (at < piecesOf(file)) {
      const pieces = source.readPieces(file, at);
      if (pieces === null) break;
      await copyPieces(key, at, pieces);
      at += pieces.length;
    }
    return at - begun;
  }

  async function copyPieces(key: number, from: number, pieces: readonly Buffer[]): Promise<void> {
    const before = noteOf(key)!;
    const now = digestOf(pieces.map((piece, n) => [key, from + n, sha256Of(piece)]));
    const data = texts(pieces.map((piece) => piece.toString('base64')));
    const insert = sql`INSERT INTO content_pieces SELECT ${key}, ${from} + n - 1, decode(piece, 'base64')
      FROM unnest(${data}::text[]) WITH ORDINALITY AS p (piece, n)`;
    await commit(client, notes, [insert], FILES, key, { ...plus(before, now), to: before.to });
    const { rows } = await client.query<{
      n: number;
      digest: string;
    }>(sql`SELECT n, encode(sha256(data), 'hex') AS digest
      FROM content_pieces WHERE blob = ${key} AND n >= ${from}`);
    mustBeSame('content_pieces', digestOf(rows.map(({ n, digest }): Row => [key, n, digest])), now);
    progress.table('content_pieces', copied().rows);
  }

  return {
    /** Answers how many pieces came. */
    async copy(): Promise<number> {
      const files = source.files();
      await removeGone(files);
      let came = 0;
      for (const file of files) came += await copyFile(file);
      return came;
    },

    /** Once nobody writes: what there is to be copied, and what is there. */
    async moved(): Promise<Moved> {
      const { digest } = copied();
      const wanted = source.files().reduce((sum, file) => sum + piecesOf(file), 0);
      const target = { digest, rows: await countRows(client, 'content_pieces') };
      return { table: 'content_pieces', source: { digest, rows: wanted }, target };
    },
  };
}

const drop = (key: number): Sql => sql`DELETE FROM content_pieces WHERE blob = ${key}`;

const sha256Of = (piece: Buffer) => createHash('sha256').update(piece).digest('hex');
