/** Acknowledgements, refusals and farewells as bytes, as far as the client can take them. Pure. */
import type { AppError } from '../../domain/errors.ts';
import type { Client } from './context.ts';
import type { Message } from './in-flight.ts';
import { PUBACK_BYTES, putPuback, writePacket } from './packets.ts';
import { reasonsOf } from './reasons.ts';

/** PUBACKs in the order of the messages: 3.1.1 [MQTT-2.3.1-6] [MQTT-3.3.4-1], 5.0 [MQTT-2.2.1-5] [MQTT-3.3.4-1]. */
export function acknowledgements(messages: readonly Message[], client: Client): Buffer {
  let bytes = Buffer.allocUnsafe(messages.length * PUBACK_BYTES);
  let to = 0;
  for (const { id, error } of messages) {
    if (id === 0) continue;
    // 3.1.1 [MQTT-3.3.5-2]: it has no way to say no, and is acknowledged.
    if (error === null || client.version === 4) {
      putPuback(bytes, to, id);
      to += PUBACK_BYTES;
    } else {
      // Longer than the four bytes that there is room for.
      const refusal = refusalOf(id, error, client);
      bytes = Buffer.concat([bytes.subarray(0, to), refusal, Buffer.alloc(bytes.length - to)]);
      to += refusal.length;
    }
  }
  return bytes.subarray(0, to);
}

/** Empty where the client cannot take it at all. */
function refusalOf(messageId: number, error: AppError, client: Client): Buffer {
  const reasonCode = reasonsOf(error.code).puback!;
  const properties = { reasonString: error.message };
  // 5.0 [MQTT-3.1.2-29] [MQTT-3.4.2-2]
  const told = client.wantsReasons ? writePacket({ cmd: 'puback', messageId, reasonCode, properties }, 5) : null;
  if (told !== null && told.length <= client.packetMax) return told;
  const short = writePacket({ cmd: 'puback', messageId, reasonCode }, 5);
  // 5.0 [MQTT-3.1.2-24]
  return short.length <= client.packetMax ? short : Buffer.alloc(0);
}

/** The DISCONNECT that says why; null where the version has none. */
export function farewell(error: AppError, { version, packetMax }: Client): Buffer | null {
  if (version === 4) return null;
  const reasonCode = reasonsOf(error.code).disconnect;
  const told = writePacket({ cmd: 'disconnect', reasonCode, properties: { reasonString: error.message } }, 5);
  // 5.0 [MQTT-3.14.2-2] [MQTT-3.14.2-3]
  return told.length <= packetMax ? told : writePacket({ cmd: 'disconnect', reasonCode }, 5);
}
