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
  /** A change was asked for: the server may have made it, and only its answer was lost. */
  readonly changing: boolean;
  constructor(cause?: unknown, changing = false) {
    super('The server cannot be reached.', { cause });
    this.changing = changing;
  }
}

export const isSessionEnd = (error: unknown) => error instanceof ApiFailure && error.code === 'SESSION_INVALID';

/** Email or password was wrong. */
export const isSignInFailure = (error: unknown) => error instanceof ApiFailure && error.code === 'LOGIN_FAILED';

/** The account has a second factor, and its code is asked for now. */
export const isCodeNeeded = (error: unknown) => error instanceof ApiFailure && error.code === 'CODE_NEEDED';

/** The call needs the password to have been shown a moment ago. */
export const isProofNeeded = (error: unknown) => error instanceof ApiFailure && error.code === 'PROOF_NEEDED';

/** There is no such connector, or there is none any more. */
export const isUnknownConnector = (error: unknown) => error instanceof ApiFailure && error.code === 'CONNECTOR_UNKNOWN';

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
  if (isSessionEnd(error)) return 'Your session had ended';
  if (isSignInFailure(error)) return 'Not signed in';
  if (error instanceof ApiFailure) return error.status >= 500 ? 'The server could not do this' : 'This was refused';
  return 'Something went wrong in this page';
}

/** What happened and what to do about it, in sentences. */
export function explain(error: unknown): string {
  if (error instanceof Unreachable) {
    const what = 'It may be stopped, or the network in between is down.';
    return error.changing
      ? `${what} Whether your change was made is not known; look before you try again. What you typed is still here.`
      : `${what} Try again.`;
  }
  if (isSessionEnd(error))
    return 'You are signed in again. Nothing was changed; what you typed is still here: send it once more.';
  if (isSignInFailure(error)) return 'The email or the password is wrong.';
  if (!(error instanceof ApiFailure)) return error instanceof Error ? error.message : String(error);
  const wait = error.retryAfter === null ? '' : ` Try again in ${error.retryAfter} s.`;
  return `${error.message}${wait}`;
}
