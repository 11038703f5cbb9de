/** `slipway audit verify`, and what it has to find: nothing after kill -9, and the very row that somebody changed. */
import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { newConnector, type TestConnector } from '../helpers/connector.ts';
import { root, startServer, type TestServer } from '../helpers/server.ts';
import { runTool } from '../helpers/tool.ts';

let server: TestServer;
let connector: TestConnector;
/** What was acknowledged before the kills. */
const acknowledged: string[] = [];

before(async () => {
  server = await startServer();
  connector = await newConnector(server);
});
after(() => server?.stop());

async function verify(...flags: string[]) {
  const { code, stdout, stderr } = await runTool(
    process.execPath,
    ['src/main.ts', 'audit', 'verify', '--json', ...flags],
    root,
  );
  const text = stdout.toString();
  return { code, verdict: text === '' ? null : JSON.parse(text), stderr: stderr.toString() };
}

/** A copy of the database in which somebody with access to the file has done something. */
async function tampered(work: (db: DatabaseSync) => void): Promise<Awaited<ReturnType<typeof verify>>> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-audit-'));
  try {
    await cp(server.data, folder, { recursive: true });
    const db = new DatabaseSync(join(folder, 'slipway.db'));
    db.exec('DROP TRIGGER audit_kept; DROP TRIGGER audit_fixed');
    work(db);
    db.close();
    return await verify('--data', folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Entry {
  readonly seq: number;
  readonly action: string;
  readonly target: string;
  readonly digest: string;
}

async function exported(): Promise<Entry[]> {
  const { text } = await server.api('GET', '/api:1/audit/export');
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

test('kill -9 under load leaves a chain that holds, and an entry for each change that is there and for no other', async () => {
  for (let round = 0; round < 3; round += 1) {
    let running = true;
    const load = Array.from({ length: 4 }, async (_, lane) => {
      for (let n = 0; running; n += 1) {
        const identity = `r${round}-${lane}-${n}`;
        const answer = await connector.api('PUT', `/identity/${identity}`, {}).catch(() => null);
        if (answer?.status === 201) acknowledged.push(identity);
      }
    });
    await delay(400 + 200 * round);
    await server.kill9();
    running = false;
    await Promise.all(load);
    const { code, verdict } = await verify('--data', server.data);
    assert.equal(code, 0);
    assert.equal(verdict.fault, null);
    await server.restart();
  }
  const entries = await exported();
  const told = entries
    .filter(({ action }) => action === 'whitelistDevice')
    .map(({ target }) => target.split('/').at(-1)!);
  assert.equal(new Set(told).size, told.length);
  assert.ok(acknowledged.length > 0);
  for (const identity of acknowledged)
    assert.ok(told.includes(identity), `${identity} was acknowledged and has no entry`);
  const stored: string[] = [];
  for (let cursor = ''; ; ) {
    const { body } = await connector.api('GET', `/identity?limit=1000${cursor}`);
    stored.push(...body.devices.map(({ identity }: { identity: string }) => identity));
    if (body.cursor === null) break;
    cursor = `&cursor=${encodeURIComponent(body.cursor)}`;
  }
  assert.deepEqual(told.sort(), stored.sort());
});

test('an entry that was changed, removed or put in is named', async () => {
  const set = (sql: string) => tampered((db) => db.exec(sql));
  const changed = await set(`UPDATE audit SET entry = replace(entry, 'whitelistDevice', 'deleteDevice') WHERE seq = 5`);
  assert.deepEqual([changed.code, changed.verdict.fault.entry], [1, 5]);
  assert.match(changed.verdict.fault.why, /digest/);
  assert.equal((await set('DELETE FROM audit WHERE seq = 4')).verdict.fault.entry, 5);
  assert.equal((await set('DELETE FROM audit WHERE seq = 1')).verdict.fault.entry, 2);
  const swapped = await set(`UPDATE audit SET digest = (SELECT digest FROM audit WHERE seq = 2) WHERE seq = 3`);
  assert.equal(swapped.verdict.fault.entry, 3);
  const { seq } = (await exported()).at(-1)!;
  const added = await set(`INSERT INTO audit SELECT seq + 1, entry, digest, digest FROM audit WHERE seq = ${seq}`);
  assert.equal(added.verdict.fault.entry, seq + 1);
});

test('the database itself refuses to change or remove an entry', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-audit-'));
  await cp(server.data, folder, { recursive: true });
  const db = new DatabaseSync(join(folder, 'slipway.db'));
  for (const sql of ["UPDATE audit SET entry = ''", 'DELETE FROM audit']) {
    assert.throws(() => db.exec(sql), /the audit log is only added to/);
  }
  db.close();
  await rm(folder, { recursive: true, force: true });
});

test('a log that was cut off, or made anew, is noticed by a digest that was kept', async () => {
  const entries = await exported();
  const last = entries.at(-1)!;
  const cut = (expect: string) =>
    mkdtemp(join(tmpdir(), 'slipway-audit-')).then(async (folder) => {
      await cp(server.data, folder, { recursive: true });
      const db = new DatabaseSync(join(folder, 'slipway.db'));
      db.exec(`DROP TRIGGER audit_kept; DELETE FROM audit WHERE seq > ${last.seq - 2}`);
      db.close();
      const found = await verify('--data', folder, '--expect', expect);
      await rm(folder, { recursive: true, force: true });
      return found;
    });
  const noticed = await cut(last.digest);
  assert.deepEqual([noticed.code, noticed.verdict.fault, noticed.verdict.expected], [1, null, false]);
  const before = await cut(entries.at(-3)!.digest);
  assert.deepEqual([before.code, before.verdict.expected], [0, true]);
  const whole = await verify('--data', server.data, '--expect', last.digest);
  assert.deepEqual([whole.code, whole.verdict.expected], [0, true]);
  assert.equal((await verify('--data', server.data, '--expect', 'abc')).code, 2);
});

test('an exported file is verified as the database is', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-audit-'));
  const file = join(folder, 'audit.ndjson');
  try {
    // A line separator to some who read lines, and a letter like others to JSON.
    await server.api('PATCH', `/api:1/connectors/${connector.id}`, { description: 'two\u2028lines' });
    await writeFile(file, (await server.api('GET', '/api:1/audit/export')).text);
    assert.match(await readFile(file, 'utf8'), /two\u2028lines/);
    const good = await verify('--file', file);
    assert.deepEqual([good.code, good.verdict.fault], [0, null]);
    const lines = (await readFile(file, 'utf8')).split('\n');
    await writeFile(file, lines.with(3, lines[3]!.replace(/"who":"[^"]+"/, '"who":"somebody-else"')).join('\n'));
    assert.equal((await verify('--file', file)).verdict.fault.entry, 4);
    await writeFile(file, lines.with(3, 'no JSON').join('\n'));
    assert.deepEqual((await verify('--file', file)).verdict.fault.line, 4);
    for (const other of [
      lines[3]!.replace('{', '{"who":"innocent@example.com",'),
      lines[3]!.replace(',"', ', "'),
      lines[3]!.replace('"who"', '"wh\\u006f"'),
    ]) {
      await writeFile(file, lines.with(3, other).join('\n'));
      const { code, verdict } = await verify('--file', file);
      assert.deepEqual([code, verdict.fault?.entry, verdict.entries], [1, 4, 3], other);
    }
    await writeFile(file, '');
    const empty = await verify('--file', file);
    assert.deepEqual([empty.code, empty.verdict.first, empty.verdict.fault], [1, null, null]);
    assert.equal((await verify('--file', join(folder, 'none'))).code, 1);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('a part of a log is verified once a digest of it, or of the entry before, is expected', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-audit-'));
  const file = join(folder, 'audit.ndjson');
  const all = await exported();
  const at = all.length - 5;
  const [kept, last] = [all[at - 1]!, all.at(-1)!];
  try {
    await writeFile(file, (await server.api('GET', `/api:1/audit/export?after=${kept.seq}`)).text);
    const alone = await verify('--file', file);
    assert.deepEqual([alone.code, alone.verdict.fault.entry], [1, kept.seq + 1]);
    assert.match(alone.verdict.fault.why, new RegExp(`--expect.*${kept.digest}`));
    for (const digest of [kept.digest, last.digest]) {
      const { code, verdict } = await verify('--file', file, '--expect', digest);
      const { seq, previous } = verdict.first;
      assert.deepEqual([code, verdict.expected, seq, previous], [0, true, kept.seq + 1, kept.digest]);
    }
    const another = await verify('--file', file, '--expect', all[at - 2]!.digest);
    assert.deepEqual([another.code, another.verdict.expected], [1, false]);
    const flags = ['--file', file, '--expect', kept.digest];
    const { stdout } = await runTool(process.execPath, ['src/main.ts', 'audit', 'verify', ...flags], root);
    assert.match(stdout.toString(), new RegExp(`begin with entry ${kept.seq + 1}: what is before was not looked at`));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('a folder without a database is named in a sentence', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-audit-'));
  const { code, stderr } = await verify('--data', folder).finally(() => rm(folder, { recursive: true }));
  assert.deepEqual([code, stderr], [1, `The audit log cannot be read: There is no database in ${folder}.\n`]);
});

test('what it prints for people names the entry and the digest to keep', async () => {
  const { stdout } = await runTool(process.execPath, ['src/main.ts', 'audit', 'verify', '--data', server.data], root);
  assert.match(stdout.toString(), /^\d+ entries follow each other\. The last good one has the digest\n[0-9a-f]{64}\n$/);
});
