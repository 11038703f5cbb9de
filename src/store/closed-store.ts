/** What a store says once it is closed, whichever engine it is. */
import { AppError } from '../domain/errors.ts';
import type { Store } from './store.ts';

/** What may be asked of a closed store, and what refuses by itself, since nothing is committed any more. */
const answersClosed = new Set(['touch', 'acknowledge', 'figures', 'onSignal', 'close', 'append', 'changeDevice']);

/** What is remembered outlives the database; nobody is to be answered from it. STORAGE_UNAVAILABLE. */
export function refuseAfterClose<S extends Store>(store: S): S {
  let closed: Promise<void> | null = null;
  const guarded: Record<string, unknown> = {};
  for (const [name, method] of Object.entries(store) as [string, (...args: unknown[]) => unknown][]) {
    guarded[name] = answersClosed.has(name)
      ? method
      : (...args: unknown[]) =>
          closed !== null
            ? Promise.reject(new AppError('STORAGE_UNAVAILABLE', { seen: 'a closed store' }))
            : method(...args);
  }
  guarded.close = () => (closed ??= store.close());
  return guarded as unknown as S;
}
