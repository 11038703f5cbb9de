/** UNSUBSCRIBE: answered; the subscription is fixed, and a client's own there is none. */
import type { Link } from '../context.ts';
import { type IUnsubscribePacket, writePacket } from '../packets.ts';

/** 5.0: No subscription existed. */
const NONE_EXISTED = 0x11;

export function unsubscribe(link: Link, { unsubscriptions, messageId }: IUnsubscribePacket): void {
  // 3.1.1 [MQTT-2.3.1-7] [MQTT-3.10.4-4] [MQTT-3.10.4-5] [MQTT-3.10.4-6],
  // 5.0 [MQTT-2.2.1-6] [MQTT-3.10.4-4] [MQTT-3.10.4-5] [MQTT-3.10.4-6] [MQTT-3.11.3-1] [MQTT-3.11.3-2]
  const granted = unsubscriptions.map(() => NONE_EXISTED);
  link.send(writePacket({ cmd: 'unsuback', messageId, granted }, link.client!.version));
}
