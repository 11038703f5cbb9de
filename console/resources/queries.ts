/** What the resources page asks beside the settings: the newest writes, for aliases that nobody defined. */
import { queryOptions } from '@tanstack/react-query';
import { api, unwrap } from '../api/client.ts';

/** As many of the newest writes are looked at. */
export const WRITES = 1000;
/** ms between two looks. */
const LOOK = 15_000;

export const writesQuery = (connector: string) =>
  queryOptions({
    queryKey: ['events', connector, 'writes'],
    queryFn: async ({ signal }) => {
      const query = { types: ['data_in'], limit: WRITES };
      const path = '/api:1/service/{connector}/device2/events';
      return (await unwrap(api.GET(path, { params: { path: { connector }, query }, signal }))).events;
    },
    refetchInterval: LOOK,
  });
