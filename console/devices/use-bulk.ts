/** Runs an action over the selected devices: what is under way, what came of it, and another try for those that failed. */
import { notifications } from '@mantine/notifications';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { noteFailure } from '../api/status.ts';
import { type BulkAction, endsAll } from './bulk-actions.ts';
import { countDevices } from './paging.ts';
import { type Outcome, runEach } from './run-each.ts';

/** Calls under way at the same time: quick, and yet leaves the server to others. */
const AT_ONCE = 4;

export type BulkState =
  | { readonly phase: 'idle' }
  | { readonly phase: 'running'; readonly action: BulkAction; readonly through: number; readonly total: number }
  | { readonly phase: 'failed'; readonly action: BulkAction; readonly outcome: Outcome };

const idle: BulkState = { phase: 'idle' };

/** `onDone` gets what an action went through for. */
export function useBulk(connector: string, onDone: (action: BulkAction, identities: readonly string[]) => void) {
  const client = useQueryClient();
  const [state, setState] = useState<BulkState>(idle);

  async function run(action: BulkAction, identities: readonly string[]): Promise<void> {
    const total = identities.length;
    const onProgress = (through: number) => setState({ phase: 'running', action, through, total });
    onProgress(0);
    const outcome = await runEach(identities, (identity) => action.act(connector, identity), {
      atOnce: AT_ONCE,
      endsAll,
      onProgress,
    });
    for (const { error } of outcome.failed) noteFailure(error);
    await Promise.all([
      client.invalidateQueries({ queryKey: ['devices', connector] }),
      client.invalidateQueries({ queryKey: ['device', connector] }),
      client.invalidateQueries({ queryKey: ['tags', connector] }),
    ]);
    onDone(action, outcome.done);
    if (outcome.failed.length > 0) {
      setState({ phase: 'failed', action, outcome });
      return;
    }
    setState(idle);
    notifications.show({ color: 'teal', title: `${countDevices(total)} ${action.done}`, message: null });
  }

  return { state, run, dismiss: () => setState(idle) };
}
