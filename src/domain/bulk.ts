/**
 * The rules of what is done to many devices at once: what becomes of each, what is remembered for undoing it, and what
 * undoing makes of it. Pure; which devices, and how far it is, is for others to know.
 */
import { type Device, hasExpired, type NewEvent, type Origin, type Tags } from './device.ts';
import { AppError, type ErrorCode } from './errors.ts';
import { type Actor, type Decision, type DevicePatch, patchDevice, removeDevice } from './operations.ts';

export type BulkAction =
  | { readonly type: 'lock' | 'unlock' | 'reprovision' | 'delete' }
  /** Replaces the values of the names given. */
  | { readonly type: 'tag'; readonly tags: Tags }
  | { readonly type: 'untag'; readonly names: readonly string[] }
  /** µs; 0 revokes, null never ends. `unprovisioned`: devices that have a credential stay as they are. */
  | { readonly type: 'expire'; readonly expire: number | null; readonly unprovisioned: boolean };

/** What a device had before: as much of it as the action changes. */
export type Before = Pick<DevicePatch, 'locked' | 'tags'>;

export interface BulkOutcome {
  /** `same`: it was so already; `refused`: the rules forbid it for this one. */
  readonly result: 'changed' | 'same' | 'refused';
  /** Kept for undoing it. */
  readonly before?: Before;
  readonly refusal?: { readonly code: ErrorCode; readonly message: string };
}

/** Devices that were refused and are told by name. */
export const REFUSALS_TOLD = 20;

/** Work on many devices, from the request to its end. All times in µs since the epoch. */
export interface Job {
  readonly id: string;
  /** Id of the connector. */
  readonly connector: string;
  readonly who: string;
  readonly origin: Origin;
  readonly created: number;
  readonly action: BulkAction;
  readonly state: 'running' | 'done' | 'cancelled' | 'undoing' | 'undone';
  /** Devices that fitted when it began. */
  readonly total: number;
  readonly changed: number;
  readonly same: number;
  readonly refused: number;
  /** The first of them. */
  readonly refusals: readonly { readonly identity: string; readonly code: string; readonly message: string }[];
  /** Undoing: devices that are as they were before, and those that others have changed since, or that are gone. */
  readonly restored: number;
  readonly left: number;
  /** Of what was done last. */
  readonly finished: number | null;
  /** Who undoes it. */
  readonly undoneBy: { readonly who: string; readonly origin: Origin } | null;
}

/** One that has done nothing yet. */
export function newJob(asked: Pick<Job, 'id' | 'connector' | 'who' | 'origin' | 'created' | 'action' | 'total'>): Job {
  const nothing = { changed: 0, same: 0, refused: 0, refusals: [], restored: 0, left: 0 };
  return { ...asked, state: 'running', ...nothing, finished: null, undoneBy: null };
}

/** Whether there is still something to be done for it. */
export const isOpen = ({ state }: Job): boolean => state === 'running' || state === 'undoing';

export const canUndo = ({ action, state, changed }: Job): boolean =>
  ['lock', 'unlock', 'tag', 'untag'].includes(action.type) &&
  (state === 'done' || state === 'cancelled') &&
  changed > 0;

/** What becomes of one device. Never throws: what the rules refuse is told in the answer. */
export function applyBulk(device: Device, action: BulkAction, actor: Actor, job: string): Decision<BulkOutcome> {
  try {
    if (action.type === 'delete') return marked(removeDevice(device, actor), { result: 'changed' }, job);
    const patch = patchOf(device, action);
    if (patch === null || isSo(device, patch, actor)) return { answer: { result: 'same' } };
    return marked(patchDevice(device, patch, actor), { result: 'changed', before: beforeOf(device, patch) }, job);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { answer: { result: 'refused', refusal: { code: error.code, message: error.message } } };
  }
}

/** Gives back what was there, unless the device is no longer as the action left it. */
export function undoBulk(
  device: Device,
  action: BulkAction,
  before: Before,
  actor: Actor,
  job: string,
): Decision<BulkOutcome> {
  const patch = action.type === 'delete' ? null : patchOf(device, action);
  if (patch === null || !isSo(device, patch, actor)) return { answer: { result: 'same' } };
  return marked(patchDevice(device, before, actor), { result: 'changed' }, job);
}

/** Null where the action leaves this device alone. */
function patchOf(device: Device, action: Exclude<BulkAction, { type: 'delete' }>): DevicePatch | null {
  switch (action.type) {
    case 'lock':
    case 'unlock':
      return { locked: action.type === 'lock' };
    case 'tag':
      return { tags: action.tags };
    case 'untag':
      return { tags: Object.fromEntries(action.names.map((name) => [name, []])) };
    case 'expire':
      return action.unprovisioned && device.credential !== null ? null : { expire: action.expire };
    default:
      return { reprovision: true };
  }
}

/** Whether there is nothing left to change. */
function isSo(device: Device, patch: DevicePatch, { now }: Actor): boolean {
  const { locked, reprovision, expire, tags } = patch;
  if (locked !== undefined) return device.locked === locked;
  if (reprovision !== undefined) return device.reprovision === reprovision;
  if (tags !== undefined) {
    return Object.entries(tags).every(([name, values]) => sameValues(valuesOf(device, name), [...new Set(values)]));
  }
  if (expire === 0) return device.expiresAt === 0 && device.credential === null;
  return device.expiresAt === expire && !hasExpired(device, now);
}

function beforeOf(device: Device, { locked, tags }: DevicePatch): Before | undefined {
  if (locked !== undefined) return { locked: device.locked };
  if (tags === undefined) return undefined;
  return { tags: Object.fromEntries(Object.keys(tags).map((name) => [name, valuesOf(device, name)])) };
}

const valuesOf = ({ tags }: Device, name: string): string[] => (Object.hasOwn(tags, name) ? tags[name]! : []);

function sameValues(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((value, at) => value === b[at]);
}

/** Its events say which job they belong to. */
function marked({ device, events = [] }: Decision<null>, answer: BulkOutcome, job: string): Decision<BulkOutcome> {
  return { answer, device, events: events.map((event): NewEvent => ({ ...event, payload: withJob(event, job) })) };
}

const withJob = ({ payload }: NewEvent, job: string) => ({ ...(payload as object), job });
