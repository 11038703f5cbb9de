/** What the address of the log says: its filters, and which line is open. */
import type { EventType } from '../../src/domain/connector.ts';
import { textOf } from '../devices/search.ts';
import { isEventType } from '../events/labels.ts';

export interface LogSearch {
  /** Those of the settings unless given. */
  readonly types?: readonly EventType[];
  /** The whole identity. */
  readonly identity?: string;
  /** Number of the event whose line is open. */
  readonly line?: number;
}

/** Takes whatever stands in an address; what makes no sense is left out. Types may stand in one text, with commas between. */
export function readLogSearch(given: Record<string, unknown>): LogSearch {
  const names = typeof given.types === 'string' ? given.types.split(',') : given.types;
  const types = Array.isArray(names) ? [...new Set(names.filter(isEventType))] : [];
  const { line } = given;
  return {
    types: types.length === 0 ? undefined : types,
    identity: textOf(given.identity),
    line: typeof line === 'number' && Number.isSafeInteger(line) && line > 0 ? line : undefined,
  };
}
