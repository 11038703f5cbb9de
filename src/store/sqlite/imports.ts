/**
 * Imports and the batches they become. Once the rows are on disk in their stage, writing them cannot fail for a reason
 * that lies in them, so a crash half-way is finished at the next start, not undone: all or nothing either way.
 */
import { randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import type { NewAudit } from '../../domain/audit.ts';
import type { NewEvent, Origin } from '../../domain/device.ts';
import { AppError } from '../../domain/errors.ts';
import type { BatchInfo, ImportReview, ImportStage, Signal } from '../store.ts';
import type { WriteAudit } from './audit.ts';
import { beginStep } from './budget.ts';
import type { Changes } from './changes.ts';
import { phases } from './codes.ts';
import type { Committer } from './committer.ts';
import type { Connectors } from './connectors.ts';
import type { Counts } from './counts.ts';
import type { DeviceRows, StoredDevice } from './device-rows.ts';
import { createIdentityWriter } from './identity-blocks.ts';
import type { Ledger, LoggedEvent } from './ledger.ts';
import type { Projection } from './projection.ts';
import type { Reader } from './reader.ts';
import { createStage, removeStages, type Stage, stagePath } from './stage.ts';

/** Rows per transaction: a few milliseconds of the loop, and other writes go in between. */
const STEP_ROWS = 200;
/** ms after which a step that storage did not take is tried again. */
const RETRY = 1_000;
/** Rows per question to the reader, so that lists go in between. */
const REVIEW_ROWS = 20_000;

interface Parts {
  readonly db: DatabaseSync;
  readonly folder: string;
  readonly committer: Committer;
  readonly audit: WriteAudit;
  readonly changes: Changes;
  readonly connectors: Connectors;
  readonly rows: DeviceRows;
  readonly counts: Counts;
  readonly ledger: Ledger;
  readonly projection: Projection;
  readonly reader: Reader;
  readonly signal: (signal: Signal) => void;
}

interface BatchRow extends BatchInfo {
  readonly key: number;
  readonly connector: number;
  readonly expires: number | null;
  readonly stage: string | null;
  readonly position: number;
}

export function createImports(parts: Parts) {
  const { db, folder, committer, audit, changes, connectors, rows, counts, ledger, projection, reader, signal } = parts;
  const columns = 'key, connector, id, name, who, created, expires, state, count, stage, position';
  const insertBatch =
    db.prepare(`INSERT INTO batches (connector, id, name, who, created, expires, state, count, stage, position)
    VALUES (?,?,?,?,?,?,'writing',0,?,0) RETURNING ${columns}`);
  const selectBatch = db.prepare(`SELECT ${columns} FROM batches WHERE connector = ? AND id = ?`);
  const selectBatches = db.prepare(`SELECT ${columns} FROM batches WHERE connector = ? ORDER BY key DESC`);
  const unfinished = db.prepare(`SELECT ${columns} FROM batches WHERE state IN ('writing', 'undoing')`);
  const advance = db.prepare('UPDATE batches SET position = ?, count = ? WHERE key = ?');
  const setState = db.prepare('UPDATE batches SET state = ?, count = ?, stage = NULL WHERE key = ?');
  const startUndo = db.prepare("UPDATE batches SET state = 'undoing' WHERE key = ?");
  const highestKey = db.prepare('SELECT coalesce(max(key), 0) AS key FROM devices');
  const phasesSince = db.prepare('SELECT phase, count(*) AS n FROM devices WHERE key > ? GROUP BY phase');
  const index = db.prepare('INSERT INTO identities (rowid, identity) SELECT key, identity FROM devices WHERE key > ?');
  const blocks = createIdentityWriter(db);
  const tag = db.prepare(`INSERT OR IGNORE INTO device_tags
    SELECT d.connector, t.key, v.value, d.key FROM devices d, json_each(d.tags) t, json_each(t.value) v WHERE d.key > ?`);
  const used = db.prepare(`SELECT identity FROM devices
    WHERE batch = ? AND provisioned_at IS NOT NULL AND (provisioned_at <> created OR last_seen IS NOT NULL) LIMIT 1`);
  const members = db.prepare(`SELECT identity FROM devices
    WHERE batch = ? AND (provisioned_at IS NULL OR (provisioned_at = created AND last_seen IS NULL)) LIMIT ?`);
  /** Those of an undone batch that provisioned before their turn to be removed came. */
  const left = db.prepare('SELECT count(*) AS n FROM devices WHERE batch = ?');
  /** One import is written at a time: each wants the loop, and the stage is attached under one name. */
  let turn: Promise<unknown> = Promise.resolve();
  const open = new Set<Stage>();
  const closing = new AbortController();
  /** At a start nothing is waited for: devices stand before the doors. */
  let resuming = false;

  async function review(connector: number, stage: Stage, duplicates: number, now: number): Promise<ImportReview> {
    await projection.flush().catch(() => {});
    const known = { whitelisted: 0, provisioned: 0, expired: 0, locked: 0, reprovision: 0 };
    for (let from = 1; from <= stage.count(); from += REVIEW_ROWS) {
      const part = await reader.ask(
        'reviewImport',
        stagePath(folder, stage.name),
        connector,
        from,
        from + REVIEW_ROWS - 1,
        now,
      );
      for (const { status, n } of part) known[status] += n;
    }
    const knownTotal = Object.values(known).reduce((sum, n) => sum + n, 0);
    return { fresh: stage.count() - knownTotal, duplicates, known };
  }

  /** Writes what is left of a batch, in the order of its file. */
  async function write(batch: BatchRow, total: number, onProgress: (written: number, total: number) => void) {
    const schema = `stage_${batch.key}`;
    db.prepare(`ATTACH ? AS ${schema}`).run(stagePath(folder, batch.stage!));
    const insert = db.prepare(insertDevices(schema));
    const credentials = db.prepare(insertCredentials(schema));
    const bringing = db.prepare(
      `SELECT 1 FROM ${schema}.rows WHERE n > ? AND n <= ? AND credential IS NOT NULL LIMIT 1`,
    );
    let { position, count } = batch;
    try {
      while (position < total) {
        const to = Math.min(position + STEP_ROWS, total);
        // Whose credentials these are already, the table alone is asked.
        const brings = bringing.get(position, to) !== undefined;
        if (brings) await projection.flush().catch(() => {});
        const step = () => {
          if (brings) changes.settle();
          const { key } = highestKey.get() as { key: number };
          const { connector, expires, created } = batch;
          const added = Number(insert.run(connector, created, expires, batch.key, position, to).changes);
          index.run(key);
          blocks.addNewer(connector, key);
          tag.run(key);
          credentials.run(connector, position, to, key);
          advance.run(to, count + added, batch.key);
          return { added, moves: phasesSince.all(key) as unknown as { phase: 0; n: number }[] };
        };
        const { added } = await insist(step, {
          committed: ({ moves }) => {
            for (const { phase, n } of moves) counts.move(batch.connector, null, phase, n);
          },
        });
        position = to;
        count += added;
        onProgress(position, total);
      }
    } finally {
      db.exec(`DETACH ${schema}`);
    }
    return finish(batch, 'done', count, 'whitelisted', null, batch.created);
  }

  /** The last step: the batch's new state and the one event that tells of it. */
  async function finish(
    batch: BatchRow,
    state: 'done' | 'undone',
    count: number,
    type: 'whitelisted' | 'deleted',
    origin: Origin | null,
    timestamp: number,
  ): Promise<BatchInfo> {
    const payload = { batch: batch.id, name: batch.name, who: batch.who, count };
    const event: NewEvent = { type, identity: null, origin, timestamp, payload };
    let kept = 0;
    const write = (): LoggedEvent => {
      kept = state === 'done' ? count : (left.get(batch.key) as { n: number }).n;
      setState.run(state, kept, batch.key);
      return ledger.writeEvent(batch.connector, null, event);
    };
    const id = connectors.nameOf(batch.connector);
    await insist(write, {
      committed: (event) => projection.add([event]),
      durable: () => id !== undefined && signal({ kind: 'events', connector: id }),
    });
    return toInfo({ ...batch, state, count: kept });
  }

  async function undo(batch: BatchRow, origin: Origin | null, now: number): Promise<BatchInfo> {
    let removed = 0;
    for (;;) {
      const step = () => {
        changes.settle();
        const isOver = beginStep();
        const gone: StoredDevice[] = [];
        for (const { identity } of members.all(batch.key, STEP_ROWS) as { identity: string }[]) {
          const device = rows.read(batch.connector, identity)!;
          rows.remove(device);
          gone.push(device);
          if (isOver()) break;
        }
        return gone;
      };
      const gone = await insist(step, { committed: (devices) => forget(devices) });
      removed += gone.length;
      if (gone.length === 0) break;
    }
    return finish(batch, 'undone', removed, 'deleted', origin, now);
  }

  function forget(devices: readonly StoredDevice[]): void {
    for (const { row } of devices) {
      counts.move(row.connector, row.phase, null);
      projection.forget(row.key);
    }
  }

  /**
   * Submits until storage takes it: a batch that has begun is finished, whatever comes. Who waits for it waits on, and is told
   * neither that it failed nor that nothing was stored. A store that closes ends the waiting; the next start finishes it.
   */
  async function insist<T>(run: () => T, hooks: Parameters<typeof committer.submit<T>>[1]): Promise<T> {
    for (;;) {
      try {
        return await committer.submit(run, hooks);
      } catch (error) {
        const passing =
          error instanceof AppError && (error.code === 'STORAGE_UNAVAILABLE' || error.code === 'OVERLOADED');
        if (!passing || resuming || closing.signal.aborted) throw error;
        await delay(RETRY, undefined, { signal: closing.signal }).catch(() => {});
        if (closing.signal.aborted) throw error;
      }
    }
  }

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = turn.then(work, work);
    turn = result.catch(() => {});
    return result;
  }

  /** How many rows the stage of an interrupted batch holds. */
  function stagedRows(stage: string): number {
    db.prepare('ATTACH ? AS stage_count').run(stagePath(folder, stage));
    try {
      return (db.prepare('SELECT coalesce(max(n), 0) AS n FROM stage_count.rows').get() as { n: number }).n;
    } finally {
      db.exec('DETACH stage_count');
    }
  }

  function find(connector: number, id: string): BatchRow | undefined {
    return selectBatch.get(connector, id) as unknown as BatchRow | undefined;
  }

  return {
    async open(id: string): Promise<ImportStage> {
      const connector = connectors.keyOf(id);
      const stage = createStage(folder, `${randomUUID()}.db`);
      open.add(stage);
      let duplicates = 0;
      let applied = false;
      return {
        async add(given) {
          const repeated = stage.add(given);
          duplicates += repeated.length;
          return repeated;
        },
        async review(now) {
          await stage.seal();
          return review(connector, stage, duplicates, now);
        },
        async apply(info, expiresAt, onProgress, told) {
          await stage.seal();
          const { id: batchId, name, who, created } = info;
          const batch = await committer.submit(() => {
            audit(told);
            return insertBatch.get(
              connector,
              batchId,
              name,
              who,
              created,
              expiresAt,
              stage.name,
            ) as unknown as BatchRow;
          });
          applied = true;
          const written = await inTurn(() => write(batch, stage.count(), onProgress));
          stage.remove();
          open.delete(stage);
          // Deleted meanwhile, and with it all that was written.
          if (connectors.nameOf(connector) === undefined) throw new AppError('CONNECTOR_UNKNOWN', { seen: id });
          return written;
        },
        async discard() {
          if (!applied) stage.remove();
          open.delete(stage);
        },
      };
    },

    /** Throws away what has not begun to be written, and lets go of what waits for storage. */
    close(): void {
      closing.abort();
      for (const stage of open) stage.close();
    },

    list: async (id: string): Promise<BatchInfo[]> =>
      (selectBatches.all(connectors.keyOf(id)) as unknown as BatchRow[]).map(toInfo),

    async get(id: string, batch: string): Promise<BatchInfo | null> {
      const row = find(connectors.keyOf(id), batch);
      return row === undefined ? null : toInfo(row);
    },

    async undo(id: string, batchId: string, origin: Origin | null, now: number, told?: NewAudit): Promise<BatchInfo> {
      const connector = connectors.keyOf(id);
      // What memory knows of devices that were heard of decides here too.
      await projection.flush();
      const batch = await committer.submit(() => {
        changes.settle();
        const found = find(connector, batchId);
        if (found === undefined) throw new AppError('BATCH_UNKNOWN', { seen: batchId });
        if (found.state === 'undone') throw new AppError('STATE_CONFLICT', { seen: 'a batch that was undone already' });
        if (found.state !== 'done') throw new AppError('BATCH_BUSY', { seen: found.state });
        const device = used.get(found.key) as { identity: string } | undefined;
        if (device !== undefined) {
          const wanted = 'a batch none of whose devices has been provisioned';
          throw new AppError('STATE_CONFLICT', { seen: `${device.identity}, which is provisioned`, wanted });
        }
        startUndo.run(found.key);
        audit(told);
        return found;
      });
      return inTurn(() => undo(batch, origin, now));
    },

    /** Finishes what a crash interrupted and throws away what never began. To be called once, before the doors open. */
    async resume(now: number): Promise<void> {
      const batches = unfinished.all() as unknown as BatchRow[];
      removeStages(folder, new Set(batches.map(({ stage }) => stage).filter((stage) => stage !== null)));
      resuming = true;
      try {
        for (const batch of batches) {
          if (batch.state === 'undoing') await inTurn(() => undo(batch, null, now));
          else await inTurn(() => write(batch, stagedRows(batch.stage!), () => {}));
        }
        removeStages(folder, new Set());
      } finally {
        resuming = false;
      }
    },
  };
}

/** Rows whose identity is known, or whose credential is taken, are left alone. Phase and time of provisioning follow from a given credential. */
const insertDevices = (schema: string) => `INSERT OR IGNORE INTO devices
  (connector, identity, created, expires, expiry_logged, locked, reprovision, auth_type, provisioned_at, tags, batch, last_seen, last_ip, activity, phase,
    certificate_ends)
  SELECT ?1, identity, ?2, iif(credential IS NULL, ?3, NULL), 0, 0, 0, NULL, iif(credential IS NULL, NULL, ?2), tags, ?4, NULL, NULL, ?2,
    iif(credential IS NULL, ${phases.whitelisted}, ${phases.provisioned}),
    iif(credential ->> 'type' = 'certificate', credential ->> 'notAfter', NULL)
  FROM ${schema}.rows r WHERE n > ?5 AND n <= ?6 AND NOT EXISTS (
    SELECT 1 FROM credentials c WHERE c.digest = r.digest AND (c.type = 'token' OR (c.type = 'certificate' AND c.connector = ?1)))
  ORDER BY n`;

/** `key > ?` keeps to the devices that this step made; CROSS JOIN keeps SQLite from reading all devices to find them. */
const insertCredentials = (schema: string) => `INSERT INTO credentials
  SELECT d.key, 0, d.connector, r.credential ->> 'type', r.digest, NULL, r.credential
  FROM ${schema}.rows r CROSS JOIN devices d ON d.connector = ?1 AND d.identity = r.identity
  WHERE r.n > ?2 AND r.n <= ?3 AND r.credential IS NOT NULL AND d.key > ?4`;

function toInfo({ id, name, who, created, state, count }: BatchRow): BatchInfo {
  return { id, name, who, created, state, count };
}
