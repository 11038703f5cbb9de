/** What schemas cannot say of the times and tags in a request. */
import type { Tags } from '../domain/device.ts';
import { checkTag, TAGS_MAX } from '../domain/import.ts';
import { schemaError } from './validation.ts';

/** September 2001 in µs: a smaller number is a time in seconds or milliseconds, sent by mistake. */
const SMALLEST_TIME = 1_000_000_000_000_000;

/** SCHEMA for a time that cannot be meant as µs since the epoch. 0 is taken: it revokes, or means the beginning. */
export function checkTime(time: number | null | undefined, path = 'auth.expire'): void {
  if (time === undefined || time === null || time === 0 || time >= SMALLEST_TIME) return;
  throw schemaError([{ path, seen: String(time), expected: 'µs since the epoch, 16 digits' }]);
}

/** SCHEMA for names and values that a tag may not have. */
export function checkTags(tags: Tags | undefined): void {
  const entries = Object.entries(tags ?? {});
  if (entries.length > TAGS_MAX)
    throw schemaError([{ path: 'tags', seen: `${entries.length} tags`, expected: `at most ${TAGS_MAX}` }]);
  for (const [name, values] of entries) {
    for (const value of values.length === 0 ? [''] : values) {
      const fault = checkTag(name, value);
      if (fault !== null) throw schemaError([{ path: 'tags', seen: fault.reason, expected: fault.expected }]);
    }
  }
}
