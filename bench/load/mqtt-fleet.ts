/**
 * A fleet of MQTT devices, as a process of its own: thousands of connections, opened in turn or all at once, that are idle, or
 * each publish one message. A connection that breaks before it is served is tried again, as a device does.
 */
import { connect as connectTcp, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { connect as connectTls, type SecureContext, type TLSSocket } from 'node:tls';
import { generate } from 'mqtt-packet';
import { answerQuestions } from '../helper.ts';
import { contextOf, type Target } from './connection.ts';

export type FleetQuestion =
  /** Connects, a few at a time; `passwords`: one for each connection, empty where nobody asks. */
  | { readonly kind: 'open'; readonly target: Target; readonly passwords: readonly string[] }
  /** All connections break at once. */
  | { readonly kind: 'break' }
  /** All come back at once, and publish one message each. `resume`: with the TLS sessions of before. */
  | { readonly kind: 'storm'; readonly resume: boolean; readonly topic: string };

export interface StormAnswer {
  /** Until the last one had its CONNACK, and its PUBACK. */
  readonly connected: number;
  readonly served: number;
  /** Connections that were tried again. */
  readonly retries: number;
  /** TLS sessions that were resumed. */
  readonly resumed: number;
  /** Share of a core that the fleet itself used. */
  readonly share: number;
}

interface Device {
  readonly password: string;
  socket: Socket | null;
  /** TLS session of its last connection. */
  session: Buffer | undefined;
}

const OPENING = 64;
/** ms that a device waits before it tries again, at least; up to twice that. */
const RETRY = 1_000;
/** s for all of them: what takes longer does not work. */
const PATIENCE = 300;

let target: Target = { port: 0, tls: null };
let context: SecureContext | undefined;
let devices: Device[] = [];

answerQuestions<FleetQuestion>((question) => {
  if (question.kind === 'open') return openAll(question);
  if (question.kind === 'break') return breakAll();
  return storm(question);
});

async function openAll(question: FleetQuestion & { kind: 'open' }): Promise<number> {
  target = question.target;
  context = contextOf(target);
  devices = question.passwords.map((password) => ({ password, socket: null, session: undefined }));
  const start = performance.now();
  const waiting = devices.values();
  const opener = async () => {
    for (const device of waiting) await open(device, false);
  };
  await Promise.all(Array.from({ length: OPENING }, opener));
  return (performance.now() - start) / 1000;
}

async function breakAll(): Promise<void> {
  for (const device of devices) device.socket?.destroy();
  await pause(1_000);
}

const connack = (bytes: Buffer) => bytes.length >= 4 && bytes[0] === 0x20;

/** Resolves with whether the TLS session was resumed, once CONNACK has come; rejects if the connection breaks before. */
function open(device: Device, resume: boolean): Promise<boolean> {
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  const { port, tls } = target;
  const host = '127.0.0.1';
  const socket: Socket =
    tls === null
      ? connectTcp({ host, port })
      : connectTls({
          host,
          port,
          servername: tls.servername,
          secureContext: context,
          ...(resume && device.session !== undefined ? { session: device.session } : {}),
        });
  device.socket = socket;
  socket.on('session', (session: Buffer) => {
    device.session = session;
  });
  socket.once('error', reject);
  socket.once('close', () => reject(new Error('the server closed a connection')));
  socket.once('data', (bytes: Buffer) => {
    if (!connack(bytes) || bytes[3] !== 0) reject(new Error(`CONNECT was answered ${bytes.toString('hex')}`));
    else resolve(tls !== null && (socket as TLSSocket).isSessionReused());
  });
  const login = device.password === '' ? {} : { username: '', password: Buffer.from(device.password) };
  socket.write(generate({ cmd: 'connect', clientId: '', clean: true, keepalive: 600, protocolVersion: 4, ...login }));
  return promise;
}

async function storm({ resume, topic }: FleetQuestion & { kind: 'storm' }): Promise<StormAnswer> {
  const message = { cmd: 'publish', topic, payload: '21.50', qos: 1, messageId: 1, dup: false, retain: false } as const;
  const bytes = generate(message);
  const cpu = process.cpuUsage();
  const start = performance.now();
  const since = () => (performance.now() - start) / 1000;
  let connected = 0;
  let retries = 0;
  let resumed = 0;
  const serve = async (device: Device) => {
    while (since() < PATIENCE) {
      try {
        if (await open(device, resume)) resumed += 1;
        connected = since();
        return await acknowledged(device.socket!, bytes);
      } catch {
        retries += 1;
        await pause(RETRY * (1 + Math.random()));
      }
    }
    throw new Error(`a device was not served within ${PATIENCE} s`);
  };
  await Promise.all(devices.map(serve));
  const used = process.cpuUsage(cpu);
  const served = since();
  return { connected, served, retries, resumed, share: (used.user + used.system) / 1e6 / served };
}

/** Resolves with the PUBACK. */
function acknowledged(socket: Socket, bytes: Buffer): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once('close', () => reject(new Error('the server closed a connection')));
  socket.once('data', (answer: Buffer) => {
    if (answer[0] === 0x40) resolve();
    else reject(new Error(`PUBLISH was answered ${answer.toString('hex')}`));
  });
  socket.write(bytes);
  return promise;
}
