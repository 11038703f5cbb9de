/**
 * `npm run bench [-- <row>…]`: measures Slipway on this machine against what it is compared with, prints a table and
 * writes bench/results.json.
 */
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { pinned, pinSelf } from './cores.ts';
import { dropFleet } from './fleet.ts';
import type { BenchOptions, Result, Row } from './result.ts';
import { activate } from './rows/activate.ts';
import { consoleRow } from './rows/console.ts';
import { httpWrite, httpWriteTls } from './rows/http-write.ts';
import { idle } from './rows/idle.ts';
import { importRow } from './rows/import.ts';
import { lists } from './rows/lists.ts';
import { mqttPublish } from './rows/mqtt-publish.ts';
import { mqttStorm } from './rows/mqtt-storm.ts';
import { pgWrite } from './rows/pg-write.ts';
import { polls } from './rows/polls.ts';
import { details, table } from './table.ts';

const rows: Readonly<Record<string, Row>> = {
  'http-write': httpWrite,
  'http-write-tls': httpWriteTls,
  'mqtt-publish': mqttPublish,
  'mqtt-storm': mqttStorm,
  idle,
  activate,
  import: importRow,
  lists,
  console: consoleRow,
  polls,
  'pg-write': pgWrite,
};

const usage = `Usage: npm run bench [-- <row>… --rounds 5 --seconds 3 --rows 1000000 --polls 15000 --connections 10000 --large]

Rows: ${Object.keys(rows).join(', ')}
--large: three times as many rounds, each twice as long.
--node <flag>: for the server's Node, e.g. --node=--cpu-prof
`;

const { options, names } = readCommandLine();
pinSelf();
// Ending in order ends the servers too.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
options.say(
  pinned
    ? 'The server has one core, the load another.'
    : 'Not pinned: no second core or no taskset; noisier, and the load takes its share.',
);
const results: Record<string, Result> = {};
for (const name of names) {
  options.say(`\n${name}`);
  const start = performance.now();
  for (const [row, result] of Object.entries(await rows[name]!(options))) {
    results[row] = result;
    options.say(details(result));
  }
  options.say(`  took ${((performance.now() - start) / 1000).toFixed(0)} s`);
}
await dropFleet();
options.say(`\n${table(results)}`);
const machine = { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, pinned, node: process.version };
writeFileSync(join(import.meta.dirname, 'results.json'), `${JSON.stringify({ results, machine }, null, 2)}\n`);

function readCommandLine(): { options: BenchOptions; names: string[] } {
  const text = { type: 'string' } as const;
  const { values, positionals } = parseArgs({
    options: {
      rounds: text,
      seconds: text,
      rows: text,
      polls: text,
      connections: text,
      large: { type: 'boolean', default: false },
      node: { type: 'string', multiple: true },
      help: { type: 'boolean', short: 'h' },
    },
    allowPositionals: true,
  });
  const unknown = positionals.filter((name) => !Object.hasOwn(rows, name));
  if (unknown.length > 0 || values.help) {
    process.stdout.write(unknown.length > 0 ? `Unknown row ${unknown.join(', ')}.\n\n${usage}` : usage);
    process.exit(unknown.length > 0 ? 2 : 0);
  }
  const options: BenchOptions = {
    rounds: Number(values.rounds ?? (values.large ? 15 : 5)),
    seconds: Number(values.seconds ?? (values.large ? 6 : 3)),
    rows: Number(values.rows ?? 1_000_000),
    polls: Number(values.polls ?? 15_000),
    connections: Number(values.connections ?? 10_000),
    large: values.large,
    nodeFlags: values.node ?? [],
    say: (line) => process.stdout.write(`${line}\n`),
  };
  return { options, names: positionals.length > 0 ? positionals : Object.keys(rows) };
}
