/** PINGREQ: 3.1.1 [MQTT-3.12.4-1], 5.0 [MQTT-3.12.4-1]. */
import type { Link } from '../context.ts';
import { pingresp } from '../packets.ts';

export function pingreq(link: Link): void {
  link.send(pingresp);
}
