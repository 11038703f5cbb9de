/**
 * Rows of an import on their way in: a table of their own, so that a million of them take no memory, repeats are found by an
 * index, and throwing them away is one step. Not logged by PostgreSQL until the import begins. Knows nothing of devices.
 */
import { randomBytes } from 'node:crypto';
import { AppError } from '../../domain/errors.ts';
import { digestOf } from '../credential-digest.ts';
import type { ImportDuplicate, ImportReview, ImportRow } from '../store.ts';
import { type Database, type Sql, sql } from './database.ts';
import { packTags } from './tags.ts';
import { numbers, texts } from './text.ts';

export interface Stage {
  /** Rows kept so far. */
  count(): number;
  add(rows: readonly ImportRow[]): Promise<ImportDuplicate[]>;
  review(connector: number, duplicates: number, now: number): Promise<ImportReview>;
  /** What makes it outlast a crash, as part of the commit that begins its batch. */
  readonly seal: readonly Sql[];
  readonly name: string;
  /** Takes no more. */
  close(): void;
  /** Drops the table. */
  remove(): Promise<void>;
}

export const dropStage = (name: string): Sql[] => [
  `DROP TABLE IF EXISTS ${name}`,
  sql`DELETE FROM stages WHERE name = ${name}`,
];

/** Rows per question. */
const REVIEW_ROWS = 20_000;

export async function openStage(db: Database, node: string): Promise<Stage> {
  const name = `stage_${randomBytes(8).toString('hex')}`;
  await db.run(`
    CREATE UNLOGGED TABLE ${name} (
      n bigint PRIMARY KEY, line bigint NOT NULL, identity text COLLATE "C" NOT NULL UNIQUE, tags text NOT NULL,
      type text, digest text COLLATE "C" UNIQUE, credential text
    );
    ${sql`INSERT INTO stages VALUES (${name}, ${node})`}`);
  let given = 0;
  let count = 0;
  let closed = false;

  function check(): void {
    if (closed) throw new AppError('STORAGE_UNAVAILABLE', { seen: 'an import that was given up' });
  }

  async function insert(rows: readonly ImportRow[], first: number): Promise<Set<number>> {
    const kept = await db.put<{ n: number }>(
      `INSERT INTO ${name} SELECT * FROM
         unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
       ON CONFLICT DO NOTHING RETURNING n`,
      [
        numbers(rows.map((_, at) => first + at)),
        numbers(rows.map(({ line }) => line)),
        texts(rows.map(({ identity }) => identity)),
        texts(rows.map(({ tags }) => packTags(tags))),
        texts(rows.map(({ credential }) => credential?.type ?? null)),
        texts(rows.map(({ credential }) => credential && digestOf(credential))),
        texts(rows.map(({ credential }) => credential && JSON.stringify(credential))),
      ],
    );
    return new Set(kept.map(({ n }) => n));
  }

  /** Where each of these rows stood first, by identity or else by credential. */
  async function firstLines(rows: readonly ImportRow[]): Promise<number[]> {
    const found = await db.ask<{ line: number }>(
      `SELECT (SELECT min(s.line) FROM ${name} s WHERE s.identity = r.identity OR s.digest = r.digest) AS line
       FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS r (identity, digest, n) ORDER BY n`,
      [
        texts(rows.map(({ identity }) => identity)),
        texts(rows.map(({ credential }) => credential && digestOf(credential))),
      ],
    );
    return found.map(({ line }) => line);
  }

  return {
    name,
    count: () => count,
    async add(rows) {
      check();
      if (rows.length === 0) return [];
      const first = given + 1;
      given += rows.length;
      const kept = await insert(rows, first);
      count += kept.size;
      const repeated = rows.filter((_, at) => !kept.has(first + at));
      if (repeated.length === 0) return [];
      const lines = await firstLines(repeated);
      return repeated.map(({ line, identity }, at) => ({ line, identity, firstLine: lines[at]! }));
    },
    async review(connector, duplicates, now) {
      check();
      const known = { whitelisted: 0, provisioned: 0, expired: 0, locked: 0, reprovision: 0 };
      for (let from = 1; from <= given; from += REVIEW_ROWS) {
        const rows = await db.ask<{ status: keyof typeof known; n: number }>(
          `SELECT CASE WHEN d.phase <> 'locked' AND d.expires <= $1 THEN 'expired' ELSE d.phase END AS status, count(*) AS n
           FROM ${name} r JOIN devices d ON d.connector = $2 AND d.identity = r.identity
           WHERE r.n BETWEEN $3 AND $4 GROUP BY 1`,
          [now, connector, from, from + REVIEW_ROWS - 1],
        );
        for (const { status, n } of rows) known[status] += n;
      }
      const total = Object.values(known).reduce((sum, n) => sum + n, 0);
      return { fresh: count - total, duplicates, known };
    },
    seal: [`ALTER TABLE ${name} SET LOGGED`],
    close() {
      closed = true;
    },
    async remove() {
      closed = true;
      await db.run(dropStage(name).join('; '));
    },
  };
}
