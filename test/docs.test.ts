/**
 * Holds the documents to the product: links and files that they name are there, tables of settings, limits, calls and
 * packages say what the sources say, and the commands of the guides give the answers printed below them.
 */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, normalize } from 'node:path';
import { describe, test } from 'node:test';
import { runInNewContext } from 'node:vm';
import { routes } from '../src/api/routes.ts';
import { clientSettings, configHelp } from '../src/config.ts';
import { admin, root, startServer, type TestServer } from './helpers/server.ts';
import { leftOut, runTool } from './helpers/tool.ts';

const files = [...globSync('*.md', { cwd: root }), ...globSync('docs/**/*.md', { cwd: root })].sort();
const read = (file: string) => readFileSync(join(root, file), 'utf8');
const manifest = JSON.parse(read('package.json'));
const fences = /^```[\s\S]*?^```$/gm;

/** The text of a section, up to the next heading of its level. */
function section(file: string, heading: string): string {
  const [, rest] = read(file).split(`\n## ${heading}\n`);
  assert.ok(rest !== undefined, `${file} has no section "${heading}"`);
  return rest.split(/^## /m, 1)[0]!;
}

/** As GitHub makes anchors of headings. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-');

function anchorsIn(file: string): Set<string> {
  const headings = read(file)
    .replace(fences, '')
    .matchAll(/^#+ (.+)$/gm);
  return new Set(Array.from(headings, ([, heading]) => anchorOf(heading!)));
}

test('every relative link leads to a file, and to a heading of it', () => {
  let links = 0;
  for (const file of files) {
    for (const [, target] of read(file)
      .replace(fences, '')
      .matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target!)) continue;
      const [path, anchor] = target!.split('#') as [string, string | undefined];
      const to = path === '' ? file : normalize(join(dirname(file), path));
      assert.ok(existsSync(join(root, to)), `${file} links to ${target}`);
      if (anchor !== undefined) assert.ok(anchorsIn(to).has(anchor), `${file} links to ${target}`);
      links += 1;
    }
  }
  assert.ok(links > 50);
});

test('every source file and folder that a document names is there', () => {
  for (const file of files) {
    for (const [path] of read(file).matchAll(/\b(?:src|test|scripts|bench)\/[\w./-]*\w/g)) {
      assert.ok(existsSync(join(root, path)), `${file} names ${path}`);
    }
  }
});

test('every npm script that a document names is in package.json, and the README has the two commands', () => {
  for (const file of files) {
    for (const [, run, name] of read(file).matchAll(/\bnpm (run )?([\w-]+)/g)) {
      if (run === undefined && name !== 'start' && name !== 'test') continue;
      assert.ok(Object.hasOwn(manifest.scripts, name!), `${file} names npm ${name}`);
    }
  }
  const commands = section('README.md', 'Run it').match(/^npm .*$/gm);
  assert.deepEqual(commands, ['npm ci && npm start', 'npm ci && npm test']);
});

test('docs/operations.md lists every SLIPWAY_ variable with its default; no document names another one', () => {
  const source = read('src/config.ts').matchAll(/^ {2}(SLIPWAY_\w+): \{\s*initial: '([^']*)'/gm);
  const settings = new Map(Array.from(source, ([, name, initial]) => [name!, initial!]));
  assert.ok(configHelp().split('\n').length === settings.size);
  const rows = section('docs/operations.md', 'Configuration').matchAll(/^\| `(SLIPWAY_\w+)` \| ([^|]*) \|/gm);
  const listed = Array.from(rows, ([, name, initial]) => [name!, initial!] as const);
  assert.deepEqual(
    listed.map(([name]) => name),
    [...settings.keys()],
  );
  for (const [name, initial] of listed) {
    const wanted = settings.get(name);
    if (wanted !== '') assert.equal(initial, `\`${wanted}\``, name);
  }
  for (const file of files) {
    // SLIPWAY_TEST_… is for the tests, which take it from their environment.
    for (const [name] of read(file).matchAll(/\bSLIPWAY_(?!TEST_)\w+/g)) {
      assert.ok(settings.has(name) || Object.hasOwn(clientSettings, name), `${file} names ${name}`);
    }
  }
});

test('docs/operations.md tells of every variable that commands read', () => {
  const text = section('docs/operations.md', 'The command line');
  for (const name of Object.keys(clientSettings)) assert.ok(text.includes(`\`${name}\``), name);
});

/** The value of a constant, or of one in an object (`limits.name`), as its source writes it. */
function constantIn(file: string, name: string): number {
  const [object, property] = name.split('.');
  const source = read(file);
  const of =
    property === undefined
      ? new RegExp(`^(?:export )?const ${object} = ([^;]+);`, 'm')
      : new RegExp(`^(?:export )?const ${object} = \\{[^}]*?\\b${property}: ([^,\\n]+),`, 'm');
  const expression = of.exec(source)?.[1]?.replace(/\b[A-Z][A-Z_]+\b/g, (other) => String(constantIn(file, other)));
  assert.match(expression ?? '', /^[\d_ *+<]+$/, `${name} in ${file}`);
  return Number(runInNewContext(expression!));
}

test('docs/operations.md gives each limit as the constant that it names has it', () => {
  const rows = section('docs/operations.md', 'Limits').matchAll(
    /^\| [^|]+ \| ([\d,]+)[^|]* \| \[([\w.]+)\]\(\.\.\/([^)]+)\) \|/gm,
  );
  const limits = Array.from(rows);
  assert.ok(limits.length > 30);
  for (const [, value, name, file] of limits) {
    assert.equal(Number(value!.replaceAll(',', '')), constantIn(file!, name!), `${name} in ${file}`);
  }
});

test('docs/management-api.md lists every call with the role that it needs, and no other', () => {
  const rows = section('docs/management-api.md', 'Calls').matchAll(/^\| `([A-Z]+)` \| `([^`]+)` \| (\w+) \|/gm);
  assert.deepEqual(
    Array.from(rows, ([, method, path, role]) => `${method} ${path} ${role}`),
    routes.map(
      ({ method, path, permission }) => `${method} ${path} ${permission === 'public' ? 'anyone' : permission}`,
    ),
  );
});

test('docs/dependencies.md tells of every package in package.json, and of no other', () => {
  const listed = (heading: string) =>
    Array.from(section('docs/dependencies.md', heading).matchAll(/^\| ([^|]+) \|/gm))
      .flatMap(([, cell]) => Array.from(cell!.matchAll(/`([^`]+)`/g), ([, name]) => name!))
      .sort();
  assert.deepEqual(listed('At run time'), Object.keys(manifest.dependencies).sort());
  assert.deepEqual(listed('For development'), Object.keys(manifest.devDependencies).sort());
});

/** A command as printed, and what stands below it; null where nothing does. */
interface Step {
  readonly command: string;
  readonly answer: string | null;
}

function stepsIn(text: string): Step[] {
  const blocks = text.matchAll(/^```sh\n([\s\S]*?)^```\n(?:\n```text\n([\s\S]*?)^```$)?/gm);
  return Array.from(blocks, ([, command, answer]) => ({ command: command!, answer: answer ?? null }));
}

/** Puts in what the reader is asked to, and the ports and files of this server. */
function filledIn(command: string, server: TestServer, connector: string): string {
  return command
    .replaceAll('the-password-that-was-printed', admin.password)
    .replaceAll('the-connector-id', connector)
    .replaceAll('localhost:8080', `localhost:${server.console}`)
    .replaceAll('localhost:8443', `localhost:${server.https}`)
    .replaceAll('localhost:8883', `localhost:${server.mqtt}`)
    .replaceAll('-p 8883', `-p ${server.mqtt}`)
    .replaceAll('data/ca/ca.pem', server.caPath);
}

/** What differs from run to run: times, and what is made at random. */
const varying: readonly (readonly [RegExp, string])[] = [
  [/\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT/g, '<date>'],
  [/"(connection_id|serial)":"[^"]+"/g, '"$1":"<any>"'],
  [/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, '<uuid>'],
  [/\b(?:[0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{16})\b/g, '<hex>'],
  [/\b[a-z][a-z0-9]{15}\b/g, '<connector>'],
  [/\b\d{10,16}\b/g, '<time>'],
];

/** Comparable: line breaks are the printer's, and what varies is blanked. */
function plain(text: string): string {
  return varying.reduce((rest, [what, blank]) => rest.replace(what, blank), text).replace(/\s+/g, '');
}

function assertAnswer({ command, answer }: Step, given: string): void {
  const pieces = plain(answer ?? '').split('…');
  const wanted = new RegExp(`^${pieces.map((piece) => RegExp.escape(piece)).join('.*?')}$`, 's');
  if (!wanted.test(plain(given))) assert.fail(`${command}\nprinted:\n${answer ?? '(nothing)'}\nanswered:\n${given}`);
}

/** Runs the steps in one shell against a server of their own, in an empty folder, and compares every answer. */
async function assertRuns(text: string, least: number): Promise<void> {
  const steps = stepsIn(text);
  assert.ok(steps.length >= least, `${steps.length} steps`);
  const server = await startServer();
  const folder = await mkdtemp(join(tmpdir(), 'slipway-docs-'));
  // As in the folder of the server, from which all of it is typed.
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  try {
    const { body } = await server.api('GET', '/api:1/connectors');
    const mark = '\n=== next step\n';
    const commands = steps.map(({ command }) => filledIn(command, server, body[0].id));
    const script = commands.map((command) => `printf '${mark.replaceAll('\n', '\\n')}'\n${command}`).join('\n');
    const { stdout, stderr } = await runTool('bash', ['-c', script], folder);
    assert.equal(stderr, '');
    const answers = stdout.toString().split(mark).slice(1);
    assert.equal(answers.length, steps.length);
    for (const [at, step] of steps.entries()) {
      const given = answers[at]!.replaceAll(`:${server.https}`, ':8443').replaceAll(`"${server.https}"`, '"8443"');
      assertAnswer(step, given);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
    await server.stop();
  }
}

const withoutMosquitto = (await leftOut('mosquitto_pub')) || (await leftOut('mosquitto_sub'));

describe('what the reader is told to type gives what is printed below it', () => {
  test('in the README', () => assertRuns(section('README.md', 'Try it'), 5));
  test('in docs/tutorial.md', () => assertRuns(read('docs/tutorial.md'), 30));
  // Its commands call mosquitto_pub and mosquitto_sub.
  test('in docs/device-api.md', { skip: withoutMosquitto }, () => assertRuns(section('docs/device-api.md', 'MQTT'), 5));
  test('in docs/management-api.md', () => assertRuns(read('docs/management-api.md'), 15));
});
