/** The command line: usage from the table, devices and connectors over the management API, completion in a real bash. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { commands } from '../../src/commands/table.ts';
import { openFactory } from '../helpers/authority.ts';
import { callerOf, slipway } from '../helpers/command.ts';
import { careful, makePeople } from '../helpers/people.ts';
import { admin, root, startServer, type TestServer } from '../helpers/server.ts';
import { runTool } from '../helpers/tool.ts';

let server: TestServer;
let folder: string;
let env: Record<string, string>;
const factory = openFactory();
before(async () => {
  server = await startServer();
  folder = await mkdtemp(join(tmpdir(), 'slipway-cli-'));
  env = { ...(await callerOf(server)), SLIPWAY_CONNECTOR: 'Tutorial' };
});
after(async () => {
  factory.remove();
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

const call = (...args: string[]) => slipway(args, { env });
async function json(...args: string[]) {
  const { code, stdout, stderr } = await call(...args, '--json');
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

describe('usage', () => {
  test('every command has its own, with all of its flags, and stands in the list of all', async () => {
    const all = (await call('--help')).stdout;
    for (const { path, flags, arguments: wanted } of commands) {
      assert.ok(
        all.includes(`  ${[...path, ...wanted.slice(0, 1).map(({ name }) => name)].join(' ')}`),
        path.join(' '),
      );
      const { code, stdout } = await call(...path, '--help');
      assert.equal(code, 0);
      assert.ok(stdout.startsWith(`Usage: slipway ${path.join(' ')}`), stdout);
      for (const { name } of flags) assert.match(stdout, new RegExp(`^  --${name}( |$)`, 'm'));
    }
    assert.equal((await call('help', 'device', 'list')).stdout, (await call('device', 'list', '--help')).stdout);
  });

  test('what is no command, or does not fit one, ends with 2 and says what would', async () => {
    for (const [args, said] of [
      [[], /No command given/],
      [['frobnicate'], /Unknown command "frobnicate"/],
      [['device', 'frobnicate'], /Unknown command "device frobnicate"[\s\S]*device list/],
      [['device'], /Which command of "device"\?[\s\S]*device list/],
      [['audit'], /Which command of "audit"\?[\s\S]*audit verify/],
      [['audit', '--json'], /Which command of "audit"\?[\s\S]*audit verify/],
      [['device', 'list', '--frobnicate'], /Unknown option '--frobnicate'[\s\S]*--status/],
      [['device', 'list', '--status', 'x'], /--status is "x"; expected whitelisted/],
      [['device', 'list', 'x'], /one argument too many: "x"/],
      [['device', 'list', '--limit', '-1'], /--limit/],
      [['device', 'show'], /IDENTITY is missing/],
      [['device', 'add', 'a', '--tag', 'x'], /--tag is "x"; expected NAME:VALUE/],
    ] as const) {
      const { code, stdout, stderr } = await call(...args);
      assert.deepEqual([code, stdout], [2, ''], args.join(' '));
      assert.match(stderr, said);
    }
  });
});

describe('connectors and devices', () => {
  test('an account with a second factor is told to use a key, and by which name', async () => {
    await makePeople(server);
    const env = {
      SLIPWAY_API: `http://127.0.0.1:${server.console}`,
      SLIPWAY_EMAIL: careful.email,
      SLIPWAY_PASSWORD: careful.password,
    };
    const { code, stderr } = await slipway(['device', 'list'], { env });
    assert.equal(code, 1);
    assert.match(stderr, /second factor[\s\S]*set SLIPWAY_KEY/);
    const fleet = ['simulate', '--api', env.SLIPWAY_API, '--email', careful.email, '--password', careful.password];
    assert.match((await slipway(fleet)).stderr, /second factor[\s\S]*--key/);
  });

  test('a connector is made, listed, shown by name and deleted', async () => {
    const made = await json('connector', 'create', 'From the shell', '--description', 'tried');
    assert.match((await call('connector', 'list')).stdout, new RegExp(`^${made.id} +From the shell +https://`, 'm'));
    const shown = await json('connector', 'show', 'From the shell');
    assert.deepEqual([shown.id, shown.description, shown.devices.total], [made.id, 'tried', 0]);
    const asked = await call('connector', 'delete', made.id);
    assert.equal(asked.code, 1);
    assert.match(asked.stderr, /Delete the connector From the shell .* with its 0 devices\? Say --yes/);
    assert.equal((await call('device', 'add', 'one', '--connector', made.id)).code, 0);
    assert.match((await call('connector', 'delete', made.id)).stderr, / with its 1 device\? Say --yes/);
    assert.equal((await call('connector', 'delete', made.id, '--yes')).code, 0);
    assert.match((await call('connector', 'show', made.id)).stderr, /There is no connector/);
  });

  test('devices are added with tags, listed, locked, unlocked and deleted', async () => {
    const added = await json(
      'device',
      'add',
      'cli-1',
      'cli-2',
      '--tag',
      'site:north',
      '--tag',
      'site:1:2',
      '--hours',
      '5',
    );
    assert.deepEqual(
      added.map(({ identity, tags }: Record<string, unknown>) => [identity, tags]),
      [
        ['cli-1', { site: ['north', '1:2'] }],
        ['cli-2', { site: ['north', '1:2'] }],
      ],
    );
    const text = (await call('device', 'list', '--tag', 'site:north', '--sort', 'identity')).stdout;
    assert.match(text, /^IDENTITY +STATUS +AUTH +ONLINE +LAST SEEN +TAGS\ncli-1 +whitelisted +token .*\ncli-2 /);
    assert.equal((await json('device', 'lock', 'cli-1'))[0].status, 'locked');
    assert.equal((await json('device', 'list', '--status', 'locked', '--count')).count, 1);
    assert.equal((await call('device', 'unlock', 'cli-1')).stdout, 'cli-1  whitelisted\n');
    assert.match((await call('device', 'show', 'cli-1')).stdout, /^DEVICE +cli-1\nstatus +whitelisted\n/);
    assert.equal((await call('device', 'delete', 'cli-1', 'cli-2')).code, 1, 'asks first');
    assert.equal((await call('device', 'delete', 'cli-1', 'cli-2', '--yes')).code, 0);
    assert.equal((await call('device', 'list', '--tag', 'site:north')).stdout, 'No devices.\n');
  });

  test('of several, those that fail are named, the others are done, and the exit code is 1', async () => {
    const { code, stdout, stderr } = await call('device', 'add', 'again', 'again', 'more');
    assert.deepEqual([code, stdout], [1, 'again  whitelisted\nmore  whitelisted\n']);
    assert.match(stderr, /^again: The identity is already known.*, or --update/);
    assert.doesNotMatch(stderr, /upsert/);
  });

  test('a credential set beforehand comes from a file or standard input, never from the command line', async () => {
    const token = '0123456789abcdef0123456789abcdef01234567';
    const given = await slipway(['device', 'add', 'keyed', '--key-file', '-', '--json'], { env, input: `${token}\n` });
    assert.equal(JSON.parse(given.stdout)[0].status, 'provisioned', given.stderr);
    const { certPath } = factory.selfSigned('certified', { to: new Date(Date.now() + 3 * 86_400_000) });
    assert.equal((await call('device', 'add', 'certified', '--key-file', certPath)).code, 0);
    assert.match(
      (await call('device', 'list', '--ends-within', '7')).stdout,
      /CERTIFICATE ENDS[\s\S]*certified +provisioned +certificate/,
    );
    assert.match((await call('device', 'add', 'x', '--key-file', join(folder, 'nowhere'))).stderr, /cannot be read/);
  });

  test('a file is imported, bad rows are named, and all pages of a list are read', async () => {
    const file = join(folder, 'fleet.csv');
    await writeFile(file, `ID\n${Array.from({ length: 1500 }, (_, n) => `fleet-${n}`).join('\n')}\n`);
    assert.match(
      (await call('device', 'import', file, '--dry-run')).stdout,
      /1500 rows: 1500 new[\s\S]*Nothing was written/,
    );
    const { batch } = await json('device', 'import', file, '--name', 'from the shell');
    assert.equal(batch.name, 'from the shell');
    assert.equal((await json('device', 'list', '--batch', batch.id, '--all')).length, 1500);
    const some = await call('device', 'list', '--batch', batch.id, '--limit', '10', '--json');
    assert.equal(JSON.parse(some.stdout).length, 10);
    assert.match(some.stderr, /There are more/);
    await writeFile(file, `ID,Tags\ngood,\nbad,nonsense\n`);
    const bad = await call('device', 'import', file);
    assert.equal(bad.code, 1);
    assert.match(bad.stderr, /LINE +COLUMN +VALUE[\s\S]*3 +Tags +nonsense/);
  });

  test('what others wrote is shown without control characters', async () => {
    await json('device', 'add', 'odd', '--tag', 'site:a\u202eb');
    const { stdout } = await call('device', 'list', '--identity', 'odd');
    assert.match(stdout, /site:a�b/);
  });
});

describe('who calls', () => {
  test('an account does as well as a key, and its session is ended afterwards', async () => {
    const { SLIPWAY_KEY: _, ...rest } = env;
    const as = { ...rest, SLIPWAY_EMAIL: admin.email, SLIPWAY_PASSWORD: admin.password };
    assert.equal((await slipway(['connector', 'list'], { env: as })).code, 0);
    const wrong = await slipway(['connector', 'list'], { env: { ...as, SLIPWAY_PASSWORD: 'wrong-wrong-wrong' } });
    assert.deepEqual([wrong.code, wrong.stderr], [1, 'Email or password is wrong.\n']);
    const nobody = await slipway(['connector', 'list'], { env: rest });
    assert.match(nobody.stderr, /Who is calling\? Set SLIPWAY_KEY/);
  });

  test('a server that is not there is told of in words', async () => {
    const { code, stderr } = await slipway(['connector', 'list'], {
      env: { ...env, SLIPWAY_API: 'http://127.0.0.1:1' },
    });
    assert.equal(code, 1);
    assert.match(stderr, /^No server answers at http:\/\/127\.0\.0\.1:1: .*SLIPWAY_API/);
  });

  test('no credential goes beyond this machine without TLS unless that is said', async () => {
    const far = { ...env, SLIPWAY_API: 'http://192.0.2.1:8080' };
    const { code, stderr } = await slipway(['connector', 'list'], { env: far });
    assert.equal(code, 1);
    assert.match(stderr, /without TLS/);
  });
});

describe('completion', () => {
  test('in bash: words, flags, values and files', async () => {
    const script = join(folder, 'try.bash');
    await writeFile(script, (await call('completion', 'bash')).stdout);
    const complete = async (...words: string[]) => {
      const set = `COMP_WORDS=(slipway ${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length}`;
      const { stdout, stderr } = await runTool(
        'bash',
        ['-c', `source '${script}'; ${set}; _slipway; printf '%s\\n' "\${COMPREPLY[@]}"`],
        root,
      );
      assert.equal(stderr, '');
      return stdout.toString().trim().split('\n');
    };
    const first = await complete('');
    for (const { path } of commands) assert.ok(first.includes(path[0]!), path.join(' '));
    assert.deepEqual(await complete('dev'), ['device']);
    assert.deepEqual(await complete('device', 'l'), ['list', 'lock']);
    assert.deepEqual(await complete('device', 'list', '--sta'), ['--status']);
    assert.deepEqual(await complete('device', 'list', '--json', '--status', 'pro'), ['provisioned']);
    assert.deepEqual(await complete('completion', ''), ['bash', 'zsh', 'fish']);
    assert.deepEqual(await complete('restore', 'package.j'), ['package.json']);
    assert.deepEqual(await complete('device', 'list', '--limit', ''), ['']);
    for (const { path, flags } of commands) {
      const offered = await complete(...path, '--');
      assert.deepEqual(
        offered.toSorted(),
        [...flags.map(({ name }) => `--${name}`), '--help'].toSorted(),
        path.join(' '),
      );
    }
  });

  test('for zsh and fish: every command and every flag', async () => {
    for (const shell of ['zsh', 'fish']) {
      const { code, stdout } = await call('completion', shell);
      assert.equal(code, 0);
      for (const { path, flags } of commands) {
        for (const word of path) assert.ok(stdout.includes(word), `${shell} ${word}`);
        for (const { name } of flags)
          assert.ok(stdout.includes(shell === 'zsh' ? `--${name}` : `-l ${name} `), `${shell} --${name}`);
      }
    }
  });
});
