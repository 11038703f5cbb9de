/** Questions about the log. */
import type { EventType } from '../../domain/connector.ts';
import type { Protocol, StoredEvent } from '../../domain/device.ts';
import type { EventQuery } from '../store.ts';
import { type Database, statement, type Value } from './database.ts';
import { unpackTags } from './tags.ts';
import { texts } from './text.ts';

/** Bytes of a page, at least one event: values may be large, and many may ask at once. */
const PAGE_BYTES = 512 << 10;
/** Reading the log itself finds these as fast as an index would. */
const frequent: ReadonlySet<EventType> = new Set<EventType>(['data_in', 'publish']);

const last = statement(
  'events-last',
  'SELECT coalesce((SELECT seq FROM commits WHERE number IS NOT NULL ORDER BY number DESC LIMIT 1), 0) AS seq',
);

interface Row {
  readonly seq: number;
  readonly type: EventType;
  readonly identity: string | null;
  readonly ip: string | null;
  readonly protocol: Protocol | null;
  readonly timestamp: number;
  readonly connection: string | null;
  readonly payload: string;
  readonly tags: string | null;
}

export function createEventQueries(db: Database) {
  return {
    async readEvents(connector: number, query: EventQuery): Promise<{ events: StoredEvent[]; mayLoadMore: boolean }> {
      const { limit } = query;
      const { text, values } = select(connector, query);
      const rows = await db.ask<Row>(text, values);
      const events = rows.slice(0, limit).map(toEvent);
      const size = rows.reduce((sum, { payload }) => sum + Buffer.byteLength(payload), 0);
      return { events, mayLoadMore: rows.length > limit || size >= PAGE_BYTES };
    },
    lastSeq: async (): Promise<number> => (await db.read<{ seq: number }>(last))[0]!.seq,
  };
}

/** One event more than asked for, unless those before it fill a page. */
function select(connector: number, { types, identity, before, after, limit, order }: EventQuery) {
  const values: Value[] = [];
  const value = (given: Value) => `$${values.push(given)}`;
  const conditions = [`connector = ${value(connector)}`];
  if (identity !== undefined) conditions.push(`identity = ${value(identity)}`);
  if (types !== undefined) {
    conditions.push(`type = ANY (${value(texts(types))}::text[])`);
    // Says to the planner that the index of rare types has them all.
    if (!types.some((type) => frequent.has(type))) conditions.push("type <> 'data_in' AND type <> 'publish'");
  }
  if (before !== undefined) conditions.push(`seq < ${value(before)}`);
  if (after !== undefined) conditions.push(`seq > ${value(after)}`);
  const direction = order === 'oldest' ? 'ASC' : 'DESC';
  const text = `SELECT s.*, d.tags FROM (
      SELECT *, sum(octet_length(payload)) OVER (ORDER BY seq ${direction}) - octet_length(payload) AS size FROM (
        SELECT seq, connector, type, identity, ip, protocol, timestamp, connection, payload FROM events
        WHERE ${conditions.join(' AND ')} ORDER BY seq ${direction} LIMIT ${value(limit + 1)}
      ) page
    ) s LEFT JOIN devices d ON d.connector = s.connector AND d.identity = s.identity
    WHERE s.size < ${value(PAGE_BYTES)} ORDER BY s.seq ${direction}`;
  return { text, values };
}

function toEvent(row: Row): StoredEvent {
  return {
    seq: row.seq,
    type: row.type,
    identity: row.identity,
    ip: row.ip,
    protocol: row.protocol,
    timestamp: row.timestamp,
    connection_id: row.connection,
    tags: row.tags === null ? {} : unpackTags(row.tags),
    payload: JSON.parse(row.payload) as unknown,
  };
}
