/** device-mqtt.md, the device publishes: what each topic means, what is refused and how, and the order of PUBACKs. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { eventually, newConnector, resource } from '../helpers/connector.ts';
import { byToken, connected, message, openMqtt, packetOf, text, two, type Version, versions } from '../helpers/mqtt.ts';
import { startServer } from '../helpers/server.ts';

const server = await startServer();
after(() => server.stop());
const connector = await newConnector(server, {
  resources: {
    a: resource(),
    b: resource(),
    n: resource({ format: 'number' }),
    mode: resource({ allowed: ['on', 'off'] }),
  },
});
let devices = 0;

/** A new device, connected. */
async function newDevice(version: Version) {
  const identity = `d${++devices}`;
  const token = await connector.provision(identity);
  const client = await connected(server, token, version);
  let id = 0;
  /** Publishes with QoS 1 and gives the PUBACK. */
  const publish = async (topic: string, payload: string | Buffer) => {
    id += 1;
    await client.send(message(topic, payload, id));
    const puback = await client.next();
    // 3.1.1 [MQTT-2.3.1-6] [MQTT-3.3.4-1] [MQTT-4.3.2-2], 5.0 [MQTT-2.2.1-5] [MQTT-3.3.4-1] [MQTT-4.3.2-4]
    assert.deepEqual([puback.cmd, puback.messageId], ['puback', id]);
    return puback;
  };
  const values = async (alias: string) => (await connector.history(identity, alias)).map(({ value }) => value);
  const refusals = async () => (await connector.events('refused')).filter((event) => event.identity === identity);
  return { identity, token, client, publish, values, refusals };
}

for (const [version, name] of versions) {
  // 3.1.1 [MQTT-1.5.3-3], 5.0 [MQTT-1.5.4-3]
  test(`${name}: a value on $resource/<alias> is stored when its PUBACK comes`, async () => {
    const { client, publish, values } = await newDevice(version);
    for (const value of [
      'one',
      '',
      'with ü and 😀',
      '\ufeffwith a mark',
      'U+FFFD \ufffd',
      '{"a":1}',
      'x'.repeat(100_000),
    ]) {
      await publish('$resource/a', value);
      assert.equal((await values('a')).at(-1), value);
    }
    client.destroy();
  });

  test(`${name}: a value of 1 MiB is stored, one of a byte more is refused`, async () => {
    const { client, publish, values, refusals } = await newDevice(version);
    const puback = await publish('$resource/a', 'x'.repeat(1_048_576));
    assert.equal(puback.reasonCode ?? 0, 0);
    const refused = await publish('$resource/a', 'x'.repeat(1_048_577));
    if (version === 5) assert.equal(refused.reasonCode, 0x97);
    else await eventually('it is logged', async () => (await refusals()).length === 1);
    assert.deepEqual(
      (await values('a')).map(({ length }) => length),
      [1_048_576],
    );
    client.destroy();
  });

  test(`${name}: a back-dated value on $resource/<alias>/<timestamp>, in seconds, milliseconds or microseconds`, async () => {
    const { identity, client, publish } = await newDevice(version);
    await publish('$resource/n/1700000000', '1');
    await publish('$resource/n/1700000002000', '2');
    await publish('$resource/n/1700000004000000', '3');
    assert.deepEqual(
      (await connector.history(identity, 'n')).map(({ timestamp, value }) => [timestamp, value]),
      [
        [1_700_000_000_000_000, '1'],
        [1_700_000_002_000_000, '2'],
        [1_700_000_004_000_000, '3'],
      ],
    );
    client.destroy();
  });

  for (const topic of ['$resource', '$resource/']) {
    test(`${name}: several values as a JSON object on ${topic}, which keep their text`, async () => {
      const { identity, client, publish } = await newDevice(version);
      await publish(topic, '{"a": "text", "n": 21.50, "b": {"deep": [1.0, 12345678901234567890, null]}}');
      const state = await connector.state(identity);
      assert.deepEqual(
        [state.a.reported, state.n.reported, state.b.reported],
        ['text', '21.50', '{"deep":[1.0,12345678901234567890,null]}'],
      );
      await publish(topic, '{"a": true, "b": null}');
      assert.equal((await connector.state(identity)).a.reported, 'true');
      assert.equal((await connector.state(identity)).b.reported, 'null');
      client.destroy();
    });
  }

  test(`${name}: a batch on $resource.batch is stored whole or not at all`, async () => {
    const { client, publish, values } = await newDevice(version);
    const at = (seconds: number, values: object) => ({ timestamp: 1_700_000_000 + seconds, values });
    await publish('$resource.batch', JSON.stringify([at(0, { a: 'x', n: 1 }), at(1, { n: 2.5 }), at(2.5, { n: '3' })]));
    assert.deepEqual([await values('a'), await values('n')], [['x'], ['1', '2.5', '3']]);
    const conflict = await publish('$resource.batch', JSON.stringify([at(9, { n: 9 }), at(1, { n: 2.5 })]));
    if (version === 5) assert.equal(conflict.reasonCode, 0x83);
    assert.deepEqual(await values('n'), ['1', '2.5', '3']);
    const many = Array.from({ length: 10_000 }, (_, n) => at(1000 + n, { n }));
    assert.equal((await publish('$resource.batch', JSON.stringify(many))).reasonCode ?? 0, 0);
    client.destroy();
  });

  // 3.1.1 [MQTT-4.7.3-3] [MQTT-4.7.3-4], 5.0 [MQTT-4.7.3-3] [MQTT-4.7.3-4]
  test(`${name}: topics may be as long as there are, and are taken letter by letter`, async () => {
    const { identity, client, publish } = await newDevice(version);
    const topics = ['x'.repeat(60_000), 'a\u030a', '\u00e5', '\ufeffa', '/a//', 'A', ' '];
    for (const topic of topics) await publish(topic, '');
    const events = (await connector.events('publish')).filter((event) => event.identity === identity);
    assert.deepEqual(
      events.map(({ payload }) => payload.topic),
      topics,
    );
    client.destroy();
  });

  test(`${name}: any other topic is a message of its own: an event, and no resource`, async () => {
    const { identity, client, publish } = await newDevice(version);
    await publish('any/topic', 'text with ü');
    await publish('bytes', Buffer.from([0xff, 0, 1]));
    await publish('resource/a', '');
    const events = (await connector.events('publish')).filter((event) => event.identity === identity);
    assert.deepEqual(
      events.map(({ payload }) => payload),
      [
        { topic: 'any/topic', payload: 'text with ü' },
        { topic: 'bytes', payload: '/wAB', encoding: 'base64' },
        { topic: 'resource/a', payload: '' },
      ],
    );
    assert.deepEqual(await connector.state(identity), {});
    client.destroy();
  });

  // 3.1.1 [MQTT-3.3.5-2]
  for (const [what, topic, payload, reason, rule] of [
    ['a value of the wrong format', '$resource/n', 'warm', 0x99, 'VALUE_REFUSED'],
    ['a value that is not allowed', '$resource/mode', 'half', 0x99, 'VALUE_REFUSED'],
    ['a value that is no UTF-8', '$resource/a', Buffer.from([0xff]), 0x99, 'BODY_INVALID'],
    ['an alias that is none', '$resource/a.b', '1', 0x90, 'ALIAS_INVALID'],
    ['a timestamp that is none', '$resource/a/yesterday', '1', 0x90, 'TIMESTAMP_INVALID'],
    ['too many levels', '$resource/a/1/2', '1', 0x90, 'PATH_UNKNOWN'],
    ['another topic with $', '$SYS/broker', '1', 0x90, 'PATH_UNKNOWN'],
    ['an object that is no JSON', '$resource', 'a=1', 0x99, 'BODY_INVALID'],
    ['an object that is a list', '$resource', '[1]', 0x99, 'BODY_INVALID'],
    ['an object that is a number', '$resource', '1', 0x99, 'BODY_INVALID'],
    ['an object without anything', '$resource', '{}', 0x99, 'BODY_INVALID'],
    ['an object with a value that is refused', '$resource', '{"a":"x","n":"warm"}', 0x99, 'VALUE_REFUSED'],
    ['an object with __proto__', '$resource', '{"__proto__":"x"}', 0x90, 'ALIAS_INVALID'],
    ['JSON nested deeply', '$resource', `{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}`, 0x99, 'BODY_INVALID'],
    ['a batch that is an object', '$resource.batch', '{}', 0x99, 'BODY_INVALID'],
    ['a batch without points', '$resource.batch', '[]', 0x99, 'BODY_INVALID'],
    ['a batch without values', '$resource.batch', '[{"timestamp":1}]', 0x99, 'BODY_INVALID'],
    ['a batch with a bad timestamp', '$resource.batch', '[{"timestamp":-1,"values":{"a":1}}]', 0x99, 'BODY_INVALID'],
    [
      'a batch of too many points',
      '$resource.batch',
      `[${'{"timestamp":1,"values":{"a":1}},'.repeat(10_000)}{"timestamp":1,"values":{"a":1}}]`,
      0x97,
      'BODY_TOO_LARGE',
    ],
    ['an identity that is not encoded', '$provision/100%', '', 0x90, 'IDENTITY_ENCODING'],
    ['no identity', '$provision/', '', 0x90, 'ID_MISSING'],
  ] as const) {
    test(`${name}: ${what} is refused for good: ${version === 4 ? 'acknowledged, and logged' : 'a reason code'}`, async () => {
      const { identity, client, publish, refusals } = await newDevice(version);
      const puback = await publish(topic, payload);
      if (version === 5) {
        assert.equal(puback.reasonCode, reason);
        assert.ok(puback.properties.reasonString.length > 10);
      } else {
        await eventually('it is logged', async () => (await refusals()).length === 1);
        assert.equal((await refusals())[0]!.payload.rule, rule);
      }
      // The connection goes on.
      await publish('$resource/b', 'fine');
      assert.deepEqual(Object.keys(await connector.state(identity)), ['b']);
      client.destroy();
    });
  }

  // 3.1.1 [MQTT-2.3.1-5], 5.0 [MQTT-2.2.1-2]
  test(`${name}: QoS 0 gets no answer, and what is refused of it shows in the log`, async () => {
    const { identity, client, values, refusals } = await newDevice(version);
    await client.send(message('$resource/a', 'quiet'), message('$resource/n', 'warm'), packetOf(0xc0));
    assert.equal((await client.next()).cmd, 'pingresp');
    await eventually('it is stored', async () => (await values('a')).includes('quiet'));
    await eventually('it is logged', async () => (await refusals()).length === 1);
    assert.deepEqual(Object.keys(await connector.state(identity)), ['a']);
    client.destroy();
  });

  // 3.1.1 [MQTT-4.6.0-2], 5.0 [MQTT-4.6.0-2]
  test(`${name}: PUBACKs come in the order of the messages, whatever those were`, async () => {
    const { client, values } = await newDevice(version);
    const packets = [];
    for (let id = 1; id <= 600; id += 1) {
      const kinds = [
        message('$resource/n', `${id}`, id),
        message('$resource/n', 'warm', id),
        message('own', 'text', id),
        message(`$resource/b/${1_000_000_000 + 2 * id}`, `${id}`, id),
        message('$nothing', '', id),
      ];
      packets.push(kinds[id % kinds.length]!);
    }
    await client.send(...packets);
    for (let id = 1; id <= 600; id += 1) assert.equal((await client.next()).messageId, id);
    assert.equal((await values('n')).length, 120);
    client.destroy();
  });

  // 5.0 [MQTT-4.3.2-5]
  test(`${name}: an identifier may be used again once it is acknowledged, and is then a new message`, async () => {
    const { client, values } = await newDevice(version);
    for (const value of ['1', '2', '3']) {
      await client.send({ ...message('$resource/a', value, 9), dup: value !== '1' } as never);
      assert.equal((await client.next()).messageId, 9);
    }
    assert.deepEqual(await values('a'), ['1', '2', '3']);
    client.destroy();
  });

  // 3.1.1 [MQTT-3.8.3-2] [MQTT-2.3.1-7] [MQTT-3.8.4-1] [MQTT-3.8.4-2] [MQTT-3.8.4-4] [MQTT-3.8.4-5] [MQTT-3.9.3-1] [MQTT-3.9.3-2],
  // 5.0 [MQTT-2.2.1-6] [MQTT-3.8.4-1] [MQTT-3.8.4-2] [MQTT-3.8.4-5] [MQTT-3.8.4-6] [MQTT-3.8.4-7] [MQTT-3.9.3-1]
  // 5.0 [MQTT-3.9.3-2] [MQTT-3.2.2-10]
  test(`${name}: SUBSCRIBE is granted for the device's own values, with QoS 1 at most, and refused for others`, async () => {
    const { client } = await newDevice(version);
    const asked = [
      ['$resource/#', 0, 0],
      ['$resource/#', 2, 1],
      ['$resource/+', 1, 1],
      ['$resource/a', 1, 1],
      ['$resource/not/this', 1, null],
      ['$resource', 1, null],
      ['#', 1, null],
      ['any/topic', 0, null],
      ['$SYS/#', 0, null],
    ] as const;
    const subscriptions = asked.map(([topic, qos]) => ({ topic, qos }));
    await client.send({ cmd: 'subscribe', messageId: 77, subscriptions });
    const suback = await client.next();
    assert.deepEqual([suback.cmd, suback.messageId], ['suback', 77]);
    assert.deepEqual(
      suback.granted,
      asked.map(([, , granted]) => granted ?? (version === 4 ? 0x80 : 0x8f)),
    );
    // 3.1.1 [MQTT-3.10.4-4] [MQTT-3.10.4-5] [MQTT-3.10.4-6],
    // 5.0 [MQTT-3.10.4-4] [MQTT-3.10.4-5] [MQTT-3.10.4-6] [MQTT-3.11.3-1] [MQTT-3.11.3-2]
    await client.send({ cmd: 'unsubscribe', messageId: 78, unsubscriptions: ['$resource/#', 'other'] });
    const unsuback = await client.next();
    assert.deepEqual([unsuback.cmd, unsuback.messageId], ['unsuback', 78]);
    if (version === 5) assert.deepEqual(unsuback.granted, [0x11, 0x11]);
    client.destroy();
  });

  test(`${name}: more messages than may wait are all taken, as fast as they are stored`, async () => {
    const { client, values } = await newDevice(version);
    const packets = Array.from({ length: 900 }, (_, n) => message('$resource/n', `${n}`, n + 1));
    if (version === 4)
      packets.push(...Array.from({ length: 4000 }, (_, n) => message('$resource/n', `${n}`, 1000 + n)));
    await client.send(...packets);
    for (const packet of packets) assert.equal((await client.next()).messageId, packet.messageId);
    const stored = await values('n');
    assert.equal(stored.length, Math.min(packets.length, 1000));
    client.destroy();
  });
}

// 5.0 [MQTT-3.1.2-29] [MQTT-3.4.2-2]
test('5.0: a reason string is left out where the client does not want it, or cannot take it', async () => {
  const identity = 'terse';
  const token = await connector.provision(identity);
  for (const properties of [{ requestProblemInformation: false }, { maximumPacketSize: 60 }]) {
    const client = await connected(server, token, 5, { properties });
    await client.send(message('$resource/n', 'warm', 1));
    const puback = await client.next();
    assert.deepEqual([puback.reasonCode, puback.properties], [0x99, undefined]);
    client.destroy();
  }
});

// 5.0 [MQTT-3.14.2-3]
test('5.0: a DISCONNECT has no reason string where the client cannot take it', async () => {
  const { token } = await newDevice(5);
  const client = await connected(server, token, 5, { properties: { maximumPacketSize: 50 } });
  await client.send(packetOf(0x20, 0));
  const [disconnect] = await client.closed();
  assert.deepEqual([disconnect.reasonCode, disconnect.properties], [0x82, undefined]);
  client.destroy();
});

test('5.0: properties of a message do no harm', async () => {
  const { client, values } = await newDevice(5);
  const properties = {
    payloadFormatIndicator: true,
    messageExpiryInterval: 1,
    contentType: 'text/plain',
    responseTopic: 'x',
    correlationData: Buffer.from('y'),
    userProperties: { k: ['v', 'w'] },
  };
  await client.send({ ...message('$resource/a', 'with properties', 1), properties } as never);
  assert.deepEqual(await client.next().then(({ cmd, reasonCode }) => [cmd, reasonCode]), ['puback', 0]);
  assert.deepEqual(await values('a'), ['with properties']);
  client.destroy();
});

test('3.1.1: a device over its rate limit is slowed, and loses nothing; 5.0 is told', async () => {
  const limited = await newConnector(server, { resources: { a: resource() }, limits: { requests_per_minute: 5 } });
  const told = await connected(server, await limited.provision('five'), 5);
  for (let id = 1; id <= 6; id += 1) await told.send(message('$resource/a', `${id}`, id));
  const codes = [];
  for (let id = 1; id <= 6; id += 1) codes.push((await told.next()).reasonCode);
  // A minute may end in between.
  assert.ok(codes.every((code) => code === 0 || code === 0x97));
  const token = await limited.provision('three');
  const slowed = await connected(server, token, 4);
  for (let id = 1; id <= 6; id += 1) await slowed.send(message('$resource/a', `${id}`, id));
  for (let id = 1; id <= 5; id += 1) assert.equal((await slowed.next()).messageId, id);
  await limited.set({ limits: { requests_per_minute: 0 } });
  assert.equal((await slowed.next()).messageId, 6);
  assert.equal((await limited.history('three', 'a')).length, 6);
  told.destroy();
  slowed.destroy();
});

test('a message by hand, without a payload and with a topic of one character, is an event', async () => {
  const { identity, client } = await newDevice(4);
  await client.send(packetOf(0x32, text('t'), two(3)));
  assert.equal((await client.next()).messageId, 3);
  const [event] = (await connector.events('publish')).filter((event) => event.identity === identity);
  assert.deepEqual(event?.payload, { topic: 't', payload: '' });
  client.destroy();
});

test('what a device published before it says DISCONNECT is stored, also with QoS 0', async () => {
  const { identity, token, client, values, refusals } = await newDevice(4);
  client.destroy();
  const short = await openMqtt(server);
  await short.connect(byToken(token));
  await short.send(message('$resource/a', 'last'), message('$resource/n', 'warm'), { cmd: 'disconnect' });
  await short.closed();
  await eventually('it is stored', async () => (await values('a')).includes('last'));
  await eventually('it is logged', async () => (await refusals()).length === 1);
  assert.equal((await connector.state(identity)).n, undefined);
});
