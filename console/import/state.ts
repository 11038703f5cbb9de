/**
 * The states of the import dialog and what leads from one to the next: a file is chosen, checked, looked at, added. What
 * was chosen stays through every failure. Knows nothing of the page, nor of how a file is sent.
 */
import { ApiFailure, Unreachable } from '../api/failure.ts';
import type { Batch } from '../api/types.ts';
import { hoursWanted, windowEnd } from '../parts/activation-window.ts';
import { FileUnreadable } from './failure-text.ts';
import { type ImportAnswer, type Review, reviewIn } from './review.ts';

export interface ChosenFile {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
}

/** How far a request is. `sending`: bytes of the file; then rows, as the server counts them. */
export type Progress =
  | { readonly phase: 'sending'; readonly sent: number; readonly size: number }
  | { readonly phase: 'reading'; readonly rows: number }
  | { readonly phase: 'writing'; readonly rows: number; readonly total: number };

export interface Choices {
  /** Activation window; text while it is no number; null as long as nobody has typed one: then it is the connector's. */
  readonly hours: number | string | null;
  /** Name of the batch; null as long as nobody has typed one: then it is the name of the file. */
  readonly name: string | null;
  /** Leave the bad rows out. */
  readonly skip: boolean;
}

export type Step =
  | { readonly at: 'choose'; readonly fault: string | null }
  | { readonly at: 'checking'; readonly progress: Progress }
  | { readonly at: 'unchecked'; readonly error: unknown }
  | { readonly at: 'checked'; readonly review: Review; readonly error: unknown }
  | { readonly at: 'adding'; readonly review: Review; readonly progress: Progress }
  /** The server was lost while it had, or was getting, the file: the list of batches will tell what came of it. */
  | { readonly at: 'lost'; readonly review: Review; readonly uploaded: boolean; readonly error: unknown }
  | { readonly at: 'added'; readonly review: Review; readonly batch: Batch };

export interface ImportState {
  readonly file: ChosenFile | null;
  readonly choices: Choices;
  readonly step: Step;
}

export type Action =
  | { readonly type: 'chosen'; readonly file: ChosenFile }
  | { readonly type: 'unfit'; readonly fault: string }
  | { readonly type: 'check' }
  | { readonly type: 'progress'; readonly progress: Progress }
  | { readonly type: 'answered'; readonly answer: ImportAnswer }
  /** `begun`: false where nothing of the file had been sent. */
  | { readonly type: 'failed'; readonly error: unknown; readonly begun?: boolean }
  | { readonly type: 'choice'; readonly choices: Partial<Choices> }
  | { readonly type: 'add' }
  | { readonly type: 'found'; readonly batch: Batch }
  | { readonly type: 'reset' };

/** As the server has it. */
export const NAME_MAX = 200;

export const initialState: ImportState = {
  file: null,
  choices: { hours: null, name: null, skip: false },
  step: { at: 'choose', fault: null },
};

/** What cannot go on from where it is, such as progress of a request that was cancelled, changes nothing. */
export function reduce(state: ImportState, action: Action): ImportState {
  const { step, file } = state;
  switch (action.type) {
    case 'chosen':
      return { file: action.file, choices: { ...state.choices, skip: false }, step: startOf('checking', action.file) };
    case 'unfit':
      return { ...state, file: null, step: { at: 'choose', fault: action.fault } };
    case 'check':
      return file === null ? state : { ...state, step: startOf('checking', file) };
    case 'choice':
      return { ...state, choices: { ...state.choices, ...action.choices } };
    case 'progress':
      return step.at === 'checking' || step.at === 'adding'
        ? { ...state, step: { ...step, progress: action.progress } }
        : state;
    case 'add':
      if (file === null || (step.at !== 'checked' && step.at !== 'lost')) return state;
      return { ...state, step: { at: 'adding', review: step.review, progress: beginning(file) } };
    case 'answered':
      return { ...state, step: afterAnswer(step, action.answer) };
    case 'failed':
      return afterFailure(state, action.error, action.begun ?? true);
    case 'found':
      return step.at === 'lost' ? { ...state, step: { at: 'added', review: step.review, batch: action.batch } } : state;
    case 'reset':
      return initialState;
  }
}

const beginning = ({ size }: ChosenFile): Progress => ({ phase: 'sending', sent: 0, size });

const startOf = (at: 'checking', file: ChosenFile): Step => ({ at, progress: beginning(file) });

function afterAnswer(step: Step, { batch, ...review }: ImportAnswer): Step {
  if (step.at === 'checking') return { at: 'checked', review, error: null };
  if (step.at === 'adding' && batch !== null) return { at: 'added', review, batch: batch as Batch };
  return step;
}

function afterFailure(state: ImportState, error: unknown, begun: boolean): ImportState {
  const { step } = state;
  if (step.at === 'checking') return { ...state, step: { at: 'unchecked', error } };
  if (step.at !== 'adding') return state;
  // What was checked is not what lies on the disk now.
  if (error instanceof FileUnreadable) return { ...state, step: { at: 'unchecked', error } };
  const { review, progress } = step;
  if (begun && leavesOpen(error)) {
    return { ...state, step: { at: 'lost', review, uploaded: progress.phase !== 'sending', error } };
  }
  const found = reviewIn(error);
  if (found === null) return { ...state, step: { at: 'checked', review, error } };
  const choices = { ...state.choices, skip: false };
  return { ...state, choices, step: { at: 'checked', review: found, error } };
}

/** A refusal comes before anything is written; a server that fails, stops or is away may have begun, and then finishes it. */
const leavesOpen = (error: unknown) =>
  error instanceof Unreachable || (error instanceof ApiFailure && error.status >= 500);

/** Name that the batch will have. */
export function batchName({ file, choices }: ImportState): string {
  const typed = choices.name?.trim() ?? '';
  return (typed === '' ? (file?.name ?? '') : typed).slice(0, NAME_MAX);
}

/** With the hours of the connector where nobody has typed any. */
export function withHours(state: ImportState, usual: number): ImportState {
  return state.choices.hours === null ? { ...state, choices: { ...state.choices, hours: usual } } : state;
}

/** What is wrong with the activation window; null if nothing is. */
export const hoursFault = ({ hours }: Choices): string | null =>
  windowEnd(hours ?? '', 0) === null ? hoursWanted : null;

/** Why ADD cannot be pressed, and what to do; null if it can. */
export function whyNotAdd({ step, choices }: ImportState): string | null {
  if (step.at === 'choose') return 'Choose a file first.';
  if (step.at === 'checking') return 'The file is being checked.';
  if (step.at !== 'checked') return '';
  const { review } = step;
  if (review.new === 0) return 'There is no new device in this file.';
  if (review.bad > 0 && !choices.skip) return 'Correct the bad rows and choose the file again, or leave them out.';
  return hoursFault(choices) === null ? null : 'Correct the activation window first.';
}

/** End of the activation window, µs since the epoch. `now`: of the server, in ms. */
export function expiryOf({ hours }: Choices, now: number): number {
  return Math.round((now + Number(hours) * 3_600_000) * 1000);
}

/** How much of a step is done, 0 to 100; null where nobody knows. */
export function percent(progress: Progress, total?: number): number | null {
  const part = (n: number, whole: number) => (whole === 0 ? 100 : Math.min(100, Math.floor((100 * n) / whole)));
  if (progress.phase === 'sending') return part(progress.sent, progress.size);
  if (progress.phase === 'writing') return part(progress.rows, progress.total);
  return total === undefined ? null : part(progress.rows, total);
}

/** The batch that a writing became whose end nobody saw: one of that name and person that was not there before. */
export function findLost(
  batches: readonly Batch[],
  before: ReadonlySet<string>,
  name: string,
  who: string | undefined,
): Batch | undefined {
  return batches.find((batch) => !before.has(batch.id) && batch.name === name && batch.who === who);
}
