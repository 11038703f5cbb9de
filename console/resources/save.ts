/**
 * Saves changes of resources into the whole set that the server takes, of just the version that they were made for. Where
 * others were faster, the change is put into their set; where they changed the same alias, nothing is saved.
 */

import type { QueryClient } from '@tanstack/react-query';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { api, unwrap } from '../api/client.ts';
import { ApiFailure } from '../api/failure.ts';
import { settingsQuery } from '../api/queries.ts';
import { type AliasChange, applyChanges, clashesOf } from './change.ts';

/** Somebody else has changed the same definitions. */
export class Clash extends Error {
  override readonly name = 'Clash';
  /** `from` is what is there now. */
  readonly changes: readonly AliasChange[];
  constructor(changes: readonly AliasChange[]) {
    super('Somebody else has changed this meanwhile. Nothing was saved.');
    this.changes = changes;
  }
}

/** Others may be faster this often before the person is told. */
const TRIES = 5;

async function save(client: QueryClient, connector: string, changes: readonly AliasChange[]): Promise<void> {
  const query = settingsQuery(connector);
  for (let tries = 1; ; tries++) {
    const { settings, etag } =
      tries === 1 ? await client.ensureQueryData(query) : await client.fetchQuery({ ...query, staleTime: 0 });
    const clashes = clashesOf(changes, settings.resources);
    if (clashes.length > 0) throw new Clash(clashes);
    try {
      const body = { resources: applyChanges(changes, settings.resources) };
      const headers = { 'If-Match': etag };
      const path = '/api:1/service/{connector}/device2';
      return void (await unwrap(api.PATCH(path, { params: { path: { connector } }, headers, body })));
    } catch (error) {
      const outdated = error instanceof ApiFailure && error.code === 'SETTINGS_CHANGED';
      if (!outdated || tries === TRIES) throw error;
    }
  }
}

/** Rejects with Clash, ApiFailure or Unreachable. */
export function useSaveResources(connector: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (changes: readonly AliasChange[]) => save(client, connector, changes),
    // Also after a clash: what is there now has to be seen.
    onSettled: () => client.invalidateQueries(settingsQuery(connector)),
  });
}
