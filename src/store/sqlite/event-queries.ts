/** Questions about the log. Each type is read from its own index range and the ranges are merged, so a rare type is found at once. */
import type { DatabaseSync } from 'node:sqlite';
import type { StoredEvent, Tags } from '../../domain/device.ts';
import type { EventQuery } from '../store.ts';
import { allTypeCodes, FREQUENT_MAX, protocolName, typeCode, typeName } from './codes.ts';

interface EventRow {
  readonly seq: number;
  readonly type: number;
  readonly identity: string | null;
  readonly ip: string | null;
  readonly protocol: number | null;
  readonly timestamp: number;
  readonly connection: string | null;
  readonly payload: string | null;
  readonly tags: string | null;
}

const columns = `e.seq, e.type, e.identity, e.ip, e.protocol, e.timestamp, e.connection, e.payload,
  (SELECT tags FROM devices WHERE connector = e.connector AND identity = e.identity) AS tags`;
const MAX = Number.MAX_SAFE_INTEGER;

export function createEventQueries(db: DatabaseSync) {
  const statements = new Map<string, ReturnType<DatabaseSync['prepare']>>();
  const prepared = (sql: string) => {
    let statement = statements.get(sql);
    if (statement === undefined) {
      statement = db.prepare(sql);
      statements.set(sql, statement);
    }
    return statement;
  };

  /** One range of one index: `seq` between the bounds, in the order asked. */
  function range(from: string, values: readonly (string | number)[], query: EventQuery, seq: string): EventRow[] {
    const order = query.order === 'oldest' ? 'ASC' : 'DESC';
    const sql = `SELECT ${columns} FROM ${from} AND ${seq} > ? AND ${seq} < ? ORDER BY ${seq} ${order} LIMIT ?`;
    return prepared(sql).all(
      ...values,
      query.after ?? -1,
      query.before ?? MAX,
      query.limit + 1,
    ) as unknown as EventRow[];
  }

  function rowsOf(connector: number, query: EventQuery): EventRow[] {
    const types = query.types?.map(typeCode);
    if (query.identity !== undefined) {
      const from = `identity_events i JOIN events e ON e.connector = i.connector AND e.seq = i.seq
        WHERE i.connector = ? AND i.identity = ? AND i.type = ?`;
      return (types ?? allTypeCodes).flatMap((type) => range(from, [connector, query.identity!, type], query, 'i.seq'));
    }
    if (types === undefined) return range('events e WHERE e.connector = ?', [connector], query, 'e.seq');
    const rare = types.filter((type) => type > FREQUENT_MAX);
    const frequent = types.filter((type) => type <= FREQUENT_MAX);
    const list = frequent.map(() => '?').join(',');
    return [
      ...rare.flatMap((type) =>
        range(
          'events e INDEXED BY events_rare WHERE e.connector = ? AND e.type > 2 AND e.type = ?',
          [connector, type],
          query,
          'e.seq',
        ),
      ),
      ...(frequent.length === 0
        ? []
        : range(`events e WHERE e.connector = ? AND +e.type IN (${list})`, [connector, ...frequent], query, 'e.seq')),
    ];
  }

  return {
    readEvents(connector: number, query: EventQuery): { events: StoredEvent[]; mayLoadMore: boolean } {
      const rows = rowsOf(connector, query);
      const sign = query.order === 'oldest' ? 1 : -1;
      rows.sort((a, b) => sign * (a.seq - b.seq));
      return { events: rows.slice(0, query.limit).map(toEvent), mayLoadMore: rows.length > query.limit };
    },
  };
}

function toEvent(row: EventRow): StoredEvent {
  return {
    seq: row.seq,
    type: typeName(row.type),
    identity: row.identity,
    ip: row.ip,
    protocol: protocolName(row.protocol),
    timestamp: row.timestamp,
    connection_id: row.connection,
    tags: row.tags === null ? {} : (JSON.parse(row.tags) as Tags),
    payload: row.payload === null ? null : JSON.parse(row.payload),
  };
}
