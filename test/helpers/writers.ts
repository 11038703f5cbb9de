/**
 * A fleet at work over several gateways, and what became of each thing that it tried: devices that write over HTTPS and publish over
 * MQTT, a line that activates, and operators who import. For tests that break something.
 */
import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually, type TestConnector } from './connector.ts';
import { byToken, message, openMqtt, type RawMqtt } from './mqtt.ts';

export type Kind = 'write' | 'publish' | 'connect' | 'activate' | 'import';

export interface Tried {
  readonly kind: Kind;
  readonly gateway: TestConnector;
  /** Of the device; of an import, what its identities begin with. */
  readonly identity: string;
  /** What was written; of an activation, the token. */
  readonly value: string;
  /** `unknown`: the connection ended without an answer. */
  readonly outcome: 'acknowledged' | 'refused' | 'unknown';
  /** HTTP status, or the code of a CONNACK. */
  readonly code: number | null;
  readonly retryAfter?: string;
  /** ms, as performance.now(). */
  readonly sent: number;
  readonly at: number;
}

/** How many of each there are on a gateway. */
export interface Crew {
  readonly writers: number;
  readonly publishers: number;
  readonly activators: number;
  readonly importers: number;
}

export interface Writers {
  /** What was tried and answered between the two times. */
  between(from: number, to: number): Tried[];
  /** Resolves when every gateway acknowledges writes and publishes again; ms since the call. */
  recovered(): Promise<number>;
  /** Ends them. */
  stop(): Promise<void>;
  /** Ends them, and holds what is stored against what was answered; how many of each were acknowledged. `by`: whom to ask, and use. */
  finish(by?: TestConnector): Promise<Record<Kind, number>>;
}

/** Messages of a publisher that wait for their PUBACK. */
const IN_FLIGHT = 4;
const IMPORT_ROWS = 20;
/** ms until a batch whose gateway was killed is finished by another. */
const ADOPTED_WITHIN = 40_000;

let made = 0;

export async function startWriters(
  gateways: readonly TestConnector[],
  crew: Crew = { writers: 3, publishers: 2, activators: 1, importers: 1 },
): Promise<Writers> {
  const tried: Tried[] = [];
  let running = true;
  const agent = new Agent({ keepAlive: true });
  const fleet = `fleet-${process.pid}-${++made}`;
  const loops: Promise<void>[] = [];
  const note = (one: Omit<Tried, 'at'>) => tried.push({ ...one, at: performance.now() });
  const failures: unknown[] = [];
  const repeat = (step: (n: number) => Promise<unknown>) => {
    const loop = async () => {
      for (let n = 0; running; n += 1) {
        await step(n);
      }
    };
    // It ends them all; whoever ends them is told.
    const failed = (error: unknown) => {
      running = false;
      failures.push(error);
    };
    loops.push(loop().catch(failed));
  };

  async function write(gateway: TestConnector, identity: string, token: string, value: string): Promise<void> {
    const sent = performance.now();
    const request = { token, body: `n=${value}`, plain: true, agent, signal: AbortSignal.timeout(60_000) };
    const answer = await gateway.send('/api:v1/stack/alias', request).catch(nullUnlessWrong);
    note({ kind: 'write', gateway, identity, value, sent, ...outcomeOf(answer, 204) });
    if (answer?.status !== 204) await delay(20);
  }

  /** One connection, from CONNECT to its end. */
  async function publish(gateway: TestConnector, identity: string, token: string, version: 4 | 5): Promise<void> {
    const begun = performance.now();
    const waiting = new Map<number, { value: string; sent: number }>();
    const client: RawMqtt | null = await openMqtt(gateway.server, version).catch(() => null);
    const end = () => client?.end();
    try {
      if (client === null) return;
      const { returnCode, reasonCode } = await client.connect(byToken(token));
      const code = (returnCode ?? reasonCode) as number;
      const outcome = code === 0 ? 'acknowledged' : 'refused';
      note({ kind: 'connect', gateway, identity, value: '', outcome, code, sent: begun });
      if (code !== 0) return;
      const send = async (id: number) => {
        const value = `${identity}-${++made}`;
        waiting.set(id, { value, sent: performance.now() });
        await client.send(message('$resource/n', value, id));
      };
      for (let id = 1; id <= IN_FLIGHT; id += 1) await send(id);
      while (waiting.size > 0) {
        const { cmd, messageId, reasonCode = 0 } = await client.next();
        if (cmd !== 'puback') return;
        assert.equal(reasonCode, 0);
        const { value, sent } = waiting.get(messageId)!;
        waiting.delete(messageId);
        note({ kind: 'publish', gateway, identity, value, outcome: 'acknowledged', code: null, sent });
        if (running) await send(messageId);
      }
    } catch (error) {
      // It closed: whatever it does say has to be right.
      nullUnlessWrong(error as Error);
    } finally {
      end();
      client?.destroy();
      for (const { value, sent } of waiting.values()) {
        note({ kind: 'publish', gateway, identity, value, outcome: 'unknown', code: null, sent });
      }
      if (running) await delay(50);
    }
  }

  async function activate(gateway: TestConnector, identity: string): Promise<void> {
    const listed = await gateway.api('PUT', `/identity/${identity}`, {}).catch(() => null);
    if (listed?.status === 201) {
      const sent = performance.now();
      const request = { body: `id=${identity}`, plain: true, agent, signal: AbortSignal.timeout(60_000) };
      const answer = await gateway.send('/provision/activate', request).catch(nullUnlessWrong);
      note({ kind: 'activate', gateway, identity, value: answer?.body ?? '', sent, ...outcomeOf(answer, 200) });
    }
    await delay(50);
  }

  async function importRows(gateway: TestConnector, identity: string): Promise<void> {
    const rows = Array.from({ length: IMPORT_ROWS }, (_, at) => `${identity}-${at}`);
    const upload = new FormData();
    upload.set('identities', new File([`ID\n${rows.join('\n')}\n`], 'identities.csv', { type: 'text/csv' }));
    const sent = performance.now();
    const answer = await gateway.api('POST', '/identities', upload).catch(() => null);
    const headers = { 'retry-after': answer?.headers.get('retry-after') ?? undefined };
    const outcome = outcomeOf(answer && { status: answer.status, headers }, 200);
    note({ kind: 'import', gateway, identity, value: '', sent, ...outcome });
    await delay(200);
  }

  const begin = async (g: number, gateway: TestConnector) => {
    const start = async (count: number, what: string, work: (identity: string, token: string, n: number) => void) => {
      for (let n = 0; n < count; n += 1) {
        const identity = `${fleet}-${what}-${g}-${n}`;
        work(identity, await gateway.provision(identity), n);
      }
    };
    await start(crew.writers, 'w', (identity, token) =>
      repeat((n) => write(gateway, identity, token, `${identity}-${n}`)),
    );
    await start(crew.publishers, 'p', (identity, token, n) =>
      repeat(() => publish(gateway, identity, token, n % 2 === 0 ? 4 : 5)),
    );
    for (let a = 0; a < crew.activators; a += 1) repeat((n) => activate(gateway, `${fleet}-a-${g}-${a}-${n}`));
    for (let i = 0; i < crew.importers; i += 1) repeat((n) => importRows(gateway, `${fleet}-i-${g}-${i}-${n}x`));
  };

  const stop = async () => {
    running = false;
    await Promise.all(loops);

    agent.destroy();
    if (failures.length > 0) throw failures[0];
  };
  try {
    for (const [g, gateway] of gateways.entries()) await begin(g, gateway);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    between: (from, to) => tried.filter(({ sent, at }) => sent >= from && at <= to),
    async recovered() {
      const start = performance.now();
      const kinds = (['write', 'publish'] as const).filter((kind) => tried.some((one) => one.kind === kind));
      const acknowledges = (gateway: TestConnector) =>
        kinds.every((kind) =>
          tried.some(
            (one) => one.gateway === gateway && one.kind === kind && one.outcome === 'acknowledged' && one.sent > start,
          ),
        );
      await eventually('every gateway acknowledges again', async () => gateways.every(acknowledges));
      return performance.now() - start;
    },
    stop,
    async finish(by = gateways[0]!) {
      await stop();
      for (const { kind, outcome, code, retryAfter, identity } of tried) {
        if (outcome !== 'refused') continue;
        if (kind === 'connect') assert.ok(code === 3 || code === 0x88, `${identity} got CONNACK ${code}`);
        else assert.equal(code, 503, `${kind} of ${identity}`);
        if (kind !== 'connect') assert.match(retryAfter ?? '', /^\d+$/, `${kind} of ${identity}: Retry-After`);
      }
      await checkValues(by, tried);
      await checkActivations(by, tried);
      await checkImports(by, tried);
      const counts = { write: 0, publish: 0, connect: 0, activate: 0, import: 0 };
      for (const { kind, outcome } of tried) if (outcome === 'acknowledged') counts[kind] += 1;
      return counts;
    },
  };
}

/** A connection that ends, or that nothing comes of, is an outcome; an answer that is not as it should be is a failure. */
function nullUnlessWrong(error: Error): null {
  if (error instanceof assert.AssertionError && !/^the server closed|did not come$/.test(error.message)) throw error;
  return null;
}

function outcomeOf(answer: { status: number; headers: Record<string, string | undefined> } | null, good: number) {
  if (answer === null) return { outcome: 'unknown', code: null } as const;
  const outcome = answer.status === good ? 'acknowledged' : 'refused';
  return { outcome, code: answer.status, retryAfter: answer.headers['retry-after'] } as const;
}

/** How often a thing is there, by what was answered. */
function assertTimes(n: number, { outcome }: Tried, what: string): void {
  if (outcome === 'acknowledged') assert.equal(n, 1, `${what} was acknowledged and is there ${n} times`);
  if (outcome === 'refused') assert.equal(n, 0, `${what} was refused and is there`);
  assert.ok(n <= 1, `${what} got no answer and is there ${n} times`);
}

async function checkValues(by: TestConnector, tried: readonly Tried[]): Promise<void> {
  const values = tried.filter(({ kind }) => kind === 'write' || kind === 'publish');
  for (const [identity, mine] of Map.groupBy(values, (one) => one.identity)) {
    const times = Map.groupBy(await valuesOf(by, identity), (value) => value);
    for (const one of mine) assertTimes(times.get(one.value)?.length ?? 0, one, one.value);
    // A publisher has several under way: these may come in any order when their outcome is unknown.
    if (mine[0]!.kind === 'publish') continue;
    const { n } = await by.state(identity);
    const last = mine.findLastIndex(({ outcome }) => outcome === 'acknowledged');
    const later = mine.slice(Math.max(0, last)).map(({ value }) => value);
    if (last >= 0) assert.ok(later.includes(n.reported), `${identity} has ${n.reported}, ${later[0]} was acknowledged`);
  }
}

async function checkActivations(by: TestConnector, tried: readonly Tried[]): Promise<void> {
  for (const one of tried.filter(({ kind }) => kind === 'activate')) {
    const { status, body, text } = await by.api('GET', `/events?types=provisioned&identity=${one.identity}&limit=10`);
    assert.equal(status, 200, text);
    assertTimes(body.events.length, one, `activation of ${one.identity}`);
    const device = await by.device(one.identity);
    assert.equal(device.status, body.events.length === 1 ? 'provisioned' : 'whitelisted', one.identity);
    if (one.outcome !== 'acknowledged') continue;
    const answer = await by.send('/api:v1/stack/alias', { token: one.value, body: 'n=back', plain: true });
    assert.equal(answer.status, 204, `the token of ${one.identity}`);
  }
}

async function checkImports(by: TestConnector, tried: readonly Tried[]): Promise<void> {
  const rowsOf = async (identity: string) =>
    (await by.api('GET', `/identities/count?identity=${identity}-*`)).body.count as number;
  const finished = async () =>
    (await by.api('GET', '/batches')).body.batches.every(({ state }: { state: string }) => state === 'done');
  await eventually('every import is finished', finished, ADOPTED_WITHIN);
  for (const one of tried.filter(({ kind }) => kind === 'import')) {
    assertTimes((await rowsOf(one.identity)) / IMPORT_ROWS, one, `import ${one.identity}`);
  }
}

/** By the log: each write is one event there. */
async function valuesOf(gateway: TestConnector, identity: string): Promise<string[]> {
  const values: string[] = [];
  for (let before = ''; ; ) {
    const query = `/events?types=data_in&identity=${identity}&limit=1000${before}`;
    const { status, body, text } = await gateway.api('GET', query);
    assert.equal(status, 200, text);
    for (const { payload } of body.events) for (const { values: given } of payload) values.push(given.n);
    if (!body.mayLoadMore) return values;
    before = `&before=${body.events.at(-1).seq}`;
  }
}
