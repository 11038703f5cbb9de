/**
 * Backup and restore with PostgreSQL: the commands that `slipway backup` prints, run as they stand, make of an empty database
 * and an empty folder an installation that answers as before. With the tools and the server of one installed version.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openFactory } from '../helpers/authority.ts';
import { slipway } from '../helpers/command.ts';
import { newConnector, resource, through } from '../helpers/connector.ts';
import { everything } from '../helpers/everything.ts';
import { makePeople } from '../helpers/people.ts';
import { installedPostgres, startPostgres, type TestPostgres } from '../helpers/postgres.ts';
import { startServer, type TestServer } from '../helpers/server.ts';
import { missingTool } from '../helpers/tool.ts';

const bin = installedPostgres();
if (bin === null && process.env.CI === 'true') throw new Error(missingTool('pg_dump'));
const skip = bin === null ? missingTool('pg_dump') : false;

const ends: (() => Promise<unknown>)[] = [];
after(async () => {
  for (const end of ends.reverse()) await end();
});
async function serve(postgres: TestPostgres, url: string, data: string): Promise<TestServer> {
  const server = await startServer({ data, env: { SLIPWAY_DATABASE_URL: url } });
  ends.push(() => server.stop());
  assert.ok(postgres.port !== null);
  return server;
}

test('the printed commands bring a dump into a fresh database, and every credential works there', {
  skip,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-pg-backup-'));
  ends.push(() => rm(folder, { recursive: true, force: true }));
  const factory = openFactory();
  ends.push(async () => factory.remove());
  const postgres = await startPostgres(bin!);
  ends.push(() => postgres.remove());
  const url = await postgres.newDatabase();
  const data = join(folder, 'data');
  const server = await serve(postgres, url, data);
  const connector = await newConnector(server, { resources: { n: resource({ format: 'number' }) } });
  const token = await connector.provision('by-token');
  const { cert, key } = factory.selfSigned('by-certificate');
  await connector.whitelist('by-certificate', { auth: { type: 'certificate', key: cert }, tags: { site: ['north'] } });
  const password = 'a-password-of-more-than-20-bytes';
  await connector.whitelist('by-password', { auth: { type: 'password', key: password } });
  for (let n = 0; n < 20; n += 1) assert.equal(await connector.write(`n=${n}`, { token }), 204);
  const file = `/api:1/service/${connector.id}/device2/content/fw.txt`;
  const put = await server.api('PUT', file, 'the firmware', { 'content-type': 'text/plain' });
  assert.equal(put.status, 201, put.text);
  const people = await makePeople(server);
  const session = await server.adminToken();
  const wanted = await everything(connector);

  const archive = join(folder, 'node.slipway');
  const made = await slipway(['backup', archive, '--json'], { env: { SLIPWAY_DATA: data, SLIPWAY_DATABASE_URL: url } });
  assert.equal(made.code, 0, made.stderr);
  const { engine, database } = JSON.parse(made.stdout);
  assert.equal(engine, 'postgres');
  const secret = decodeURIComponent(new URL(url).password);
  assert.ok(!made.stdout.includes(secret), 'no password is printed');

  const fresh = await postgres.newDatabase();
  const plain = new URL(fresh);
  plain.password = '';
  const env = { ...process.env, PATH: `${bin}:${process.env.PATH}`, PGPASSWORD: secret };
  for (const command of [database.dump, database.restore.replace('<empty database>', plain.href)]) {
    const { status, stderr } = spawnSync('bash', ['-c', command], { cwd: folder, env, encoding: 'utf8' });
    assert.equal(status, 0, `${command}\n${stderr}`);
  }
  const based = spawnSync('bash', ['-c', database.base], { cwd: folder, env, encoding: 'utf8' });
  assert.equal(based.status, 0, based.stderr);
  const restored = join(folder, 'restored');
  const back = await slipway(['restore', archive, '--data', restored]);
  assert.equal(back.code, 0, back.stderr);
  assert.match(back.stdout, /The database was in PostgreSQL/);

  const other = await serve(postgres, fresh, restored);
  const there = through(other, connector);
  const headers = { authorization: `Bearer ${session}` };
  assert.equal((await fetch(`http://127.0.0.1:${other.console}/api:1/users/me`, { headers })).status, 200);
  assert.deepEqual(await everything(there), wanted);
  await people(other);
  assert.equal(await there.write('n=1', { token }), 204);
  assert.equal(await there.write('n=2', { basic: ['by-password', password] }), 204);
  assert.equal(await there.write('n=3', { certificate: { cert, key } }), 204);
  assert.equal((await there.state('by-token')).n.reported, '1');
});

test('without --json the commands are printed for a person, with the password left out', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-pg-advice-'));
  ends.push(() => rm(folder, { recursive: true, force: true }));
  const env = { SLIPWAY_DATA: folder, SLIPWAY_DATABASE_URL: 'postgres://slipway:hidden-word@db.example/slipway' };
  const { code, stdout } = await slipway(['backup', join(folder, 'a.slipway')], { env });
  assert.equal(code, 0);
  assert.match(stdout, /pg_dump --format=custom --file=slipway\.dump 'postgres:\/\/slipway@db\.example\/slipway'/);
  assert.match(stdout, /pg_restore --exit-on-error --single-transaction/);
  assert.match(stdout, /pg_basebackup --host=db\.example --port=5432 --username=slipway/);
  assert.doesNotMatch(stdout, /hidden-word/);
});

test('the doctor finds a PostgreSQL well, and says when it would lose what it acknowledged', { skip }, async () => {
  const postgres = await startPostgres(bin!);
  ends.push(() => postgres.remove());
  const url = await postgres.newDatabase();
  const env = {
    SLIPWAY_DATABASE_URL: url,
    SLIPWAY_HTTPS_PORT: '0',
    SLIPWAY_MQTT_PORT: '0',
    SLIPWAY_CONSOLE_PORT: '0',
    SLIPWAY_DATA: tmpdir(),
  };
  const seen = async () => {
    const { findings } = JSON.parse((await slipway(['doctor', '--json'], { env })).stdout);
    return findings.filter(({ subject }: { subject: string }) => subject === 'PostgreSQL');
  };
  const [well] = await seen();
  assert.equal(well.level, 'ok');
  assert.match(well.seen, /^version \d+.*; the database is empty$/);
  await postgres.query(`ALTER DATABASE ${new URL(url).pathname.slice(1)} SET synchronous_commit = off`);
  const [bad] = await seen();
  assert.deepEqual([bad.level, bad.todo], ['fault', 'synchronous_commit = on']);
});
