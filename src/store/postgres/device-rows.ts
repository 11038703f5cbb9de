/** A device as rows: what is read of it, and what is written. Pure but for the statements it names; decides nothing. */
import type { AuthType } from '../../domain/connector.ts';
import type { Credential, Device } from '../../domain/device.ts';
import { digestOf, phaseOf } from '../credential-digest.ts';
import { packTags, tagPairs, unpackTags } from './tags.ts';

export interface DeviceRow {
  readonly key: number;
  readonly connector: number;
  readonly identity: string;
  readonly created: number;
  readonly expires: number | null;
  readonly expiry_logged: boolean;
  readonly locked: boolean;
  readonly reprovision: boolean;
  readonly auth_type: AuthType | null;
  readonly provisioned_at: number | null;
  readonly tags: string;
  readonly batch_id: string | null;
  readonly last_seen: number | null;
  readonly last_ip: string | null;
  readonly left_at: number | null;
  readonly version: number;
  /** `[slot, until, data]` of each. */
  readonly credentials: readonly (readonly [slot: number, until: number | null, data: string])[] | null;
}

/** Slots of the `credentials` table. */
const current = 0;
const previous = 1;

export const deviceColumns = `d.key, d.connector, d.identity, d.created, d.expires, d.expiry_logged, d.locked, d.reprovision,
  d.auth_type, d.provisioned_at, d.tags, b.id AS batch_id, p.last_seen, p.last_ip, p.left_at, d.version,
  (SELECT json_agg(json_build_array(c.slot, c.until, c.data)) FROM credentials c WHERE c.device = d.key) AS credentials`;
export const deviceTables = 'devices d JOIN presence p ON p.device = d.key LEFT JOIN batches b ON b.key = d.batch';

export function toDevice(row: DeviceRow): Device {
  const slot = (wanted: number) => row.credentials?.find(([slot]) => slot === wanted);
  const now = slot(current);
  const before = slot(previous);
  return {
    identity: row.identity,
    created: row.created,
    expiresAt: row.expires,
    locked: row.locked,
    reprovision: row.reprovision,
    credential: now === undefined ? null : (JSON.parse(now[2]) as Credential),
    previous: before === undefined ? null : { credential: JSON.parse(before[2]) as Credential, until: before[1] ?? 0 },
    authType: row.auth_type,
    provisionedAt: row.provisioned_at,
    tags: unpackTags(row.tags),
    batch: row.batch_id,
    lastSeen: row.last_seen,
    lastIp: row.last_ip,
    leftAt: row.left_at,
  };
}

/** What belongs to whom among the credentials: no two devices may have one (the certificate: of a connector). */
export function claimsOf(connector: number, device: Device | null): string[] {
  return [device?.credential, device?.previous?.credential].flatMap((credential) => {
    const digest = credential ? digestOf(credential) : null;
    if (digest === null) return [];
    return [credential!.type === 'token' ? `token ${digest}` : `certificate ${connector} ${digest}`];
  });
}

/** A device that was read, or a key for one that is not there yet. */
export interface Known {
  readonly key: number;
  /** 0: it is not there. */
  readonly version: number;
  readonly device: Device | null;
  readonly expiryLogged: boolean;
}

/** A row of `devices` and `presence`, as `change_devices` takes it. */
export function deviceRecord(connector: number, before: Known, device: Device) {
  // A revoked entry has nothing left to expire.
  const sameWindow = before.device !== null && device.expiresAt === before.device.expiresAt;
  const logged = device.expiresAt === 0 || (sameWindow && before.expiryLogged);
  return {
    key: before.key,
    version: before.version,
    connector,
    identity: device.identity,
    created: device.created,
    expires: device.expiresAt,
    expiry_logged: logged,
    locked: device.locked,
    reprovision: device.reprovision,
    auth_type: device.authType,
    provisioned_at: device.provisionedAt,
    tags: packTags(device.tags),
    phase: phaseOf(device, logged),
    last_seen: device.lastSeen,
    last_ip: device.lastIp,
  };
}

export function tagRecords(connector: number, key: number, { tags }: Device) {
  return tagPairs(tags).map(({ name, value }) => ({ connector, name, value, device: key }));
}

export function credentialRecords(connector: number, key: number, { credential, previous: before }: Device) {
  const record = (slot: number, held: Credential, until: number | null) => ({
    device: key,
    slot,
    connector,
    type: held.type,
    digest: digestOf(held),
    until,
    data: JSON.stringify(held),
  });
  return [
    ...(credential === null ? [] : [record(current, credential, null)]),
    ...(before === null ? [] : [record(previous, before.credential, before.until)]),
  ];
}
