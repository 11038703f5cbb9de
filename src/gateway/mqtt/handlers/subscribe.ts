/** SUBSCRIBE: the subscription is fixed (device-mqtt.md); what matches it is granted and changes nothing, the rest is refused. */
import { AppError } from '../../../domain/errors.ts';
import { checkAlias } from '../../../domain/resources.ts';
import type { Link } from '../context.ts';
import { type ISubscribePacket, writePacket } from '../packets.ts';

/** Reason codes of a refused filter: 3.1.1 has one; 5.0 Topic Filter invalid, or Not authorized. */
const REFUSED = 0x80;
const INVALID = 0x8f;
const NOT_AUTHORIZED = 0x87;

export function subscribe(link: Link, { subscriptions, messageId }: ISubscribePacket): void {
  const { version } = link.client!;
  const refused = version === 4 ? REFUSED : link.session === null ? NOT_AUTHORIZED : INVALID;
  // 3.1.1 [MQTT-3.8.4-4] [MQTT-3.8.4-5] [MQTT-3.9.3-1] [MQTT-3.9.3-2],
  // 5.0 [MQTT-3.8.4-5] [MQTT-3.8.4-6] [MQTT-3.8.4-7] [MQTT-3.9.3-1] [MQTT-3.9.3-2]
  const granted = subscriptions.map(({ topic, qos }) => {
    // MQTT 5.0, 3.2.2.3.13; in 3.1.1 it is a filter like others.
    if (version === 5 && topic.startsWith('$share/')) throw new AppError('SUBSCRIPTION_SHARED', { seen: topic });
    // 5.0 [MQTT-3.2.2-10]
    return link.session !== null && isOffered(topic) ? Math.min(qos, 1) : refused;
  });
  // 3.1.1 [MQTT-2.3.1-7] [MQTT-3.8.4-1] [MQTT-3.8.4-2], 5.0 [MQTT-2.2.1-6] [MQTT-3.8.4-1] [MQTT-3.8.4-2]
  link.send(writePacket({ cmd: 'suback', messageId, granted }, version));
}

/** `$resource/#`, `$resource/+` and `$resource/<alias>`; of others, those with wildcards too: 3.1.1 [MQTT-3.8.3-2]. */
function isOffered(filter: string): boolean {
  const [root, level, ...more] = filter.split('/');
  if (root !== '$resource' || level === undefined || more.length > 0) return false;
  return level === '#' || level === '+' || checkAlias(level);
}
