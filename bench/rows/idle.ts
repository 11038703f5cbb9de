/** Memory of an MQTT connection that only stands: over TLS beside a bare `node:tls` server's, and both ways beside Mosquitto's. */
import { defineTemperature, provision } from '../devices.ts';
import { startHelper } from '../helper.ts';
import type { Target } from '../load/connection.ts';
import type { LoadQuestion } from '../load/http.ts';
import type { FleetQuestion } from '../load/mqtt-fleet.ts';
import { cpuMs, restingBytes } from '../measure.ts';
import { hasMosquitto, howToGet, startMosquitto } from '../reference/mosquitto.ts';
import type { TlsQuestion } from '../reference/tls.ts';
import type { BenchOptions, Result, Row } from '../result.ts';
import { type Slipway, startSlipway } from '../slipway.ts';

const GOAL = 0.8;
/** CONNACK of MQTT 3.1.1: accepted. */
const connack = Buffer.from([0x20, 2, 0, 0]);

/** What one connection of many is to a server. */
interface Cost {
  /** What it adds to the resident memory. */
  readonly bytes: number;
  /** ms of CPU to open all of them. */
  readonly cpu: number;
  readonly seconds: number;
  readonly share: number;
}

export const idle: Row = async (options) => {
  const { tls, bare, brokers } = await withDevices(options, async (server, tokens) => {
    const nobody = Array(tokens.length).fill('');
    const tls = await costOf(server.pid, server.target('mqtts'), tokens);
    const bare = await beside(startBare, server, 'mqtts', nobody);
    if (!hasMosquitto()) return { tls, bare, brokers: null };
    const plain = await beside(startMosquitto, server, 'mqtt', nobody);
    return { tls, bare, brokers: { plain, tls: await beside(startMosquitto, server, 'mqtts', nobody) } };
  });
  const results: Record<string, Result> = { idle: { ...resultOf(tls, bare, options), goal: GOAL } };
  if (brokers === null) {
    options.say(`  ${howToGet}`);
    return results;
  }
  // A server of its own: connections would use again the memory of those before.
  const plain = await withDevices(options, (server, tokens) => costOf(server.pid, server.target('mqtt'), tokens));
  results['idle-mosquitto'] = resultOf(plain, brokers.plain, options);
  results['idle-mosquitto-tls'] = resultOf(tls, brokers.tls, options);
  return results;
};

/** A new server, and a token for each connection. */
async function withDevices<T>(
  options: BenchOptions,
  use: (server: Slipway, tokens: readonly string[]) => Promise<T>,
): Promise<T> {
  const server = await startSlipway(options.nodeFlags);
  const http = startHelper('load/http.ts', 'load');
  try {
    await defineTemperature(server);
    const target = server.target('http');
    await http.ask({ kind: 'open', name: 'ours', target, connections: 32 } satisfies LoadQuestion);
    const tokens = await provision(server, http, 'ours', options.connections);
    await http.stop();
    return await use(server, tokens);
  } finally {
    await Promise.all([server.stop(), http.stop()]);
  }
}

interface Peer {
  readonly pid: number;
  readonly port: number;
  readonly tlsPort: number;
  stop(): Promise<void>;
}

async function startBare(tls: Slipway['tls']): Promise<Peer> {
  const { pid, ask, stop } = startHelper('reference/tls.ts', 'server');
  const tlsPort = await ask<number>({ tls, answer: connack.toString('base64') } satisfies TlsQuestion);
  return { pid, port: Number.NaN, tlsPort, stop };
}

async function beside(
  start: (tls: Slipway['tls']) => Promise<Peer>,
  server: Slipway,
  transport: 'mqtt' | 'mqtts',
  passwords: readonly string[],
): Promise<Cost> {
  const peer = await start(server.tls);
  try {
    const { tls } = server.target(transport);
    return await costOf(peer.pid, { port: tls === null ? peer.port : peer.tlsPort, tls }, passwords);
  } finally {
    await peer.stop();
  }
}

async function costOf(pid: number, target: Target, passwords: readonly string[]): Promise<Cost> {
  const fleet = startHelper('load/mqtt-fleet.ts', 'load');
  try {
    const before = await restingBytes(pid);
    const cpu = cpuMs(pid) ?? Number.NaN;
    const load = cpuMs(fleet.pid) ?? Number.NaN;
    const seconds = await fleet.ask<number>({ kind: 'open', target, passwords } satisfies FleetQuestion);
    const used = (cpuMs(pid) ?? Number.NaN) - cpu;
    const share = ((cpuMs(fleet.pid) ?? Number.NaN) - load) / 1000 / seconds;
    const after = await restingBytes(pid);
    return { bytes: Math.round((after - before) / passwords.length), cpu: used, seconds, share };
  } finally {
    await fleet.stop();
  }
}

function resultOf(ours: Cost, reference: Cost, { connections }: BenchOptions): Result {
  return {
    ours: ours.bytes,
    reference: reference.bytes,
    ratio: reference.bytes / ours.bytes,
    unit: 'bytes',
    goal: null,
    cpu_ms_per_1000: (ours.cpu / connections) * 1000,
    reference_cpu_ms_per_1000: (reference.cpu / connections) * 1000,
    load_share: ours.share,
    reference_load_share: reference.share,
    rounds: 1,
    connections,
    connect_seconds: ours.seconds,
    reference_connect_seconds: reference.seconds,
  };
}
