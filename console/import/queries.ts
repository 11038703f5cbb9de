/** What the import asks of the server, besides sending the file. */
import { type QueryClient, queryOptions } from '@tanstack/react-query';
import { api, unwrap } from '../api/client.ts';

/** While one of them is being written or undone, the list is asked for again this often, in ms. */
const REFRESH = 2_000;

/** The imports of a connector, the newest first. */
export const batchesQuery = (connector: string) =>
  queryOptions({
    queryKey: ['batches', connector],
    queryFn: async ({ signal }) => {
      const path = '/api:1/service/{connector}/device2/batches';
      return (await unwrap(api.GET(path, { params: { path: { connector } }, signal }))).batches;
    },
    refetchInterval: ({ state }) =>
      state.data?.some((batch) => batch.state === 'writing' || batch.state === 'undoing') ? REFRESH : false,
  });

export const undoBatch = (connector: string, batch: string) =>
  unwrap(api.DELETE('/api:1/service/{connector}/device2/batches/{batch}', { params: { path: { connector, batch } } }));

/** How many devices of a batch have provisioned: with any such it cannot be undone. */
export const provisionedInQuery = (connector: string, batch: string) =>
  queryOptions({
    queryKey: ['devices', connector, 'provisioned in', batch],
    queryFn: async ({ signal }) => {
      const path = '/api:1/service/{connector}/device2/identities/count';
      const ask = (status: 'provisioned' | 'reprovision') =>
        unwrap(api.GET(path, { params: { path: { connector }, query: { batch, status } }, signal }));
      const [once, again] = await Promise.all([ask('provisioned'), ask('reprovision')]);
      return once.count + again.count;
    },
    staleTime: 0,
  });

/** To be called when devices came or went with a batch. */
export async function forgetLists(client: QueryClient, connector: string): Promise<void> {
  await Promise.all([
    client.invalidateQueries({ queryKey: ['devices', connector] }),
    client.invalidateQueries({ queryKey: ['batches', connector] }),
  ]);
}
