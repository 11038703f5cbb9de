/**
 * What breaks between gateways and their database, or is broken, while devices write and publish, a line activates and operators
 * import: afterwards everything that was acknowledged is there exactly once, nothing refused is there, and nobody had to restart a
 * gateway.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually, newConnector, resource, type TestConnector, through } from '../helpers/connector.ts';
import { byToken, openMqtt } from '../helpers/mqtt.ts';
import { startPostgres, type TestPostgres } from '../helpers/postgres.ts';
import { startProxy, type TestProxy } from '../helpers/proxy.ts';
import { startServer, type TestServer } from '../helpers/server.ts';
import { type Kind, startWriters, type Writers } from '../helpers/writers.ts';

const given = process.env.SLIPWAY_TEST_DATABASE_URL !== undefined;
/** ms within which gateways work again once their database does. */
const RECOVERS_WITHIN = 10_000;

let postgres: TestPostgres;
let url = '';
/** Stands between the second gateway and its database. */
let proxy: TestProxy | undefined;
let servers: TestServer[] = [];
let one: TestConnector;
let two: TestConnector;

before(async () => {
  postgres = await startPostgres();
  url = await postgres.newDatabase();
  proxy = await startProxy(postgres.port ?? Number(new URL(url).port));
  const through2 = new URL(url);
  through2.host = `127.0.0.1:${proxy.port}`;
  servers = [
    await startServer({ env: { SLIPWAY_DATABASE_URL: url } }),
    await startServer({ env: { SLIPWAY_DATABASE_URL: through2.href } }),
  ];
  one = await newConnector(servers[0]!, { resources: { n: resource() } });
  two = through(servers[1]!, one);
});
after(async () => {
  try {
    await Promise.all(servers.map((server) => server.stop()));
  } finally {
    await proxy?.close();
    await postgres?.remove();
  }
});

/** Lets devices write over both gateways, breaks something, and looks for everything afterwards. */
async function whileWriting(work: (writers: Writers) => Promise<void>): Promise<void> {
  const writers = await startWriters([one, two]);
  try {
    await delay(500);
    await work(writers);
    const recovery = await writers.recovered();
    assert.ok(recovery < RECOVERS_WITHIN, `recovered after ${recovery} ms`);
    await delay(300);
  } finally {
    await writers.stop();
  }
  const acknowledged = await writers.finish();
  for (const [kind, least] of Object.entries({ write: 50, publish: 50, connect: 2, activate: 5, import: 1 })) {
    assert.ok(acknowledged[kind as Kind] >= least, `acknowledged: ${JSON.stringify(acknowledged)}`);
  }
}

/** A value that is set on one wakes a poll on the other: signals arrive. */
async function assertSignals(): Promise<void> {
  const token = await two.provision(`polls-${++polls}`);
  const waiting = two.send('/api:v1/stack/alias?n', { token, headers: { 'Request-Timeout': '20000' } });
  await delay(300);
  await one.api('PATCH', `/identity/polls-${polls}/state`, { n: 'set' });
  assert.equal((await waiting).body, 'n=set');
}
let polls = 0;

test('a gateway is killed with SIGKILL and started again', async () => {
  await whileWriting(async () => {
    await servers[0]!.kill9();
    await delay(1_000);
    await servers[0]!.restart();
  });
  await assertSignals();
});

const unlessGiven = { skip: given ? 'SLIPWAY_TEST_DATABASE_URL names a server that is not ours to stop' : false };

test(
  'PostgreSQL is stopped for 5 s: 503 with Retry-After meanwhile, no PUBACK, and CONNACK 3 or 0x88',
  unlessGiven,
  async () => {
    const tokens = [await one.provision('refused'), await one.provision('not-connected')];
    await whileWriting(async (writers) => {
      await postgres.stop();
      const from = performance.now();
      let until = from;
      const token = tokens[0]!;
      const refusals = await Promise.all([
        one.send('/api:v1/stack/alias', { token, body: 'n=never' }),
        two.send('/api:v1/stack/alias', { token, body: 'n=never' }),
        ...([4, 5] as const).map(async (version) => {
          const client = await openMqtt(servers[version - 4]!, version);
          return client.connect(byToken(tokens[1]!)).finally(client.destroy);
        }),
        delay(5_000),
      ]).finally(() => {
        until = performance.now();
        return postgres.start();
      });
      const [write, other, v4, v5] = refusals;
      for (const answer of [write, other]) {
        assert.equal(answer.status, 503);
        assert.match(answer.headers['retry-after'] ?? '', /^\d+$/);
      }
      assert.deepEqual([v4.returnCode, v5.reasonCode], [3, 0x88]);
      assert.deepEqual(
        writers.between(from, until).filter(({ outcome }) => outcome === 'acknowledged'),
        [],
        'nothing was acknowledged',
      );
    });
    await assertSignals();
  },
);

test('PostgreSQL is killed with SIGKILL and started again', unlessGiven, async () => {
  await whileWriting(async () => {
    await postgres.kill9();
    await delay(500);
    await postgres.start();
  });
  await assertSignals();
});

test('the network between a gateway and its database is cut for 15 s, and heals', async () => {
  await whileWriting(async (writers) => {
    const token = await two.provision('locked-meanwhile');
    assert.equal(await two.write('n=1', { token }), 204);
    proxy!.cut();
    const from = performance.now();
    await delay(2_000);
    await one.change('locked-meanwhile', { locked: true });
    const refused = await two.send('/api:v1/stack/alias', { token, body: 'n=never' });
    await delay(Math.max(0, from + 15_000 - performance.now()));
    const meanwhile = writers.between(from, performance.now());
    proxy!.heal();
    assert.equal(refused.status, 503);
    const onward = meanwhile.filter(({ gateway, outcome }) => gateway === one && outcome === 'acknowledged');
    assert.ok(onward.some(({ kind }) => kind === 'write') && onward.some(({ kind }) => kind === 'publish'));
    await eventually('what was missed is known', async () => (await two.write('n=2', { token })) === 403);
  });
  await assertSignals();
});

test('all connections between a gateway and its database break at once', async () => {
  await whileWriting(async () => {
    for (let n = 0; n < 5; n += 1) {
      proxy!.reset();
      await delay(300);
    }
  });
  await assertSignals();
});

test('the connections that listen for signals break alone', async () => {
  await whileWriting(async () => {
    const listening =
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'slipway-signals'";
    assert.equal((await postgres.query(listening)).length, 2);
  });
  await assertSignals();
});
