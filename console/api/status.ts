/** The one place that knows how it stands between this page and the server: signed in or not, reachable or not. */
import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';
import { ApiFailure, isSessionEnd, Unreachable } from './failure.ts';

export interface ServerStatus {
  /** The session ended while the page was open: to be opened again over what is on the screen. */
  readonly sessionEnded: boolean;
  readonly reachable: boolean;
}

let status: ServerStatus = { sessionEnded: false, reachable: true };
const listeners = new Set<() => void>();

export function setStatus(change: Partial<ServerStatus>): void {
  const next = { ...status, ...change };
  if (next.sessionEnded === status.sessionEnded && next.reachable === status.reachable) return;
  status = next;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const useServerStatus = () => useSyncExternalStore(subscribe, () => status);

/** What every answer, and every failure, tells of the connection. Also for calls that are made past the query client. */
export function noteFailure(error: unknown): void {
  if (error instanceof Unreachable) setStatus({ reachable: false });
  else if (isSessionEnd(error)) setStatus({ reachable: true, sessionEnded: true });
  // Not that the session is there again: a wrong password is an answer too.
  else if (error instanceof ApiFailure) setStatus({ reachable: true });
}

const noteSuccess = () => setStatus({ reachable: true });

/** Refusals are final; a server that fails or is away is asked twice more. */
const worthAnotherTry = (failures: number, error: unknown) =>
  failures < 2 && (error instanceof Unreachable || (error instanceof ApiFailure && error.status >= 500));

export const queryClient = new QueryClient({
  queryCache: new QueryCache({ onError: noteFailure, onSuccess: noteSuccess }),
  mutationCache: new MutationCache({ onError: noteFailure, onSuccess: noteSuccess }),
  defaultOptions: {
    // The browser's own idea of being offline is wrong for a server on this machine or in this building.
    queries: { networkMode: 'always', retry: worthAnotherTry, staleTime: 2_000 },
    mutations: { networkMode: 'always', retry: false },
  },
});
