/** Lists, searches and counts of devices. Which index is the quick one, PostgreSQL decides from what it knows of the values. */
import type { Device, DeviceStatus } from '../../domain/device.ts';
import { fromCursor, toCursor } from '../cursor.ts';
import type { DeviceFilter, DevicePage, DeviceSort, ValuesPart } from '../store.ts';
import { type Database, statement, type Value } from './database.ts';
import { certificatesEnding, conditionsOf, type Place } from './device-filter.ts';
import { type DeviceRow, deviceColumns, deviceTables, toDevice } from './device-rows.ts';

interface Order {
  /** Column of the key and of the value: those of one index. */
  readonly column: string;
  readonly key: string;
  readonly descending: boolean;
  readonly type: 'string' | 'number';
}

const activity = { column: 'p.activity', key: 'p.device', type: 'number' } as const;
const identity = { column: 'd.identity', key: 'd.key', type: 'string' } as const;
const created = { column: 'd.created', key: 'd.key', type: 'number' } as const;

/** Wire name of a sort → column, direction. The key settles ties, in the same direction. */
const sorts: Record<DeviceSort, Order> = {
  activity: { ...activity, descending: false },
  '-activity': { ...activity, descending: true },
  identity: { ...identity, descending: false },
  '-identity': { ...identity, descending: true },
  created: { ...created, descending: false },
  '-created': { ...created, descending: true },
};

const byStatus = statement(
  'count-status',
  `SELECT CASE WHEN phase <> 'locked' AND expires <= $2 THEN 'expired' ELSE phase END AS status, count(*) AS n
   FROM devices WHERE connector = $1 GROUP BY 1`,
);
/** Jumps from one name to the next in the index, in place of reading every row. */
const tagNames = statement(
  'tag-names',
  `WITH RECURSIVE names (name) AS (
     (SELECT name FROM device_tags WHERE connector = $1 ORDER BY name LIMIT 1)
     UNION ALL
     SELECT (SELECT t.name FROM device_tags t WHERE t.connector = $1 AND t.name > names.name ORDER BY t.name LIMIT 1)
     FROM names WHERE names.name IS NOT NULL
   ) SELECT name FROM names WHERE name IS NOT NULL`,
);
const tagValues = statement(
  'tag-values',
  `SELECT value, count(*) AS count FROM device_tags
   WHERE connector = $1 AND name = $2 AND value >= $3 AND starts_with(value, $3) GROUP BY value ORDER BY value LIMIT $4`,
);

const endingOf = statement('count-ending-of', `SELECT count(*) AS n ${certificatesEnding('$1', '$2')}`);
const ending = statement(
  'count-ending',
  `SELECT count(*) AS n FROM connectors k, LATERAL (SELECT c.device ${certificatesEnding('k.key', '$1')}) c
   WHERE k.id IS NOT NULL`,
);

type ListedRow = DeviceRow & { readonly sort_value: string | number };

export function createLists(db: Database) {
  return {
    async listDevices(connector: number, filter: DeviceFilter, page: DevicePage, now: number) {
      const order = sorts[page.sort];
      const [values, place] = places();
      const conditions = conditionsOf(connector, filter, now, place);
      if (order.column === 'p.activity') conditions.push(`p.connector = ${place(connector)}`);
      if (page.cursor !== undefined) conditions.push(after(page.cursor, page.sort, place));
      const direction = order.descending ? 'DESC' : 'ASC';
      const rows = await db.ask<ListedRow>(
        `SELECT ${deviceColumns}, ${order.column} AS sort_value FROM ${deviceTables} WHERE ${conditions.join(' AND ')}
         ORDER BY ${order.column} ${direction}, ${order.key} ${direction} LIMIT ${place(page.limit + 1)}`,
        values,
      );
      const mayLoadMore = rows.length > page.limit;
      if (mayLoadMore) rows.pop();
      const last = rows.at(-1);
      return {
        devices: rows.map(toDevice) as Device[],
        cursor: mayLoadMore && last !== undefined ? toCursor(page.sort, last.sort_value, last.key) : null,
      };
    },

    async countDevices(connector: number, filter: DeviceFilter, now: number): Promise<number> {
      const { certificateExpiresBefore: ends, ...others } = filter;
      if (ends !== undefined && Object.values(others).every((condition) => condition === undefined)) {
        return (await db.read<{ n: number }>(endingOf, [connector, ends]))[0]!.n;
      }
      const [values, place] = places();
      const conditions = conditionsOf(connector, filter, now, place).join(' AND ');
      const tables = conditions.includes('p.') ? 'devices d JOIN presence p ON p.device = d.key' : 'devices d';
      const rows = await db.ask<{ n: number }>(`SELECT count(*) AS n FROM ${tables} WHERE ${conditions}`, values);
      return rows[0]!.n;
    },

    async countByStatus(connector: number, now: number): Promise<Record<DeviceStatus, number>> {
      const counts = { whitelisted: 0, provisioned: 0, expired: 0, locked: 0, reprovision: 0 };
      const rows = await db.read<{ status: DeviceStatus; n: number }>(byStatus, [connector, now]);
      for (const { status, n } of rows) counts[status] = n;
      return counts;
    },

    async countCertificatesEnding(before: readonly number[]): Promise<number[]> {
      const counts = before.map((time) => db.read<{ n: number }>(ending, [time]));
      return (await Promise.all(counts)).map((rows) => rows[0]!.n);
    },

    listTagNames: async (connector: number): Promise<string[]> =>
      (await db.read<{ name: string }>(tagNames, [connector])).map(({ name }) => name),
    countTagValues: (connector: number, name: string, { begins = '', limit }: ValuesPart = {}) =>
      db.read<{ value: string; count: number }>(tagValues, [connector, name, begins, limit ?? null]),
  };
}

/** A list of values, and what puts one in. */
function places(): [values: Value[], place: Place] {
  const values: Value[] = [];
  return [values, (value) => `$${values.push(value)}`];
}

/** What a page adds to the conditions: behind the last row, in the order of the index. CURSOR_INVALID. */
function after(cursor: string, sort: DeviceSort, place: Place): string {
  const { column, key, descending, type } = sorts[sort];
  const [value, device] = fromCursor(cursor, sort, type);
  return `(${column}, ${key}) ${descending ? '<' : '>'} (${place(value)}, ${place(device)})`;
}
