/** device-mqtt.md, CONNECT: who gets in, what is answered, and what a connection without a credential may do. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openFactory } from '../helpers/authority.ts';
import { eventually, newConnector, resource } from '../helpers/connector.ts';
import {
  byPassword,
  byToken,
  connected,
  connectOf,
  message,
  openMqtt,
  openMqtts,
  packetOf,
  text,
  two,
  versions,
} from '../helpers/mqtt.ts';
import { startServer } from '../helpers/server.ts';

const server = await startServer();
const factory = openFactory();
after(async () => {
  factory.remove();
  await server.stop();
});
const connector = await newConnector(server, { resources: { a: resource() } });
const token = await connector.provision('d1');
const password = 'a-password-of-more-than-20-bytes';

/** A connector whose devices have passwords, with `p1` provisioned. */
async function withPassword() {
  const connector = await newConnector(server, { provisioning: { auth_type: 'password' } });
  await connector.whitelist('p1');
  await connector.send('/provision/activate', { body: `id=p1&password=${password}` });
  return connector;
}

const codeOf = (connack: { returnCode?: number; reasonCode?: number }) => connack.returnCode ?? connack.reasonCode;

for (const [version, name] of versions) {
  const bad = version === 4 ? 4 : 0x86;
  const notAllowed = version === 4 ? 5 : 0x87;

  // 3.1.1 [MQTT-3.1.4-4] [MQTT-3.2.0-1], 5.0 [MQTT-3.1.4-5] [MQTT-3.2.0-1] [MQTT-3.2.0-2] [MQTT-3.2.2-1]
  test(`${name}: a good CONNECT is answered by one CONNACK, before anything else`, async () => {
    await connector.api('PATCH', '/identity/d1/state', { a: `for ${name}` });
    const client = await openMqtt(server, version);
    const connack = await client.connect(byToken(token));
    assert.deepEqual([codeOf(connack), connack.sessionPresent], [0, false]);
    assert.equal((await client.next()).cmd, 'publish');
    await client.send(packetOf(0xc0));
    // 3.1.1 [MQTT-3.12.4-1], 5.0 [MQTT-3.12.4-1]
    assert.equal((await client.next()).cmd, 'pingresp');
    client.destroy();
  });

  // 3.1.1 [MQTT-3.2.2-1] [MQTT-3.2.2-3], 5.0 [MQTT-3.2.2-2] [MQTT-3.2.2-3]
  test(`${name}: no session outlives its connection, whatever clean session says`, async () => {
    for (const clean of [true, false, false]) {
      const client = await connected(server, token, version, { clean, clientId: 'same' });
      client.destroy();
    }
    const client = await openMqtt(server, version);
    const connack = await client.connect({ ...byToken(token), clean: false, clientId: 'same' });
    assert.equal(connack.sessionPresent, false);
    client.destroy();
  });

  // 3.1.1 [MQTT-3.1.3-5] [MQTT-3.1.3-6], 5.0 [MQTT-3.1.3-5] [MQTT-3.1.3-6]
  test(`${name}: client ids may be empty, short or long, with clean session or without`, async () => {
    for (const clientId of ['', 'a', '0123456789abcdefghijABC', 'x'.repeat(5000), 'with / + # and ü']) {
      for (const clean of [2, 0]) {
        const client = await openMqtt(server, version);
        await client.send(connectOf(version, { flags: 0xc0 | clean, clientId }, text(''), text(token)));
        assert.equal(codeOf(await client.next()), 0);
        client.destroy();
      }
    }
  });

  // 3.1.1 [MQTT-3.2.2-4] [MQTT-3.2.2-5], 5.0 [MQTT-3.1.4-2] [MQTT-3.2.2-6] [MQTT-3.2.2-7] [MQTT-3.2.2-8]
  test(`${name}: bad credentials are refused with ${bad}, and the connection ends`, async () => {
    const passwords = await withPassword();
    for (const [to, shown] of [
      [connector, byToken('0'.repeat(40))],
      [connector, byToken('no token')],
      [await newConnector(server), byToken(token)],
      [passwords, byPassword('p1', `${password}!`)],
      [passwords, byPassword('p2', password)],
      [connector, byPassword('d1', password)],
      [connector, { username: 'd1' }],
    ] as const) {
      const client = await openMqtts(to, version);
      const connack = await client.connect(shown);
      assert.deepEqual([codeOf(connack), connack.sessionPresent], [bad, false]);
      if (version === 5) assert.ok(connack.properties.reasonString.length > 10);
      assert.deepEqual(await client.closed(), []);
      client.destroy();
    }
  });

  test(`${name}: a password gets its device in, also when the identity has colons`, async () => {
    const connector = await newConnector(server, { provisioning: { auth_type: 'password' } });
    await connector.whitelist('00:14:22');
    await connector.send('/provision/activate', { body: `id=00%3A14%3A22&password=${password}` });
    const client = await openMqtts(connector, version);
    assert.equal(codeOf(await client.connect(byPassword('00:14:22', password))), 0);
    client.destroy();
    const split = await openMqtts(connector, version);
    assert.equal(codeOf(await split.connect(byPassword('00', `14:22:${password}`))), bad);
    split.destroy();
  });

  test(`${name}: a device that is locked is refused with ${notAllowed}, and so is one of an unknown connector`, async () => {
    const locked = await connector.provision(`locked-${version}`);
    await connector.change(`locked-${version}`, { locked: true });
    const client = await openMqtts(connector, version);
    assert.equal(codeOf(await client.connect(byToken(locked))), notAllowed);
    await client.closed();
    client.destroy();
    const lost = await openMqtts(connector, version, { servername: 'a234567890123456.m2.localhost' });
    assert.equal(codeOf(await lost.connect(byToken(token))), notAllowed);
    lost.destroy();
  });

  test(`${name}: a client certificate provisions a whitelisted identity with its first connection`, async () => {
    const connector = await newConnector(server, { provisioning: { auth_type: 'certificate' } });
    await connector.whitelist('c1');
    const { cert, key } = factory.selfSigned('c1');
    for (const username of [undefined, 'c1']) {
      const client = await openMqtts(connector, version, { cert, key });
      assert.equal(codeOf(await client.connect(username === undefined ? {} : { username })), 0);
      await client.send(message('$resource/a', '1', 1));
      assert.equal((await client.next()).cmd, 'puback');
      client.destroy();
    }
    const events = await connector.events('provisioned,connect,data_in');
    assert.deepEqual(
      events.slice(0, 3).map(({ type }) => type),
      ['provisioned', 'connect', 'data_in'],
    );
    const other = await openMqtts(connector, version, { cert, key });
    assert.equal(codeOf(await other.connect({ username: 'c2' })), bad);
    other.destroy();
    const stranger = factory.selfSigned('nobody');
    const unknown = await openMqtts(connector, version, { cert: stranger.cert, key: stranger.key });
    assert.equal(codeOf(await unknown.connect()), bad);
    unknown.destroy();
  });

  test(`${name}: too many refusals of one identity are answered as a limit, and its own credential is let in all the same`, async () => {
    const connector = await withPassword();
    const codes = new Set<number>();
    for (let n = 0; n < 310; n += 1) {
      const client = await openMqtts(connector, version);
      codes.add(codeOf(await client.connect(byPassword('nobody', `${password}${n}`)))!);
      client.destroy();
      if (codes.size === 2) break;
    }
    assert.deepEqual([...codes], [bad]);
  });

  // 3.1.1 [MQTT-3.1.4-5], 5.0 [MQTT-3.1.4-6]
  test(`${name}: what is sent along with a CONNECT that is refused is not looked at`, async () => {
    const client = await openMqtt(server, version);
    const refused = {
      cmd: 'connect',
      protocolVersion: version,
      protocolId: 'MQTT',
      clientId: '',
      clean: true,
    } as const;
    const before = (await connector.history('d1', 'a')).length;
    await client.send({ ...refused, ...byToken('1'.repeat(40)) }, message('$resource/a', 'no', 1), packetOf(0xc0));
    assert.equal(codeOf(await client.next()), bad);
    assert.deepEqual(await client.closed(), []);
    assert.equal((await connector.history('d1', 'a')).length, before);
    client.destroy();
  });

  test(`${name}: what is sent along with a CONNECT that is accepted is handled after it`, async () => {
    const own = await connector.provision(`along-${version}`);
    const client = await openMqtt(server, version);
    const connect = {
      cmd: 'connect',
      protocolVersion: version,
      protocolId: 'MQTT',
      clientId: '',
      clean: true,
    } as const;
    await client.send({ ...connect, ...byToken(own) }, message('$resource/a', 'yes', 7), packetOf(0xc0));
    const seen = [await client.next(), await client.next(), await client.next()].map(({ cmd }) => cmd);
    assert.equal(seen[0], 'connack');
    assert.deepEqual(seen.slice(1).sort(), ['pingresp', 'puback']);
    assert.deepEqual(
      (await connector.history(`along-${version}`, 'a')).map(({ value }) => value),
      ['yes'],
    );
    client.destroy();
  });

  test(`${name}: a will is accepted and ignored`, async () => {
    const own = await connector.provision(`will-${version}`);
    const will = { topic: 'last/words', payload: Buffer.from('gone'), qos: 1 as const, retain: false };
    const client = await connected(server, own, version, { will });
    client.destroy();
    await eventually('its end is logged', async () => {
      return (await connector.events('disconnect')).some(({ identity }) => identity === `will-${version}`);
    });
    // 3.1.1 [MQTT-3.14.4-3], 5.0 [MQTT-3.14.4-3]
    const leaving = await connected(server, own, version, { will });
    await leaving.send({ cmd: 'disconnect' });
    assert.deepEqual(await leaving.closed(), []);
    assert.deepEqual(await connector.events('publish'), []);
  });

  test(`${name}: a connection without a credential may provision, and nothing else`, async () => {
    const connector = await newConnector(server, { resources: { a: resource() } });
    await connector.whitelist('fresh');
    const client = await openMqtts(connector, version);
    assert.equal(codeOf(await client.connect()), 0);
    await client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: '$resource/#', qos: 1 }] });
    assert.deepEqual((await client.next()).granted, [version === 4 ? 0x80 : 0x87]);
    await client.send(message('$resource/a', 'no', 2));
    const rest = await client.closed();
    if (version === 5)
      assert.deepEqual(
        rest.map(({ cmd, reasonCode }) => [cmd, reasonCode]),
        [['disconnect', 0x87]],
      );
    else assert.deepEqual(rest, []);
    assert.deepEqual(await connector.events('data_in,connect'), []);
    client.destroy();
  });

  // 3.1.1 [MQTT-4.3.1-1], 5.0 [MQTT-4.3.1-1]
  test(`${name}: provisioning by token: the token comes once, on the same topic, and opens both doors`, async () => {
    const connector = await newConnector(server, { resources: { a: resource() } });
    await connector.whitelist('a b/c');
    const client = await openMqtts(connector, version);
    await client.connect();
    await client.send(message('$provision/a%20b%2Fc', '', 5), message('$resource/a', 'behind it', 6));
    const [first, second] = [await client.next(), await client.next()].sort((a, b) => a.cmd.localeCompare(b.cmd));
    assert.deepEqual([first.cmd, first.messageId, first.reasonCode ?? 0], ['puback', 5, 0]);
    assert.deepEqual(
      [second.cmd, second.topic, second.qos, second.dup, second.retain],
      ['publish', '$provision/a%20b%2Fc', 0, false, false],
    );
    const fresh = second.payload.toString();
    assert.match(fresh, /^[0-9a-f]{40}$/);
    assert.deepEqual(await client.next().then(({ cmd, messageId }) => [cmd, messageId]), ['puback', 6]);
    assert.equal((await connector.state('a b/c')).a.reported, 'behind it');
    assert.equal(await connector.write('a=over HTTPS', { token: fresh }), 204);
    assert.deepEqual(
      (await connector.events('provisioned,connect')).map(({ type, identity }) => [type, identity]),
      [
        ['provisioned', 'a b/c'],
        ['connect', 'a b/c'],
      ],
    );
    client.destroy();
  });

  test(`${name}: provisioning by password is answered by an empty message`, async () => {
    const connector = await newConnector(server, { provisioning: { auth_type: 'password' } });
    await connector.whitelist('d1');
    const client = await openMqtts(connector, version);
    await client.connect();
    await client.send(message('$provision/d1', password, 1));
    const answers = [await client.next(), await client.next()];
    const told = answers.find(({ cmd }) => cmd === 'publish');
    assert.deepEqual([told.topic, told.payload.length], ['$provision/d1', 0]);
    client.destroy();
    const again = await openMqtts(connector, version);
    assert.equal(codeOf(await again.connect(byPassword('d1', password))), 0);
    again.destroy();
  });

  test(`${name}: provisioning that is refused ${version === 4 ? 'ends the connection' : 'is told why'}, and shows in the log`, async () => {
    const connector = await newConnector(server);
    await connector.whitelist('known');
    await connector.activate('known');
    for (const [topic, payload, reason, rule] of [
      ['$provision/unknown', '', 0x87, 'IDENTITY_UNKNOWN'],
      ['$provision/known', '', 0x87, 'ALREADY_PROVISIONED'],
      ['$provision/known', password, 0x87, 'ALREADY_PROVISIONED'],
    ] as const) {
      const client = await openMqtts(connector, version);
      await client.connect();
      await client.send(message(topic, payload, 1));
      if (version === 4) assert.deepEqual(await client.closed(), []);
      else {
        const puback = await client.next();
        assert.deepEqual([puback.cmd, puback.reasonCode], ['puback', reason]);
        assert.ok(puback.properties.reasonString.length > 10);
        await client.send(packetOf(0xc0));
        assert.equal((await client.next()).cmd, 'pingresp');
      }
      client.destroy();
      await eventually(`${rule} is logged`, async () => {
        return (await connector.events('refused')).some((event) => event.payload.rule === rule);
      });
    }
  });

  test(`${name}: a device that is in may provision again when an operator says so, and only itself`, async () => {
    const connector = await newConnector(server);
    const old = await connector.provision('d1');
    await connector.whitelist('d2');
    await connector.change('d1', { reprovision: true });
    const client = await connected(server, old, version);
    // The one of its own connection.
    client.destroy();
    const own = await openMqtts(connector, version);
    await own.connect(byToken(old));
    await own.send(message('$provision/d1', '', 1));
    const answers = [await own.next(), await own.next()];
    const fresh = answers.find(({ cmd }) => cmd === 'publish').payload.toString();
    // Nobody has used the new one yet.
    assert.equal(await connector.write('a=1', { token: old }), 204);
    assert.equal(await connector.write('a=1', { token: fresh }), 204);
    assert.equal(await connector.write('a=1', { token: old }), 401);
    own.destroy();
    const other = await openMqtts(connector, version);
    await other.connect(byToken(fresh));
    await other.send(message('$provision/d2', '', 1));
    if (version === 4) assert.deepEqual(await other.closed(), []);
    else assert.deepEqual(await other.next().then(({ reasonCode }) => reasonCode), 0x87);
    assert.equal((await connector.device('d2')).status, 'whitelisted');
    other.destroy();
  });
}

// 5.0 [MQTT-3.1.2-28] [MQTT-4.12.0-6]
// 5.0 [MQTT-3.2.2-9] [MQTT-3.2.2-16] [MQTT-3.1.3-7]
test('5.0: CONNACK says truly what is offered, and which client id was assigned', async () => {
  const [one, two] = [await openMqtt(server, 5), await openMqtt(server, 5)];
  const { properties } = await one.connect({
    ...byToken(token),
    properties: { sessionExpiryInterval: 3600, requestResponseInformation: true },
  });
  const { assignedClientIdentifier, ...rest } = properties;
  assert.deepEqual(rest, {
    receiveMaximum: 1024,
    maximumQoS: 1,
    retainAvailable: false,
    maximumPacketSize: 1_179_648,
    subscriptionIdentifiersAvailable: false,
    sharedSubscriptionAvailable: false,
    sessionExpiryInterval: 0,
  });
  const other = await two.connect(byToken(await connector.provision('other')));
  assert.notEqual(other.properties.assignedClientIdentifier, assignedClientIdentifier);
  assert.equal(other.properties.sessionExpiryInterval, undefined);
  one.destroy();
  two.destroy();
  const named = await openMqtt(server, 5);
  assert.equal(
    (await named.connect({ ...byToken(token), clientId: 'own' })).properties.assignedClientIdentifier,
    undefined,
  );
  named.destroy();
});

test('5.0: a password without a user name is a token', async () => {
  const client = await openMqtt(server, 5);
  const body = [text('MQTT'), 5, 0x42, two(0), 0, text(''), text(token)];
  await client.send(packetOf(0x10, ...body));
  assert.equal((await client.next()).reasonCode, 0);
  client.destroy();
});

for (const [what, options, reason] of [
  // 5.0 [MQTT-4.12.0-1]
  ['enhanced authentication', { properties: { authenticationMethod: 'SCRAM-SHA-1' } }, 0x8c],
  // 5.0 [MQTT-3.2.2-12]
  ['a will with QoS 2', { will: { topic: 't', payload: Buffer.from('p'), qos: 2 as const, retain: false } }, 0x9b],
  // 5.0 [MQTT-3.2.2-13]
  [
    'a will that is to be retained',
    { will: { topic: 't', payload: Buffer.from('p'), qos: 0 as const, retain: true } },
    0x9a,
  ],
] as const) {
  test(`5.0: a CONNECT with ${what} is refused`, async () => {
    const client = await openMqtt(server, 5);
    const connack = await client.connect({ ...byToken(token), ...options });
    assert.equal(connack.reasonCode, reason);
    assert.deepEqual(await client.closed(), []);
    client.destroy();
  });
}

// 5.0 [MQTT-3.1.2-24] [MQTT-3.2.2-19]
test('5.0: a client that takes only small packets is told no without a reason string', async () => {
  const client = await openMqtt(server, 5);
  const connack = await client.connect({ ...byToken('1'.repeat(40)), properties: { maximumPacketSize: 20 } });
  assert.deepEqual([connack.reasonCode, connack.properties], [0x86, undefined]);
  client.destroy();
});
