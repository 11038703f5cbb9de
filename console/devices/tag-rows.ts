/** Tags as they are typed, a row of name and value each. */
import type { Tags } from '../../src/domain/device.ts';
import { checkTag } from '../../src/domain/import.ts';

export interface TagRow {
  /** Of the row on the screen. */
  readonly key: number;
  readonly name: string;
  readonly value: string;
}

/** What is wrong with a tag, as a sentence; null if a device may carry it, and for an empty row. */
export function tagFault({ name, value }: Pick<TagRow, 'name' | 'value'>): string | null {
  if (name === '' && value === '') return null;
  if (name === '') return 'A tag needs a name';
  const fault = checkTag(name, value);
  return fault === null ? null : `It ${fault.reason}; expected: ${fault.expected}`;
}

/** The rows as the server takes them: a name that stands there more than once has all its values, each once. */
export function tagsOf(rows: readonly TagRow[]): Tags {
  const filled = rows.filter(({ name }) => name !== '');
  const byName = Map.groupBy(filled, ({ name }) => name);
  return Object.fromEntries([...byName].map(([name, same]) => [name, [...new Set(same.map(({ value }) => value))]]));
}
