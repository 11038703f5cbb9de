/** What a job has done so far, in words. */
import type { Job } from '../api/types.ts';
import { countDevices, formatNumber } from './paging.ts';

/** Devices that it has looked at, of those that it is about. */
export function throughOf({
  state,
  changed,
  same,
  refused,
  restored,
  left,
  total,
}: Job): [through: number, of: number] {
  if (state === 'undoing' || state === 'undone') return [restored + left, changed];
  const through = changed + same + refused;
  return [through, Math.max(total, through)];
}

/** `1,200 devices locked, 3 were so already, 2 refused` */
export function outcomeOf(job: Job, done: string): string {
  if (job.state === 'undone') {
    const left = job.left === 0 ? '' : `; ${countDevices(job.left)} changed since, and left as they are`;
    return `${countDevices(job.restored)} as before${left}`;
  }
  const parts = [`${countDevices(job.changed)} ${done}`];
  if (job.same > 0) parts.push(`${formatNumber(job.same)} needed no change`);
  if (job.refused > 0) parts.push(`${formatNumber(job.refused)} refused`);
  return parts.join(', ');
}
