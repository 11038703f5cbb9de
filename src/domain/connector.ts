/**
 * A connector: one product's front door, and the settings that decide who gets in. Field names are those of the wire
 * (management-api.md, Device2), so that stored, shown and patched settings have one shape.
 */

export type IdentityType = 'opaque' | 'base10' | 'base16' | 'mac' | 'mac-colon' | 'mac-dash' | 'uuid';
export type Casing = 'lower' | 'upper' | 'mixed';
export type AuthType = 'token' | 'password' | 'certificate';

/** provisioning.md, Identity format. `length` counts the part after the prefix; 0 = any. */
export interface IdentityFormat {
  type: IdentityType;
  prefix: string;
  options: { casing: Casing; length: number };
}

/** provisioning.md, Settings that decide who gets in. */
export interface ProvisioningSettings {
  enabled: boolean;
  /** What a new device gets; devices already provisioned keep what they have. */
  auth_type: AuthType;
  generate_identity: boolean;
  /** "Allow devices to register their own identity". */
  presenter_identity: boolean;
  /** Activation window of a whitelist entry that names none, in hours. */
  expire_hours: number;
  /** IPs or CIDR ranges, v4 and v6. Guards provisioning, not later data. */
  ip_whitelisting: { enabled: boolean; allowed: string[] };
}

/** provisioning.md, PKI: PEM certificates of CAs, and PEM revocation lists. */
export interface PkiSettings {
  enabled: boolean;
  client_ca: string[];
  crl: string[];
}

/** A resource definition (management-api.md). `allowed`: values, and for numbers also ranges such as `"-40..125"`. */
export interface Resource {
  format: 'string' | 'number' | 'boolean';
  unit: string;
  settable: boolean;
  allowed: (string | number | boolean)[];
  /** Value of a device that has none yet; only where `settable`. */
  initial: string | number | boolean | null;
  /** Sent to the device over MQTT. */
  sync: boolean;
}

export interface ConnectorSettings {
  name: string;
  description: string;
  identity_format: IdentityFormat;
  provisioning: ProvisioningSettings;
  pki: PkiSettings;
  /** The event types that the log shows and streams unless asked otherwise. */
  events: { types: EventType[] };
  resources: Record<string, Resource>;
  /** How long things are kept, in days; 0 = without end. */
  retention: { events_days: number; expired_days: number; history_days: number };
  /** Requests per minute and device; 0 = no limit. */
  limits: { requests_per_minute: number };
  /** Whether devices may send files, how many bytes one of them may have, and all of them together. */
  content: { device_upload: boolean; device_upload_bytes: number; device_upload_total_bytes: number };
}

export interface Connector {
  /** 16 of `a-z0-9`, first a letter: a host name label. */
  readonly id: string;
  /** µs since the epoch. */
  readonly created: number;
  /** Grows by one with every change of the settings. */
  readonly version: number;
  readonly settings: ConnectorSettings;
}

/** management-api.md, Events. */
export const eventTypes = [
  'provisioned',
  'data_in',
  'data_out',
  'publish',
  'connect',
  'disconnect',
  'expired',
  'deleted',
  'content_in',
  'content_out',
  'rollout',
  'whitelisted',
  'refused',
  'locked',
  'unlocked',
  'revoked',
  'reprovision',
] as const;
export type EventType = (typeof eventTypes)[number];

export function defaultSettings(name: string, description = ''): ConnectorSettings {
  return {
    name,
    description,
    identity_format: { type: 'opaque', prefix: '', options: { casing: 'mixed', length: 0 } },
    provisioning: {
      enabled: true,
      auth_type: 'token',
      generate_identity: false,
      presenter_identity: false,
      expire_hours: 24,
      ip_whitelisting: { enabled: false, allowed: [] },
    },
    pki: { enabled: false, client_ca: [], crl: [] },
    events: { types: [...eventTypes] },
    resources: {},
    retention: { events_days: 30, expired_days: 30, history_days: 0 },
    limits: { requests_per_minute: 0 },
    content: { device_upload: false, device_upload_bytes: 1_048_576, device_upload_total_bytes: 1_073_741_824 },
  };
}
