/** MQTT on the level of bytes: what is malformed or not allowed ends the connection, in 5.0 with the reason; nothing else does. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { newConnector, resource } from '../helpers/connector.ts';
import {
  connected,
  connectOf,
  message,
  openMqtt,
  packetOf,
  text,
  two,
  type Version,
  variable,
  versions,
} from '../helpers/mqtt.ts';
import { startServer } from '../helpers/server.ts';

const server = await startServer();
after(() => server.stop());
const connector = await newConnector(server, { resources: { a: resource() } });
const token = await connector.provision('d1');
const bad = Buffer.from([0xc3, 0x28]);
const surrogate = Buffer.from([0xed, 0xa0, 0x80]);

interface Case {
  readonly what: string;
  /** Left out: both. */
  readonly version?: Version;
  readonly bytes: (v5: boolean) => Buffer;
  /** Reason code of the DISCONNECT of 5.0. */
  readonly reason: number;
}

const none = (v5: boolean) => (v5 ? [0] : []);

/** After CONNACK. */
const cases: readonly Case[] = [
  // 3.1.1 [MQTT-3.1.0-2], 5.0 [MQTT-3.1.0-2]
  { what: 'a second CONNECT', bytes: (v5) => connectOf(v5 ? 5 : 4), reason: 0x82 },
  // 3.1.1 [MQTT-2.2.2-1] [MQTT-2.2.2-2], 5.0 [MQTT-2.1.3-1]
  { what: 'flags in PINGREQ', bytes: () => packetOf(0xc1), reason: 0x81 },
  { what: 'flags in PUBACK', bytes: () => packetOf(0x42, two(1)), reason: 0x81 },
  // 3.1.1 [MQTT-3.8.1-1], 5.0 [MQTT-3.8.1-1]
  {
    what: 'SUBSCRIBE without its flags',
    bytes: (v5) => packetOf(0x80, two(1), ...none(v5), text('a'), 0),
    reason: 0x81,
  },
  // 3.1.1 [MQTT-3.10.1-1], 5.0 [MQTT-3.10.1-1]
  {
    what: 'UNSUBSCRIBE without its flags',
    bytes: (v5) => packetOf(0xa0, two(1), ...none(v5), text('a')),
    reason: 0x81,
  },
  // 3.1.1 [MQTT-3.14.1-1], 5.0 [MQTT-3.14.1-1]
  { what: 'flags in DISCONNECT', bytes: () => packetOf(0xe1), reason: 0x81 },
  // 5.0 [MQTT-3.15.1-1]
  { what: 'flags in AUTH', version: 5, bytes: () => packetOf(0xf1), reason: 0x81 },
  // 5.0 [MQTT-4.12.0-7]
  { what: 'AUTH without an authentication method', bytes: () => packetOf(0xf0), reason: 0x82 },
  { what: 'packet type 0', bytes: () => packetOf(0x00), reason: 0x82 },
  { what: 'a packet that only servers send', bytes: () => packetOf(0x20, 0, 0), reason: 0x82 },
  { what: 'PUBREL, which belongs to QoS 2', bytes: () => packetOf(0x62, two(1)), reason: 0x81 },
  { what: 'a length of five bytes', bytes: () => Buffer.from([0x30, 255, 255, 255, 255, 1]), reason: 0x81 },
  // 5.0 [MQTT-1.5.5-1]
  { what: 'a length longer than need be', version: 5, bytes: () => Buffer.from([0xc0, 0x80, 0]), reason: 0x81 },
  { what: 'a packet larger than the server takes', bytes: () => Buffer.from([0x30, 255, 255, 255, 127]), reason: 0x95 },
  { what: 'bytes behind the end of PINGREQ', bytes: () => packetOf(0xc0, 0), reason: 0x81 },
  // 3.1.1 [MQTT-3.3.1-4], 5.0 [MQTT-3.3.1-4]
  { what: 'PUBLISH with QoS 3', bytes: (v5) => packetOf(0x36, text('t'), two(1), ...none(v5)), reason: 0x81 },
  // 3.1.1 [MQTT-3.3.1-2], 5.0 [MQTT-3.3.1-2]
  { what: 'DUP with QoS 0', bytes: (v5) => packetOf(0x38, text('t'), ...none(v5)), reason: 0x81 },
  { what: 'PUBLISH with QoS 2', bytes: (v5) => packetOf(0x34, text('t'), two(1), ...none(v5)), reason: 0x9b },
  // 3.1.1 [MQTT-2.3.1-1], 5.0 [MQTT-2.2.1-3]
  { what: 'PUBLISH with identifier 0', bytes: (v5) => packetOf(0x32, text('t'), two(0), ...none(v5)), reason: 0x81 },
  {
    what: 'SUBSCRIBE with identifier 0',
    bytes: (v5) => packetOf(0x82, two(0), ...none(v5), text('a'), 0),
    reason: 0x81,
  },
  // 3.1.1 [MQTT-3.3.2-1], 5.0 [MQTT-3.3.2-1]
  { what: 'PUBLISH whose topic is cut off', bytes: () => packetOf(0x30, two(9), Buffer.from('t')), reason: 0x81 },
  // 5.0 [MQTT-2.2.2-1]
  { what: 'PUBLISH without its properties', version: 5, bytes: () => packetOf(0x30, text('t')), reason: 0x81 },
  // 5.0 [MQTT-3.3.2-13] [MQTT-3.3.2-19]
  {
    what: 'a response topic that is no UTF-8',
    version: 5,
    bytes: () => packetOf(0x30, text('t'), 5, 8, text(bad)),
    reason: 0x81,
  },
  {
    what: 'a content type that is no UTF-8',
    version: 5,
    bytes: () => packetOf(0x30, text('t'), 5, 3, text(bad)),
    reason: 0x81,
  },
  { what: 'PUBLISH without anything', bytes: () => packetOf(0x30), reason: 0x81 },
  // 3.1.1 [MQTT-1.5.3-1], 5.0 [MQTT-1.5.4-1]
  { what: 'a topic that is no UTF-8', bytes: (v5) => packetOf(0x30, text(bad), ...none(v5)), reason: 0x81 },
  { what: 'a topic with a surrogate', bytes: (v5) => packetOf(0x30, text(surrogate), ...none(v5)), reason: 0x81 },
  {
    what: 'a filter that is no UTF-8',
    bytes: (v5) => packetOf(0x82, two(1), ...none(v5), text(bad), 0),
    reason: 0x81,
  },
  // 3.1.1 [MQTT-1.5.3-2] [MQTT-4.7.3-2], 5.0 [MQTT-1.5.4-2] [MQTT-4.7.3-2]
  { what: 'a topic with U+0000', bytes: (v5) => packetOf(0x30, text('a\0'), ...none(v5)), reason: 0x81 },
  { what: 'a filter with U+0000', bytes: (v5) => packetOf(0x82, two(1), ...none(v5), text('a\0'), 0), reason: 0x81 },
  // 3.1.1 [MQTT-4.7.3-1], 5.0 [MQTT-4.7.3-1]
  { what: 'an empty topic', bytes: (v5) => packetOf(0x30, text(''), ...none(v5)), reason: 0x90 },
  { what: 'an empty filter', bytes: (v5) => packetOf(0x82, two(1), ...none(v5), text(''), 0), reason: 0x81 },
  // 3.1.1 [MQTT-3.3.2-2] [MQTT-4.7.1-1], 5.0 [MQTT-3.3.2-2] [MQTT-4.7.0-1]
  { what: 'a topic with #', bytes: (v5) => packetOf(0x30, text('$resource/#'), ...none(v5)), reason: 0x90 },
  { what: 'a topic with +', bytes: (v5) => packetOf(0x30, text('a/+'), ...none(v5)), reason: 0x90 },
  // 3.1.1 [MQTT-4.7.1-2], 5.0 [MQTT-4.7.1-1]
  {
    what: 'a filter with # before its end',
    bytes: (v5) => packetOf(0x82, two(1), ...none(v5), text('#/a'), 0),
    reason: 0x81,
  },
  {
    what: 'a filter with # inside a level',
    bytes: (v5) => packetOf(0x82, two(1), ...none(v5), text('a#'), 0),
    reason: 0x81,
  },
  // 3.1.1 [MQTT-4.7.1-3], 5.0 [MQTT-4.7.1-2]
  {
    what: 'a filter with + inside a level',
    bytes: (v5) => packetOf(0xa2, two(1), ...none(v5), text('a+/b')),
    reason: 0x81,
  },
  // 3.1.1 [MQTT-3.8.3-3], 5.0 [MQTT-3.8.3-2]
  { what: 'SUBSCRIBE without a filter', bytes: (v5) => packetOf(0x82, two(1), ...none(v5)), reason: 0x82 },
  // 3.1.1 [MQTT-3.8.3-1], 5.0 [MQTT-3.8.3-1]
  {
    what: 'SUBSCRIBE whose filter is cut off',
    bytes: (v5) => packetOf(0x82, two(1), ...none(v5), two(5)),
    reason: 0x81,
  },
  { what: 'SUBSCRIBE without options', bytes: (v5) => packetOf(0x82, two(1), ...none(v5), text('a')), reason: 0x81 },
  // 3.1.1 [MQTT-3-8.3-4], 5.0 [MQTT-3.8.3-5]
  {
    what: 'a subscription with reserved bits',
    bytes: (v5) => packetOf(0x82, two(1), ...none(v5), text('a'), 0xc1),
    reason: 0x81,
  },
  { what: 'a subscription with QoS 3', bytes: (v5) => packetOf(0x82, two(1), ...none(v5), text('a'), 3), reason: 0x81 },
  { what: 'retain handling 3', version: 5, bytes: () => packetOf(0x82, two(1), 0, text('a'), 0x30), reason: 0x82 },
  // 3.1.1 [MQTT-3.10.3-2], 5.0 [MQTT-3.10.3-2]
  { what: 'UNSUBSCRIBE without a filter', bytes: (v5) => packetOf(0xa2, two(1), ...none(v5)), reason: 0x82 },
  // 3.1.1 [MQTT-3.10.3-1], 5.0 [MQTT-3.10.3-1]
  {
    what: 'UNSUBSCRIBE with a filter that is no UTF-8',
    bytes: (v5) => packetOf(0xa2, two(1), ...none(v5), text(bad)),
    reason: 0x81,
  },
  { what: 'a PUBACK that is too short', bytes: () => packetOf(0x40, 1), reason: 0x81 },
  // 5.0 [MQTT-3.4.2-1]
  {
    what: 'a PUBACK with a reason code that it does not have',
    version: 5,
    bytes: () => packetOf(0x40, two(1), 5),
    reason: 0x81,
  },
  {
    what: 'DISCONNECT with a reason code that it does not have',
    version: 5,
    bytes: () => packetOf(0xe0, 3),
    reason: 0x81,
  },
  // 5.0 [MQTT-3.3.4-6]
  {
    what: 'PUBLISH with a subscription identifier',
    version: 5,
    bytes: () => packetOf(0x30, text('t'), 2, 11, 1),
    reason: 0x81,
  },
  // 5.0 [MQTT-3.2.2-18] [MQTT-3.3.2-8] [MQTT-3.3.2-9]
  { what: 'a topic alias', version: 5, bytes: () => packetOf(0x30, text('t'), 3, 35, two(1)), reason: 0x94 },
  { what: 'topic alias 0', version: 5, bytes: () => packetOf(0x30, text('t'), 3, 35, two(0)), reason: 0x94 },
  { what: 'a property twice', version: 5, bytes: () => packetOf(0x30, text('t'), 4, 1, 0, 1, 0), reason: 0x82 },
  {
    what: 'a property that does not exist',
    version: 5,
    bytes: () => packetOf(0x30, text('t'), 2, 100, 0),
    reason: 0x81,
  },
  {
    what: 'properties longer than the packet',
    version: 5,
    bytes: () => packetOf(0x30, text('t'), 100, 1, 0),
    reason: 0x81,
  },
  { what: 'payload format indicator 2', version: 5, bytes: () => packetOf(0x30, text('t'), 2, 1, 2), reason: 0x82 },
  // 5.0 [MQTT-1.5.7-1]
  {
    what: 'a user property that is no UTF-8',
    version: 5,
    bytes: () => packetOf(0x30, text('t'), 8, 38, text('a'), text(bad)),
    reason: 0x81,
  },
  {
    what: 'a property whose number is longer than need be',
    version: 5,
    bytes: () => packetOf(0x30, text('t'), 3, 0x81, 0, 0),
    reason: 0x81,
  },
  {
    what: 'a subscription identifier',
    version: 5,
    bytes: () => packetOf(0x82, two(1), 2, 11, 1, text('$resource/#'), 0),
    reason: 0xa1,
  },
  {
    what: 'a shared subscription',
    version: 5,
    bytes: () => packetOf(0x82, two(1), 0, text('$share/g/a'), 0),
    reason: 0x9e,
  },
  { what: 'RETAIN', version: 5, bytes: () => packetOf(0x31, text('t'), 0), reason: 0x9a },
];

for (const [version, name] of versions) {
  for (const { what, bytes, reason, version: only } of cases) {
    if (only !== undefined && only !== version) continue;
    // 3.1.1 [MQTT-4.8.0-1], 5.0 [MQTT-4.13.1-1] [MQTT-4.13.2-1]
    test(`${name}: ${what} ends the connection`, async () => {
      const client = await connected(server, token, version);
      await client.send(bytes(version === 5));
      const rest = await client.closed();
      if (version === 4) assert.deepEqual(rest, []);
      else {
        // 5.0 [MQTT-3.14.2-1] [MQTT-3.14.2-2] [MQTT-3.14.4-1] [MQTT-3.14.4-2]
        assert.equal(rest.length, 1);
        assert.deepEqual([rest[0].cmd, rest[0].reasonCode], ['disconnect', reason]);
        assert.deepEqual(Object.keys(rest[0].properties), ['reasonString']);
      }
      client.destroy();
    });
  }
}

/** Instead of a good CONNECT. 3.1.1 [MQTT-3.1.4-1], 5.0 [MQTT-3.1.4-1] */
const strangers: readonly {
  readonly what: string;
  readonly version?: Version;
  readonly bytes: (version: Version) => Buffer;
}[] = [
  // 3.1.1 [MQTT-3.1.0-1], 5.0 [MQTT-3.1.0-1]
  { what: 'a PINGREQ first', bytes: () => packetOf(0xc0) },
  { what: 'a PUBLISH first, as far as its first byte and length', bytes: () => Buffer.from([0x30, 100]) },
  { what: 'an HTTP request', bytes: () => Buffer.from('GET / HTTP/1.1\r\n\r\n') },
  // 3.1.1 [MQTT-3.1.2-1], 5.0 [MQTT-3.1.2-1]
  { what: 'another protocol name', bytes: (version) => connectOf(version, { name: 'MQTTX' }) },
  // 3.1.1 [MQTT-3.1.2-3], 5.0 [MQTT-3.1.2-3]
  { what: 'the reserved flag of CONNECT', bytes: (version) => connectOf(version, { flags: 3 }) },
  // 3.1.1 [MQTT-3.1.2-11] [MQTT-3.1.2-13], 5.0 [MQTT-3.1.2-11]
  { what: 'a QoS of a will without a will', bytes: (version) => connectOf(version, { flags: 0x0a }) },
  // 3.1.1 [MQTT-3.1.2-15], 5.0 [MQTT-3.1.2-13]
  { what: 'a retained will without a will', bytes: (version) => connectOf(version, { flags: 0x22 }) },
  // 3.1.1 [MQTT-3.1.2-14], 5.0 [MQTT-3.1.2-12]
  {
    what: 'a will with QoS 3',
    bytes: (version) => connectOf(version, { flags: 0x1e }, ...none(version === 5), text('t'), text('p')),
  },
  // 3.1.1 [MQTT-3.1.2-9] [MQTT-3.1.3-10], 5.0 [MQTT-3.1.2-9] [MQTT-3.1.3-11]
  { what: 'a will without its topic', bytes: (version) => connectOf(version, { flags: 6 }, ...none(version === 5)) },
  {
    what: 'a will whose topic is no UTF-8',
    bytes: (version) => connectOf(version, { flags: 6 }, ...none(version === 5), text(bad), text('')),
  },
  // 3.1.1 [MQTT-3.1.2-22]
  { what: 'a password without a user name', version: 4, bytes: () => connectOf(4, { flags: 0x42 }, text(token)) },
  // 3.1.1 [MQTT-3.1.2-18] [MQTT-3.1.2-20] [MQTT-3.1.3-1], 5.0 [MQTT-3.1.2-16] [MQTT-3.1.2-18] [MQTT-3.1.3-1]
  {
    what: 'a user name and password without their flags',
    bytes: (version) => connectOf(version, {}, text(''), text(token)),
  },
  // 3.1.1 [MQTT-3.1.2-19] [MQTT-3.1.2-21], 5.0 [MQTT-3.1.2-17] [MQTT-3.1.2-19]
  { what: 'flags of a user name and password without them', bytes: (version) => connectOf(version, { flags: 0xc2 }) },
  {
    what: 'a user name without the password that was announced',
    bytes: (version) => connectOf(version, { flags: 0xc2 }, text('')),
  },
  // 3.1.1 [MQTT-3.1.3-11], 5.0 [MQTT-3.1.3-12]
  {
    what: 'a user name that is no UTF-8',
    bytes: (version) => connectOf(version, { flags: 0xc2 }, text(bad), text(token)),
  },
  // 3.1.1 [MQTT-3.1.3-4], 5.0 [MQTT-3.1.3-4]
  { what: 'a client id that is no UTF-8', bytes: (version) => connectOf(version, { clientId: bad }) },
  // 3.1.1 [MQTT-3.1.3-3], 5.0 [MQTT-3.1.3-3]
  {
    what: 'a CONNECT without a client id',
    bytes: (version) => packetOf(0x10, text('MQTT'), version, 2, two(0), ...none(version === 5)),
  },
  {
    what: 'a CONNECT larger than a stranger may send',
    bytes: () => Buffer.concat([Buffer.from([0x10]), variable(70_000)]),
  },
  { what: 'receive maximum 0', version: 5, bytes: () => connectOf(5, { properties: Buffer.from([33, 0, 0]) }) },
  {
    what: 'maximum packet size 0',
    version: 5,
    bytes: () => connectOf(5, { properties: Buffer.from([39, 0, 0, 0, 0]) }),
  },
  {
    what: 'request problem information 2',
    version: 5,
    bytes: () => connectOf(5, { properties: Buffer.from([23, 2]) }),
  },
  {
    what: 'authentication data without a method',
    version: 5,
    bytes: () => connectOf(5, { properties: Buffer.from([22, 0, 1, 1]) }),
  },
];

for (const [version, name] of versions) {
  for (const { what, bytes, version: only } of strangers) {
    if (only !== undefined && only !== version) continue;
    // 3.1.1 [MQTT-3.2.2-6], 5.0 [MQTT-3.14.0-1]: no CONNACK for what has no code, and no DISCONNECT before a CONNACK.
    test(`${name}: ${what} ends the connection without a word`, async () => {
      const client = await openMqtt(server, version);
      await client.send(bytes(version));
      await client.closed();
      assert.equal(client.received().length, 0);
      client.destroy();
    });
  }
}

for (const [what, bytes, answer] of [
  // 3.1.1 [MQTT-3.1.2-2], 5.0 [MQTT-3.1.2-2]
  ['MQTT 3.1', connectOf(3, { name: 'MQIsdp' }), '20020001'],
  ['level 3', connectOf(3), '20020001'],
  ['level 0', connectOf(0), '20020001'],
  ['level 6', connectOf(6), '2003008400'],
  ['a bridge of 3.1.1', connectOf(0x84), '2003008400'],
] as const) {
  test(`a CONNECT of ${what} is refused as a version that is not offered`, async () => {
    const client = await openMqtt(server);
    client.socket.write(bytes);
    await client.closed();
    assert.equal(client.received().toString('hex'), answer);
    client.destroy();
  });
}

test('every kind of packet, cut at every byte, is understood as if it were whole', async () => {
  for (const [version] of versions) {
    const v5 = version === 5;
    const identity = `split-${version}`;
    const own = await connector.provision(identity);
    const wholes = [
      connectOf(version, { flags: 0xc2, clientId: 'split' }, text(''), text(own)),
      packetOf(0x32, text('$resource/a'), two(1), ...none(v5), Buffer.from('one')),
      ...(v5 ? [packetOf(0x32, text('$resource/a'), two(2), 2, 1, 1, Buffer.from('two'))] : []),
      packetOf(0x30, text('$resource/a'), ...none(v5), Buffer.from('x'.repeat(300))),
      packetOf(0x82, two(3), ...none(v5), text('$resource/#'), 1),
      packetOf(0xa2, two(4), ...none(v5), text('$resource/#')),
      packetOf(0x40, two(9)),
      packetOf(0xc0),
    ];
    const whole = Buffer.concat(wholes);
    const answers = async (pieces: readonly Buffer[]) => {
      const client = await openMqtt(server, version);
      for (const piece of pieces) await client.send(piece);
      const seen = [];
      for (let n = 0; n < (v5 ? 6 : 5); n += 1) {
        const { cmd, messageId, returnCode, reasonCode, granted } = await client.next();
        seen.push({ cmd, messageId, returnCode, reasonCode, granted });
      }
      client.destroy();
      // PUBACKs wait for their commit, and others may come between.
      return seen.sort((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));
    };
    const expected = await answers([whole]);
    assert.equal(expected.filter(({ cmd }) => cmd === 'puback').length, v5 ? 2 : 1);
    for (let at = 1; at < whole.length; at += 1) {
      assert.deepEqual(await answers([whole.subarray(0, at), whole.subarray(at)]), expected, `cut at ${at}`);
    }
    assert.deepEqual(await answers(Array.from(whole, (byte) => Buffer.from([byte]))), expected);
  }
});

test('others are served while one sends what is malformed', async () => {
  const steady = await connected(server, token);
  for (let n = 1; n <= 50; n += 1) {
    const stranger = await openMqtt(server);
    await stranger.send(packetOf(0x10, 1, 2, 3));
    await steady.send(message('$resource/a', `${n}`, n));
    assert.deepEqual(await steady.next().then(({ cmd, messageId }) => [cmd, messageId]), ['puback', n]);
    await stranger.closed();
    stranger.destroy();
  }
  steady.destroy();
});
