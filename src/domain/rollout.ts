/**
 * Rollouts: a file goes to a growing share of those it is for, and stops by itself when too many of them report failure.
 * Who is chosen is decided by a hash of the identity: the same devices on every gateway, and those of 1 % are among those of
 * 10 %. Pure: figures and the time are passed in.
 */
import { createHash } from 'node:crypto';
import type { NewEvent, Origin } from './device.ts';
import { AppError } from './errors.ts';

/** What tells how a device fared: values of one of its resources. */
export interface Watch {
  readonly alias: string;
  readonly failure: readonly string[];
  readonly success: readonly string[];
  /** Held when a larger share (0 to 1) of the devices that took the file report failure, */
  readonly share: number;
  /** and at least this many of them do. */
  readonly atLeast: number;
}

/** All times in µs since the epoch. */
export interface Rollout {
  /** Makes the choice of devices its own: not always the same ones go first. */
  readonly salt: string;
  /** Percentages, ascending; the last is 100. */
  readonly steps: readonly number[];
  /** Index of the present step. */
  readonly step: number;
  /** `held`: offered to nobody until somebody decides. `done`: offered to all whom the file is for; nothing is watched. */
  readonly state: 'running' | 'held' | 'done';
  /** µs between two steps; null: by hand. */
  readonly every: number | null;
  readonly watch: Watch | null;
  readonly started: number;
  /** When the present step began. */
  readonly stepped: number;
  /** Reports count from here on: the start, or when it was last resumed. */
  readonly since: number;
  /** Why it is held. */
  readonly reason: string | null;
}

/** How the devices fared that took the present version of the file. */
export interface RolloutFigures {
  /** Began to fetch it. */
  readonly taken: number;
  /** Fetched all of it. */
  readonly completed: number;
  /** Report failure, or success, since they began to. */
  readonly failed: number;
  readonly succeeded: number;
}

export const rolloutLimits = { steps: 20, everySeconds: 30 * 86_400, values: 50, valueLength: 1024 } as const;

/** Where a device stands in a rollout: a share from 0 (goes first) to 1, evenly spread and always the same. */
export function placeOf(salt: string, identity: string): number {
  const digest = createHash('sha256').update(salt).update('\0').update(identity).digest();
  return digest.readUIntBE(0, 6) / 2 ** 48;
}

/** The share of devices that may have the file now. */
export function percentOf({ state, steps, step }: Rollout): number {
  if (state === 'held') return 0;
  return state === 'done' ? 100 : steps[step]!;
}

/** Whether the rollout has come to this device. */
export function isChosen(rollout: Rollout, identity: string): boolean {
  const percent = percentOf(rollout);
  return percent >= 100 || placeOf(rollout.salt, identity) < percent / 100;
}

/** What a person asks for. `every` in µs. */
export interface RolloutRequest {
  readonly steps: readonly number[];
  readonly every: number | null;
  readonly watch: Watch | null;
}

/** ROLLOUT_INVALID. */
export function startRollout({ steps, every, watch }: RolloutRequest, salt: string, now: number): Rollout {
  const fail = (seen: string, wanted: string): never => {
    throw new AppError('ROLLOUT_INVALID', { seen, wanted });
  };
  const ascending = steps.every((percent, at) => percent > (steps[at - 1] ?? 0) && percent <= 100);
  if (steps.length === 0 || steps.length > rolloutLimits.steps || !ascending || steps.at(-1) !== 100) {
    fail(`the steps ${steps.join(', ')}`, `1 to ${rolloutLimits.steps} growing percentages, the last of them 100`);
  }
  if (watch !== null) {
    if (watch.failure.length === 0) fail('no value that means failure', 'at least one');
    const both = watch.failure.find((value) => watch.success.includes(value));
    if (both !== undefined) fail(`${both} as failure and as success`, 'one of the two');
  }
  return {
    ...{ salt, steps: [...steps], step: 0, state: 'running', every, watch },
    ...{ started: now, stepped: now, since: now, reason: null },
  };
}

export type RolloutAction = 'advance' | 'hold' | 'resume';

/** What a person does to a rollout: `step` is the one that they see it at, if they say so. ROLLOUT_STATE. */
export function changeRollout(
  rollout: Rollout,
  { action, step = rollout.step }: { readonly action: RolloutAction; readonly step?: number },
  now: number,
): Rollout {
  if (step !== rollout.step) {
    // Two who advance at once, or one while it advances by itself, mean one step and not two.
    throw new AppError('ROLLOUT_STATE', {
      seen: `${action} at step ${step} of one that is at step ${rollout.step}`,
      wanted: 'the step that it is at',
    });
  }
  const wanted = action === 'resume' ? 'held' : 'running';
  if (rollout.state !== wanted) {
    throw new AppError('ROLLOUT_STATE', {
      seen: `${action} of one that is ${rollout.state}`,
      wanted: `one that is ${wanted}`,
    });
  }
  if (action === 'advance') return nextStep(rollout, now);
  if (action === 'hold') return { ...rollout, state: 'held', reason: 'by hand' };
  // What was reported before is known to whoever resumes; a new report counts again.
  return { ...rollout, state: 'running', reason: null, since: now, stepped: now };
}

/** To the next percentage; behind the last one it is done. */
function nextStep(rollout: Rollout, now: number): Rollout {
  const last = rollout.step === rollout.steps.length - 1;
  return last ? { ...rollout, state: 'done' } : { ...rollout, step: rollout.step + 1, stepped: now };
}

/** What time and figures make of it: held, a step further, or the same object. */
export function judgeRollout(rollout: Rollout, figures: RolloutFigures, now: number): Rollout {
  if (rollout.state !== 'running') return rollout;
  const reason = tooManyFailures(rollout.watch, figures);
  if (reason !== null) return { ...rollout, state: 'held', reason };
  if (rollout.every !== null && now - rollout.stepped >= rollout.every) return nextStep(rollout, now);
  return rollout;
}

function tooManyFailures(watch: Watch | null, { failed, taken }: RolloutFigures): string | null {
  if (watch === null || failed < watch.atLeast || failed <= watch.share * taken) return null;
  return `${failed} of ${taken} devices that took it report failure on ${watch.alias}`;
}

/** Whether there is anything for `judgeRollout` to decide. */
export function needsJudging(rollout: Rollout | null): rollout is Rollout {
  return rollout?.state === 'running' && (rollout.watch !== null || rollout.every !== null);
}

/** What the log says of a step. `who`: the account, null where it went by itself. */
export function rolloutEvent(
  content: string,
  { before, after }: { readonly before: Rollout | null; readonly after: Rollout | null },
  by: { readonly who: string | null; readonly origin: Origin | null; readonly now: number },
): NewEvent {
  const percent = after === null ? 0 : percentOf(after);
  const reason = after?.reason ?? null;
  const payload = {
    content,
    action: actionOf(before, after),
    percent,
    who: by.who,
    ...(reason !== null && { reason }),
  };
  return { type: 'rollout', identity: null, origin: by.origin, timestamp: by.now, payload };
}

function actionOf(before: Rollout | null, after: Rollout | null): string {
  if (after === null) return 'stopped';
  if (before === null || before.salt !== after.salt) return 'started';
  if (after.state === 'held' || after.state === 'done') return after.state;
  return before.state === 'held' ? 'resumed' : 'advanced';
}
