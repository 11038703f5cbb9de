/** What the console knows of the server, by key: which call answers which question, and how long the answer is fresh. */
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { api, unwrap } from './client.ts';
import { ApiFailure } from './failure.ts';
import type { Identity } from './types.ts';

/** Figures and lists are asked for again this often while their page is open, in ms. */
const REFRESH = 5_000;

/** Who is signed in; null if nobody is. */
export const meQuery = queryOptions({
  queryKey: ['me'],
  queryFn: async ({ signal }) => (await unwrap(api.GET('/api:1/session', { signal }))).account,
  staleTime: Number.POSITIVE_INFINITY,
});

export const serverQuery = queryOptions({
  queryKey: ['server'],
  queryFn: ({ signal }) => unwrap(api.GET('/api:1/server', { signal })),
  staleTime: Number.POSITIVE_INFINITY,
});

export const connectorsQuery = queryOptions({
  queryKey: ['connectors'],
  queryFn: ({ signal }) => unwrap(api.GET('/api:1/connectors', { signal })),
});

export const connectorQuery = (connector: string) =>
  queryOptions({
    queryKey: ['connector', connector],
    queryFn: ({ signal }) =>
      unwrap(api.GET('/api:1/connectors/{connector}', { params: { path: { connector } }, signal })),
  });

/** How a connector stands now: its devices by status, who is online, its last activity. */
export const standingQuery = (connector: string) =>
  queryOptions({
    queryKey: ['standing', connector],
    queryFn: ({ signal }) =>
      unwrap(api.GET('/api:1/connectors/{connector}/figures', { params: { path: { connector } }, signal })),
    refetchInterval: REFRESH,
  });

/** Settings with the version that they were read as (`ETag`), for `If-Match`. */
export const settingsQuery = (connector: string) =>
  queryOptions({
    queryKey: ['settings', connector],
    queryFn: async ({ signal }) => {
      const call = api.GET('/api:1/service/{connector}/device2', { params: { path: { connector } }, signal });
      const settings = await unwrap(call);
      return { settings, etag: (await call).response.headers.get('etag') ?? '*' };
    },
  });

export interface DeviceListQuery {
  readonly status?: 'whitelisted' | 'provisioned' | 'expired' | 'locked' | 'reprovision';
  readonly identity?: string;
  readonly tag?: readonly string[];
  readonly batch?: string;
  readonly online?: boolean;
  /** Its certificate ends within so many days, or has ended. */
  readonly ends?: number;
  readonly sort?: 'activity' | '-activity' | 'identity' | '-identity' | 'created' | '-created';
  readonly cursor?: string;
  readonly limit?: number;
}

const DAY = 86_400_000_000;

/** As the server takes it: a number of days is told as a time, that of the call. */
function asked({ ends, tag, ...query }: DeviceListQuery) {
  const before = ends === undefined ? {} : { certificate_expires_before: Date.now() * 1000 + ends * DAY };
  return { ...query, ...before, tag: tag as string[] | undefined };
}

/** A page of devices. The page before stays on the screen until the next one is there. */
export const devicesQuery = (connector: string, query: DeviceListQuery) =>
  queryOptions({
    queryKey: ['devices', connector, 'list', query],
    queryFn: ({ signal }) =>
      unwrap(
        api.GET('/api:1/service/{connector}/device2/identity', {
          params: { path: { connector }, query: asked(query) },
          signal,
        }),
      ),
    placeholderData: keepPreviousData,
    refetchInterval: REFRESH,
  });

export const deviceCountQuery = (connector: string, query: Omit<DeviceListQuery, 'sort' | 'cursor' | 'limit'>) =>
  queryOptions({
    queryKey: ['devices', connector, 'count', query],
    queryFn: ({ signal }) =>
      unwrap(
        api.GET('/api:1/service/{connector}/device2/identities/count', {
          params: { path: { connector }, query: asked(query) },
          signal,
        }),
      ),
    placeholderData: keepPreviousData,
    refetchInterval: REFRESH,
  });

/** One device; null if the identity is not known. */
export const deviceQuery = (connector: string, identity: string) =>
  queryOptions({
    queryKey: ['device', connector, identity],
    queryFn: async ({ signal, client, queryKey }): Promise<Identity | null> => {
      const params = { path: { connector, identity } };
      // Asked first in a way that makes no error of an identity that nobody knows: the browser would note each.
      if (client.getQueryData(queryKey) == null) {
        const call = api.GET('/api:1/service/{connector}/device2/identity/{identity}/explain', { params, signal });
        if (!(await unwrap(call)).known) return null;
      }
      const call = unwrap(api.GET('/api:1/service/{connector}/device2/identity/{identity}', { params, signal }));
      return call.catch((error) => {
        if (error instanceof ApiFailure && error.code === 'DEVICE_UNKNOWN') return null;
        throw error;
      });
    },
    // One that is not known is told by what explains its refusals, without an error each time.
    refetchInterval: ({ state }) => (state.data === null ? false : REFRESH),
  });
