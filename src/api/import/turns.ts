/** How many imports are under way at a time: of everybody together, and of one account or key. Knows nothing of their rows. */
import { AppError } from '../../domain/errors.ts';
import type { Call } from '../context.ts';

/** Imports at a time. Each holds a connection, and its rows in a place of their own until they are written. */
const IMPORTS_MAX = 16;
/** Of one account or key: nobody takes all the places. */
const OWN_IMPORTS_MAX = 4;
/** Seconds after which it is worth trying again. */
const RETRY_AFTER = 10;

/** Runs `work` as one of few. IMPORT_LIMIT, OVERLOADED; then the rest of the request is dropped, so that the client sees the answer. */
export async function asOneOfFew<T>(call: Pick<Call, 'state' | 'request' | 'caller'>, work: () => Promise<T>) {
  const { imports } = call.state;
  const { id } = call.caller!;
  const own = imports.get(id) ?? 0;
  const refusal = refusalOf(own, sumOf(imports));
  if (refusal !== null) {
    call.request.raw.unpipe();
    call.request.raw.resume();
    throw refusal;
  }
  imports.set(id, own + 1);
  try {
    return await work();
  } finally {
    const left = imports.get(id)! - 1;
    if (left === 0) imports.delete(id);
    else imports.set(id, left);
  }
}

const sumOf = (imports: ReadonlyMap<string, number>) => imports.values().reduce((sum, n) => sum + n, 0);

function refusalOf(own: number, all: number): AppError | null {
  const retryAfter = RETRY_AFTER;
  if (own >= OWN_IMPORTS_MAX) {
    return new AppError('IMPORT_LIMIT', {
      seen: `${own} of yours`,
      wanted: `fewer than ${OWN_IMPORTS_MAX}`,
      retryAfter,
    });
  }
  if (all < IMPORTS_MAX) return null;
  return new AppError('OVERLOADED', { seen: `${all} imports`, wanted: `fewer than ${IMPORTS_MAX}`, retryAfter });
}
