/**
 * Values on their way to devices: what the cloud set and the device has not acknowledged. Follows the log as state does:
 * memory holds what the table lacks, and a step of the projection brings it there. Knows no connection.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { DeviceRef, PendingValue, ValueState } from '../store.ts';
import type { Aliases } from './aliases.ts';
import type { LoggedEvent } from './ledger.ts';

interface Placed {
  readonly value: string;
  readonly at: number;
  readonly seq: number;
}

interface Acknowledged {
  readonly connector: number;
  readonly at: number;
  /** The event that may have brought the value: once that one is in the table, so may this be. */
  readonly after: number;
}

export interface Wanted {
  /** Takes what was just committed. */
  add(event: LoggedEvent): void;
  acknowledge(connector: number, device: number, alias: string, at: number, after: number): void;
  /** `reported`: what memory knows of what the device said last. */
  oldest(
    ref: DeviceRef,
    except: ReadonlySet<string>,
    reported: (alias: string) => ValueState | undefined,
  ): PendingValue | null;
  /** Whether anything is on its way to the device. */
  has(device: number): boolean;
  /** Inside a transaction: what these events of one device set and took over. */
  write(events: readonly LoggedEvent[]): void;
  /** Likewise, once all events up to `until` are written: what was acknowledged. */
  writeAcknowledged(until: number): void;
  /** After the COMMIT of that. */
  release(until: number): void;
  forget(device: number): void;
  /** Acknowledgements that wait to be written. */
  readonly acknowledgements: number;
}

export function createWanted(db: DatabaseSync, aliases: Aliases): Wanted {
  const any = db.prepare('SELECT 1 FROM wanted WHERE device = ? LIMIT 1');
  const all = db.prepare(`SELECT a.name, w.alias, w.at FROM wanted w JOIN aliases a ON a.key = w.alias
    WHERE w.device = ? ORDER BY w.at`);
  const one = db.prepare('SELECT value FROM wanted WHERE device = ? AND alias = ?');
  const put = db.prepare(`INSERT INTO wanted (device, alias, at, value) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT DO UPDATE SET at = ?3, value = ?4 WHERE ?3 >= at`);
  const takenOver = db.prepare('DELETE FROM wanted WHERE device = ? AND alias = ? AND at <= ? AND value = ?');
  const acknowledged = db.prepare('DELETE FROM wanted WHERE device = ? AND alias = ? AND at = ?');
  /** Set by events that the table does not have yet. */
  const sets = new Map<number, Map<string, Placed>>();
  const acks = new Map<number, Map<string, Acknowledged>>();
  let acknowledgements = 0;

  return {
    add({ type, device, seq, timestamp: arrived, points }) {
      if (type !== 'data_out' || device === null) return;
      const ofDevice = sets.get(device) ?? new Map<string, Placed>();
      sets.set(device, ofDevice);
      for (const { timestamp, values } of points) {
        const at = Math.min(timestamp, arrived);
        for (const alias in values) {
          if (at >= (ofDevice.get(alias)?.at ?? 0)) ofDevice.set(alias, { value: values[alias]!, at, seq });
        }
      }
    },

    acknowledge(connector, device, alias, at, after) {
      const ofDevice = acks.get(device) ?? new Map<string, Acknowledged>();
      acks.set(device, ofDevice);
      if (!ofDevice.has(alias)) acknowledgements += 1;
      ofDevice.set(alias, { connector, at, after });
    },

    oldest({ key: device }, except, reported) {
      const waiting = new Map<string, { at: number; value: () => string }>();
      for (const { name, alias, at } of all.all(device) as { name: string; alias: number; at: number }[]) {
        waiting.set(name, { at, value: () => (one.get(device, alias) as { value: string }).value });
      }
      for (const [name, { at, value }] of sets.get(device) ?? []) {
        if (at >= (waiting.get(name)?.at ?? 0)) waiting.set(name, { at, value: () => value });
      }
      if (waiting.size === 0) return null;
      const has = acks.get(device);
      for (const [alias, { at, value }] of [...waiting].sort(([, a], [, b]) => a.at - b.at)) {
        if (except.has(alias) || has?.get(alias)?.at === at) continue;
        const said = reported(alias);
        const text = value();
        if (said !== undefined && said.reported === text && (said.reportedAt ?? 0) >= at) continue;
        return { alias, value: text, setAt: at };
      }
      return null;
    },

    has: (device) => sets.has(device) || any.get(device) !== undefined,

    write(events) {
      for (const { connector, device, type, timestamp: arrived, points } of events) {
        const statement = type === 'data_out' ? put : takenOver;
        for (const { timestamp, values } of points) {
          for (const name in values) {
            statement.run(device, aliases.key(connector, name), Math.min(timestamp, arrived), values[name]!);
          }
        }
      }
    },

    writeAcknowledged(until) {
      for (const [device, ofDevice] of acks) {
        for (const [name, { connector, at, after }] of ofDevice) {
          const alias = after <= until ? aliases.find(connector, name) : undefined;
          if (alias !== undefined) acknowledged.run(device, alias, at);
        }
      }
    },

    release(until) {
      for (const [device, ofDevice] of sets) {
        for (const [alias, { seq }] of ofDevice) if (seq <= until) ofDevice.delete(alias);
        if (ofDevice.size === 0) sets.delete(device);
      }
      for (const [device, ofDevice] of acks) {
        for (const [alias, { after }] of ofDevice) {
          if (after > until) continue;
          ofDevice.delete(alias);
          acknowledgements -= 1;
        }
        if (ofDevice.size === 0) acks.delete(device);
      }
    },

    forget(device) {
      sets.delete(device);
      acknowledgements -= acks.get(device)?.size ?? 0;
      acks.delete(device);
    },

    get acknowledgements() {
      return acknowledgements;
    },
  };
}
