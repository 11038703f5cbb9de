/** Durable writes of 128 devices over keep-alive connections, against a bare server that stores nothing. */
import { checkStored, defineTemperature, provision, write } from '../devices.ts';
import { startHelper } from '../helper.ts';
import type { LoadAnswer, LoadQuestion } from '../load/http.ts';
import type { ReferenceQuestion } from '../reference/http.ts';
import type { BenchOptions, Result, Row } from '../result.ts';
import { compareRates, measureRound } from '../rounds.ts';
import { startSlipway } from '../slipway.ts';

const CONNECTIONS = 128;
/** Different values that a device sends in turn. */
const VALUES = 16;
const GOAL = 0.9;

export const httpWrite: Row = async (options) => ({ 'http-write': await measure(options, 'http') });
export const httpWriteTls: Row = async (options) => ({ 'http-write-tls': await measure(options, 'https') });

async function measure(options: BenchOptions, transport: 'http' | 'https'): Promise<Result> {
  const server = await startSlipway(options.nodeFlags);
  const bare = startHelper('reference/http.ts', 'server');
  const load = startHelper('load/http.ts', 'load');
  try {
    await defineTemperature(server);
    const tls = transport === 'https' ? server.tls : null;
    const port = await bare.ask<number>({ tls } satisfies ReferenceQuestion);
    const target = server.target(transport);
    const open = (name: string, to: typeof target) =>
      load.ask({ kind: 'open', name, target: to, connections: CONNECTIONS } satisfies LoadQuestion);
    await open('ours', target);
    await open('reference', { ...target, port });

    const tokens = await provision(server, load, 'ours', CONNECTIONS);
    const requests = tokens.map((token) => values().map((value) => write(server.host, token, value)));
    let acknowledged = 0;
    const run = async (name: string) => {
      const answer = await load.ask<LoadAnswer>({ kind: 'run', name, seconds: options.seconds, requests });
      if (name === 'ours') acknowledged += answer.answered;
      return answer;
    };
    const before = await server.figures();
    const result = await compareRates(
      options.rounds,
      () => measureRound(server.pid, () => run('ours')),
      () => measureRound(bare.pid, () => run('reference')),
    );
    await checkStored(server, tokens.length, acknowledged);
    return { ...result, goal: GOAL, connections: CONNECTIONS, ...commits(before, await server.figures()) };
  } finally {
    await Promise.all([server.stop(), bare.stop(), load.stop()]);
  }
}

const values = () => Array.from({ length: VALUES }, (_, n) => (18 + n / 4).toFixed(2));

/** How large the commits were that the writes shared, and how long one took with its sync to disk. */
function commits(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>) {
  const grown = (name: string) => after.get(name)! - before.get(name)!;
  const count = grown('slipway_store_commit_writes_count');
  return {
    writes_per_commit: grown('slipway_store_commit_writes_sum') / count,
    ms_per_commit: (grown('slipway_store_commit_duration_seconds_sum') / count) * 1000,
  };
}
