/**
 * Throws bytes at the MQTT door of a server of its own, from nonsense to packets with a few bytes changed, while another
 * client is served all along. `node scripts/fuzz-mqtt.ts --inputs 1000000 [--seed <n>]`; the same seed throws the same.
 */
import assert from 'node:assert/strict';
import { parseArgs } from 'node:util';
import { generate } from 'mqtt-packet';
import { newConnector, resource } from '../test/helpers/connector.ts';
import { connected, connectOf, message, openMqtt, packetOf, text, two, type Version } from '../test/helpers/mqtt.ts';
import { startServer } from '../test/helpers/server.ts';

/** Inputs thrown at one connection, before another one is opened: as long as it stands. */
const PER_CONNECTION = 40;
/** Connections at a time. */
const THROWERS = 16;

export interface FuzzReport {
  readonly inputs: number;
  readonly connections: number;
  /** Messages of the steady client that were acknowledged meanwhile. */
  readonly served: number;
}

/** Numbers of 32 bits, the same for the same seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}

/** Rejects if the server ends, or does not serve the steady client. `say` gets a line now and then. */
export async function fuzz(options: {
  inputs: number;
  seed: number;
  say: (line: string) => void;
}): Promise<FuzzReport> {
  const server = await startServer();
  try {
    const connector = await newConnector(server, { resources: { a: resource(), n: resource({ format: 'number' }) } });
    const tokens = await Promise.all(Array.from({ length: THROWERS }, (_, n) => connector.provision(`fuzz-${n}`)));
    const steady = await connected(server, await connector.provision('steady'));
    let thrown = 0;
    let connections = 0;
    let served = 0;
    const throwAll = async (thrower: number) => {
      const random = randomOf(options.seed + thrower);
      const share = Math.ceil((options.inputs - thrower) / THROWERS);
      for (let n = 0; n < share; ) {
        const version: Version = random() % 2 === 0 ? 4 : 5;
        const client = await openMqtt(server, version);
        client.socket.removeAllListeners('data');
        client.socket.resume();
        connections += 1;
        let open = true;
        client.socket.once('close', () => {
          open = false;
        });
        // Most are let in first: there is more to find behind the door.
        if (random() % 8 !== 0) await client.send(login(version, tokens[thrower]!));
        for (let m = 0; m < PER_CONNECTION && open && n < share; m += 1, n += 1, thrown += 1) {
          await client.send(inputOf(random, version));
        }
        client.destroy();
      }
    };
    const throwers = Promise.all(tokens.map((_, thrower) => throwAll(thrower)));
    let over = false;
    throwers.then(
      () => {
        over = true;
      },
      () => {
        over = true;
      },
    );
    for (let told = 0; !over; served += 1) {
      const id = (served % 60_000) + 1;
      await steady.send(message('$resource/a', `${served}`, id));
      const puback = await steady.next();
      assert.deepEqual([puback.cmd, puback.messageId], ['puback', id]);
      if (thrown - told >= 100_000) {
        told = thrown;
        options.say(`${thrown} inputs over ${connections} connections, ${served} messages served beside them`);
      }
    }
    await throwers;
    assert.equal(server.process.exitCode, null, server.output());
    steady.destroy();
    return { inputs: thrown, connections, served };
  } finally {
    await server.stop();
  }
}

const login = (version: Version, token: string) =>
  connectOf(version, { flags: 0xc2, clientId: 'fuzz' }, text(''), text(token));

/** Bytes of any kind: nonsense, a packet with some of it changed, or a packet whose fields are odd. */
function inputOf(random: () => number, version: Version): Buffer {
  const kind = random() % 4;
  if (kind === 0) return nonsense(random, random() % 64);
  const whole = packet(random, version);
  return kind === 1 ? whole : changed(random, whole);
}

function nonsense(random: () => number, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => random() & 255));
}

function packet(random: () => number, version: Version): Buffer {
  const v5 = version === 5;
  const none = v5 ? [0] : [];
  const topics = ['$resource/a', '$resource/n', '$resource', '$resource.batch', '$provision/x', 't', '$resource/a/1'];
  const payloads = ['1', '', '{"a":1}', '[{"timestamp":1,"values":{"a":1}}]', 'x'.repeat(300), '{"a":', '\ufffd'];
  const topic = topics[random() % topics.length]!;
  const payload = Buffer.from(payloads[random() % payloads.length]!);
  const id = two(random() & 0xffff);
  switch (random() % 8) {
    case 0:
      return packetOf(0x30, text(topic), ...none, payload);
    case 1:
      return packetOf(0x82, id, ...none, text(topic), random() & 255);
    case 2:
      return packetOf(0xa2, id, ...none, text(topic));
    case 3:
      return packetOf(0x40, id);
    case 4:
      return packetOf((random() & 255) as number, nonsense(random, random() % 20));
    case 5:
      return packetOf(0x32, text(topic), id, v5 ? random() % 8 : 0, nonsense(random, random() % 30), payload);
    case 6:
      return generate(
        { cmd: 'connect', clientId: 'x', protocolId: 'MQTT', protocolVersion: version, clean: true, keepalive: 1 },
        { protocolVersion: version },
      );
    default:
      return packetOf(0x32, text(topic), id, ...none, payload);
  }
}

/** Some bytes changed, cut out or put in. */
function changed(random: () => number, bytes: Buffer): Buffer {
  let result = bytes;
  for (let n = 1 + (random() % 3); n > 0; n -= 1) {
    const at = random() % (result.length + 1);
    const kind = random() % 3;
    if (kind === 0) {
      result = Buffer.from(result);
      if (at < result.length) result[at] = random() & 255;
    } else if (kind === 1) result = Buffer.concat([result.subarray(0, at), result.subarray(at + 1 + (random() % 4))]);
    else result = Buffer.concat([result.subarray(0, at), nonsense(random, 1 + (random() % 4)), result.subarray(at)]);
  }
  return result;
}

async function main(): Promise<void> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ options: { inputs: text, seed: text } });
  const inputs = Number(values.inputs ?? 1_000_000);
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
  if (!Number.isInteger(inputs) || inputs < THROWERS)
    throw new Error(`--inputs is ${values.inputs}; expected 16 or more.`);
  console.log(`seed ${seed}`);
  const { connections, served, ...report } = await fuzz({ inputs, seed, say: console.log });
  console.log(
    `${report.inputs} inputs over ${connections} connections; the server stands, and served ${served} messages beside them`,
  );
}

if (import.meta.main) await main();
