/** The audit log: written inside the transaction of the change that it tells of, read by the reader's thread. */
import type { DatabaseSync } from 'node:sqlite';
import { auditText, CHAIN_START, type ChainRow, chainDigest, type NewAudit } from '../../domain/audit.ts';
import type { AuditPage, AuditQuery } from '../store.ts';

/** Rows that a search looks at for one page. */
const SEARCH_ROWS = 20_000;

const columns = 'seq, entry AS text, previous, digest';

/** Adds an entry to the chain. To be called inside a transaction; undefined and null write nothing. */
export type WriteAudit = (entry: NewAudit | null | undefined) => void;

export function createAuditWriter(db: DatabaseSync): WriteAudit {
  const last = db.prepare('SELECT seq, digest FROM audit ORDER BY seq DESC LIMIT 1');
  const insert = db.prepare('INSERT INTO audit VALUES (?,?,?,?)');
  return (entry) => {
    if (entry === undefined || entry === null) return;
    // Asked each time, as a transaction may be rolled back: one row, which is in the cache.
    const { seq, digest } = (last.get() as { seq: number; digest: string } | undefined) ?? firstLink;
    const text = auditText(entry);
    insert.run(seq + 1, text, digest, chainDigest(digest, seq + 1, text));
  };
}

const firstLink = { seq: 0, digest: CHAIN_START };

export function createAuditQueries(db: DatabaseSync) {
  const page = db.prepare(`SELECT ${columns} FROM audit WHERE seq < ? ORDER BY seq DESC LIMIT ?`);
  const chain = db.prepare(`SELECT ${columns} FROM audit WHERE seq > ? ORDER BY seq LIMIT ?`);

  return {
    readAudit({ before = Number.MAX_SAFE_INTEGER, limit, search }: AuditQuery): AuditPage {
      if (search === undefined) {
        const rows = page.all(before, limit) as unknown as ChainRow[];
        return { rows, next: nextOf(rows, limit) };
      }
      const wanted = search.toLowerCase();
      const rows: ChainRow[] = [];
      let looked = 0;
      let seq = 0;
      for (const row of page.iterate(before, SEARCH_ROWS) as Iterable<ChainRow>) {
        looked += 1;
        seq = row.seq;
        if (!row.text.includes(search) && !row.text.toLowerCase().includes(wanted)) continue;
        if (rows.push(row) === limit) break;
      }
      const done = looked < SEARCH_ROWS && rows.length < limit;
      return { rows, next: done || seq <= 1 ? null : seq };
    },
    readChain: (after: number, limit: number) => chain.all(after, limit) as unknown as ChainRow[],
  };
}

function nextOf(rows: readonly ChainRow[], limit: number): number | null {
  const last = rows.at(-1);
  return last === undefined || rows.length < limit || last.seq <= 1 ? null : last.seq;
}
