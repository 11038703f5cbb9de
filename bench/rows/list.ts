/** How the questions of a console grow with the fleet: each at a million devices against the same at 10,000, in turn. */
import { Agent } from 'node:http';
import { type Fleet, importFleet, keptFleet } from '../fleet.ts';
import { identityOf } from '../identities.ts';
import { cpuMs, median } from '../measure.ts';
import { timed } from '../question.ts';
import type { Result, Row } from '../result.ts';

const GOAL = 0.5;
/** Devices of the small fleet. */
const SMALL = 10_000;
/** Questions of a kind to one fleet before the other has its turn: enough to be told in CPU time. */
const AT_A_TIME = 20;

/** What is asked of a fleet of so many devices, the n-th time: path and query. */
type Ask = (rows: number, n: number) => string;

const someDevice = (rows: number, n: number) => (n * 7_919) % rows;

const kinds: Readonly<Record<string, Ask>> = {
  'list-first-page': () => '/identity/',
  'list-search': (rows, n) => `/identity/?identity=${identityOf(someDevice(rows, n))}`,
  // Any of the large fleet has a hundred times as many hits, a page of which is shown.
  'list-search-4': (rows, n) => `/identity/?identity=${identityOf(someDevice(rows, n)).slice(-4)}`,
  'list-tag': (rows, n) => `/identity/?tag=group:g${Math.floor(someDevice(rows, n) / 100)}`,
};

interface Side {
  readonly fleet: Fleet;
  readonly times: number[];
  cpu: number;
  /** CPU time of this process, which asks, and the time that it took; ms. */
  own: number;
  elapsed: number;
}

export const list: Row = async (options) => {
  const large = await keptFleet(options.rows, options.nodeFlags);
  const small = await importFleet(SMALL, options.nodeFlags);
  const agents = new Map([large, small].map((fleet) => [fleet, new Agent({ keepAlive: true, maxSockets: 1 })]));
  try {
    const results: Record<string, Result> = {};
    for (const [kind, ask] of Object.entries(kinds)) {
      const sides = [large, small].map((fleet): Side => ({ fleet, times: [], cpu: 0, own: 0, elapsed: 0 }));
      // The first round is for the caches.
      for (let round = 0; round <= 2 * options.rounds; round += 1) {
        for (const side of sides) await askSome(side, ask, round, agents.get(side.fleet)!);
      }
      results[kind] = resultOf(sides[0]!, sides[1]!);
    }
    return results;
  } finally {
    for (const agent of agents.values()) agent.destroy();
    await small.server.stop();
  }
};

async function askSome(side: Side, ask: Ask, round: number, agent: Agent): Promise<void> {
  const { server, rows } = side.fleet;
  const before = cpuMs(server.pid) ?? Number.NaN;
  const own = process.cpuUsage();
  const start = performance.now();
  for (let n = 0; n < AT_A_TIME; n += 1) {
    const { ms } = await timed(server, agent, ask(rows, round * AT_A_TIME + n));
    if (round > 0) side.times.push(ms);
  }
  if (round === 0) return;
  side.cpu += (cpuMs(server.pid) ?? Number.NaN) - before;
  const used = process.cpuUsage(own);
  side.own += (used.user + used.system) / 1000;
  side.elapsed += performance.now() - start;
}

function resultOf(large: Side, small: Side): Result {
  const [ours, reference] = [median(large.times), median(small.times)];
  const cpuPer1000 = ({ cpu, times }: Side) => (Number.isNaN(cpu) ? null : (cpu / times.length) * 1000);
  return {
    ours,
    reference,
    ratio: reference / ours,
    unit: 'ms',
    goal: GOAL,
    cpu_ms_per_1000: cpuPer1000(large),
    reference_cpu_ms_per_1000: cpuPer1000(small),
    load_share: large.own / large.elapsed,
    reference_load_share: small.own / small.elapsed,
    rounds: large.times.length / AT_A_TIME,
    devices: large.fleet.rows,
    reference_devices: small.fleet.rows,
  };
}
