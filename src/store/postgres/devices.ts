/**
 * Single devices: found by identity or token, and changed by a rule with no other change in between. No lock is held while a
 * rule decides: a batch of devices is read, the rules decide, and the write goes through only if none of them has changed
 * since; otherwise those rules decide anew. So a gateway that is cut off holds nobody up.
 */
import type { Credential, Device } from '../../domain/device.ts';
import { AppError } from '../../domain/errors.ts';
import type { Changed, DeviceChange, Found, Signal } from '../store.ts';
import { auditValues, withAudit } from './audit.ts';
import { type Committer, createCommitter, type Outcome } from './committer.ts';
import type { Connectors } from './connectors.ts';
import { type Database, statement } from './database.ts';
import {
  claimsOf,
  credentialRecords,
  type DeviceRow,
  deviceColumns,
  deviceRecord,
  deviceTables,
  type Known,
  tagRecords,
  toDevice,
} from './device-rows.ts';
import { type Logged, logValues } from './ledger.ts';
import type { Presence } from './presence.ts';
import { packSignals } from './signal-text.ts';
import { numbers, texts, toJson } from './text.ts';

interface Parts {
  readonly db: Database;
  readonly node: string;
  readonly connectors: Connectors;
  readonly presence: Presence;
  readonly send: (signals: readonly Signal[]) => void;
}

/** A change that waits for its turn. */
interface Change {
  readonly id: string;
  readonly connector: number;
  readonly identity: string;
  readonly decide: (device: Device | null) => DeviceChange<unknown>;
}

const byIdentity = statement(
  'device',
  `SELECT ${deviceColumns} FROM ${deviceTables} WHERE d.connector = $1 AND d.identity = $2`,
);
const byToken = statement(
  'device-token',
  `SELECT ${deviceColumns}, k.id AS connector_id FROM ${deviceTables}
   JOIN credentials t ON t.device = d.key JOIN connectors k ON k.key = t.connector
   WHERE t.type = 'token' AND t.digest = $1 AND k.id IS NOT NULL`,
);
/** Those that are not there get the key that they would have. */
const many = statement(
  'devices-many',
  `SELECT ${deviceColumns.replace('d.key,', "coalesce(d.key, nextval('devices_key_seq')) AS key,")}, w.n - 1 AS at
   FROM unnest($1::bigint[], $2::text[]) WITH ORDINALITY AS w (connector, identity, n)
   LEFT JOIN devices d ON d.connector = w.connector AND d.identity = w.identity COLLATE "C"
   LEFT JOIN presence p ON p.device = d.key LEFT JOIN batches b ON b.key = d.batch`,
);
const write = statement(
  'change-devices',
  withAudit(`change_devices($1, $2, $3, ${Array.from({ length: 21 }, (_, at) => `$${at + 4}`).join(', ')})`, 25),
);

/** Lanes: one commit at a time, as two would find each other's devices changed. */
const LANES = 1;
/** What a change counts as, whatever is in it. */
const CHANGE_BYTES = 4_096;

export function createDevices({ db, node, connectors, presence, send }: Parts) {
  const committer: Committer<Change> = createCommitter(db, commit, LANES);

  /** Adds what memory knows to what the row says. */
  function current(device: Device, key: number): Device {
    const noted = presence.noted(key);
    if (noted === undefined || (device.lastSeen !== null && noted.at <= device.lastSeen)) return device;
    return { ...device, lastSeen: noted.at, lastIp: noted.ip };
  }

  function toFound(connector: string, row: DeviceRow): Found {
    const device = current(toDevice(row), row.key);
    return { ref: { connector, identity: row.identity, key: row.key }, device };
  }

  async function readAll(changes: readonly Change[]): Promise<Known[]> {
    const rows = await db.read<DeviceRow & { at: number }>(many, [
      numbers(changes.map(({ connector }) => connector)),
      texts(changes.map(({ identity }) => identity)),
    ]);
    const known: Known[] = [];
    for (const row of rows) {
      const there = row.version !== null;
      const device = there ? current(toDevice(row), row.key) : null;
      known[row.at] = { key: row.key, version: row.version ?? 0, device, expiryLogged: row.expiry_logged ?? false };
    }
    return known;
  }

  /** Reads, lets each rule decide, writes; outcomes in the order of the batch. */
  async function commit(batch: readonly Change[]): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = batch.map(() => 'again');
    const mine = firstOfEach(batch);
    const read = await readAll(mine.map((at) => batch[at]!));
    const claims = new Set<string>();
    const decided: Decided[] = [];
    for (const [n, at] of mine.entries()) {
      const change = batch[at]!;
      const before = read[n]!;
      try {
        const decision = change.decide(before.device);
        // Two devices that want one credential, or hand it on, have to do so one after the other.
        const wanted = new Set([
          ...claimsOf(change.connector, before.device),
          ...claimsOf(change.connector, decision.device ?? null),
        ]);
        if ([...wanted].some((claim) => claims.has(claim))) continue;
        for (const claim of wanted) claims.add(claim);
        decided.push({ at, change, before, decision });
      } catch (error) {
        outcomes[at] = { error };
      }
    }
    const refused = decided.some(writes) ? await submit(decided) : {};
    for (const one of decided) outcomes[one.at] = outcomeOf(one, refused, () => foundAfter(one));
    for (const id of new Set(batch.filter(({ connector }) => refused.dead?.includes(connector)).map(({ id }) => id))) {
      connectors.forget(id);
    }
    return outcomes;
  }

  async function submit(decided: readonly Decided[]): Promise<Refusals> {
    const signals = signalsOf(decided);
    const rows = await db.commit<{ refused: Refusals }>((id) => ({
      statement: write,
      values: [
        ...[id, node, packSignals(signals), ...writeValues(decided)],
        auditValues(decided.map(({ decision }) => decision.audit)),
      ],
    }));
    const refused = rows?.[0]?.refused ?? {};
    if (Object.keys(refused).length > 0) return refused;
    for (const { before, decision } of decided) if (decision.device === null) presence.forget(before.key);
    send(signals);
    return refused;
  }

  function foundAfter({ change, before, decision }: Decided): Found | null {
    const device = decision.device === undefined ? before.device : decision.device;
    if (device === null) return null;
    const { id: connector, identity } = change;
    return { ref: { connector, identity, key: before.key }, device: current(stored(before, device), before.key) };
  }

  return {
    async get(id: string, identity: string): Promise<Found | null> {
      const connector = await connectors.keyOf(id).catch(nullIfUnknown);
      if (connector === null) return null;
      const row = (await db.read<DeviceRow>(byIdentity, [connector, identity]))[0];
      return row === undefined ? null : toFound(id, row);
    },

    async findByToken(digest: string): Promise<Found | null> {
      const row = (await db.read<DeviceRow & { connector_id: string }>(byToken, [digest]))[0];
      return row === undefined ? null : toFound(row.connector_id, row);
    },

    async change<T>(
      id: string,
      identity: string,
      decide: (device: Device | null) => DeviceChange<T>,
    ): Promise<Changed<T>> {
      // Mostly known: it is accepted at once, and so before a close that comes right behind it.
      const connector = connectors.find(id) ?? (await connectors.keyOf(id));
      return committer.submit<Changed<T>>({ id, connector, identity, decide }, CHANGE_BYTES);
    },

    figures: committer.figures,
    close: committer.close,
  };
}

export interface Decided {
  /** Place in the batch. */
  readonly at: number;
  readonly change: Change;
  readonly before: Known;
  readonly decision: DeviceChange<unknown>;
}

/** Keys; nothing was written if there are any. */
interface Refusals {
  readonly dead?: readonly number[];
  readonly stale?: readonly number[];
  readonly taken?: readonly number[];
}

/** Places of the first change of each device: the others have to see what that one did. */
function firstOfEach(batch: readonly Change[]): number[] {
  const seen = new Set<string>();
  return batch.flatMap(({ connector, identity }, at) => {
    const name = `${connector} ${identity}`;
    if (seen.has(name)) return [];
    seen.add(name);
    return [at];
  });
}

const writes = ({ decision, before }: Decided) =>
  (decision.events ?? []).length > 0 || (decision.device !== undefined && (decision.device ?? before.device) !== null);

function outcomeOf({ change, before, decision }: Decided, refused: Refusals, found: () => Found | null): Outcome {
  if (refused.dead?.includes(change.connector))
    return { error: new AppError('CONNECTOR_UNKNOWN', { seen: change.id }) };
  if (refused.taken?.includes(before.key)) {
    return { error: new AppError('CREDENTIAL_TAKEN', { seen: `a ${decision.device?.credential?.type}` }) };
  }
  if (refused.dead !== undefined || refused.taken !== undefined || refused.stale !== undefined) return 'again';
  return { answer: { answer: decision.answer, found: found() } };
}

/** What a rule cannot change of a device that is there: when it began, its batch, when it was last heard of. */
function stored(before: Known, device: Device): Device {
  if (before.device === null) return { ...device, batch: null };
  const { identity, created, batch, lastSeen, lastIp, leftAt } = before.device;
  return { ...device, identity, created, batch, lastSeen, lastIp, leftAt };
}

/** The parameters of `change_devices` from the fourth on. */
export function writeValues(decided: readonly Decided[]) {
  const events = decided.flatMap(({ change, before, decision }): Logged[] => {
    const device = before.version > 0 || decision.device ? before.key : null;
    return (decision.events ?? []).map((event) => ({ ...event, connector: change.connector, device }));
  });
  const put = decided.flatMap(({ change: { connector }, before, decision: { device } }) =>
    device ? [{ connector, before, device: stored(before, device) }] : [],
  );
  const retagged = put.filter(({ before, device }) => !same(before.device?.tags ?? {}, device.tags));
  const recredited = put.filter(({ before, device }) => {
    const { credential = null, previous = null } = before.device ?? {};
    return !same([credential, previous], [device.credential, device.previous]);
  });
  const keysOf = (list: readonly { readonly before: Known }[]) =>
    numbers(list.filter(({ before }) => before.version > 0).map(({ before }) => before.key));
  const seen = decided.map(({ change: { connector, identity }, before: { key, version } }) => ({
    key,
    connector,
    identity,
    version,
  }));
  const removed = decided.filter(({ before, decision }) => decision.device === null && before.version > 0);
  return [
    ...logValues(events),
    numbers(new Set(decided.map(({ change }) => change.connector))),
    toJson(seen),
    toJson(put.map(({ connector, before, device }) => deviceRecord(connector, before, device))),
    keysOf(removed),
    keysOf(retagged),
    toJson(retagged.flatMap(({ connector, before, device }) => tagRecords(connector, before.key, device))),
    keysOf(recredited),
    toJson(recredited.flatMap(({ connector, before, device }) => credentialRecords(connector, before.key, device))),
  ];
}

/** Whom to tell, once it is written. */
export function signalsOf(decided: readonly Decided[]): Signal[] {
  const cut = decided.filter(({ before, decision }) => cutsSessions(before.device, decision.device));
  const grown = decided.filter(({ decision }) => (decision.events ?? []).length > 0);
  return [
    ...cut.map(({ change: { id, identity }, before: { key } }): Signal => {
      return { kind: 'device', ref: { connector: id, identity, key } };
    }),
    ...[...new Set(grown.map(({ change }) => change.id))].map((connector): Signal => ({ kind: 'events', connector })),
  ];
}

/** True if a session that was let in before might not be let in now. */
function cutsSessions(before: Device | null, after: Device | null | undefined): boolean {
  if (before === null || after === undefined) return false;
  return (
    after === null ||
    before.locked !== after.locked ||
    before.expiresAt !== after.expiresAt ||
    !same(before.credential, after.credential) ||
    !same(before.previous?.credential ?? null, after.previous?.credential ?? null)
  );
}

function same(a: Credential | object | null, b: Credential | object | null): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function nullIfUnknown(error: unknown): null {
  if (error instanceof AppError && error.code === 'CONNECTOR_UNKNOWN') return null;
  throw error;
}
