/** What PostgreSQL's refusals mean (PostgreSQL manual, appendix A), and what cannot be told from them. Pure. */
import { DatabaseError } from 'pg';
import { AppError } from '../../domain/errors.ts';

/** A condition of a statement list did not hold (`demand` in routines.ts): nothing was written. */
export class Unmet extends Error {
  override readonly name = 'Unmet';
}

/** The connection broke, or answered nothing in time: what was sent may have been done or not. */
export function isBroken(error: unknown): boolean {
  if (!(error instanceof DatabaseError)) return true;
  // Connection exceptions; it is being shut down, has crashed, or is starting.
  return error.code === undefined || /^(?:0800[0-7]|57P0[1-5])$/.test(error.code);
}

/** Of two transactions one was given up: it may be tried again as it is. */
export function isPassing(error: unknown): boolean {
  return error instanceof DatabaseError && (error.code === '40001' || error.code === '40P01');
}

export function isDuplicate(error: unknown): boolean {
  return error instanceof DatabaseError && error.code === '23505';
}

/** For whoever asked: errors of the catalogue and unmet conditions stay as they are. */
export function toFailure(error: unknown): Error {
  if (error instanceof AppError || error instanceof Unmet) return error;
  if (error instanceof DatabaseError && error.code === 'SL001') return new Unmet(error.message);
  if (isDuplicate(error)) return new Unmet('duplicate');
  return unavailable(error);
}

export function unavailable(cause: unknown): AppError {
  return new AppError('STORAGE_UNAVAILABLE', { retryAfter: 5, cause });
}
