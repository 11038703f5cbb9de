/** Writes the log: gives each event its number and its row. Runs inside the committer's transaction. */
import type { DatabaseSync } from 'node:sqlite';
import type { EventType } from '../../domain/connector.ts';
import type { DataPayload, NewEvent, Origin, Point } from '../../domain/device.ts';
import type { DataEntry } from '../store.ts';
import { protocolCode, typeCode } from './codes.ts';

/** An event whose traces outside the log (state, history, index by identity) are still to be written. */
export interface LoggedEvent {
  readonly connector: number;
  readonly seq: number;
  readonly type: EventType;
  readonly identity: string | null;
  /** Key of the device; null where the event concerns none that is stored. */
  readonly device: number | null;
  readonly ip: string | null;
  readonly timestamp: number;
  /** Values of defined resources. */
  readonly points: readonly Point[];
}

export interface Ledger {
  writeEvent(connector: number, device: number | null, event: NewEvent): LoggedEvent;
  writeData(connector: number, entry: DataEntry): LoggedEvent;
  lastSeq(): number;
}

const noPoints: readonly Point[] = [];

export function createLedger(db: DatabaseSync): Ledger {
  const insert = db.prepare('INSERT INTO events VALUES (?,?,?,?,?,?,?,?,?,?)');
  let last = highestSeq(db);

  function write(
    connector: number,
    device: number | null,
    type: EventType,
    identity: string | null,
    origin: Origin | null,
    timestamp: number,
    payload: string | null,
    points: readonly Point[],
  ): LoggedEvent {
    // A number taken by a transaction that then fails is left unused: numbers grow, gaps are harmless.
    const seq = ++last;
    const ip = origin === null ? null : origin.ip;
    insert.run(
      connector,
      seq,
      typeCode(type),
      identity,
      device,
      ip,
      origin === null ? null : protocolCode(origin.protocol),
      timestamp,
      origin === null ? null : origin.connectionId,
      payload,
    );
    return { connector, seq, type, identity, device, ip, timestamp, points };
  }

  return {
    writeEvent(connector, device, event) {
      const payload = event.payload === null || event.payload === undefined ? null : JSON.stringify(event.payload);
      return write(connector, device, event.type, event.identity, event.origin, event.timestamp, payload, noPoints);
    },
    writeData(connector, entry) {
      const { ref, type, origin, timestamp, points } = entry;
      return write(connector, ref.key, type, ref.identity, origin, timestamp, dataPayload(entry), points);
    },
    lastSeq: () => last,
  };
}

/** management-api.md, Events: `[{timestamp, values:{…}, undefined?:[…]}]`; values of one moment stand together. */
function dataPayload(entry: DataEntry): string {
  const { points, undefinedPoints } = entry;
  if (undefinedPoints.length === 0) return JSON.stringify(points);
  const byTime = new Map<number, { timestamp: number; values: Record<string, string>; undefined?: string[] }>();
  const at = (timestamp: number) => {
    let element = byTime.get(timestamp);
    if (element === undefined) {
      element = { timestamp, values: Object.create(null) };
      byTime.set(timestamp, element);
    }
    return element;
  };
  for (const { timestamp, values } of points) Object.assign(at(timestamp).values, values);
  for (const { timestamp, values } of undefinedPoints) {
    const element = at(timestamp);
    Object.assign(element.values, values);
    element.undefined = [...(element.undefined ?? []), ...Object.keys(values)];
  }
  return JSON.stringify([...byTime.values()]);
}

/** The points of defined resources out of a stored payload: what a crash left unprojected is read back with this. */
export function pointsOf(payload: string): Point[] {
  return (JSON.parse(payload) as DataPayload).map(({ timestamp, values, undefined: logged = [] }) => {
    const kept = Object.entries(values).filter(([alias]) => !logged.includes(alias));
    return { timestamp, values: Object.fromEntries(kept) };
  });
}

/** Purging keeps this in `meta`, so that an emptied log does not begin anew. */
function highestSeq(db: DatabaseSync): number {
  const stored = db.prepare("SELECT coalesce(max(value), 0) AS seq FROM meta WHERE name IN ('seq', 'projected')").get();
  const perConnector = db.prepare(
    'SELECT coalesce(max((SELECT max(seq) FROM events WHERE connector = c.key)), 0) AS seq FROM connectors c',
  );
  return Math.max((stored as { seq: number }).seq, (perConnector.get() as { seq: number }).seq);
}
