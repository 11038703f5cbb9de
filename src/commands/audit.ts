/**
 * `slipway audit verify`: follows the chain of the audit log, in the database or in an exported file, and names the first entry
 * that does not fit. It reads alone: the server may go on.
 */
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { ConfigError, loadConfig } from '../config.ts';
import { type AuditEntry, type ChainRow, entryOf, followChain, rowOf } from '../domain/audit.ts';
import { readPostgresChain } from '../store/postgres/audit-reader.ts';
import { readSqliteChain } from '../store/sqlite/audit-reader.ts';
import { type Given, textOf, UsageError } from './command.ts';
import { tell } from './output.ts';

interface Verdict {
  readonly entries: number;
  /** Digest of the last good entry. */
  readonly digest: string;
  /** The first that does not fit; null where all do. */
  readonly fault: { readonly entry: number; readonly why: string } | null;
  /** Whether the expected digest was found; null where none was given. */
  readonly expected: boolean | null;
}

/** Ends with 1 where something does not fit. */
export async function run(_: readonly string[], given: Given): Promise<void> {
  const [file, expect] = [textOf(given, 'file'), textOf(given, 'expect')];
  if (expect !== undefined && !/^[0-9a-f]{64}$/.test(expect)) {
    throw new UsageError(`--expect is ${JSON.stringify(expect)}; expected a digest of 64 hex digits.`);
  }
  const verdict = await verify(file === undefined ? readDatabase(textOf(given, 'data')) : readExport(file), expect);
  tell(given, verdict, () => sentences(verdict));
  if (verdict.fault !== null || verdict.expected === false) process.exitCode = 1;
}

async function verify(rows: AsyncIterable<ChainRow>, expect: string | undefined): Promise<Verdict> {
  const chain = followChain();
  let expected = expect === undefined ? null : false;
  for await (const row of rows) {
    const why = chain.check(row) ?? unreadable(row);
    if (why !== null) {
      return { entries: chain.last.seq, digest: chain.last.digest, fault: { entry: row.seq, why }, expected };
    }
    if (row.digest === expect) expected = true;
  }
  return { entries: chain.last.seq, digest: chain.last.digest, fault: null, expected };
}

/** A text that fits its digest is one that was written so; this tells of one that never was an entry. */
function unreadable(row: ChainRow): string | null {
  try {
    entryOf(row);
    return null;
  } catch {
    return 'it is no entry';
  }
}

function readDatabase(data: string | undefined): AsyncIterable<ChainRow> {
  const config = loadConfig({ ...process.env, ...(data && { SLIPWAY_DATA: data }) }, []);
  return config.databaseUrl === null ? readSqliteChain(config.data) : readPostgresChain(config.databaseUrl);
}

async function* readExport(file: string): AsyncGenerator<ChainRow> {
  let line = 0;
  const input = createReadStream(file, 'utf8');
  await once(input, 'open').catch((error) => {
    throw new ConfigError(`${file} cannot be read: ${error.message}.`, { cause: error });
  });
  for await (const text of createInterface({ input })) {
    line += 1;
    if (text === '') continue;
    yield rowIn(text, line);
  }
}

/** What cannot be read is a row that fits nowhere. */
function rowIn(text: string, line: number): ChainRow {
  try {
    return rowOf(JSON.parse(text) as AuditEntry);
  } catch {
    return { seq: line, text, previous: '', digest: '' };
  }
}

function sentences({ entries, digest, fault, expected }: Verdict): string {
  const good = `${entries} entries follow each other. The last good one has the digest\n${digest}`;
  const bad = fault === null ? '' : `Entry ${fault.entry} does not fit: ${fault.why}.\n`;
  const lost =
    expected === false
      ? 'The expected digest is not among them: entries were removed, or the log was made anew.\n'
      : '';
  return bad + lost + good;
}
