/**
 * Questions about the log. What an index knows (an identity, a rare type) is read by number, each type from its own range,
 * and merged; everything else is read from the log itself, row by row.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { StoredEvent, Tags } from '../../domain/device.ts';
import type { EventQuery } from '../store.ts';
import { allTypeCodes, FREQUENT_MAX, protocolName, typeCode, typeName } from './codes.ts';
import type { LogEntry } from './ledger.ts';

const MAX = Number.MAX_SAFE_INTEGER;
/** Bytes of a page, at least one event: values may be large, and many may ask at once. */
const PAGE_BYTES = 512 << 10;

/** Events of one source, in the order asked. `cut`: there are more, left out for want of room. */
interface Part {
  readonly entries: LogEntry[];
  cut: boolean;
}

export function createEventQueries(db: DatabaseSync) {
  const blocks = {
    newest: db.prepare(`SELECT seqs FROM event_index
      WHERE connector = ? AND identity = ? AND type = ? AND first < ? AND last > ? ORDER BY first DESC`),
    oldest: db.prepare(`SELECT seqs FROM event_index
      WHERE connector = ? AND identity = ? AND type = ? AND first < ? AND last > ? ORDER BY first`),
  };
  const rows = {
    newest: db.prepare('SELECT events FROM log WHERE connector = ? AND first < ? AND last > ? ORDER BY first DESC'),
    oldest: db.prepare(`SELECT events FROM log WHERE connector = ?1 AND first < ?2 AND last > ?3
      AND first >= coalesce((SELECT max(first) FROM log WHERE connector = ?1 AND first <= ?3), 0) ORDER BY first`),
  };
  const rowOf = db.prepare('SELECT events FROM log WHERE connector = ? AND first <= ? ORDER BY first DESC LIMIT 1');
  const tagsOf = db.prepare('SELECT tags FROM devices WHERE connector = ? AND identity = ?');

  /** Reads events by number; neighbours often stand in the same row. */
  function createLookup(connector: number): (seq: number) => { entry: LogEntry; bytes: number } | undefined {
    let row: readonly LogEntry[] = [];
    let bytes = 0;
    return (seq) => {
      const first = row[0]?.[0] ?? MAX;
      const last = row.at(-1)?.[0] ?? 0;
      if (seq < first || seq > last) {
        const found = rowOf.get(connector, seq) as { events: string } | undefined;
        row = found === undefined ? [] : (JSON.parse(found.events) as LogEntry[]);
        bytes = (found?.events.length ?? 0) / row.length;
      }
      const entry = row.find((entry) => entry[0] === seq);
      return entry && { entry, bytes };
    };
  }

  /** Events of one type that an index lists in blocks of numbers; `identity` '' for those of all. */
  function indexed(connector: number, identity: string, type: number, query: EventQuery): Part {
    const { before = MAX, after = -1, limit, order = 'newest' } = query;
    const lookup = createLookup(connector);
    const part = createPart(limit);
    for (const block of blocks[order].iterate(connector, identity, type, before, after)) {
      const { seqs } = block as { seqs: string };
      const inside = (JSON.parse(seqs) as number[]).filter((seq) => seq > after && seq < before);
      for (const seq of order === 'oldest' ? inside : inside.reverse()) {
        const found = lookup(seq);
        if (found !== undefined && !part.take(found.entry, found.bytes)) return part;
      }
    }
    return part;
  }

  /** Events of the log itself; `types` null for all. */
  function scanned(connector: number, types: ReadonlySet<number> | null, query: EventQuery): Part {
    const { before = MAX, after = -1, limit, order = 'newest' } = query;
    const part = createPart(limit);
    for (const row of rows[order].iterate(connector, before, after)) {
      const { events } = row as { events: string };
      const entries = JSON.parse(events) as LogEntry[];
      const bytes = events.length / entries.length;
      for (const entry of order === 'oldest' ? entries : entries.reverse()) {
        const [seq, type] = entry;
        if (seq <= after || seq >= before || (types !== null && !types.has(type))) continue;
        if (!part.take(entry, bytes)) return part;
      }
      // The order of the index by `first` cannot end this by itself.
      if (order === 'newest' && entries.at(-1)![0] <= after) break;
    }
    return part;
  }

  function partsOf(connector: number, query: EventQuery): Part[] {
    const types = query.types?.map(typeCode);
    if (query.identity !== undefined) {
      return (types ?? allTypeCodes).map((type) => indexed(connector, query.identity!, type, query));
    }
    if (types === undefined) return [scanned(connector, null, query)];
    const rare = types.filter((type) => type > FREQUENT_MAX);
    const frequent = types.filter((type) => type <= FREQUENT_MAX);
    if (frequent.length > 0) return [scanned(connector, new Set(types), query)];
    return rare.map((type) => indexed(connector, '', type, query));
  }

  function toEvent(connector: number, entry: LogEntry): StoredEvent {
    const [seq, type, identity, , ip, protocol, timestamp, connection, payload] = entry;
    const device = identity === null ? undefined : (tagsOf.get(connector, identity) as { tags: string } | undefined);
    return {
      seq,
      type: typeName(type),
      identity,
      ip,
      protocol: protocolName(protocol),
      timestamp,
      connection_id: connection,
      tags: device === undefined ? {} : (JSON.parse(device.tags) as Tags),
      payload,
    };
  }

  return {
    readEvents(connector: number, query: EventQuery): { events: StoredEvent[]; mayLoadMore: boolean } {
      const parts = partsOf(connector, query);
      const sign = query.order === 'oldest' ? 1 : -1;
      // Past the end of a part that was cut, nobody knows what belongs between the events of the others.
      const ends = parts.filter(({ cut }) => cut).map(({ entries }) => sign * entries.at(-1)![0]);
      const end = Math.min(...ends);
      const entries = parts.flatMap(({ entries }) => entries).filter(([seq]) => sign * seq <= end);
      entries.sort((a, b) => sign * (a[0] - b[0]));
      const events = entries.slice(0, query.limit).map((entry) => toEvent(connector, entry));
      return { events, mayLoadMore: ends.length > 0 || entries.length > query.limit };
    },
  };
}

/** Takes events until there is one more than `limit`, or as many bytes as a page may have; false then. */
function createPart(limit: number): Part & { take(entry: LogEntry, bytes: number): boolean } {
  let size = 0;
  const part = {
    entries: [] as LogEntry[],
    cut: false,
    take(entry: LogEntry, bytes: number): boolean {
      part.entries.push(entry);
      size += bytes;
      part.cut = size >= PAGE_BYTES;
      return !part.cut && part.entries.length <= limit;
    },
  };
  return part;
}
