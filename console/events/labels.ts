/** Names of the event types as people read them. The type itself, as the wire has it, stands in the JSON and in the tooltip. */
import { type EventType, eventTypes } from '../../src/domain/connector.ts';

export interface EventLabel {
  readonly label: string;
  /** What has happened, in one sentence without its full stop. */
  readonly meaning: string;
  /** A colour of the theme. */
  readonly color: string;
}

/** In the order in which the filter lists them. */
export const eventLabels: Readonly<Record<EventType, EventLabel>> = {
  provisioned: { label: 'Provision', meaning: 'A credential was bound to the device', color: 'teal' },
  data_in: { label: 'Write', meaning: 'The device wrote values', color: 'blue' },
  data_out: { label: 'Set', meaning: 'Values were set for the device', color: 'indigo' },
  publish: { label: 'Publish', meaning: 'The device published a message of its own', color: 'cyan' },
  connect: { label: 'Connect', meaning: 'The device connected', color: 'green' },
  disconnect: { label: 'Disconnect', meaning: 'The connection of the device ended', color: 'gray' },
  content_in: { label: 'Content', meaning: 'The device sent a file', color: 'grape' },
  content_out: { label: 'Fetched', meaning: 'The device has fetched all of a file', color: 'grape' },
  rollout: { label: 'Rollout', meaning: 'A rollout of a file went a step', color: 'indigo' },
  whitelisted: { label: 'Whitelist', meaning: 'The identity was let in', color: 'harbour' },
  refused: { label: 'Refused', meaning: 'The device was refused', color: 'red' },
  expired: { label: 'Expired', meaning: 'The activation window has closed', color: 'orange' },
  reprovision: {
    label: 'Reprovision',
    meaning: 'The device may, or may no longer, provision once more',
    color: 'violet',
  },
  locked: { label: 'Lock', meaning: 'The device was locked', color: 'pink' },
  unlocked: { label: 'Unlock', meaning: 'The device was unlocked', color: 'green' },
  revoked: { label: 'Revoke', meaning: 'The credential was ended', color: 'pink' },
  deleted: { label: 'Delete', meaning: 'The device was removed', color: 'gray' },
};

/** All types in that order. */
export const allEventTypes = Object.keys(eventLabels) as readonly EventType[];

/** True for the name of an event type. */
export const isEventType = (given: unknown): given is EventType => eventTypes.some((type) => type === given);

/** Names of protocols on the wire, as people know them. */
export function protocolLabel(protocol: string | null): string {
  if (protocol === null) return '';
  if (protocol.endsWith('/http')) return 'HTTP';
  if (protocol.endsWith('/mqtt')) return 'MQTT';
  return protocol;
}
