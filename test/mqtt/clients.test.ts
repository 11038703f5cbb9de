/**
 * device-mqtt.md with clients that others wrote: MQTT.js, mosquitto_pub and mosquitto_sub, and Paho for Python; over TLS, an
 * ordered stream: 3.1.1 [MQTT-7.1.1-1], 5.0 [MQTT-4.2.0-1].
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt';
import { openFactory } from '../helpers/authority.ts';
import { eventually, newConnector, resource, type TestConnector } from '../helpers/connector.ts';
import { versions } from '../helpers/mqtt.ts';
import { startServer } from '../helpers/server.ts';
import { startSocks } from '../helpers/socks.ts';
import { leftOut, missingTool, pythonWithPaho, runTool } from '../helpers/tool.ts';

const server = await startServer();
const socks = await startSocks();
const factory = openFactory();
after(async () => {
  socks.close();
  factory.remove();
  await server.stop();
});
const password = 'a-password-of-more-than-20-bytes';
const resources = { a: resource(), n: resource({ format: 'number' }) };

const url = () => `mqtts://127.0.0.1:${server.mqtt}`;
const options = (connector: TestConnector, more: IClientOptions): IClientOptions => ({
  ca: readFileSync(server.caPath),
  servername: connector.fqdn,
  reconnectPeriod: 0,
  ...more,
});

interface Scene {
  readonly connector: TestConnector;
  readonly args: string[];
  readonly shown:
    | { readonly username: string; readonly password: string }
    | { readonly cert: string; readonly key: string };
  readonly files: readonly [certPath: string, keyPath: string];
}

/** A device of each kind, with what it shows to mosquitto and to MQTT.js. */
async function newDevice(auth: 'token' | 'password' | 'certificate'): Promise<Scene> {
  const connector = await newConnector(server, { provisioning: { auth_type: auth }, resources });
  await connector.whitelist('d1');
  if (auth === 'token') {
    const token = await connector.activate('d1');
    return { connector, args: ['-u', '', '-P', token], shown: { username: '', password: token }, files: ['', ''] };
  }
  if (auth === 'password') {
    const answer = await connector.send('/provision/activate', { body: `id=d1&password=${password}` });
    assert.equal(answer.status, 204, answer.body);
    return { connector, args: ['-u', 'd1', '-P', password], shown: { username: 'd1', password }, files: ['', ''] };
  }
  // The first connection provisions.
  const { cert, key, certPath, keyPath } = factory.selfSigned('d1');
  return { connector, args: ['--cert', certPath, '--key', keyPath], shown: { cert, key }, files: [certPath, keyPath] };
}

const auths = ['token', 'password', 'certificate'] as const;

/** The first message that comes. */
function firstMessage(client: MqttClient): Promise<{ topic: string; payload: string }> {
  const { promise, resolve } = Promise.withResolvers<{ topic: string; payload: string }>();
  client.once('message', (topic, payload) => resolve({ topic, payload: payload.toString() }));
  return promise;
}

for (const [protocolVersion, name] of versions) {
  for (const auth of auths) {
    test(`MQTT.js, ${name}, by ${auth}: writes, and takes a value over without subscribing`, async () => {
      const { connector, shown } = await newDevice(auth);
      const client = await connectAsync(url(), options(connector, { ...shown, protocolVersion }));
      await client.publishAsync('$resource/a', 'first', { qos: 1 });
      assert.equal((await connector.state('d1')).a.reported, 'first');
      const message = firstMessage(client);
      assert.equal((await connector.api('PATCH', '/identity/d1/state', { a: 'wanted' })).status, 200);
      const { topic, payload } = await message;
      assert.match(topic, /^\$resource\/a\/\d{16}$/);
      assert.equal(payload, 'wanted');
      await client.publishAsync('$resource/a', payload, { qos: 1 });
      const { a } = await connector.state('d1');
      assert.deepEqual([a.reported, a.set], ['wanted', 'wanted']);
      assert.equal((await connector.device('d1')).online, true);
      await client.endAsync();
      await eventually('it is offline', async () => !(await connector.device('d1')).online);
    });
  }

  test(`MQTT.js, ${name}: provisions by topic, and is the device from then on`, async () => {
    const connector = await newConnector(server, { resources });
    await connector.whitelist('d1');
    const client = await connectAsync(url(), options(connector, { protocolVersion }));
    const message = firstMessage(client);
    await client.publishAsync('$provision/d1', '', { qos: 1 });
    const { topic, payload: token } = await message;
    assert.equal(topic, '$provision/d1');
    assert.match(token, /^[0-9a-f]{40}$/);
    await client.publishAsync('$resource/a', 'at once', { qos: 1 });
    assert.equal((await connector.state('d1')).a.reported, 'at once');
    await client.endAsync();
    assert.equal(await connector.write('a=later', { token }), 204);
  });

  test(`MQTT.js, ${name}: a subscription to its own values is granted, and changes nothing`, async () => {
    const { connector, shown } = await newDevice('token');
    const client = await connectAsync(url(), options(connector, { ...shown, protocolVersion }));
    const granted = await client.subscribeAsync(['$resource/#', '$resource/a', '$resource/+'], { qos: 1 });
    assert.deepEqual(
      granted.map(({ qos }) => qos),
      [1, 1, 1],
    );
    await client.endAsync();
  });
}

const withoutMosquitto = { skip: (await leftOut('mosquitto_pub')) || (await leftOut('mosquitto_sub')) };

/** `mosquitto_pub` and `mosquitto_sub`, led to the connector's name by the proxy. */
const mosquitto = (tool: 'mosquitto_pub' | 'mosquitto_sub', connector: TestConnector, args: readonly string[]) =>
  [
    tool,
    [
      ...['-h', connector.fqdn, '-p', String(server.mqtt), '--cafile', server.caPath],
      ...['--proxy', `socks5h://127.0.0.1:${socks.port}`, ...args],
    ],
  ] as const;

for (const [flag, name] of [
  ['mqttv311', '3.1.1'],
  ['mqttv5', '5.0'],
] as const) {
  for (const auth of auths) {
    test(`mosquitto_pub, ${name}, by ${auth}: a PUBACK comes, and the value is stored`, withoutMosquitto, async () => {
      const { connector, args } = await newDevice(auth);
      const message = ['-q', '1', '-t', '$resource/n', '-m', '21.50', '-V', flag, '-d'];
      const result = await runTool(...mosquitto('mosquitto_pub', connector, [...args, ...message]));
      assert.equal(result.code, 0, result.stdout.toString() + result.stderr);
      assert.match(result.stdout.toString(), /received PUBACK \(Mid: 1, RC:0\)/);
      assert.equal((await connector.state('d1')).n.reported, '21.50');
    });
  }

  test(`mosquitto_pub, ${name}: a wrong token is refused as a bad credential`, withoutMosquitto, async () => {
    const { connector } = await newDevice('token');
    const args = ['-u', '', '-P', '0'.repeat(40), '-t', '$resource/a', '-m', '1', '-V', flag];
    const result = await runTool(...mosquitto('mosquitto_pub', connector, args));
    assert.notEqual(result.code, 0);
    assert.match(result.stderr, /bad user name or password|not authori[sz]ed|Bad user name or password/i);
  });

  test(`mosquitto_sub, ${name}: prints the value that an operator sets, once`, withoutMosquitto, async () => {
    const { connector, args } = await newDevice('token');
    assert.equal((await connector.api('PATCH', '/identity/d1/state', { a: 'while it was away' })).status, 200);
    const wait = ['-t', '$resource/#', '-q', '1', '-C', '1', '-W', '20', '-V', flag];
    const [tool, all] = mosquitto('mosquitto_sub', connector, [...args, ...wait]);
    const result = await runTool(tool, all);
    assert.equal(result.code, 0, result.stderr);
    assert.equal(result.stdout.toString(), 'while it was away\n');
  });
}

test(
  'mosquitto_pub, 5.0: a value that its resource refuses gets a reason code, and why',
  withoutMosquitto,
  async () => {
    const { connector, args } = await newDevice('token');
    const message = ['-q', '1', '-t', '$resource/n', '-m', 'warm', '-V', 'mqttv5'];
    const result = await runTool(...mosquitto('mosquitto_pub', connector, [...args, ...message]));
    assert.match(result.stderr, /Payload format invalid/i);
    assert.match(result.stderr, /saw n=warm, expected n: a decimal number/);
    assert.equal((await connector.state('d1')).n, undefined);
  },
);

test(
  'mosquitto_pub on localhost, a name that names no connector: the token alone finds the device',
  withoutMosquitto,
  async () => {
    const { connector, args } = await newDevice('token');
    const to = ['-h', 'localhost', '-p', String(server.mqtt), '--cafile', server.caPath];
    const result = await runTool('mosquitto_pub', [...to, ...args, '-q', '1', '-t', '$resource/a', '-m', 'x']);
    assert.equal(result.code, 0, result.stderr);
    assert.equal((await connector.state('d1')).a.reported, 'x');
  },
);

/** Publishes, waits for a value, and says what came; names of the tests lead to this machine. */
const paho = `
import socket, sys
import paho.mqtt.client as mqtt
known = socket.getaddrinfo
socket.getaddrinfo = lambda host, *rest, **more: known('127.0.0.1' if host.endswith('.localhost') else host, *rest, **more)
host, port, ca, version, username, password, cert, key = sys.argv[1:]
client = mqtt.Client(client_id='', protocol=mqtt.MQTTv5 if version == '5' else mqtt.MQTTv311)
client.tls_set(ca_certs=ca, certfile=cert or None, keyfile=key or None)
if password: client.username_pw_set(username, password)
def connected(client, *rest): client.publish('$resource/a', 'from paho', qos=1)
def published(client, *rest): print('published', flush=True)
def received(client, data, message):
    print(message.topic.split('/')[1], message.payload.decode(), flush=True)
    client.disconnect()
client.on_connect, client.on_publish, client.on_message = connected, published, received
client.connect(host, int(port))
client.loop_forever()
`;

const python = await pythonWithPaho();
const withoutPaho = { skip: await leftOut('paho') };

for (const [version, name] of versions) {
  for (const auth of auths) {
    test(`Paho for Python, ${name}, by ${auth}: writes, and takes a value over`, withoutPaho, async () => {
      const { connector, shown, files } = await newDevice(auth);
      const { username, password } = 'password' in shown ? shown : { username: '', password: '' };
      const args = [connector.fqdn, `${server.mqtt}`, server.caPath, `${version}`, username, password, ...files];
      assert.ok(python !== null, missingTool('paho'));
      const child = spawn(python.python, ['-c', paho, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
      const printed: string[] = [];
      child.stdout.on('data', (text: Buffer) => printed.push(text.toString()));
      const ended = once(child, 'close');
      await eventually('its PUBACK', async () => printed.join('').includes('published'));
      assert.equal((await connector.state('d1')).a.reported, 'from paho');
      assert.equal((await connector.api('PATCH', '/identity/d1/state', { a: 'to paho' })).status, 200);
      const [code] = await ended;
      assert.equal(code, 0);
      assert.equal(printed.join(''), 'published\na to paho\n');
    });
  }
}
