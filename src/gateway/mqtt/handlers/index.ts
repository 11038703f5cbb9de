/** The table of contents of the MQTT door: control packet → handler. PUBLISH without properties goes straight to its own. */
import type { Packet } from 'mqtt-packet';
import { AppError } from '../../../domain/errors.ts';
import type { DoorDeps, Link } from '../context.ts';
import { connect } from './connect.ts';
import { disconnect } from './disconnect.ts';
import { pingreq } from './pingreq.ts';
import { puback } from './puback.ts';
import { publish } from './publish.ts';
import { subscribe } from './subscribe.ts';
import { unsubscribe } from './unsubscribe.ts';

/** Handles a packet that is whole and well-formed. False if it has to wait. Throws AppError, which ends the connection. */
export function handle(link: Link, packet: Packet, deps: DoorDeps): boolean {
  switch (packet.cmd) {
    case 'connect':
      connect(link, packet, deps);
      return true;
    case 'publish': {
      const [topic, payload] = [Buffer.from(packet.topic), packet.payload as Buffer];
      const bytes = Buffer.concat([topic, payload]);
      const extent = { topicFrom: 0, topicEnd: topic.length, from: topic.length, end: bytes.length };
      const { qos, retain, messageId: id = 0 } = packet;
      return publish(link, { ...extent, bytes, qos: qos as 0 | 1, retain, id }, deps);
    }
    case 'puback':
      puback(link, packet);
      return true;
    case 'subscribe':
      subscribe(link, packet);
      return true;
    case 'unsubscribe':
      unsubscribe(link, packet);
      return true;
    case 'pingreq':
      pingreq(link);
      return true;
    case 'disconnect':
      disconnect(link);
      return true;
    default:
      throw new AppError('PACKET_UNEXPECTED', { seen: packet.cmd });
  }
}
