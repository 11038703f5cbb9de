/**
 * A filter of devices as conditions in SQL. Some of them can be turned round: an index lists the devices that fit. Which
 * way is the quick one depends on how many those are, so each knows both; lists.ts asks and chooses.
 */
import { type DeviceStatus, ONLINE_WITHIN } from '../../domain/device.ts';
import type { DeviceFilter } from '../store.ts';
import { phases } from './codes.ts';
import type { Pieces } from './identity-match.ts';

export type Value = string | number;
export interface Sql {
  readonly sql: string;
  readonly values: readonly Value[];
}

export interface Condition {
  /** Is true for a row `d` of devices. */
  readonly test: Sql;
  /** Selects as `key` the devices that may fit, from the quickest index there is: all that do, perhaps some more. */
  readonly keys?: Sql;
  /** Where no index knows, or how many is asked: the text that the identity has to fit, split at its `*`. */
  readonly text?: Pieces;
}

/** The shortest text that the trigram index knows anything of. */
const TRIGRAM = 3;

export function conditionsOf(connector: number, filter: DeviceFilter, now: number): Condition[] {
  const conditions: Condition[] = [];
  const add = (sql: string, ...values: Value[]) => conditions.push({ test: { sql, values } });
  if (filter.identity !== undefined && filter.identity !== '') conditions.push(withText(filter.identity));
  if (filter.status !== undefined) conditions.push({ test: withStatus(filter.status, now) });
  for (const { name, value } of filter.tags ?? []) conditions.push(withTag(connector, name, value));
  if (filter.batch !== undefined) {
    add('d.batch = (SELECT key FROM batches WHERE connector = ? AND id = ?)', connector, filter.batch);
  }
  if (filter.ipaddress !== undefined) add('d.last_ip = ?', filter.ipaddress);
  if (filter.online === true) {
    const present = 'd.activity >= ? AND d.last_seen >= ? AND d.last_seen > coalesce(d.left_at, 0)';
    add(present, now - ONLINE_WITHIN, now - ONLINE_WITHIN);
  }
  if (filter.online === false) {
    add('(d.last_seen IS NULL OR d.last_seen < ? OR d.last_seen <= d.left_at)', now - ONLINE_WITHIN);
  }
  if (filter.before !== undefined) add('d.activity < ?', filter.before);
  if (filter.certificateExpiresBefore !== undefined) {
    conditions.push(withCertificate(connector, filter.certificateExpiresBefore));
  }
  return conditions;
}

/** The stored phase, and what time has done to it since the sweeper last came by. */
function withStatus(status: DeviceStatus, now: number): Sql {
  if (status === 'locked') return { sql: 'd.phase = ?', values: [phases.locked] };
  if (status !== 'expired') {
    return { sql: 'd.phase = ? AND (d.expires IS NULL OR d.expires > ?)', values: [phases[status], now] };
  }
  return {
    sql: '(d.phase = ? OR (d.phase <> ? AND d.expires <= ?))',
    values: [phases.expired, phases.locked, now],
  };
}

function withTag(connector: number, name: string, value: string): Condition {
  const tag = 'FROM device_tags t WHERE t.connector = ? AND t.name = ? AND t.value = ?';
  const values = [connector, name, value];
  const keys = { sql: `SELECT t.device AS key ${tag}`, values };
  return { test: { sql: `EXISTS (SELECT 1 ${tag} AND t.device = d.key)`, values }, keys };
}

function withCertificate(connector: number, before: number): Condition {
  const keys = 'SELECT key FROM devices INDEXED BY devices_certificate WHERE connector = ? AND certificate_ends < ?';
  // The `+` keeps SQLite from walking that index where it leaves many, and sorting them all.
  return {
    test: { sql: '+d.certificate_ends < ?', values: [before] },
    keys: { sql: keys, values: [connector, before] },
  };
}

/**
 * Text without `*` is looked for anywhere; with `*` the whole identity must fit. GLOB compares exactly (case too). The
 * trigram index knows who may have a text of three characters; shorter ones are looked for in the identities themselves.
 */
function withText(text: string): Condition {
  const pieces = text.split('*');
  const longest = pieces.reduce((longest, piece) => (codePoints(piece) > codePoints(longest) ? piece : longest), '');
  // The `+` keeps SQLite from walking the identities in order and sorting all that fit.
  const test = exactly('+d.identity', pieces);
  if (codePoints(longest) < TRIGRAM) return { test, text: pieces };
  const match = 'SELECT rowid AS key FROM identities WHERE identities MATCH ?';
  return { test, text: pieces, keys: { sql: match, values: [trigrams(longest)] } };
}

function exactly(column: string, pieces: readonly string[]): Sql {
  return pieces.length === 1
    ? { sql: `instr(${column}, ?) > 0`, values: [pieces[0]!] }
    : { sql: `${column} GLOB ?`, values: [pieces.map(escapeGlob).join('*')] };
}

const codePoints = (text: string) => [...text].length;
const escapeGlob = (text: string) => text.replace(/[?[\]]/g, (special) => `[${special}]`);

/** An FTS5 expression that asks for every trigram of the text; their order is checked by the exact condition. */
function trigrams(text: string): string {
  const points = [...text];
  const all = points.slice(0, points.length - TRIGRAM + 1).map((_, at) => points.slice(at, at + TRIGRAM).join(''));
  return [...new Set(all)].map((trigram) => `"${trigram.replaceAll('"', '""')}"`).join(' AND ');
}
