/**
 * Changes of devices on their way to their rows. The row of a device, its credentials and the indexes of both stand on a
 * dozen pages in as many places; so a commit writes one row with all that it changed, and the projection brings many at
 * once, sorted, to where they belong. Until then memory holds them, and who reads a device looks here first.
 *
 * A crash leaves the rows of `changes`: the next start brings them home. Who writes the row of a device itself says so with
 * `supersede`; who asks the tables about all devices, and decides by it, has them follow with `settle`.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { Credential } from '../../domain/device.ts';
import { digestOf } from '../credential-digest.ts';
import type { DeviceState, Heard, StateWriter } from './device-state.ts';

/** Held devices from which on they are brought home at once. */
const EAGER_DEVICES = 8_192;
const EAGER_BYTES = 16 << 20;
/** … and past which no more are taken: reached only when the disk takes no more. */
const HELD_DEVICES = 50_000;
const HELD_BYTES = 64 << 20;
/** What one takes in memory, roughly, beside a certificate. */
const HELD_BYTES_EACH = 1_024;

/** On disk: see DeviceState. `state` null: what was held before is in the row, or nobody's any more. */
interface Change {
  readonly device: number;
  readonly connector: number;
  readonly state: DeviceState | null;
}

interface Held {
  readonly connector: number;
  readonly state: DeviceState;
  readonly bytes: number;
}

/** Devices in the order of their keys, as the tables are, each once. */
interface Round {
  readonly order: Float64Array;
  at: number;
  /** The newest row whose changes it brings home. */
  readonly upTo: number;
}

export type Changes = ReturnType<typeof createChanges>;

export function createChanges(db: DatabaseSync, rows: StateWriter) {
  const insert = db.prepare('INSERT INTO changes VALUES (?, ?)');
  const erase = db.prepare('DELETE FROM changes WHERE number <= ?');
  /** What the transaction under way changes. */
  const open = new Map<number, Change>();
  const held = new Map<number, Held>();
  /** Who was given a credential that the table may not know, in this transaction and before. */
  const openOwners = new Map<string, number>();
  const owners = new Map<string, number>();
  let bytes = 0;
  let last = 0;
  /** Rows up to this one are no longer needed, and gone. */
  let erased = 0;
  let round: Round | null = null;
  /** All that is held stands in the tables as the transaction under way sees them. */
  let settled = false;

  function stateOf(device: number): DeviceState | undefined {
    const change = open.get(device);
    if (change !== undefined) return change.state ?? undefined;
    return settled ? undefined : held.get(device)?.state;
  }

  function close(): void {
    open.clear();
    openOwners.clear();
  }

  function hold({ device, connector, state }: Change): void {
    release(device);
    if (state === null) return;
    const size = HELD_BYTES_EACH + sizeOf(state.credential) + sizeOf(state.previous?.credential);
    held.set(device, { connector, state, bytes: size });
    bytes += size;
    for (const name of namesOf(connector, state)) owners.set(name, device);
  }

  function release(device: number): void {
    const before = held.get(device);
    if (before === undefined) return;
    held.delete(device);
    bytes -= before.bytes;
    for (const name of namesOf(before.connector, before.state)) {
      if (owners.get(name) === device) owners.delete(name);
    }
  }

  function write(device: number, heard: Heard | undefined): void {
    const waiting = held.get(device);
    if (waiting !== undefined) rows.write(waiting.connector, device, waiting.state, heard);
  }

  return {
    /** What the row of the device lacks; undefined where it lacks nothing. */
    stateOf,

    /** Who has this credential, as far as it is not in the table. */
    ownerOf(connector: number, credential: Credential): { device: number; connector: number } | undefined {
      const name = nameOf(connector, credential);
      if (name === null) return undefined;
      const opened = open.get(openOwners.get(name) ?? 0);
      if (opened?.state && namesOf(opened.connector, opened.state).includes(name)) return opened;
      const device = owners.get(name);
      if (device === undefined || open.has(device) || settled) return undefined;
      return { device, connector: held.get(device)!.connector };
    },

    /** Inside a transaction, as are the next two. */
    put(connector: number, device: number, state: DeviceState): void {
      open.set(device, { device, connector, state });
      for (const name of namesOf(connector, state)) openOwners.set(name, device);
    },

    /** The row of the device is as it has to be, or gone: what was on its way to it is no longer. */
    supersede(device: number): void {
      // Its change may be written already, and its row of this table be there still.
      if (last > erased || open.has(device)) open.set(device, { device, connector: 0, state: null });
    },

    /** Brings everything home in this very transaction. Little should wait: have the projection follow before. */
    settle(): void {
      if (last === erased && open.size === 0) return;
      const waiting = settled ? [] : [...held.keys()].filter((device) => !open.has(device));
      for (const device of waiting) write(device, undefined);
      for (const { device, connector, state } of open.values()) {
        if (state !== null) rows.write(connector, device, state, undefined);
      }
      erase.run(last);
      close();
      settled = true;
    },

    // Of the transaction under way: right before COMMIT, after a ROLLBACK, right after COMMIT.
    flush(): void {
      if (open.size > 0) insert.run(last + 1, JSON.stringify([...open.values()]));
    },
    discard(): void {
      close();
      settled = false;
    },
    committed(): void {
      if (settled) {
        for (const device of [...held.keys()]) release(device);
        erased = last;
        round = null;
        settled = false;
      }
      if (open.size === 0) return;
      last += 1;
      for (const change of open.values()) hold(change);
      close();
    },

    /**
     * Inside a transaction: brings some home, in the order of their keys, until `isOver`; which. Begins a new round where the
     * one before is over. `heardOf`: when a device was heard of, where its row does not tell yet.
     */
    write(isOver: () => boolean, heardOf: (device: number) => Heard | undefined): Float64Array {
      round ??= { order: Float64Array.from(held.keys()).sort(), at: 0, upTo: last };
      const { order, at, upTo } = round;
      let end = at;
      while (end < order.length) {
        const device = order[end++]!;
        write(device, heardOf(device));
        if (isOver()) break;
      }
      if (end === order.length) erase.run(upTo);
      return order.subarray(at, end);
    },
    /** After that transaction. */
    written(devices: Float64Array): void {
      for (const device of devices) release(device);
      round!.at += devices.length;
      if (round!.at < round!.order.length) return;
      erased = round!.upTo;
      round = null;
    },

    /** Number of the newest row of changes. */
    last: () => last,
    /** Whether something up to that row is still on its way. */
    waits: (upTo = last) => erased < upTo,
    has: (device: number) => held.has(device),
    isEager: () => held.size >= EAGER_DEVICES || bytes >= EAGER_BYTES,
    isFull: () => held.size >= HELD_DEVICES || bytes >= HELD_BYTES,
  };
}

/** At a start: brings home what the process before left. */
export function finishChanges(db: DatabaseSync, rows: StateWriter): void {
  const latest = new Map<number, Change>();
  for (const { changes } of db.prepare('SELECT changes FROM changes ORDER BY number').iterate()) {
    for (const change of JSON.parse(changes as string) as Change[]) latest.set(change.device, change);
  }
  if (latest.size === 0) return;
  db.exec('BEGIN IMMEDIATE');
  for (const { device, connector, state } of [...latest.values()].sort((a, b) => a.device - b.device)) {
    if (state !== null) rows.write(connector, device, state, undefined);
  }
  db.exec('DELETE FROM changes; COMMIT');
}

/** A token is one of all connectors, a certificate one of its own. */
function nameOf(connector: number, credential: Credential): string | null {
  const digest = digestOf(credential);
  return credential.type === 'certificate' ? `${connector} ${digest}` : digest;
}

function namesOf(connector: number, { credential, previous }: DeviceState): string[] {
  const all = [credential, previous?.credential ?? null];
  return all.map((one) => one && nameOf(connector, one)).filter((name) => name !== null);
}

function sizeOf(credential: Credential | null | undefined): number {
  if (credential?.type !== 'certificate') return 0;
  return credential.chain.reduce((sum, { length }) => sum + length, credential.certificate.length);
}
