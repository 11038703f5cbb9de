/** A connection's life over MQTT: take-over, keep-alive, lock, revoke, delete, changed credentials, the stop of the server. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openFactory } from '../helpers/authority.ts';
import { eventually, newConnector, resource, type TestConnector } from '../helpers/connector.ts';
import { byPassword, connected, endOf, message, openMqtt, openMqtts, packetOf, versions } from '../helpers/mqtt.ts';
import { startServer } from '../helpers/server.ts';

const server = await startServer();
const factory = openFactory();
after(async () => {
  factory.remove();
  await server.stop();
});
const connector = await newConnector(server, { resources: { a: resource() } });
let devices = 0;

async function newDevice() {
  const identity = `d${++devices}`;
  return { identity, token: await connector.provision(identity) };
}

const reasonsOf = async (of: TestConnector, identity: string) =>
  (await of.events('disconnect')).filter((event) => event.identity === identity).map(({ payload }) => payload.reason);

/** The log tells of an end a moment after the client has seen it. */
async function assertReasons(identity: string, reasons: readonly string[]): Promise<void> {
  await eventually('the end is logged', async () => (await reasonsOf(connector, identity)).length >= reasons.length);
  assert.deepEqual(await reasonsOf(connector, identity), reasons);
}

for (const [version, name] of versions) {
  const told = (reason: number) => (version === 5 ? reason : null);

  // 3.1.1 [MQTT-3.1.4-2], 5.0 [MQTT-3.1.4-3]
  test(`${name}: a second connection of a device takes over from the first, whatever its client id`, async () => {
    const { identity, token } = await newDevice();
    const first = await connected(server, token, version, { clientId: 'one' });
    const second = await connected(server, token, version, { clientId: 'two' });
    assert.equal(await endOf(first), told(0x8e));
    await second.send(message('$resource/a', 'mine', 1));
    assert.equal((await second.next()).cmd, 'puback');
    assert.equal((await connector.device(identity)).online, true);
    const events = (await connector.events('connect,disconnect')).filter((event) => event.identity === identity);
    assert.deepEqual(
      events.map(({ type, payload }) => [type, payload.client_id ?? payload.reason]),
      [
        ['connect', 'one'],
        ['disconnect', 'TAKEN_OVER'],
        ['connect', 'two'],
      ],
    );
    second.destroy();
  });

  test(`${name}: devices with the same client id do not disturb each other`, async () => {
    const [one, two] = [await newDevice(), await newDevice()];
    const clients = [
      await connected(server, one.token, version, { clientId: 'same' }),
      await connected(server, two.token, version, { clientId: 'same' }),
    ];
    for (const client of clients) {
      await client.send(packetOf(0xc0));
      assert.equal((await client.next()).cmd, 'pingresp');
      client.destroy();
    }
  });

  // 3.1.1 [MQTT-3.1.2-24], 5.0 [MQTT-3.1.2-22] [MQTT-3.2.2-22]
  test(`${name}: silence of one and a half times the keep-alive ends the connection; pings keep it`, async () => {
    const [one, two] = [await newDevice(), await newDevice()];
    const silent = await connected(server, one.token, version, { keepalive: 1 });
    const pinging = await connected(server, two.token, version, { keepalive: 1 });
    for (let n = 0; n < 6; n += 1) {
      await pinging.send(packetOf(0xc0));
      assert.equal((await pinging.next()).cmd, 'pingresp');
      await delay(500);
    }
    assert.equal(await endOf(silent), told(0x8d));
    await assertReasons(one.identity, ['KEEP_ALIVE']);
    await assertReasons(two.identity, []);
    pinging.destroy();
  });

  for (const [what, change, reason, rule] of [
    ['locking', { locked: true }, 0x87, 'DEVICE_LOCKED'],
    ['revoking', { auth: { expire: 0 } }, 0x87, 'CREDENTIAL_INVALID'],
  ] as const) {
    test(`${name}: ${what} ends the session`, async () => {
      const { identity, token } = await newDevice();
      const client = await connected(server, token, version);
      await connector.change(identity, change);
      assert.equal(await endOf(client), told(reason));
      await eventually('it is offline', async () => !(await connector.device(identity)).online);
      await assertReasons(identity, [rule]);
    });
  }

  test(`${name}: deleting a device ends its session`, async () => {
    const { identity, token } = await newDevice();
    const client = await connected(server, token, version);
    assert.equal((await connector.api('DELETE', `/identity/${identity}`)).status, 204);
    assert.equal(await endOf(client), told(0x87));
  });

  test(`${name}: another credential in place of the old one ends the session that the old one opened`, async () => {
    const { identity, token } = await newDevice();
    const client = await connected(server, token, version);
    const key = 'f'.repeat(36) + `${version}`.padStart(4, '0');
    const given = await connector.api('PUT', `/identity/${identity}?upsert=true`, { auth: { type: 'token', key } });
    assert.equal(given.status, 200, given.text);
    assert.equal(await endOf(client), told(0x87));
    const again = await connected(server, key, version);
    again.destroy();
  });

  test(`${name}: the first use of a new token ends the session of the old one`, async () => {
    const { identity, token } = await newDevice();
    const client = await connected(server, token, version);
    await connector.change(identity, { reprovision: true });
    const fresh = await connector.activate(identity);
    await client.send(message('$resource/a', 'still here', 1));
    assert.equal((await client.next()).cmd, 'puback');
    assert.equal(await connector.write('a=1', { token: fresh }), 204);
    assert.equal(await endOf(client), told(0x87));
  });

  test(`${name}: a credential that ends by time ends its session`, async () => {
    const { identity, token } = await newDevice();
    const client = await connected(server, token, version);
    await connector.change(identity, { auth: { expire: (Date.now() + 1000) * 1000 } });
    assert.equal(await endOf(client), told(0x87));
    await assertReasons(identity, ['CREDENTIAL_EXPIRED']);
  });

  test(`${name}: a change of settings, tags or values ends no session`, async () => {
    const { identity, token } = await newDevice();
    const client = await connected(server, token, version);
    await connector.set({ description: `changed ${identity}` });
    await connector.change(identity, { tags: { site: ['north'] } });
    await connector.change(identity, { reprovision: true });
    await client.send(message('$resource/a', 'still here', 1));
    assert.equal((await client.next()).cmd, 'puback');
    client.destroy();
  });

  test(`${name}: sessions of passwords and certificates end likewise`, async () => {
    const password = 'a-password-of-more-than-20-bytes';
    const passwords = await newConnector(server, { provisioning: { auth_type: 'password' } });
    await passwords.whitelist('d1');
    await passwords.send('/provision/activate', { body: `id=d1&password=${password}` });
    const byName = await openMqtts(passwords, version);
    await byName.connect(byPassword('d1', password));
    const certificates = await newConnector(server, { provisioning: { auth_type: 'certificate' } });
    await certificates.whitelist('d1');
    const { cert, key } = factory.selfSigned('d1');
    const byCertificate = await openMqtts(certificates, version, { cert, key });
    await byCertificate.connect();
    for (const [of, client] of [
      [passwords, byName],
      [certificates, byCertificate],
    ] as const) {
      await client.send(packetOf(0xc0));
      assert.equal((await client.next()).cmd, 'pingresp');
      await of.change('d1', { locked: true });
      assert.equal(await endOf(client), told(0x87));
    }
  });

  test(`${name}: PKI that is switched on ends the session of a certificate that leads to no CA`, async () => {
    const connector = await newConnector(server, { provisioning: { auth_type: 'certificate' } });
    await connector.whitelist('d1');
    const { cert, key } = factory.selfSigned('d1');
    const client = await openMqtts(connector, version, { cert, key });
    await client.connect();
    await connector.set({ pki: { enabled: true, client_ca: [factory.authority('Some CA').cert] } });
    assert.equal(await endOf(client), told(0x87));
  });

  test(`${name}: connect and disconnect are logged with what they were about`, async () => {
    const { identity, token } = await newDevice();
    const leaving = await connected(server, token, version, { clientId: 'my-client', keepalive: 60 });
    await leaving.send({ cmd: 'disconnect' });
    assert.deepEqual(await leaving.closed(), []);
    const lost = await connected(server, token, version);
    lost.destroy();
    const broken = await connected(server, token, version);
    await broken.send(packetOf(0x20, 0));
    await broken.closed();
    await assertReasons(identity, ['DISCONNECT', 'CONNECTION_LOST', 'PACKET_UNEXPECTED']);
    const [connect] = (await connector.events('connect')).filter((event) => event.identity === identity);
    assert.deepEqual(connect?.payload, {
      version: name,
      client_id: 'my-client',
      keep_alive: 60,
      auth: 'token',
    });
    const all = await connector.api('GET', `/events?identity=${identity}&types=connect,disconnect`);
    const [disconnect, before] = all.body.events.slice(-2);
    assert.equal(disconnect.connection_id, before.connection_id);
    assert.equal(disconnect.protocol, 'murano:v1/mqtt');
  });

  test(`${name}: a stopping server finishes what it took, says that it stops, and every PUBACK is on disk`, async () => {
    const data = await mkdtemp(join(tmpdir(), 'slipway-test-'));
    const own = await startServer({ data });
    const connector = await newConnector(own, { resources: { a: resource() } });
    const token = await connector.provision('d1');
    const idle = await connected(own, await connector.provision('d2'), version);
    const stranger = await openMqtt(own, version);
    const client = await connected(own, token, version);
    let acknowledged = 0;
    const publishing = (async () => {
      for (let id = 1; ; id = (id % 60_000) + 1) {
        await client.send(message('$resource/a', `v${acknowledged}`, id));
        const answer = await client.next().catch(() => null);
        if (answer?.cmd !== 'puback') return answer;
        acknowledged += 1;
      }
    })();
    await delay(300);
    await own.stop();
    const last = await publishing;
    if (version === 5) assert.equal(last?.reasonCode, 0x8b);
    assert.equal(await endOf(idle), told(0x8b));
    assert.deepEqual(await stranger.closed(), []);
    for (const { destroy } of [client, stranger]) destroy();
    const again = await startServer({ data });
    try {
      const path = `/api:1/service/${connector.id}/device2/identity/d1`;
      const { body: device } = await again.api('GET', path);
      assert.ok(acknowledged > 0);
      assert.equal(device.online, false);
      const { body: whole } = await again.api('GET', `${path}/history?alias=a&limit=10000`);
      const stored = new Set(whole.points.map(({ value }: { value: string }) => value));
      for (let n = 0; n < Math.min(acknowledged, 10_000); n += 1) assert.ok(stored.has(`v${n}`), `v${n}`);
    } finally {
      await again.stop();
      await rm(data, { recursive: true, force: true });
    }
  });
}

test('a device that is connected stays online beyond its last word, and is listed so', async () => {
  const { identity, token } = await newDevice();
  const client = await connected(server, token);
  const online = await connector.api('GET', `/identity/?online=true&identity=${identity}`);
  assert.deepEqual(
    online.body.devices.map((device: { identity: string }) => device.identity),
    [identity],
  );
  client.destroy();
  await eventually('it is listed as offline', async () => {
    const { body } = await connector.api('GET', `/identity/?online=false&identity=${identity}`);
    return body.devices.length === 1;
  });
});

test('the client certificate of a resumed TLS session counts, and is checked again', async () => {
  const connector = await newConnector(server, { provisioning: { auth_type: 'certificate' } });
  await connector.whitelist('d1');
  const { cert, key } = factory.selfSigned('d1');
  const first = await openMqtts(connector, 4, { cert, key });
  const ticket = new Promise<Buffer>((resolve) => first.socket.once('session', resolve));
  assert.equal((await first.connect()).returnCode, 0);
  const session = await ticket;
  first.destroy();
  const resumed = await openMqtts(connector, 4, { session });
  assert.ok((resumed.socket as import('node:tls').TLSSocket).isSessionReused());
  assert.equal((await resumed.connect()).returnCode, 0);
  await connector.change('d1', { locked: true });
  await resumed.closed();
  resumed.destroy();
  const locked = await openMqtts(connector, 4, { session });
  assert.equal((await locked.connect()).returnCode, 5);
  locked.destroy();
});

test('a connection that shows nothing is ended in time', async () => {
  // As long as it takes: the time is a rule of the protocol here.
  const [silent, pinging] = [await openMqtt(server, 4), await openMqtt(server, 5)];
  await pinging.connect();
  const pings = setInterval(() => void pinging.send(packetOf(0xc0)), 2000);
  const waiting = [silent, pinging].map((client) => new Promise((resolve) => client.socket.once('end', resolve)));
  await Promise.all(waiting);
  clearInterval(pings);
  assert.equal(silent.received().length, 0);
  assert.equal((await pinging.closed()).at(-1).reasonCode, 0x87);
  silent.destroy();
  pinging.destroy();
});
