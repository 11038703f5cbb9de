/**
 * Lists, searches and counts of devices. A list either walks the index of its order until the page is full, or starts from
 * the few devices that a tag or text names and sorts those; counting a bounded number of them first tells which.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { Device } from '../../domain/device.ts';
import { fromCursor, toCursor } from '../cursor.ts';
import type { DeviceFilter, DevicePage, DeviceSort, ValuesPart } from '../store.ts';
import { type Phase, phases } from './codes.ts';
import { type Condition, conditionsOf, type Sql, type Value } from './device-filter.ts';
import { type CredentialRow, type DeviceRow, deviceColumns, toDevice } from './device-rows.ts';
import { createIdentityReader } from './identity-blocks.ts';

/** Up to this many devices are rather sorted than met by walking an index. */
const FEW = 20_000;

interface Order {
  readonly column: 'activity' | 'identity' | 'created';
  readonly descending: boolean;
}

/** Wire name of a sort → column, direction. The key settles ties, in the same direction. */
const sorts: Record<DeviceSort, Order> = {
  activity: { column: 'activity', descending: false },
  '-activity': { column: 'activity', descending: true },
  identity: { column: 'identity', descending: false },
  '-identity': { column: 'identity', descending: true },
  created: { column: 'created', descending: false },
  '-created': { column: 'created', descending: true },
};

interface Keys {
  readonly n: number;
  /** JSON list. */
  readonly keys: string;
}
type ListedRow = DeviceRow & { readonly sort_value: Value };

export function createLists(db: DatabaseSync) {
  const credentials = db.prepare(
    'SELECT device, slot, until, data FROM credentials WHERE device IN (SELECT value FROM json_each(?))',
  );
  const due = db.prepare(`SELECT phase, count(*) AS n FROM devices INDEXED BY devices_expiring
    WHERE expires <= ? AND expires IS NOT NULL AND expiry_logged = 0 AND connector = ? AND phase <> ${phases.locked} GROUP BY phase`);
  const identities = createIdentityReader(db);
  const beginning = db.prepare(`SELECT count(*) AS n FROM (SELECT 1 FROM devices INDEXED BY devices_identity
    WHERE connector = ?1 AND identity >= ?2 AND identity < ?3 LIMIT ?4)`);
  const others = db.prepare(`SELECT
    (SELECT count(*) FROM devices INDEXED BY devices_identity WHERE connector = ?1 AND identity < ?2)
    + (SELECT count(*) FROM devices INDEXED BY devices_identity WHERE connector = ?1 AND identity >= ?3) AS n`);
  const tagNames = db.prepare(nextTag);
  const tagValues = db.prepare(`SELECT value, count(*) AS count FROM device_tags
    WHERE connector = ? AND name = ? AND value >= ? AND value < ? GROUP BY value ORDER BY value LIMIT ?`);

  const ending = db.prepare(`SELECT count(*) AS n FROM connectors k JOIN devices d INDEXED BY devices_certificate
    ON d.connector = k.key AND d.certificate_ends < ? WHERE k.id IS NOT NULL`);

  function run<T>({ sql, values }: Sql): T[] {
    return db.prepare(sql).all(...values) as unknown as T[];
  }

  /** The shortest list of keys, as JSON, that one of the conditions leaves; null if none leaves few. */
  function fewKeys(connector: number, conditions: readonly Condition[]): string | null {
    let best: Keys | null = null;
    for (const condition of conditions) {
      const keys = condition.keys ?? keysOfText(connector, condition);
      if (keys === null) continue;
      const sql = `SELECT count(*) AS n, json_group_array(key) AS keys FROM (${keys.sql} LIMIT ?)`;
      const found = run<Keys>({ sql, values: [...keys.values, FEW + 1] })[0]!;
      if (found.n <= FEW && (best === null || found.n < best.n)) best = found;
    }
    return best?.keys ?? null;
  }

  function keysOfText(connector: number, { text }: Condition): Sql | null {
    const found = text === undefined ? null : identities.find(connector, text, FEW);
    if (found === null) return null;
    return {
      sql: 'SELECT key FROM devices WHERE connector = ? AND identity IN (SELECT value FROM json_each(?))',
      values: [connector, JSON.stringify(found)],
    };
  }

  /** `WHERE …` for all conditions, beginning at the few keys if there are such. */
  function whereOf(connector: number, conditions: readonly Condition[]): Sql {
    const keys = fewKeys(connector, conditions);
    const start: Sql[] =
      keys === null
        ? [{ sql: 'd.connector = ?', values: [connector] }]
        : [
            // The `+` keeps SQLite from beginning with all devices of the connector all the same.
            { sql: '+d.connector = ?', values: [connector] },
            { sql: 'd.key IN (SELECT value FROM json_each(?))', values: [keys] },
          ];
    const all = [...start, ...conditions.map(({ test }) => test)];
    return { sql: all.map(({ sql }) => sql).join(' AND '), values: all.flatMap(({ values }) => values) };
  }

  return {
    listDevices(connector: number, filter: DeviceFilter, page: DevicePage, now: number) {
      const order = sorts[page.sort];
      const conditions = conditionsOf(connector, filter, now);
      const where = whereOf(connector, conditions);
      const rows: ListedRow[] = [];
      for (const { sql, values } of after(page, order)) {
        const direction = order.descending ? 'DESC' : 'ASC';
        const select = `SELECT ${deviceColumns}, d.${order.column} AS sort_value
          FROM devices d LEFT JOIN batches b ON b.key = d.batch WHERE ${where.sql}${sql}
          ORDER BY d.${order.column} ${direction}, d.key ${direction} LIMIT ?`;
        rows.push(
          ...run<ListedRow>({ sql: select, values: [...where.values, ...values, page.limit + 1 - rows.length] }),
        );
        if (rows.length > page.limit) break;
      }
      const mayLoadMore = rows.length > page.limit;
      if (mayLoadMore) rows.pop();
      const last = rows.at(-1);
      return {
        devices: withCredentials(rows),
        cursor: mayLoadMore && last !== undefined ? toCursor(page.sort, last.sort_value, last.key) : null,
      };
    },

    /** `total`: devices of the connector. */
    countDevices(connector: number, filter: DeviceFilter, now: number, total: number): number {
      const conditions = conditionsOf(connector, filter, now);
      const alone = conditions.length === 1 ? countAlone(connector, conditions[0]!, total) : null;
      return alone ?? countRows(inDevices(whereOf(connector, conditions)));
    },

    /** Entries whose time has passed and which the sweeper has not marked yet, by stored phase. Few, as it comes often. */
    countDue: (connector: number, now: number) => due.all(now, connector) as unknown as { phase: Phase; n: number }[],

    countCertificatesEnding: (before: readonly number[]) => before.map((time) => (ending.get(time) as { n: number }).n),

    listTagNames: (connector: number): string[] =>
      (tagNames.all(connector, connector) as { name: string }[]).map(({ name }) => name),
    countTagValues: (connector: number, name: string, { begins = '', limit = -1 }: ValuesPart = {}) => {
      // Every blob sorts behind every text.
      const end = begins === '' ? new Uint8Array() : `${begins}\u{10ffff}`;
      return tagValues.all(connector, name, begins, end, limit) as unknown as { value: string; count: number }[];
    },
  };

  /** Without looking at a device: a tag in its index, a frequent text in the identities. Null where neither helps. */
  function countAlone(connector: number, condition: Condition, total: number): number | null {
    const { keys, text } = condition;
    if (text === undefined) return keys === undefined ? null : countRows(keys);
    if (text.length === 2 && text[1] === '') return countBeginning(connector, text[0]!, total);
    if (keys !== undefined && fewKeys(connector, [condition]) !== null) return null;
    return identities.count(connector, text);
  }

  /** Identities stand in order in their index: those that begin so are counted, or the others if these are fewer. */
  function countBeginning(connector: number, prefix: string, total: number): number {
    const half = Math.ceil(total / 2);
    const end = `${prefix}\u{10ffff}`;
    const { n } = beginning.get(connector, prefix, end, half + 1) as { n: number };
    if (n <= half) return n;
    return total - (others.get(connector, prefix, end) as { n: number }).n;
  }

  function countRows({ sql, values }: Sql): number {
    return run<{ n: number }>({ sql: `SELECT count(*) AS n FROM (${sql})`, values })[0]!.n;
  }

  function withCredentials(rows: readonly DeviceRow[]): Device[] {
    const all = credentials.all(JSON.stringify(rows.map(({ key }) => key))) as unknown as CredentialRow[];
    const byDevice = Map.groupBy(all, ({ device }) => device);
    return rows.map((row) => toDevice(row, byDevice.get(row.key) ?? []));
  }
}

const inDevices = ({ sql, values }: Sql): Sql => ({ sql: `SELECT d.key FROM devices d WHERE ${sql}`, values });

/** Jumps from one name to the next in the index, in place of reading every row. */
const nextTag = `WITH RECURSIVE names(name) AS (
  SELECT min(name) FROM device_tags WHERE connector = ?
  UNION ALL
  SELECT (SELECT min(name) FROM device_tags WHERE connector = ? AND name > names.name) FROM names WHERE names.name IS NOT NULL
) SELECT name FROM names WHERE name IS NOT NULL`;

/**
 * What a page adds to the conditions, in the order in which to ask: the rest of those that tie with the last row, then all
 * behind them. Apart, each begins at its place in the index, however many tie. CURSOR_INVALID.
 */
function after({ cursor, sort }: DevicePage, { column, descending }: Order): Sql[] {
  if (cursor === undefined) return [{ sql: '', values: [] }];
  const [value, key] = fromCursor(cursor, sort, column === 'identity' ? 'string' : 'number');
  const sign = descending ? '<' : '>';
  return [
    { sql: ` AND d.${column} = ? AND d.key ${sign} ?`, values: [value, key] },
    { sql: ` AND d.${column} ${sign} ?`, values: [value] },
  ];
}
