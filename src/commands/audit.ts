/**
 * `slipway audit verify`: follows the chain of the audit log, in the database or in an exported file, and names the first entry
 * that does not fit. It reads alone: the server may go on.
 */
import { open } from 'node:fs/promises';
import { ConfigError, loadConfig } from '../config.ts';
import { type ChainRow, entryOf, followChain, rowIn } from '../domain/audit.ts';
import { readPostgresChain } from '../store/postgres/audit-reader.ts';
import { readSqliteChain } from '../store/sqlite/audit-reader.ts';
import { unusable } from '../store/unusable.ts';
import { type Given, textOf, UsageError } from './command.ts';
import { tell } from './output.ts';

interface Verdict {
  readonly entries: number;
  /** The number and the `previous` of the first; null where there is none. */
  readonly first: { readonly seq: number; readonly previous: string } | null;
  /** Digest of the last good entry; null where there is none. */
  readonly digest: string | null;
  /** The first that does not fit; null where all do. `line` where an export was read. */
  readonly fault: { readonly entry: number; readonly line?: number; readonly why: string } | null;
  /** Whether the expected digest was found; null where none was given. */
  readonly expected: boolean | null;
}

/** A row that is to be followed, or what stands in the place of one. */
interface Found {
  readonly row: ChainRow | null;
  readonly line?: number;
}

/** Ends with 1 where something does not fit, or where there is nothing. */
export async function run(_: readonly string[], given: Given): Promise<void> {
  const [file, expect] = [textOf(given, 'file'), textOf(given, 'expect')];
  if (expect !== undefined && !/^[0-9a-f]{64}$/.test(expect)) {
    throw new UsageError(`--expect is ${JSON.stringify(expect)}; expected a digest of 64 hex digits.`);
  }
  const found = file === undefined ? readDatabase(textOf(given, 'data')) : readExport(file);
  const verdict = await verify(found, expect, file !== undefined);
  tell(given, verdict, () => sentences(verdict));
  if (verdict.first === null || verdict.fault !== null || verdict.expected === false) process.exitCode = 1;
}

/** `part`: what is read may begin anywhere, once a digest is expected of it. That one vouches for all entries before it. */
async function verify(found: AsyncIterable<Found>, expect: string | undefined, part: boolean): Promise<Verdict> {
  let chain = followChain();
  let entries = 0;
  let first: Verdict['first'] = null;
  let expected = expect === undefined ? null : false;
  const verdict = (fault: Verdict['fault']): Verdict => {
    return { entries, first, digest: entries === 0 ? null : chain.last.digest, fault, expected };
  };
  for await (const { row, line } of found) {
    const at = { entry: row?.seq ?? chain.last.seq + 1, ...(line !== undefined && { line }) };
    if (row === null) return verdict({ ...at, why: 'the line is not written as an export writes it' });
    if (first === null && part && row.seq > 1) {
      if (expect === undefined) return verdict({ ...at, why: beginsLate(row) });
      chain = followChain({ seq: row.seq - 1, digest: row.previous });
      if (row.previous === expect) expected = true;
    }
    const why = chain.check(row) ?? unreadable(row);
    if (why !== null) return verdict({ ...at, why });
    first ??= { seq: row.seq, previous: row.previous };
    entries += 1;
    if (row.digest === expect) expected = true;
  }
  return verdict(null);
}

const beginsLate = ({ seq, previous }: ChainRow) =>
  `the file begins with it. --expect takes a digest that was kept, of entry ${seq - 1} (${previous} by this file) or of one in it`;

/** A text that fits its digest is one that was written so; this tells of one that never was an entry. */
function unreadable(row: ChainRow): string | null {
  try {
    entryOf(row);
    return null;
  } catch {
    return 'it is no entry';
  }
}

async function* readDatabase(data: string | undefined): AsyncGenerator<Found> {
  const config = loadConfig({ ...process.env, ...(data && { SLIPWAY_DATA: data }) }, []);
  const rows = config.databaseUrl === null ? readSqliteChain(config.data) : readPostgresChain(config.databaseUrl);
  try {
    for await (const row of rows) yield { row };
  } catch (cause) {
    const why = unusable(cause);
    throw why === null ? cause : new ConfigError(`The audit log cannot be read: ${why}.`, { cause });
  }
}

async function* readExport(file: string): AsyncGenerator<Found> {
  const input = await open(file).catch((error) => {
    throw new ConfigError(`${file} cannot be read: ${error.message}.`, { cause: error });
  });
  let line = 0;
  for await (const text of linesOf(input.createReadStream({ encoding: 'utf8' }))) {
    line += 1;
    yield { row: rowIn(text), line };
  }
}

/** What stands between line feeds. (A readline ends lines at U+2028 as well, which texts may hold.) */
async function* linesOf(input: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = '';
  for await (const piece of input) {
    const lines = (rest + piece).split('\n');
    rest = lines.pop()!;
    yield* lines;
  }
  if (rest !== '') yield rest;
}

function sentences({ entries, first, digest, fault, expected }: Verdict): string {
  const place = fault?.line === undefined ? '' : ` (line ${fault.line})`;
  const bad = fault === null ? '' : `Entry ${fault.entry}${place} does not fit: ${fault.why}.\n`;
  const lost =
    expected === false
      ? 'The expected digest is not among them: entries were removed, or the log was made anew.\n'
      : '';
  if (first === null) return `${bad}${lost}There is no good entry: nothing was verified.`;
  const late =
    first.seq === 1
      ? ''
      : `They begin with entry ${first.seq}: what is before was not looked at, and ends with the digest\n${first.previous}\n`;
  return `${bad}${lost}${late}${entries} entries follow each other. The last good one has the digest\n${digest}`;
}
