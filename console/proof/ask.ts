/** Asks for the password once more where a call demands it, and makes the call again. Knows nothing of how it is asked. */
import { useSyncExternalStore } from 'react';
import { isProofNeeded } from '../api/failure.ts';

type Asked = { readonly answer: (proven: boolean) => void } | null;

let asked: Asked = null;
const listeners = new Set<() => void>();

function set(next: Asked): void {
  asked = next;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** What the dialog has to answer; null while nothing is asked. */
export const useAsked = () => useSyncExternalStore(subscribe, () => asked);

/** Makes the call; where it is refused for want of a proof, asks for one and makes it again. */
export async function withProof<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (!isProofNeeded(error) || !(await ask())) throw error;
    return call();
  }
}

function ask(): Promise<boolean> {
  asked?.answer(false);
  return new Promise((resolve) => {
    const answer = (proven: boolean) => {
      set(null);
      resolve(proven);
    };
    set({ answer });
  });
}
