/** Devices on MQTT over several gateways: one live connection each, cut and woken from whichever gateway, and known to all. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually, newConnector, resource, type TestConnector, through } from '../helpers/connector.ts';
import { follow } from '../helpers/live-log.ts';
import {
  byToken,
  connected,
  endOf,
  message,
  openMqtt,
  openMqtts,
  packetOf,
  type RawMqtt,
  two as twoBytes,
  versions,
} from '../helpers/mqtt.ts';
import { startPostgres, type TestPostgres } from '../helpers/postgres.ts';
import { startServer, type TestServer } from '../helpers/server.ts';

/** ms after which a gateway that was killed counts as gone, with some to spare. */
const GONE_WITHIN = 40_000;

let postgres: TestPostgres | undefined;
let servers: TestServer[] = [];
let one: TestConnector;
let two: TestConnector;

before(async () => {
  postgres = await startPostgres();
  const env = { SLIPWAY_DATABASE_URL: await postgres.newDatabase() };
  servers = [await startServer({ env }), await startServer({ env })];
  one = await newConnector(servers[0]!, { resources: { a: resource(), b: resource() } });
  two = through(servers[1]!, one);
});
after(async () => {
  await Promise.all(servers.map((server) => server.stop())).finally(() => postgres?.remove());
});

let devices = 0;
async function newDevice() {
  const identity = `m${++devices}`;
  return { identity, token: await one.provision(identity) };
}

async function assertAlive(client: RawMqtt): Promise<void> {
  await client.send(packetOf(0xc0));
  assert.equal((await client.next()).cmd, 'pingresp');
}

/** Both gateways say so, of the device itself and in their lists. */
async function isOnline(identity: string, wanted: boolean): Promise<boolean> {
  for (const gateway of [one, two]) {
    if ((await gateway.device(identity)).online !== wanted) return false;
    const { body } = await gateway.api('GET', `/identities/count?identity=${identity}&online=true`);
    if ((body.count === 1) !== wanted) return false;
  }
  return true;
}

const linkEvents = async (identity: string) =>
  (await one.events('connect,disconnect'))
    .filter((event) => event.identity === identity)
    .map(({ type, payload }) => (type === 'connect' ? payload.client_id : payload.reason));

for (const [version, name] of versions) {
  const told = (reason: number) => (version === 5 ? reason : null);

  // 3.1.1 [MQTT-3.1.4-2], 5.0 [MQTT-3.1.4-3]
  test(`${name}: a connection on one gateway takes over from the one on another, which is cut and logged`, async () => {
    const { identity, token } = await newDevice();
    const first = await connected(servers[0]!, token, version, { clientId: 'first' });
    assert.ok(await isOnline(identity, true));
    const second = await connected(servers[1]!, token, version, { clientId: 'second' });
    assert.equal(await endOf(first), told(0x8e));
    await second.send(message('$resource/a', 'mine', 1));
    assert.equal((await second.next()).cmd, 'puback');
    await eventually('the end is logged', async () => (await linkEvents(identity)).length === 3);
    assert.deepEqual(await linkEvents(identity), ['first', 'second', 'TAKEN_OVER']);
    // Longer than what is noted waits to be written.
    await delay(6_000);
    assert.ok(await isOnline(identity, true), 'it is online where it is now');
    const back = await connected(servers[0]!, token, version, { clientId: 'back' });
    assert.equal(await endOf(second), told(0x8e));
    await assertAlive(back);
    back.destroy();
    await eventually('it is offline', () => isOnline(identity, false));
  });

  test(`${name}: of connections of one device that race on both gateways exactly one stays`, async () => {
    for (let round = 0; round < 8; round += 1) {
      const { identity, token } = await newDevice();
      const clients = await Promise.all([0, 1, 0, 1].map((at) => openMqtt(servers[at]!, version)));
      const ends = clients.map((client) => {
        const { promise, resolve } = Promise.withResolvers<void>();
        for (const event of ['end', 'close']) client.socket.once(event, resolve);
        return promise;
      });
      let ended = 0;
      for (const end of ends) void end.then(() => (ended += 1));
      await Promise.all(
        // Who is taken over before its CONNACK sees a close without one.
        clients.map((client) => client.connect(byToken(token)).catch(() => null)),
      );
      await eventually('all but one are cut', async () => ended >= 3);
      await delay(300);
      assert.equal(ended, 3, 'one stays');
      const survivor = clients.find(({ socket }) => !socket.readableEnded)!;
      await assertAlive(survivor);
      assert.ok(await isOnline(identity, true));
      for (const client of clients) client.destroy();
      await eventually('nobody is left', () => isOnline(identity, false));
    }
  });

  test(`${name}: a value that is set on either gateway reaches the session on the other`, async () => {
    for (const [at, there] of [
      [1, one],
      [0, two],
    ] as const) {
      const { identity, token } = await newDevice();
      const client = await connected(servers[at]!, token, version);
      for (let n = 0; n < 5; n += 1) {
        const value = `${there === one ? 'one' : 'two'} ${n}`;
        assert.equal((await there.api('PATCH', `/identity/${identity}/state`, { b: value })).status, 200);
        const { topic, payload, messageId } = await client.next();
        assert.deepEqual([topic.split('/')[1], payload.toString()], ['b', value]);
        await client.send(packetOf(0x40, twoBytes(messageId)));
      }
      client.destroy();
      // What it has taken is soon known everywhere.
      await delay(1_000);
      const moved = await connected(there.server, token, version);
      await assertAlive(moved);
      moved.destroy();
    }
  });

  for (const [what, cut, reason] of [
    ['locking', (identity: string) => one.change(identity, { locked: true }), 0x87],
    ['revoking', (identity: string) => one.change(identity, { auth: { expire: 0 } }), 0x87],
    ['deleting', (identity: string) => one.api('DELETE', `/identity/${identity}`), 0x87],
  ] as const) {
    test(`${name}: ${what} on one gateway cuts the session on the other`, async () => {
      const { identity, token } = await newDevice();
      const client = await connected(servers[1]!, token, version);
      await cut(identity);
      assert.equal(await endOf(client), told(reason));
      const again = await openMqtt(servers[1]!, version);
      const { returnCode, reasonCode } = await again.connect(byToken(token));
      assert.ok((returnCode ?? reasonCode) > 0);
      again.destroy();
    });
  }

  test(`${name}: a device that provisions on one publishes on the other, and the live logs of both show it`, async () => {
    const identity = `m${++devices}`;
    await one.whitelist(identity);
    const stop = new AbortController();
    const logs = [one, two].map(async (gateway) => {
      const told = await follow(gateway, `identity=${identity}`, 5, stop.signal);
      return told.map(({ type }) => type);
    });
    await delay(300);
    const stranger = await openMqtts(one, version);
    const { returnCode, reasonCode } = await stranger.connect();
    assert.equal(returnCode ?? reasonCode, 0);
    await stranger.send(message(`$provision/${identity}`, '', 1));
    const answers = [await stranger.next(), await stranger.next()];
    const token = answers.find(({ cmd }) => cmd === 'publish')!.payload.toString();
    // It is the device from then on; the other connection takes over from it.
    const client = await connected(servers[1]!, token, version);
    await client.send(message('$resource/a', 'hello', 1));
    assert.equal((await client.next()).cmd, 'puback');
    const [first, second] = await Promise.all(logs);
    stop.abort();
    assert.deepEqual(first, second);
    assert.deepEqual(first!.toSorted(), ['connect', 'connect', 'data_in', 'disconnect', 'provisioned']);
    assert.equal((await one.state(identity)).a.reported, 'hello');
    client.destroy();
    stranger.destroy();
  });
}

test('a gateway that is killed leaves nobody online for long, and its devices come back on the other', async () => {
  const { identity, token } = await newDevice();
  const { identity: other, token: otherToken } = await newDevice();
  const clients = [await connected(servers[0]!, token), await connected(servers[0]!, otherToken)];
  assert.equal((await two.device(identity)).online, true);
  await servers[0]!.kill9();
  for (const client of clients) client.destroy();
  const back = await connected(servers[1]!, otherToken);
  await eventually('it is offline', async () => !(await two.device(identity)).online, GONE_WITHIN);
  assert.equal((await two.device(other)).online, true, 'who came back is not counted as gone with the old gateway');
  await assertAlive(back);
  await servers[0]!.restart();
  assert.ok(await isOnline(other, true));
  back.destroy();
});

test('a gateway that was taken for dead and is not has its devices online again', async () => {
  const { identity, token } = await newDevice();
  const client = await connected(servers[0]!, token);
  servers[0]!.process.kill('SIGSTOP');
  try {
    await eventually('it counts as gone', async () => !(await two.device(identity)).online, GONE_WITHIN);
  } finally {
    servers[0]!.process.kill('SIGCONT');
  }
  await eventually('it is online again', () => isOnline(identity, true));
  await assertAlive(client);
  const second = await connected(servers[1]!, token);
  await client.closed();
  assert.ok(await isOnline(identity, true));
  second.destroy();
  await eventually('it is offline', () => isOnline(identity, false));
});
