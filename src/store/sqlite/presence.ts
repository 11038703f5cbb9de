/**
 * When devices were last heard of, and whose connection stands: noted in memory, written along with a later step of the
 * projection. Who is connected when the process ends is found at the next start, and has left.
 */
import type { DatabaseSync } from 'node:sqlite';

/** What is not written yet; null where nothing is. */
export interface Presence {
  readonly at: number | null;
  readonly ip: string | null;
  readonly connected: boolean | null;
  readonly leftAt: number | null;
}

export interface Presences {
  heard(device: number, at: number, ip: string | null): void;
  connected(device: number, connection: string): void;
  /** Nothing, if another connection of the device has begun since. */
  left(device: number, at: number, connection: string): void;
  /** Id of the live connection; null if none stands. */
  connection(device: number): string | null;
  /** What is newer than the row of the device. */
  get(device: number): Presence | undefined;
  /** Takes out what there is of the device. */
  take(device: number): Presence | undefined;
  /** Devices there is something of. */
  devices(): Iterable<number>;
  /** Gives back what could not be written. */
  restore(taken: ReadonlyMap<number, Presence>): void;
  /** Inside a transaction. */
  write(device: number, presence: Presence): void;
  /** The same, of the connection alone. */
  writeLink(device: number, presence: Presence): void;
  forget(device: number): void;
  readonly size: number;
}

const nothing: Presence = { at: null, ip: null, connected: null, leftAt: null };

export function createPresences(db: DatabaseSync): Presences {
  const noteHeard = db.prepare(
    'UPDATE devices SET last_seen = ?1, last_ip = ?2, activity = ?1 WHERE key = ?3 AND (last_seen IS NULL OR last_seen < ?1)',
  );
  const noteLink = db.prepare(
    'UPDATE devices SET connected = coalesce(?1, connected), left_at = coalesce(?2, left_at) WHERE key = ?3',
  );
  const unwritten = new Map<number, Presence>();
  /** Live connections by device, as many as stand. */
  const live = new Map<number, string>();
  const note = (device: number, change: Partial<Presence>) =>
    unwritten.set(device, { ...(unwritten.get(device) ?? nothing), ...change });

  function writeLink(device: number, { connected, leftAt }: Presence): void {
    if (connected !== null) noteLink.run(Number(connected), leftAt, device);
  }

  return {
    heard(device, at, ip) {
      const before = unwritten.get(device);
      if (before === undefined) unwritten.set(device, { at, ip, connected: null, leftAt: null });
      else if (before.at === null || before.at < at) unwritten.set(device, { ...before, at, ip });
    },
    connected(device, connection) {
      live.set(device, connection);
      note(device, { connected: true });
    },
    left(device, at, connection) {
      if ((live.get(device) ?? connection) !== connection) return;
      live.delete(device);
      note(device, { connected: false, leftAt: at });
    },
    connection: (device) => live.get(device) ?? null,
    get: (device) => unwritten.get(device),
    take(device) {
      const presence = unwritten.get(device);
      unwritten.delete(device);
      return presence;
    },
    devices: () => unwritten.keys(),
    restore(taken) {
      for (const [device, presence] of taken) if (!unwritten.has(device)) unwritten.set(device, presence);
    },
    write(device, presence) {
      const { at, ip } = presence;
      if (at !== null) noteHeard.run(at, ip, device);
      writeLink(device, presence);
    },
    writeLink,
    forget(device) {
      unwritten.delete(device);
      live.delete(device);
    },
    get size() {
      return unwritten.size;
    },
  };
}

/** At a start: connections of before are gone, and their devices with them. */
export function endConnections(db: DatabaseSync): void {
  db.exec(`UPDATE devices SET connected = 0, left_at = max(coalesce(last_seen, 0), coalesce(left_at, 0))
    WHERE connected = 1`);
}
