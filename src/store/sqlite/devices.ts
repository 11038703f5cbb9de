/** Single devices: found by identity or token, and changed by a rule with no other change in between. */
import type { Credential, Device } from '../../domain/device.ts';
import { AppError } from '../../domain/errors.ts';
import type { Changed, DeviceChange, Found, Signal } from '../store.ts';
import type { WriteAudit } from './audit.ts';
import type { Phase } from './codes.ts';
import { type Committer, decided } from './committer.ts';
import type { Connectors } from './connectors.ts';
import type { Counts } from './counts.ts';
import { fullDisk } from './data.ts';
import type { DeviceRows, Updated } from './device-rows.ts';
import type { Ledger, LoggedEvent } from './ledger.ts';
import type { Projection } from './projection.ts';

interface Parts {
  readonly committer: Committer;
  readonly audit: WriteAudit;
  readonly connectors: Connectors;
  readonly rows: DeviceRows;
  readonly counts: Counts;
  readonly ledger: Ledger;
  readonly projection: Projection;
  readonly signal: (signal: Signal) => void;
}

/** What one change did, for memory and signals to follow after the commit. */
export interface Outcome<T> extends Changed<T> {
  readonly connector: number;
  readonly identity: string;
  readonly key: number | null;
  readonly moved: readonly [from: Phase | null, to: Phase | null] | null;
  readonly events: readonly LoggedEvent[];
  /** Sessions of the device have to be looked at again. */
  readonly cuts: boolean;
}

export function createDevices({ committer, audit, connectors, rows, counts, ledger, projection, signal }: Parts) {
  /** `connector` is the id as the caller knows it. Adds what memory knows to what the row says. */
  function toFound(connector: string, row: Updated, device: Device): Found {
    const ref = { connector, identity: row.identity, key: row.key };
    const presence = projection.presence(row.key);
    if (presence === undefined) return { ref, device };
    const { at, ip } = presence;
    const newer = at !== null && (device.lastSeen === null || at > device.lastSeen);
    const leftAt = presence.leftAt ?? device.leftAt;
    return { ref, device: newer ? { ...device, leftAt, lastSeen: at, lastIp: ip } : { ...device, leftAt } };
  }

  function apply<T>(id: string, identity: string, decide: (device: Device | null) => DeviceChange<T>): Outcome<T> {
    const connector = connectors.keyOf(id);
    const before = rows.read(connector, identity);
    const known = before === undefined ? null : toFound(id, before.row, before.device);
    const change = decided(() => decide(known?.device ?? null));
    const after = change.device;
    if (after) refuseTaken(connector, before?.row.key, after);
    audit(change.audit);
    const events = (key: number | null) =>
      (change.events ?? []).map((event) => ledger.writeEvent(connector, key, event));
    const outcome = { answer: change.answer, connector, identity };

    if (after === undefined || (after === null && before === undefined)) {
      const key = before?.row.key ?? null;
      return { ...outcome, key, found: known, moved: null, events: events(key), cuts: false };
    }
    if (after === null) {
      rows.remove(before!);
      const { key, phase } = before!.row;
      return { ...outcome, key, found: null, moved: [phase, null], events: events(key), cuts: true };
    }
    if (before === undefined) {
      const row = rows.insert(connector, after);
      const found = toFound(id, row, after);
      return { ...outcome, key: row.key, found, moved: [null, row.phase], events: events(row.key), cuts: false };
    }
    const row = rows.update(before, after);
    const cuts = cutsSessions(before.device, after);
    const moved = [before.row.phase, row.phase] as const;
    return { ...outcome, key: row.key, found: toFound(id, row, after), moved, events: events(row.key), cuts };
  }

  function refuseTaken(connector: number, key: number | undefined, device: Device): void {
    for (const credential of [device.credential, device.previous?.credential]) {
      if (!credential) continue;
      const owner = rows.ownerOf(connector, credential);
      if (owner !== undefined && owner !== key)
        throw new AppError('CREDENTIAL_TAKEN', { seen: `a ${credential.type}` });
    }
  }

  function follow({ connector, key, moved, events, found }: Outcome<unknown>): void {
    if (moved !== null) counts.move(connector, ...moved);
    projection.add(events);
    if (key !== null && found === null) projection.forget(key);
  }

  function tell(id: string, { identity, key, cuts, events }: Outcome<unknown>): void {
    if (cuts) signal({ kind: 'device', ref: { connector: id, identity, key: key! } });
    if (events.length > 0) signal({ kind: 'events', connector: id });
  }

  return {
    async get(id: string, identity: string): Promise<Found | null> {
      const connector = connectors.find(id);
      const read = connector === undefined ? undefined : rows.read(connector.key, identity);
      return read === undefined ? null : toFound(id, read.row, read.device);
    },

    async findByToken(digest: string): Promise<Found | null> {
      const read = rows.readByToken(digest);
      const id = read === undefined ? undefined : connectors.nameOf(read.row.connector);
      return read === undefined || id === undefined ? null : toFound(id, read.row, read.device);
    },

    async change<T>(
      id: string,
      identity: string,
      decide: (device: Device | null) => DeviceChange<T>,
    ): Promise<Changed<T>> {
      if (projection.full()) throw new AppError('STORAGE_UNAVAILABLE', fullDisk);
      const { answer, found } = await committer.submit(() => apply(id, identity, decide), {
        committed: follow,
        durable: (outcome) => tell(id, outcome),
      });
      return { answer, found };
    },

    /** For those who change several devices in one write of theirs: inside it, right after COMMIT, and once it is on disk. */
    apply,
    follow,
    tell,
  };
}

export type Devices = ReturnType<typeof createDevices>;

/** True if a session that was let in before might not be let in now. */
function cutsSessions(before: Device, after: Device): boolean {
  return (
    before.locked !== after.locked ||
    before.expiresAt !== after.expiresAt ||
    !sameCredential(before.credential, after.credential) ||
    !sameCredential(before.previous?.credential ?? null, after.previous?.credential ?? null)
  );
}

function sameCredential(a: Credential | null, b: Credential | null): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
