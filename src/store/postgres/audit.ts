/**
 * The audit log: written in the transaction of the change that it tells of, under the lock by which commits are numbered,
 * so that all gateways add to one chain.
 */
import { auditText, type ChainRow, type NewAudit } from '../../domain/audit.ts';
import type { AuditPage, AuditQuery } from '../store.ts';
import { type Database, type Sql, type Statement, sql, statement } from './database.ts';
import { type List, texts } from './text.ts';

/** Rows that a search looks at for one page. */
const SEARCH_ROWS = 20_000;

const columns = 'seq, entry AS text, previous, digest';
const page = statement('audit-page', `SELECT ${columns} FROM audit WHERE seq < $1 ORDER BY seq DESC LIMIT $2`);
/** `lower`: an expression over `entry`. What is typed as it stands there is found whatever that makes of it. */
const searchBy = (name: string, lower: string) =>
  statement(
    name,
    `WITH looked AS MATERIALIZED (SELECT * FROM audit WHERE seq < $1 ORDER BY seq DESC LIMIT ${SEARCH_ROWS})
     SELECT ${columns}, false AS mark FROM looked WHERE strpos(entry, $4) > 0 OR strpos(${lower}, $2) > 0
     UNION ALL SELECT min(seq), '', '', '', true FROM looked HAVING count(*) = ${SEARCH_ROWS}
     ORDER BY seq DESC LIMIT $3`,
  );
/** By the rules of Unicode, as JavaScript does it; a database in the locale C knows the case of ASCII alone. */
const unicodeSearch = searchBy('audit-search', 'lower(entry COLLATE pg_catalog."und-x-icu")');
/** For a PostgreSQL that was built without ICU. */
const plainSearch = searchBy('audit-search-plain', 'lower(entry)');
const icu = statement(
  'audit-icu',
  `SELECT 1 FROM pg_collation WHERE collname = 'und-x-icu' AND collnamespace = 'pg_catalog'::regnamespace`,
);
const chain = statement('audit-chain', `SELECT ${columns} FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2`);

/** What `write_audit` takes. Its texts hold no control characters: JSON escapes them. */
export function auditValues(entries: readonly (NewAudit | null | undefined)[]): List {
  return texts(entries.filter((entry) => entry !== null && entry !== undefined).map(auditText));
}

/** Statements that come behind the end of a commit; none where there is nothing to write. */
export function auditStatements(entries: readonly (NewAudit | null | undefined)[]): Sql[] {
  const values = auditValues(entries);
  return values.literal === '{}' ? [] : [`SELECT write_audit(${sql`${values}`}::text[])`];
}

/** Calls a routine that commits and answers `{}` when it did, and only then adds the entries of the last parameter. */
export function withAudit(call: string, parameter: number): string {
  return `SELECT refused, CASE WHEN refused::text = '{}' THEN write_audit($${parameter}) END AS audited
    FROM (SELECT ${call} AS refused OFFSET 0) AS done`;
}

export function createAuditQueries(db: Database) {
  let search: Statement | null = null;
  return {
    async readAudit({ before = Number.MAX_SAFE_INTEGER, limit, search: wanted }: AuditQuery): Promise<AuditPage> {
      if (wanted === undefined) {
        const rows = await db.read<ChainRow>(page, [before, limit]);
        const last = rows.at(-1);
        return { rows, next: last === undefined || rows.length < limit || last.seq <= 1 ? null : last.seq };
      }
      // One more than is asked for tells whether there is more: a find, or the mark of how far the search came.
      search ??= (await db.read(icu)).length > 0 ? unicodeSearch : plainSearch;
      const values = [before, wanted.toLowerCase(), limit + 1, wanted];
      const found = await db.read<ChainRow & { mark: boolean }>(search, values);
      const rows = found.filter(({ mark }) => !mark).slice(0, limit);
      const plain = rows.map(({ seq, text, previous, digest }) => ({ seq, text, previous, digest }));
      const mark = found.find(({ mark }) => mark);
      const next = found.length > limit ? plain.at(-1)!.seq : (mark?.seq ?? null);
      return { rows: plain, next: next !== null && next <= 1 ? null : next };
    },
    readChain: (after: number, limit: number): Promise<ChainRow[]> => db.read<ChainRow>(chain, [after, limit]),
  };
}
