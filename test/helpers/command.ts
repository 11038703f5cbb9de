/** Runs `slipway …` as a user does: a process of its own, with an environment that has nothing of the developer's. */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { root, type TestServer } from './server.ts';

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly cwd?: string;
}

export async function slipway(args: readonly string[], { env = {}, input = '', cwd = root }: CommandOptions = {}) {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('SLIPWAY_') && name !== 'NODE_TEST_CONTEXT',
  );
  const child = spawn(process.execPath, [`${root}/src/main.ts`, ...args], {
    cwd,
    env: { ...Object.fromEntries(inherited), ...env },
    stdio: 'pipe',
  });
  child.stdin.on('error', () => {}); // it may end without reading
  child.stdin.end(input);
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await closed, stdout, stderr } satisfies CommandResult;
}

/** The environment that points commands to this server, as its first account. */
export async function callerOf(server: TestServer): Promise<Record<string, string>> {
  return { SLIPWAY_API: `http://127.0.0.1:${server.console}`, SLIPWAY_KEY: await server.adminToken() };
}
