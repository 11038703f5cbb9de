/** Durable QoS 1 publishes of 50 devices, 20 in flight each, against Mosquitto without persistence; with `--large` against Aedes, too. */
import { checkStored, defineTemperature, provision } from '../devices.ts';
import { startHelper } from '../helper.ts';
import type { LoadAnswer, LoadQuestion } from '../load/http.ts';
import type { MqttLoadQuestion } from '../load/mqtt.ts';
import { hasMosquitto, howToGet, startMosquitto } from '../reference/mosquitto.ts';
import type { BenchOptions, Result, Row } from '../result.ts';
import { compareRates, measureRound } from '../rounds.ts';
import { startSlipway } from '../slipway.ts';

const CONNECTIONS = 50;
const IN_FLIGHT = 20;
const GOAL = 1;

interface Peer {
  readonly pid: number;
  readonly port: number;
  stop(): Promise<void>;
}

export const mqttPublish: Row = async (options) => {
  const results: Record<string, Result> = {};
  if (hasMosquitto()) results['mqtt-publish'] = { ...(await measure(options, startMosquitto)), goal: GOAL };
  else options.say(`  ${howToGet}`);
  if (options.large) results['mqtt-publish-aedes'] = await measure(options, startAedes);
  return results;
};

async function startAedes(): Promise<Peer> {
  const { pid, ask, stop } = startHelper('reference/aedes.ts', 'server');
  return { pid, port: await ask<number>({}), stop };
}

async function measure(
  options: BenchOptions,
  startPeer: (tls: { readonly cert: string; readonly key: string }) => Promise<Peer>,
): Promise<Result> {
  const server = await startSlipway(options.nodeFlags);
  const peer = await startPeer(server.tls);
  const http = startHelper('load/http.ts', 'load');
  const load = startHelper('load/mqtt.ts', 'load');
  try {
    await defineTemperature(server);
    const target = server.target('http');
    await http.ask({ kind: 'open', name: 'ours', target, connections: 8 } satisfies LoadQuestion);
    const tokens = await provision(server, http, 'ours', CONNECTIONS);

    const open = (name: string, port: number, passwords: readonly string[]) =>
      load.ask({ kind: 'open', name, port, passwords } satisfies MqttLoadQuestion);
    await open('ours', server.target('mqtt').port, tokens);
    await open('peer', peer.port, Array(CONNECTIONS).fill(''));

    let acknowledged = 0;
    const run = async (name: 'ours' | 'peer') => {
      const topic = name === 'ours' ? '$resource/temperature' : 'resource/temperature0';
      const question: MqttLoadQuestion = { kind: 'run', name, seconds: options.seconds, inFlight: IN_FLIGHT, topic };
      const answer = await load.ask<LoadAnswer>(question);
      if (name === 'ours') acknowledged += answer.answered;
      return answer;
    };
    const before = await server.figures();
    const result = await compareRates(
      options.rounds,
      () => measureRound(server.pid, () => run('ours')),
      () => measureRound(peer.pid, () => run('peer')),
    );
    const after = await server.figures();
    await checkStored(server, tokens.length, acknowledged);
    const grown = (name: string) => after.get(name)! - before.get(name)!;
    return {
      ...result,
      unit: 'messages/s',
      connections: CONNECTIONS,
      in_flight: IN_FLIGHT,
      writes_per_commit: grown('slipway_store_commit_writes_sum') / grown('slipway_store_commit_writes_count'),
    };
  } finally {
    await Promise.all([server.stop(), peer.stop(), http.stop(), load.stop()]);
  }
}
