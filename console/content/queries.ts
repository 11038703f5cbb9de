/** What the Content page asks the server, and what it has done. */
import { infiniteQueryOptions, type QueryClient, queryOptions } from '@tanstack/react-query';
import { api, unwrap } from '../api/client.ts';
import type { paths } from '../api/schema.ts';

const device2 = '/api:1/service/{connector}/device2';
const file = `${device2}/content/{content}` as const;

export type Info = paths[`${typeof file}/info`]['get']['responses'][200]['content']['application/json'];
export type RolloutRequest = paths[`${typeof file}/rollout`]['put']['requestBody']['content']['application/json'];
export type Rollout = NonNullable<Info['rollout']>;

/** Figures of an open file are asked for again this often, in ms. */
const REFRESH = 3_000;
const PAGE = 100;

/** The files of a connector, by id. */
export const filesQuery = (connector: string, by: 'people' | 'devices') =>
  infiniteQueryOptions({
    queryKey: ['content', connector, 'list', by],
    queryFn: ({ pageParam, signal }) =>
      unwrap(
        api.GET(`${device2}/content`, {
          params: { path: { connector }, query: { by, limit: PAGE, ...(pageParam !== '' && { after: pageParam }) } },
          signal,
        }),
      ),
    initialPageParam: '',
    getNextPageParam: ({ content, mayLoadMore }) => (mayLoadMore ? content.at(-1)?.id : undefined),
  });

export const infoQuery = (connector: string, content: string) =>
  queryOptions({
    queryKey: ['content', connector, 'info', content],
    queryFn: ({ signal }) => unwrap(api.GET(`${file}/info`, { params: { path: { connector, content } }, signal })),
    refetchInterval: REFRESH,
  });

export const fetchesQuery = (connector: string, content: string) =>
  queryOptions({
    queryKey: ['content', connector, 'fetches', content],
    queryFn: ({ signal }) =>
      unwrap(api.GET(`${file}/fetches`, { params: { path: { connector, content }, query: { limit: PAGE } }, signal })),
    refetchInterval: REFRESH,
  });

export const changeOffer = (connector: string, content: string, offer: string) =>
  unwrap(api.PATCH(file, { params: { path: { connector, content } }, body: { offer } }));

export const deleteFile = (connector: string, content: string) =>
  unwrap(api.DELETE(file, { params: { path: { connector, content } } }));

export const startRollout = (connector: string, content: string, body: RolloutRequest) =>
  unwrap(api.PUT(`${file}/rollout`, { params: { path: { connector, content } }, body }));

/** Advancing means from the step that is shown: who was faster has not meant two. */
export const actOnRollout = (
  connector: string,
  content: string,
  action: 'advance' | 'hold' | 'resume',
  step: number,
) => {
  const body = action === 'advance' ? { action, step } : { action };
  return unwrap(api.PATCH(`${file}/rollout`, { params: { path: { connector, content } }, body }));
};

export const stopRollout = (connector: string, content: string) =>
  unwrap(api.DELETE(`${file}/rollout`, { params: { path: { connector, content } } }));

/** To be called when a file came, went or changed. */
export const forgetFiles = (client: QueryClient, connector: string) =>
  client.invalidateQueries({ queryKey: ['content', connector] });
