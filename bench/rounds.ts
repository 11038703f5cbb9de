/** Alternating rounds: ours, reference, ours, … so that what disturbs the machine disturbs both; medians of each. */
import { setTimeout as pause } from 'node:timers/promises';
import type { LoadAnswer } from './load/http.ts';
import { cpuMs, median, stolenMs } from './measure.ts';
import type { Result } from './result.ts';

/** One round of one side. */
export interface Round {
  /** Requests a second. */
  readonly rate: number;
  readonly cpuPer1000: number | null;
  readonly share: number;
  /** CPU time that the hypervisor took away meanwhile, as a share of a core. */
  readonly stolen: number;
}

/** ms after a round in which the server finishes what it put off; its CPU time counts, its clock time does not. */
const SETTLE = 800;

/** A pair of rounds that lost more than this share of a core to other machines tells of them, not of us: it is run again. */
const STOLEN_MAX = 0.02;
/** … this often for each pair wanted; then the least disturbed are taken. */
const TRIES = 2;

/** Runs one round against the process `pid`. */
export async function measureRound(pid: number, load: () => Promise<LoadAnswer>): Promise<Round> {
  const before = cpuMs(pid);
  const stolenBefore = stolenMs();
  const { answered, seconds, share } = await load();
  const stolen = ((stolenMs() ?? 0) - (stolenBefore ?? 0)) / 1000 / seconds;
  await pause(SETTLE);
  const after = cpuMs(pid);
  const cpuPer1000 = before === null || after === null ? null : ((after - before) / answered) * 1000;
  return { rate: answered / seconds, cpuPer1000, share, stolen };
}

/** How often at most `compareRates` runs a round of each side. */
export const roundsAtMost = (rounds: number): number => 1 + TRIES * rounds;

/** One round each to warm up, then `rounds` of each in turn. Ratio: ours ÷ reference of each pair, the median of them. */
export async function compareRates(
  rounds: number,
  ours: () => Promise<Round>,
  reference: () => Promise<Round>,
): Promise<Result & { readonly ratio_of_cpu: number | null }> {
  await ours();
  await reference();
  const { pairs, disturbed } = await runPairs(rounds, ours, reference);
  const of = (side: 'ours' | 'reference', figure: keyof Round) => {
    const values = pairs.map((pair) => pair[side][figure]);
    return values.includes(null) ? null : median(values as number[]);
  };
  const ratios = pairs.map((pair) => pair.ours.rate / pair.reference.rate);
  const cpuRatios = pairs.flatMap(({ ours, reference }) =>
    ours.cpuPer1000 === null || reference.cpuPer1000 === null ? [] : [reference.cpuPer1000 / ours.cpuPer1000],
  );
  return {
    ours: of('ours', 'rate')!,
    reference: of('reference', 'rate')!,
    ratio: median(ratios),
    unit: 'requests/s',
    goal: null,
    cpu_ms_per_1000: of('ours', 'cpuPer1000'),
    reference_cpu_ms_per_1000: of('reference', 'cpuPer1000'),
    load_share: of('ours', 'share'),
    reference_load_share: of('reference', 'share'),
    rounds,
    disturbed_rounds: disturbed,
    lowest_ratio: Math.min(...ratios),
    highest_ratio: Math.max(...ratios),
    ratio_of_cpu: cpuRatios.length === 0 ? null : median(cpuRatios),
  };
}

interface Pair {
  readonly ours: Round;
  readonly reference: Round;
}

async function runPairs(
  wanted: number,
  ours: () => Promise<Round>,
  reference: () => Promise<Round>,
): Promise<{ pairs: Pair[]; disturbed: number }> {
  const stolen = (pair: Pair) => Math.max(pair.ours.stolen, pair.reference.stolen);
  const all: Pair[] = [];
  const quiet = () => all.filter((pair) => stolen(pair) <= STOLEN_MAX).length;
  while (quiet() < wanted && all.length < TRIES * wanted)
    all.push({ ours: await ours(), reference: await reference() });
  const pairs = all.toSorted((a, b) => stolen(a) - stolen(b)).slice(0, wanted);
  return { pairs, disturbed: all.length - quiet() };
}
