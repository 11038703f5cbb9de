/** Tags as they stand in a row: JSON that PostgreSQL can take apart, which no U+0000 is. Pure. */
import type { Tags } from '../../domain/device.ts';
import { fromText, toText } from './text.ts';

export function packTags(tags: Tags): string {
  const pairs = Object.entries(tags).map(([name, values]) => [toText(name), values.map(toText)]);
  return JSON.stringify(Object.fromEntries(pairs));
}

export function unpackTags(text: string): Tags {
  const tags = JSON.parse(text) as Tags;
  if (!text.includes('\\u0001')) return tags;
  return Object.fromEntries(Object.entries(tags).map(([name, values]) => [fromText(name), values.map(fromText)]));
}

/** Each value with its name. */
export function tagPairs(tags: Tags): { name: string; value: string }[] {
  return Object.entries(tags).flatMap(([name, values]) => [...new Set(values)].map((value) => ({ name, value })));
}
