/** Memory of an MQTT connection that only stands, plain and over TLS, beside Mosquitto's. */
import { setTimeout as pause } from 'node:timers/promises';
import { defineTemperature, provision } from '../devices.ts';
import { startHelper } from '../helper.ts';
import type { Target } from '../load/connection.ts';
import type { LoadQuestion } from '../load/http.ts';
import type { FleetQuestion } from '../load/mqtt-fleet.ts';
import { cpuMs, residentBytes } from '../measure.ts';
import { hasMosquitto, howToGet, startMosquitto } from '../reference/mosquitto.ts';
import type { BenchOptions, Result, Row } from '../result.ts';
import { startSlipway } from '../slipway.ts';

export const idle: Row = async (options) => {
  const results: Record<string, Result> = {};
  if (hasMosquitto()) {
    results.idle = await measure(options, 'mqtt');
    results['idle-tls'] = await measure(options, 'mqtts');
  } else options.say(`  ${howToGet}`);
  return results;
};

async function measure(options: BenchOptions, transport: 'mqtt' | 'mqtts'): Promise<Result> {
  const { connections } = options;
  const server = await startSlipway(options.nodeFlags);
  const peer = await startMosquitto(server.tls);
  const http = startHelper('load/http.ts', 'load');
  try {
    await defineTemperature(server);
    await http.ask({
      kind: 'open',
      name: 'ours',
      target: server.target('http'),
      connections: 32,
    } satisfies LoadQuestion);
    const tokens = await provision(server, http, 'ours', connections);
    const { tls } = server.target(transport);
    const theirs: Target = { port: tls === null ? peer.port : peer.tlsPort, tls };
    const ours = await bytesEach(server.pid, server.target(transport), tokens);
    const reference = await bytesEach(peer.pid, theirs, Array(connections).fill(''));
    return {
      ours: ours.bytes,
      reference: reference.bytes,
      ratio: reference.bytes / ours.bytes,
      unit: 'bytes',
      goal: null,
      cpu_ms_per_1000: (ours.cpu / connections) * 1000,
      reference_cpu_ms_per_1000: (reference.cpu / connections) * 1000,
      load_share: null,
      rounds: 1,
      connections,
      connect_seconds: ours.seconds,
      reference_connect_seconds: reference.seconds,
    };
  } finally {
    await Promise.all([server.stop(), peer.stop(), http.stop()]);
  }
}

/** What one connection of many adds to the resident memory, in bytes; and what it cost to open all, ms of CPU. */
async function bytesEach(pid: number, target: Target, passwords: readonly string[]) {
  const fleet = startHelper('load/mqtt-fleet.ts', 'load');
  try {
    const before = await restingBytes(pid);
    const cpu = cpuMs(pid) ?? Number.NaN;
    const seconds = await fleet.ask<number>({ kind: 'open', target, passwords } satisfies FleetQuestion);
    const used = (cpuMs(pid) ?? Number.NaN) - cpu;
    const after = await restingBytes(pid);
    return { bytes: Math.round((after - before) / passwords.length), cpu: used, seconds };
  } finally {
    await fleet.stop();
  }
}

/** Resident bytes once the process has come to rest: it has hardly used its core for a second. */
async function restingBytes(pid: number): Promise<number> {
  for (let n = 0; n < 30; n += 1) {
    const before = cpuMs(pid);
    await pause(1_000);
    const after = cpuMs(pid);
    if (before === null || after === null || after - before <= 30) break;
  }
  return residentBytes(pid) ?? Number.NaN;
}
