/**
 * `--compare <revision>`: runs the same rows for a revision of git and for this checkout, in turn, and says what has become of
 * the figures. The bench itself is the one of this checkout for both: only the server, and its store, are of the other.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { median } from './measure.ts';
import { type BenchOptions, isRate, type Result } from './result.ts';
import { columns, short } from './table.ts';

const root = resolve(import.meta.dirname, '..');
type Results = Readonly<Record<string, Result>>;
interface Pair {
  readonly ours: Results;
  readonly theirs: Results;
}

/** Throws where there is no such revision. Leaves nothing behind. */
export async function compareRevisions(
  revision: string,
  names: readonly string[],
  options: BenchOptions,
): Promise<void> {
  const commit = git('rev-parse', '--verify', '--quiet', `${revision}^{commit}`);
  const folder = mkdtempSync(join(tmpdir(), 'slipway-compare-'));
  const other = join(folder, 'checkout');
  let running: ChildProcess | null = null;
  const clear = () => {
    running?.kill();
    git('worktree', 'remove', '--force', other);
    rmSync(folder, { recursive: true, force: true });
  };
  options.say(`${git('log', '-1', '--format=%h %s', commit)}\nis put beside this checkout …`);
  process.once('exit', clear);
  git('worktree', 'add', '--detach', '--quiet', other, commit);
  install(other, commit);
  const measure = async (checkout: string): Promise<Results> => {
    const results = join(folder, 'results.json');
    const args = [join(import.meta.dirname, 'run.ts'), ...names, ...flagsOf(options), '--results', results];
    const env = { ...process.env, BENCH_CHECKOUT: checkout };
    running = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'inherit'] });
    const [code] = await once(running, 'exit');
    running = null;
    if (code !== 0)
      throw new Error(`the bench of ${checkout === root ? 'this checkout' : revision} ended with ${code}`);
    return JSON.parse(readFileSync(results, 'utf8')).results;
  };
  const pairs: Pair[] = [];
  for (let n = 0; n < options.rounds; n += 1) {
    // Old, new, new, old, …: what drifts on the machine is no advantage to either.
    const first = await measure(n % 2 === 0 ? other : root);
    const second = await measure(n % 2 === 0 ? root : other);
    pairs.push(n % 2 === 0 ? { theirs: first, ours: second } : { theirs: second, ours: first });
    options.say(`  ${n + 1} of ${options.rounds} pairs`);
  }
  options.say(
    `\n${comparison(pairs)}\n\nSpeed: new ÷ old, of durations and sizes old ÷ new; higher is better.\n` +
      'By ratio: the same of the ratios to the reference, which each run measured for itself. CPU: new ÷ old.',
  );
}

const git = (...args: string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();

/** Packages of the same lock file are linked, others installed; and the console is built, which else the first server would do while it is measured. */
function install(checkout: string, commit: string): void {
  const same =
    git('show', `${commit}:package-lock.json`) === readFileSync(join(root, 'package-lock.json'), 'utf8').trim();
  if (!(same && linked(checkout))) npm(checkout, 'ci');
  npm(checkout, 'run', 'build', '--if-present');
}

/** False where the folders are on different file systems. */
function linked(checkout: string): boolean {
  const to = join(checkout, 'node_modules');
  try {
    execFileSync('cp', ['-al', join(root, 'node_modules'), to], { stdio: 'ignore' });
    return true;
  } catch {
    rmSync(to, { recursive: true, force: true });
    return false;
  }
}

function npm(cwd: string, ...args: string[]): void {
  execFileSync('npm', args, { cwd, stdio: ['ignore', 'ignore', 'inherit'] });
}

/** For one run of a pair: the rounds are the pairs. */
function flagsOf(options: BenchOptions): string[] {
  const { seconds, rows, points, polls, connections, large, nodeFlags } = options;
  const numbers = { rounds: 1, seconds, rows, points, polls, connections };
  return [
    ...Object.entries(numbers).map(([name, value]) => `--${name}=${value}`),
    ...(large ? ['--large'] : []),
    ...nodeFlags.map((flag) => `--node=${flag}`),
  ];
}

function comparison(pairs: readonly Pair[]): string {
  const names = Object.keys(pairs[0]!.ours).filter((name) =>
    pairs.every(({ ours, theirs }) => Object.hasOwn(ours, name) && Object.hasOwn(theirs, name)),
  );
  const headings = ['', 'new', 'old', 'speed', 'lowest', 'highest', 'by ratio', 'CPU ms/1000', "old's", 'CPU'];
  return columns([headings, ...names.map((name) => lineOf(name, pairs))]);
}

function lineOf(name: string, pairs: readonly Pair[]): string[] {
  const of = (pick: (result: Result) => number | null, side: keyof Pair) => {
    const values = pairs.map((pair) => pick(pair[side][name]!)).filter((value) => value !== null);
    return values.length < pairs.length ? null : median(values);
  };
  const { unit } = pairs[0]!.ours[name]!;
  const speeds = pairs.map(({ ours, theirs }) => {
    const quotient = ours[name]!.ours / theirs[name]!.ours;
    return isRate(unit) ? quotient : 1 / quotient;
  });
  const cpus = pairs.map(({ ours, theirs }) => ours[name]!.cpu_ms_per_1000! / theirs[name]!.cpu_ms_per_1000!);
  const measured = (result: Result) => result.ours;
  const cpu = (result: Result) => result.cpu_ms_per_1000;
  return [
    name,
    `${short(of(measured, 'ours'))} ${unit}`,
    short(of(measured, 'theirs')),
    median(speeds).toFixed(2),
    Math.min(...speeds).toFixed(2),
    Math.max(...speeds).toFixed(2),
    median(pairs.map(({ ours, theirs }) => ours[name]!.ratio / theirs[name]!.ratio)).toFixed(2),
    short(of(cpu, 'ours')),
    short(of(cpu, 'theirs')),
    of(cpu, 'ours') === null || of(cpu, 'theirs') === null ? 'n/a' : median(cpus).toFixed(2),
  ];
}
