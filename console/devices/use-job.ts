/** Runs an action over all devices that fit the filter: asks the server for a job, and follows it to its end. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { api, unwrap } from '../api/client.ts';
import type { Job } from '../api/types.ts';
import type { BulkAction } from './bulk-actions.ts';
import { type Filter, isFiltered } from './filter.ts';

/** ms between two looks at a job under way. */
const LOOK = 500;

const path = '/api:1/service/{connector}/device2/jobs/{job}';

export interface JobControl {
  /** The one that was started here last, and what it does; null once it is dismissed. */
  readonly job: Job | null;
  readonly action: BulkAction | null;
  readonly error: unknown;
  readonly busy: boolean;
  readonly start: (action: BulkAction, filter: Filter, total: number) => void;
  readonly cancel: () => void;
  readonly undo: () => void;
  readonly dismiss: () => void;
}

export function useJob(connector: string): JobControl {
  const client = useQueryClient();
  const [started, setStarted] = useState<{ readonly id: string; readonly action: BulkAction } | null>(null);
  const key = ['job', connector, started?.id];
  const { data: job = null } = useQuery({
    queryKey: key,
    queryFn: ({ signal }) => unwrap(api.GET(path, { params: { path: { connector, job: started!.id } }, signal })),
    enabled: started !== null,
    refetchInterval: ({ state }) => (state.data === undefined || state.data.finished === null ? LOOK : false),
  });
  const keep = (job: Job) => client.setQueryData(['job', connector, job.id], job);

  const asking = useMutation({
    mutationFn: async ({ action, filter, total }: { action: BulkAction; filter: Filter; total: number }) => {
      const body = { ...action.wanted, filter: { ...filter, tag: filter.tag && [...filter.tag] } };
      // Who means all devices has to say how many those are.
      const expect = isFiltered(filter) ? {} : { expect: total };
      const call = api.POST('/api:1/service/{connector}/device2/identities/update', {
        params: { path: { connector } },
        body: { ...body, ...expect },
      });
      return { action, job: await unwrap(call) };
    },
    onSuccess: ({ action, job }) => {
      keep(job);
      setStarted({ id: job.id, action });
    },
  });
  const params = { path: { connector, job: started?.id ?? '' } };
  const cancelling = useMutation({ mutationFn: () => unwrap(api.DELETE(path, { params })), onSuccess: keep });
  const undoing = useMutation({
    mutationFn: () => unwrap(api.POST('/api:1/service/{connector}/device2/jobs/{job}/undo', { params })),
    onSuccess: keep,
  });

  const finished = job?.finished;
  useEffect(() => {
    if (finished === null || finished === undefined) return;
    for (const of of ['devices', 'device', 'tags']) void client.invalidateQueries({ queryKey: [of, connector] });
  }, [finished, client, connector]);

  return {
    job: started === null ? null : job,
    action: started?.action ?? asking.variables?.action ?? null,
    error: asking.error ?? cancelling.error ?? undoing.error,
    busy: asking.isPending || cancelling.isPending || undoing.isPending,
    start: (action, filter, total) => asking.mutate({ action, filter, total }),
    cancel: () => cancelling.mutate(),
    undo: () => undoing.mutate(),
    dismiss: () => {
      setStarted(null);
      for (const mutation of [asking, cancelling, undoing]) mutation.reset();
    },
  };
}
