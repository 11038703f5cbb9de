/** What can go wrong between console and server, in a form that pages can show: what happened, and what to do. */
import type { components } from './schema.ts';

export type ErrorAnswer = components['schemas']['Error'];

/** The server refused or failed: a row of its catalogue of errors. */
export class ApiFailure extends Error {
  override readonly name = 'ApiFailure';
  readonly status: number;
  readonly code: string;
  readonly answer: ErrorAnswer;
  /** Seconds after which trying again makes sense; null if the server named none. */
  readonly retryAfter: number | null;

  constructor(answer: ErrorAnswer, retryAfter: number | null = null) {
    super(answer.message);
    this.status = answer.statusCode;
    this.code = answer.code;
    this.answer = answer;
    this.retryAfter = retryAfter;
  }
}

/** The server was not reached: it is down, or the network between is. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable';
  constructor(cause?: unknown) {
    super('The server cannot be reached.', { cause });
  }
}

export const isSessionEnd = (error: unknown) => error instanceof ApiFailure && error.code === 'SESSION_INVALID';

/** One fault of one field, as `details` of SCHEMA and SETTINGS_INVALID list them. */
export interface FieldFault {
  readonly path: string;
  readonly seen: string;
  readonly expected: string;
}

/** The faults by field that an error carries; empty for any other error. */
export function fieldFaults(error: unknown): readonly FieldFault[] {
  if (!(error instanceof ApiFailure) || !Array.isArray(error.answer.details)) return [];
  return error.answer.details.filter((detail): detail is FieldFault => typeof detail?.path === 'string');
}

/** What happened, for a title. */
export function titleOf(error: unknown): string {
  if (error instanceof Unreachable) return 'The server cannot be reached';
  if (error instanceof ApiFailure) return error.status >= 500 ? 'The server could not do this' : 'This was refused';
  return 'Something went wrong in this page';
}

/** What happened and what to do about it, in sentences. */
export function explain(error: unknown): string {
  if (error instanceof Unreachable) {
    return 'It may be stopped, or the network between is down. Nothing was changed; what you typed is still here. Try again.';
  }
  if (!(error instanceof ApiFailure)) return error instanceof Error ? error.message : String(error);
  const wait = error.retryAfter === null ? '' : ` Try again in ${error.retryAfter} s.`;
  return `${error.message}${wait}`;
}
