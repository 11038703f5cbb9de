/**
 * Packets as bytes: where one ends, and the one packet that is read in place, PUBLISH without properties. All others are
 * read by mqtt-packet (packets.ts). Pure; allocates nothing.
 */
import { AppError } from '../../domain/errors.ts';

/** Types of control packets that a client may send: the upper half of the first byte (MQTT 5.0, 2.1.2). */
export const packetTypes = {
  connect: 1,
  publish: 3,
  puback: 4,
  subscribe: 8,
  unsubscribe: 10,
  pingreq: 12,
  disconnect: 14,
  auth: 15,
} as const;

/** Where a packet lies: first byte after the fixed header, and first byte behind it. */
export interface Extent {
  body: number;
  end: number;
}

/**
 * Finds the packet that begins at `at`; false while its header is not complete. `end` may lie behind the bytes that are
 * there. PACKET_MALFORMED where the length has more than four bytes, or with `strict` more than it needs.
 */
export function findPacket(bytes: Buffer, at: number, strict: boolean, into: Extent): boolean {
  let length = 0;
  for (let n = 1; n <= 4; n += 1) {
    const byte = bytes[at + n];
    if (byte === undefined) return false;
    length += (byte & 0x7f) * 128 ** (n - 1);
    if (byte >= 0x80) continue;
    // 5.0 [MQTT-1.5.5-1]
    if (strict && n > 1 && byte === 0) throw new AppError('PACKET_MALFORMED', { seen: 'a length longer than need be' });
    into.body = at + n + 1;
    into.end = into.body + length;
    return true;
  }
  throw new AppError('PACKET_MALFORMED', { seen: 'a length of more than four bytes' });
}

/** A PUBLISH as it lies in bytes. One object is used again and again: what is kept of it has to be copied. */
export interface Publish {
  bytes: Buffer;
  /** Of the topic. */
  topicFrom: number;
  topicEnd: number;
  retain: boolean;
  qos: 0 | 1;
  /** 0 where `qos` is. */
  id: number;
  /** Of the payload. */
  from: number;
  end: number;
}

/**
 * Reads a PUBLISH whose body lies whole in `bytes`. False for one with properties, which is not read here. The topic is
 * not looked at here. Throws AppError of the MQTT section.
 */
export function readPublish(
  bytes: Buffer,
  first: number,
  body: number,
  end: number,
  v5: boolean,
  into: Publish,
): boolean {
  const qos = ((first >> 1) & 3) as 0 | 1 | 2 | 3;
  // 3.1.1 [MQTT-3.3.1-4], 5.0 [MQTT-3.3.1-4]
  if (qos === 3) throw new AppError('PACKET_MALFORMED', { seen: 'QoS 3' });
  if (qos === 2) throw new AppError('QOS_UNSUPPORTED', { seen: 'a PUBLISH with QoS 2', wanted: 'QoS 0 or 1' });
  // 3.1.1 [MQTT-3.3.1-2], 5.0 [MQTT-3.3.1-2]
  if (qos === 0 && (first & 8) !== 0) throw new AppError('PACKET_MALFORMED', { seen: 'DUP with QoS 0' });
  const topicAt = body + 2;
  let at = topicAt + ((bytes[body]! << 8) | bytes[body + 1]!);
  const idAt = at;
  // 3.1.1 [MQTT-2.3.1-5], 5.0 [MQTT-2.2.1-2]
  if (qos === 1) at += 2;
  if (v5) at += 1;
  if (topicAt > end || at > end) throw new AppError('PACKET_MALFORMED', { seen: 'a PUBLISH that is too short' });
  if (v5 && bytes[at - 1] !== 0) return false;
  into.id = qos === 0 ? 0 : (bytes[idAt]! << 8) | bytes[idAt + 1]!;
  // 3.1.1 [MQTT-2.3.1-1], 5.0 [MQTT-2.2.1-3]
  if (qos === 1 && into.id === 0) throw new AppError('PACKET_MALFORMED', { seen: 'packet identifier 0' });
  into.bytes = bytes;
  into.topicFrom = topicAt;
  into.topicEnd = idAt;
  into.retain = (first & 1) !== 0;
  into.qos = qos;
  into.from = at;
  into.end = end;
  return true;
}
