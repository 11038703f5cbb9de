/** Values: taken in (the hot path), and read back as current state. */
import type { DatabaseSync } from 'node:sqlite';
import type { Point } from '../../domain/device.ts';
import { AppError } from '../../domain/errors.ts';
import { aliasesOf, sizeOfData } from '../payload.ts';
import type { DataEntry, DeviceRef, PendingValue, Signal, ValueState } from '../store.ts';
import { type StateColumns, toState } from '../value-state.ts';
import type { Aliases } from './aliases.ts';
import { spanOf, timesIn } from './blocks.ts';
import type { Committer, Work } from './committer.ts';
import type { Connectors } from './connectors.ts';
import type { Ledger, LoggedEvent } from './ledger.ts';
import type { Projection } from './projection.ts';

interface Parts {
  readonly db: DatabaseSync;
  readonly committer: Committer;
  readonly connectors: Connectors;
  readonly aliases: Aliases;
  readonly ledger: Ledger;
  readonly projection: Projection;
  readonly signal: (signal: Signal) => void;
}

/** What a write is told while the tables cannot follow the log. */
export const fullDisk = { seen: 'a disk that takes no more', retryAfter: 10 };

interface StateRow extends StateColumns {
  readonly name: string;
}

export function createData({ db, committer, connectors, aliases, ledger, projection, signal }: Parts) {
  const stateOf = db.prepare(`SELECT a.name, s.set_value, s.set_at, s.reported, s.reported_at
    FROM state s JOIN aliases a ON a.key = s.alias WHERE s.device = ? ORDER BY a.name`);
  const oneState = db.prepare(`SELECT '' AS name, set_value, set_at, reported, reported_at
    FROM state WHERE device = ? AND alias = ?`);
  const blocks = db.prepare('SELECT data FROM points WHERE device = ? AND alias = ? AND span = ?');

  function submit(entry: DataEntry, check: () => void): Promise<void> {
    if (projection.full()) {
      return Promise.reject(new AppError('STORAGE_UNAVAILABLE', fullDisk));
    }
    const done: Promise<unknown> = committer.take(new DataWrite(entry, check));
    // No step more on the hot path only to drop an answer that nobody looks at.
    return done as Promise<void>;
  }

  /** The hot path: one object for each write, and no closures. */
  class DataWrite implements Work<LoggedEvent> {
    readonly #entry: DataEntry;
    readonly #check: () => void;
    readonly bytes: number;

    constructor(entry: DataEntry, check: () => void) {
      this.#entry = entry;
      this.#check = check;
      this.bytes = sizeOfData(entry);
    }

    run(): LoggedEvent {
      const connector = connectors.keyOf(this.#entry.ref.connector);
      this.#check();
      return ledger.writeData(connector, this.#entry, this.bytes);
    }

    committed(event: LoggedEvent): void {
      projection.add([event]);
    }

    durable(): void {
      const { ref, points, type } = this.#entry;
      if (points.length > 0) {
        const by = type === 'data_out' ? 'cloud' : 'device';
        signal({ kind: 'values', ref, aliases: aliasesOf(this.#entry), by });
      }
      signal({ kind: 'events', connector: ref.connector });
    }
  }

  /** Back-dated entries of the transaction under way, which no table and no memory knows yet. */
  let recording: { transaction: number; entries: DataEntry[] } = { transaction: -1, entries: [] };

  function beside(entry: DataEntry): readonly DataEntry[] {
    const transaction = committer.transaction();
    if (recording.transaction !== transaction) recording = { transaction, entries: [] };
    return recording.entries.filter(({ ref }) => ref.key === entry.ref.key);
  }

  /** Times that are recorded already in the span of this one. */
  function timesAround(device: number, alias: number, timestamp: number): Set<number> {
    const rows = blocks.all(device, alias, spanOf(timestamp)) as { data: string }[];
    return new Set(rows.flatMap(({ data }) => timesIn(data)));
  }

  /** A point is recorded if it stands in a block or is about to. */
  function conflictsOf(entry: DataEntry): { alias: string; timestamp: number }[] {
    const { ref, points } = entry;
    const connector = connectors.keyOf(ref.connector);
    const others = beside(entry).flatMap(({ points }) => points);
    const waiting = new Set([...others, ...projection.waiting(ref.key)].flatMap(namesOf));
    const spans = new Map<string, Set<number>>();
    const isStored = (name: string, timestamp: number) => {
      const alias = aliases.find(connector, name);
      if (alias === undefined) return false;
      const span = `${alias} ${spanOf(timestamp)}`;
      const times = spans.get(span) ?? timesAround(ref.key, alias, timestamp);
      spans.set(span, times);
      return times.has(timestamp);
    };
    return points.flatMap(({ timestamp, values }) =>
      Object.keys(values)
        .filter((alias) => waiting.has(nameOf(alias, timestamp)) || isStored(alias, timestamp))
        .map((alias) => ({ alias, timestamp })),
    );
  }

  return {
    append: (entry: DataEntry): Promise<void> => submit(entry, nothing),

    async record(entry: DataEntry): Promise<{ alias: string; timestamp: number }[]> {
      let conflicts: { alias: string; timestamp: number }[] = [];
      const check = () => {
        conflicts = conflictsOf(entry);
        if (conflicts.length > 0) throw new AppError('RECORD_CONFLICT');
        recording.entries.push(entry);
      };
      return submit(entry, check).then(
        () => [],
        (error) => {
          if (error instanceof AppError && error.code === 'RECORD_CONFLICT') return conflicts;
          throw error;
        },
      );
    },

    async readValues(ref: DeviceRef, names: readonly string[]): Promise<(ValueState | undefined)[]> {
      const connector = connectors.find(ref.connector);
      if (connector === undefined) return names.map(() => undefined);
      const held = projection.held(ref.key);
      return names.map((name) => {
        const waiting = held?.get(name);
        if (waiting !== undefined) return { ...waiting.state };
        const alias = aliases.find(connector.key, name);
        const row = alias === undefined ? undefined : (oneState.get(ref.key, alias) as unknown as StateRow | undefined);
        return row === undefined ? undefined : toState(row);
      });
    },

    async readState(ref: DeviceRef): Promise<Record<string, ValueState>> {
      const state: Record<string, ValueState> = Object.create(null);
      for (const row of stateOf.all(ref.key) as unknown as StateRow[]) state[row.name] = toState(row);
      for (const [name, value] of projection.held(ref.key) ?? []) state[name] = { ...value.state };
      return state;
    },

    touch(ref: DeviceRef, at: number, ip: string): void {
      projection.touch(ref.key, at, ip);
    },

    async readPending(ref: DeviceRef, except: ReadonlySet<string>): Promise<PendingValue | null> {
      return projection.pending(ref, except);
    },

    acknowledge(ref: DeviceRef, alias: string, setAt: number): void {
      const connector = connectors.find(ref.connector);
      if (connector !== undefined) projection.acknowledge(connector.key, ref.key, alias, setAt);
    },
  };
}

const nameOf = (alias: string, timestamp: number) => `${timestamp} ${alias}`;
const namesOf = ({ timestamp, values }: Point) => Object.keys(values).map((alias) => nameOf(alias, timestamp));

function nothing(): void {}
