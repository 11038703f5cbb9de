/** Everything that a SQLite installation keeps, as rows for another engine. The server must be stopped. */
import { closeSync, openSync, readSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import type { DeviceStatus } from '../../domain/device.ts';
import { type Cell, type Page, PIECE, type Place, type Source } from '../moving.ts';
import { createMerge } from './blocks.ts';
import { phases, protocolName, typeName } from './codes.ts';
import { contentPath } from './content-files.ts';
import { databaseFile } from './database.ts';
import { lockFolder } from './folder-lock.ts';
import { openSqliteStore } from './index.ts';
import type { LogEntry } from './ledger.ts';

const PAGE = 2_000;
/** Rows of the log, or of the history, in a page: each holds many. */
const PACKED_PAGE = 100;
/** Characters of a page of those, roughly. */
const PAGE_BYTES = 4 << 20;
/** Pieces of files in a page. */
const PIECES = 32;

const phaseNames = new Map(Object.entries(phases).map(([name, phase]) => [phase as number, name as DeviceStatus]));

type Row = Record<string, Cell>;

/** Columns of the target → columns here. `key`: in whose order it is read, and which are unique. */
interface Plain {
  readonly name: string;
  readonly from: string;
  readonly columns: readonly string[];
  readonly key: readonly string[];
  readonly change?: (row: readonly Cell[]) => readonly Cell[];
}

const flag = (cell: Cell | undefined): boolean => cell === 1;

const plain: readonly Plain[] = [
  { name: 'connectors', from: 'connectors', columns: ['key', 'id', 'created', 'version', 'settings'], key: ['key'] },
  {
    name: 'batches',
    from: 'batches',
    columns: ['key', 'connector', 'id', 'name', 'who', 'created', 'expires', 'state', 'count'],
    key: ['key'],
  },
  {
    name: 'devices',
    from: 'devices',
    columns: [
      ...['key', 'connector', 'identity', 'created', 'expires', 'expiry_logged', 'locked', 'reprovision', 'auth_type'],
      ...['provisioned_at', 'tags', 'batch', 'phase'],
    ],
    key: ['key'],
    change: (row) => [
      ...row.slice(0, 5),
      ...row.slice(5, 8).map(flag),
      ...row.slice(8, 12),
      phaseNames.get(row[12] as number)!,
    ],
  },
  {
    name: 'presence',
    from: 'devices',
    columns: ['key', 'connector', 'activity', 'last_seen', 'last_ip', 'left_at'],
    key: ['key'],
  },
  {
    name: 'device_tags',
    from: 'device_tags',
    columns: ['connector', 'name', 'value', 'device'],
    key: ['connector', 'name', 'value', 'device'],
  },
  {
    name: 'credentials',
    from: 'credentials',
    columns: ['device', 'slot', 'connector', 'type', 'digest', 'until', 'data'],
    key: ['device', 'slot'],
  },
  {
    name: 'state',
    from: `(SELECT s.device AS device, a.name AS alias, s.set_value, s.set_at, s.reported, s.reported_at, s.alias AS number
      FROM state s JOIN aliases a ON a.key = s.alias)`,
    columns: ['device', 'alias', 'set_value', 'set_at', 'reported', 'reported_at', 'number'],
    key: ['device', 'number'],
    change: (row) => row.slice(0, 6),
  },
  {
    name: 'wanted',
    from: `(SELECT w.device AS device, a.name AS alias, w.at, w.value, w.alias AS number
      FROM wanted w JOIN aliases a ON a.key = w.alias)`,
    columns: ['device', 'alias', 'at', 'value', 'number'],
    key: ['device', 'number'],
    change: (row) => row.slice(0, 4),
  },
  {
    name: 'figures',
    from: 'figures',
    columns: ['connector', 'minute', 'kind', 'n'],
    key: ['connector', 'minute', 'kind'],
  },
  { name: 'remains', from: 'remains', columns: ['device'], key: ['device'] },
  {
    name: 'content',
    from: '(SELECT *, key AS blob FROM content)',
    columns: [
      ...['key', 'connector', 'id', 'type', 'bytes', 'sha256', 'meta', 'created', 'updated', 'who', 'device', 'offer'],
      ...['rollout', 'blob', 'listed'],
    ],
    key: ['key'],
    change: (row) => [...row.slice(0, 14), flag(row[14])],
  },
  {
    name: 'content_blobs',
    from: '(SELECT key, bytes, 1 AS kept FROM content)',
    columns: ['key', 'bytes', 'kept'],
    key: ['key'],
    change: (row) => [...row.slice(0, 2), flag(row[2])],
  },
  {
    name: 'content_fetches',
    from: 'content_fetches',
    columns: ['content', 'device', 'identity', 'sha256', 'first', 'last', 'times', 'completed'],
    key: ['content', 'device'],
  },
  { name: 'content_remains', from: 'content_remains', columns: ['content'], key: ['content'] },
  { name: 'users', from: 'users', columns: ['id', 'email', 'role', 'password', 'created'], key: ['id'] },
  { name: 'sessions', from: 'sessions', columns: ['digest', 'user', 'created', 'expires'], key: ['digest'] },
];

/** Brings the tables up to the log, then keeps every server off the folder until it is closed. */
export async function openExport(folder: string): Promise<Source> {
  const store = await openSqliteStore({ folder });
  const lastSeq = await store.lastSeq();
  await store.close();
  const unlock = lockFolder(folder);
  const db = new DatabaseSync(databaseFile(folder), { readOnly: true });
  return {
    lastSeq,
    tables: [
      ...plain.map((table) => ({ name: table.name, read: (after: Place | null) => readPlain(db, table, after) })),
      { name: 'content_pieces', read: (after) => readPieces(db, folder, after) },
      { name: 'events', read: (after) => readLog(db, after) },
      { name: 'points', read: (after) => readPoints(db, after) },
    ],
    close() {
      db.close();
      unlock();
    },
  };
}

function readPlain(db: DatabaseSync, { from, columns, key, change = (row) => row }: Plain, after: Place | null): Page {
  const behind = after === null ? '' : `WHERE (${key.join(', ')}) > (${key.map(() => '?').join(', ')})`;
  const sql = `SELECT ${columns.join(', ')} FROM ${from} ${behind} ORDER BY ${key.join(', ')} LIMIT ${PAGE}`;
  const found = db.prepare(sql).all(...((after ?? []) as SQLInputValue[])) as unknown as Row[];
  const last = found.at(-1);
  return {
    rows: found.map((row) => change(columns.map((column) => row[column] ?? null))),
    next: found.length < PAGE ? null : key.map((column) => last![column] as string | number),
  };
}

/** The bytes of files, in base64. */
function readPieces(db: DatabaseSync, folder: string, after: Place | null): Page {
  const [key, n] = (after ?? [0, -1]) as [number, number];
  const rows: Cell[][] = [];
  const files = db.prepare('SELECT key, bytes, sha256 FROM content WHERE key >= ? ORDER BY key').iterate(key);
  for (const file of files as Iterable<{ key: number; bytes: number; sha256: string }>) {
    const first = file.key === key ? n + 1 : 0;
    if (first * PIECE >= file.bytes) continue;
    const open = openSync(contentPath(folder, file.sha256), 'r');
    try {
      for (let at = first; at * PIECE < file.bytes; at += 1) {
        const bytes = Buffer.alloc(Math.min(PIECE, file.bytes - at * PIECE));
        if (readSync(open, bytes, 0, bytes.length, at * PIECE) < bytes.length)
          throw new Error(`${file.sha256} is too short`);
        rows.push([file.key, at, bytes.toString('base64')]);
        if (rows.length === PIECES) return { rows, next: [file.key, at] };
      }
    } finally {
      closeSync(open);
    }
  }
  return { rows, next: null };
}

/** A row of the log is many events. */
function readLog(db: DatabaseSync, after: Place | null): Page {
  const found = db
    .prepare(
      `SELECT connector, first, events FROM log WHERE (connector, first) > (?, ?) ORDER BY connector, first LIMIT ?`,
    )
    .all(...((after ?? [0, 0]) as number[]), PACKED_PAGE) as { connector: number; first: number; events: string }[];
  const page = upTo(found, ({ events }) => events.length);
  const last = page.at(-1);
  return {
    rows: page.flatMap(({ connector, events }) =>
      (JSON.parse(events) as LogEntry[]).map((entry) => toEvent(connector, entry)),
    ),
    next: page.length === found.length && found.length < PACKED_PAGE ? null : [last!.connector, last!.first],
  };
}

function toEvent(connector: number, entry: LogEntry): Cell[] {
  const [seq, type, identity, device, ip, protocol, timestamp, connection, payload] = entry;
  const names = [typeName(type), ip, protocolName(protocol)];
  return [seq, connector, device, identity, ...names, timestamp, connection, JSON.stringify(payload)];
}

/** Of points of one moment the first one counts; they are all in the blocks of one span. */
function readPoints(db: DatabaseSync, after: Place | null): Page {
  const found = db
    .prepare(`SELECT p.device, p.alias, a.name, p.span, sum(length(p.data)) AS size
      FROM points p CROSS JOIN aliases a ON a.key = p.alias WHERE (p.device, p.alias, p.span) > (?, ?, ?)
      GROUP BY p.device, p.alias, p.span ORDER BY p.device, p.alias, p.span LIMIT ?`)
    .all(...((after ?? [0, 0, Number.MIN_SAFE_INTEGER]) as number[]), PACKED_PAGE) as unknown as Span[];
  const page = upTo(found, ({ size }) => size);
  const last = page.at(-1);
  return {
    rows: page.flatMap((span) => pointsOf(db, span)),
    next: page.length === found.length && found.length < PACKED_PAGE ? null : [last!.device, last!.alias, last!.span],
  };
}

interface Span {
  readonly device: number;
  readonly alias: number;
  readonly name: string;
  readonly span: number;
  readonly size: number;
}

function pointsOf(db: DatabaseSync, { device, alias, name, span }: Span): Cell[][] {
  const always = { from: Number.MIN_SAFE_INTEGER, to: Number.MAX_SAFE_INTEGER };
  const merge = createMerge(always, (text) => text, Number.POSITIVE_INFINITY);
  const blocks = db.prepare('SELECT data FROM points WHERE device = ? AND alias = ? AND span = ? ORDER BY step');
  for (const { data } of blocks.iterate(device, alias, span) as Iterable<{ data: string }>) merge.add(data);
  return merge.result().points.map(({ timestamp, value }) => [device, name, timestamp, value]);
}

/** As many as fill a page, one at least. */
function upTo<T>(found: readonly T[], sizeOf: (one: T) => number): T[] {
  let size = 0;
  const end = found.findIndex((one) => {
    size += sizeOf(one);
    return size > PAGE_BYTES;
  });
  return end === -1 ? [...found] : found.slice(0, Math.max(1, end));
}
