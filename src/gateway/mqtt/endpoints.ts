/** What figures tell apart at the MQTT door: packets that get an answer, and a PUBLISH by the kind of its topic. */
import type { Endpoint } from '../../metrics/tally.ts';
import type { Topic } from './topics.ts';

export const endpoints: readonly Endpoint[] = [
  { method: 'CONNECT', route: 'none' },
  { method: 'PUBLISH', route: '$resource/{alias}' },
  { method: 'PUBLISH', route: '$resource' },
  { method: 'PUBLISH', route: '$resource/{alias}/{timestamp}' },
  { method: 'PUBLISH', route: '$resource.batch' },
  { method: 'PUBLISH', route: '$provision/{identity}' },
  { method: 'PUBLISH', route: '{topic}' },
  { method: 'PUBLISH', route: 'none' },
];
/** Place of CONNECT. */
export const CONNECT = 0;
/** Place of a PUBLISH on a topic of this kind. */
export const publishOn = {
  write: 1,
  object: 2,
  record: 3,
  batch: 4,
  provision: 5,
  message: 6,
  refused: 7,
} as const satisfies Record<Topic['kind'], number>;
