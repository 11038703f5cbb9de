/**
 * What mqtt-packet lets pass and the specifications do not: ill-formed UTF-8, lengths that lie, flags and properties that
 * must not be there or not twice. Looks at whole packets before they are read; says nothing of what they mean.
 */
import { isUtf8 } from 'node:buffer';
import { AppError } from '../../domain/errors.ts';
import { packetTypes } from './wire.ts';

const malformed = (seen: string) => new AppError('PACKET_MALFORMED', { seen });
const violation = (seen: string) => new AppError('PACKET_UNEXPECTED', { seen });

/** Walks over the body of a packet. Every step throws PACKET_MALFORMED where the bytes do not suffice. */
class Walk {
  readonly #bytes: Buffer;
  #at: number;
  #end: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.#at = at;
    this.#end = bytes.length;
  }

  get done(): boolean {
    return this.#at === this.#end;
  }

  /** Bytes that are left. */
  get rest(): number {
    return this.#end - this.#at;
  }

  skip(count: number): number {
    const from = this.#at;
    this.#at += count;
    if (this.#at > this.#end) throw malformed('a packet that is too short');
    return from;
  }

  byte(): number {
    return this.#bytes[this.skip(1)]!;
  }

  two(): number {
    return this.#bytes.readUInt16BE(this.skip(2));
  }

  four(): number {
    return this.#bytes.readUInt32BE(this.skip(4));
  }

  variable(): number {
    let value = 0;
    for (let n = 0; n < 4; n += 1) {
      const byte = this.byte();
      value += (byte & 0x7f) * 128 ** n;
      if (byte >= 0x80) continue;
      // 5.0 [MQTT-1.5.5-1]
      if (n > 0 && byte === 0) throw malformed('a number longer than need be');
      return value;
    }
    throw malformed('a number of more than four bytes');
  }

  binary(): Buffer {
    const length = this.two();
    const from = this.skip(length);
    return this.#bytes.subarray(from, from + length);
  }

  text(): Buffer {
    // Its length has two bytes: 3.1.1 [MQTT-4.7.3-3], 5.0 [MQTT-4.7.3-3]
    const text = this.binary();
    // 3.1.1 [MQTT-1.5.3-1], 5.0 [MQTT-1.5.4-1]
    if (!isUtf8(text)) throw malformed('text that is no UTF-8');
    // 3.1.1 [MQTT-1.5.3-2], 5.0 [MQTT-1.5.4-2]
    if (text.includes(0)) throw malformed('text with U+0000');
    return text;
  }

  /** MQTT 5.0, 2.2.2: those of `allowed`, each once but user properties; the values, those that are numbers. */
  properties(allowed: ReadonlySet<number>): ReadonlyMap<number, number> {
    // 5.0 [MQTT-2.2.2-1]: also where there are none.
    const length = this.variable();
    const end = this.#at + length;
    if (end > this.#end) throw malformed('a packet that is too short');
    const outer = this.#end;
    this.#end = end;
    const seen = new Map<number, number>();
    while (!this.done) {
      const property = this.variable();
      if (!allowed.has(property)) throw malformed(`property ${property}, which does not belong here`);
      if (seen.has(property) && property !== USER_PROPERTY) throw violation(`property ${property} twice`);
      seen.set(property, this.#value(property));
    }
    this.#end = outer;
    return seen;
  }

  #value(property: number): number {
    const kind = kinds[property];
    // 5.0 [MQTT-3.3.2-13] [MQTT-3.3.2-19]
    if (kind === 'text') this.text();
    else if (kind === 'binary') this.binary();
    else if (kind === 'pair') {
      // 5.0 [MQTT-1.5.7-1]
      this.text();
      this.text();
    } else if (kind === 'two') return this.two();
    else if (kind === 'four') return this.four();
    else if (kind === 'variable') return this.variable();
    else return this.byte();
    return 0;
  }
}

const USER_PROPERTY = 38;

/** MQTT 5.0, 2.2.2.2: what follows the number of a property. */
const kinds: Readonly<Record<number, 'byte' | 'two' | 'four' | 'variable' | 'text' | 'binary' | 'pair'>> = {
  1: 'byte',
  2: 'four',
  3: 'text',
  8: 'text',
  9: 'binary',
  11: 'variable',
  17: 'four',
  21: 'text',
  22: 'binary',
  23: 'byte',
  24: 'four',
  25: 'byte',
  31: 'text',
  33: 'two',
  34: 'two',
  35: 'two',
  38: 'pair',
  39: 'four',
};

/** Properties that a client may send with each packet (MQTT 5.0, table 2-4). */
const allowed = {
  connect: new Set([17, 21, 22, 23, 25, 33, 34, 38, 39]),
  will: new Set([1, 2, 3, 8, 9, 24, 38]),
  // 5.0 [MQTT-3.3.4-6]: a client's PUBLISH has no subscription identifier.
  publish: new Set([1, 2, 3, 8, 9, 35, 38]),
  puback: new Set([31, 38]),
  subscribe: new Set([11, 38]),
  unsubscribe: new Set([38]),
  disconnect: new Set([17, 31, 38]),
} as const;

/** A value that has to be 0 or 1 (MQTT 5.0, 3.1.2.11), or must not be 0. */
function expectFlag(properties: ReadonlyMap<number, number>, property: number): void {
  if ((properties.get(property) ?? 0) > 1) throw violation(`${properties.get(property)} for property ${property}`);
}
function expectPositive(properties: ReadonlyMap<number, number>, property: number): void {
  if (properties.get(property) === 0) throw violation(`0 for property ${property}`);
}

/**
 * Checks a whole packet, header included; `body` as `findPacket` says. `version` is that of the connection, null before
 * CONNECT. Throws PACKET_MALFORMED, PACKET_UNEXPECTED, PROTOCOL_VERSION, QOS_UNSUPPORTED.
 */
export function checkPacket(bytes: Buffer, body: number, version: 4 | 5 | null): void {
  const type = bytes[0]! >> 4;
  const flags = bytes[0]! & 15;
  const walk = new Walk(bytes, body);
  const v5 = version === 5;
  if (type === packetTypes.publish) checkPublish(walk, flags, v5);
  else {
    const wanted = type === packetTypes.subscribe || type === packetTypes.unsubscribe ? 2 : 0;
    // 3.1.1 [MQTT-2.2.2-1] [MQTT-2.2.2-2] [MQTT-3.8.1-1] [MQTT-3.10.1-1] [MQTT-3.14.1-1],
    // 5.0 [MQTT-2.1.3-1] [MQTT-3.8.1-1] [MQTT-3.10.1-1] [MQTT-3.14.1-1] [MQTT-3.15.1-1]
    if (flags !== wanted) throw malformed(`flags ${flags} in the fixed header`);
    if (type === packetTypes.connect) checkConnect(walk);
    else if (type === packetTypes.puback) checkPuback(walk, v5);
    else if (type === packetTypes.subscribe) checkSubscribe(walk, v5);
    else if (type === packetTypes.unsubscribe) checkUnsubscribe(walk, v5);
    else if (type === packetTypes.disconnect) checkDisconnect(walk, v5);
    // 5.0 [MQTT-4.12.0-7]: without an authentication method, and none is offered, there is no AUTH either.
    else if (type !== packetTypes.pingreq) throw violation(`a control packet of type ${type}`);
  }
  if (!walk.done) throw malformed('a packet with bytes behind its end');
}

/** 3.1.1 [MQTT-3.1.4-1], 5.0 [MQTT-3.1.4-1]; the order of fields: 3.1.1 [MQTT-3.1.3-1], 5.0 [MQTT-3.1.3-1]. */
function checkConnect(walk: Walk): void {
  const name = walk.text().toString();
  // 3.1.1 [MQTT-3.1.2-1], 5.0 [MQTT-3.1.2-1]
  if (name !== 'MQTT' && name !== 'MQIsdp') throw malformed(`protocol name ${name}`);
  const version = walk.byte();
  // 3.1.1 [MQTT-3.1.2-2], 5.0 [MQTT-3.1.2-2]
  if (name !== 'MQTT' || (version !== 4 && version !== 5)) {
    throw new AppError('PROTOCOL_VERSION', {
      seen: `${name} ${version}`,
      wanted: 'MQTT 4 (3.1.1) or 5 (5.0)',
      details: name === 'MQTT' ? version : 3,
    });
  }
  const flags = walk.byte();
  const [will, qos, retain] = [(flags & 4) !== 0, (flags >> 3) & 3, (flags & 32) !== 0];
  const [username, password] = [(flags & 128) !== 0, (flags & 64) !== 0];
  // 3.1.1 [MQTT-3.1.2-3], 5.0 [MQTT-3.1.2-3]
  if ((flags & 1) !== 0) throw malformed('the reserved flag of CONNECT');
  // 3.1.1 [MQTT-3.1.2-11] [MQTT-3.1.2-13] [MQTT-3.1.2-15], 5.0 [MQTT-3.1.2-11] [MQTT-3.1.2-13]
  if (!will && (qos !== 0 || retain)) throw malformed('flags of a will without one');
  // 3.1.1 [MQTT-3.1.2-14], 5.0 [MQTT-3.1.2-12]
  if (qos === 3) throw malformed('a will with QoS 3');
  // 3.1.1 [MQTT-3.1.2-22]; 5.0 allows it.
  if (version === 4 && password && !username) throw malformed('a password without a user name');
  walk.two();
  if (version === 5) checkConnectProperties(walk.properties(allowed.connect));
  // 3.1.1 [MQTT-3.1.3-3] [MQTT-3.1.3-4], 5.0 [MQTT-3.1.3-3] [MQTT-3.1.3-4]
  walk.text();
  if (will) {
    if (version === 5) expectFlag(walk.properties(allowed.will), 1);
    // 3.1.1 [MQTT-3.1.2-9] [MQTT-3.1.3-10], 5.0 [MQTT-3.1.2-9] [MQTT-3.1.3-11]
    walk.text();
    walk.binary();
  }
  // 3.1.1 [MQTT-3.1.2-18] [MQTT-3.1.2-19] [MQTT-3.1.3-11], 5.0 [MQTT-3.1.2-16] [MQTT-3.1.2-17] [MQTT-3.1.3-12]
  if (username) walk.text();
  // 3.1.1 [MQTT-3.1.2-20] [MQTT-3.1.2-21], 5.0 [MQTT-3.1.2-18] [MQTT-3.1.2-19]
  if (password) walk.binary();
}

function checkConnectProperties(properties: ReadonlyMap<number, number>): void {
  expectFlag(properties, 23);
  expectFlag(properties, 25);
  expectPositive(properties, 33);
  expectPositive(properties, 39);
  if (properties.has(22) && !properties.has(21)) throw violation('authentication data without a method');
}

/** One that the quick way leaves (wire.ts). */
function checkPublish(walk: Walk, flags: number, v5: boolean): void {
  const qos = (flags >> 1) & 3;
  // 3.1.1 [MQTT-3.3.2-1], 5.0 [MQTT-3.3.2-1]
  walk.text();
  if (qos > 0 && walk.two() === 0) throw malformed('packet identifier 0');
  if (v5) {
    const properties = walk.properties(allowed.publish);
    expectFlag(properties, 1);
    // 5.0 [MQTT-3.2.2-18] [MQTT-3.3.2-8] [MQTT-3.3.2-9]: the server gives Topic Alias Maximum 0.
    if (properties.has(35)) throw new AppError('TOPIC_ALIAS', { seen: `topic alias ${properties.get(35)}` });
  }
  walk.skip(walk.rest);
}

function checkPuback(walk: Walk, v5: boolean): void {
  expectId(walk);
  if (!v5 || walk.done) return;
  const reason = walk.byte();
  // 5.0 [MQTT-3.4.2-1]
  if (!pubackReasons.has(reason)) throw malformed(`reason code ${reason} in PUBACK`);
  if (!walk.done) walk.properties(allowed.puback);
}

const pubackReasons: ReadonlySet<number> = new Set([0, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99]);

function checkSubscribe(walk: Walk, v5: boolean): void {
  expectId(walk);
  if (v5) {
    // MQTT 5.0, 3.2.2.3.12
    if (walk.properties(allowed.subscribe).has(11)) throw new AppError('SUBSCRIPTION_IDENTIFIER');
  }
  // 3.1.1 [MQTT-3.8.3-3], 5.0 [MQTT-3.8.3-2]
  if (walk.done) throw violation('a SUBSCRIBE without a topic filter');
  while (!walk.done) {
    // 3.1.1 [MQTT-3.8.3-1], 5.0 [MQTT-3.8.3-1]
    expectFilter(walk.text());
    const options = walk.byte();
    const reserved = v5 ? 0xc0 : 0xfc;
    const retainHandling = v5 ? (options >> 4) & 3 : 0;
    // 3.1.1 [MQTT-3-8.3-4], 5.0 [MQTT-3.8.3-5]
    if ((options & reserved) !== 0 || (options & 3) === 3) throw malformed(`options ${options} of a subscription`);
    if (retainHandling === 3) throw violation('retain handling 3');
  }
}

function checkUnsubscribe(walk: Walk, v5: boolean): void {
  expectId(walk);
  if (v5) walk.properties(allowed.unsubscribe);
  // 3.1.1 [MQTT-3.10.3-2], 5.0 [MQTT-3.10.3-2]
  if (walk.done) throw violation('an UNSUBSCRIBE without a topic filter');
  // 3.1.1 [MQTT-3.10.3-1], 5.0 [MQTT-3.10.3-1]
  while (!walk.done) expectFilter(walk.text());
}

function checkDisconnect(walk: Walk, v5: boolean): void {
  if (!v5 || walk.done) return;
  const reason = walk.byte();
  // 5.0 [MQTT-3.14.2-1]
  if (!disconnectReasons.has(reason)) throw malformed(`reason code ${reason} in DISCONNECT`);
  if (!walk.done) walk.properties(allowed.disconnect);
}

/** Of those, the ones that a client may send (MQTT 5.0, table 3-13). */
const disconnectReasons: ReadonlySet<number> = new Set([
  0, 4, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99,
]);

/** 3.1.1 [MQTT-2.3.1-1], 5.0 [MQTT-2.2.1-3] */
function expectId(walk: Walk): void {
  if (walk.two() === 0) throw malformed('packet identifier 0');
}

/**
 * 3.1.1 [MQTT-4.7.1-2] [MQTT-4.7.1-3] [MQTT-4.7.3-1], 5.0 [MQTT-4.7.1-1] [MQTT-4.7.1-2] [MQTT-4.7.3-1]: a wildcard has its
 * level to itself, and `#` is the last one.
 */
function expectFilter(filter: Buffer): void {
  const levels = filter.toString().split('/');
  const fits = levels.every((level, at) => {
    if (level === '#') return at === levels.length - 1;
    return level === '+' || !/[#+]/.test(level);
  });
  if (filter.length === 0 || !fits) throw malformed('a topic filter that is none');
}
