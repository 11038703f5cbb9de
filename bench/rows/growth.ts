/**
 * What more data costs, for `--large`: a durable write after 1, 10 and 100 million stored values, bytes on disk for a value, and
 * what it costs to remove them again. They are stored through the store's own interface, half an hour of a device in a write.
 */
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { provision, write } from '../devices.ts';
import { startHelper } from '../helper.ts';
import type { LoadAnswer, LoadQuestion } from '../load/http.ts';
import type { FillAnswer, PurgeAnswer, Size, StoreQuestion } from '../load/store.ts';
import { cpuMs, median } from '../measure.ts';
import type { BenchOptions, Result, Row } from '../result.ts';
import { INTERVAL } from '../series.ts';
import { startSlipway } from '../slipway.ts';

const DEVICES = 1_000;
const TOGETHER = 60;
/** Shares of `--points` after which is measured. */
const STAGES = [0.01, 0.1, 1];
/** Devices that write, each over a connection of its own. */
const WRITERS = 128;
/** Days that the connector keeps things; to remove all, it is asked what is too old so long after. */
const DAYS = 120;
const DAY = 86_400_000_000;
const PURGE_SECONDS = 60;
/** ms after the load in which what was put off is done. */
const SETTLE = 2_000;

interface Stage {
  readonly points: number;
  /** Of the values that were stored last. */
  readonly bytesPerPoint: number;
  /** Bytes in use at the end. */
  readonly used: number;
  /** Of storing the values, CPU ms for 1,000. */
  readonly fillCpu: number;
  readonly writeCpu: number;
  readonly writeRate: number;
  readonly share: number;
  /** Bytes that a write of one value takes. */
  readonly bytesPerWrite: number;
}

export const growth: Row = async (options) => {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-bench-'));
  const copy = `${folder}-copy`;
  try {
    const stages: Stage[] = [];
    const values = STAGES.map((share) => Math.max(1, Math.round((options.points * share) / DEVICES)));
    const start = Date.now() * 1000 - values.at(-1)! * INTERVAL;
    let purged: Purged | null = null;
    for (const [at, upTo] of values.entries()) {
      stages.push(
        await measureStage(folder, { start, from: values[at - 1] ?? 0, upTo }, stages.at(-1)?.used ?? 0, options),
      );
      if (at > 0) continue;
      await cp(folder, copy, { recursive: true });
      purged = await purge(copy, stages[0]!);
    }
    const late = await purge(folder, stages.at(-1)!);
    return resultsOf(stages, purged!, late);
  } finally {
    for (const path of [folder, copy]) await rm(path, { recursive: true, force: true });
  }
};

async function withStore<T>(folder: string, use: (ask: <A>(question: StoreQuestion) => Promise<A>) => Promise<T>) {
  const helper = startHelper('load/store.ts', 'server');
  try {
    await helper.ask({ kind: 'open', folder, days: DAYS } satisfies StoreQuestion);
    return await use((question) => helper.ask(question));
  } finally {
    await helper.stop();
  }
}

/** Stores further values of each device, its first one being of `start`, then lets devices write. `before`: bytes in use. */
async function measureStage(
  folder: string,
  { start, from, upTo }: { readonly start: number; readonly from: number; readonly upTo: number },
  before: number,
  options: BenchOptions,
): Promise<Stage> {
  const fill = { kind: 'fill', from: 0, devices: DEVICES, together: TOGETHER, apart: false, start } as const;
  const { used, cpu } = await withStore(folder, async (ask) => {
    const { cpu, seconds } = await ask<FillAnswer>({ ...fill, first: from, values: upTo - from });
    const points = upTo * DEVICES;
    options.say(`  ${points.toLocaleString('en')} values stored, ${seconds.toFixed(0)} s for the last part`);
    return { cpu, ...(await ask<Size>({ kind: 'close' })) };
  });
  const written = await writes(folder, `writer-${upTo}-`, options);
  const after = await withStore(folder, (ask) => ask<Size>({ kind: 'close' }));
  const points = upTo * DEVICES;
  const added = (upTo - from) * DEVICES;
  const stage: Stage = {
    points,
    bytesPerPoint: (used - before) / added,
    used: after.used,
    fillCpu: (cpu / added) * 1000,
    writeCpu: written.cpu,
    writeRate: written.rate,
    share: written.share,
    bytesPerWrite: (after.used - used) / written.count,
  };
  options.say(`    ${stage.writeCpu.toFixed(1)} CPU ms for 1,000 writes, ${Math.round(stage.writeRate)} writes/s`);
  return stage;
}

/** `prefix`: of the identities of the devices that write, which are new ones. */
async function writes(folder: string, prefix: string, options: BenchOptions) {
  const server = await startSlipway(options.nodeFlags, {}, folder);
  const load = startHelper('load/http.ts', 'load');
  try {
    const question: LoadQuestion = {
      kind: 'open',
      name: 'ours',
      target: server.target('http'),
      connections: WRITERS,
    };
    await load.ask(question);
    const tokens = await provision(server, load, 'ours', WRITERS, prefix);
    const requests = tokens.map((token) => [write(server.host, token, '21.50')]);
    const rounds: { cpu: number; rate: number; share: number; count: number }[] = [];
    for (let round = -1; round < options.rounds; round += 1) {
      const before = cpuMs(server.pid) ?? Number.NaN;
      const run: LoadQuestion = { kind: 'run', name: 'ours', seconds: options.seconds, requests };
      const { answered: count, seconds, share } = await load.ask<LoadAnswer>(run);
      await pause(SETTLE);
      const cpu = (((cpuMs(server.pid) ?? Number.NaN) - before) / count) * 1000;
      rounds.push({ cpu, rate: count / seconds, share, count });
    }
    const of = (name: 'cpu' | 'rate' | 'share') => median(rounds.slice(1).map((round) => round[name]));
    const count = rounds.reduce((sum, round) => sum + round.count, 0);
    return { cpu: of('cpu'), rate: of('rate'), share: of('share'), count };
  } finally {
    await Promise.all([server.stop(), load.stop()]);
  }
}

interface Purged extends PurgeAnswer {
  /** Values that the room would hold that was freed. */
  readonly points: number;
}

/** Removes what is older than the day after tomorrow, all of it or as much as the time allows. */
async function purge(folder: string, { bytesPerPoint }: Stage): Promise<Purged> {
  const before = await withStore(folder, (ask) => ask<Size>({ kind: 'close' }));
  return withStore(folder, async (ask) => {
    const now = Date.now() * 1000 + (DAYS + 2) * DAY;
    const answer = await ask<PurgeAnswer>({ kind: 'purge', now, seconds: PURGE_SECONDS });
    const after = await ask<Size>({ kind: 'close' });
    return { ...answer, points: (before.used - after.used) / bytesPerPoint };
  });
}

function resultsOf(stages: readonly Stage[], early: Purged, late: Purged): Record<string, Result> {
  const [first, last] = [stages[0]!, stages.at(-1)!];
  const common = { goal: null, reference_cpu_ms_per_1000: null, load_share: null, rounds: 1 };
  const each = (name: keyof Stage) => Object.fromEntries(stages.map((stage) => [`at_${stage.points}`, stage[name]]));
  const purgeCpu = ({ cpu, points }: Purged) => (cpu / points) * 1000;
  return {
    'growth-write': {
      ...common,
      ours: last.writeCpu,
      reference: first.writeCpu,
      ratio: first.writeCpu / last.writeCpu,
      unit: 'CPU ms/1000',
      cpu_ms_per_1000: last.writeCpu,
      reference_cpu_ms_per_1000: first.writeCpu,
      load_share: last.share,
      ...each('writeCpu'),
      writes_per_second: stages.map(({ writeRate }) => Math.round(writeRate)),
    },
    'growth-size': {
      ...common,
      ours: last.bytesPerPoint,
      reference: first.bytesPerPoint,
      ratio: first.bytesPerPoint / last.bytesPerPoint,
      unit: 'bytes/value',
      cpu_ms_per_1000: last.fillCpu,
      reference_cpu_ms_per_1000: first.fillCpu,
      ...each('bytesPerPoint'),
      bytes_per_write_of_one_value: stages.map(({ bytesPerWrite }) => Math.round(bytesPerWrite)),
    },
    // Beside what it costs to store them.
    'growth-purge': {
      ...common,
      ours: purgeCpu(early),
      reference: first.fillCpu,
      ratio: first.fillCpu / purgeCpu(early),
      unit: 'CPU ms/1000',
      cpu_ms_per_1000: purgeCpu(early),
      reference_cpu_ms_per_1000: first.fillCpu,
      all_removed: early.done,
      seconds: early.seconds,
      steps: early.steps,
      longest_step_ms: early.longest,
      [`cpu_ms_per_1000_at_${last.points}`]: purgeCpu(late),
      [`longest_step_ms_at_${last.points}`]: late.longest,
    },
  };
}
