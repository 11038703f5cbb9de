/**
 * Starts Slipway as a user does: its own process, a fresh data folder, free ports. Knows the command line, the
 * environment of running.md and the line that tells the ports; it must not import anything of the server.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

/** The checkout. */
export const root = resolve(import.meta.dirname, '../..');

/** The first account of every server that the tests start. */
export const admin = { email: 'admin@localhost', password: 'correct-horse-battery' } as const;

/** How long a start may take before the test fails, in ms. */
const START_WITHIN = 60_000;
/** How long a stop may take (running.md: 10 s), in ms. */
const STOP_WITHIN = 10_000;

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** A data folder to use again; the caller removes it. */
  readonly data?: string;
  /** The command that starts it; the default is what `npm start` runs. */
  readonly command?: readonly [string, ...string[]];
}

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The JSON of the body; null where there is none. */
  // biome-ignore lint/suspicious/noExplicitAny: the tests assert each field that they read
  readonly body: any;
}

export interface TestServer {
  readonly process: ChildProcess;
  readonly data: string;
  /** Certificate of the local CA, for `--cacert`. */
  readonly caPath: string;
  /** Ports, as of the last start. */
  readonly https: number;
  readonly http: number;
  readonly mqtt: number;
  readonly mqttTcp: number;
  readonly console: number;
  /** What the last start printed, stdout and stderr. */
  output(): string;
  /** `https://<connector>.m2.localhost:<port>` */
  url(connector: string): string;
  /** A bearer token of the first account. */
  adminToken(): Promise<string>;
  /** Calls the management API as the first account. An object goes as JSON, anything else as fetch takes it. */
  api(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<ApiAnswer>;
  /** SIGTERM; asserts exit code 0 within 10 s and removes the data folder that it made. */
  stop(): Promise<void>;
  /** SIGKILL to the whole process group; the data stays. */
  kill9(): Promise<void>;
  /** Starts again over the same data, after `kill9`. */
  restart(): Promise<void>;
}

interface Started {
  readonly process: ChildProcess;
  readonly ports: {
    readonly https: number;
    readonly http: number | null;
    readonly mqtt: number;
    readonly mqttTcp: number | null;
    readonly console: number;
  };
  readonly output: () => string;
  /** The child is the server itself, not something that starts it. */
  readonly direct: boolean;
}

/** Starts a server and waits until it says that it listens. Rejects with all that it printed if it does not. */
export async function startServer(options: StartOptions = {}): Promise<TestServer> {
  const data = options.data ?? (await mkdtemp(join(tmpdir(), 'slipway-test-')));
  const removeOwn = async () => {
    if (options.data === undefined) await rm(data, { recursive: true, force: true });
  };
  let started = await launch(data, options).catch(async (error) => {
    await removeOwn();
    throw error;
  });
  let token: string | null = null;

  const server: TestServer = {
    get process() {
      return started.process;
    },
    data,
    caPath: join(data, 'ca', 'ca.pem'),
    get https() {
      return started.ports.https;
    },
    get http() {
      return started.ports.http ?? assert.fail('the server did not open its plain HTTP port');
    },
    get mqtt() {
      return started.ports.mqtt;
    },
    get mqttTcp() {
      return started.ports.mqttTcp ?? assert.fail('the server did not open its plain MQTT port');
    },
    get console() {
      return started.ports.console;
    },
    output: () => started.output(),
    url: (connector) => `https://${connector}.m2.localhost:${started.ports.https}`,
    adminToken: async () => (token ??= await login(started.ports.console)),
    api: async (method, path, body, headers = {}) => {
      const authorization = `Bearer ${await server.adminToken()}`;
      return callApi(started.ports.console, method, path, body, { authorization, ...headers });
    },
    stop: async () => {
      await endProcess(started).finally(removeOwn);
    },
    kill9: async () => {
      const gone = hasEnded(started.process) ? null : once(started.process, 'exit');
      killGroup(started.process, 'SIGKILL');
      await gone;
    },
    restart: async () => {
      started = await launch(data, options);
      token = null;
    },
  };
  return server;
}

/** Servers that must not outlive the tests. */
const living = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of living) killGroup(child, 'SIGKILL');
});

async function launch(data: string, options: StartOptions): Promise<Started> {
  const [command, ...args] = options.command ?? [process.execPath, 'src/main.ts', 'serve'];
  const child = spawn(command, args, {
    cwd: root,
    env: { ...inherited(), ...settings(data), ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // a group of its own, so that a stop reaches what `npm start` started too
  });
  living.add(child);
  child.once('close', () => living.delete(child));
  const lines: string[] = [];
  const keep = (line: string) => {
    lines.push(line);
    if (lines.length > 1000) lines.shift();
  };
  const output = () => lines.join('\n');
  createInterface(child.stderr).on('line', keep);

  const { promise, resolve: found, reject } = Promise.withResolvers<Started['ports']>();
  const timer = setTimeout(() => reject(new Error(`the server did not listen in time:\n${output()}`)), START_WITHIN);
  child.once('error', reject);
  child.once('exit', (code) => reject(new Error(`the server ended with ${code} before it listened:\n${output()}`)));
  createInterface(child.stdout).on('line', (line) => {
    keep(line);
    const ports = portsIn(line);
    if (ports !== null) found(ports);
  });
  try {
    return { process: child, ports: await promise, output, direct: options.command === undefined };
  } catch (error) {
    killGroup(child, 'SIGKILL');
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** The environment of the tests without settings of a Slipway that the developer runs beside them. */
function inherited(): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('SLIPWAY_') && name !== 'NODE_TEST_CONTEXT'),
  );
}

function settings(data: string): Record<string, string> {
  return {
    SLIPWAY_DATA: data,
    SLIPWAY_HTTPS_PORT: '0',
    SLIPWAY_HTTP_PORT: '0',
    SLIPWAY_MQTT_PORT: '0',
    SLIPWAY_MQTT_TCP_PORT: '0',
    SLIPWAY_CONSOLE_PORT: '0',
    SLIPWAY_ADMIN_EMAIL: admin.email,
    SLIPWAY_ADMIN_PASSWORD: admin.password,
  };
}

/** The line `{"msg":"listening","https":…,"http":…,"mqtt":…,"mqttTcp":…,"console":…}`; null for any other line. */
function portsIn(line: string): Started['ports'] | null {
  if (!line.startsWith('{')) return null;
  const entry = JSON.parse(line);
  if (entry.msg !== 'listening') return null;
  const { https, http, mqtt, mqttTcp, console } = entry;
  return { https, http, mqtt, mqttTcp, console };
}

/** SIGTERM to the whole group, as a service manager does it; resolves when all of it is gone. */
async function endProcess(started: Started): Promise<void> {
  const child = started.process;
  if (child.signalCode !== null) return; // killed by the test itself
  if (child.exitCode !== null) assert.fail(`the server ended by itself with ${child.exitCode}:\n${started.output()}`);
  const gone = once(child, 'close');
  killGroup(child, 'SIGTERM');
  const timer = setTimeout(() => killGroup(child, 'SIGKILL'), STOP_WITHIN);
  const [code, signal] = await gone;
  clearTimeout(timer);
  // npm and its shell tell of the signal, not of how the server below them ended.
  const ended = started.direct ? (signal ?? code) : /"msg":"stopping"/.test(started.output()) ? 0 : 'not asked to stop';
  assert.equal(ended, 0, `SIGTERM did not end the server with 0 in ${STOP_WITHIN} ms:\n${started.output()}`);
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // all of it has ended
  }
}

async function login(port: number): Promise<string> {
  const answer = await callApi(port, 'POST', '/api:1/token/', admin, {});
  assert.equal(answer.status, 200, `signing in: ${answer.text}`);
  return answer.body.token;
}

async function callApi(
  port: number,
  method: string,
  path: string,
  body: unknown,
  headers: Record<string, string>,
): Promise<ApiAnswer> {
  const raw = body === undefined || typeof body === 'string' || body instanceof FormData;
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    headers: raw ? headers : { 'content-type': 'application/json', ...headers },
    body: raw ? (body as string | FormData | undefined) : JSON.stringify(body),
  });
  const text = await response.text();
  const json = response.headers.get('content-type')?.startsWith('application/json') === true && text !== '';
  return { status: response.status, headers: response.headers, text, body: json ? JSON.parse(text) : null };
}
