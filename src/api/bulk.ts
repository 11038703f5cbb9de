/** Handlers of what is done to many devices at once: asking for it, following, cancelling and undoing it. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Static } from 'typebox';
import { type BulkAction, canUndo, type Job, newJob } from '../domain/bulk.ts';
import { AppError } from '../domain/errors.ts';
import type { JobTargets, Store } from '../store/store.ts';
import { handle } from './context.ts';
import { checkTags, checkTime } from './device-input.ts';
import { filterOf } from './devices.ts';
import { actorOf, findConnector } from './lookup.ts';
import { jobList, jobParams, updateBody } from './schema/bulk.ts';
import { connectorParams, ref } from './schema/common.ts';
import { entry, jobEntry, targets } from './trail.ts';
import { schemaError } from './validation.ts';

/** Unfinished jobs of a connector. */
const JOBS_MAX = 20;
const LISTED = 100;
/** ms for which the answer waits for a job that is soon done, and between two looks at it. */
const WAIT = 1_000;
const LOOK = 25;

type Body = Static<typeof updateBody>;

/** 200 where it is done already, 202 where it goes on. SCHEMA, COUNT_CHANGED, OVERLOADED. */
export const updateDevices = handle(
  { params: connectorParams, body: updateBody, response: { 200: ref('Job'), 202: ref('Job') } },
  async (call) => {
    const { deps, params, body, now, reply } = call;
    await findConnector(deps.store, params.connector);
    const action = actionOf(body);
    const chosen = targetsOf(body);
    const total = await countTargets(deps.store, params.connector, chosen, body, now);
    const { who, origin } = actorOf(call);
    const id = randomBytes(8).toString('hex');
    const job = newJob({ id, connector: params.connector, who, origin, created: now, action, total });
    const told = entry(call, targets.job(params.connector, id), null, { action, ...tellTargets(body), total });
    await deps.store.createJob(job, chosen, JOBS_MAX, told);
    const found = await soonDone(deps.store, job);
    reply.code(found.finished === null ? 202 : 200);
    return view(found);
  },
);

export const listJobs = handle({ params: connectorParams, response: { 200: jobList } }, async ({ deps, params }) => {
  await findConnector(deps.store, params.connector);
  return { jobs: (await deps.store.listJobs(params.connector, LISTED)).map(view) };
});

/** JOB_UNKNOWN */
export const getJob = handle({ params: jobParams, response: { 200: ref('Job') } }, async ({ deps, params }) => {
  await findConnector(deps.store, params.connector);
  const job = await deps.store.getJob(params.connector, params.job);
  if (job === null) throw new AppError('JOB_UNKNOWN', { seen: params.job });
  return view(job);
});

/** What it has changed stays as it is. JOB_UNKNOWN, JOB_STATE. */
export const cancelJob = handle({ params: jobParams, response: { 200: ref('Job') } }, async (call) => {
  const { deps, params, now } = call;
  await findConnector(deps.store, params.connector);
  const decide = (job: Job): Job => {
    if (job.state !== 'running') throw new AppError('JOB_STATE', { seen: job.state, wanted: 'running' });
    return { ...job, state: 'cancelled', finished: now };
  };
  return view(await deps.store.changeJob(params.connector, params.job, decide, jobEntry(call)));
});

/** Gives devices back what they had, where nobody has changed it since. JOB_UNKNOWN, JOB_STATE. */
export const undoJob = handle({ params: jobParams, response: { 200: ref('Job'), 202: ref('Job') } }, async (call) => {
  const { deps, params, reply } = call;
  await findConnector(deps.store, params.connector);
  const { who, origin } = actorOf(call);
  const decide = (job: Job): Job => {
    if (!canUndo(job)) {
      const wanted = 'done or cancelled, with devices that were locked, unlocked, tagged or untagged';
      throw new AppError('JOB_STATE', { seen: `${job.state}, ${job.action.type} of ${job.changed} devices`, wanted });
    }
    return { ...job, state: 'undoing', finished: null, undoneBy: { who, origin } };
  };
  const job = await deps.store.changeJob(params.connector, params.job, decide, jobEntry(call));
  const found = await soonDone(deps.store, job);
  reply.code(found.finished === null ? 202 : 200);
  return view(found);
});

/** SCHEMA where a field is missing that the action needs, or there is one that it does not know. */
function actionOf({ action, tags, names, expire, unprovisioned }: Body): BulkAction {
  const given = { tags, names, expire, unprovisioned };
  const takes = { tag: ['tags'], untag: ['names'], expire: ['expire', 'unprovisioned'] } as Record<string, string[]>;
  for (const [field, value] of Object.entries(given)) {
    const taken = takes[action]?.includes(field) ?? false;
    if (value !== undefined && !taken)
      throw schemaError([{ path: field, seen: 'a field', expected: `no such field of ${action}` }]);
    if (value === undefined && taken && field !== 'unprovisioned') {
      throw schemaError([{ path: field, seen: 'nothing', expected: `a value, for ${action}` }]);
    }
  }
  switch (action) {
    case 'tag':
      checkTags(tags);
      if (Object.values(tags!).some((values) => values.length === 0) || Object.keys(tags!).length === 0) {
        throw schemaError([{ path: 'tags', seen: 'a tag without values', expected: 'values; untag takes tags away' }]);
      }
      return { type: action, tags: tags! };
    case 'untag':
      return { type: action, names: [...new Set(names!)] };
    case 'expire':
      checkTime(expire, 'expire');
      return { type: action, expire: expire!, unprovisioned: unprovisioned ?? false };
    default:
      return { type: action };
  }
}

function targetsOf({ filter, identities }: Body): JobTargets {
  if ((filter === undefined) === (identities === undefined)) {
    const seen = filter === undefined ? 'neither' : 'both';
    throw schemaError([{ path: 'filter', seen, expected: 'either filter or identities' }]);
  }
  return filter === undefined ? { identities: [...new Set(identities!)] } : { filter: filterOf(filter) };
}

/** For the audit log: the filter as it was asked for, or how many were named. */
function tellTargets({ filter, identities }: Body) {
  return filter === undefined ? { identities: new Set(identities).size } : { filter };
}

/** Who means all devices has to say how many those are. SCHEMA, COUNT_CHANGED. */
async function countTargets(store: Store, connector: string, targets: JobTargets, { expect }: Body, now: number) {
  if ('identities' in targets) return targets.identities.length;
  const all = Object.values(targets.filter).every((condition) => condition === undefined);
  if (all && expect === undefined) {
    throw schemaError([
      { path: 'expect', seen: 'nothing', expected: 'the number of devices, as the filter takes all' },
    ]);
  }
  const total = await store.countDevices(connector, targets.filter, now);
  if (expect !== undefined && expect !== total) {
    throw new AppError('COUNT_CHANGED', { seen: `${total} devices`, wanted: `${expect}` });
  }
  return total;
}

/** The job as it is once it is finished, or after a moment. */
async function soonDone(store: Store, job: Job): Promise<Job> {
  const until = performance.now() + WAIT;
  for (;;) {
    const found = (await store.getJob(job.connector, job.id)) ?? job;
    if (found.finished !== null || performance.now() > until) return found;
    await sleep(LOOK);
  }
}

function view(job: Job) {
  const { id, action, who, created, state, total, changed, same, refused, refusals, restored, left, finished } = job;
  const counts = { total, changed, same, refused, refusals, restored, left };
  return { id, action, who, created, state, ...counts, finished, undoable: canUndo(job) };
}
