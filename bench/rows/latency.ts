/**
 * How long a durable write takes at half and at nine tenths of the highest rate, beside a bare server's answers at the same rate; and
 * how long the server's event loop is held at most, while devices write, by checkpoints and while entries expire and old things are removed.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { checkStored, defineTemperature, provision, write } from '../devices.ts';
import { type Helper, startHelper } from '../helper.ts';
import type { LoadAnswer, LoadQuestion } from '../load/http.ts';
import type { LatencyAnswer, OpenLoopQuestion } from '../load/open-loop.ts';
import type { Size, StoreQuestion } from '../load/store.ts';
import { type LoopLine, watchFlag } from '../loop-watch.ts';
import { cpuMs, median, waitedMs } from '../measure.ts';
import type { ReferenceQuestion } from '../reference/http.ts';
import type { BenchOptions, Result, Row } from '../result.ts';
import { INTERVAL } from '../series.ts';
import { type Slipway, startSlipway } from '../slipway.ts';
import { checkpointsOf } from '../wal.ts';

const DEVICES = 128;
/** Of the open loop: more, so that requests wait at the server and not for a connection. */
const CONNECTIONS = 512;
const SHARES = [0.5, 0.9];
/** ms that no background work may hold the loop longer than. */
const STALL_LIMIT = 10;
const DAY = 86_400_000_000;
/** What is to expire, and then to be removed, with the values of some devices. */
const EXPIRING = 20_000;
const OLD_DEVICES = 400;
const OLD_VALUES = 100;
/** ms until what a run left behind is done. */
const SETTLE = 1_000;
/** Rounds of each rate, unless there is time: a round has thousands of writes. */
const ROUNDS = 3;

/** A server with devices, its connections, and what they send. */
interface Site {
  readonly server: Slipway;
  readonly load: Helper;
  readonly requests: readonly string[];
}

export const latency: Row = async (options) => {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-bench-'));
  try {
    const writes = await measureWrites(options);
    await prepare(folder, options);
    return {
      ...writes.results,
      'latency-stall': await measureStall(folder, writes.highest / 2, writes.stall, options),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

async function measureWrites(options: BenchOptions) {
  const server = await startSlipway([...options.nodeFlags, watchFlag]);
  const bare = startHelper('reference/http.ts', 'server');
  const load = startHelper('load/open-loop.ts', 'load');
  try {
    await defineTemperature(server);
    const { highest, share, requests, written } = await highestRate(server, options);
    options.say(`  the highest rate is ${Math.round(highest)} writes/s`);
    const site: Site = { server, load, requests };
    const port = await bare.ask<number>({ tls: null } satisfies ReferenceQuestion);
    await openLoad(load, 'ours', server.target('http'));
    await openLoad(load, 'reference', { ...server.target('http'), port });
    const results: Record<string, Result> = {};
    let acknowledged = written;
    let stall = 0;
    const wanted = options.large ? options.rounds : Math.min(ROUNDS, options.rounds);
    for (const [at, part] of SHARES.entries()) {
      const rate = highest * part;
      const rounds: { ours: Figures; reference: Figures }[] = [];
      // One more to warm up, at first.
      for (let round = at === 0 ? -1 : 0; round < wanted; round += 1) {
        await stallOf(server);
        const ours = await figuresOf(site, 'ours', server.pid, rate, options.seconds);
        stall = Math.max(stall, (await stallOf(server)).longest);
        acknowledged += ours.answered;
        const reference = await figuresOf(site, 'reference', bare.pid, rate, options.seconds);
        if (round >= 0) rounds.push({ ours, reference });
      }
      results[`latency-${part * 100}`] = { ...resultOf(rounds, rate), load_share: share };
    }
    await checkStored(server, DEVICES, acknowledged);
    return { results, highest, stall };
  } finally {
    await Promise.all([server.stop(), bare.stop(), load.stop()]);
  }
}

const openLoad = (load: Helper, name: string, target: ReturnType<Slipway['target']>) =>
  load.ask({ kind: 'open', name, target, connections: CONNECTIONS } satisfies OpenLoopQuestion);

/** In a closed loop, as `http-write` measures it; the load's share of its core is that of this run. */
async function highestRate(server: Slipway, { rounds, seconds }: BenchOptions) {
  const load = startHelper('load/http.ts', 'load');
  try {
    const question: LoadQuestion = {
      kind: 'open',
      name: 'ours',
      target: server.target('http'),
      connections: DEVICES,
    };
    await load.ask(question);
    const tokens = await provision(server, load, 'ours', DEVICES);
    const requests = tokens.map((token) => [write(server.host, token, '21.50')]);
    const answers: LoadAnswer[] = [];
    for (let round = -1; round < Math.min(ROUNDS, rounds); round += 1) {
      answers.push(await load.ask<LoadAnswer>({ kind: 'run', name: 'ours', seconds, requests }));
      await pause(SETTLE);
    }
    return {
      highest: median(answers.slice(1).map(({ answered, seconds }) => answered / seconds)),
      share: median(answers.map(({ share }) => share)),
      requests: requests.flat(),
      written: answers.reduce((sum, { answered }) => sum + answered, 0),
    };
  } finally {
    await load.stop();
  }
}

type Figures = LatencyAnswer & { readonly cpuPer1000: number };

async function figuresOf(
  { load, requests }: Site,
  name: string,
  pid: number,
  rate: number,
  seconds: number,
): Promise<Figures> {
  const before = cpuMs(pid) ?? Number.NaN;
  const answer = await load.ask<LatencyAnswer>({ kind: 'run', name, requests, rate, seconds });
  await pause(SETTLE);
  return { ...answer, cpuPer1000: (((cpuMs(pid) ?? Number.NaN) - before) / answer.answered) * 1000 };
}

function resultOf(rounds: readonly { ours: Figures; reference: Figures }[], rate: number): Result {
  const of = (side: 'ours' | 'reference', name: keyof Figures) => median(rounds.map((round) => round[side][name]));
  const named = (side: 'ours' | 'reference', prefix: string) => ({
    [`${prefix}p50_ms`]: of(side, 'p50'),
    [`${prefix}p99_ms`]: of(side, 'p99'),
    [`${prefix}p999_ms`]: of(side, 'p999'),
    [`${prefix}max_ms`]: Math.max(...rounds.map((round) => round[side].max)),
    [`${prefix}sent_late_p99_ms`]: of(side, 'late'),
  });
  return {
    ours: of('ours', 'p99'),
    reference: of('reference', 'p99'),
    ratio: of('reference', 'p99') / of('ours', 'p99'),
    unit: 'ms p99',
    goal: null,
    cpu_ms_per_1000: of('ours', 'cpuPer1000'),
    reference_cpu_ms_per_1000: of('reference', 'cpuPer1000'),
    load_share: null,
    rounds: rounds.length,
    writes_per_second: rate,
    ...named('ours', ''),
    ...named('reference', 'reference_'),
    queued: of('ours', 'queued'),
  };
}

/** What the server said of its loop since it was last asked. */
async function stallOf(server: Slipway): Promise<LoopLine> {
  const line = server.said<LoopLine>('event loop');
  process.kill(server.pid, 'SIGUSR2');
  return line;
}

/** Data that a server has to expire and to remove as soon as it starts. */
async function prepare(folder: string, options: BenchOptions): Promise<void> {
  const helper = startHelper('load/store.ts', 'server');
  const ask = (question: StoreQuestion) => helper.ask<Size>(question);
  const long = Date.now() * 1000 - 3 * DAY;
  const fill = { kind: 'fill', from: 0, devices: OLD_DEVICES, first: 0, values: OLD_VALUES } as const;
  try {
    await ask({ kind: 'open', folder, days: 1 });
    await ask({ ...fill, together: 1, apart: false, start: long - OLD_VALUES * INTERVAL });
    await ask({ kind: 'whitelist', devices: EXPIRING, expired: long });
    const { used } = await ask({ kind: 'close' });
    options.say(
      `  ${EXPIRING} entries to expire, ${OLD_DEVICES * OLD_VALUES} old values: ${Math.round(used / 1e6)} MB`,
    );
  } finally {
    await helper.stop();
  }
}

/** The longest stall while all of it is under way and devices write. `alone`: without it, as measured before. */
async function measureStall(folder: string, rate: number, alone: number, options: BenchOptions): Promise<Result> {
  const server = await startSlipway([...options.nodeFlags, watchFlag], {}, folder);
  const http = startHelper('load/http.ts', 'load');
  const load = startHelper('load/open-loop.ts', 'load');
  try {
    const question: LoadQuestion = { kind: 'open', name: 'ours', target: server.target('http'), connections: 8 };
    await http.ask(question);
    const tokens = await provision(server, http, 'ours', DEVICES);
    const requests = tokens.map((token) => write(server.host, token, '21.50'));
    await openLoad(load, 'ours', server.target('http'));
    const before = await entriesOf(server);
    const checkpoints = checkpointsOf(folder);
    await stallOf(server);
    const waited = waitedMs(server.pid);
    const seconds = 4 * options.seconds;
    const answer = await figuresOf({ server, load, requests }, 'ours', server.pid, rate, seconds);
    const { longest, p999 } = await stallOf(server);
    return {
      ours: longest,
      reference: STALL_LIMIT,
      ratio: STALL_LIMIT / longest,
      unit: 'ms',
      goal: 1,
      cpu_ms_per_1000: answer.cpuPer1000,
      reference_cpu_ms_per_1000: null,
      load_share: null,
      rounds: 1,
      writes_per_second: rate,
      seconds,
      writes_alone_ms: alone,
      p999_of_turns_ms: p999,
      checkpoints: checkpointsOf(folder) - checkpoints,
      entries_expired_and_removed: before - (await entriesOf(server)),
      // On a machine that others use, a loop also stands still because somebody else has its core.
      waited_for_core_ms: waited === null ? null : waitedMs(server.pid)! - waited,
      p50_ms: answer.p50,
      p99_ms: answer.p99,
      p999_ms: answer.p999,
    };
  } finally {
    await Promise.all([server.stop(), http.stop(), load.stop()]);
  }
}

async function entriesOf(server: Slipway): Promise<number> {
  const { count } = await server.api<{ count: number }>('GET', '/identities/count');
  return count;
}
