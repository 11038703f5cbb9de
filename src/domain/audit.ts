/**
 * The audit log's form: what an entry says, how it is chained to the one before, what of a change is told, and what is
 * left out of it. Pure. Knows neither who keeps the entries nor who reads them.
 */
import { createHash } from 'node:crypto';

/** What is written of one change, in the same transaction as the change itself. */
export interface NewAudit {
  /** µs since the epoch. */
  readonly timestamp: number;
  /** The email of a person, `key:<name>` of an API key, or who else acts: `configuration`, `nobody`. */
  readonly who: string;
  /** Address; null where nobody called. */
  readonly from: string | null;
  /** The operationId of the call, mostly. */
  readonly action: string;
  /** `connectors/<id>/devices/<identity>`, `users/<email>` … */
  readonly target: string;
  /** What was there before of what changed; null where there was nothing. Never a secret. */
  readonly before: unknown;
  readonly after: unknown;
}

/** An entry with its place in the chain. */
export interface AuditEntry extends NewAudit {
  /** From 1, without gaps. */
  readonly seq: number;
  /** The digest of the entry before; of the first one `CHAIN_START`. */
  readonly previous: string;
  readonly digest: string;
}

/** What stands in `previous` of the first entry. */
export const CHAIN_START = '0'.repeat(64);

/** Characters of a text in `before` and `after`; a longer one is told by its digest. */
const TEXT_MAX = 1_000;
/** Characters of `before` and of `after` as JSON, likewise. */
const PART_MAX = 32_768;

/**
 * JSON with the names of every object in order of their UTF-16 units and nothing between: one text for one content
 * (RFC 8785). Written here, as an object of JavaScript has names like 9 before all others.
 */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((one) => canonical(one ?? null)).join(',')}]`;
  if (!isPlain(value)) return JSON.stringify(value);
  const names = Object.keys(value).filter((name) => value[name] !== undefined);
  return `{${names
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`)
    .join(',')}}`;
}

/** The text of an entry that is stored and digested: all of it but its place in the chain. */
export function auditText({ timestamp, who, from, action, target, before, after }: NewAudit): string {
  return canonical({ timestamp, who, from, action, target, before: bounded(before), after: bounded(after) });
}

/** SHA-256 over the digest before, the number and the text, with line breaks between; lower-case hex. */
export function chainDigest(previous: string, seq: number, text: string): string {
  return createHash('sha256').update(`${previous}\n${seq}\n${text}`).digest('hex');
}

/** A row as it is kept. */
export interface ChainRow {
  readonly seq: number;
  /** As `auditText` made it. */
  readonly text: string;
  readonly previous: string;
  readonly digest: string;
}

/** A row as the entry that it stands for. */
export function entryOf({ seq, text, previous, digest }: ChainRow): AuditEntry {
  return { seq, ...(JSON.parse(text) as NewAudit), previous, digest };
}

/** An entry, as an export has it, as the row that it came from. */
export function rowOf({ seq, previous, digest, ...told }: AuditEntry): ChainRow {
  return { seq, text: canonical(told), previous, digest };
}

/** A row as a line of an export, without its end. */
export function lineOf({ seq, text, previous, digest }: ChainRow): string {
  return `{"seq":${seq},${text.slice(1, -1)},"previous":"${previous}","digest":"${digest}"}`;
}

/** The row of a line; null where the line is not, letter by letter, as `lineOf` writes one. */
export function rowIn(line: string): ChainRow | null {
  try {
    // Read with a name twice, JSON has the last of both, and whoever looks at the line may see the first alone.
    const row = rowOf(JSON.parse(line) as AuditEntry);
    return lineOf(row) === line ? row : null;
  } catch {
    return null;
  }
}

export interface Chain {
  /** Why this row does not follow the ones before; null if it does. */
  check(row: ChainRow): string | null;
  /** The last row that was checked. */
  readonly last: { readonly seq: number; readonly digest: string };
}

/** Follows a chain from its beginning, or from behind an entry that is known to be good. */
export function followChain(from: { readonly seq: number; readonly digest: string } | null = null): Chain {
  let last = from ?? { seq: 0, digest: CHAIN_START };
  return {
    check({ seq, text, previous, digest }) {
      const wanted = last.seq + 1;
      if (seq !== wanted) return `its number is ${seq}, expected ${wanted}`;
      if (previous !== last.digest) return `it names ${previous} as the digest before, expected ${last.digest}`;
      const made = chainDigest(previous, seq, text);
      if (digest !== made) return `its digest is ${digest}, expected ${made}`;
      last = { seq, digest };
      return null;
    },
    get last() {
      return last;
    },
  };
}

/** What differs, at whatever depth: of both sides only the names whose values are not the same. Null: nothing does. */
export function difference(before: unknown, after: unknown): { before: unknown; after: unknown } | null {
  if (canonical(before ?? null) === canonical(after ?? null)) return null;
  if (!isPlain(before) || !isPlain(after)) return { before: before ?? null, after: after ?? null };
  const left = new Map<string, unknown>();
  const right = new Map<string, unknown>();
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const inner = difference(ownOf(before, name), ownOf(after, name));
    if (inner === null) continue;
    if (Object.hasOwn(before, name)) left.set(name, inner.before);
    if (Object.hasOwn(after, name)) right.set(name, inner.after);
  }
  return { before: Object.fromEntries(left), after: Object.fromEntries(right) };
}

const ownOf = (object: Record<string, unknown>, name: string) =>
  Object.hasOwn(object, name) ? object[name] : undefined;

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Long texts and large parts by their digest: certificates and lists would make the log grow without bound. */
function bounded(value: unknown): unknown {
  const short = shortened(value ?? null);
  const text = canonical(short);
  return text.length <= PART_MAX ? short : { sha256: sha256(text), characters: text.length };
}

function shortened(value: unknown): unknown {
  if (typeof value === 'string' && value.length > TEXT_MAX) {
    return { sha256: sha256(value), characters: value.length };
  }
  if (Array.isArray(value)) return value.map(shortened);
  if (!isPlain(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, shortened(inner)]));
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
