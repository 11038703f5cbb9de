/** device-mqtt.md, the server publishes: values that the cloud sets reach the device, the newest of each alias, until acknowledged. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { eventually, newConnector, resource } from '../helpers/connector.ts';
import { connected, message, packetOf, type RawMqtt, two, versions } from '../helpers/mqtt.ts';
import { startServer } from '../helpers/server.ts';

const server = await startServer();
after(() => server.stop());
const resources = {
  a: resource(),
  b: resource(),
  c: resource(),
  hidden: resource({ sync: false }),
  sensor: resource({ settable: false, sync: false }),
};
const connector = await newConnector(server, { resources });
let devices = 0;

async function newDevice() {
  const identity = `d${++devices}`;
  const token = await connector.provision(identity);
  const set = async (values: Record<string, string>) => {
    const answer = await connector.api('PATCH', `/identity/${identity}/state`, values);
    assert.equal(answer.status, 200, answer.text);
  };
  return { identity, token, set };
}

/** The next value, as alias and text, and its PUBACK sent. */
async function take(client: RawMqtt): Promise<[alias: string, value: string]> {
  const { cmd, topic, payload, messageId } = await client.next();
  assert.equal(cmd, 'publish');
  await client.send(packetOf(0x40, two(messageId)));
  return [topic.split('/')[1], payload.toString()];
}

/** Nothing more is on its way: the answer to a ping is what comes next. */
async function assertQuiet(client: RawMqtt): Promise<void> {
  await client.send(packetOf(0xc0));
  assert.equal((await client.next()).cmd, 'pingresp');
}

for (const [version, name] of versions) {
  // 3.1.1 [MQTT-3.3.1-1] [MQTT-3.3.1-3], 5.0 [MQTT-3.3.1-1] [MQTT-3.3.1-3] [MQTT-4.3.2-2]
  test(`${name}: a value comes on $resource/<alias>/<µs> with QoS 1, without a subscription`, async () => {
    const { identity, token, set } = await newDevice();
    const client = await connected(server, token, version);
    await set({ a: 'wanted' });
    const { topic, payload, qos, dup, retain, properties } = await client.next();
    // 5.0 [MQTT-3.1.2-26] [MQTT-3.1.2-27]
    assert.equal(properties, undefined);
    const { timestamp } = (await connector.state(identity)).a;
    assert.deepEqual(
      [topic, payload.toString(), qos, dup, retain],
      [`$resource/a/${timestamp}`, 'wanted', 1, false, false],
    );
    client.destroy();
  });

  test(`${name}: what was set while the device was away comes when it connects, oldest first, the newest of each`, async () => {
    const { token, set } = await newDevice();
    await set({ b: 'old' });
    await set({ a: '1' });
    await set({ c: '2' });
    await set({ b: 'new' });
    await set({ hidden: 'never' });
    const client = await connected(server, token, version);
    assert.deepEqual(
      [await take(client), await take(client), await take(client)],
      [
        ['a', '1'],
        ['c', '2'],
        ['b', 'new'],
      ],
    );
    await assertQuiet(client);
    client.destroy();
    const again = await connected(server, token, version);
    await assertQuiet(again);
    again.destroy();
  });

  // 5.0 [MQTT-4.3.2-3]
  test(`${name}: what was not acknowledged is sent again on each connection, as a new message`, async () => {
    const { token, set } = await newDevice();
    await set({ a: 'kept' });
    for (let n = 0; n < 3; n += 1) {
      const client = await connected(server, token, version);
      const { topic, payload, dup } = await client.next();
      assert.deepEqual([topic.split('/')[1], payload.toString(), dup], ['a', 'kept', false]);
      client.destroy();
    }
    const client = await connected(server, token, version);
    await take(client);
    await assertQuiet(client);
    client.destroy();
    const after = await connected(server, token, version);
    await assertQuiet(after);
    after.destroy();
  });

  test(`${name}: while one value of an alias is on its way, only the newest of those behind it follows`, async () => {
    const { token, set } = await newDevice();
    const client = await connected(server, token, version);
    await set({ a: 'first' });
    const first = await client.next();
    for (const value of ['second', 'third', 'fourth']) await set({ a: value });
    await assertQuiet(client);
    await client.send(packetOf(0x40, two(first.messageId)));
    assert.deepEqual(await take(client), ['a', 'fourth']);
    await assertQuiet(client);
    client.destroy();
  });

  test(`${name}: publishing a value back shows it as reported, and is no reason to send it again`, async () => {
    const { identity, token, set } = await newDevice();
    const client = await connected(server, token, version);
    await set({ a: 'wanted' });
    await client.next();
    await client.send(message('$resource/a', 'wanted', 1));
    assert.equal((await client.next()).cmd, 'puback');
    const { a } = await connector.state(identity);
    assert.deepEqual([a.set, a.reported], ['wanted', 'wanted']);
    client.destroy();
    const again = await connected(server, token, version);
    await assertQuiet(again);
    again.destroy();
  });

  test(`${name}: what a device says of itself before it has heard does not undo what was set`, async () => {
    const { identity, token, set } = await newDevice();
    await set({ a: 'by the operator' });
    assert.equal(await connector.write('a=as at the factory', { token }), 204);
    const client = await connected(server, token, version);
    assert.deepEqual(await take(client), ['a', 'by the operator']);
    await client.send(message('$resource/a', 'by the operator', 1));
    await client.next();
    assert.equal((await connector.state(identity)).a.set, 'by the operator');
    client.destroy();
  });

  // 3.1.1 [MQTT-2.3.1-4] [MQTT-4.3.2-1], 5.0 [MQTT-2.2.1-4] [MQTT-4.3.2-1]
  test(`${name}: identifiers on their way are all different, and not 0`, async () => {
    const { token, set } = await newDevice();
    await set({ a: '1', b: '2', c: '3' });
    const client = await connected(server, token, version);
    const ids = [await client.next(), await client.next(), await client.next()].map(({ messageId }) => messageId);
    assert.equal(new Set(ids).size, 3);
    assert.ok(ids.every((id) => id > 0));
    await client.send(packetOf(0x40, two(60_000)));
    await assertQuiet(client);
    client.destroy();
  });
}

// 5.0 [MQTT-3.3.4-9] [MQTT-3.3.4-10] [MQTT-4.9.0-1] [MQTT-4.9.0-2] [MQTT-4.9.0-3]
test('5.0: no more values are on their way than the client can receive', async () => {
  const { token, set } = await newDevice();
  await set({ a: '1' });
  await set({ b: '2' });
  await set({ c: '3' });
  const client = await connected(server, token, 5, { properties: { receiveMaximum: 1 } });
  const first = await client.next();
  await assertQuiet(client);
  await client.send(packetOf(0x40, two(first.messageId)));
  assert.deepEqual(await take(client), ['b', '2']);
  assert.deepEqual(await take(client), ['c', '3']);
  client.destroy();
});

// 5.0 [MQTT-3.1.2-24] [MQTT-3.1.2-25]
test('5.0: a value that is larger than the client takes is passed over, until it is set to a smaller one', async () => {
  const { token, set } = await newDevice();
  await set({ a: 'x'.repeat(1000) });
  await set({ b: 'small' });
  const client = await connected(server, token, 5, { properties: { maximumPacketSize: 200 } });
  assert.deepEqual(await take(client), ['b', 'small']);
  await assertQuiet(client);
  await set({ a: 'small as well' });
  assert.deepEqual(await take(client), ['a', 'small as well']);
  client.destroy();
  await set({ a: 'y'.repeat(1000) });
  const large = await connected(server, token, 5);
  assert.deepEqual(await take(large), ['a', 'y'.repeat(1000)]);
  large.destroy();
});

// 5.0 [MQTT-4.4.0-2]
test('5.0: a PUBACK with a reason code for no is a PUBACK', async () => {
  const { token, set } = await newDevice();
  await set({ a: 'unwanted' });
  const client = await connected(server, token, 5);
  const { messageId } = await client.next();
  await client.send(packetOf(0x40, two(messageId), 0x83, 0));
  await assertQuiet(client);
  client.destroy();
  const again = await connected(server, token, 5);
  await assertQuiet(again);
  again.destroy();
});

test('a thousand large values for a device that does not read cost no memory, and arrive in the end', async () => {
  const many = Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`v${n}`, resource()]));
  const large = await newConnector(server, { resources: many });
  const token = await large.provision('d1');
  const client = await connected(server, token);
  client.socket.pause();
  for (let n = 0; n < 200; n += 1) {
    await large.api('PATCH', '/identity/d1/state', { [`v${n}`]: `${n} ${'x'.repeat(50_000)}` });
  }
  client.socket.resume();
  const seen = new Set<string>();
  for (let n = 0; n < 200; n += 1) seen.add((await take(client))[0]);
  assert.equal(seen.size, 200);
  client.destroy();
});

test('after kill -9 of the server, a value that was set and not acknowledged arrives; one that was acknowledged long before does not', async () => {
  const { identity, token, set } = await newDevice();
  const client = await connected(server, token);
  await set({ a: 'acknowledged' });
  await take(client);
  await set({ b: 'not yet' });
  await client.next();
  // Acknowledgements are written along with later commits: within a second.
  await new Promise((resolve) => setTimeout(resolve, 1500));
  await server.kill9();
  await client.closed();
  client.destroy();
  await server.restart();
  await eventually('nobody is online', async () => !(await connector.device(identity)).online);
  const again = await connected(server, token);
  assert.deepEqual(await take(again), ['b', 'not yet']);
  await assertQuiet(again);
  assert.equal((await connector.device(identity)).online, true);
  again.destroy();
});
