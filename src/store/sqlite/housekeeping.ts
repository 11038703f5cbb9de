/** What time brings: windows that close, and things kept long enough. Each call does one small, bounded step. */
import type { DatabaseSync } from 'node:sqlite';
import type { ConnectorSettings } from '../../domain/connector.ts';
import type { NewEvent } from '../../domain/device.ts';
import { JOBS_KEPT, type Signal } from '../store.ts';
import { spanOf } from './blocks.ts';
import { beginStep } from './budget.ts';
import type { Changes } from './changes.ts';
import { type Phase, phases } from './codes.ts';
import type { Committer } from './committer.ts';
import type { Connectors } from './connectors.ts';
import type { ContentRow, ContentStore } from './content.ts';
import type { Counts } from './counts.ts';
import type { DeviceRow, DeviceRows } from './device-rows.ts';
import type { Figures } from './figures.ts';
import type { Ledger, LogEntry, LoggedEvent } from './ledger.ts';
import type { Projection } from './projection.ts';
import type { Reader } from './reader.ts';

interface Parts {
  readonly db: DatabaseSync;
  readonly committer: Committer;
  readonly changes: Changes;
  readonly connectors: Connectors;
  readonly rows: DeviceRows;
  readonly counts: Counts;
  readonly ledger: Ledger;
  readonly projection: Projection;
  readonly figures: Figures;
  readonly reader: Reader;
  readonly content: Pick<ContentStore, 'purgeOf' | 'purgeFetches' | 'release'>;
  readonly signal: (signal: Signal) => void;
}

/** What a step removed, for memory and files to follow. */
interface Purged {
  readonly handled: number;
  readonly gone: readonly DeviceRow[];
  readonly files?: readonly ContentRow[];
}

const DAY = 86_400_000_000;
const HISTORY_DEVICES = 200;
/** Bytes of the log that one step reads. */
const STEP_BYTES = 1 << 20;

export function createHousekeeping(parts: Parts) {
  const { db, committer, changes, connectors, rows, counts, ledger, projection, figures, reader, content, signal } =
    parts;
  const due = db.prepare(`SELECT key, connector, identity, expires, phase FROM devices
    WHERE expires <= ? AND expires IS NOT NULL AND expiry_logged = 0 ORDER BY expires LIMIT ?`);
  const markExpired = db.prepare(`UPDATE devices SET expiry_logged = 1,
    phase = iif(phase = ${phases.locked}, phase, ${phases.expired}) WHERE key = ?`);
  const purgeable = db.prepare(`SELECT identity FROM devices
    WHERE connector = ? AND phase = ${phases.expired} AND provisioned_at IS NULL AND expires > 0 AND expires <= ? LIMIT ?`);
  const oldest = db.prepare('SELECT first, events FROM log WHERE connector = ? ORDER BY first LIMIT 1');
  const keepRest = db.prepare('UPDATE log SET events = ? WHERE connector = ? AND first = ?');
  const dropRow = db.prepare('DELETE FROM log WHERE connector = ? AND first = ?');
  const dropIndex = db.prepare(
    'DELETE FROM event_index WHERE connector = ? AND identity = ? AND type = ? AND last <= ?',
  );
  const keepSeq = db.prepare("INSERT OR REPLACE INTO meta VALUES ('seq', ?)");
  const remains = db.prepare('SELECT device FROM remains LIMIT 1');
  const dropState = db.prepare('DELETE FROM state WHERE device = ?');
  const dropWanted = db.prepare('DELETE FROM wanted WHERE device = ?');
  const dropPoints = db.prepare(`DELETE FROM points WHERE device = ?1 AND (alias, span, step) IN
    (SELECT alias, span, step FROM points WHERE device = ?1 LIMIT ?2)`);
  const dropRemains = db.prepare('DELETE FROM remains WHERE device = ?');
  const orphan = db.prepare('SELECT key FROM connectors WHERE id IS NULL LIMIT 1');
  const anyDevices = db.prepare('SELECT identity FROM devices WHERE connector = ? LIMIT ?');
  const dropConnector = [
    'DELETE FROM batches WHERE connector = ?',
    'DELETE FROM aliases WHERE connector = ?',
    'DELETE FROM deliveries WHERE webhook IN (SELECT key FROM webhooks WHERE connector = ?)',
    'DELETE FROM webhooks WHERE connector = ?',
    'DELETE FROM jobs WHERE connector = ?',
    'DELETE FROM connectors WHERE key = ?',
  ].map((sql) => db.prepare(sql));
  const dropSessions = db.prepare(
    'DELETE FROM sessions WHERE digest IN (SELECT digest FROM sessions WHERE expires <= ? LIMIT ?)',
  );
  const oldJob = db.prepare('SELECT key FROM jobs WHERE finished <= ? AND finished IS NOT NULL LIMIT 1');
  const jobOf = db.prepare(`SELECT key FROM jobs j WHERE connector = ?
    AND EXISTS (SELECT 1 FROM job_changes c WHERE c.job = j.key) LIMIT 1`);
  const dropChanges = db.prepare(`DELETE FROM job_changes WHERE job = ?1
    AND device IN (SELECT device FROM job_changes WHERE job = ?1 LIMIT ?2)`);
  const dropJob = db.prepare('DELETE FROM jobs WHERE key = ?');
  const nextDevices = db.prepare('SELECT key FROM devices WHERE connector = ? AND key > ? ORDER BY key LIMIT ?');
  const oldPoints = db.prepare(`DELETE FROM points WHERE device = ?1 AND (alias, span, step) IN
    (SELECT p.alias, p.span, p.step FROM state s JOIN points p ON p.device = s.device AND p.alias = s.alias
     WHERE s.device = ?1 AND p.span < ?2 LIMIT ?3)`);
  /** Where the walk over the devices of a connector stands that looks for old history. */
  const walk = new Map<number, number>();

  interface LogRow {
    readonly first: number;
    readonly events: string;
  }
  interface Due {
    readonly key: number;
    readonly connector: number;
    readonly identity: string;
    readonly expires: number;
    readonly phase: Phase;
  }

  function expireStep(now: number, limit: number) {
    changes.settle();
    const isOver = beginStep();
    const done: { device: Due; event: LoggedEvent }[] = [];
    for (const device of due.all(now, limit) as unknown as Due[]) {
      markExpired.run(device.key);
      const event: NewEvent = {
        type: 'expired',
        identity: device.identity,
        origin: null,
        timestamp: device.expires,
        payload: null,
      };
      done.push({ device, event: ledger.writeEvent(device.connector, device.key, event) });
      if (isOver()) break;
    }
    return done;
  }

  /** Removes whole devices, as many as a step has time for; `remains` takes what is left of them. */
  function removeDevices(connector: number, identities: readonly { identity: string }[]) {
    const isOver = beginStep();
    const gone: DeviceRow[] = [];
    for (const { identity } of identities) {
      const device = rows.read(connector, identity)!;
      rows.remove(device);
      gone.push(device.row);
      if (isOver()) break;
    }
    return gone;
  }

  /** Removes old events from the front of the log: mostly whole rows, as the events of a row are of one moment. */
  function purgeEvents(connector: number, before: number, limit: number): number {
    const isOver = beginStep();
    let purged = 0;
    let bytes = 0;
    // One row at a time: together they may be as large as the values in them.
    while (purged < limit && bytes < STEP_BYTES && (purged === 0 || !isOver())) {
      const row = oldest.get(connector) as unknown as LogRow | undefined;
      if (row === undefined) break;
      bytes += row.events.length;
      const entries = JSON.parse(row.events) as LogEntry[];
      const old = entries.filter(([, , , , , , timestamp]) => timestamp < before).slice(0, limit - purged);
      if (old.length === 0) break;
      // An index row that also names younger events stays until those go too; readers pass over what is no longer there.
      const [last] = old.at(-1)!;
      for (const [, type, identity] of old) {
        if (identity !== null) dropIndex.run(connector, identity, type, last);
        dropIndex.run(connector, '', type, last);
      }
      if (old.length === entries.length) dropRow.run(connector, row.first);
      else keepRest.run(JSON.stringify(entries.filter((entry) => !old.includes(entry))), connector, row.first);
      purged += old.length;
      if (old.length < entries.length) break;
    }
    if (purged > 0) keepSeq.run(ledger.lastSeq());
    return purged;
  }

  function purgeRemains(limit: number): number {
    const found = remains.get() as { device: number } | undefined;
    if (found === undefined) return 0;
    dropState.run(found.device);
    dropWanted.run(found.device);
    const points = Number(dropPoints.run(found.device, limit).changes);
    if (points < limit) dropRemains.run(found.device);
    return Math.max(points, 1);
  }

  function purgeHistory(connector: number, before: number, limit: number): number {
    const devices = nextDevices.all(connector, walk.get(connector) ?? 0, HISTORY_DEVICES) as { key: number }[];
    const isOver = beginStep();
    let dropped = 0;
    for (const { key } of devices) {
      dropped += Number(oldPoints.run(key, spanOf(before), limit - dropped).changes);
      if (dropped >= limit) return dropped;
      walk.set(connector, key);
      // More devices are to be looked at: say so, even if none of these had anything old.
      if (isOver()) return Math.max(dropped, 1);
    }
    if (devices.length < HISTORY_DEVICES) {
      walk.delete(connector);
      return dropped;
    }
    return Math.max(dropped, 1);
  }

  /** What a job has kept for its undoing goes first. */
  function purgeJobs(before: number, limit: number): number {
    const found = oldJob.get(before) as { key: number } | undefined;
    if (found === undefined) return 0;
    const changes = Number(dropChanges.run(found.key, limit).changes);
    if (changes < limit) dropJob.run(found.key);
    return Math.max(changes, 1);
  }

  function purgeOrphan(limit: number): Purged {
    const found = orphan.get() as { key: number } | undefined;
    if (found === undefined) return { handled: 0, gone: [] };
    const gone = removeDevices(found.key, anyDevices.all(found.key, limit) as { identity: string }[]);
    if (gone.length > 0) return { handled: gone.length, gone };
    const events = purgeEvents(found.key, Number.MAX_SAFE_INTEGER, limit);
    if (events > 0) return { handled: events, gone };
    const dropped = figures.purge(found.key, Number.MAX_SAFE_INTEGER, limit);
    if (dropped > 0) return { handled: dropped, gone };
    const job = jobOf.get(found.key) as { key: number } | undefined;
    if (job !== undefined) return { handled: Number(dropChanges.run(job.key, limit).changes), gone };
    const files = content.purgeOf(found.key, limit);
    if (files.length > 0) return { handled: files.length, gone, files };
    for (const statement of dropConnector) statement.run(found.key);
    return { handled: 1, gone };
  }

  function purgeConnector(key: number, { retention }: ConnectorSettings, now: number, limit: number) {
    const expired = purgeable.all(key, now - retention.expired_days * DAY, limit) as { identity: string }[];
    const gone = retention.expired_days === 0 ? [] : removeDevices(key, expired);
    if (gone.length > 0) return { handled: gone.length, gone };
    const eventsBefore = now - retention.events_days * DAY;
    const events = retention.events_days === 0 ? 0 : purgeEvents(key, eventsBefore, limit);
    if (events > 0) return { handled: events, gone };
    const dropped = retention.events_days === 0 ? 0 : figures.purge(key, eventsBefore, limit);
    if (dropped > 0) return { handled: dropped, gone };
    const points = retention.history_days === 0 ? 0 : purgeHistory(key, now - retention.history_days * DAY, limit);
    return { handled: points, gone };
  }

  function purgeStep(
    now: number,
    limit: number,
    settings: readonly { key: number; settings: ConnectorSettings }[],
  ): Purged {
    changes.settle();
    for (const connector of settings) {
      const step = purgeConnector(connector.key, connector.settings, now, limit);
      if (step.handled > 0) return step;
    }
    const sessions = Number(dropSessions.run(now, limit).changes);
    if (sessions > 0) return { handled: sessions, gone: [] };
    const jobs = purgeJobs(now - JOBS_KEPT, limit);
    if (jobs > 0) return { handled: jobs, gone: [] };
    const fetches = content.purgeFetches(limit);
    if (fetches > 0) return { handled: fetches, gone: [] };
    const remaining = purgeRemains(limit);
    return remaining > 0 ? { handled: remaining, gone: [] } : purgeOrphan(limit);
  }

  return {
    async expireDue(now: number, limit: number): Promise<number> {
      if (changes.waits()) await projection.flush();
      if (due.get(now, 1) === undefined) return 0;
      const expired = await committer.submit(() => expireStep(now, limit), {
        committed(done) {
          for (const { device } of done) {
            if (device.phase !== phases.locked) counts.move(device.connector, device.phase, phases.expired);
          }
          projection.add(done.map(({ event }) => event));
        },
        durable(done) {
          for (const { device } of done) {
            const connector = connectors.nameOf(device.connector);
            // What ended with the time is a credential: its sessions end too.
            const cuts = device.phase !== phases.whitelisted;
            if (cuts && connector !== undefined) {
              signal({ kind: 'device', ref: { connector, identity: device.identity, key: device.key } });
            }
          }
          for (const connector of new Set(done.map(({ device }) => connectors.nameOf(device.connector)))) {
            if (connector !== undefined) signal({ kind: 'events', connector });
          }
        },
      });
      return expired.length;
    },

    async purge(now: number, limit: number): Promise<number> {
      // The index by identity must hold what is to be removed from it.
      await projection.flush();
      const list = (await connectors.list()).map(({ id, settings }) => ({ key: connectors.keyOf(id), settings }));
      const { handled } = await committer.submit(() => purgeStep(now, limit, list), {
        committed({ gone }) {
          for (const row of gone) {
            counts.move(row.connector, row.phase, null);
            projection.forget(row.key);
          }
        },
        durable({ files = [] }) {
          for (const { sha256, bytes } of files) content.release(sha256, bytes);
        },
      });
      return handled;
    },

    async sampleOnline(now: number): Promise<void> {
      await projection.flush();
      const samples: { key: number; online: number }[] = [];
      for (const key of (await connectors.list()).map(({ id }) => connectors.keyOf(id))) {
        samples.push({ key, online: await reader.ask('countDevices', key, { online: true }, now, counts.total(key)) });
      }
      await committer.submit(() => {
        // One that was deleted meanwhile may be purged already.
        for (const { key, online } of samples) {
          if (connectors.nameOf(key) !== undefined) figures.sample(key, now, online);
        }
      });
    },
  };
}
