/** `slipway simulate` as a user types it: its own process, whose lines of JSON the tests read while it runs. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestConnector } from '../helpers/connector.ts';
import { root } from '../helpers/server.ts';

export interface Ended {
  readonly code: number | null;
  /** What it printed last. */
  // biome-ignore lint/suspicious/noExplicitAny: the tests assert each field that they read
  readonly summary: any;
  readonly stderr: string;
}

export interface Fleet {
  /** Resolves with the first figures of a second for which it is true. */
  // biome-ignore lint/suspicious/noExplicitAny: the tests assert each field that they read
  until(what: string, is: (second: any) => boolean): Promise<any>;
  signal(signal: NodeJS.Signals): void;
  ended(): Promise<Ended>;
}

/** ms */
const WITHIN = 60_000;

const living = new Set<() => void>();
process.once('exit', () => {
  for (const kill of living) kill();
});

/** Starts it in `folder`, where no data folder is. */
export function startFleet(folder: string, args: readonly string[]): Fleet {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^SLIPWAY_|^NODE_TEST/.test(name)));
  const command = [join(root, 'src/main.ts'), 'simulate', '--json', ...args];
  const child = spawn(process.execPath, command, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const kill = () => child.kill('SIGKILL');
  living.add(kill);
  const gone = once(child, 'close').finally(() => living.delete(kill));
  let stderr = '';
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  // biome-ignore lint/suspicious/noExplicitAny: the tests assert each field that they read
  let last: any = null;
  // biome-ignore lint/suspicious/noExplicitAny: likewise
  const watchers = new Set<(line: any) => void>();
  createInterface(child.stdout).on('line', (line) => {
    last = JSON.parse(line);
    for (const watch of watchers) watch(last);
  });
  return {
    async until(what, is) {
      const { promise, resolve, reject } = Promise.withResolvers();
      const fail = (why: string) => reject(new Error(`${what}: ${why}; last: ${JSON.stringify(last)}\n${stderr}`));
      const timer = setTimeout(() => fail('did not happen in time'), WITHIN);
      const watch = (line: unknown) => is(line) && resolve(line);
      watchers.add(watch);
      if (last !== null) watch(last);
      gone.then(() => fail('it ended before'));
      return promise.finally(() => {
        clearTimeout(timer);
        watchers.delete(watch);
      });
    },
    signal: (signal) => void child.kill(signal),
    async ended() {
      const timer = setTimeout(kill, WITHIN);
      const [code] = await gone;
      clearTimeout(timer);
      return { code, summary: last?.type === 'summary' ? last : null, stderr };
    },
  };
}

/** Runs it to its end. */
export const runFleet = (folder: string, args: readonly string[]): Promise<Ended> => startFleet(folder, args).ended();

/** How many writes of all its devices the connector's log has, and of which devices. */
export async function logged(connector: TestConnector): Promise<{ writes: number; devices: number }> {
  const identities = new Set<string>();
  let writes = 0;
  for (let before = ''; ; ) {
    const { status, body, text } = await connector.api('GET', `/events?types=data_in&limit=1000${before}`);
    assert.equal(status, 200, text);
    for (const { identity } of body.events) identities.add(identity);
    writes += body.events.length;
    if (!body.mayLoadMore) return { writes, devices: identities.size };
    before = `&before=${body.events.at(-1).seq}`;
  }
}
