/** The database: sound and of a version that is known here, or reachable; and what else the doctor wants to know from it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Client } from 'pg';
import { poolConfig } from '../store/postgres/database.ts';
import { databaseFile } from '../store/sqlite/database.ts';
import { lockFolder } from '../store/sqlite/folder-lock.ts';
import { faultsOf, hasDatabase } from '../store/sqlite/snapshot.ts';
import { type Finding, fault, ok, warning } from './finding.ts';

/** The oldest PostgreSQL that is kept by its makers, and that the tests know nothing against. */
const POSTGRES_LEAST = 14;

export interface Known {
  readonly connectors: readonly { readonly id: string; readonly settings: string }[];
  /** ms since the epoch. */
  readonly newest: number | null;
}
const nothing: Known = { connectors: [], newest: null };

export interface Looked extends Known {
  readonly findings: readonly Finding[];
}

export function lookAtSqlite(folder: string): Looked {
  if (!hasDatabase(folder)) {
    return { ...nothing, findings: [ok('database', 'there is none yet; the first start makes it')] };
  }
  const faults = faultsOf(databaseFile(folder));
  if (faults.length > 0) {
    const todo = 'Stop the server, keep a copy of the folder, and restore the last backup: slipway restore.';
    return { ...nothing, findings: [fault('database', faults.slice(0, 3).join('; '), todo)] };
  }
  const db = new DatabaseSync(databaseFile(folder), { readOnly: true });
  try {
    const connectors = db.prepare('SELECT id, settings FROM connectors WHERE id IS NOT NULL').all();
    const { newest } = db
      .prepare('SELECT max(last_seen) AS newest FROM devices WHERE activity = (SELECT max(activity) FROM devices)')
      .get() as { newest: number | null };
    return {
      connectors: connectors as unknown as Known['connectors'],
      newest: newest === null ? null : newest / 1000,
      findings: [ok('database', `sound${isLocked(folder) ? '; a server uses it' : '; no server runs on this folder'}`)],
    };
  } finally {
    db.close();
  }
}

/** Makes no lock where none was: it might belong to another account than the server's. */
function isLocked(folder: string): boolean {
  if (!existsSync(join(folder, 'slipway.lock'))) return false;
  try {
    lockFolder(folder)();
    return false;
  } catch {
    return true;
  }
}

export async function lookAtPostgres(url: string): Promise<Looked> {
  const subject = 'PostgreSQL';
  const client = new Client(poolConfig(url));
  client.on('error', () => {});
  try {
    await client.connect();
  } catch (error) {
    const reason = (error as Error).message || (error as NodeJS.ErrnoException).code;
    const todo = 'See whether it runs, and whether host, account and password of SLIPWAY_DATABASE_URL are right.';
    return { ...nothing, findings: [fault(subject, `cannot be reached: ${reason}`, todo)] };
  }
  try {
    const { rows } = await client.query(`SELECT current_setting('server_version') AS version,
      current_setting('server_version_num')::int AS number, current_setting('server_encoding') AS encoding,
      current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS commit,
      pg_is_in_recovery() AS standby, to_regclass('connectors') IS NOT NULL AS filled, to_regclass('moving') IS NOT NULL AS moving,
      extract(epoch FROM now())::float8 * 1000 AS clock`);
    const findings = judge(rows[0], subject);
    if (!rows[0].filled) return { ...nothing, findings };
    const found = await client.query('SELECT id, settings FROM connectors WHERE id IS NOT NULL');
    const heard = await client.query(
      'SELECT max(last_seen) AS newest FROM presence WHERE activity = (SELECT max(activity) FROM presence)',
    );
    const { newest } = heard.rows[0];
    return { findings, connectors: found.rows, newest: newest === null ? null : newest / 1000 };
  } finally {
    await client.end();
  }
}

interface Server {
  readonly version: string;
  readonly number: number;
  readonly encoding: string;
  readonly fsync: string;
  readonly commit: string;
  readonly standby: boolean;
  readonly filled: boolean;
  /** `slipway migrate` has begun, and is not done. */
  readonly moving: boolean;
  readonly clock: number;
}

function judge(server: Server, subject: string): Finding[] {
  const { version, number, encoding, fsync, commit, standby, filled, moving, clock } = server;
  const bad: Finding[] = [];
  if (number < POSTGRES_LEAST * 10_000) {
    bad.push(warning(subject, `version ${version}`, `Move to ${POSTGRES_LEAST} or later; older ones get no fixes.`));
  }
  if (encoding !== 'UTF8') bad.push(fault(subject, `encoding ${encoding}`, 'Make the database with encoding UTF8.'));
  if (standby) bad.push(fault(subject, 'a standby, which only reads', 'Name the primary in SLIPWAY_DATABASE_URL.'));
  if (moving) bad.push(fault(subject, 'a move into it is not finished', 'slipway migrate goes on with it.'));
  if (fsync !== 'on') bad.push(fault(subject, 'fsync is off: what was acknowledged may be lost', 'fsync = on'));
  if (commit === 'off') {
    bad.push(fault(subject, 'synchronous_commit is off: what was acknowledged may be lost', 'synchronous_commit = on'));
  }
  const apart = Math.abs(clock - Date.now());
  if (apart > 2_000) {
    bad.push(warning('clock', `${Math.round(apart / 1000)} s apart from that of PostgreSQL`, 'Have both set by NTP.'));
  }
  return bad.length > 0 ? bad : [ok(subject, `version ${version}${filled ? '' : '; the database is empty'}`)];
}
