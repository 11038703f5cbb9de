/** `slipway backup <file>`: everything that an installation keeps on this machine, in one archive, while the server runs. */
import { type Made, makeBackup } from '../backup/backup.ts';
import { ConfigError, loadConfig } from '../config.ts';
import { type Given, textOf } from './command.ts';
import { bytesText, tell } from './output.ts';
import { createSteps } from './steps.ts';

export async function run(_: readonly string[], given: Given): Promise<void> {
  // Copies on their way are for this account alone, as what they are copies of.
  process.umask(0o077);
  const folder = textOf(given, 'data');
  const { data, databaseUrl } = loadConfig({ ...process.env, ...(folder && { SLIPWAY_DATA: folder }) }, []);
  const engine = databaseUrl === null ? 'sqlite' : 'postgres';
  const [target] = given.positionals as [string];
  const made = await makeBackup(data, target, engine, given.values.replace === true, createSteps()).catch(explained);
  tell(given, databaseUrl === null ? made : { ...made, database: commandsFor(databaseUrl) }, () =>
    databaseUrl === null ? summary(made) : `${summary(made)}\n\n${advice(databaseUrl)}`,
  );
}

const summary = ({ file, bytes, files }: Made) =>
  `${file}: ${bytesText(bytes)}, ${files} file${files === 1 ? '' : 's'}. slipway restore puts it into an empty folder.`;

function explained(error: Error): never {
  throw new ConfigError(`No backup was made: ${error.message}`, { cause: error });
}

/** The URL without its password, which PostgreSQL's tools take from PGPASSWORD or ~/.pgpass. */
function withoutPassword(url: string): string {
  const shown = new URL(url);
  shown.password = '';
  return shown.href;
}

/** What keeps the database of this URL, and what makes one of that again: for a shell, without the password. */
export function commandsFor(url: string) {
  const database = withoutPassword(url);
  const server = new URL(database);
  const account = server.username === '' ? '' : ` --username=${decodeURIComponent(server.username)}`;
  const host = `--host=${server.hostname} --port=${server.port || 5432}${account}`;
  return {
    dump: `pg_dump --format=custom --file=slipway.dump '${database}'`,
    restore: `pg_restore --exit-on-error --single-transaction --no-owner --dbname='<empty database>' slipway.dump`,
    base: `pg_basebackup ${host} --pgdata=base --wal-method=stream --checkpoint=fast --progress`,
  };
}

function advice(url: string): string {
  const { dump, restore, base } = commandsFor(url);
  return `The archive holds this node's folder alone: what devices and people put in is in PostgreSQL, and its own tools keep
that. They ask for the password, or take it from ~/.pgpass.

One moment of the database, while the servers run:

  ${dump}

Into an empty database, made with: createdb --encoding=UTF8 --template=template0 <name>

  ${restore}

For any moment of the past (point-in-time recovery), or for large databases: archive the write-ahead log
(archive_mode = on, archive_command; continuous archiving in PostgreSQL's manual), and take a base backup now and then:

  ${base}
`;
}
