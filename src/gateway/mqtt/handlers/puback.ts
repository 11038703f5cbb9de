/** PUBACK: the device took a value. */
import type { Link } from '../context.ts';
import type { IPubackPacket } from '../packets.ts';

export function puback(link: Link, { messageId }: IPubackPacket): void {
  link.acknowledged(messageId!);
}
