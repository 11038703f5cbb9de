/**
 * MQTT publishers, as a process of its own: each connection keeps a number of QoS 1 messages in flight. The bytes of the
 * packets are ready-made, and an acknowledgement is four bytes: so that the load is not what is measured.
 */
import { connect as connectTcp, type Socket } from 'node:net';
import { generate } from 'mqtt-packet';
import { answerQuestions } from '../helper.ts';
import type { LoadAnswer } from './http.ts';

export type MqttLoadQuestion =
  /** Connects, each with a password of its own; `name` is how later questions call these connections. */
  | { readonly kind: 'open'; readonly name: string; readonly port: number; readonly passwords: readonly string[] }
  /** Each connection keeps `inFlight` messages under way until the time is over. */
  | {
      readonly kind: 'run';
      readonly name: string;
      readonly seconds: number;
      readonly inFlight: number;
      readonly topic: string;
    };

interface Client {
  readonly socket: Socket;
  /** Called with each piece of what arrives. */
  receive: (bytes: Buffer, length: number) => void;
}

/** Different packets that a connection sends in turn. */
const PACKETS = 1_000;
const PUBACK = 0x40;
const PUBACK_BYTES = 4;

const pools = new Map<string, Client[]>();
let fail: (error: Error) => void = () => {};

answerQuestions<MqttLoadQuestion>((question) =>
  question.kind === 'open' ? openPool(question) : run(pools.get(question.name)!, question),
);

async function openPool({ name, port, passwords }: MqttLoadQuestion & { kind: 'open' }): Promise<void> {
  const clients: Client[] = [];
  for (const [at, password] of passwords.entries()) clients.push(await open(port, `bench-${at}`, password));
  pools.set(name, clients);
}

function open(port: number, clientId: string, password: string): Promise<Client> {
  const { promise, resolve, reject } = Promise.withResolvers<Client>();
  const client: Client = {
    socket: connectTcp({
      host: '127.0.0.1',
      port,
      noDelay: true,
      onread: {
        buffer: Buffer.allocUnsafeSlow(16_384),
        callback: (length: number, bytes: Uint8Array) => {
          client.receive(bytes as Buffer, length);
          return true;
        },
      },
    }),
    receive: (bytes, length) => {
      if (length === 4 && bytes[0] === 0x20 && bytes[3] === 0) resolve(client);
      else reject(new Error(`the server answered CONNECT with ${bytes.toString('hex', 0, length)}`));
    },
  };
  client.socket.once('error', reject);
  client.socket.once('close', () => fail(new Error('the server closed a connection')));
  const login = password === '' ? {} : { username: '', password: Buffer.from(password) };
  client.socket.write(generate({ cmd: 'connect', clientId, clean: true, keepalive: 0, protocolVersion: 4, ...login }));
  return promise;
}

/** All packets of a connection, twice: any run of them is one slice. They are of one length. */
function packetsOf(topic: string): { bytes: Buffer; size: number } {
  const packets = Array.from({ length: PACKETS }, (_, n) =>
    generate({
      cmd: 'publish',
      topic,
      payload: `${(n % 40) + 10}.25`,
      qos: 1,
      messageId: n + 1,
      dup: false,
      retain: false,
    }),
  );
  return { bytes: Buffer.concat([...packets, ...packets]), size: packets[0]!.length };
}

async function run(
  clients: readonly Client[],
  { seconds, inFlight, topic }: MqttLoadQuestion & { kind: 'run' },
): Promise<LoadAnswer> {
  const { bytes, size } = packetsOf(topic);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  fail = reject;
  const byConnection = clients.map(() => 0);
  let active = clients.length;
  const cpu = process.cpuUsage();
  const start = performance.now();
  const deadline = start + seconds * 1000;
  for (const [at, client] of clients.entries()) {
    let next = 0;
    let waiting = 0;
    let partial = 0;
    const send = (count: number) => {
      client.socket.write(bytes.subarray(next * size, (next + count) * size));
      next = (next + count) % PACKETS;
      waiting += count;
    };
    client.receive = (received, length) => {
      if (partial === 0 && received[0] !== PUBACK) reject(new Error(`not a PUBACK: ${received.toString('hex', 0, 8)}`));
      partial += length;
      const acknowledged = Math.floor(partial / PUBACK_BYTES);
      partial -= acknowledged * PUBACK_BYTES;
      byConnection[at]! += acknowledged;
      waiting -= acknowledged;
      if (performance.now() < deadline) send(acknowledged);
      else if (waiting === 0 && --active === 0) resolve();
    };
    send(inFlight);
  }
  await promise;
  const elapsed = (performance.now() - start) / 1000;
  const used = process.cpuUsage(cpu);
  return {
    answered: byConnection.reduce((sum, n) => sum + n, 0),
    byConnection,
    seconds: elapsed,
    share: (used.user + used.system) / 1e6 / elapsed,
    bodies: [],
  };
}
