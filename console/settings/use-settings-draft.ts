/** Runs the draft of one connector's settings: follows the server, saves, and meets what others change meanwhile. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useEffect, useMemo, useReducer } from 'react';
import { ApiFailure, fieldFaults } from '../api/failure.ts';
import { connectorQuery, connectorsQuery, settingsQuery } from '../api/queries.ts';
import { beginDraft, changeDraft, changesBetween, type DraftState, patchOf } from './draft.ts';
import { faultsIn, joinFaults } from './faults.ts';
import { type ReadSettings, readVersion, sendPatch, versionOf } from './queries.ts';

const isClash = (error: unknown) => error instanceof ApiFailure && error.code === 'SETTINGS_CHANGED';

interface Callbacks {
  readonly onSaved: () => void;
  /** Somebody else changed the settings meanwhile; nothing was saved. */
  readonly onClash: () => void;
}

export function useSettingsDraft(connector: string, read: ReadSettings, { onSaved, onClash }: Callbacks) {
  const client = useQueryClient();
  const [state, dispatch] = useReducer(changeDraft, read, (first) => beginDraft(versionOf(first)));
  useEffect(() => dispatch({ type: 'read', version: versionOf(read) }), [read]);

  const save = useMutation({
    mutationFn: async ({ base, draft }: DraftState) => {
      const patch = patchOf(changesBetween(base.values, draft));
      try {
        return await sendPatch(connector, patch, base.etag);
      } catch (error) {
        if (!isClash(error)) throw error;
        const theirs = await readVersion(client, connector);
        // What stands on other pages (resources) may have changed: that is no matter here.
        if (changesBetween(base.values, theirs.values).length === 0) return sendPatch(connector, patch, theirs.etag);
        dispatch({ type: 'read', version: theirs });
        throw error;
      }
    },
    onSuccess: async (saved, { draft }) => {
      await client.cancelQueries(settingsQuery(connector));
      client.setQueryData(settingsQuery(connector).queryKey, saved);
      dispatch({ type: 'saved', version: versionOf(saved), sent: draft });
      onSaved();
      await Promise.all([
        client.invalidateQueries(connectorQuery(connector)),
        client.invalidateQueries(connectorsQuery),
      ]);
    },
    onError: (error) => {
      dispatch({ type: 'refused', faults: fieldFaults(error) });
      if (isClash(error)) onClash();
    },
  });

  const changes = useMemo(() => changesBetween(state.base.values, state.draft), [state]);
  const ownFaults = useMemo(() => faultsIn(state.draft), [state.draft]);
  const faults = useMemo(() => joinFaults(ownFaults, state.faults), [ownFaults, state.faults]);
  return { state, dispatch, save, changes, ownFaults, faults };
}
