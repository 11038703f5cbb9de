/** An MQTT client with nothing between: the test says every byte or packet, and reads what comes back. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect as connectTcp, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { generate, type IConnectPacket, type Packet, parser } from 'mqtt-packet';
import type { TestConnector } from './connector.ts';
import type { TestServer } from './server.ts';

/** How long a packet or a close is waited for, in ms. */
const WITHIN = 15_000;

export type Version = 4 | 5;
export const versions = [
  [4, '3.1.1'],
  [5, '5.0'],
] as const;

export interface RawMqtt {
  readonly socket: Socket;
  readonly version: Version;
  /** As bytes, or a packet of this client's version. */
  send(...packets: (Packet | Uint8Array)[]): Promise<void>;
  /** The next packet that the server sends; rejects if it closes before. */
  // biome-ignore lint/suspicious/noExplicitAny: the tests assert each field that they read
  next(): Promise<any>;
  /** Sends CONNECT and gives the CONNACK. */
  // biome-ignore lint/suspicious/noExplicitAny: the tests assert each field that they read
  connect(options?: Partial<IConnectPacket>): Promise<any>;
  /** Resolves when the server has closed, with the packets that no `next()` took. */
  // biome-ignore lint/suspicious/noExplicitAny: the tests assert each field that they read
  closed(): Promise<any[]>;
  /** Bytes that came so far. */
  received(): Buffer;
  end(): void;
  destroy(): void;
}

/** Plain TCP: a token alone finds the device there. */
export async function openMqtt(server: TestServer, version: Version = 4): Promise<RawMqtt> {
  const socket = connectTcp({ port: server.mqttTcp, host: '127.0.0.1', allowHalfOpen: true });
  await once(socket, 'connect');
  return wrap(socket, version);
}

/** TLS, with the connector's name as SNI. */
export async function openMqtts(
  connector: TestConnector,
  version: Version = 4,
  options: ConnectionOptions = {},
): Promise<RawMqtt> {
  const { server, fqdn } = connector;
  const ca = readFileSync(server.caPath);
  const socket = connectTls({ port: server.mqtt, host: '127.0.0.1', servername: fqdn, ca, ...options });
  await once(socket, 'secureConnect');
  return wrap(socket, version);
}

/** The fields of CONNECT that show a token. */
export const byToken = (token: string) => ({ username: '', password: Buffer.from(token) });
export const byPassword = (identity: string, password: string) => ({
  username: identity,
  password: Buffer.from(password),
});

/** A QoS 1 PUBLISH; QoS 0 without an identifier. */
export const message = (topic: string, payload: string | Buffer, messageId?: number): Packet => ({
  cmd: 'publish',
  topic,
  payload,
  qos: messageId === undefined ? 0 : 1,
  dup: false,
  retain: false,
  ...(messageId === undefined ? {} : { messageId }),
});

/** Connected as the device of the token; asserts that it was let in. */
export async function connected(
  server: TestServer,
  token: string,
  version: Version = 4,
  options: Partial<IConnectPacket> = {},
): Promise<RawMqtt> {
  const client = await openMqtt(server, version);
  const connack = await client.connect({ ...byToken(token), ...options });
  assert.equal(connack.returnCode ?? connack.reasonCode, 0);
  return client;
}

/** The end of a connection, as the client sees it: in 5.0 by its reason. */
export async function endOf(client: RawMqtt): Promise<number | null> {
  const rest = await client.closed();
  client.destroy();
  if (client.version === 4) {
    assert.deepEqual(rest, []);
    return null;
  }
  assert.equal(rest.length, 1);
  assert.equal(rest[0].cmd, 'disconnect');
  return rest[0].reasonCode;
}

function wrap(socket: Socket, version: Version): RawMqtt {
  const reader = parser({ protocolVersion: version });
  const packets: Packet[] = [];
  const pieces: Buffer[] = [];
  let ended = false;
  let wake = Promise.withResolvers<void>();
  const changed = () => {
    wake.resolve();
    wake = Promise.withResolvers<void>();
  };
  const finish = () => {
    ended = true;
    changed();
  };
  reader.on('packet', (packet) => packets.push(packet));
  reader.on('error', (error) => assert.fail(`the server sent what is no packet: ${error}`));
  socket.setNoDelay(true);
  socket.on('data', (chunk: Buffer) => {
    pieces.push(chunk);
    reader.parse(chunk);
    changed();
  });
  for (const event of ['end', 'close', 'error']) socket.on(event, finish); // a reset is a way to close

  const until = async <T>(what: string, look: () => T | null): Promise<T> => {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      changed();
    }, WITHIN);
    try {
      for (;;) {
        const seen = look();
        if (seen !== null) return seen;
        if (ended) assert.fail(`the server closed before ${what}`);
        if (late) assert.fail(`${what} did not come`);
        await wake.promise;
      }
    } finally {
      clearTimeout(timer);
    }
  };
  const client: RawMqtt = {
    socket,
    version,
    async send(...given) {
      const bytes = given.map((packet) =>
        packet instanceof Uint8Array ? packet : generate(packet, { protocolVersion: version }),
      );
      if (ended || socket.destroyed) return; // what the server did is what the test looks at
      const { promise, resolve } = Promise.withResolvers<void>();
      socket.write(Buffer.concat(bytes), () => resolve());
      await promise;
    },
    next: () => until('a packet', () => packets.shift() ?? null),
    async connect(options = {}) {
      await client.send({
        cmd: 'connect',
        protocolId: 'MQTT',
        protocolVersion: version,
        clean: true,
        clientId: '',
        keepalive: 0,
        ...options,
      });
      const connack = await client.next();
      assert.equal(connack.cmd, 'connack');
      return connack;
    },
    closed: () => until('the close', () => (ended ? packets.splice(0) : null)),
    received: () => Buffer.concat(pieces),
    end: () => socket.end(),
    destroy: () => socket.destroy(),
  };
  return client;
}

/** A packet by hand: first byte, length, and the parts of its body. */
export function packetOf(first: number, ...parts: (Uint8Array | number)[]): Buffer {
  const body = Buffer.concat(parts.map((part) => (typeof part === 'number' ? Buffer.from([part]) : part)));
  return Buffer.concat([Buffer.from([first]), variable(body.length), body]);
}

/** A variable byte integer. */
export function variable(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; ) {
    const byte = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(rest > 0 ? byte | 128 : byte);
    if (rest === 0) return Buffer.from(bytes);
  }
}

export const two = (value: number): Buffer => Buffer.from([value >> 8, value & 255]);

/** A string or bytes behind their length. */
export function text(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([two(bytes.length), bytes]);
}

/** A CONNECT by hand; the defaults are well-formed. `fields` follow the client id. */
export function connectOf(
  version: number,
  { name = 'MQTT', flags = 2, keepAlive = 0, properties = Buffer.alloc(0), clientId = '' as string | Buffer } = {},
  ...fields: (Uint8Array | number)[]
): Buffer {
  const given = version === 5 ? [variable(properties.length), properties] : [];
  return packetOf(0x10, text(name), version, flags, two(keepAlive), ...given, text(clientId), ...fields);
}
