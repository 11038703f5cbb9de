/** The cursor of a page of devices: after which row the next one begins, for one order. Pure; the same for all engines. */
import { AppError } from '../domain/errors.ts';
import type { DeviceSort } from './store.ts';

export function toCursor(sort: DeviceSort, value: string | number, key: number): string {
  return Buffer.from(JSON.stringify([sort, value, key])).toString('base64url');
}

/** The value that the rows are sorted by, and the key of the row. CURSOR_INVALID. */
export function fromCursor(cursor: string, sort: DeviceSort, type: 'string' | 'number'): [string | number, number] {
  const invalid = () => new AppError('CURSOR_INVALID', { seen: cursor });
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    throw invalid();
  }
  if (!Array.isArray(parsed) || parsed.length !== 3 || parsed[0] !== sort) throw invalid();
  if (typeof parsed[1] !== type || !Number.isSafeInteger(parsed[2])) throw invalid();
  if (type === 'number' && !Number.isSafeInteger(parsed[1])) throw invalid();
  return [parsed[1] as string | number, parsed[2] as number];
}
