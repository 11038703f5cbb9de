/** The import of one connector as the dialog handles it: its state (state.ts), and the requests behind it. */
import { notifications } from '@mantine/notifications';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useReducer, useRef } from 'react';
import { meQuery, settingsQuery } from '../api/queries.ts';
import { noteFailure } from '../api/status.ts';
import type { Batch } from '../api/types.ts';
import { usualHours } from '../parts/activation-window.ts';
import { batchesQuery, forgetLists } from './queries.ts';
import { count, type ImportAnswer } from './review.ts';
import { type ImportQuery, type Sending, sendFile } from './send.ts';
import {
  batchName,
  type Choices,
  expiryOf,
  findLost,
  type ImportState,
  initialState,
  reduce,
  withHours,
} from './state.ts';

export interface Import {
  readonly state: ImportState;
  choose(files: readonly File[]): void;
  change(choices: Partial<Choices>): void;
  /** Checks the same file again. */
  check(): void;
  add(): void;
  /** Stops what is under way, if anything is, and begins anew. */
  reset(): void;
  /** Looks whether the writing whose end was not seen became a batch. */
  findIn(batches: readonly Batch[]): Batch | undefined;
  found(batch: Batch): void;
}

export function useImport(connector: string, opened: boolean): Import {
  const client = useQueryClient();
  const { data } = useQuery({ ...settingsQuery(connector), enabled: opened });
  const [walked, dispatch] = useReducer(reduce, initialState);
  const state = withHours(walked, usualHours(data?.settings.provisioning.expire_hours));
  const file = useRef<File | null>(null);
  const running = useRef<Sending | null>(null);
  /** Counts what was begun and stopped: what is of an earlier turn has nothing to say any more. */
  const turn = useRef(0);
  const clock = useRef(0);
  const sentName = useRef('');
  const before = useRef<ReadonlySet<string>>(new Set());
  const seen = useRef(opened);
  seen.current = opened;

  const stop = () => {
    turn.current += 1;
    running.current?.stop();
    running.current = null;
  };
  const send = async (query: ImportQuery): Promise<ImportAnswer | null> => {
    const sending = sendFile(connector, file.current!, query, {
      onProgress: (progress) => running.current === sending && dispatch({ type: 'progress', progress }),
      onClock: (ahead) => {
        clock.current = ahead;
      },
    });
    running.current = sending;
    try {
      const answer = await sending.answer;
      if (running.current !== sending) return null;
      dispatch({ type: 'answered', answer });
      return answer;
    } catch (error) {
      if (running.current !== sending) return null;
      fail(error);
      return null;
    }
  };
  const fail = (error: unknown, begun = true) => {
    noteFailure(error);
    dispatch({ type: 'failed', error, begun });
  };
  const write = async () => {
    const { step, choices } = state;
    const mine = turn.current;
    try {
      const batches = await client.fetchQuery({ ...batchesQuery(connector), staleTime: 0, retry: false });
      before.current = new Set(batches.map(({ id }) => id));
    } catch (error) {
      if (mine === turn.current) fail(error, false);
      return;
    }
    if (mine !== turn.current) return;
    const skip = 'review' in step && step.review.bad > 0 && choices.skip;
    const expire = expiryOf(choices, Date.now() + clock.current);
    sentName.current = batchName(state);
    const answer = await send({ name: sentName.current, expire, mode: skip ? 'skip' : undefined });
    if (answer === null) return;
    await forgetLists(client, connector);
    if (!seen.current && answer.batch !== null) {
      const { name, count: devices } = answer.batch as Batch;
      notifications.show({ color: 'teal', title: `${count(devices, 'device')} added`, message: name });
    }
  };

  const step = useRef(state.step);
  step.current = state.step;
  // Whichever way the dialog goes, back in the browser too: a check ends with it, a writing goes on.
  useEffect(() => {
    seen.current = opened;
    if (opened) return;
    const { at } = step.current;
    if (at === 'adding') return;
    turn.current += 1;
    running.current?.stop();
    running.current = null;
    dispatch({ type: 'reset' });
  }, [opened]);
  useEffect(
    () => () => {
      seen.current = false;
      if (step.current.at === 'checking') running.current?.stop();
    },
    [],
  );

  return {
    state,
    choose(files) {
      stop();
      const [chosen, second] = files;
      if (chosen === undefined) return;
      file.current = chosen;
      const fault = second === undefined ? faultOf(chosen) : 'One file at a time, please. Nothing was sent.';
      if (fault !== null) return dispatch({ type: 'unfit', fault });
      dispatch({ type: 'chosen', file: { name: chosen.name, size: chosen.size } });
      void send({ dry_run: true });
    },
    change: (choices) => dispatch({ type: 'choice', choices }),
    check() {
      dispatch({ type: 'check' });
      void send({ dry_run: true });
    },
    add() {
      dispatch({ type: 'add' });
      void write();
    },
    reset() {
      stop();
      dispatch({ type: 'reset' });
    },
    findIn: (batches) =>
      findLost(batches, before.current, sentName.current, client.getQueryData(meQuery.queryKey)?.email),
    found(batch) {
      dispatch({ type: 'found', batch });
      void forgetLists(client, connector);
    },
  };
}

function faultOf({ name, size }: File): string | null {
  return size === 0 ? `${name} is empty. It needs a header row and a row for each device.` : null;
}
