/** What the Webhooks page asks the server, and asks it to do. */
import { queryOptions } from '@tanstack/react-query';
import type { EventType } from '../../src/domain/connector.ts';
import { api, unwrap } from '../api/client.ts';

/** How they do is asked again this often, in ms. */
const REFRESH = 3_000;

const all = '/api:1/connectors/{connector}/webhooks';
const one = '/api:1/connectors/{connector}/webhooks/{hook}';

export const webhooksKey = (connector: string) => ['webhooks', connector] as const;

export const webhooksQuery = (connector: string) =>
  queryOptions({
    queryKey: webhooksKey(connector),
    queryFn: async ({ signal }) => (await unwrap(api.GET(all, { params: { path: { connector } }, signal }))).webhooks,
    refetchInterval: REFRESH,
  });

export const deliveriesQuery = (connector: string, hook: string) =>
  queryOptions({
    queryKey: [...webhooksKey(connector), hook, 'deliveries'],
    queryFn: async ({ signal }) => {
      const params = { path: { connector, hook } };
      return (await unwrap(api.GET(`${one}/deliveries`, { params, signal }))).deliveries;
    },
    refetchInterval: REFRESH,
  });

export const createWebhook = (connector: string, body: { url: string; types: EventType[] }) =>
  unwrap(api.POST(all, { params: { path: { connector } }, body }));

export const changeWebhook = (connector: string, hook: string, body: { enabled?: boolean; rotate_secret?: boolean }) =>
  unwrap(api.PATCH(one, { params: { path: { connector, hook } }, body }));

export const deleteWebhook = (connector: string, hook: string) =>
  unwrap(api.DELETE(one, { params: { path: { connector, hook } } }));

export const replayWebhook = (connector: string, hook: string, after: number) =>
  unwrap(api.POST(`${one}/replay`, { params: { path: { connector, hook } }, body: { after } }));
