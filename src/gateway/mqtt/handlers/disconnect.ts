/** DISCONNECT: the client goes. A will, which is not offered, has nothing to be discarded of: [MQTT-3.14.4-3] of both versions. */
import type { Link } from '../context.ts';

export function disconnect(link: Link): void {
  link.leave();
}
