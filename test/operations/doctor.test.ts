/** `slipway doctor`: what is well is said to be well, what is not is found, and each finding says what to do. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { openFactory } from '../helpers/authority.ts';
import { slipway } from '../helpers/command.ts';
import { newConnector } from '../helpers/connector.ts';
import { startPostgres } from '../helpers/postgres.ts';
import { startServer, type TestServer } from '../helpers/server.ts';

interface Finding {
  readonly subject: string;
  readonly level: 'ok' | 'warning' | 'fault';
  readonly seen: string;
  readonly todo: string | null;
}

const factory = openFactory();
let folder: string;
let server: TestServer;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-doctor-'));
  server = await startServer();
});
after(async () => {
  factory.remove();
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function examine(env: Record<string, string>, ...flags: string[]) {
  const ports = { SLIPWAY_HTTPS_PORT: '0', SLIPWAY_MQTT_PORT: '0', SLIPWAY_CONSOLE_PORT: '0' };
  const { code, stdout, stderr } = await slipway(['doctor', '--json', ...flags], { env: { ...ports, ...env } });
  assert.equal(stderr, '');
  const { findings, faults } = JSON.parse(stdout) as { findings: Finding[]; faults: number };
  assert.equal(code, faults > 0 ? 1 : 0);
  for (const { level, todo, subject } of findings) assert.equal(todo === null, level === 'ok', subject);
  return (subject: string) => findings.filter((finding) => finding.subject.startsWith(subject));
}
const levels = (findings: readonly Finding[]) => findings.map(({ level }) => level);

test('of a server that runs and is well it finds nothing but its ports in use', async () => {
  const env = {
    SLIPWAY_DATA: server.data,
    SLIPWAY_HTTPS_PORT: String(server.https),
    SLIPWAY_HTTP_PORT: String(server.http),
    SLIPWAY_MQTT_PORT: String(server.mqtt),
    SLIPWAY_MQTT_TCP_PORT: String(server.mqttTcp),
    SLIPWAY_CONSOLE_PORT: String(server.console),
  };
  const found = await examine(env);
  for (const subject of ['HTTPS for devices', 'MQTT for devices', 'plain HTTP', 'console']) {
    assert.deepEqual(
      found(subject).map(({ seen }) => seen),
      ['held by Slipway, which runs'],
      subject,
    );
  }
  assert.match(found('database')[0]!.seen, /sound; a server uses it/);
  assert.deepEqual(levels(found('permissions')), ['ok']);
  assert.match(found('certificate of the server')[0]!.seen, /good until .*, 39\d days/);
  assert.match(found('local CA')[0]!.seen, /good until .*, 36\d\d days/);
  assert.deepEqual(levels(found('clock')), ['ok']);
  assert.equal(found('').filter(({ level }) => level === 'fault').length, 0);
  const asText = await slipway(['doctor', '--data', server.data, '--console-port', String(server.console)], {
    env: { ...env },
  });
  assert.match(asText.stdout, /^ok {7}database: sound/m);
});

test('a setting that cannot be used is a fault; one that does not exist, or is left over, a warning', async () => {
  const found = await examine({ SLIPWAY_DATA: folder, SLIPWAY_MQTT_PORT: 'many' });
  assert.match(found('configuration')[0]!.seen, /SLIPWAY_MQTT_PORT is "many"; expected a port/);
  const other = await examine({
    SLIPWAY_DATA: folder,
    SLIPWAY_MQTTPORT: '1',
    SLIPWAY_ADMIN_PASSWORD: 'long-enough-it-is',
  });
  assert.deepEqual(levels(other('configuration')), ['warning', 'warning']);
  assert.doesNotMatch(JSON.stringify(other('')), /long-enough/);
});

test('a port of another program is a fault that names the setting', async () => {
  const program = createServer((socket) => socket.end('hello\r\n')).listen(0, '127.0.0.1');
  await once(program, 'listening');
  const port = String((program.address() as { port: number }).port);
  const env = { SLIPWAY_DATA: folder, SLIPWAY_HOST: '127.0.0.1', SLIPWAY_HTTPS_PORT: port };
  const [https] = (await examine(env))('HTTPS for devices');
  program.close();
  assert.equal(https!.level, 'fault');
  assert.match(https!.todo!, /SLIPWAY_HTTPS_PORT/);
});

test('keys and a folder that others may read are found', async () => {
  const data = join(folder, 'open');
  await mkdir(join(data, 'ca'), { recursive: true });
  await writeFile(join(data, 'ca', 'ca-key.pem'), 'key');
  await chmod(join(data, 'ca', 'ca-key.pem'), 0o644);
  await chmod(data, 0o755);
  const found = await examine({ SLIPWAY_DATA: data });
  assert.deepEqual(levels(found('data folder')), ['warning']);
  assert.deepEqual(levels(found('ca/ca-key.pem')), ['fault']);
  assert.match(found('ca/ca-key.pem')[0]!.todo!, /chmod 600/);
  await chmod(data, 0o700);
  assert.deepEqual(levels((await examine({ SLIPWAY_DATA: data }))('ca/ca-key.pem')), ['warning']);
});

test('a key that others may read, or that is lost while its database is there, is found', async () => {
  const data = join(folder, 'sealed');
  await mkdir(data, { mode: 0o700 });
  new DatabaseSync(join(data, 'slipway.db')).close();
  await chmod(join(data, 'slipway.db'), 0o600);
  await writeFile(join(data, 'seal.key'), 'key', { mode: 0o644 });
  const seen = async () => (await examine({ SLIPWAY_DATA: data }))('seal.key');
  assert.deepEqual(levels(await seen()), ['warning']);
  await rm(join(data, 'seal.key'));
  const [lost] = await seen();
  assert.equal(lost!.level, 'fault');
  assert.match(lost!.todo!, /of a backup/);
});

test('an own certificate: that it ends, names other hosts, or has another key', async () => {
  const soon = factory.selfSigned('soon', { to: new Date(Date.now() + 5.5 * 86_400_000) });
  const other = factory.selfSigned('other');
  const found = await examine({
    SLIPWAY_DATA: folder,
    SLIPWAY_TLS_CERT: soon.certPath,
    SLIPWAY_TLS_KEY: other.keyPath,
  });
  const seen = found('certificate of the server').map(({ seen }) => seen);
  assert.match(seen[0]!, /ends on .*, in 5 days/);
  assert.match(seen[1]!, /belongs to another key/);
  assert.match(seen[2]!, /names .*not \*\.m2\.localhost/);
  const ended = factory.selfSigned('ended', { from: new Date(Date.now() - 9e8), to: new Date(Date.now() - 1e8) });
  const past = await examine({
    SLIPWAY_DATA: folder,
    SLIPWAY_TLS_CERT: ended.certPath,
    SLIPWAY_TLS_KEY: ended.keyPath,
  });
  assert.match(past('certificate of the server')[0]!.seen, /ended on/);
});

test('a CA of a connector that ends soon is named with its connector', async () => {
  const { data } = server;
  const authority = factory.authority('Makers', { to: new Date(Date.now() + 20.5 * 86_400_000) });
  const connector = await newConnector(server, { pki: { enabled: true, client_ca: [authority.cert] } });
  const [ca] = (await examine({ SLIPWAY_DATA: data }))('client CA 1 of');
  assert.match(ca!.subject, new RegExp(connector.id));
  assert.match(ca!.seen, /in 20 days/);
});

test('a database that is damaged, or of a later version, is a fault', async () => {
  const data = join(folder, 'damaged');
  await mkdir(data, { mode: 0o700 });
  await writeFile(join(data, 'slipway.db'), 'this is no database, whatever its name says'.repeat(100), { mode: 0o600 });
  const [damaged] = (await examine({ SLIPWAY_DATA: data }))('database');
  assert.equal(damaged!.level, 'fault');
  await rm(join(data, 'slipway.db'));
  const db = new DatabaseSync(join(data, 'slipway.db'));
  db.exec('PRAGMA user_version = 9999');
  db.close();
  assert.match((await examine({ SLIPWAY_DATA: data }))('database')[0]!.seen, /schema 9999/);
});

test('a clock behind what is stored already is a fault', async () => {
  const data = join(folder, 'ahead');
  const ahead = await startServer({ data });
  await (await newConnector(ahead)).provision('d');
  await ahead.stop();
  const db = new DatabaseSync(join(data, 'slipway.db'));
  db.exec(
    `UPDATE devices SET last_seen = ${(Date.now() + 3_600_000) * 1000}, activity = ${(Date.now() + 3_600_000) * 1000}`,
  );
  db.close();
  const [clock] = (await examine({ SLIPWAY_DATA: data }))('clock');
  assert.match(clock!.seen, /before what is stored already/);
  assert.equal(clock!.level, 'fault');
});

test('a PostgreSQL that is not there is a fault, and its password is not told', async () => {
  const url = 'postgres://slipway:hidden-word@127.0.0.1:1/slipway';
  const found = await examine({ SLIPWAY_DATA: folder, SLIPWAY_DATABASE_URL: url });
  assert.equal(found('PostgreSQL')[0]!.level, 'fault');
  assert.doesNotMatch(JSON.stringify(found('')), /hidden-word/);
});

test('a PostgreSQL that servers use is well; one into which a move has begun is not, as no server starts on it', async () => {
  const postgres = await startPostgres();
  try {
    const url = await postgres.newDatabase();
    const sharing = await startServer({ env: { SLIPWAY_DATABASE_URL: url } });
    await sharing.stop();
    const env = { SLIPWAY_DATA: folder, SLIPWAY_DATABASE_URL: url };
    assert.deepEqual(levels((await examine(env))('PostgreSQL')), ['ok']);
    // As an interrupted `slipway migrate` leaves it behind.
    await postgres.query('CREATE TABLE moving ()', url);
    const [finding] = (await examine(env))('PostgreSQL');
    assert.equal(finding!.level, 'fault');
    assert.match(`${finding!.seen} ${finding!.todo}`, /move into it is not finished.*slipway migrate/);
  } finally {
    await postgres.remove();
  }
});
