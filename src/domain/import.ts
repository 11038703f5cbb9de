/**
 * The rules for one file of identities (provisioning.md, Whitelisting in bulk): which header it may have, and what a row
 * means. Judges each row by itself: repeated and already known identities are for the store to find.
 */
import type { IdentityFormat } from './connector.ts';
import type { Credential, Tags } from './device.ts';
import { AppError, printable } from './errors.ts';
import { checkIdentity } from './identity.ts';

/** A row as it was read. `line`: where it begins in the file, from 1. */
export interface CsvRow {
  readonly line: number;
  readonly record: readonly string[];
}

/** Where each column stands in a record; null where the file has none. `names`: the header, as it was written. */
export interface ImportColumns {
  readonly identity: number;
  readonly certificate: number | null;
  readonly tags: number | null;
  readonly names: readonly string[];
}

/** A row that can be written. Given a credential beforehand, the device is provisioned at once. */
export interface ImportRow {
  readonly line: number;
  readonly identity: string;
  readonly tags: Tags;
  readonly credential: Credential | null;
}

/** What is wrong with a row. `value` is cut to what one line can show, and is never the text of a certificate. */
export interface RowFault {
  readonly line: number;
  readonly column: string;
  readonly value: string;
  readonly reason: string;
  readonly expected: string;
}

/** Reads a PEM certificate, or throws AppError that says why it is none. */
export type ReadCertificate = (pem: string) => { readonly credential: Credential; readonly commonName: string | null };

/** Bounds of the tags of one row; names and values in characters. */
export const TAGS_MAX = 64;
export const TAG_NAME_MAX = 128;
export const TAG_VALUE_MAX = 256;

const columnNames: ReadonlyMap<string, 'identity' | 'certificate' | 'tags'> = new Map([
  ['ID', 'identity'],
  ['TLS Client Certificate', 'certificate'],
  ['SSL Client Certificate', 'certificate'],
  ['Tags', 'tags'],
]);

/** Finds the columns in the header row, `undefined` if the file has no row at all. CSV_INVALID says which column is wrong. */
export function checkHeader(header: readonly string[] | undefined): ImportColumns {
  if (header === undefined) throw new AppError('CSV_INVALID', { seen: 'an empty file', wanted: headerWanted });
  const found: Partial<Record<'identity' | 'certificate' | 'tags', number>> = {};
  header.forEach((name, index) => {
    const column = columnNames.get(name);
    if (column === undefined) {
      throw new AppError('CSV_INVALID', { seen: `the unknown column "${printable(name)}"`, wanted: headerWanted });
    }
    if (found[column] !== undefined) {
      throw new AppError('CSV_INVALID', { seen: `the column "${name}" a second time`, wanted: 'each column once' });
    }
    found[column] = index;
  });
  if (found.identity === undefined) throw new AppError('CSV_INVALID', { seen: 'no column "ID"', wanted: headerWanted });
  return {
    identity: found.identity,
    certificate: found.certificate ?? null,
    tags: found.tags ?? null,
    names: [...header],
  };
}

const headerWanted = 'a header row of ID and, if wanted, TLS Client Certificate and Tags, separated by commas';

/** A row that can be written, or all that is wrong with it. */
export function checkRow(
  columns: ImportColumns,
  row: CsvRow,
  format: IdentityFormat,
  readCertificate: ReadCertificate,
): ImportRow | RowFault[] {
  const { line, record } = row;
  if (record.length !== columns.names.length) return [raggedFault(columns, row)];
  const identity = record[columns.identity]!;
  const faults: RowFault[] = [];
  const misfit = checkIdentity(format, identity);
  if (misfit !== null) {
    faults.push({
      line,
      column: 'ID',
      value: misfit.seen,
      reason: `does not fit ${misfit.rule}`,
      expected: misfit.wanted,
    });
  }
  const cell = (index: number | null) => (index === null ? '' : record[index]!);
  const tags = parseTags(cell(columns.tags));
  if ('reason' in tags) faults.push({ line, column: 'Tags', value: printable(cell(columns.tags)), ...tags });
  const credential = parseCertificate(cell(columns.certificate), identity, readCertificate);
  if (credential !== null && 'reason' in credential) {
    faults.push({ line, column: columns.names[columns.certificate!]!, ...credential });
  }
  if ('reason' in tags || (credential !== null && 'reason' in credential) || faults.length > 0) return faults;
  return { line, identity, tags: tags.tags, credential: credential?.credential ?? null };
}

function raggedFault({ names }: ImportColumns, { line, record }: CsvRow): RowFault {
  return {
    line,
    column: record.length < names.length ? names[record.length]! : names.at(-1)!,
    value: record.length === 1 ? '1 field' : `${record.length} fields`,
    reason: record.length < names.length ? 'the row is too short' : 'the row is too long',
    expected: `${names.length} fields, as in the header; a field with commas or quotes in it stands in quotes`,
  };
}

/** What is wrong with a field. */
interface FieldFault {
  readonly reason: string;
  readonly expected: string;
}

const tagsWanted = 'a JSON array such as [{"name":"group","value":"g1"}]';

/** The tags of the field `Tags`: a name that stands there more than once has all its values, each once. */
export function parseTags(text: string): { readonly tags: Tags } | FieldFault {
  if (text === '') return { tags: {} };
  const list = parseJson(text);
  if (!Array.isArray(list)) return { reason: 'is not a JSON array', expected: tagsWanted };
  if (list.length > TAGS_MAX) return { reason: `has ${list.length} tags`, expected: `at most ${TAGS_MAX}` };
  const tags = new Map<string, string[]>();
  for (const tag of list as unknown[]) {
    if (!isTag(tag)) return { reason: 'has an entry that is not a tag', expected: tagsWanted };
    const fault = checkTag(tag.name, tag.value);
    if (fault !== null) return fault;
    const values = tags.get(tag.name);
    if (values === undefined) tags.set(tag.name, [tag.value]);
    else if (!values.includes(tag.value)) values.push(tag.value);
  }
  return { tags: Object.fromEntries(tags) };
}

const unprintable = /\p{Cc}|\p{Cs}/u;

/** Null if a device may carry the tag. The name `__proto__` is refused: no plain key in JavaScript. */
export function checkTag(name: string, value: string): FieldFault | null {
  if (name === '' || name.length > TAG_NAME_MAX || unprintable.test(name) || name === '__proto__') {
    return {
      reason: `has the tag name "${printable(name)}"`,
      expected: `1 to ${TAG_NAME_MAX} characters, no control characters`,
    };
  }
  if (value.length > TAG_VALUE_MAX || unprintable.test(value)) {
    const expected = `at most ${TAG_VALUE_MAX} characters, no control characters`;
    return { reason: `has the value "${printable(value)}" of the tag ${name}`, expected };
  }
  return null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isTag(tag: unknown): tag is { name: string; value: string } {
  if (typeof tag !== 'object' || tag === null || Object.keys(tag).length !== 2) return false;
  return 'name' in tag && 'value' in tag && typeof tag.name === 'string' && typeof tag.value === 'string';
}

/** Of the field only its length is told: someone may paste a private key. */
function parseCertificate(
  text: string,
  identity: string,
  readCertificate: ReadCertificate,
): { readonly credential: Credential } | (FieldFault & { readonly value: string }) | null {
  if (text.trim() === '') return null;
  const value = text.length === 1 ? '1 character' : `${text.length} characters`;
  const expected = 'one PEM certificate';
  try {
    const { credential, commonName } = readCertificate(text);
    if (commonName === identity) return { credential };
    const reason = 'the common name of the certificate is not the ID';
    return { value: `CN ${printable(commonName ?? '(none)')}`, reason, expected: `CN ${printable(identity)}` };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const reason = error.seen === undefined ? 'is not a certificate' : `is not a certificate: ${error.seen}`;
    return { value, reason, expected: error.wanted ?? expected };
  }
}
