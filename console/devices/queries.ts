/** What the Devices page asks the server. */
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { api, unwrap } from '../api/client.ts';
import { deviceCountQuery, devicesQuery } from '../api/queries.ts';
import { filterOf } from './filter.ts';
import { PAGE_SIZE } from './paging.ts';
import type { DeviceSearch } from './search.ts';

/** Values of a tag that are offered at a time. */
const VALUES = 20;

/** The page of the list that the address asks for. */
export const pageQuery = (connector: string, search: DeviceSearch) =>
  devicesQuery(connector, {
    ...filterOf(search),
    sort: search.sort,
    cursor: search.pages?.at(-1),
    limit: PAGE_SIZE,
  });

/** How many devices fit the filters that the address asks for. */
export const totalQuery = (connector: string, search: DeviceSearch) => deviceCountQuery(connector, filterOf(search));

export const tagNamesQuery = (connector: string) =>
  queryOptions({
    queryKey: ['tags', connector, 'names'],
    queryFn: async ({ signal }) => {
      const params = { path: { connector } };
      return (await unwrap(api.GET('/api:1/service/{connector}/device2/tags', { params, signal }))).names;
    },
  });

/** The first values of a tag that begin so, each with its number of devices. */
export const tagValuesQuery = (connector: string, name: string, begins: string) =>
  queryOptions({
    queryKey: ['tags', connector, 'values', name, begins],
    queryFn: async ({ signal }) => {
      const params = { path: { connector, name }, query: { begins, limit: VALUES } };
      return (await unwrap(api.GET('/api:1/service/{connector}/device2/tags/{name}', { params, signal }))).values;
    },
    placeholderData: keepPreviousData,
    enabled: name !== '',
  });
