/** Lists, searches and counts of devices: turns a filter into one SQL statement that an index can answer. */
import type { DatabaseSync } from 'node:sqlite';
import { type Device, type DeviceStatus, ONLINE_WITHIN } from '../../domain/device.ts';
import { AppError } from '../../domain/errors.ts';
import type { DeviceFilter, DevicePage, DeviceSort } from '../store.ts';
import { type Phase, phases } from './codes.ts';
import { type CredentialRow, type DeviceRow, deviceColumns, toDevice } from './device-rows.ts';

type Value = string | number;
interface Condition {
  readonly sql: string;
  readonly values: readonly Value[];
}

/** Wire name of a sort → column, direction. The key settles ties, in the same direction. */
const sorts: Record<DeviceSort, { readonly column: string; readonly descending: boolean }> = {
  activity: { column: 'activity', descending: false },
  '-activity': { column: 'activity', descending: true },
  identity: { column: 'identity', descending: false },
  '-identity': { column: 'identity', descending: true },
  created: { column: 'created', descending: false },
  '-created': { column: 'created', descending: true },
};

export function createLists(db: DatabaseSync) {
  const credentials = db.prepare(
    'SELECT device, slot, until, data FROM credentials WHERE device IN (SELECT value FROM json_each(?))',
  );
  const due = db.prepare(`SELECT phase, count(*) AS n FROM devices INDEXED BY devices_expiring
    WHERE expires <= ? AND expires IS NOT NULL AND expiry_logged = 0 AND connector = ? AND phase <> ${phases.locked} GROUP BY phase`);
  const tagNames = db.prepare(nextTag);
  const tagValues = db.prepare(
    'SELECT value, count(*) AS count FROM device_tags WHERE connector = ? AND name = ? GROUP BY value ORDER BY value',
  );

  function run<T>({ sql, values }: Condition): T[] {
    return db.prepare(sql).all(...values) as unknown as T[];
  }

  return {
    listDevices(connector: number, filter: DeviceFilter, page: DevicePage, now: number) {
      const { column, descending } = sorts[page.sort];
      const conditions = [...conditionsOf(connector, filter, now), ...afterCursor(page)];
      const direction = descending ? 'DESC' : 'ASC';
      const sql = `SELECT ${deviceColumns}, d.${column} AS sort_value
        FROM devices d LEFT JOIN batches b ON b.key = d.batch
        WHERE ${conditions.map(({ sql }) => sql).join(' AND ')}
        ORDER BY d.${column} ${direction}, d.key ${direction} LIMIT ?`;
      const values = [...conditions.flatMap(({ values }) => values), page.limit + 1];
      const rows = run<DeviceRow & { sort_value: Value }>({ sql, values });
      const mayLoadMore = rows.length > page.limit;
      if (mayLoadMore) rows.pop();
      const last = rows.at(-1);
      return {
        devices: withCredentials(rows),
        cursor: mayLoadMore && last !== undefined ? toCursor(page.sort, last.sort_value, last.key) : null,
      };
    },

    countDevices(connector: number, filter: DeviceFilter, now: number): number {
      const conditions = conditionsOf(connector, filter, now);
      const sql = `SELECT count(*) AS n FROM devices d WHERE ${conditions.map(({ sql }) => sql).join(' AND ')}`;
      return run<{ n: number }>({ sql, values: conditions.flatMap(({ values }) => values) })[0]!.n;
    },

    /** Entries whose time has passed and which the sweeper has not marked yet, by stored phase. Few, as it comes often. */
    countDue: (connector: number, now: number) => due.all(now, connector) as unknown as { phase: Phase; n: number }[],

    listTagNames: (connector: number): string[] =>
      (tagNames.all(connector, connector) as { name: string }[]).map(({ name }) => name),
    countTagValues: (connector: number, name: string) =>
      tagValues.all(connector, name) as unknown as { value: string; count: number }[],
  };

  function withCredentials(rows: readonly DeviceRow[]): Device[] {
    const all = credentials.all(JSON.stringify(rows.map(({ key }) => key))) as unknown as CredentialRow[];
    const byDevice = Map.groupBy(all, ({ device }) => device);
    return rows.map((row) => toDevice(row, byDevice.get(row.key) ?? []));
  }
}

/** Jumps from one name to the next in the index, in place of reading every row. */
const nextTag = `WITH RECURSIVE names(name) AS (
  SELECT min(name) FROM device_tags WHERE connector = ?
  UNION ALL
  SELECT (SELECT min(name) FROM device_tags WHERE connector = ? AND name > names.name) FROM names WHERE names.name IS NOT NULL
) SELECT name FROM names WHERE name IS NOT NULL`;

function conditionsOf(connector: number, filter: DeviceFilter, now: number): Condition[] {
  const conditions: Condition[] = [{ sql: 'd.connector = ?', values: [connector] }];
  const add = (sql: string, ...values: Value[]) => conditions.push({ sql, values });
  if (filter.identity !== undefined && filter.identity !== '') conditions.push(...searchFor(filter.identity));
  if (filter.status !== undefined) conditions.push(...withStatus(filter.status, now));
  for (const { name, value } of filter.tags ?? []) {
    add(
      'd.key IN (SELECT device FROM device_tags WHERE connector = ? AND name = ? AND value = ?)',
      connector,
      name,
      value,
    );
  }
  if (filter.batch !== undefined) {
    add('d.batch = (SELECT key FROM batches WHERE connector = ? AND id = ?)', connector, filter.batch);
  }
  if (filter.ipaddress !== undefined) add('d.last_ip = ?', filter.ipaddress);
  if (filter.online === true) add('d.activity >= ? AND d.last_seen >= ?', now - ONLINE_WITHIN, now - ONLINE_WITHIN);
  if (filter.online === false) add('(d.last_seen IS NULL OR d.last_seen < ?)', now - ONLINE_WITHIN);
  if (filter.before !== undefined) add('d.activity < ?', filter.before);
  return conditions;
}

/** The stored phase, and what time has done to it since the sweeper last came by. */
function withStatus(status: DeviceStatus, now: number): Condition[] {
  if (status === 'locked') return [{ sql: 'd.phase = ?', values: [phases.locked] }];
  if (status === 'expired') {
    const swept = phases.expired;
    return [{ sql: '(d.phase = ? OR (d.phase <> ? AND d.expires <= ?))', values: [swept, phases.locked, now] }];
  }
  return [{ sql: 'd.phase = ? AND (d.expires IS NULL OR d.expires > ?)', values: [phases[status], now] }];
}

/** The shortest text that the trigram index knows anything of. */
const TRIGRAM = 3;

/**
 * Text without `*` is looked for anywhere; with `*` the whole identity must fit. GLOB compares exactly (case too). Where a
 * piece of the text is long enough, the trigram index first narrows the rows down.
 */
function searchFor(text: string): Condition[] {
  const pieces = text.split('*');
  const exact: Condition =
    pieces.length === 1
      ? { sql: 'instr(d.identity, ?) > 0', values: [text] }
      : { sql: 'd.identity GLOB ?', values: [pieces.map(escapeGlob).join('*')] };
  const longest = pieces.reduce((longest, piece) => (codePoints(piece) > codePoints(longest) ? piece : longest), '');
  if (codePoints(longest) < TRIGRAM) return [exact];
  return [
    { sql: 'd.key IN (SELECT rowid FROM identities WHERE identities MATCH ?)', values: [trigrams(longest)] },
    exact,
  ];
}

const codePoints = (text: string) => [...text].length;
const escapeGlob = (text: string) => text.replace(/[?[\]]/g, (special) => `[${special}]`);

/** An FTS5 expression that asks for every trigram of the text; their order is checked by the exact condition. */
function trigrams(text: string): string {
  const points = [...text];
  const all = points.slice(0, points.length - TRIGRAM + 1).map((_, at) => points.slice(at, at + TRIGRAM).join(''));
  return [...new Set(all)].map((trigram) => `"${trigram.replaceAll('"', '""')}"`).join(' AND ');
}

function toCursor(sort: DeviceSort, value: Value, key: number): string {
  return Buffer.from(JSON.stringify([sort, value, key])).toString('base64url');
}

/** Rows past the one that the cursor names. CURSOR_INVALID. */
function afterCursor({ cursor, sort }: DevicePage): Condition[] {
  if (cursor === undefined) return [];
  const { column, descending } = sorts[sort];
  const [value, key] = fromCursor(cursor, sort, column === 'identity' ? 'string' : 'number');
  const sign = descending ? '<' : '>';
  return [{ sql: `(d.${column}, d.key) ${sign} (?, ?)`, values: [value, key] }];
}

function fromCursor(cursor: string, sort: DeviceSort, type: 'string' | 'number'): [Value, number] {
  const invalid = () => new AppError('CURSOR_INVALID', { seen: cursor });
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    throw invalid();
  }
  if (!Array.isArray(parsed) || parsed.length !== 3 || parsed[0] !== sort) throw invalid();
  if (typeof parsed[1] !== type || !Number.isSafeInteger(parsed[2])) throw invalid();
  if (type === 'number' && !Number.isSafeInteger(parsed[1])) throw invalid();
  return [parsed[1] as Value, parsed[2] as number];
}
