/** Where the page stands: the connector, what the address says, what this account may do, and how to go elsewhere. */
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useCallback } from 'react';
import { meQuery } from '../api/queries.ts';
import type { DeviceSearch } from './search.ts';

const route = '/connectors/$connector/devices';

/** Another search, or what to make of the one that is. */
export type Change = DeviceSearch | ((before: DeviceSearch) => DeviceSearch);

export interface GoOptions {
  /** Takes the place of the address before, in place of a step that "Back" undoes. */
  readonly replace?: boolean;
  /** To the top of the page. */
  readonly toTop?: boolean;
}

export function useDevices() {
  const { connector } = useParams({ from: route });
  const search = useSearch({ from: route });
  const navigate = useNavigate();
  const go = useCallback(
    (search: Change, { replace = false, toTop = false }: GoOptions = {}) =>
      void navigate({ to: route, params: { connector }, search, replace, resetScroll: toTop }),
    [navigate, connector],
  );
  const { data: me } = useQuery(meQuery);
  return { connector, search, go, mayChange: me !== null && me !== undefined && me.role !== 'viewer' };
}
