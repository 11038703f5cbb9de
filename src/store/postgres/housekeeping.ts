/**
 * What time brings: windows that close, and things kept long enough. Each call does one small, bounded step, and several nodes
 * may do theirs at once.
 */
import { ONLINE_WITHIN } from '../../domain/device.ts';
import { MINUTE, ONLINE } from '../figure-columns.ts';
import { JOBS_KEPT, type Signal } from '../store.ts';
import type { StoredConnector } from '../stored-connector.ts';
import type { Connectors } from './connectors.ts';
import type { ContentStore } from './content.ts';
import { type Database, sql, statement } from './database.ts';
import { Unmet } from './failures.ts';
import type { Logged } from './ledger.ts';
import type { Partitions } from './partitions.ts';
import type { Presence } from './presence.ts';
import { numbers } from './text.ts';

interface Parts {
  readonly db: Database;
  readonly connectors: Connectors;
  readonly presence: Presence;
  readonly partitions: Partitions;
  readonly content: Pick<ContentStore, 'purgeOf' | 'purgeBlobs' | 'purgeFetches'>;
  /** Writes statements and events, and tells the signals. */
  readonly commit: (
    statements: readonly string[],
    signals: readonly Signal[],
    events: readonly Logged[],
  ) => Promise<void>;
}

const DAY = 86_400_000_000;
const HISTORY_DEVICES = 200;

const due = statement(
  'due',
  `SELECT d.key, d.connector, c.id, d.identity, d.expires, d.phase FROM devices d JOIN connectors c ON c.key = d.connector
   WHERE d.expires <= $1 AND d.expires IS NOT NULL AND NOT d.expiry_logged ORDER BY d.expires LIMIT $2`,
);
/** Each answers how many rows it removed. */
const counted = (name: string, text: string) =>
  statement(name, `WITH gone AS (${text}) SELECT count(*) AS n FROM gone`);
const purgeDevices = statement(
  'purge-devices',
  `SELECT coalesce(remove_devices(array_agg(key)), 0) AS n FROM (SELECT key FROM devices
   WHERE connector = $1 AND phase = 'expired' AND provisioned_at IS NULL AND expires > 0 AND expires <= $2 LIMIT $3) d`,
);
const purgeEvents = counted(
  'purge-events',
  `DELETE FROM events e USING (SELECT seq FROM events WHERE connector = $1 AND timestamp < $2 LIMIT $3) old
   WHERE e.connector = $1 AND e.timestamp < $2 AND e.seq = old.seq RETURNING 1`,
);
const purgeFigures = counted(
  'purge-figures',
  `DELETE FROM figures f USING (SELECT minute, kind FROM figures WHERE connector = $1 AND minute < $2 LIMIT $3) old
   WHERE f.connector = $1 AND f.minute = old.minute AND f.kind = old.kind RETURNING 1`,
);
const purgeSessions = counted(
  'purge-sessions',
  `DELETE FROM sessions WHERE digest IN (SELECT digest FROM sessions WHERE expires <= $1 LIMIT $2) RETURNING 1`,
);
const oldJob = statement('old-job', 'SELECT key FROM jobs WHERE finished <= $1 LIMIT 1');
const orphanChanges = statement(
  'orphan-changes',
  `SELECT key FROM jobs j WHERE connector = $1 AND EXISTS (SELECT 1 FROM job_changes c WHERE c.job = j.key) LIMIT 1`,
);
const dropChanges = counted(
  'job-changes',
  `DELETE FROM job_changes WHERE job = $1 AND device IN (SELECT device FROM job_changes WHERE job = $1 LIMIT $2) RETURNING 1`,
);
const dropJob = counted('job-done', 'DELETE FROM jobs WHERE key = $1 RETURNING 1');
const nextDevices = statement(
  'purge-walk',
  'SELECT key FROM devices WHERE connector = $1 AND key > $2 ORDER BY key LIMIT $3',
);
const purgePoints = counted(
  'purge-points',
  `DELETE FROM points p USING (SELECT device, alias, timestamp FROM points
     WHERE device = ANY ($1::bigint[]) AND timestamp < $2 LIMIT $3) old
   WHERE p.device = old.device AND p.alias = old.alias AND p.timestamp = old.timestamp RETURNING 1`,
);
const remains = statement('remains', 'SELECT device FROM remains LIMIT 1');
const dropState = counted('remains-state', 'DELETE FROM state WHERE device = $1 RETURNING 1');
const dropWanted = counted('remains-wanted', 'DELETE FROM wanted WHERE device = $1 RETURNING 1');
const dropRemains = counted('remains-done', 'DELETE FROM remains WHERE device = $1 RETURNING 1');
const orphan = statement('orphan', 'SELECT key FROM connectors WHERE id IS NULL LIMIT 1');
const orphanDevices = statement(
  'orphan-devices',
  `SELECT coalesce(remove_devices(array_agg(key)), 0) AS n FROM
   (SELECT key FROM devices WHERE connector = $1 LIMIT $2) d`,
);
const dropOrphan = statement(
  'orphan-done',
  `WITH b AS (DELETE FROM batches WHERE connector = $1), j AS (DELETE FROM jobs WHERE connector = $1),
     w AS (DELETE FROM webhooks WHERE connector = $1 RETURNING key),
     d AS (DELETE FROM deliveries WHERE webhook IN (SELECT key FROM w))
   DELETE FROM connectors WHERE key = $1 RETURNING 1 AS n`,
);
const online = statement(
  'sample-online',
  `INSERT INTO figures AS f
   SELECT c.key, $1, '${ONLINE}', (SELECT count(*) FROM presence p
     WHERE p.connector = c.key AND p.activity >= $2 AND p.last_seen >= $2 AND p.last_seen > coalesce(p.left_at, 0))
   FROM connectors c WHERE c.id IS NOT NULL ORDER BY c.key
   ON CONFLICT (connector, minute, kind) DO UPDATE SET n = greatest(f.n, excluded.n)`,
);

interface Due {
  readonly key: number;
  readonly connector: number;
  readonly id: string | null;
  readonly identity: string;
  readonly expires: number;
  readonly phase: string;
}

export function createHousekeeping({ db, connectors, presence, partitions, content, commit }: Parts) {
  /** Where the walk over the devices of a connector stands that looks for old history. */
  const walk = new Map<number, number>();
  const count = async (...asked: Parameters<typeof db.read>) => (await db.read<{ n: number }>(...asked))[0]?.n ?? 0;

  /** Removes what no connector keeps, as whole partitions. */
  async function dropPartition(now: number, stored: readonly StoredConnector[]): Promise<number> {
    for (const [table, name] of [
      ['events', 'events_days'],
      ['points', 'history_days'],
    ] as const) {
      const days = stored.map(({ connector }) => connector.settings.retention[name]);
      if (days.length === 0 || days.includes(0)) continue;
      if (await partitions.dropOne(table, now - Math.max(...days) * DAY)) return 1;
    }
    return 0;
  }

  async function purgeHistory(connector: number, before: number, limit: number): Promise<number> {
    const from = walk.get(connector) ?? 0;
    const keys = (await db.read<{ key: number }>(nextDevices, [connector, from, HISTORY_DEVICES])).map(
      ({ key }) => key,
    );
    const dropped = await count(purgePoints, [numbers(keys), before, limit]);
    if (dropped >= limit) return dropped;
    if (keys.length < HISTORY_DEVICES) {
      walk.delete(connector);
      return dropped;
    }
    walk.set(connector, keys.at(-1)!);
    // More devices are to be looked at: say so, even if none of these had anything old.
    return Math.max(dropped, 1);
  }

  async function purgeConnector({ key, connector }: StoredConnector, now: number, limit: number): Promise<number> {
    const { events_days, expired_days, history_days } = connector.settings.retention;
    const steps: (() => Promise<number>)[] = [];
    if (expired_days > 0) steps.push(() => count(purgeDevices, [key, now - expired_days * DAY, limit]));
    if (events_days > 0) {
      const before = now - events_days * DAY;
      steps.push(() => count(purgeEvents, [key, before, limit]));
      steps.push(() => count(purgeFigures, [key, Math.floor(before / MINUTE), limit]));
    }
    if (history_days > 0) steps.push(() => purgeHistory(key, now - history_days * DAY, limit));
    return firstOf(steps);
  }

  async function purgeRemains(limit: number): Promise<number> {
    const device = (await db.read<{ device: number }>(remains))[0]?.device;
    if (device === undefined) return 0;
    await count(dropState, [device]);
    await count(dropWanted, [device]);
    const points = await count(purgePoints, [numbers([device]), Number.MAX_SAFE_INTEGER, limit]);
    if (points < limit) await count(dropRemains, [device]);
    return Math.max(points, 1);
  }

  /** What a job has kept for its undoing goes first. */
  async function purgeJobs(before: number, limit: number): Promise<number> {
    const key = (await db.read<{ key: number }>(oldJob, [before]))[0]?.key;
    if (key === undefined) return 0;
    const changes = await count(dropChanges, [key, limit]);
    if (changes < limit) await count(dropJob, [key]);
    return Math.max(changes, 1);
  }

  async function purgeOrphanJobs(connector: number, limit: number): Promise<number> {
    const key = (await db.read<{ key: number }>(orphanChanges, [connector]))[0]?.key;
    return key === undefined ? 0 : count(dropChanges, [key, limit]);
  }

  async function purgeOrphan(limit: number): Promise<number> {
    const key = (await db.read<{ key: number }>(orphan))[0]?.key;
    if (key === undefined) return 0;
    return firstOf([
      () => count(orphanDevices, [key, limit]),
      () => count(purgeEvents, [key, Number.MAX_SAFE_INTEGER, limit]),
      () => count(purgeFigures, [key, Number.MAX_SAFE_INTEGER, limit]),
      () => purgeOrphanJobs(key, limit),
      () => content.purgeOf(key, limit),
      () => count(dropOrphan, [key]),
    ]);
  }

  return {
    async expireDue(now: number, limit: number): Promise<number> {
      const devices = await db.read<Due>(due, [now, limit]);
      if (devices.length === 0) return 0;
      const keys = numbers(devices.map(({ key }) => key));
      const events = devices.map(({ connector, key, identity, expires }): Logged => {
        return { connector, device: key, type: 'expired', identity, origin: null, timestamp: expires, payload: null };
      });
      try {
        await commit(
          [
            // Another node may do the same.
            sql`SELECT demand((SELECT count(*) FROM (SELECT 1 FROM devices WHERE key = ANY (${keys}::bigint[])
              AND NOT expiry_logged AND expires <= ${now} ORDER BY key FOR UPDATE) d) = ${devices.length}, 'stale')`,
            sql`UPDATE devices SET expiry_logged = true, version = version + 1,
              phase = CASE WHEN phase = 'locked' THEN phase ELSE 'expired' END WHERE key = ANY (${keys}::bigint[])`,
          ],
          expirySignals(devices),
          events,
        );
      } catch (error) {
        if (error instanceof Unmet) return 0;
        throw error;
      }
      return devices.length;
    },

    async purge(now: number, limit: number): Promise<number> {
      await partitions.makeAhead(now);
      const stored = await connectors.listStored();
      return firstOf([
        () => dropPartition(now, stored),
        ...stored.map((connector) => () => purgeConnector(connector, now, limit)),
        () => count(purgeSessions, [now, limit]),
        () => purgeJobs(now - JOBS_KEPT, limit),
        () => content.purgeBlobs(limit),
        () => content.purgeFetches(limit),
        () => purgeRemains(limit),
        () => purgeOrphan(limit),
      ]);
    },

    async sampleOnline(now: number): Promise<void> {
      await presence.flush();
      await db.read(online, [Math.floor(now / MINUTE), now - ONLINE_WITHIN]);
    },
  };
}

/** Goes through the steps until one has handled something; answers how many things. */
async function firstOf(steps: readonly (() => Promise<number>)[]): Promise<number> {
  for (const step of steps) {
    const handled = await step();
    if (handled > 0) return handled;
  }
  return 0;
}

function expirySignals(devices: readonly Due[]): Signal[] {
  const signals: Signal[] = [];
  for (const { id, identity, key, phase } of devices) {
    // What ended with the time is a credential: its sessions end too.
    if (id !== null && phase !== 'whitelisted') signals.push({ kind: 'device', ref: { connector: id, identity, key } });
  }
  for (const connector of new Set(devices.map(({ id }) => id))) {
    if (connector !== null) signals.push({ kind: 'events', connector });
  }
  return signals;
}
