/**
 * Writes the log: gives each event its number, and the events of a transaction one row for each connector. A row a
 * commit costs a fraction of a row an event. Runs inside the committer's transaction.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { EventType } from '../../domain/connector.ts';
import type { DataPayload, NewEvent, Origin, Point } from '../../domain/device.ts';
import { dataPayload, ruleOf, sizeOfData, sizeOfEvent } from '../payload.ts';
import type { DataEntry } from '../store.ts';
import { protocolCode, typeCode, typeName } from './codes.ts';

/** An event whose traces outside the log (state, history, index) are still to be written. */
export interface LoggedEvent {
  readonly connector: number;
  readonly seq: number;
  readonly type: EventType;
  readonly identity: string | null;
  /** Key of the device; null where the event concerns none that is stored. */
  readonly device: number | null;
  readonly ip: string | null;
  /** By what the device spoke; null where somebody else caused the event. */
  readonly protocol: number | null;
  /** Id of the connection it came over. */
  readonly connection: string | null;
  readonly timestamp: number;
  /** Values of defined resources. */
  readonly points: readonly Point[];
  /** Of a refusal, what it was refused by. */
  readonly rule: string | null;
  /** What it takes in memory, roughly. */
  readonly bytes: number;
}

/** An event as it stands in a row of the log. The order is on disk: never change it, only add at the end. */
export type LogEntry = readonly [
  seq: number,
  type: number,
  identity: string | null,
  device: number | null,
  ip: string | null,
  protocol: number | null,
  timestamp: number,
  connection: string | null,
  payload: unknown,
];

export interface Ledger {
  writeEvent(connector: number, device: number | null, event: NewEvent): LoggedEvent;
  /** `bytes` as `sizeOfData` says. */
  writeData(connector: number, entry: DataEntry, bytes: number): LoggedEvent;
  /** Writes the rows of all that was logged in this transaction; to be called right before COMMIT. */
  flush(): void;
  /** Forgets it, after a ROLLBACK. */
  discard(): void;
  lastSeq(): number;
}

/** Bounds of a row, since reading one event means reading its row. */
const ROW_EVENTS = 128;
const ROW_BYTES = 262_144;

const noPoints: readonly Point[] = [];

interface Segment {
  entries: LogEntry[];
  bytes: number;
}

export function createLedger(db: DatabaseSync): Ledger {
  const insert = db.prepare('INSERT INTO log VALUES (?,?,?,?)');
  let last = highestSeq(db);
  const open = new Map<number, Segment>();

  function put(connector: number, entry: LogEntry, bytes: number): void {
    let segment = open.get(connector);
    if (segment !== undefined && (segment.entries.length >= ROW_EVENTS || segment.bytes + bytes > ROW_BYTES)) {
      write(connector, segment);
      segment = undefined;
    }
    if (segment === undefined) {
      segment = { entries: [], bytes: 0 };
      open.set(connector, segment);
    }
    segment.entries.push(entry);
    segment.bytes += bytes;
  }

  function write(connector: number, { entries }: Segment): void {
    insert.run(connector, entries[0]![0], entries.at(-1)![0], JSON.stringify(entries));
  }

  function log(
    connector: number,
    device: number | null,
    { type, identity, origin, timestamp }: Pick<NewEvent, 'type' | 'identity' | 'origin' | 'timestamp'>,
    payload: unknown,
    points: readonly Point[],
    bytes: number,
  ): LoggedEvent {
    // A number taken by a transaction that then fails is left unused: numbers grow, gaps are harmless.
    const seq = ++last;
    const { ip, protocol, connectionId } = origin ?? nowhere;
    const code = protocolCode(protocol);
    put(connector, [seq, typeCode(type), identity, device, ip, code, timestamp, connectionId, payload], bytes);
    const rule = ruleOf(type, payload);
    const connection = connectionId;
    return { connector, seq, type, identity, device, ip, protocol: code, connection, timestamp, points, rule, bytes };
  }

  return {
    writeEvent: (connector, device, event) =>
      log(connector, device, event, event.payload ?? null, noPoints, sizeOfEvent(event)),
    writeData(connector, entry, bytes) {
      const { ref, type, origin, timestamp, points } = entry;
      const event = { type, identity: ref.identity, origin, timestamp };
      return log(connector, ref.key, event, dataPayload(entry), points, bytes);
    },
    flush() {
      if (open.size === 0) return;
      for (const [connector, segment] of open) write(connector, segment);
      open.clear();
    },
    discard: () => open.clear(),
    lastSeq: () => last,
  };
}

const nowhere: { readonly [K in keyof Origin]: null } = { ip: null, protocol: null, connectionId: null };

/**
 * Events that a crash left without their traces, oldest first: some of them, none when all is done. Those of a stretch that
 * was being written come together, as it ends where it did.
 */
export function readUnprojected(db: DatabaseSync): LoggedEvent[] {
  const { projected, projecting } = db
    .prepare(`SELECT coalesce(max(value) FILTER (WHERE name = 'projected'), 0) AS projected,
      coalesce(max(value) FILTER (WHERE name = 'projecting'), 0) AS projecting FROM meta`)
    .get() as { projected: number; projecting: number };
  const rest = `FROM connectors c JOIN log l ON l.connector = c.key
    AND l.first >= coalesce((SELECT max(first) FROM log WHERE connector = c.key AND first <= ?1), 0) AND l.first <= ?2
    WHERE l.last > ?1`;
  const begun = db.prepare(`SELECT count(*) AS rows ${rest}`).get(projected, projecting) as { rows: number };
  const limit = begun.rows + CATCH_UP_ROWS;
  const rows = db
    .prepare(`SELECT l.connector, l.first, l.events ${rest} ORDER BY l.first LIMIT ?3`)
    .all(projected, Number.MAX_SAFE_INTEGER, limit + 1) as { connector: number; first: number; events: string }[];
  // Rows of several connectors interleave: what lies past the first row that was not read has to wait for it.
  const bound = rows.length > limit ? rows.pop()!.first : Number.POSITIVE_INFINITY;
  const events = rows.flatMap(({ connector, events }) => {
    return (JSON.parse(events) as LogEntry[]).map((entry) => fromEntry(connector, entry));
  });
  return events.filter(({ seq }) => seq > projected && seq < bound).sort((a, b) => a.seq - b.seq);
}

const CATCH_UP_ROWS = 500;

function fromEntry(connector: number, entry: LogEntry): LoggedEvent {
  const [seq, code, identity, device, ip, protocol, timestamp, connection, payload] = entry;
  const type = typeName(code);
  const points = pointsIn(entry);
  const bytes = sizeOfData({ points, undefinedPoints: noPoints });
  const rule = ruleOf(type, payload);
  return { connector, seq, type, identity, device, ip, protocol, connection, timestamp, points, rule, bytes };
}

/** Values of defined resources in an event. */
export function pointsIn([, code, , , , , , , payload]: LogEntry): readonly Point[] {
  const type = typeName(code);
  return type === 'data_in' || type === 'data_out' ? definedPoints(payload as DataPayload) : noPoints;
}

function definedPoints(payload: DataPayload): Point[] {
  return payload.map(({ timestamp, values, undefined: others = [] }) => {
    if (others.length === 0) return { timestamp, values };
    const kept = Object.entries(values).filter(([alias]) => !others.includes(alias));
    return { timestamp, values: Object.fromEntries(kept) };
  });
}

/** Purging keeps this in `meta`, so that an emptied log does not begin anew. */
function highestSeq(db: DatabaseSync): number {
  const { seq: stored } = db
    .prepare("SELECT coalesce(max(value), 0) AS seq FROM meta WHERE name IN ('seq', 'projected')")
    .get() as { seq: number };
  const rows = db
    .prepare(
      'SELECT (SELECT last FROM log WHERE connector = c.key ORDER BY first DESC LIMIT 1) AS seq FROM connectors c',
    )
    .all() as { seq: number | null }[];
  return rows.reduce((highest, { seq }) => Math.max(highest, seq ?? 0), stored);
}
