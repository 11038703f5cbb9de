/** Packets as objects, by mqtt-packet: read once they are whole and checked (strict.ts), and written. */
import {
  generate,
  type IConnackPacket,
  type IConnectPacket,
  type IDisconnectPacket,
  type IPubackPacket,
  type IPublishPacket,
  type ISubscribePacket,
  type IUnsubscribePacket,
  type Packet,
  parser,
} from 'mqtt-packet';
import { AppError } from '../../domain/errors.ts';
import { checkPacket } from './strict.ts';

export type { IConnectPacket, IDisconnectPacket, IPubackPacket, IPublishPacket, ISubscribePacket, IUnsubscribePacket };

/** Protocol levels: 4 is 3.1.1, 5 is 5.0. */
export type Version = 4 | 5;

/** One for each version is enough, as each packet is handed over whole. */
const readers = { 4: createReader(4), 5: createReader(5) };

/**
 * The packet that fills `bytes`; `body` as `findPacket` says, `version` null before CONNECT. What it holds are parts of
 * `bytes`. Throws AppError of the MQTT section.
 */
export function readPacket(bytes: Buffer, body: number, version: Version | null): Packet {
  checkPacket(bytes, body, version);
  // A reader of its own: it keeps the CONNECT, password and all.
  const read = version === null ? createReader(undefined) : readers[version];
  return read(bytes);
}

function createReader(protocolVersion: Version | undefined): (bytes: Buffer) => Packet {
  const reader = parser({ protocolVersion });
  let packet: Packet | null = null;
  let failure: Error | null = null;
  reader.on('packet', (read) => {
    packet = read;
  });
  reader.on('error', (error) => {
    failure = error;
  });
  return (bytes) => {
    packet = null;
    failure = null;
    reader.parse(bytes);
    if (packet === null || failure !== null) {
      throw new AppError('PACKET_MALFORMED', { seen: (failure as Error | null)?.message, cause: failure });
    }
    return packet;
  };
}

/** As bytes. */
export function writePacket(packet: Packet, protocolVersion: Version): Buffer {
  return generate(packet, { protocolVersion });
}

/** The properties of a packet without those that are undefined. */
export type ConnackProperties = NonNullable<IConnackPacket['properties']>;

/** A PUBACK of a message that is stored: the same four bytes in both versions (MQTT 5.0, 3.4.2.1). */
export function putPuback(into: Buffer, at: number, id: number): void {
  into[at] = 0x40;
  into[at + 1] = 2;
  into[at + 2] = id >> 8;
  into[at + 3] = id & 255;
}
export const PUBACK_BYTES = 4;

export const pingresp: Buffer = Buffer.from([0xd0, 0]);
