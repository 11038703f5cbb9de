/** What `npm run bench` is told, and what it says when it is told something else. */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { BenchOptions } from './result.ts';
import { apart, rows } from './rows.ts';

const usage = `Usage: npm run bench [-- <row>… <options>]

Rows: ${Object.keys(rows)
  .map((name) => (apart.has(name) ? `${name} (by name or --large)` : name))
  .join(', ')}

--rounds 5             of each side, alternating
--seconds 2            of a round
--rows 1000000         devices of import, list, lists, console, bulk
--points 10000000      values stored for history and growth
--connections 4000     MQTT connections that only stand (idle)
--polls 3000           long polls, and devices that come back at once (mqtt-storm)
--large                takes its time: 15 rounds of 6 s, 100,000,000 values, 10,000 connections, 15,000 polls, and the rows apart
--node <flag>          for the server's Node, e.g. --node=--cpu-prof --node=--cpu-prof-dir=/tmp/profiles
--compare <revision>   runs the same rows for a revision of git and for this checkout in turn, --rounds times each
--results <file>       where the figures are written, bench/results.json unless said
`;

export interface CommandLine {
  readonly options: BenchOptions;
  readonly names: readonly string[];
  /** A revision of git. */
  readonly compare: string | null;
  readonly results: string;
}

/** Ends the process where there is nothing to run. */
export function readCommandLine(): CommandLine {
  const text = { type: 'string' } as const;
  const { values, positionals } = parseArgs({
    options: {
      rounds: text,
      seconds: text,
      rows: text,
      points: text,
      polls: text,
      connections: text,
      large: { type: 'boolean', default: false },
      node: { type: 'string', multiple: true },
      compare: text,
      results: text,
      help: { type: 'boolean', short: 'h' },
    },
    allowPositionals: true,
  });
  const { large } = values;
  const unknown = positionals.filter((name) => !Object.hasOwn(rows, name));
  if (unknown.length > 0 || values.help) {
    process.stdout.write(unknown.length > 0 ? `Unknown row ${unknown.join(', ')}.\n\n${usage}` : usage);
    process.exit(unknown.length > 0 ? 2 : 0);
  }
  const number = (given: string | undefined, usual: number, whenLarge = usual) =>
    Number(given ?? (large ? whenLarge : usual));
  const options: BenchOptions = {
    rounds: number(values.rounds, 5, 15),
    seconds: number(values.seconds, 2, 6),
    rows: number(values.rows, 1_000_000),
    points: number(values.points, 10_000_000, 100_000_000),
    polls: number(values.polls, 3_000, 15_000),
    connections: number(values.connections, 4_000, 10_000),
    large,
    nodeFlags: values.node ?? [],
    say: (line) => process.stdout.write(`${line}\n`),
  };
  const all = Object.keys(rows).filter((name) => large || !apart.has(name));
  return {
    options,
    names: positionals.length > 0 ? positionals : all,
    compare: values.compare ?? null,
    results: values.results ?? join(import.meta.dirname, 'results.json'),
  };
}
