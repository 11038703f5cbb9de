/**
 * Text and lists on their way into PostgreSQL. Its text holds every character but U+0000, which devices may send: that one is
 * written as two others. Pure.
 */

const awkward = /[\0\x01]/g;

/** U+0001 escapes: `\x01a` stands for U+0000, `\x01b` for itself. */
export function toText(text: string): string {
  if (!text.includes('\0') && !text.includes('\x01')) return text;
  return text.replace(awkward, (character) => (character === '\0' ? '\x01a' : '\x01b'));
}

export function fromText(text: string): string {
  return text.includes('\x01') ? text.replace(/\x01[ab]/g, (pair) => (pair === '\x01a' ? '\0' : '\x01')) : text;
}

/** What stands for an array among the values of a statement: PostgreSQL's own notation (PostgreSQL manual, 8.15). */
export interface List {
  readonly literal: string;
}

export function numbers(list: Iterable<number | null>): List {
  return { literal: `{${Array.from(list, (value) => value ?? 'NULL').join(',')}}` };
}

export function texts(list: Iterable<string | null>): List {
  return { literal: `{${Array.from(list, quoted).join(',')}}` };
}

function quoted(value: string | null): string {
  if (value === null) return 'NULL';
  const text = toText(value);
  return text.includes('"') || text.includes('\\') ? `"${text.replace(/["\\]/g, '\\$&')}"` : `"${text}"`;
}

/** JSON in which no text has a U+0000, for routines that take it apart. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_, item) => (typeof item === 'string' ? toText(item) : item));
}
