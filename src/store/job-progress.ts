/** What a step makes of a job's counts, in every engine. Pure. */
import { type BulkOutcome, type Job, REFUSALS_TOLD } from '../domain/bulk.ts';

/** What came of the devices of a step, in their order. */
export interface Tally {
  readonly results: ({ readonly identity: string } & BulkOutcome)[];
}

export function advanced(job: Job, { results }: Tally): Job {
  const count = (wanted: BulkOutcome['result']) => results.filter(({ result }) => result === wanted).length;
  const changed = count('changed');
  if (job.state === 'undoing') {
    return { ...job, restored: job.restored + changed, left: job.left + results.length - changed };
  }
  const told = results.flatMap(({ identity, refusal }) => (refusal === undefined ? [] : [{ identity, ...refusal }]));
  return {
    ...job,
    changed: job.changed + changed,
    same: job.same + count('same'),
    refused: job.refused + count('refused'),
    refusals: [...job.refusals, ...told].slice(0, REFUSALS_TOLD),
  };
}

/** There is nothing behind the last step. */
export const ended = (job: Job, now: number): Job => ({
  ...job,
  state: job.state === 'undoing' ? 'undone' : 'done',
  finished: now,
});
