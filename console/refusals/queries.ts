/** The refused attempts of one identity. */
import { queryOptions } from '@tanstack/react-query';
import { api, unwrap } from '../api/client.ts';

/** Asked again this often while it is on the screen, ms. */
const REFRESH = 5_000;

/** The last 20, newest first; also of an identity that nobody whitelisted. */
export const explainQuery = (connector: string, identity: string) =>
  queryOptions({
    queryKey: ['explain', connector, identity],
    queryFn: ({ signal }) =>
      unwrap(
        api.GET('/api:1/service/{connector}/device2/identity/{identity}/explain', {
          params: { path: { connector, identity } },
          signal,
        }),
      ),
    refetchInterval: REFRESH,
  });
