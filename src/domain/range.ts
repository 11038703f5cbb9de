/** Which part of a file a request wants (RFC 9110, 14). Pure. */

/** Both ends inclusive; `end` is `start - 1` for nothing at all. */
export interface Part {
  readonly start: number;
  readonly end: number;
}

/** The validators of what is there now. `updated` in µs. */
export interface Version {
  readonly etag: string;
  readonly updated: number;
}

/**
 * The part that a `Range` header asks for: `whole` where there is none, or one that is to be ignored (another unit, bad
 * syntax, several parts: RFC 9110, 14.2), `none` where it cannot be met (416).
 */
export function parseRange(header: string | undefined, bytes: number): Part | 'whole' | 'none' {
  const parts = header === undefined ? null : /^bytes=(\d{0,15})-(\d{0,15})$/i.exec(header.replace(/[ \t]/g, ''));
  if (parts === null) return 'whole';
  const [, first, last] = parts as unknown as [string, string, string];
  if (first === '' && last === '') return 'whole';
  // RFC 9110, 14.1.2: the last n bytes; of a shorter file, all.
  if (first === '')
    return last === '0'.repeat(last.length) || bytes === 0
      ? 'none'
      : { start: Math.max(0, bytes - Number(last)), end: bytes - 1 };
  const start = Number(first);
  const end = last === '' ? Number.POSITIVE_INFINITY : Number(last);
  if (end < start) return 'whole';
  return start >= bytes ? 'none' : { start, end: Math.min(end, bytes - 1) };
}

/** Whether what the client has a part of is what is there now (RFC 9110, 13.1.5): the same strong tag, or exact date. */
export function matchesIfRange(header: string | undefined, { etag, updated }: Version): boolean {
  if (header === undefined || header === etag) return true;
  if (header.startsWith('"') || header.startsWith('W/')) return false;
  // No two versions share a second (content.ts): the date is a strong validator.
  return header === httpDate(updated);
}

/** What to send: a range counts only while it is of the present version. */
export function partOf(
  range: string | undefined,
  ifRange: string | undefined,
  bytes: number,
  version: Version,
): Part | 'whole' | 'none' {
  return matchesIfRange(ifRange, version) ? parseRange(range, bytes) : 'whole';
}

/** RFC 9110, 5.6.7; of µs. */
export const httpDate = (at: number): string => new Date(Math.floor(at / 1000)).toUTCString();

/** The strong validator of a file. */
export const etagOf = (sha256: string): string => `"${sha256}"`;
