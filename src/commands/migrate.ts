/**
 * `slipway migrate --from sqlite --to postgres://…`: moves an installation from its data folder into an empty database, while its server
 * goes on, and to the end once that has stopped.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ConfigError, loadConfig } from '../config.ts';
import { readIfThere } from '../durable-file.ts';
import { sameDigest } from '../store/moving.ts';
import { type Progress, takeOver } from '../store/postgres/takeover.ts';
import { openExport } from '../store/sqlite/export.ts';
import { markMoved } from '../store/sqlite/moved.ts';
import { unusable } from '../store/unusable.ts';

/** ms between two lines of progress. */
const SAY_EVERY = 2_000;
/** The same, while there is nothing to do but to wait. */
const SAY_AGAIN = 30_000;

export async function run(flags: readonly string[]): Promise<void> {
  // A password on the command line is for all to see: the environment will do.
  const { from, to = process.env.SLIPWAY_DATABASE_URL, data } = readFlags(flags);
  if (from !== 'sqlite' || to === undefined)
    throw new ConfigError('Usage: slipway migrate --from sqlite --to postgres://…');
  // Checked as the server's own setting is.
  const config = loadConfig({ ...process.env, SLIPWAY_DATABASE_URL: to, ...(data && { SLIPWAY_DATA: data }) }, []);
  const source = await openExport(config.data).catch((error: Error) => {
    throw new ConfigError(`${error.message}.`, { cause: error });
  });
  try {
    const progress = createProgress();
    const moved = await takeOver(to, source, await keptIn(config.data), progress).catch((cause) => {
      const why = unusable(cause);
      throw why === null ? cause : new ConfigError(`The move into ${withoutSecrets(to)} ended: ${why}.`, { cause });
    });
    progress.stood();
    for (const { table, source, target } of moved) {
      const same = sameDigest(source, target);
      say(
        `${table.padEnd(15)} ${String(target.rows).padStart(12)} rows  ${target.digest.toString(16)}  ${same ? 'as before' : 'NOT AS BEFORE'}`,
      );
      if (!same) process.exitCode = 1;
    }
    if (process.exitCode === 1) {
      return say('The database is not what the folder is. It is not to be used; drop it, and run this again.');
    }
    // While the folder is still locked: no server gets in between.
    await markMoved(config.data, withoutSecrets(to), new Date());
    say('Everything is there. Start the server with SLIPWAY_DATABASE_URL, and keep the folder until you are sure.');
    say('No server starts on the folder any more: moved.txt in it says where to, and what to do to go back.');
  } finally {
    source.close();
  }
}

function withoutSecrets(url: string): string {
  const { host, pathname } = new URL(url);
  return `postgres://${host}${pathname}`;
}

function readFlags(flags: readonly string[]) {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({ args: [...flags], options: { from: text, to: text, data: text }, strict: true }).values;
  } catch (error) {
    throw new ConfigError((error as Error).message);
  }
}

/** The local CA, which devices pin, and the key of what is encrypted, under the names that servers look for. */
async function keptIn(data: string): Promise<Record<string, string>> {
  const read = (...name: string[]) => readIfThere(join(data, ...name));
  const [key, cert, seal] = [await read('ca', 'ca-key.pem'), await read('ca', 'ca.pem'), await read('seal.key')];
  return { ...(key !== null && cert !== null && { ca: key + cert }), ...(seal !== null && { seal }) };
}

function createProgress(): Progress & { stood(): void } {
  let said = performance.now();
  let rounds = 0;
  let frozen = 0;
  return {
    table(name, rows) {
      if (performance.now() - said < SAY_EVERY) return;
      said = performance.now();
      say(`${name.padEnd(15)} ${String(rows).padStart(12)} rows so far`);
    },
    round(ms, changed) {
      rounds += 1;
      if (rounds === 1)
        return say(`Copied in ${(ms / 1000).toFixed(1)} s. Comparing with what the server wrote meanwhile.`);
      if (rounds > 2 && performance.now() - said < SAY_AGAIN) return;
      said = performance.now();
      say(
        `In step with the server: ${changed} rows in a round of ${(ms / 1000).toFixed(1)} s. Once it stops, one or two rounds are left.`,
      );
      if (rounds === 2)
        say('Stop the server when it suits you. The rest follows by itself; do not start it on this folder again.');
    },
    frozen() {
      frozen = performance.now();
      say(rounds === 0 ? 'No server uses the folder.' : 'The server has stopped. Moving what is left.');
    },
    stood: () => say(`That took ${((performance.now() - frozen) / 1000).toFixed(1)} s since the folder is not in use.`),
  };
}

const say = (line: string) => void process.stdout.write(`${line}\n`);
