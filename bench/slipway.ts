/** The server under measurement: its own process on its core, a fresh data folder, and the management calls that set it up. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { checkout } from './checkout.ts';
import { onServerCore } from './cores.ts';
import type { Target } from './load/connection.ts';

/** The first account of every server under measurement. */
export const admin = { email: 'bench@localhost', password: 'bench-bench-bench' };

export interface Slipway {
  readonly pid: number;
  readonly data: string;
  /** Value of the Host header that reaches the connector. */
  readonly host: string;
  readonly connector: string;
  readonly consolePort: number;
  readonly authorization: string;
  /** Where devices connect. */
  target(transport: 'http' | 'https' | 'mqtt' | 'mqtts'): Target;
  /** The server's certificate and key, PEM, for a reference with the same. */
  readonly tls: { readonly cert: string; readonly key: string };
  /** Calls the management API below the connector; throws on anything but a 2xx. */
  api<Answer>(method: string, path: string, body?: object): Promise<Answer>;
  /** `/metrics` by name. */
  figures(): Promise<ReadonlyMap<string, number>>;
  /** Imports CSV text; answers how many devices it brought in. */
  import(rows: Iterable<string>): Promise<number>;
  /** The next line of its log with this message. */
  said<Line>(message: string): Promise<Line>;
  stop(): Promise<void>;
}

/**
 * Starts it; ends with this process at the latest. `nodeFlags`: for its Node, such as `--cpu-prof`; `settings`: SLIPWAY_…;
 * `folder`: data that is there already, and is left there.
 */
export async function startSlipway(
  nodeFlags: readonly string[] = [],
  settings: Readonly<Record<string, string>> = {},
  folder: string | null = null,
): Promise<Slipway> {
  const data = folder ?? (await mkdtemp(join(tmpdir(), 'slipway-bench-')));
  const child = launch(data, nodeFlags, settings);
  const clear = () => {
    if (folder === null) rmSync(data, { recursive: true, force: true });
  };
  const abandon = () => {
    child.kill('SIGKILL');
    clear();
  };
  process.once('exit', abandon);
  const lines = linesOf(child);
  const ports = await lines.said<Ports>('listening');
  const host = `${ports.connector}.m2.localhost`;
  const base = `http://127.0.0.1:${ports.console}`;
  const device2 = `${base}/api:1/service/${ports.connector}/device2`;
  const { token } = await call<{ token: string }>('POST', `${base}/api:1/token/`, JSON.stringify(admin), {});
  const authorization = `Bearer ${token}`;
  const file = (name: string) => readFile(join(data, 'ca', name), 'utf8');
  const [ca, cert, key] = await Promise.all([file('ca.pem'), file('server.pem'), file('server-key.pem')]);
  const tls = { ca, servername: host };
  const targets: Record<'http' | 'https' | 'mqtt' | 'mqtts', Target> = {
    http: { port: ports.http, tls: null },
    https: { port: ports.https, tls },
    mqtt: { port: ports.mqttTcp, tls: null },
    mqtts: { port: ports.mqtt, tls },
  };
  return {
    pid: child.pid!,
    data,
    host,
    connector: ports.connector,
    consolePort: ports.console,
    authorization,
    target: (transport) => targets[transport],
    tls: { cert, key },
    api: (method, path, body) => call(method, device2 + path, body && JSON.stringify(body), { authorization }),
    async figures() {
      const text = await (await fetch(`${base}/metrics`)).text();
      return new Map([...text.matchAll(/^(\w+) (\S+)$/gm)].map(([, name, value]) => [name!, Number(value)]));
    },
    async import(rows) {
      const headers = { authorization, 'content-type': 'text/csv' };
      const body = ReadableStream.from(csvChunks(rows));
      const { batch } = await call<{ batch: { count: number } }>('POST', `${device2}/identities`, body, headers);
      return batch.count;
    },
    said: lines.said,
    async stop() {
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      const [code] = await gone;
      process.off('exit', abandon);
      clear();
      if (code !== 0) throw new Error(`the server ended with ${code}`);
    },
  };
}

function launch(data: string, nodeFlags: readonly string[], settings: Readonly<Record<string, string>>): ChildProcess {
  const [command, args] = onServerCore([...nodeFlags, 'src/main.ts', 'serve']);
  const env = {
    ...withoutSettings(process.env),
    SLIPWAY_DATA: data,
    SLIPWAY_HTTPS_PORT: '0',
    SLIPWAY_HTTP_PORT: '0',
    SLIPWAY_MQTT_PORT: '0',
    SLIPWAY_MQTT_TCP_PORT: '0',
    SLIPWAY_CONSOLE_PORT: '0',
    SLIPWAY_ADMIN_EMAIL: admin.email,
    SLIPWAY_ADMIN_PASSWORD: admin.password,
    SLIPWAY_LOG: 'info', // the line that tells the ports is of this level
    ...settings,
  };
  return spawn(command, args, { cwd: checkout, env, stdio: ['ignore', 'pipe', 'inherit'] });
}

/** Not those of a Slipway that the developer runs beside. */
function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('SLIPWAY_')));
}

interface Ports {
  readonly https: number;
  readonly http: number;
  readonly mqtt: number;
  readonly mqttTcp: number;
  readonly console: number;
  readonly connector: string;
}

/** What the server prints, a JSON object a line. */
function linesOf(child: ChildProcess): Pick<Slipway, 'said'> {
  const wanted = new Map<string, PromiseWithResolvers<never>>();
  let ended: Error | null = null;
  child.once('exit', (code) => {
    ended = new Error(`the server ended with ${code}`);
    for (const { reject } of wanted.values()) reject(ended);
  });
  createInterface(child.stdout!).on('line', (text) => {
    if (!text.startsWith('{')) return;
    const line = JSON.parse(text);
    wanted.get(line.msg)?.resolve(line as never);
    wanted.delete(line.msg);
  });
  return {
    said(message) {
      if (ended !== null) return Promise.reject(ended);
      const waiting = wanted.get(message) ?? Promise.withResolvers<never>();
      wanted.set(message, waiting);
      return waiting.promise;
    },
  };
}

async function call<Answer>(
  method: string,
  url: string,
  body: string | ReadableStream | undefined,
  headers: Record<string, string>,
): Promise<Answer> {
  const type = typeof body === 'string' ? { 'content-type': 'application/json' } : {};
  const response = await fetch(url, { method, body, headers: { ...type, ...headers }, duplex: 'half' } as RequestInit);
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${url} was answered ${response.status}: ${text}`);
  return text === '' ? (null as Answer) : JSON.parse(text);
}

/** Rows are sent in pieces of this many characters. */
const PIECE = 65_536;

function* csvChunks(rows: Iterable<string>): Generator<Uint8Array> {
  let text = '';
  for (const row of rows) {
    text += row;
    if (text.length < PIECE) continue;
    yield Buffer.from(text);
    text = '';
  }
  yield Buffer.from(text);
}
