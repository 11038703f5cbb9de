/**
 * Forms as firmware sends them (device-http.md, write): pairs of `application/x-www-form-urlencoded`, also with raw JSON or
 * a stray `%` in a value. Nothing is guessed: what is not valid UTF-8 after decoding is refused.
 */
import { isAscii } from 'node:buffer';
import { AppError } from '../../domain/errors.ts';

export type Pair = readonly [name: string, value: string];

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The pairs in order. BODY_INVALID where a piece has no `=` or is not UTF-8, or where there is no piece at all. */
export function parseForm(body: Buffer): Pair[] {
  return readPairs(body, decodeForm);
}

/** The pairs as they were sent, not decoded yet. */
export function splitForm(body: Buffer): Pair[] {
  return readPairs(body, (text) => text);
}

function readPairs(body: Buffer, decode: (text: string) => string): Pair[] {
  const text = decodeUtf8(body);
  const pairs: Pair[] = [];
  let end: number;
  for (let from = 0; from < text.length; from = end + 1) {
    end = text.indexOf('&', from);
    if (end === -1) end = text.length;
    if (end === from) continue;
    const equals = text.indexOf('=', from);
    if (equals === -1 || equals > end) {
      // Not shown: it may be a password.
      throw new AppError('BODY_INVALID', { seen: `${end - from} characters without =`, wanted: '<name>=<value>' });
    }
    pairs.push([decode(text.slice(from, equals)), decode(text.slice(equals + 1, end))]);
  }
  if (pairs.length === 0) throw new AppError('BODY_INVALID', { seen: 'no pairs', wanted: '<name>=<value>&…' });
  return pairs;
}

/** `+` is a space; valid `%XX` are bytes of UTF-8; any other `%` stands for itself. BODY_INVALID if the bytes are not UTF-8. */
export function decodeForm(text: string): string {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text;
  if (!spaced.includes('%')) return spaced;
  return spaced.replace(/(?:%[0-9a-fA-F]{2})+/g, (run) => decodeUtf8(Buffer.from(run.replaceAll('%', ''), 'hex')));
}

/** As a form writes it: RFC 3986 unreserved as they are, all else percent-encoded. */
export function encodeForm(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function decodeUtf8(bytes: Buffer): string {
  // Most of what devices send is ASCII, which needs no checking decoder.
  if (isAscii(bytes)) return bytes.toString('latin1');
  try {
    return utf8.decode(bytes);
  } catch {
    throw new AppError('BODY_INVALID', { seen: 'bytes that are not UTF-8', wanted: 'UTF-8' });
  }
}
