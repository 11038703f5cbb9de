/** What only the page of a device asks: its history, and its events. */
import { queryOptions } from '@tanstack/react-query';
import { eventTypes } from '../../src/domain/connector.ts';
import { api, unwrap } from '../api/client.ts';
import type { Resource } from '../api/types.ts';
import { bucketOf, type History, kindOf, RAW_MAX, spanOf } from './history.ts';
import type { DevicePageSearch } from './search.ts';

/** Asked again this often while it is on the screen, ms. */
const REFRESH = 5_000;
const EVENTS = 50;

const device = '/api:1/service/{connector}/device2/identity/{identity}';

type ChartSearch = Pick<DevicePageSearch, 'range' | 'from' | 'to'>;

/** Values one by one where they are few; numbers that are many are summed up, so that the chart has all of the time. */
export const historyQuery = (
  connector: string,
  identity: string,
  alias: string,
  format: Resource['format'] | undefined,
  { range, from, to }: ChartSearch,
) =>
  queryOptions({
    queryKey: ['history', connector, identity, alias, format, { range, from, to }],
    queryFn: async ({ signal }): Promise<History> => {
      const ask = (query: { from: number; to: number; limit: number; bucket?: number }) =>
        unwrap(
          api.GET(`${device}/history`, {
            params: { path: { connector, identity }, query: { alias, ...query } },
            signal,
          }),
        );
      const span = spanOf({ range, from, to }, Date.now() * 1000);
      const raw = await ask({ ...span, limit: RAW_MAX });
      const first = raw.points[0]?.timestamp ?? span.from;
      const shown = range === 'all' ? { from: first, to: span.to } : span;
      const kind = kindOf(format, raw.points);
      if (!raw.mayLoadMore || kind !== 'number') {
        return { ...shown, kind, points: raw.points, bucket: null, cut: raw.mayLoadMore };
      }
      const bucket = bucketOf(shown);
      const summed = await ask({ ...shown, limit: RAW_MAX, bucket });
      return { ...shown, kind, points: summed.points, bucket, cut: summed.mayLoadMore };
    },
    // Another time of the same resource stays on the screen until the next is there; another resource's does not.
    placeholderData: (before, query) => (query?.queryKey[3] === alias ? before : undefined),
    // A time that is over does not change.
    refetchInterval: range === 'custom' ? false : REFRESH,
  });

/** The last events of the device, newest first, of all types. */
export const deviceEventsQuery = (connector: string, identity: string) =>
  queryOptions({
    queryKey: ['events', connector, identity],
    queryFn: ({ signal }) =>
      unwrap(
        api.GET('/api:1/service/{connector}/device2/events', {
          params: { path: { connector }, query: { identity, limit: EVENTS, types: [...eventTypes] } },
          signal,
        }),
      ),
    refetchInterval: REFRESH,
  });
