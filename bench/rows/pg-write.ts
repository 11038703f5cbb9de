/**
 * Durable writes of 128 devices on PostgreSQL: through one gateway against a bare connection that inserts the same rows, and
 * through two and four processes on this machine, to show what a write costs as gateways are added. PostgreSQL has no core of
 * its own here.
 */
import { execFileSync } from 'node:child_process';
import { startPostgres, type TestPostgres } from '../../test/helpers/postgres.ts';
import { checkStored, defineTemperature, provision, write } from '../devices.ts';
import { startHelper } from '../helper.ts';
import type { LoadAnswer, LoadQuestion } from '../load/http.ts';
import { cpuMs, median } from '../measure.ts';
import type { PostgresQuestion } from '../reference/postgres.ts';
import type { BenchOptions, Result, Row } from '../result.ts';
import { startSlipway } from '../slipway.ts';

const CONNECTIONS = 128;
const VALUES = 16;
/** ms after a round in which what was put off is done; its CPU time counts. */
const SETTLE = 1_500;

export const pgWrite: Row = async (options) => {
  const postgres = await startPostgres();
  try {
    const results: Record<string, Result> = {};
    for (const processes of [1, 2, 4]) {
      const name = processes === 1 ? 'pg-write' : `pg-write-${processes}`;
      results[name] = await measure(options, postgres, processes);
    }
    return results;
  } finally {
    await postgres.remove();
  }
};

async function measure(options: BenchOptions, postgres: TestPostgres, processes: number): Promise<Result> {
  const url = await postgres.newDatabase();
  const settings = { SLIPWAY_DATABASE_URL: url, SLIPWAY_PROCESSES: String(processes) };
  const server = await startSlipway(options.nodeFlags, settings);
  const bare = startHelper('reference/postgres.ts', 'server');
  const load = startHelper('load/http.ts', 'load');
  try {
    await defineTemperature(server);
    const target = server.target('http');
    await load.ask({ kind: 'open', name: 'ours', target, connections: CONNECTIONS } satisfies LoadQuestion);
    const tokens = await provision(server, load, 'ours', CONNECTIONS);
    const values = Array.from({ length: VALUES }, (_, n) => (18 + n / 4).toFixed(2));
    const requests = tokens.map((token) => values.map((value) => write(server.host, token, value)));
    let acknowledged = 0;
    const cpu = () => ({ gateways: cpuOf(server.pid), database: postgres.pid === null ? 0 : cpuOf(postgres.pid) });
    const ours = async (seconds: number) => {
      const before = cpu();
      const answer = await load.ask<LoadAnswer>({ kind: 'run', name: 'ours', seconds, requests });
      await new Promise((done) => setTimeout(done, SETTLE));
      const after = cpu();
      acknowledged += answer.answered;
      const per1000 = (side: 'gateways' | 'database') => ((after[side] - before[side]) / answer.answered) * 1000;
      return {
        rate: answer.answered / answer.seconds,
        gateways: per1000('gateways'),
        database: per1000('database'),
        share: answer.share,
      };
    };
    const before = await server.figures();
    await ours(options.seconds);
    const after = await server.figures();
    const grown = (name: string) => after.get(name)! - before.get(name)!;
    const batch = Math.max(
      1,
      Math.round(grown('slipway_store_commit_writes_sum') / grown('slipway_store_commit_writes_count')),
    );
    const reference = async () => {
      const question = { url, seconds: options.seconds, devices: CONNECTIONS, batch } satisfies PostgresQuestion;
      const { answered, seconds } = await bare.ask<LoadAnswer>(question);
      return answered / seconds;
    };
    await reference();
    const pairs: { readonly ours: Awaited<ReturnType<typeof ours>>; readonly reference: number }[] = [];
    for (let round = 0; round < options.rounds; round += 1) {
      pairs.push({ ours: await ours(options.seconds), reference: await reference() });
    }
    await checkStored(server, tokens.length, acknowledged);
    const of = (pick: (pair: (typeof pairs)[number]) => number) => median(pairs.map(pick));
    return {
      ours: of(({ ours }) => ours.rate),
      reference: of((pair) => pair.reference),
      ratio: of((pair) => pair.ours.rate / pair.reference),
      unit: 'requests/s',
      goal: null,
      cpu_ms_per_1000: of(({ ours }) => ours.gateways + ours.database),
      reference_cpu_ms_per_1000: null,
      load_share: of(({ ours }) => ours.share),
      rounds: options.rounds,
      processes,
      writes_per_commit: batch,
      gateway_cpu_ms_per_1000: of(({ ours }) => ours.gateways),
      database_cpu_ms_per_1000: of(({ ours }) => ours.database),
    };
  } finally {
    await Promise.all([server.stop(), bare.stop(), load.stop()]);
  }
}

/** CPU time of a process and its children, ms. */
function cpuOf(pid: number): number {
  const list = execFileSync('ps', ['-e', '-o', 'pid=,ppid='], { encoding: 'utf8' });
  const pairs = list.split('\n').map((line) => line.trim().split(/\s+/).map(Number));
  const all = [pid, ...pairs.filter(([, parent]) => parent === pid).map(([child]) => child!)];
  return all.reduce((sum, one) => sum + (cpuMs(one) ?? 0), 0);
}
