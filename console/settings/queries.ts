/** What only the Settings page asks the server: versions of settings, and what PEM texts say. */
import { type InferDataFromTag, type QueryClient, queryOptions } from '@tanstack/react-query';
import type { SettingsPatch } from '../../src/domain/settings.ts';
import { api, unwrap } from '../api/client.ts';
import { settingsQuery } from '../api/queries.ts';
import type { SettingsPatch as WirePatch } from '../api/types.ts';
import type { Version } from './draft.ts';
import { valuesOf } from './values.ts';

/** What `settingsQuery` gives. */
export type ReadSettings = InferDataFromTag<never, ReturnType<typeof settingsQuery>['queryKey']>;

export const versionOf = ({ settings, etag }: ReadSettings): Version => ({ values: valuesOf(settings), etag });

/** The settings as they are now, past every cache but into it. */
export async function readVersion(client: QueryClient, connector: string): Promise<Version> {
  return versionOf(await client.fetchQuery({ ...settingsQuery(connector), staleTime: 0 }));
}

/** Changes the settings if they are still of this version. SETTINGS_CHANGED if not, SETTINGS_INVALID. */
export async function sendPatch(connector: string, patch: SettingsPatch, etag: string): Promise<ReadSettings> {
  const call = api.PATCH('/api:1/service/{connector}/device2', {
    params: { path: { connector } },
    headers: { 'If-Match': etag },
    body: patch as WirePatch,
  });
  const settings = await unwrap(call);
  return { settings, etag: (await call).response.headers.get('etag') ?? '*' };
}

/** The same text says the same for ever. */
const forever = { staleTime: Number.POSITIVE_INFINITY, gcTime: Number.POSITIVE_INFINITY };

export const certificateQuery = (connector: string, certificate: string) =>
  queryOptions({
    queryKey: ['decoded', 'certificate', certificate],
    queryFn: ({ signal }) =>
      unwrap(
        api.POST('/api:1/service/{connector}/device2/pki/decode', {
          params: { path: { connector } },
          body: { certificate },
          signal,
        }),
      ),
    ...forever,
  });

export const crlQuery = (connector: string, crl: string) =>
  queryOptions({
    queryKey: ['decoded', 'crl', crl],
    queryFn: ({ signal }) =>
      unwrap(
        api.POST('/api:1/service/{connector}/device2/pki/decode-crl', {
          params: { path: { connector } },
          body: { crl },
          signal,
        }),
      ),
    ...forever,
  });

/** Who a certificate or revocation list is of, if it was decoded already. */
export function nameIn(client: QueryClient, connector: string, pem: string): string | undefined {
  return (
    client.getQueryData(certificateQuery(connector, pem).queryKey)?.subject ??
    client.getQueryData(crlQuery(connector, pem).queryKey)?.issuer
  );
}
