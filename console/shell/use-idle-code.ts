/** Fetches the code of the pages that are likely to be opened next, once the page that is open has nothing else to do. */
import { type RegisteredRouter, type RouteIds, useRouter } from '@tanstack/react-router';
import { useEffect } from 'react';

type RouteId = RouteIds<RegisteredRouter['routeTree']>;

/** A piece that cannot be fetched now is asked for again, and its failure shown, when its page is opened. */
const tellLater = () => undefined;

/** `routes` must be the same list each time. */
export function useIdleCode(routes: readonly RouteId[]): void {
  const router = useRouter();
  useEffect(() => {
    const load = () => {
      for (const id of routes) router.loadRouteChunk(router.routesById[id])?.catch(tellLater);
    };
    if (typeof requestIdleCallback !== 'function') {
      // Safari.
      const timer = setTimeout(load, 1_000);
      return () => clearTimeout(timer);
    }
    const idle = requestIdleCallback(load);
    return () => cancelIdleCallback(idle);
  }, [router, routes]);
}
