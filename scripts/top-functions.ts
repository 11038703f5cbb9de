/**
 * `node scripts/top-functions.ts <file.cpuprofile>… [--lines 40] [--from 0.3] [--to 0.9]`: where the time of a CPU profile went, by
 * function and by file, as shares of the time that was not idle. `--from` and `--to` cut off start and end of the recording.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

/** What `node --cpu-prof` writes (Chrome DevTools protocol, Profiler.Profile); times in µs. */
interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: CallFrame;
    readonly children?: readonly number[];
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
  readonly startTime: number;
  readonly endTime: number;
}
interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
}

const text = { type: 'string' } as const;
const { values, positionals } = parseArgs({ options: { lines: text, from: text, to: text }, allowPositionals: true });
const bounds = { lines: Number(values.lines ?? 40), from: Number(values.from ?? 0), to: Number(values.to ?? 1) };
if (positionals.length === 0 || Object.values(bounds).some(Number.isNaN)) {
  console.error('Usage: node scripts/top-functions.ts <file.cpuprofile>… [--lines 40] [--from 0.3] [--to 0.9]');
  process.exitCode = 2;
}
for (const file of positionals) show(file, JSON.parse(readFileSync(file, 'utf8')));

function show(file: string, profile: Profile): void {
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]));
  const times = selfTimes(profile);
  const busy = [...times].reduce((sum, [id, time]) => sum + (isIdle(frames.get(id)!) ? 0 : time), 0);
  const all = [...times.values()].reduce((sum, time) => sum + time, 0);
  console.log(`${file}: ${(busy / 1e6).toFixed(2)} s busy of ${(all / 1e6).toFixed(2)} s`);
  const inside = inclusiveTimes(profile, times, frames);
  const functions = sum(times, (id) => functionName(frames.get(id)!), frames);
  console.log('\n  self  with callees  function');
  for (const [name, time] of top(functions)) {
    console.log(`${share(time, busy)}        ${share(inside.get(name)!, busy)}  ${name}`);
  }
  console.log('\n  self  file');
  for (const [name, time] of top(sum(times, (id) => fileName(frames.get(id)!), frames))) {
    console.log(`${share(time, busy)}  ${name}`);
  }
  console.log();
}

/** µs by node. */
function selfTimes({ samples, timeDeltas, startTime, endTime }: Profile): Map<number, number> {
  const [from, to] = [bounds.from, bounds.to].map((part) => startTime + (endTime - startTime) * part) as [
    number,
    number,
  ];
  const times = new Map<number, number>();
  let at = startTime;
  for (const [n, id] of samples.entries()) {
    at += timeDeltas[n]!;
    if (at >= from && at <= to) times.set(id, (times.get(id) ?? 0) + timeDeltas[n]!);
  }
  return times;
}

/** µs by function with all that it called; a function that calls itself counts once. */
function inclusiveTimes(
  { nodes }: Profile,
  times: ReadonlyMap<number, number>,
  frames: ReadonlyMap<number, CallFrame>,
): Map<string, number> {
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)));
  const inside = new Map<string, number>();
  for (const [id, time] of times) {
    const names = new Set<string>();
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at))
      names.add(functionName(frames.get(at)!));
    for (const name of names) inside.set(name, (inside.get(name) ?? 0) + time);
  }
  return inside;
}

function sum(
  times: ReadonlyMap<number, number>,
  nameOf: (id: number) => string,
  frames: ReadonlyMap<number, CallFrame>,
): Map<string, number> {
  const sums = new Map<string, number>();
  for (const [id, time] of times) {
    if (!isIdle(frames.get(id)!)) sums.set(nameOf(id), (sums.get(nameOf(id)) ?? 0) + time);
  }
  return sums;
}

function top(sums: ReadonlyMap<string, number>): [name: string, time: number][] {
  return [...sums].sort(([, a], [, b]) => b - a).slice(0, bounds.lines);
}

function share(time: number, busy: number): string {
  return `${((time / busy) * 100).toFixed(1).padStart(5)}%`;
}

function isIdle({ functionName }: CallFrame): boolean {
  return functionName === '(idle)';
}

/** As it stands in the sources, from `src/` or the package on. */
function fileName({ url, functionName }: CallFrame): string {
  if (url === '') return functionName.startsWith('(') ? functionName : 'native';
  return url.replace(/^.*\/(?=src\/)|^.*\/node_modules\//, '');
}

function functionName(frame: CallFrame): string {
  const name = frame.functionName === '' ? '(anonymous)' : frame.functionName;
  return frame.url === '' ? name : `${name} ${fileName(frame)}:${frame.lineNumber + 1}`;
}
