/** What the errors of the catalogue are called in MQTT: one table for both versions; docs/errors.md has it row by row. */
import type { ErrorCode } from '../../domain/errors.ts';

export interface Reasons {
  /** Return code of a 3.1.1 CONNACK. */
  readonly connack: 1 | 3 | 4 | 5;
  /** Reason code of a 5.0 CONNACK. */
  readonly connect: number;
  /**
   * Reason code of a 5.0 PUBACK, for what is refused for good; 3.1.1 acknowledges it. Null: not acknowledged at all, since
   * sending it again may help or nothing more can be understood; the connection ends.
   */
  readonly puback: number | null;
  /** Reason code of a 5.0 DISCONNECT. */
  readonly disconnect: number;
}

const notAllowed: Reasons = { connack: 5, connect: 0x87, puback: 0x87, disconnect: 0x87 };
const badCredential: Reasons = { connack: 4, connect: 0x86, puback: 0x87, disconnect: 0x87 };
const badPayload: Reasons = { connack: 4, connect: 0x99, puback: 0x99, disconnect: 0x99 };
const badTopic: Reasons = { connack: 4, connect: 0x90, puback: 0x90, disconnect: 0x90 };
/** The connection ends with this code, and so does a CONNECT. */
const fatal = (code: number, connack: Reasons['connack'] = 5): Reasons => ({
  connack,
  connect: code,
  puback: null,
  disconnect: code,
});

/** device-mqtt.md, CONNACK and "A PUBACK means stored"; MQTT 5.0, 2.4 Reason Code. */
export const reasons = {
  ID_MISSING: badTopic,
  IDENTITY_ENCODING: badTopic,
  IDENTITY_FORMAT: badTopic,
  BODY_INVALID: badPayload,
  TIMESTAMP_INVALID: badTopic,
  ALIAS_INVALID: badTopic,
  PATH_UNKNOWN: badTopic,
  BODY_TOO_LARGE: { ...badPayload, connect: 0x97, puback: 0x97, disconnect: 0x97 },
  HOST_MISMATCH: notAllowed,
  CONNECTOR_UNKNOWN: notAllowed,
  CREDENTIAL_MISSING: badCredential,
  CREDENTIAL_INVALID: badCredential,
  CREDENTIAL_EXPIRED: badCredential,
  CREDENTIAL_CONFLICT: badCredential,
  DEVICE_LOCKED: notAllowed,
  CERTIFICATE_NOT_YET_VALID: notAllowed,
  CERTIFICATE_EXPIRED: notAllowed,
  CERTIFICATE_UNTRUSTED: notAllowed,
  CERTIFICATE_REVOKED: notAllowed,
  CERTIFICATE_NAME: notAllowed,
  PROVISIONING_DISABLED: notAllowed,
  ADDRESS_NOT_ALLOWED: notAllowed,
  IDENTITY_UNKNOWN: badCredential,
  ALREADY_PROVISIONED: notAllowed,
  WINDOW_CLOSED: notAllowed,
  PASSWORD_MISSING: { ...badPayload, connack: 5, connect: 0x87 },
  PASSWORD_LENGTH: { ...badPayload, connack: 5, connect: 0x87 },
  PASSWORD_NOT_WANTED: { ...badPayload, connack: 5, connect: 0x87 },
  CERTIFICATE_REQUIRED: notAllowed,
  CERTIFICATE_NOT_WANTED: notAllowed,
  PEM_INVALID: badCredential,
  CREDENTIAL_TAKEN: notAllowed,
  STATE_CONFLICT: notAllowed,
  RECORD_CONFLICT: { ...badPayload, connect: 0x83, puback: 0x83, disconnect: 0x83 },
  VALUE_REFUSED: badPayload,
  PACKET_MALFORMED: fatal(0x81),
  PACKET_UNEXPECTED: fatal(0x82),
  PACKET_TOO_LARGE: fatal(0x95),
  PROTOCOL_VERSION: fatal(0x84, 1),
  AUTHENTICATION_METHOD: fatal(0x8c),
  TOPIC_INVALID: fatal(0x90),
  TOPIC_ALIAS: fatal(0x94),
  QOS_UNSUPPORTED: fatal(0x9b),
  RETAIN_UNSUPPORTED: fatal(0x9a),
  SUBSCRIPTION_SHARED: fatal(0x9e),
  SUBSCRIPTION_IDENTIFIER: fatal(0xa1),
  RECEIVE_MAXIMUM: fatal(0x93),
  NOT_AUTHENTICATED: fatal(0x87),
  KEEP_ALIVE: fatal(0x8d),
  TAKEN_OVER: fatal(0x8e),
  RATE_LIMITED: { connack: 3, connect: 0x9f, puback: 0x97, disconnect: 0x96 },
  INTERNAL: fatal(0x80, 3),
  STORAGE_UNAVAILABLE: { ...fatal(0x88, 3), disconnect: 0x89 },
  OVERLOADED: fatal(0x97, 3),
  STOPPING: { ...fatal(0x88, 3), disconnect: 0x8b },
} as const satisfies Partial<Record<ErrorCode, Reasons>>;

/** What the error is called; for those that no device can cause, as INTERNAL. */
export function reasonsOf(code: ErrorCode): Reasons {
  return Object.hasOwn(reasons, code) ? reasons[code as keyof typeof reasons] : reasons.INTERNAL;
}
