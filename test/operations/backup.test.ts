/**
 * `slipway backup` and `slipway restore`: a backup taken while devices write is one moment of the installation, and the server
 * that comes of it answers as the old one did, to everybody who had a credential.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { openFactory } from '../helpers/authority.ts';
import { slipway } from '../helpers/command.ts';
import { newConnector, resource, type TestConnector, through } from '../helpers/connector.ts';
import { everything } from '../helpers/everything.ts';
import { byPassword, byToken, openMqtts } from '../helpers/mqtt.ts';
import { makePeople } from '../helpers/people.ts';
import { admin, startServer, type TestServer } from '../helpers/server.ts';
import { runTool } from '../helpers/tool.ts';
import { startWriters } from '../helpers/writers.ts';

const PASSWORD = 'a-password-of-more-than-20-bytes';
const factory = openFactory();
const { cert, key } = factory.selfSigned('by-certificate');
let folder: string;
let server: TestServer;
/** Nothing happens here any more when the backup is taken. */
let still: TestConnector;
let token: string;
let people: Awaited<ReturnType<typeof makePeople>>;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-backup-'));
  server = await startServer();
  still = await newConnector(server, {
    resources: { n: resource({ format: 'number' }), wanted: resource() },
  });
  token = await still.provision('by-token');
  await still.set({ provisioning: { auth_type: 'password' } });
  await still.whitelist('by-password', { tags: { site: ['north'] } });
  const activated = await still.send('/provision/activate', { body: `id=by-password&password=${PASSWORD}` });
  assert.equal(activated.status, 204, activated.body);
  await still.whitelist('by-certificate', { auth: { type: 'certificate', key: cert } });
  await still.set({ provisioning: { auth_type: 'token' } });
  for (let n = 0; n < 50; n += 1) assert.equal(await still.write(`n=${n}`, { token }), 204);
  await still.api('PATCH', '/identity/by-token/state', { wanted: 'open' });
  const row = (_: unknown, n: number) => `lot-${n},"[{""name"":""line"",""value"":""${n % 3}""}]"`;
  const csv = `ID,Tags\n${Array.from({ length: 100 }, row).join('\n')}\n`;
  const imported = await server.api('POST', `/api:1/service/${still.id}/device2/identities`, csv, {
    'content-type': 'text/csv',
  });
  assert.equal(imported.status, 200, imported.text);
  await putFile(still, 'fw.txt', 'the firmware');
  assert.equal((await still.send('/provision/download?id=fw.txt', { token })).body, 'the firmware');
  people = await makePeople(server);
});
after(async () => {
  factory.remove();
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function putFile({ server, id }: TestConnector, name: string, text: string): Promise<void> {
  const path = `/api:1/service/${id}/device2/content/${name}`;
  const { status, text: answer } = await server.api('PUT', path, text, { 'content-type': 'text/plain' });
  assert.equal(status, 201, answer);
}

/** Files come and go, two at a time, until it is told to end. */
async function churn(connector: TestConnector, ended: () => boolean): Promise<void> {
  for (let n = 0; !ended(); n += 1) {
    await putFile(connector, `f${n}`, `content ${n}`);
    if (n > 1) assert.equal((await connector.api('DELETE', `/content/f${n - 2}`)).status, 204);
  }
}

const backup = async (file: string, ...flags: string[]) => {
  const result = await slipway(['backup', file, '--data', server.data, ...flags]);
  assert.equal(result.code, 0, result.stderr);
  return result;
};

test('a backup under writers, restored: every question is answered as before, and every credential works', async () => {
  const busy = await newConnector(server, { resources: { n: resource() } });
  const writers = await startWriters([busy]);
  await writers.recovered();
  const acknowledged = () =>
    writers
      .between(0, performance.now())
      .filter(({ kind, outcome }) => (kind === 'write' || kind === 'publish') && outcome === 'acknowledged')
      .map(({ value }) => value);
  const earlier = acknowledged();
  let ended = false;
  const churned = churn(busy, () => ended);
  const file = join(folder, 'under-writers.slipway');
  const { stdout } = await backup(file, '--json');
  const made = JSON.parse(stdout);
  assert.deepEqual([made.file, made.engine], [file, 'sqlite']);
  const session = await server.adminToken();
  const wanted = await everything(still);
  assert.ok(acknowledged().length > earlier.length, 'devices wrote meanwhile');
  ended = true;
  await Promise.all([writers.finish(), churned]);
  const left = (await readdir(join(server.data, 'content', 'incoming'))).filter((name) => name.startsWith('kept-'));
  assert.deepEqual(left, []);

  const data = join(folder, 'restored');
  const restored = await slipway(['restore', file, '--data', data]);
  assert.equal(restored.code, 0, restored.stderr);
  // The old server goes on; its devices know the CA of both.
  const other = await startServer({ data, env: { SLIPWAY_ADMIN_PASSWORD: '' } });
  try {
    const there = through(other, still);
    const me = await fetch(`http://127.0.0.1:${other.console}/api:1/users/me`, {
      headers: { authorization: `Bearer ${session}` },
    });
    assert.equal(me.status, 200, 'a token of the API that was given before');
    assert.equal((await other.api('GET', '/api:1/users/me')).body.email, admin.email, 'the password of the operator');
    assert.deepEqual(await everything(there), wanted);
    await people(other);
    const files = (await through(other, busy).api('GET', '/content')).body.content as { id: string; sha256: string }[];
    assert.ok(files.length > 0);
    for (const { id, sha256 } of files) {
      const { text } = await through(other, busy).api('GET', `/content/${id}`);
      assert.equal(text, `content ${id.slice(1)}`);
      assert.equal(createHash('sha256').update(text).digest('hex'), sha256);
    }

    const stored = new Set<string>();
    for (let before = Number.MAX_SAFE_INTEGER, more = true; more; ) {
      const { body } = await through(other, busy).api('GET', `/events?types=data_in&limit=1000&before=${before}`);
      for (const { payload } of body.events) stored.add(payload[0].values.n);
      before = body.events.at(-1)?.seq;
      more = body.mayLoadMore;
    }
    for (const value of earlier) assert.ok(stored.has(value), `${value} was acknowledged before the backup`);

    assert.equal(await there.write('n=1000', { token }), 204);
    assert.equal(await there.write('n=1001', { basic: ['by-password', PASSWORD] }), 204);
    assert.equal(await there.write('n=1002', { certificate: { cert, key } }), 204);
    const fetched = await there.send('/provision/download?id=fw.txt', { token });
    assert.equal(fetched.body, 'the firmware');
    for (const [shown, options] of [
      [byToken(token), {}],
      [byPassword('by-password', PASSWORD), {}],
      [{}, { cert, key }],
    ] as const) {
      const client = await openMqtts(there, 4, options);
      assert.equal((await client.connect(shown)).returnCode, 0);
      client.destroy();
    }
    const stranger = await there.write('n=1', { token: '0'.repeat(40) });
    assert.equal(stranger, 401);
  } finally {
    await other.stop();
  }
});

test('the archive is for its owner alone, any tar reads it, and sha256sum agrees', async () => {
  const file = join(folder, 'plain.slipway');
  await backup(file);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  const into = join(folder, 'by-tar');
  await mkdir(into);
  const untarred = await runTool('tar', ['-xf', file, '-C', into]);
  assert.equal(untarred.code, 0, untarred.stderr);
  const summed = await runTool('sha256sum', ['--check', '--strict', 'SHA256SUMS'], into);
  assert.equal(summed.code, 0, summed.stdout + summed.stderr);
  assert.match(summed.stdout.toString(), /slipway\.db: OK[\s\S]*|ca\/ca-key\.pem: OK/);
  assert.equal((await stat(join(into, 'ca/ca-key.pem'))).mode & 0o777, 0o600);
  assert.deepEqual((await readdir(into)).sort(), [
    'SHA256SUMS',
    'ca',
    'content',
    'manifest.json',
    'seal.key',
    'slipway.db',
  ]);
  assert.deepEqual(
    (await readdir(folder)).filter((name) => name.startsWith('.')),
    [],
    'nothing is left beside it',
  );
});

test('a file that is there is not replaced unless that is asked for', async () => {
  const file = join(folder, 'kept.slipway');
  await writeFile(file, 'precious');
  const refused = await slipway(['backup', file, '--data', server.data]);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /is there already/);
  assert.equal(await readFile(file, 'utf8'), 'precious');
  await backup(file, '--replace');
  assert.equal((await slipway(['restore', file, '--check'])).code, 0);
});

test('an archive that lacks anything, or of which any byte is another one, restores nothing', async () => {
  const file = join(folder, 'whole.slipway');
  await backup(file);
  const whole = await readFile(file);
  const data = join(folder, 'never');
  const damaged = join(folder, 'damaged.slipway');
  const variants: [string, Buffer][] = [
    ['cut off at half', whole.subarray(0, whole.length / 2)],
    ['cut off before its digests', whole.subarray(0, whole.length - 3072)],
    ['empty', Buffer.alloc(0)],
    ['no archive', Buffer.from('PK\x03\x04'.repeat(1000))],
  ];
  for (const at of [0, 300, 600, whole.indexOf('SQLite format 3') + 40_000, whole.indexOf('BEGIN CERTIFICATE') + 100]) {
    const flipped = Buffer.from(whole);
    flipped[at]! ^= 1;
    variants.push([`another bit at ${at}`, flipped]);
  }
  for (const [what, bytes] of variants) {
    await writeFile(damaged, bytes);
    const result = await slipway(['restore', damaged, '--data', data]);
    assert.equal(result.code, 1, `${what}: ${result.stdout}`);
    assert.match(result.stderr, /Nothing was restored: ./, what);
    assert.equal(existsSync(data), false, what);
  }
  assert.deepEqual(
    (await readdir(folder)).filter((name) => name.startsWith('.')),
    [],
  );
});

test('a path that leads out of the folder is refused, however good its digest', async () => {
  const into = join(folder, 'hostile');
  await mkdir(into);
  await writeFile(
    join(into, 'manifest.json'),
    JSON.stringify({ format: 1, version: '1', created: '2026-01-01', engine: 'postgres' }),
  );
  await writeFile(join(folder, 'evil'), 'evil');
  const sums = await runTool('sha256sum', ['manifest.json', '../evil'], into);
  await writeFile(join(into, 'SHA256SUMS'), sums.stdout);
  const file = join(folder, 'hostile.slipway');
  const made = await runTool(
    'tar',
    ['-P', '--format=ustar', '-cf', file, 'manifest.json', '../evil', 'SHA256SUMS'],
    into,
  );
  assert.equal(made.code, 0, made.stderr);
  const result = await slipway(['restore', file, '--data', join(folder, 'deep/er')]);
  assert.match(result.stderr, /leads elsewhere/);
  assert.equal(result.code, 1);
});

test('a folder that is not empty is left as it is; an empty one is used', async () => {
  const file = join(folder, 'for-folders.slipway');
  await backup(file);
  const full = join(folder, 'full');
  await mkdir(full);
  await writeFile(join(full, 'mine'), 'precious');
  const refused = await slipway(['restore', file, '--data', full]);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /is not empty: it holds mine/);
  assert.deepEqual(await readdir(full), ['mine']);
  const empty = join(folder, 'empty');
  await mkdir(empty);
  assert.equal((await slipway(['restore', file, '--data', empty])).code, 0);
  assert.equal((await stat(empty)).mode & 0o777, 0o700);
  assert.deepEqual((await readdir(empty)).sort(), ['ca', 'content', 'seal.key', 'slipway.db']);
  assert.equal((await stat(join(empty, 'slipway.db'))).mode & 0o777, 0o600);
  const db = new DatabaseSync(join(empty, 'slipway.db'));
  assert.deepEqual({ ...db.prepare('PRAGMA integrity_check').get() }, { integrity_check: 'ok' });
  db.close();
});

test('an archive by a later version, or of one, is refused and says so', async () => {
  const later = join(folder, 'later');
  await mkdir(later);
  const db = new DatabaseSync(join(later, 'slipway.db'));
  db.exec('CREATE TABLE batches (stage TEXT); PRAGMA user_version = 9999');
  db.close();
  const result = await slipway(['backup', join(folder, 'later.slipway'), '--data', later]);
  assert.match(result.stderr, /schema 9999; this version of Slipway knows/);
  assert.equal(result.code, 1);
});

test('where there is nothing to back up, it says so', async () => {
  const result = await slipway(['backup', join(folder, 'none.slipway'), '--data', join(folder, 'nowhere')]);
  assert.equal(result.code, 1);
  assert.match(result.stderr, /There is no database in/);
  assert.equal(existsSync(join(folder, 'none.slipway')), false);
});
