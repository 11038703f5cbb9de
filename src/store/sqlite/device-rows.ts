/** A device as rows: read, written and removed whole. Runs inside whatever transaction is open; decides nothing. */
import type { DatabaseSync } from 'node:sqlite';
import type { AuthType } from '../../domain/connector.ts';
import type { Credential, Device, Tags } from '../../domain/device.ts';
import { digestOf } from '../credential-digest.ts';
import type { Changes } from './changes.ts';
import { type Phase, phases } from './codes.ts';
import { endOf, type StateWriter, slots, toState } from './device-state.ts';
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

export const deviceColumns = `d.key, d.connector, d.identity, d.created, d.expires, d.expiry_logged, d.locked, d.reprovision,
  d.auth_type, d.provisioned_at, d.tags, b.id AS batch_id, d.last_seen, d.last_ip, d.left_at, d.phase`;
export const deviceTables = 'devices d LEFT JOIN batches b ON b.key = d.batch';

export function toDevice(row: DeviceRow, credentials: readonly CredentialRow[]): Device {
  const slot = (wanted: number) => credentials.find(({ slot }) => slot === wanted);
  const now = slot(slots.current);
  const before = slot(slots.previous);
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

export type DeviceRows = ReturnType<typeof createDeviceRows>;

export function createDeviceRows(db: DatabaseSync, states: StateWriter, changes: Changes) {
  const byIdentity = db.prepare(
    `SELECT ${deviceColumns} FROM ${deviceTables} WHERE d.connector = ? AND d.identity = ?`,
  );
  const byKey = db.prepare(`SELECT ${deviceColumns} FROM ${deviceTables} WHERE d.key = ?`);
  const credentials = db.prepare('SELECT device, slot, until, data FROM credentials WHERE device = ?');
  const tokenOwner = db.prepare(`SELECT c.device, c.slot, c.connector
    FROM credentials c WHERE c.type = 'token' AND c.digest = ?`);
  const certificateOwner = db.prepare(`SELECT device, slot, connector
    FROM credentials WHERE type = 'certificate' AND connector = ? AND digest = ?`);
  const stands = db.prepare('SELECT 1 FROM connectors WHERE key = ? AND id IS NOT NULL');
  const insert = db.prepare(`INSERT INTO devices
    (connector, identity, created, expires, expiry_logged, locked, reprovision, auth_type, provisioned_at, tags, batch, last_seen, last_ip, activity,
      phase, certificate_ends)
    VALUES (?,?,?,?,?,?,?,?,?,?,NULL,?,?,?,?,?) RETURNING key`);
  const updateTags = db.prepare('UPDATE devices SET tags = ? WHERE key = ?');
  const remove = db.prepare('DELETE FROM devices WHERE key = ?');
  const index = db.prepare('INSERT INTO identities (rowid, identity) VALUES (?, ?)');
  const unindex = db.prepare("INSERT INTO identities (identities, rowid, identity) VALUES ('delete', ?, ?)");
  const blocks = createIdentityWriter(db);
  const dropCredential = db.prepare('DELETE FROM credentials WHERE device = ? AND slot = ?');
  const dropCredentials = db.prepare('DELETE FROM credentials WHERE device = ?');
  const putTag = db.prepare('INSERT OR IGNORE INTO device_tags VALUES (?,?,?,?)');
  const dropTag = db.prepare('DELETE FROM device_tags WHERE connector = ? AND name = ? AND value = ? AND device = ?');
  const remains = db.prepare('INSERT OR IGNORE INTO remains VALUES (?)');

  function writeTags(connector: number, key: number, before: Tags, after: Tags): void {
    for (const [name, value] of pairs(before)) if (!has(after, name, value)) dropTag.run(connector, name, value, key);
    for (const [name, value] of pairs(after)) if (!has(before, name, value)) putTag.run(connector, name, value, key);
  }

  /** As the tables have it, and what is on its way there. */
  function toStored(row: DeviceRow): StoredDevice {
    const state = changes.stateOf(row.key);
    if (state === undefined) {
      const bare = row.phase === phases.whitelisted;
      return { row, device: toDevice(row, bare ? [] : (credentials.all(row.key) as unknown as CredentialRow[])) };
    }
    const { credential, previous, ...columns } = state;
    const now = { ...row, ...columns };
    return { row: now, device: { ...toDevice(now, []), credential, previous } };
  }

  function readByKey(key: number): StoredDevice | undefined {
    const row = byKey.get(key) as unknown as DeviceRow | undefined;
    return row && toStored(row);
  }

  /** Who has the credential, in the table or on its way there. */
  function holderOf(connector: number, credential: Credential): Holder | undefined {
    const waiting = changes.ownerOf(connector, credential);
    if (waiting !== undefined) return waiting;
    const digest = digestOf(credential);
    const holder = (credential.type === 'token' ? tokenOwner.get(digest) : certificateOwner.get(connector, digest)) as
      | Holder
      | undefined;
    // What is on its way to that device would have named it, if it still had it.
    return holder !== undefined && changes.stateOf(holder.device) === undefined ? holder : undefined;
  }

  return {
    read(connector: number, identity: string): StoredDevice | undefined {
      const row = byIdentity.get(connector, identity) as unknown as DeviceRow | undefined;
      return row && toStored(row);
    },
    readByToken(digest: string): StoredDevice | undefined {
      const holder = holderOf(0, { type: 'token', digest });
      return holder && readByKey(holder.device);
    },
    /** The device that holds this credential already. One whose connector was deleted holds it no longer. Writes. */
    ownerOf(connector: number, credential: Credential): number | undefined {
      const holder = holderOf(connector, credential);
      if (holder === undefined || stands.get(holder.connector) !== undefined) return holder?.device;
      changes.supersede(holder.device);
      if (holder.slot !== undefined) dropCredential.run(holder.device, holder.slot);
      return undefined;
    },
    insert(connector: number, device: Device): DeviceRow {
      // A revoked entry has nothing left to expire.
      const state = toState(device, device.expiresAt === 0);
      const { key } = insert.get(
        connector,
        device.identity,
        device.created,
        state.expires,
        state.expiry_logged,
        state.locked,
        state.reprovision,
        state.auth_type,
        state.provisioned_at,
        JSON.stringify(device.tags),
        device.lastSeen,
        device.lastIp,
        device.lastSeen ?? device.created,
        state.phase,
        endOf(state.credential),
      ) as { key: number };
      index.run(key, device.identity);
      blocks.add(connector, key, device.identity);
      writeTags(connector, key, {}, device.tags);
      states.putCredentials(connector, key, state);
      return byKey.get(key) as unknown as DeviceRow;
    },
    /** Where its tags stay what they were, the row follows later. */
    update({ row, device: before }: StoredDevice, device: Device): Updated {
      const sameWindow = device.expiresAt === row.expires;
      const state = toState(device, device.expiresAt === 0 || (sameWindow && row.expiry_logged === 1));
      const tags = device.tags === before.tags ? row.tags : JSON.stringify(device.tags);
      if (tags === row.tags) {
        changes.put(row.connector, row.key, state);
      } else {
        updateTags.run(tags, row.key);
        writeTags(row.connector, row.key, before.tags, device.tags);
        states.write(row.connector, row.key, state, undefined);
        changes.supersede(row.key);
      }
      return { key: row.key, identity: row.identity, phase: state.phase };
    },
    /** Everything of the device but its state, history and log, which are removed in steps (housekeeping.ts). */
    remove({ row, device }: StoredDevice): void {
      writeTags(row.connector, row.key, device.tags, {});
      dropCredentials.run(row.key);
      unindex.run(row.key, row.identity);
      blocks.remove(row.connector, row.key, row.identity);
      remove.run(row.key);
      remains.run(row.key);
      changes.supersede(row.key);
    },
  };
}

export interface StoredDevice {
  readonly row: DeviceRow;
  readonly device: Device;
}

export type Updated = Pick<DeviceRow, 'key' | 'identity' | 'phase'>;

interface Holder {
  readonly device: number;
  readonly connector: number;
  /** Where it stands in the table. */
  readonly slot?: number;
}

function has(tags: Tags, name: string, value: string): boolean {
  return Object.hasOwn(tags, name) && tags[name]!.includes(value);
}

function pairs(tags: Tags): [name: string, value: string][] {
  return Object.entries(tags).flatMap(([name, values]) => values.map((value): [string, string] => [name, value]));
}
