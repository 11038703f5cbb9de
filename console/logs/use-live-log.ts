/** The live log as React sees it: follows while the page is there, and goes on when server or session are back. */
import { useEffect, useMemo, useSyncExternalStore } from 'react';
import { useServerStatus } from '../api/status.ts';
import { createLiveLog, type LiveLog, type LiveState } from './live.ts';
import type { LogSearch } from './search.ts';

/** Begins anew when a filter changes; `line` counts at the beginning alone. */
export function useLiveLog(connector: string, { types, identity, line }: LogSearch): readonly [LiveState, LiveLog] {
  const names = types?.join(',');
  // A line that is opened later is on the page already, so that it is not among what this depends on.
  const live = useMemo(() => createLiveLog(connector, { types, identity, line }), [connector, names, identity]);
  useEffect(() => live.start(), [live]);
  const { sessionEnded, reachable } = useServerStatus();
  useEffect(() => {
    if (!sessionEnded && reachable) live.wake();
  }, [live, sessionEnded, reachable]);
  const state = useSyncExternalStore(live.subscribe, live.state);
  return [state, live];
}
