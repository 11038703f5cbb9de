/** How the suite opens stores on PostgreSQL, each in a database of its own, and how it restores them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { commandsFor } from '../../src/commands/backup.ts';
import { openPostgresStore } from '../../src/store/postgres/index.ts';
import type { Store } from '../../src/store/store.ts';
import type { TestPostgres } from '../helpers/postgres.ts';
import { type Open, type Opened, type Restored, until } from './fixtures.ts';

const isTrue = () => true;
const isFalse = () => false;

/** Opens each store on a copy of a database that has the schema already. `bin`: the tools that fit the server; see `restored`. */
export function openerOn(postgres: () => TestPostgres, bin?: string): Open {
  let empty: Promise<string> | undefined;
  return async () => {
    empty ??= newSchema(postgres());
    return open(postgres(), await empty, bin);
  };
}

async function newSchema(postgres: TestPostgres): Promise<string> {
  const url = await postgres.newDatabase();
  await (await openPostgresStore({ url })).close();
  return url;
}

async function open(postgres: TestPostgres, empty: string, bin: string | undefined): Promise<Opened> {
  const url = await postgres.copyDatabase(empty);
  const urls = [url];
  const first = await openPostgresStore({ url });
  const opened: Store[] = [first];
  return {
    store: first,
    reopen: async () => {
      await opened[0]!.close();
      opened[0] = await openPostgresStore({ url });
      return opened[0];
    },
    // All that a database knows at this moment; the store goes on with new connections.
    kill: async () => {
      const copy = await postgres.copyDatabase(url);
      urls.push(copy);
      // It may have been found out of reach while it was copied.
      await until('the store has come back', () => opened[0]!.ping().then(isTrue, isFalse));
      const store = await openPostgresStore({ url: copy });
      opened.push(store);
      return store;
    },
    ...(bin !== undefined && { restored: () => restore(postgres, bin, url) }),
    remove: async () => {
      // A test may have closed it already.
      for (const store of opened) await store.close().catch(() => {});
      for (const url of urls) await postgres.dropDatabase(url);
    },
  };
}

/** By the commands that `slipway backup` prints, while the store is in use. */
async function restore(postgres: TestPostgres, bin: string, url: string): Promise<Restored> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-dump-'));
  const fresh = await postgres.newDatabase();
  const target = new URL(fresh);
  target.password = '';
  const env = { PATH: `${bin}:${process.env.PATH}`, PGPASSWORD: decodeURIComponent(new URL(url).password) };
  const commands = commandsFor(url);
  try {
    for (const command of [commands.dump, commands.restore.replace('<empty database>', target.href)]) {
      const child = spawn('bash', ['-c', command], { cwd: folder, env, stdio: ['ignore', 'ignore', 'pipe'] });
      const [complaint, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
      if (code !== 0) throw new Error(`${command} ended with ${code}: ${complaint}`);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const store = await openPostgresStore({ url: fresh });
  return {
    store,
    end: async () => {
      await store.close();
      await postgres.dropDatabase(fresh);
    },
  };
}
