/**
 * What `npm test` runs: every `*.test.ts` under `src` and `test`, by Node's own test runner, two files at a time.
 * Paths or parts of paths as arguments choose among them. Missing tools, or no test at all, are failures. A file of the browser's
 * that failed beside another one is run once more by itself, and is called unstable where it passes then.
 */
import { globSync } from 'node:fs';
import { join, sep } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { buildConsole } from '../src/console/build.ts';
import { createLogger } from '../src/log.ts';
import { prepareBrowser } from '../test/browser/chromium.ts';
import { missingTool, pythonWithPaho, runTool } from '../test/helpers/tool.ts';

const root = join(import.meta.dirname, '..');
/** Files at a time. Each starts servers of its own, so more would measure the machine, not the product. */
const CONCURRENCY = 2;
/** A file that takes longer hangs, ms. */
const FILE_TIMEOUT = 600_000;

/** The version of a tool, first line; null if it is not there. */
async function versionOf(tool: string, flag: string): Promise<string | null> {
  const result = await runTool(tool, [flag]).catch(() => null);
  // Those of Mosquitto end with 1 when they have told their version.
  return result !== null && result.code! <= 1 ? (result.stdout.toString().split('\n')[0] ?? '') : null;
}

function chosenFiles(parts: readonly string[]): string[] {
  const files = globSync(['src/**/*.test.ts', 'test/**/*.test.ts', 'scripts/**/*.test.ts', 'console/**/*.test.ts'], {
    cwd: root,
    exclude: (path) => path.includes('node_modules'),
  });
  return files.filter((file) => parts.length === 0 || parts.some((part) => file.includes(part))).sort();
}

interface Outcome {
  /** Files in which no test ran. */
  readonly empty: readonly string[];
  readonly failed: readonly string[];
}

/** Runs the files; resolves once the summary is printed. Paths are absolute. */
async function runFiles(files: readonly string[]): Promise<Outcome> {
  const empty = new Set(files);
  const failed = new Set<string>();
  const events = run({ files: [...empty], concurrency: CONCURRENCY, timeout: FILE_TIMEOUT, cwd: root });
  // Tests may be written in one file and run by another, as suites are: `entryFile` is the one that ran.
  const note = ({ name, entryFile }: { name: string; entryFile?: string }) => {
    // A file without tests is told as one test of its name.
    if (entryFile !== undefined && name !== entryFile) empty.delete(entryFile);
  };
  events.on('test:pass', note);
  events.on('test:fail', (failure) => {
    note(failure);
    // A file that ends before its tests do is told by its name alone.
    failed.add((failure as { entryFile?: string }).entryFile ?? failure.file ?? failure.name);
  });
  for await (const text of events.compose(new spec())) process.stdout.write(text);
  return { empty: [...empty], failed: [...failed] };
}

const inBrowser = (file: string) => file.startsWith(join(root, 'test', 'browser', sep));

/** Runs all; those in a browser that failed, and nothing else did, once more by themselves. Resolves with whether all is well. */
async function runAll(files: readonly string[]): Promise<boolean> {
  const { empty, failed } = await runFiles(files.map((file) => join(root, file)));
  for (const file of empty) console.error(`No test ran in ${file}.`);
  if (empty.length > 0 || !failed.every(inBrowser)) return false;
  if (failed.length === 0) return true;
  console.error(`Once more, by themselves: ${failed.join(', ')}`);
  const again = await runFiles(failed);
  for (const file of failed.filter((file) => !again.failed.includes(file)))
    console.error(`UNSTABLE: ${file} failed, and passed when it was run again. What failed is above; it is a defect.`);
  return again.failed.length === 0 && again.empty.length === 0;
}

const versions = {
  curl: await versionOf('curl', '--version'),
  openssl: await versionOf('openssl', 'version'),
  mosquitto_pub: await versionOf('mosquitto_pub', '--version'),
  mosquitto_sub: await versionOf('mosquitto_sub', '--version'),
  paho: (await pythonWithPaho())?.version ?? null,
  promtool: await versionOf('promtool', '--version'),
  pg_dump: await versionOf('pg_dump', '--version'),
};
console.log(`node          ${process.version}`);
for (const [tool, version] of Object.entries(versions)) console.log(`${tool.padEnd(13)} ${version ?? 'missing'}`);

/** Tools of others: where they are missing, their tests say so and are left out, but on CI. */
const foreign = new Set(['mosquitto_pub', 'mosquitto_sub', 'paho', 'promtool', 'pg_dump']);
const missing = Object.entries(versions).filter(
  ([tool, version]) => version === null && (process.env.CI === 'true' || !foreign.has(tool)),
);
const files = chosenFiles(process.argv.slice(2));
if (missing.length > 0) {
  for (const [tool] of missing) console.error(missingTool(tool));
  process.exitCode = 1;
} else if (files.length === 0) {
  console.error('No test file was found.');
  process.exitCode = 1;
} else {
  // Once, and not by the first of the servers that the tests start.
  await buildConsole(createLogger('info', process.stdout));
  console.log(`chromium ${await prepareBrowser()}`);
  if (!(await runAll(files))) process.exitCode = 1;
}
