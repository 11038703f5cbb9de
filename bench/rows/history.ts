/**
 * One day of one alias in buckets of five minutes, through the management API, with millions of values stored, against bare SQL over
 * the same values in an ordinary table. `history` asks for devices whose values came one by one, `history-batches` for devices
 * that send half an hour at a time.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startHelper } from '../helper.ts';
import type { FillAnswer, Size, StoreQuestion } from '../load/store.ts';
import { cpuMs, median, percentile } from '../measure.ts';
import { timed } from '../question.ts';
import type { HistoryAnswer, HistoryQuestion } from '../reference/history.ts';
import type { BenchOptions, Result, Row } from '../result.ts';
import { filledIdentity, INTERVAL } from '../series.ts';
import { type Slipway, startSlipway } from '../slipway.ts';

const GOAL = 0.8;
const DAY = 86_400_000_000;
/** Seconds. */
const BUCKET = 300;
/** Of a device: three days and a half. */
const VALUES = 10_000;
const DAYS = Math.floor((VALUES * INTERVAL) / DAY);
/** Devices whose values come one by one: the first ones. They have a day of them, as each takes a commit of its own. */
const SINGLE = 10;
const SINGLE_VALUES = DAY / INTERVAL;
/** Values in a write of the others. */
const TOGETHER = 60;
/** Questions to one side before the other has its turn. */
const AT_A_TIME = 20;

export const history: Row = async (options) => {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-bench-'));
  const bare = startHelper('reference/history.ts', 'server');
  const devices = Math.max(2 * SINGLE, Math.round(options.points / VALUES));
  // On a bucket's start.
  const start = Math.floor((Date.now() * 1000 - VALUES * INTERVAL) / DAY) * DAY;
  try {
    const filled = await fill(folder, devices, start, options);
    await bare.ask({ kind: 'fill', devices, values: VALUES, start } satisfies HistoryQuestion);
    const server = await startSlipway(options.nodeFlags, {}, folder);
    try {
      const points = SINGLE * SINGLE_VALUES + (devices - SINGLE) * VALUES;
      const common = { points, bytes_per_point: filled.used / points };
      const single = (n: number) => (n * 7) % SINGLE;
      const batches = (n: number) => SINGLE + ((n * 7_919) % (devices - SINGLE));
      const ask = (deviceOf: (n: number) => number, days: number) =>
        compare({ server, bare, start, deviceOf, days, rounds: 2 * options.rounds });
      return {
        history: { ...(await ask(single, 1)), ...common, goal: GOAL },
        'history-batches': { ...(await ask(batches, DAYS)), ...common, goal: GOAL },
      };
    } finally {
      await server.stop();
    }
  } finally {
    await bare.stop();
    await rm(folder, { recursive: true, force: true });
  }
};

async function fill(folder: string, devices: number, start: number, options: BenchOptions): Promise<Size> {
  const helper = startHelper('load/store.ts', 'server');
  try {
    await helper.ask({ kind: 'open', folder, days: 0 } satisfies StoreQuestion);
    const some = { kind: 'fill', first: 0, values: VALUES, start } as const;
    const single: StoreQuestion = {
      ...some,
      values: SINGLE_VALUES,
      from: 0,
      devices: SINGLE,
      together: 1,
      apart: true,
    };
    const batches: StoreQuestion = {
      ...some,
      from: SINGLE,
      devices: devices - SINGLE,
      together: TOGETHER,
      apart: false,
    };
    for (const question of [single, batches]) {
      const { seconds } = await helper.ask<FillAnswer>(question);
      const points = question.devices * question.values;
      options.say(
        `  ${points.toLocaleString('en')} values stored, ${question.together} at a time: ${seconds.toFixed(0)} s`,
      );
    }
    return await helper.ask<Size>({ kind: 'close' } satisfies StoreQuestion);
  } finally {
    await helper.stop();
  }
}

interface Sides {
  readonly server: Slipway;
  readonly bare: ReturnType<typeof startHelper>;
  readonly start: number;
  readonly deviceOf: (n: number) => number;
  /** Whole days that they have values of. */
  readonly days: number;
  readonly rounds: number;
}

async function compare({ server, bare, start, deviceOf, days, rounds }: Sides): Promise<Result> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const times: Record<'ours' | 'reference', number[]> = { ours: [], reference: [] };
  const cpu = { ours: 0, reference: 0 };
  const span = (n: number) => {
    const from = start + (n % days) * DAY;
    return { from, to: from + DAY - 1 };
  };
  const ours = async (n: number) => {
    const { from, to } = span(n);
    const path = `/identity/${filledIdentity(deviceOf(n))}/history?alias=temperature&from=${from}&to=${to}&bucket=${BUCKET}`;
    const { ms, body } = await timed(server, agent, path);
    return { ms, points: JSON.parse(body).points as HistoryAnswer['points'] };
  };
  const reference = (n: number) => {
    const question: HistoryQuestion = { kind: 'ask', device: deviceOf(n), ...span(n), bucket: BUCKET * 1e6 };
    return bare.ask<HistoryAnswer>(question);
  };
  for (let n = 0; n < 3; n += 1) checkEqual((await ours(n)).points, (await reference(n)).points);
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, ask, pid] of [
      ['ours', ours, server.pid],
      ['reference', reference, bare.pid],
    ] as const) {
      const before = cpuMs(pid) ?? Number.NaN;
      for (let n = 0; n < AT_A_TIME; n += 1) times[name].push((await ask(round * AT_A_TIME + n)).ms);
      cpu[name] += (cpuMs(pid) ?? Number.NaN) - before;
    }
  }
  agent.destroy();
  const per1000 = (name: 'ours' | 'reference') =>
    Number.isNaN(cpu[name]) ? null : (cpu[name] / times[name].length) * 1000;
  return {
    ours: median(times.ours),
    reference: median(times.reference),
    ratio: median(times.reference) / median(times.ours),
    unit: 'ms',
    goal: null,
    cpu_ms_per_1000: per1000('ours'),
    reference_cpu_ms_per_1000: per1000('reference'),
    load_share: null,
    rounds,
    p99_ms: percentile(times.ours, 0.99),
    reference_p99_ms: percentile(times.reference, 0.99),
  };
}

/** A quick wrong answer is no figure. */
function checkEqual(ours: HistoryAnswer['points'], reference: HistoryAnswer['points']): void {
  const text = (points: HistoryAnswer['points']) =>
    points
      .map(({ timestamp, min, mean, max, count }) => `${timestamp} ${min} ${mean.toFixed(6)} ${max} ${count}`)
      .join('\n');
  if (text(ours) !== text(reference)) {
    throw new Error(`the history is\n${text(ours).slice(0, 300)}\nexpected\n${text(reference).slice(0, 300)}`);
  }
  if (ours.length !== DAY / 1e6 / BUCKET) throw new Error(`${ours.length} buckets came for a day`);
}
