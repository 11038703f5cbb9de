/**
 * Several servers on one machine that share its ports: starts them, replaces one that ends by itself, and stops them together.
 * The kernel hands each connection to one of them. Knows nothing of what they do.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { CHILD, type Config } from '../config.ts';
import type { Logger } from '../log.ts';

/** ms before one that ended is replaced. */
const REPLACE_AFTER = 1_000;

/** True in a process that was started here: it tells of itself by `report`. */
export const isChild = process.channel !== undefined && process.env[CHILD] === '1';

/** In a child: says that it serves. */
export function report(message: object): void {
  // Whose parent is gone has nobody that would replace or stop it.
  process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  process.send!(message);
}

export interface Processes<Message> {
  /** What each of them reported first. */
  readonly reports: readonly Message[];
  /** Ends them; true if all ended in order. */
  stop(): Promise<boolean>;
}

/** Resolves when all of them serve. Rejects, with none left running, if one of them cannot be started. */
export async function startProcesses<Message>(
  config: Config,
  flags: readonly string[],
  logger: Logger,
): Promise<Processes<Message>> {
  // Any free port would be another one for each of them.
  const fixed = [
    ...(await fixedPort('--https-port', config.host, config.httpsPort)),
    ...(config.httpPort === null ? [] : await fixedPort('--http-port', '127.0.0.1', config.httpPort)),
    ...(await fixedPort('--mqtt-port', config.host, config.mqttPort)),
    ...(config.mqttTcpPort === null ? [] : await fixedPort('--mqtt-tcp-port', '127.0.0.1', config.mqttTcpPort)),
    ...(await fixedPort('--console-port', config.consoleHost, config.consolePort)),
  ];
  const args = [...process.execArgv, process.argv[1]!, 'serve', ...flags, ...fixed];
  /** Whether each of them serves yet. */
  const children = new Map<ChildProcess, boolean>();
  let stopping = false;

  async function start(): Promise<Message> {
    const env = { ...process.env, [CHILD]: '1' };
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], env });
    children.set(child, false);
    const { promise, resolve, reject } = Promise.withResolvers<Message>();
    child.once('message', (message) => {
      children.set(child, true);
      resolve(message as Message);
    });
    child.once('exit', (code, signal) => {
      const serves = children.get(child);
      children.delete(child);
      const how = { pid: child.pid, code, signal };
      if (!serves) reject(new Error(`A process ended before it served: ${JSON.stringify(how)}`));
      else if (!stopping) {
        logger.error('a process ended by itself; another one takes its place', how);
        void replace();
      }
    });
    return promise;
  }

  /** Until one serves again. */
  async function replace(): Promise<void> {
    while (!stopping) {
      await delay(REPLACE_AFTER);
      if (stopping) return;
      try {
        await start();
        return;
      } catch (error) {
        if (!stopping) logger.error('no other process could take its place; trying again', { error });
      }
    }
  }

  async function stop(): Promise<boolean> {
    stopping = true;
    const codes = [...children].map(async ([child, serves]) => {
      child.kill('SIGTERM');
      const [code] = await once(child, 'exit');
      // One that is only starting has nothing to end in order.
      return code === 0 || !serves;
    });
    return (await Promise.all(codes)).every((good) => good);
  }

  try {
    const reports = await Promise.all(Array.from({ length: config.processes }, start));
    return { reports, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The flag that names a free port, where any would do. */
async function fixedPort(flag: string, host: string, port: number): Promise<string[]> {
  if (port !== 0) return [];
  const server = createServer().listen({ host, port: 0, reusePort: true });
  await once(server, 'listening');
  const { port: free } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return [flag, String(free)];
}
