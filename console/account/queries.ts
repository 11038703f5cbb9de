/** What the server knows of the own sessions, accounts, keys and the audit log. */
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { api, unwrap } from '../api/client.ts';

export const ownSessionsQuery = queryOptions({
  queryKey: ['sessions'],
  queryFn: ({ signal }) => unwrap(api.GET('/api:1/users/me/sessions', { signal })),
});

export const sessionsOfQuery = (user: string) =>
  queryOptions({
    queryKey: ['sessions', user],
    queryFn: ({ signal }) => unwrap(api.GET('/api:1/users/{user}/sessions', { params: { path: { user } }, signal })),
  });

export const usersQuery = queryOptions({
  queryKey: ['users'],
  queryFn: ({ signal }) => unwrap(api.GET('/api:1/users', { signal })),
});

export const keysQuery = queryOptions({
  queryKey: ['keys'],
  queryFn: ({ signal }) => unwrap(api.GET('/api:1/keys', { signal })),
});

const PAGE = 50;

/** Pages of the audit log, newest first. A search may find nothing on a page and go on behind it. */
export const auditQuery = (search: string) =>
  infiniteQueryOptions({
    queryKey: ['audit', search],
    queryFn: ({ signal, pageParam }) => {
      const query = { limit: PAGE, ...(pageParam !== null && { before: pageParam }), ...(search !== '' && { search }) };
      return unwrap(api.GET('/api:1/audit', { params: { query }, signal }));
    },
    initialPageParam: null as number | null,
    getNextPageParam: ({ next }) => next,
  });
