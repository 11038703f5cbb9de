/** Handlers of the audit log: a page of it, newest first, and all of it as lines of JSON, oldest first. */
import { Readable } from 'node:stream';
import { entryOf, lineOf } from '../domain/audit.ts';
import type { Store } from '../store/store.ts';
import { whileLive } from './admit.ts';
import { handle } from './context.ts';
import { auditExport, auditPage, auditQuery, exportQuery } from './schema/people.ts';

const PAGE = 100;
/** Entries that an export reads at a time. */
const EXPORT_PAGE = 1_000;

export const listAudit = handle({ querystring: auditQuery, response: { 200: auditPage } }, async ({ deps, query }) => {
  const { before, limit = PAGE, search } = query;
  const { rows, next } = await deps.store.readAudit({
    before,
    limit,
    search: search === '' ? undefined : escaped(search),
  });
  return { entries: rows.map(entryOf), next };
});

/** The text of an entry is JSON: what is looked for is written as it stands there. */
const escaped = (search: string | undefined) => search && JSON.stringify(search).slice(1, -1);

/** As `slipway audit verify` takes it. Ends where the log ends now. */
export const exportAudit = handle({ querystring: exportQuery, response: { 200: auditExport } }, async (call) => {
  call.reply.type('application/x-ndjson; charset=utf-8');
  call.reply.header('content-disposition', 'attachment; filename="audit.ndjson"');
  return Readable.from(whileLive(call, lines(call.deps.store, call.query.after ?? 0)));
});

async function* lines(store: Store, after: number): AsyncGenerator<string> {
  for (let last = after; ; ) {
    const rows = await store.readChain(last, EXPORT_PAGE);
    if (rows.length > 0) yield `${rows.map(lineOf).join('\n')}\n`;
    if (rows.length < EXPORT_PAGE) return;
    last = rows.at(-1)!.seq;
  }
}
