/** A device as rows: read, written and removed whole. Runs inside whatever transaction is open; decides nothing. */
import type { DatabaseSync } from 'node:sqlite';
import type { AuthType } from '../../domain/connector.ts';
import type { Credential, Device, Tags } from '../../domain/device.ts';
import { digestOf, phaseOf } from '../credential-digest.ts';
import { type Phase, phases } from './codes.ts';
import { createIdentityWriter } from './identity-blocks.ts';

export interface DeviceRow {
  readonly key: number;
  readonly connector: number;
  readonly identity: string;
  readonly created: number;
  readonly expires: number | null;
  readonly expiry_logged: number;
  readonly locked: number;
  readonly reprovision: number;
  readonly auth_type: AuthType | null;
  readonly provisioned_at: number | null;
  readonly tags: string;
  readonly batch_id: string | null;
  readonly last_seen: number | null;
  readonly last_ip: string | null;
  readonly left_at: number | null;
  readonly phase: Phase;
}
export interface CredentialRow {
  readonly device: number;
  readonly slot: number;
  readonly until: number | null;
  readonly data: string;
}

/** Slots of the `credentials` table. */
const current = 0;
const previous = 1;

export const deviceColumns = `d.key, d.connector, d.identity, d.created, d.expires, d.expiry_logged, d.locked, d.reprovision,
  d.auth_type, d.provisioned_at, d.tags, b.id AS batch_id, d.last_seen, d.last_ip, d.left_at, d.phase`;
export const deviceTables = 'devices d LEFT JOIN batches b ON b.key = d.batch';

export function toDevice(row: DeviceRow, credentials: readonly CredentialRow[]): Device {
  const slot = (wanted: number) => credentials.find(({ slot }) => slot === wanted);
  const now = slot(current);
  const before = slot(previous);
  return {
    identity: row.identity,
    created: row.created,
    expiresAt: row.expires,
    locked: row.locked === 1,
    reprovision: row.reprovision === 1,
    credential: now === undefined ? null : (JSON.parse(now.data) as Credential),
    previous:
      before === undefined ? null : { credential: JSON.parse(before.data) as Credential, until: before.until ?? 0 },
    authType: row.auth_type,
    provisionedAt: row.provisioned_at,
    tags: JSON.parse(row.tags) as Tags,
    batch: row.batch_id,
    lastSeen: row.last_seen,
    lastIp: row.last_ip,
    leftAt: row.left_at,
  };
}

/** When a certificate ends; null for whatever else. */
const endOf = (credential: Credential | null) => (credential?.type === 'certificate' ? credential.notAfter : null);

export type DeviceRows = ReturnType<typeof createDeviceRows>;

export function createDeviceRows(db: DatabaseSync) {
  const byIdentity = db.prepare(
    `SELECT ${deviceColumns} FROM ${deviceTables} WHERE d.connector = ? AND d.identity = ?`,
  );
  const byKey = db.prepare(`SELECT ${deviceColumns} FROM ${deviceTables} WHERE d.key = ?`);
  const credentials = db.prepare('SELECT device, slot, until, data FROM credentials WHERE device = ?');
  const tokenOwner = db.prepare(`SELECT c.device, c.slot, k.id AS connector
    FROM credentials c JOIN connectors k ON k.key = c.connector WHERE c.type = 'token' AND c.digest = ?`);
  const certificateOwner = db.prepare(`SELECT device, slot, 'this' AS connector
    FROM credentials WHERE type = 'certificate' AND connector = ? AND digest = ?`);
  const insert = db.prepare(`INSERT INTO devices
    (connector, identity, created, expires, expiry_logged, locked, reprovision, auth_type, provisioned_at, tags, batch, last_seen, last_ip, activity,
      phase, certificate_ends)
    VALUES (?,?,?,?,?,?,?,?,?,?,NULL,?,?,?,?,?) RETURNING key`);
  const update = db.prepare(`UPDATE devices SET expires = ?, expiry_logged = ?, locked = ?, reprovision = ?,
    auth_type = ?, provisioned_at = ?, tags = ?, phase = ?, certificate_ends = ? WHERE key = ?`);
  const remove = db.prepare('DELETE FROM devices WHERE key = ?');
  const index = db.prepare('INSERT INTO identities (rowid, identity) VALUES (?, ?)');
  const unindex = db.prepare("INSERT INTO identities (identities, rowid, identity) VALUES ('delete', ?, ?)");
  const blocks = createIdentityWriter(db);
  const putCredential = db.prepare('INSERT OR REPLACE INTO credentials VALUES (?,?,?,?,?,?,?)');
  const dropCredential = db.prepare('DELETE FROM credentials WHERE device = ? AND slot = ?');
  const dropCredentials = db.prepare('DELETE FROM credentials WHERE device = ?');
  const putTag = db.prepare('INSERT OR IGNORE INTO device_tags VALUES (?,?,?,?)');
  const dropTag = db.prepare('DELETE FROM device_tags WHERE connector = ? AND name = ? AND value = ? AND device = ?');
  const remains = db.prepare('INSERT OR IGNORE INTO remains VALUES (?)');

  const credentialsOf = (key: number) => credentials.all(key) as unknown as CredentialRow[];

  function writeTags(connector: number, key: number, before: Tags, after: Tags): void {
    for (const [name, value] of pairs(before)) if (!has(after, name, value)) dropTag.run(connector, name, value, key);
    for (const [name, value] of pairs(after)) if (!has(before, name, value)) putTag.run(connector, name, value, key);
  }

  function writeCredential(
    connector: number,
    key: number,
    slot: number,
    credential: Credential | null,
    until: number | null,
  ) {
    if (credential === null) dropCredential.run(key, slot);
    else
      putCredential.run(key, slot, connector, credential.type, digestOf(credential), until, JSON.stringify(credential));
  }

  return {
    read(connector: number, identity: string): { row: DeviceRow; device: Device } | undefined {
      const row = byIdentity.get(connector, identity) as unknown as DeviceRow | undefined;
      return row === undefined ? undefined : { row, device: toDevice(row, credentialsOf(row.key)) };
    },
    readByToken(digest: string): { row: DeviceRow; device: Device } | undefined {
      const owner = tokenOwner.get(digest) as { device: number } | undefined;
      const row = owner === undefined ? undefined : (byKey.get(owner.device) as unknown as DeviceRow | undefined);
      return row === undefined ? undefined : { row, device: toDevice(row, credentialsOf(row.key)) };
    },
    /** The device that holds this credential already. One whose connector was deleted holds it no longer. Writes. */
    ownerOf(connector: number, credential: Credential): number | undefined {
      const owner =
        credential.type === 'token'
          ? tokenOwner.get(credential.digest)
          : credential.type === 'certificate'
            ? certificateOwner.get(connector, credential.fingerprint)
            : undefined;
      const found = owner as { device: number; slot: number; connector: string | null } | undefined;
      if (found === undefined || found.connector !== null) return found?.device;
      dropCredential.run(found.device, found.slot);
      return undefined;
    },
    insert(connector: number, device: Device): DeviceRow {
      // A revoked entry has nothing left to expire.
      const logged = device.expiresAt === 0;
      const { key } = insert.get(
        connector,
        device.identity,
        device.created,
        device.expiresAt,
        Number(logged),
        Number(device.locked),
        Number(device.reprovision),
        device.authType,
        device.provisionedAt,
        JSON.stringify(device.tags),
        device.lastSeen,
        device.lastIp,
        device.lastSeen ?? device.created,
        phases[phaseOf(device, logged)],
        endOf(device.credential),
      ) as { key: number };
      index.run(key, device.identity);
      blocks.add(connector, key, device.identity);
      writeTags(connector, key, {}, device.tags);
      writeCredential(connector, key, current, device.credential, null);
      if (device.previous !== null) {
        writeCredential(connector, key, previous, device.previous.credential, device.previous.until);
      }
      return (byKey.get(key) as unknown as DeviceRow)!;
    },
    update(before: { row: DeviceRow; device: Device }, device: Device): DeviceRow {
      const { row } = before;
      const sameWindow = device.expiresAt === row.expires;
      const logged = device.expiresAt === 0 || (sameWindow && row.expiry_logged === 1);
      const phase = phases[phaseOf(device, logged)];
      update.run(
        device.expiresAt,
        Number(logged),
        Number(device.locked),
        Number(device.reprovision),
        device.authType,
        device.provisionedAt,
        JSON.stringify(device.tags),
        phase,
        endOf(device.credential),
        row.key,
      );
      writeTags(row.connector, row.key, before.device.tags, device.tags);
      // The old one first: a credential may move from one slot to the other.
      dropCredentials.run(row.key);
      writeCredential(row.connector, row.key, current, device.credential, null);
      if (device.previous !== null) {
        writeCredential(row.connector, row.key, previous, device.previous.credential, device.previous.until);
      }
      return { ...row, phase };
    },
    /** Everything of the device but its state, history and log, which are removed in steps (housekeeping.ts). */
    remove({ row, device }: { row: DeviceRow; device: Device }): void {
      writeTags(row.connector, row.key, device.tags, {});
      dropCredentials.run(row.key);
      unindex.run(row.key, row.identity);
      blocks.remove(row.connector, row.key, row.identity);
      remove.run(row.key);
      remains.run(row.key);
    },
  };
}

function has(tags: Tags, name: string, value: string): boolean {
  return Object.hasOwn(tags, name) && tags[name]!.includes(value);
}

function pairs(tags: Tags): [name: string, value: string][] {
  return Object.entries(tags).flatMap(([name, values]) => values.map((value): [string, string] => [name, value]));
}
