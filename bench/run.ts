/**
 * `npm run bench [-- <row>…]`: measures Slipway on this machine against what it is compared with, prints a table and
 * writes bench/results.json. `--compare <revision>` measures two revisions against each other instead.
 */
import { writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { readCommandLine } from './command-line.ts';
import { compareRevisions } from './compare.ts';
import { pinned, pinSelf } from './cores.ts';
import { dropFleet } from './fleet.ts';
import type { BenchOptions, Result } from './result.ts';
import { onFleet, rows } from './rows.ts';
import { details, table } from './table.ts';

const { options, names, compare, results: file } = readCommandLine();
// Ending in order ends the servers too.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
if (compare === null) await measure(names, options);
else await compareRevisions(compare, names, options);

async function measure(names: readonly string[], options: BenchOptions): Promise<void> {
  pinSelf();
  const load = loadavg()[0]!;
  options.say(
    pinned
      ? 'The server has one core, the load another.'
      : 'Not pinned: no second core or no taskset; noisier, and the load takes its share.',
  );
  options.say(`Load of the machine before: ${load.toFixed(1)}.`);
  const results: Record<string, Result> = {};
  const begun = performance.now();
  for (const name of names) {
    if (!onFleet.has(name)) await dropFleet();
    options.say(`\n${name}`);
    const start = performance.now();
    for (const [row, result] of Object.entries(await rows[name]!(options))) {
      results[row] = result;
      options.say(details(row, result));
    }
    options.say(`  took ${secondsSince(start)} s`);
  }
  await dropFleet();
  options.say(`\n${table(results)}\n\n${secondsSince(begun)} s in all`);
  const machine = {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    pinned,
    node: process.version,
    load_before: load,
  };
  writeFileSync(file, `${JSON.stringify({ results, machine }, null, 2)}\n`);
}

function secondsSince(start: number): string {
  return ((performance.now() - start) / 1000).toFixed(0);
}
