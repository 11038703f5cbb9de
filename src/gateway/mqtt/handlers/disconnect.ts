/** DISCONNECT: the client goes. A will is not offered, so none is published: 3.1.1 [MQTT-3.14.4-3], 5.0 [MQTT-3.14.4-3]. */
import type { Link } from '../context.ts';

export function disconnect(link: Link): void {
  link.leave();
}
