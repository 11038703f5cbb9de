/**
 * A device: an identity inside its connector, the credential bound to it, and where it stands in its life
 * (provisioning.md, A device's life). Plain data; the rules that change it are in provisioning.ts and operations.ts.
 */
import type { AuthType, EventType } from './connector.ts';

/** What is stored of a credential; never the secret itself. Digests and fingerprints are lower-case hex SHA-256. */
export type Credential =
  | { readonly type: 'token'; readonly digest: string }
  | { readonly type: 'password'; readonly hash: string }
  | {
      readonly type: 'certificate';
      readonly fingerprint: string;
      /** SHA-256 of the subject public key info. */
      readonly publicKey: string;
      /** The leaf, PEM. */
      readonly certificate: string;
      /** Intermediates that the device sent, PEM, leaf side first; needed again when a TLS session is resumed. */
      readonly chain: readonly string[];
      /** µs since the epoch. */
      readonly notBefore: number;
      readonly notAfter: number;
    };

/** Tag name → its values, in the order given. */
export type Tags = Record<string, string[]>;

/** All times in µs since the epoch. */
export interface Device {
  readonly identity: string;
  readonly created: number;
  /** Not provisioned: when the activation window closes. Provisioned: when the credential ends. 0 = revoked, null = never. */
  readonly expiresAt: number | null;
  readonly locked: boolean;
  /** Set by an operator: the device may provision once more. */
  readonly reprovision: boolean;
  readonly credential: Credential | null;
  /** The credential before a reprovision: good until the new one is first used, and until `until` at the most. */
  readonly previous: { readonly credential: Credential; readonly until: number } | null;
  /** What this entry asks for when it differs from the connector's setting. */
  readonly authType: AuthType | null;
  readonly provisionedAt: number | null;
  readonly tags: Tags;
  readonly batch: string | null;
  readonly lastSeen: number | null;
  readonly lastIp: string | null;
  /** When its live connection ended; it is offline from then on, until it is heard of again. */
  readonly leftAt: number | null;
}

export type DeviceStatus = 'whitelisted' | 'provisioned' | 'expired' | 'locked' | 'reprovision';

/** Where a device stands at `now` (µs). Time alone closes a window: no sweeper is needed for this to be true. */
export function statusOf(device: Device, now: number): DeviceStatus {
  if (device.locked) return 'locked';
  if (hasExpired(device, now)) return 'expired';
  if (device.reprovision) return 'reprovision';
  return device.credential === null ? 'whitelisted' : 'provisioned';
}

export function hasExpired(device: Device, now: number): boolean {
  return device.expiresAt !== null && device.expiresAt <= now;
}

/** A device is online when it was heard of within these µs, and has not left since. */
export const ONLINE_WITHIN = 300_000_000;

/** Whether it is there at `now` (µs). Who holds a live connection is noted as heard of while it stands. */
export function isOnline({ lastSeen, leftAt }: Device, now: number): boolean {
  return lastSeen !== null && now - lastSeen <= ONLINE_WITHIN && (leftAt === null || lastSeen > leftAt);
}

/** A new, empty entry: known, with nothing bound to it. */
export function newDevice(identity: string, created: number): Device {
  return {
    identity,
    created,
    expiresAt: null,
    locked: false,
    reprovision: false,
    credential: null,
    previous: null,
    authType: null,
    provisionedAt: null,
    tags: {},
    batch: null,
    lastSeen: null,
    lastIp: null,
    leftAt: null,
  };
}

export type Protocol = 'onep:v1/http' | 'murano:v1/mqtt';

/** Where a request came from; kept with each event. */
export interface Origin {
  readonly ip: string;
  readonly protocol: Protocol | null;
  /** Names the connection, so that events of one connection can be told together. */
  readonly connectionId: string | null;
}

/** Values of one moment, as the device sent them. `timestamp` in µs since the epoch. */
export interface Point {
  readonly timestamp: number;
  readonly values: Record<string, string>;
}

/** The payload of `data_in` and `data_out`. `undefined` names the aliases that are no resource: logged, not stored. */
export type DataPayload = (Point & { readonly undefined?: string[] })[];

/** An event before the log gives it its number. */
export interface NewEvent {
  readonly type: EventType;
  readonly identity: string | null;
  readonly origin: Origin | null;
  readonly timestamp: number;
  readonly payload: unknown;
}

/** An event as the log gives it back (management-api.md, Events). */
export interface StoredEvent {
  readonly seq: number;
  readonly type: EventType;
  readonly identity: string | null;
  readonly ip: string | null;
  readonly protocol: Protocol | null;
  readonly timestamp: number;
  readonly connection_id: string | null;
  readonly tags: Tags;
  readonly payload: unknown;
}
