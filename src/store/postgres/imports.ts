/**
 * Imports and the batches they become. Once a batch has begun, its rows are on disk and cannot fail for a reason that lies in
 * them: it is finished by the node that began it, or else by whichever finds that one gone. Each step is one commit, which
 * only the node that a batch belongs to can make, so no row is written twice.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { NewAudit } from '../../domain/audit.ts';
import type { NewEvent, Origin } from '../../domain/device.ts';
import { AppError } from '../../domain/errors.ts';
import type { BatchInfo, ImportStage } from '../store.ts';
import type { Connectors } from './connectors.ts';
import { type Database, sql, statement } from './database.ts';
import { Unmet } from './failures.ts';
import type { Commit } from './ledger.ts';
import { GONE_AFTER, type Nodes } from './nodes.ts';
import type { Presence } from './presence.ts';
import { dropStage, openStage, type Stage } from './stage.ts';
import { numbers } from './text.ts';

/** Rows per commit: other writes go in between. */
const STEP_ROWS = 1_000;
/** ms after which a step that storage did not take is tried again. */
const RETRY = 1_000;
/** ms between two looks for batches that nobody works on, and between two signs of life. */
const LOOK_EVERY = 2_000;

interface Parts {
  readonly db: Database;
  readonly node: string;
  readonly nodes: Nodes;
  readonly connectors: Connectors;
  readonly presence: Presence;
  readonly clock: () => number;
  readonly commit: Commit;
  readonly passing: (error: Error) => void;
}

interface BatchRow extends BatchInfo {
  readonly key: number;
  readonly connector: number;
  readonly connector_id: string | null;
  readonly stage: string | null;
  readonly position: number;
}

const columns = `b.key, b.connector, c.id AS connector_id, b.id, b.name, b.who, b.created, b.state, b.count, b.stage, b.position
  FROM batches b JOIN connectors c ON c.key = b.connector`;
const one = statement('batch', `SELECT ${columns} WHERE b.connector = $1 AND b.id = $2`);
const byKey = statement('batch-key', `SELECT ${columns} WHERE b.key = $1`);
const all = statement('batches', `SELECT ${columns} WHERE b.connector = $1 ORDER BY b.key DESC`);
/**
 * Batches whose node is gone or has let go of them, taken over by this one; and those of this node that it does not work on, as the
 * answer that told it of them was lost.
 */
const adopt = statement(
  'batch-adopt',
  `UPDATE batches SET worker = $1 WHERE state IN ('writing', 'undoing') AND key IN (
     SELECT key FROM batches b WHERE state IN ('writing', 'undoing') AND (worker IS NULL OR (worker = $1 AND key <> ALL ($2::bigint[])) OR NOT EXISTS (
       SELECT 1 FROM nodes n WHERE n.node = b.worker AND n.seen > now() - make_interval(secs => ${GONE_AFTER})))
     FOR UPDATE SKIP LOCKED
   ) RETURNING key`,
);
const lost = statement(
  'stages-lost',
  `SELECT s.name FROM stages s WHERE NOT EXISTS (SELECT 1 FROM nodes n
     WHERE n.node = s.node AND n.seen > now() - make_interval(secs => ${GONE_AFTER}))
   AND NOT EXISTS (SELECT 1 FROM batches b WHERE b.stage = s.name)`,
);
const importStep = statement('import-step', 'SELECT rows, added FROM import_step($1, $2, $3)');
const undoStep = statement('undo-step', 'SELECT undo_step($1, $2, $3) AS n');
const used = `SELECT d.identity FROM devices d JOIN presence p ON p.device = d.key
  WHERE d.provisioned_at IS NOT NULL AND (d.provisioned_at <> d.created OR p.last_seen IS NOT NULL)`;
const usedOf = statement('batch-used', `${used} AND d.batch = $1 LIMIT 1`);

export function createImports({ db, node, nodes, connectors, presence, clock, commit, passing }: Parts) {
  const open = new Set<Stage>();
  const closing = new AbortController();
  const working = new Set<Promise<unknown>>();

  /** Keys of the batches that this node works on. */
  const busy = new Set<number>();

  async function workOn<T>(key: number, work: () => Promise<T>): Promise<T> {
    busy.add(key);
    try {
      return await work();
    } finally {
      busy.delete(key);
    }
  }

  /** Remembers what is under way, for `close` to wait for. */
  function track<T>(work: Promise<T>): Promise<T> {
    const done = work.catch(() => {}).finally(() => working.delete(done));
    working.add(done);
    return work;
  }

  /**
   * Repeats a step until storage takes it: a batch that has begun is finished, whatever comes. Who waits for it waits on, and
   * is told neither that it failed nor that nothing was stored.
   */
  async function insist<T>(step: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        if (closing.signal.aborted) throw new AppError('STORAGE_UNAVAILABLE', { seen: 'a closed store' });
        return await step();
      } catch (error) {
        const again =
          error instanceof AppError && (error.code === 'STORAGE_UNAVAILABLE' || error.code === 'OVERLOADED');
        if (!again || closing.signal.aborted) throw error;
        await delay(RETRY, undefined, { signal: closing.signal }).catch(() => {});
      }
    }
  }

  async function read(key: number): Promise<BatchRow> {
    const row = (await db.read<BatchRow>(byKey, [key]))[0];
    if (row === undefined) throw new AppError('BATCH_UNKNOWN', { seen: 'a batch whose connector was deleted' });
    return row;
  }

  /** Writes what is left of a batch. Another node may take it over meanwhile: then its end is waited for. */
  async function write(key: number, total: number, onProgress: (written: number, total: number) => void) {
    let written = 0;
    for (;;) {
      const step = () => db.read<{ rows: number; added: number }>(importStep, [key, node, STEP_ROWS]);
      const done = (await insist(step))[0];
      if (done === undefined || done.rows === 0) break;
      written = Math.min(total, written + done.rows);
      onProgress(written, total);
    }
    return finish(key);
  }

  async function undo(key: number, origin: Origin | null, now: number): Promise<BatchInfo> {
    for (;;) {
      const step = () => db.read<{ n: number }>(undoStep, [key, node, STEP_ROWS]);
      const done = (await insist(step))[0];
      if (done === undefined || done.n === 0) break;
    }
    return finish(key, origin, now);
  }

  /** The last step, made by one node: the batch's new state and the one event that tells of it. */
  async function finish(key: number, origin: Origin | null = null, now = 0): Promise<BatchInfo> {
    for (;;) {
      const batch = await insist(() => read(key));
      if (batch.state === 'done' || batch.state === 'undone') return toInfo(batch);
      try {
        await insist(() => end(batch, origin, now));
      } catch (error) {
        if (!(error instanceof Unmet)) throw error;
        // It belongs to another node.
        await delay(RETRY, undefined, { signal: closing.signal }).catch(() => {});
      }
    }
  }

  function end(batch: BatchRow, origin: Origin | null, now: number): Promise<void> {
    const { key, id, name, who, stage, connector, connector_id } = batch;
    const written = batch.state === 'writing';
    const count = written ? batch.count : batch.position;
    const event: NewEvent = {
      type: written ? 'whitelisted' : 'deleted',
      identity: null,
      origin,
      timestamp: written ? batch.created : now,
      payload: { batch: id, name, who, count },
    };
    const state = written ? 'done' : 'undone';
    return commit(
      [
        sql`SELECT demand(EXISTS (SELECT 1 FROM batches WHERE key = ${key} AND state = ${batch.state} AND worker = ${node}
          FOR UPDATE), 'gone')`,
        sql`UPDATE batches SET state = ${state}, count = CASE WHEN ${written} THEN ${count}::bigint ELSE (SELECT count(*) FROM devices WHERE batch = ${key}) END, stage = NULL, worker = NULL, position = 0
          WHERE key = ${key}`,
        ...(stage === null ? [] : dropStage(stage)),
      ],
      connector_id === null ? [] : [{ kind: 'events', connector: connector_id }],
      [{ ...event, connector, device: null }],
    );
  }

  async function apply(
    stage: Stage,
    connector: number,
    { id, name, who, created }: Omit<BatchInfo, 'state' | 'count'>,
    expiresAt: number | null,
    audit: NewAudit | undefined,
  ): Promise<number> {
    await commit(
      [
        sql`SELECT demand(EXISTS (SELECT 1 FROM connectors WHERE key = ${connector} AND id IS NOT NULL FOR SHARE), 'gone')`,
        ...stage.seal,
        sql`INSERT INTO batches (connector, id, name, who, created, expires, state, count, stage, position, worker)
          VALUES (${connector}, ${id}, ${name}, ${who}, ${created}, ${expiresAt}, 'writing', 0, ${stage.name}, 0, ${node})`,
      ],
      [],
      [],
      [audit],
    );
    // It has begun, and is finished.
    return (await insist(() => db.read<BatchRow>(one, [connector, id])))[0]!.key;
  }

  async function find(connector: number, id: string): Promise<BatchRow | undefined> {
    return (await db.read<BatchRow>(one, [connector, id]))[0];
  }

  /** Notes that a batch is to be undone, or says why it cannot be. */
  async function startUndo(connector: number, id: string, audit: NewAudit | undefined): Promise<number> {
    for (;;) {
      const batch = await find(connector, id);
      if (batch === undefined) throw new AppError('BATCH_UNKNOWN', { seen: id });
      if (batch.state === 'undone') throw new AppError('STATE_CONFLICT', { seen: 'a batch that was undone already' });
      if (batch.state !== 'done') throw new AppError('BATCH_BUSY', { seen: batch.state });
      const device = (await db.read<{ identity: string }>(usedOf, [batch.key]))[0];
      if (device !== undefined) {
        const wanted = 'a batch none of whose devices has been provisioned';
        throw new AppError('STATE_CONFLICT', { seen: `${device.identity}, which is provisioned`, wanted });
      }
      try {
        await commit(
          [
            sql`SELECT demand(EXISTS (SELECT 1 FROM batches WHERE key = ${batch.key} AND state = 'done' FOR UPDATE), 'stale')`,
            `SELECT demand(NOT EXISTS (${used} AND d.batch = ${batch.key}), 'stale')`,
            sql`UPDATE batches SET state = 'undoing', position = 0, worker = ${node} WHERE key = ${batch.key}`,
          ],
          [],
          [],
          [audit],
        );
        return batch.key;
      } catch (error) {
        if (!(error instanceof Unmet)) throw error;
      }
    }
  }

  /** Goes on with what nobody works on, and throws away what nobody will go on with. */
  async function look(): Promise<void> {
    await nodes.beat();
    for (const { key } of await db.read<{ key: number }>(adopt, [node, numbers(busy)])) {
      const batch = await read(key);
      const work = () => (batch.state === 'undoing' ? undo(key, null, clock()) : write(key, 0, () => {}));
      track(workOn(key, work)).catch((cause) => {
        if (!closing.signal.aborted) passing(new Error('An interrupted import could not be finished yet', { cause }));
      });
    }
    for (const { name } of await db.read<{ name: string }>(lost)) await db.run(dropStage(name).join('; '));
  }

  async function keepLooking(): Promise<void> {
    while (!closing.signal.aborted) {
      // What fails now is found again.
      if (!db.unreachable()) await look().catch(() => {});
      await delay(LOOK_EVERY, undefined, { signal: closing.signal }).catch(() => {});
    }
  }
  let looking: Promise<void> | null = null;

  return {
    async open(id: string): Promise<ImportStage> {
      const connector = await connectors.keyOf(id);
      const stage = await openStage(db, node);
      open.add(stage);
      let duplicates = 0;
      let applied = false;
      return {
        async add(given) {
          const repeated = await stage.add(given);
          duplicates += repeated.length;
          return repeated;
        },
        review: (now) => stage.review(connector, duplicates, now),
        async apply(info, expiresAt, onProgress, audit) {
          const key = await apply(stage, connector, info, expiresAt, audit).catch((error) => {
            if (error instanceof Unmet) throw new AppError('CONNECTOR_UNKNOWN', { seen: id });
            throw error;
          });
          applied = true;
          stage.close();
          open.delete(stage);
          return track(workOn(key, () => write(key, stage.count(), onProgress)));
        },
        async discard() {
          open.delete(stage);
          if (!applied) await stage.remove();
        },
      };
    },

    list: async (id: string): Promise<BatchInfo[]> =>
      (await db.read<BatchRow>(all, [await connectors.keyOf(id)])).map(toInfo),

    async get(id: string, batch: string): Promise<BatchInfo | null> {
      const row = await find(await connectors.keyOf(id), batch);
      return row === undefined ? null : toInfo(row);
    },

    async undo(id: string, batch: string, origin: Origin | null, now: number, audit?: NewAudit): Promise<BatchInfo> {
      const connector = await connectors.keyOf(id);
      // What memory knows of devices that were heard of decides here too.
      await presence.flush();
      const key = await startUndo(connector, batch, audit);
      return track(workOn(key, () => undo(key, origin, now)));
    },

    /** Begins to look for work; the first look is over when this resolves. */
    async start(): Promise<void> {
      await look();
      looking = keepLooking();
    },

    /** Throws away what has not begun to be written, and leaves the rest to other nodes, or to the next start. */
    async close(): Promise<void> {
      closing.abort();
      for (const stage of open) await stage.remove().catch(() => {});
      await looking;
      await Promise.all(working);
      await db.run(sql`UPDATE batches SET worker = NULL WHERE worker = ${node}`).catch(() => {});
    },
  };
}

function toInfo({ id, name, who, created, state, count }: BatchRow): BatchInfo {
  return { id, name, who, created, state, count };
}
