/**
 * Work on many devices, step by step: some are read, the rule decides, and one call writes all of it together with how far the
 * job is, if neither those devices nor the job have changed since. So two nodes that are at the same job do no harm.
 */
import type { NewAudit } from '../../domain/audit.ts';
import { type Before, isOpen, type Job } from '../../domain/bulk.ts';
import { AppError } from '../../domain/errors.ts';
import { advanced, ended, type Tally } from '../job-progress.ts';
import type { DeviceFilter, JobRule, JobTargets, Signal } from '../store.ts';
import type { Connectors } from './connectors.ts';
import { type Database, sql, statement, type Value } from './database.ts';
import { conditionsOf } from './device-filter.ts';
import { type DeviceRow, deviceColumns, deviceTables, toDevice } from './device-rows.ts';
import { type Decided, signalsOf, writeValues } from './devices.ts';
import { Unmet } from './failures.ts';
import type { Commit } from './ledger.ts';
import type { Presence } from './presence.ts';
import { packSignals } from './signal-text.ts';
import { numbers, texts, toJson } from './text.ts';

/** Devices that a step looks at, at most. */
const STEP_DEVICES = 200;
/** Keys that one question looks at, however few of them fit. */
const WINDOW = 50_000;

interface Parts {
  readonly db: Database;
  readonly node: string;
  readonly connectors: Connectors;
  readonly presence: Presence;
  readonly commit: Commit;
  readonly send: (signals: readonly Signal[]) => void;
}

interface Row {
  readonly key: number;
  readonly connector: number;
  readonly version: number;
  readonly position: number;
  readonly last: number;
  readonly filter: string | null;
  readonly job: string;
}

/** A device that is next; null if it is gone. */
interface Next {
  readonly identity: string;
  readonly row: DeviceRow | null;
  readonly before: Before | null;
}
interface Plan {
  readonly next: readonly Next[];
  /** The job's position after all of them. */
  readonly end: number;
  readonly more: boolean;
}

const columns = 'j.key, j.connector, j.version, j.position, j.last, j.filter, j.job FROM jobs j';
const one = statement('job', `SELECT ${columns} WHERE j.connector = $1 AND j.id = $2`);
const list = statement('jobs', `SELECT ${columns} WHERE j.connector = $1 ORDER BY j.key DESC LIMIT $2`);
const open = statement(
  'jobs-open',
  `SELECT ${columns} JOIN connectors c ON c.key = j.connector WHERE j.open AND c.id IS NOT NULL ORDER BY j.key`,
);
const named = statement(
  'job-named',
  `SELECT t.identity AS wanted, ${deviceColumns} FROM (
     SELECT value AS identity, n FROM jobs, json_array_elements_text(targets::json) WITH ORDINALITY AS e (value, n)
     WHERE key = $1 AND n > $2 ORDER BY n LIMIT $3) t
   LEFT JOIN (${deviceTables}) ON d.connector = $4 AND d.identity = t.identity COLLATE "C" ORDER BY t.n`,
);
const kept = statement(
  'job-kept',
  `SELECT t.identity AS wanted, t.device, t.before, ${deviceColumns} FROM (
     SELECT device, identity, before FROM job_changes WHERE job = $1 AND device > $2 ORDER BY device LIMIT $3) t
   LEFT JOIN (${deviceTables}) ON d.key = t.device ORDER BY t.device`,
);
const step = statement(
  'job-step',
  `SELECT job_step($1, $2, $3, ${Array.from({ length: 30 }, (_, at) => `$${at + 4}`).join(', ')}) AS refused`,
);

export function createJobs({ db, node, connectors, presence, commit, send }: Parts) {
  async function find(connector: string, id: string): Promise<Row | undefined> {
    return (await db.read<Row>(one, [await connectors.keyOf(connector), id]))[0];
  }

  /** JOB_UNKNOWN */
  async function expect(connector: string, id: string): Promise<Row> {
    const row = await find(connector, id);
    if (row === undefined) throw new AppError('JOB_UNKNOWN', { seen: id });
    return row;
  }

  async function planOf({ key, connector, position, last, filter }: Row, job: Job, now: number): Promise<Plan> {
    if (job.state === 'undoing') {
      const found = await db.read<DeviceRow & { wanted: string; device: number; before: string }>(kept, [
        key,
        position,
        STEP_DEVICES,
      ]);
      const next = found.map((row) => ({ ...nextOf(row), before: JSON.parse(row.before) as Before }));
      return { next, end: found.at(-1)?.device ?? position, more: found.length === STEP_DEVICES };
    }
    if (filter === null) {
      const found = await db.read<DeviceRow & { wanted: string }>(named, [key, position, STEP_DEVICES, connector]);
      return { next: found.map(nextOf), end: position + found.length, more: found.length === STEP_DEVICES };
    }
    const values: Value[] = [];
    const place = (value: Value) => `$${values.push(value)}`;
    // Who was heard of is known to memory first.
    await presence.flush().catch(() => {});
    const conditions = conditionsOf(connector, JSON.parse(filter) as DeviceFilter, now, place);
    const end = Math.min(last, position + WINDOW);
    const found = await db.ask<DeviceRow>(
      `SELECT ${deviceColumns} FROM ${deviceTables} WHERE ${conditions.join(' AND ')}
       AND d.key > ${place(position)} AND d.key <= ${place(end)} ORDER BY d.key LIMIT ${STEP_DEVICES}`,
      values,
    );
    const next = found.map((row) => ({ identity: row.identity, row, before: null }));
    const upTo = found.length < STEP_DEVICES ? end : found.at(-1)!.key;
    return { next, end: upTo, more: upTo < last };
  }

  /** Everything that a step writes. `refused` says why it wrote nothing: somebody else was quicker. */
  async function write(row: Row, plan: Plan, job: Job, decided: readonly Decided[]): Promise<void> {
    const signals = signalsOf(decided);
    const kept = decided.flatMap(({ before, change, decision }) => {
      const { before: had } = decision.answer as { before?: Before };
      return had === undefined ? [] : [{ device: before.key, identity: change.identity, before: JSON.stringify(had) }];
    });
    const rows = await db.commit<{ refused: object }>((id) => ({
      statement: step,
      values: [
        ...[id, node, packSignals(signals), ...writeValues(decided)],
        ...[row.key, row.version, plan.end, isOpen(job), job.finished],
        JSON.stringify(job),
        numbers(kept.map(({ device }) => device)),
        texts(kept.map(({ identity }) => identity)),
        texts(kept.map(({ before }) => before)),
      ],
    }));
    if (Object.keys(rows?.[0]?.refused ?? {}).length > 0) return;
    for (const { before, decision } of decided) if (decision.device === null) presence.forget(before.key);
    send(signals);
  }

  return {
    async createJob(job: Job, targets: JobTargets, most: number, audit?: NewAudit): Promise<void> {
      const connector = await connectors.keyOf(job.connector);
      const filter = 'filter' in targets ? JSON.stringify(targets.filter) : null;
      const names = 'identities' in targets ? toJson(targets.identities) : null;
      const statements = [
        sql`SELECT demand(EXISTS (SELECT 1 FROM connectors WHERE key = ${connector} AND id IS NOT NULL FOR UPDATE), 'gone')`,
        sql`SELECT demand((SELECT count(*) FROM jobs WHERE connector = ${connector} AND open) < ${most}, 'full')`,
        sql`INSERT INTO jobs (connector, id, open, position, last, filter, targets, job) SELECT ${connector}, ${job.id}, true, 0,
          coalesce(max(key), 0), ${filter}, ${names}, ${JSON.stringify(job)} FROM devices WHERE connector = ${connector}`,
      ];
      await commit(statements, [{ kind: 'work', connector: job.connector }], [], [audit]).catch((error) => {
        if (!(error instanceof Unmet)) throw error;
        if (error.message === 'gone') throw new AppError('CONNECTOR_UNKNOWN', { seen: job.connector });
        throw new AppError('OVERLOADED', { seen: `${most} unfinished jobs`, retryAfter: 10 });
      });
    },
    listJobs: async (connector: string, limit: number): Promise<Job[]> =>
      (await db.read<Row>(list, [await connectors.keyOf(connector), limit])).map(toJob),
    async getJob(connector: string, id: string): Promise<Job | null> {
      const row = await find(connector, id);
      return row === undefined ? null : toJob(row);
    },
    listUnfinishedJobs: async (): Promise<Job[]> => (await db.read<Row>(open)).map(toJob),
    async changeJob(
      connector: string,
      id: string,
      decide: (job: Job) => Job,
      told?: (before: Job, after: Job) => NewAudit | null,
    ): Promise<Job> {
      for (;;) {
        const row = await expect(connector, id);
        const job = toJob(row);
        const changed = decide(job);
        // Undoing begins with the first of its changes.
        const position = changed.state === job.state ? row.position : 0;
        try {
          await commit(
            [
              sql`SELECT demand(EXISTS (SELECT 1 FROM jobs WHERE key = ${row.key} AND version = ${row.version} FOR UPDATE), 'stale')`,
              sql`UPDATE jobs SET version = version + 1, position = ${position}, open = ${isOpen(changed)},
                finished = ${changed.finished}, job = ${JSON.stringify(changed)} WHERE key = ${row.key}`,
            ],
            [{ kind: 'work', connector }],
            [],
            [told?.(job, changed)],
          );
          return changed;
        } catch (error) {
          // A step was made meanwhile.
          if (!(error instanceof Unmet)) throw error;
        }
      }
    },
    async stepJob(connector: string, id: string, rule: JobRule, now: number): Promise<Job> {
      const row = await expect(connector, id);
      const job = toJob(row);
      if (!isOpen(job)) return job;
      const plan = await planOf(row, job, now);
      const tally: Tally = { results: [] };
      const decided = plan.next.flatMap(({ identity, row: found, before }, at): Decided[] => {
        if (found === null) {
          const { code, message } = new AppError('DEVICE_UNKNOWN', { seen: identity });
          tally.results.push({ identity, result: 'refused', refusal: { code, message } });
          return [];
        }
        const device = toDevice(found);
        const decision = rule(device, before);
        tally.results.push({ identity, ...decision.answer });
        const known = { key: found.key, version: found.version, device, expiryLogged: found.expiry_logged };
        const change = { id: connector, connector: row.connector, identity, decide: () => decision };
        return decision.device === undefined ? [] : [{ at, change, before: known, decision }];
      });
      const through = advanced(job, tally);
      const after = plan.more ? through : ended(through, now);
      await write(row, plan, after, decided);
      return toJob(await expect(connector, id));
    },
  };
}

function nextOf(row: DeviceRow & { wanted: string }): Next {
  return { identity: row.wanted, row: row.key === null ? null : row, before: null };
}

const toJob = ({ job }: Row) => JSON.parse(job) as Job;
