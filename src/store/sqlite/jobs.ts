/**
 * Work on many devices, step by step. The reader's thread finds the next ones; a step then changes as many as fit into a few
 * milliseconds, in one write together with how far the job is.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { NewAudit } from '../../domain/audit.ts';
import { type Before, type BulkOutcome, isOpen, type Job } from '../../domain/bulk.ts';
import { AppError } from '../../domain/errors.ts';
import { advanced, ended, type Tally } from '../job-progress.ts';
import type { DeviceFilter, JobRule, JobTargets, Signal } from '../store.ts';
import type { WriteAudit } from './audit.ts';
import { beginStep } from './budget.ts';
import type { Changes } from './changes.ts';
import { type Committer, decided } from './committer.ts';
import type { Connectors } from './connectors.ts';
import { fullDisk } from './data.ts';
import { conditionsOf } from './device-filter.ts';
import type { Devices, Outcome } from './devices.ts';
import type { Projection } from './projection.ts';
import type { Reader } from './reader.ts';

/** Devices that a step looks at, at most. */
const STEP_DEVICES = 200;

interface Parts {
  readonly db: DatabaseSync;
  readonly committer: Committer;
  readonly audit: WriteAudit;
  readonly changes: Changes;
  readonly connectors: Connectors;
  readonly devices: Devices;
  readonly projection: Projection;
  readonly reader: Reader;
  readonly signal: (signal: Signal) => void;
}

interface Row {
  readonly key: number;
  readonly position: number;
  readonly last: number;
  readonly filter: string | null;
  readonly job: string;
}

/** A device that is next. */
interface Next {
  readonly identity: string;
  /** The job's position once this one is through. */
  readonly position: number;
  readonly before: Before | null;
}

/** What a step is to do: `end` is the position after all of them, and `more` whether there may be others behind it. */
interface Plan {
  readonly next: () => Iterable<Next>;
  readonly end: number;
  readonly more: boolean;
}

export function createJobs(parts: Parts) {
  const { db, committer, audit, changes, connectors, devices, projection, reader, signal } = parts;
  const columns = 'key, position, last, filter, job';
  const unfinished = db.prepare('SELECT count(*) AS n FROM jobs WHERE connector = ? AND open = 1');
  const insert = db.prepare(`INSERT INTO jobs (connector, id, open, position, last, filter, targets, finished, job)
    SELECT ?, ?, 1, 0, coalesce(max(key), 0), ?, ?, NULL, ? FROM devices`);
  const one = db.prepare(`SELECT ${columns} FROM jobs WHERE connector = ? AND id = ?`);
  const list = db.prepare(`SELECT ${columns} FROM jobs WHERE connector = ? ORDER BY key DESC LIMIT ?`);
  const open = db.prepare(`SELECT j.key, j.position, j.last, j.filter, j.job FROM jobs j
    JOIN connectors c ON c.key = j.connector WHERE j.open = 1 AND c.id IS NOT NULL ORDER BY j.key`);
  const update = db.prepare('UPDATE jobs SET position = ?, open = ?, finished = ?, job = ? WHERE key = ?');
  const named = db.prepare(`SELECT t.value AS identity, t.key + 1 AS position FROM jobs j, json_each(j.targets) t
    WHERE j.key = ? AND t.key >= ? LIMIT ?`);
  const nameOf = db.prepare('SELECT key AS position, identity FROM devices WHERE key = ?');
  const remember = db.prepare('INSERT OR IGNORE INTO job_changes VALUES (?, ?, ?, ?)');
  const kept = db.prepare(`SELECT device AS position, identity, before FROM job_changes
    WHERE job = ? AND device > ? ORDER BY device LIMIT ?`);

  const find = (connector: string, id: string) =>
    one.get(connectors.keyOf(connector), id) as unknown as Row | undefined;

  /** JOB_UNKNOWN */
  function expect(connector: string, id: string): { row: Row; job: Job } {
    const row = find(connector, id);
    if (row === undefined) throw new AppError('JOB_UNKNOWN', { seen: id });
    return { row, job: toJob(row) };
  }

  function write(key: number, position: number, job: Job): void {
    update.run(position, Number(isOpen(job)), job.finished, JSON.stringify(job), key);
  }

  async function planOf({ key, position, last, filter }: Row, job: Job, now: number): Promise<Plan> {
    if (job.state === 'undoing') {
      const found = kept.all(key, position, STEP_DEVICES) as unknown as (Next & { before: unknown })[];
      const next = found.map((one) => ({ ...one, before: JSON.parse(one.before as unknown as string) as Before }));
      return { next: () => next, end: next.at(-1)?.position ?? position, more: next.length === STEP_DEVICES };
    }
    if (filter === null) {
      const found = named.all(key, position, STEP_DEVICES) as unknown as Next[];
      const next = found.map((one) => ({ ...one, before: null }));
      return { next: () => next, end: next.at(-1)?.position ?? position, more: next.length === STEP_DEVICES };
    }
    const asked = JSON.parse(filter) as DeviceFilter;
    const connector = connectors.keyOf(job.connector);
    // Who was heard of is known to memory first.
    await projection.flush().catch(() => {});
    const { keys, upTo } = await reader.ask('findForJob', connector, asked, position, last, STEP_DEVICES, now);
    return { next: () => stillFitting(connector, asked, keys, now), end: upTo, more: upTo < last };
  }

  /** Of those that fitted when the reader looked, inside the write that changes them. */
  function* stillFitting(
    connector: number,
    filter: DeviceFilter,
    keys: readonly number[],
    now: number,
  ): Generator<Next, void, undefined> {
    const conditions = conditionsOf(connector, filter, now).map(({ test }) => test);
    const fits =
      conditions.length === 0
        ? null
        : db.prepare(`SELECT 1 FROM devices d WHERE d.key = ? AND ${conditions.map(({ sql }) => sql).join(' AND ')}`);
    const values = conditions.flatMap(({ values }) => values);
    // What changed since the reader looked stands in the rows too.
    if (fits !== null) changes.settle();
    for (const key of keys) {
      if (fits !== null && fits.get(key, ...values) === undefined) continue;
      const found = nameOf.get(key) as unknown as Next | undefined;
      if (found !== undefined) yield { ...found, before: null };
    }
  }

  /** Changes devices until there are no more, or the time is over; tells up to where it came. */
  function changeAll(key: number, job: Job, next: Iterable<Next>, rule: JobRule) {
    const isOver = beginStep();
    const outcomes: Outcome<BulkOutcome>[] = [];
    const tally: Tally = { results: [] };
    let position: number | null = null;
    for (const one of next) {
      if (position !== null && isOver()) return { outcomes, tally, position };
      position = one.position;
      // Of what is undone the key is known: one that was deleted and made anew is another device.
      const replaced = one.before !== null && nameOf.get(one.position) === undefined;
      const outcome = devices.apply(job.connector, one.identity, (device) =>
        device === null || replaced ? { answer: gone(one.identity) } : rule(device, one.before),
      );
      outcomes.push(outcome);
      tally.results.push({ identity: one.identity, ...outcome.answer });
      const { before } = outcome.answer;
      if (before !== undefined && outcome.key !== null) {
        remember.run(key, outcome.key, one.identity, JSON.stringify(before));
      }
    }
    return { outcomes, tally, position: null };
  }

  return {
    createJob: (job: Job, targets: JobTargets, most: number, entry?: NewAudit): Promise<void> =>
      committer.submit(
        () => {
          const connector = connectors.keyOf(job.connector);
          const { n } = unfinished.get(connector) as { n: number };
          if (n >= most) throw new AppError('OVERLOADED', { seen: `${n} unfinished jobs`, retryAfter: 10 });
          const filter = 'filter' in targets ? JSON.stringify(targets.filter) : null;
          const names = 'identities' in targets ? JSON.stringify(targets.identities) : null;
          insert.run(connector, job.id, filter, names, JSON.stringify(job));
          audit(entry);
        },
        { durable: () => signal({ kind: 'work', connector: job.connector }) },
      ),
    listJobs: async (connector: string, limit: number): Promise<Job[]> =>
      (list.all(connectors.keyOf(connector), limit) as unknown as Row[]).map(toJob),
    async getJob(connector: string, id: string): Promise<Job | null> {
      const row = find(connector, id);
      return row === undefined ? null : toJob(row);
    },
    listUnfinishedJobs: async (): Promise<Job[]> => (open.all() as unknown as Row[]).map(toJob),
    changeJob: (
      connector: string,
      id: string,
      decide: (job: Job) => Job,
      told?: (before: Job, after: Job) => NewAudit | null,
    ): Promise<Job> =>
      committer.submit(
        () => {
          const { row, job } = expect(connector, id);
          const changed = decided(() => decide(job));
          // Undoing begins with the first of its changes.
          write(row.key, changed.state === job.state ? row.position : 0, changed);
          audit(told?.(job, changed));
          return changed;
        },
        { durable: () => signal({ kind: 'work', connector }) },
      ),
    async stepJob(connector: string, id: string, rule: JobRule, now: number): Promise<Job> {
      const { row, job } = expect(connector, id);
      if (!isOpen(job)) return job;
      if (projection.full()) throw new AppError('STORAGE_UNAVAILABLE', fullDisk);
      const plan = await planOf(row, job, now);
      const step = () => {
        const { row: current, job: before } = expect(connector, id);
        // Cancelled, or gone on with, meanwhile.
        if (before.state !== job.state || current.position !== row.position) return { job: before, outcomes: [] };
        const { outcomes, tally, position } = changeAll(row.key, before, plan.next(), rule);
        const through = advanced(before, tally);
        const after = position === null && !plan.more ? ended(through, now) : through;
        write(row.key, position ?? plan.end, after);
        return { job: after, outcomes };
      };
      const done = await committer.submit(step, {
        committed: ({ outcomes }) => outcomes.forEach(devices.follow),
        durable({ outcomes }) {
          for (const outcome of outcomes) devices.tell(connector, outcome);
        },
      });
      return done.job;
    },
  };
}

function gone(identity: string): BulkOutcome {
  const { code, message } = new AppError('DEVICE_UNKNOWN', { seen: identity });
  return { result: 'refused', refusal: { code, message } };
}

const toJob = ({ job }: Row) => JSON.parse(job) as Job;
