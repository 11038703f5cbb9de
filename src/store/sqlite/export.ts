/**
 * Everything that a SQLite installation keeps, as rows for another engine. Reads while the server goes on writing, a page at a time, so that
 * no checkpoint waits for it; `freeze` takes the folder for itself once the server has stopped.
 */
import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import type { DeviceStatus } from '../../domain/device.ts';
import {
  type Cell,
  type Key,
  type LogPage,
  type Page,
  PIECE,
  type Row,
  type Source,
  type SourceFile,
} from '../moving.ts';
import { createMerge } from './blocks.ts';
import { phases, protocolName, typeName } from './codes.ts';
import { contentPath } from './content-files.ts';
import { databaseFile } from './database.ts';
import { lockFolder } from './folder-lock.ts';
import { openSqliteStore } from './index.ts';
import { type LogEntry, pointsIn } from './ledger.ts';
import { migrations } from './schema.ts';

const PAGE = 2_000;
/** Rows of the log in a page: each holds many. */
const PACKED_PAGE = 100;
/** Spans of the history in a page: each holds one point or many. */
const SPANS_PAGE = 2_000;
/** Characters of a page, roughly. */
const PAGE_BYTES = 4 << 20;
/** Pieces of a file that are read at a time. */
const PIECES = 32;

const phaseNames = new Map(Object.entries(phases).map(([name, phase]) => [phase as number, name as DeviceStatus]));

type Found = Record<string, Cell>;

/** Columns of the target → columns here. `key`: in whose order it is read. `walk`: how many of those a page ends between. */
interface Plain {
  readonly name: string;
  readonly from: string;
  readonly columns: readonly string[];
  readonly key: readonly string[];
  readonly walk?: number;
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
    walk: 1,
  },
  {
    name: 'state',
    from: `(SELECT s.device AS device, a.name AS alias, s.set_value, s.set_at, s.reported, s.reported_at, s.alias AS number
      FROM state s JOIN aliases a ON a.key = s.alias)`,
    columns: ['device', 'alias', 'set_value', 'set_at', 'reported', 'reported_at', 'number'],
    key: ['device', 'number'],
    walk: 1,
    change: (row) => row.slice(0, 6),
  },
  {
    name: 'wanted',
    from: `(SELECT w.device AS device, a.name AS alias, w.at, w.value, w.alias AS number
      FROM wanted w JOIN aliases a ON a.key = w.alias)`,
    columns: ['device', 'alias', 'at', 'value', 'number'],
    key: ['device', 'number'],
    walk: 1,
    change: (row) => row.slice(0, 4),
  },
  {
    name: 'figures',
    from: 'figures',
    columns: ['connector', 'minute', 'kind', 'n'],
    key: ['connector', 'minute', 'kind'],
  },
  {
    name: 'webhooks',
    from: `(SELECT key, connector, id, hook ->> 'generation' AS generation, hook FROM webhooks)`,
    columns: ['key', 'connector', 'id', 'generation', 'hook'],
    key: ['key'],
  },
  {
    name: 'deliveries',
    from: 'deliveries',
    columns: ['webhook', 'number', 'delivery'],
    key: ['webhook', 'number'],
  },
  {
    name: 'jobs',
    from: 'jobs',
    columns: ['key', 'connector', 'id', 'open', 'position', 'last', 'filter', 'targets', 'finished', 'job'],
    key: ['key'],
    change: (row) => [...row.slice(0, 3), flag(row[3]), ...row.slice(4)],
  },
  {
    name: 'job_changes',
    from: 'job_changes',
    columns: ['job', 'device', 'identity', 'before'],
    key: ['job', 'device'],
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
  {
    name: 'users',
    from: 'users',
    columns: [
      ...['id', 'email', 'role', 'password', 'created', 'connectors', 'link', 'link_expires', 'factor', 'subject'],
    ],
    key: ['id'],
  },
  {
    name: 'sessions',
    from: 'sessions',
    columns: ['digest', 'user', 'created', 'expires', 'ip', 'agent', 'proven', 'used'],
    key: ['digest'],
  },
  {
    name: 'keys',
    from: 'keys',
    columns: ['id', 'name', 'role', 'connector', 'digest', 'created', 'creator', 'expires', 'used'],
    key: ['id'],
  },
  { name: 'audit', from: 'audit', columns: ['seq', 'entry', 'previous', 'digest'], key: ['seq'] },
];

/** Throws where the folder was written by another version, which only a start can bring up to date. */
export async function openExport(folder: string): Promise<Source> {
  if (!existsSync(databaseFile(folder))) throw new Error(`There is no installation in ${folder}`);
  const running = isLocked(folder);
  // Brought up to date, where nobody else will.
  if (!running) await (await openSqliteStore({ folder })).close();
  const db = new DatabaseSync(databaseFile(folder), { readOnly: true });
  const { user_version: version } = db.prepare('PRAGMA user_version').get() as { user_version: number };
  if (version !== migrations.length) {
    db.close();
    throw new Error(
      `The server that uses ${folder} is of another version (schema ${version}, not ${migrations.length}): upgrade or stop it`,
    );
  }
  let unlock: (() => void) | null = null;
  const one = <Value>(sql: string): Value => (db.prepare(sql).get() as { value: Value }).value;
  return {
    tables: plain.map((table) => ({ name: table.name, read: (after, upTo) => readPlain(db, table, after, upTo) })),
    readPoints: (after) => readPoints(db, after),
    connectors: () =>
      (db.prepare('SELECT key FROM connectors ORDER BY key').all() as { key: number }[]).map(({ key }) => key),
    readLog: (connector, after, upTo) => readLog(db, connector, after, upTo),
    files: () => db.prepare('SELECT key, sha256, bytes FROM content ORDER BY key').all() as unknown as SourceFile[],
    readPieces: (file, from) => readPieces(folder, file, from),
    settled: () => one("SELECT coalesce(max(value), 0) AS value FROM meta WHERE name = 'projected'"),
    async freeze() {
      if (isLocked(folder)) return null;
      // The start finishes what a crash interrupted, imports too, and brings the tables up to the log.
      const store = await openSqliteStore({ folder });
      const last = await store.lastSeq();
      await store.close();
      unlock = lockFolder(folder);
      if (one<number>("SELECT count(*) AS value FROM batches WHERE state IN ('writing', 'undoing')") > 0) {
        throw new Error(
          'An import that was interrupted could not be finished: start the server once more, and stop it',
        );
      }
      return last;
    },
    close() {
      db.close();
      unlock?.();
    },
  };
}

/** Whether a server uses the folder. */
function isLocked(folder: string): boolean {
  try {
    lockFolder(folder, 0)();
    return false;
  } catch {
    return true;
  }
}

function readPlain(
  db: DatabaseSync,
  { from, columns, key, walk = key.length, change = (row) => row }: Plain,
  after: Key | null,
  upTo: Key | null,
): Page {
  const walked = key.slice(0, walk);
  const compared = (by: string) => `(${walked.join(', ')}) ${by} (${walked.map(() => '?').join(', ')})`;
  const conditions = [...(after === null ? [] : [compared('>')]), ...(upTo === null ? [] : [compared('<=')])];
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
  const sql = `SELECT ${columns.join(', ')} FROM ${from} ${where} ORDER BY ${key.join(', ')}`;
  const rows: Row[] = [];
  let size = 0;
  let last: Key | null = null;
  for (const found of db.prepare(sql).iterate(...([...(after ?? []), ...(upTo ?? [])] as SQLInputValue[]))) {
    const row = columns.map((column) => (found as Found)[column] ?? null);
    const here = walked.map((column) => (found as Found)[column] as string | number);
    const full = upTo === null && (rows.length >= PAGE || size >= PAGE_BYTES);
    if (full && here.some((value, at) => value !== last![at])) return { rows, upTo: last };
    rows.push(change(row));
    size += row.reduce((sum: number, cell) => sum + (typeof cell === 'string' ? cell.length : 8), 0);
    last = here;
  }
  return { rows, upTo };
}

/** Null where they are gone: the file was replaced or deleted in between. */
function readPieces(folder: string, { sha256, bytes }: SourceFile, from: number): Buffer[] | null {
  const file = openIfThere(contentPath(folder, sha256));
  if (file === null) return null;
  try {
    const pieces: Buffer[] = [];
    for (let at = from * PIECE; at < bytes && pieces.length < PIECES; at += PIECE) {
      const piece = Buffer.alloc(Math.min(PIECE, bytes - at));
      if (readSync(file, piece, 0, piece.length, at) < piece.length) throw new Error(`The file ${sha256} is too short`);
      pieces.push(piece);
    }
    return pieces;
  } finally {
    closeSync(file);
  }
}

function openIfThere(path: string): number | null {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** A row of the log is many events. */
function readLog(db: DatabaseSync, connector: number, after: number, upTo: number): LogPage {
  const found = db
    .prepare(`SELECT events FROM log WHERE connector = ?1 AND last > ?2 AND first <= ?3
      AND first >= coalesce((SELECT max(first) FROM log WHERE connector = ?1 AND first <= ?2), 0)
      ORDER BY first LIMIT ${PACKED_PAGE}`)
    .iterate(connector, after, upTo) as Iterable<{ events: string }>;
  const entries: LogEntry[] = [];
  let size = 0;
  for (const { events } of found) {
    entries.push(...(JSON.parse(events) as LogEntry[]).filter(([seq]) => seq > after && seq <= upTo));
    size += events.length;
    if (size >= PAGE_BYTES) break;
  }
  return {
    events: entries.map((entry) => toEvent(connector, entry)),
    points: entries.flatMap((entry) => pointRows(entry)),
    last: entries.at(-1)?.[0] ?? null,
  };
}

function toEvent(connector: number, entry: LogEntry): Cell[] {
  const [seq, type, identity, device, ip, protocol, timestamp, connection, payload] = entry;
  const names = [typeName(type), ip, protocolName(protocol)];
  return [seq, connector, device, identity, ...names, timestamp, connection, JSON.stringify(payload)];
}

function pointRows(entry: LogEntry): Cell[][] {
  const [, type, , device] = entry;
  if (device === null || typeName(type) !== 'data_in') return [];
  return pointsIn(entry).flatMap(({ timestamp, values }) =>
    Object.entries(values).map(([alias, value]) => [device, alias, timestamp, value]),
  );
}

/** Of points of one moment the first one counts; they are all in the blocks of one span. */
function readPoints(db: DatabaseSync, after: Key | null) {
  const found = db
    .prepare(`SELECT p.device, p.alias, a.name, p.span, sum(length(p.data)) AS size
      FROM points p CROSS JOIN aliases a ON a.key = p.alias WHERE (p.device, p.alias, p.span) > (?, ?, ?)
      GROUP BY p.device, p.alias, p.span ORDER BY p.device, p.alias, p.span LIMIT ?`)
    .all(...((after ?? [0, 0, Number.MIN_SAFE_INTEGER]) as number[]), SPANS_PAGE) as unknown as Span[];
  const blocks = db.prepare('SELECT data FROM points WHERE device = ? AND alias = ? AND span = ? ORDER BY step');
  const page = upTo(found, ({ size }) => size);
  const last = page.at(-1);
  return {
    rows: page.flatMap((span) => pointsOf(blocks, span)),
    next: page.length === found.length && found.length < SPANS_PAGE ? null : [last!.device, last!.alias, last!.span],
  };
}

interface Span {
  readonly device: number;
  readonly alias: number;
  readonly name: string;
  readonly span: number;
  readonly size: number;
}

function pointsOf(blocks: StatementSync, { device, alias, name, span }: Span): Cell[][] {
  const always = { from: Number.MIN_SAFE_INTEGER, to: Number.MAX_SAFE_INTEGER };
  const merge = createMerge(always, Number.POSITIVE_INFINITY);
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
