/**
 * Kills the server with SIGKILL while devices write, publish and activate and operators whitelist, import and set values,
 * starts it again, and looks for everything that was acknowledged (values that no device acknowledged have to arrive), and
 * for what was counted wrongly. `node scripts/crash.ts --rounds 20` runs the long form; it knows the server
 * from outside only.
 */
import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { eventually, newConnector, resource, type TestConnector } from '../test/helpers/connector.ts';
import { connected, message, type RawMqtt } from '../test/helpers/mqtt.ts';
import { startPostgres } from '../test/helpers/postgres.ts';
import { startServer, type TestServer } from '../test/helpers/server.ts';

const kinds = ['writes', 'publishes', 'activations', 'whitelisted', 'imports', 'wanted'] as const;
type Kind = (typeof kinds)[number];

export interface CrashReport {
  readonly rounds: number;
  readonly acknowledged: Record<Kind, number>;
  /** Imports whose answer the kill cut off; each was found whole or not at all. */
  readonly cutImports: number;
  /** What was acknowledged and is not there, or is counted wrongly: one line each. Empty if all is well. */
  readonly lost: string[];
}

/** How long the load runs before the kill, in ms: a different part of the server's life each round. */
const LOAD_MIN = 300;
const LOAD_MAX = 1500;
const WRITERS = 6;
/** Connections over MQTT, and messages of each that wait for their PUBACK. */
const PUBLISHERS = 4;
const IN_FLIGHT = 20;
const IMPORT_ROWS = 100;
/** ms until an import that was cut off is finished: on PostgreSQL the killed server has to count as gone first. */
const FINISHED_WITHIN = 40_000;

/** What was acknowledged and is to be found after the restart. */
interface Ledger {
  readonly writes: Map<Writer, string[]>;
  readonly publishes: Map<Writer, string[]>;
  /** The last value that was set for each device, and that no device has acknowledged. */
  readonly wanted: Map<Writer, string>;
  readonly activations: Map<string, string>;
  readonly whitelisted: string[];
  readonly imports: string[];
  /** Imports that were under way. */
  readonly cut: string[];
}

interface Writer {
  readonly identity: string;
  readonly token: string;
}

interface Options {
  readonly rounds: number;
  /** Gets one line of progress per round. */
  readonly say: (line: string) => void;
  /** An empty database on PostgreSQL; else it is SQLite. */
  readonly databaseUrl?: string;
}

/** Runs the rounds on a server of its own and removes its data, but for the database that was given. */
export async function crashRounds({ databaseUrl, ...options }: Options): Promise<CrashReport> {
  const server = await startServer(databaseUrl === undefined ? {} : { env: { SLIPWAY_DATABASE_URL: databaseUrl } });
  const report: CrashReport = {
    rounds: options.rounds,
    acknowledged: { writes: 0, publishes: 0, activations: 0, whitelisted: 0, imports: 0, wanted: 0 },
    cutImports: 0,
    lost: [],
  };
  try {
    const connector = await newConnector(server, { resources: { n: resource(), w: resource() } });
    const fleet: Fleet = {
      writers: await makeWriters(connector, 'writer', WRITERS),
      publishers: await makeWriters(connector, 'publisher', PUBLISHERS),
      absent: await makeWriters(connector, 'absent', PUBLISHERS),
    };
    const all: Ledger[] = [];
    let cutImports = 0;
    for (let round = 1; round <= options.rounds; round++) {
      const ledger = await loadUntilKilled(server, connector, fleet, round);
      await server.restart();
      report.lost.push(...(await missing(connector, ledger)), ...(await notArriving(server, ledger)));
      report.lost.push(...(await miscounted(connector)));
      all.push(ledger);
      const counts = countOf(ledger);
      for (const kind of kinds) report.acknowledged[kind] += counts[kind];
      cutImports += ledger.cut.length;
      options.say(`round ${round}/${options.rounds}: ${describe(counts)}; lost ${report.lost.length}`);
    }
    for (const ledger of all) report.lost.push(...(await missing(connector, ledger)));
    return { ...report, cutImports, lost: [...new Set(report.lost)] };
  } finally {
    await server.stop();
  }
}

function countOf(ledger: Ledger): Record<Kind, number> {
  return {
    writes: [...ledger.writes.values()].reduce((sum, values) => sum + values.length, 0),
    publishes: [...ledger.publishes.values()].reduce((sum, values) => sum + values.length, 0),
    wanted: ledger.wanted.size,
    activations: ledger.activations.size,
    whitelisted: ledger.whitelisted.length,
    imports: ledger.imports.length,
  };
}

const describe = (counts: Record<Kind, number>) => kinds.map((kind) => `${counts[kind]} ${kind}`).join(', ');

/** Devices: those that write over HTTPS, those that publish over MQTT, and those that are away. */
interface Fleet {
  readonly writers: readonly Writer[];
  readonly publishers: readonly Writer[];
  readonly absent: readonly Writer[];
}

async function makeWriters(connector: TestConnector, name: string, count: number): Promise<Writer[]> {
  const writers: Writer[] = [];
  for (let at = 0; at < count; at++) {
    writers.push({ identity: `${name}-${at}`, token: await connector.provision(`${name}-${at}`) });
  }
  return writers;
}

/** Runs every kind of load at once, kills in the middle of it, and gives what had been acknowledged. */
async function loadUntilKilled(
  server: TestServer,
  connector: TestConnector,
  { writers, publishers, absent }: Fleet,
  round: number,
): Promise<Ledger> {
  const ledger: Ledger = {
    writes: new Map(writers.map((writer) => [writer, []])),
    publishes: new Map(publishers.map((writer) => [writer, []])),
    wanted: new Map(),
    activations: new Map(),
    whitelisted: [],
    imports: [],
    cut: [],
  };
  let killed = false;
  const agent = new Agent({ keepAlive: true });
  /** Repeats until the kill. A connection that breaks is an error only while the server should live. */
  const repeat = async (step: (name: string) => Promise<void>) => {
    for (let at = 0; !killed; at++) {
      try {
        await step(`${round}-${at}`);
      } catch (error) {
        if (!killed || error instanceof assert.AssertionError) throw error;
      }
    }
  };
  const loads = [
    ...writers.map((writer) => repeat((name) => write(connector, agent, ledger, writer, `${writer.identity}-${name}`))),
    ...['a', 'b'].map((line) => repeat((name) => activate(connector, agent, ledger, `device-${line}-${name}`))),
    ...publishers.map((writer) => publishUntil(server, ledger, writer, `${writer.identity}-${round}`, () => killed)),
    ...absent.map((writer) => repeat((name) => want(connector, ledger, writer, name))),
    repeat((name) => whitelist(connector, ledger, `listed-${name}`)),
    repeat((name) => importRows(connector, ledger, `import-${name}-`)),
  ];
  const running = Promise.all(loads);
  await Promise.race([running, delay(LOAD_MIN + Math.random() * (LOAD_MAX - LOAD_MIN))]);
  killed = true;
  await server.kill9();
  await running;
  agent.destroy();
  return ledger;
}

async function write(connector: TestConnector, agent: Agent, ledger: Ledger, writer: Writer, value: string) {
  const request = { token: writer.token, body: `n=${value}`, plain: true, agent };
  const { status } = await connector.send('/api:v1/stack/alias', request);
  assert.equal(status, 204);
  ledger.writes.get(writer)?.push(value);
}

/** Keeps messages in flight until the connection ends, which is an error only while the server should live. */
async function publishUntil(
  server: TestServer,
  ledger: Ledger,
  writer: Writer,
  prefix: string,
  isOver: () => boolean,
): Promise<void> {
  const inFlight: string[] = [];
  let client: RawMqtt | null = null;
  const send = async (id: number) => {
    inFlight[id] = `${prefix}-${id}-${Math.random()}`;
    await client!.send(message('$resource/n', inFlight[id], id));
  };
  try {
    client = await connected(server, writer.token);
    for (let id = 1; id <= IN_FLIGHT; id++) await send(id);
    for (;;) {
      const { cmd, messageId } = await client.next();
      assert.equal(cmd, 'puback');
      ledger.publishes.get(writer)!.push(inFlight[messageId]!);
      await send(messageId);
    }
  } catch (error) {
    if (!isOver()) throw error;
  } finally {
    client?.destroy();
  }
}

/** An operator sets a value for a device that is away. */
async function want(connector: TestConnector, ledger: Ledger, writer: Writer, value: string): Promise<void> {
  const { status } = await connector.api('PATCH', `/identity/${writer.identity}/state`, { w: value });
  assert.equal(status, 200);
  ledger.wanted.set(writer, value);
}

/** One line for each value that was set and does not arrive when its device connects. It is taken then. */
async function notArriving(server: TestServer, ledger: Ledger): Promise<string[]> {
  const lost: string[] = [];
  for (const [writer, value] of ledger.wanted) {
    const client: RawMqtt = await connected(server, writer.token);
    const { topic, payload, messageId } = await client.next();
    // A newer one may have been set whose answer the kill cut off.
    const [round, at] = payload.toString().split('-').map(Number);
    const [wantedRound, wantedAt] = value.split('-').map(Number);
    if (!topic.startsWith('$resource/w/') || round !== wantedRound || at! < wantedAt!) {
      lost.push(`value ${value} for ${writer.identity}: ${payload} came on ${topic}`);
    }
    await client.send({ cmd: 'puback', messageId });
    client.destroy();
  }
  return lost;
}

async function activate(connector: TestConnector, agent: Agent, ledger: Ledger, identity: string) {
  await connector.whitelist(identity);
  const answer = await connector.send('/provision/activate', { body: `id=${identity}`, plain: true, agent });
  assert.equal(answer.status, 200, answer.body);
  ledger.activations.set(identity, answer.body);
}

async function whitelist(connector: TestConnector, ledger: Ledger, identity: string) {
  await connector.whitelist(identity);
  ledger.whitelisted.push(identity);
}

async function importRows(connector: TestConnector, ledger: Ledger, prefix: string) {
  const rows = Array.from({ length: IMPORT_ROWS }, (_, at) => `${prefix}${at}`);
  const upload = new FormData();
  upload.set('identities', new File([`ID\n${rows.join('\n')}\n`], 'identities.csv', { type: 'text/csv' }));
  ledger.cut.push(prefix);
  const answer = await connector.api('POST', '/identities', upload);
  assert.ok(answer.status >= 200 && answer.status < 300, `${answer.status} ${answer.text}`);
  ledger.cut.pop();
  ledger.imports.push(prefix);
}

/** One line for each thing of the ledger that is not there. */
async function missing(connector: TestConnector, ledger: Ledger): Promise<string[]> {
  const lost: string[] = [];
  for (const [writer, values] of [...ledger.writes, ...ledger.publishes]) {
    if (values.length === 0) continue;
    const stored = await historyOf(connector, writer.identity);
    for (const value of values) if (!stored.has(value)) lost.push(`value ${value} of ${writer.identity}`);
  }
  await inParallel([...ledger.activations], async ([identity, token]) => {
    const { status } = await connector.send('/api:v1/stack/alias', { token, body: 'n=back', plain: true });
    if (status !== 204) lost.push(`activation of ${identity}: its token gets ${status}`);
  });
  await inParallel(ledger.whitelisted, async (identity) => {
    const { status } = await connector.api('GET', `/identity/${identity}`);
    if (status !== 200) lost.push(`whitelist entry ${identity}: ${status}`);
  });
  await inParallel(ledger.imports, async (prefix) => {
    const count = await countRows(connector, prefix);
    if (count !== IMPORT_ROWS) lost.push(`import ${prefix}: ${count} of ${IMPORT_ROWS} rows`);
  });
  for (const prefix of ledger.cut) {
    const whole = async () => [0, IMPORT_ROWS].includes(await countRows(connector, prefix));
    await eventually(`import ${prefix} is there whole or not at all`, whole, FINISHED_WITHIN).catch((error) =>
      lost.push(String(error)),
    );
  }
  return lost;
}

/** Figures over time count each event of the log once, whatever was under way when the server was killed. */
async function miscounted(connector: TestConnector): Promise<string[]> {
  const lost: string[] = [];
  const { body: figures, status, text } = await connector.api('GET', '/figures');
  assert.equal(status, 200, text);
  for (const [column, type] of [
    ['writes', 'data_in'],
    ['provisioned', 'provisioned'],
  ] as const) {
    const counted = figures[column].reduce((sum: number, n: number) => sum + n, 0);
    const logged = await countEvents(connector, type);
    if (counted !== logged) lost.push(`figures: ${counted} ${column} counted, ${logged} in the log`);
  }
  return lost;
}

async function countEvents(connector: TestConnector, type: string): Promise<number> {
  let count = 0;
  for (let page = ''; ; ) {
    const { body, status, text } = await connector.api('GET', `/events?types=${type}&limit=1000${page}`);
    assert.equal(status, 200, text);
    count += body.events.length;
    if (!body.mayLoadMore) return count;
    page = `&before=${body.events.at(-1).seq}`;
  }
}

async function historyOf(connector: TestConnector, identity: string): Promise<Set<string>> {
  const values = new Set<string>();
  for (let from = 0; ; ) {
    const { body, status, text } = await connector.api(
      'GET',
      `/identity/${identity}/history?alias=n&from=${from}&limit=1000`,
    );
    assert.equal(status, 200, text);
    for (const point of body.points) values.add(point.value);
    if (!body.mayLoadMore) return values;
    from = body.points.at(-1).timestamp + 1;
  }
}

async function countRows(connector: TestConnector, prefix: string): Promise<number> {
  const { body, status, text } = await connector.api('GET', `/identities/count?identity=${prefix}*`);
  assert.equal(status, 200, text);
  return body.count;
}

/** Does `work` for each item, a few at a time. */
async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const waiting = items.values();
  const worker = async () => {
    for (const item of waiting) await work(item);
  };
  await Promise.all(Array.from({ length: 8 }, worker));
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '20' },
      postgres: { type: 'boolean', default: false },
      'database-url': { type: 'string' },
    },
  });
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`--rounds is ${values.rounds}; expected 1 or more.`);
  const postgres = values.postgres ? await startPostgres() : null;
  const databaseUrl = values['database-url'] ?? (await postgres?.newDatabase());
  const report = await crashRounds({ rounds, say: console.log, databaseUrl }).finally(() => postgres?.remove());
  console.log(
    `${report.rounds} kills; acknowledged: ${describe(report.acknowledged)}; ${report.cutImports} imports cut off`,
  );
  for (const line of report.lost) console.log(`LOST ${line}`);
  console.log(report.lost.length === 0 ? 'Nothing that was acknowledged is lost.' : `${report.lost.length} LOST.`);
  process.exitCode = report.lost.length === 0 ? 0 : 1;
}

if (import.meta.main) await main();
