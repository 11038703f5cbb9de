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

  const newestBlocks = db.prepare(`SELECT seqs FROM identity_events
    WHERE connector = ? AND identity = ? AND type = ? AND first < ? AND last > ? ORDER BY first DESC`);
  const oldestBlocks = db.prepare(`SELECT seqs FROM identity_events
    WHERE connector = ? AND identity = ? AND type = ? AND first < ? AND last > ? ORDER BY first`);
  const one = db.prepare(`SELECT ${columns} FROM events e WHERE e.connector = ? AND e.seq = ?`);

  /** The events of one identity and type, by way of the index that lists their numbers in blocks. */
  function ofIdentity(connector: number, identity: string, type: number, query: EventQuery): EventRow[] {
    const { before = MAX, after = -1, limit } = query;
    const oldest = query.order === 'oldest';
    const rows: EventRow[] = [];
    for (const block of (oldest ? oldestBlocks : newestBlocks).iterate(connector, identity, type, before, after)) {
      const seqs = (JSON.parse((block as { seqs: string }).seqs) as number[]).filter(
        (seq) => seq > after && seq < before,
      );
      for (const seq of oldest ? seqs : seqs.reverse()) {
        const row = one.get(connector, seq) as unknown as EventRow | undefined;
        if (row !== undefined) rows.push(row);
        if (rows.length > limit) return rows;
      }
    }
    return rows;
  }

  function rowsOf(connector: number, query: EventQuery): EventRow[] {
    const types = query.types?.map(typeCode);
    if (query.identity !== undefined) {
      return (types ?? allTypeCodes).flatMap((type) => ofIdentity(connector, query.identity!, type, query));
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
