/**
 * Reads HTTP/1.1 requests from bytes (RFC 9112), for the device door: strict, bounded, and only the headers that the door
 * needs. Whatever two readers might understand differently (bare LF, folded lines, two lengths, a length beside chunks) is
 * refused, so that no proxy in front can be made to see other requests than we do. Knows no sockets and no routes.
 */
import { AppError } from '../../domain/errors.ts';
import { ByteSink } from '../byte-sink.ts';
import { type ChunkedBody, createChunkedBody } from './chunked.ts';

/** Bytes of the request line, and of request line and headers together. */
export const TARGET_MAX = 8_192;
export const HEAD_MAX = 16_384;
/** A value of 1 MiB, percent-encoded in full, and what the form adds (device-http.md, 413). */
export const BODY_MAX = 3 * 1_048_576 + 65_536;

export interface Request {
  readonly method: string;
  readonly target: string;
  /** Minor version of HTTP/1.x. */
  readonly minor: number;
  readonly host: string | undefined;
  readonly authorization: string | undefined;
  readonly cik: string | undefined;
  readonly requestTimeout: string | undefined;
  readonly ifModifiedSince: string | undefined;
  readonly contentType: string | undefined;
  readonly range: string | undefined;
  readonly ifRange: string | undefined;
  readonly keepAlive: boolean;
  body: Buffer;
}

/** What the parser has to say after looking at the bytes so far. */
export type Step =
  /** More bytes are needed. `awaitsContinue`: the client waits for `100 Continue` before it sends the body. */
  { readonly kind: 'more'; readonly awaitsContinue: boolean } | { readonly kind: 'request'; readonly request: Request };

/** Longest head that is kept for comparison with the next one. */
const HEAD_REMEMBERED = 2_048;

const empty = Buffer.alloc(0);
const more: Step = { kind: 'more', awaitsContinue: false };
const continueFirst: Step = { kind: 'more', awaitsContinue: true };

type MutableHead = { -readonly [K in keyof Request]: Request[K] } & {
  length: number;
  chunked: boolean;
  expects: boolean;
  closes: boolean;
};

/** One for each connection. `next` throws AppError 400, 413, 414, 431; nothing more can be read from the connection then. */
export class RequestParser {
  #rest: Buffer = empty;
  #scanned = 0;
  #head: MutableHead | null = null;
  #chunks: ChunkedBody | null = null;
  #body: ByteSink | null = null;
  #lastHead: Buffer = empty;
  #lastParsed: MutableHead | null = null;

  /** Bytes that wait: of a request that is not complete, and of those behind it. */
  get waiting(): number {
    return this.#rest.length + (this.#chunks?.size ?? this.#body?.capacity ?? 0);
  }

  /** True between the first byte of a request and its last. */
  get midway(): boolean {
    return this.#head !== null || this.#rest.length > 0;
  }

  /** The chunk is looked at in place: `keep` has to be called before it is overwritten. */
  push(chunk: Buffer): void {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
  }

  /** Copies what is left of the chunks pushed so far. */
  keep(): void {
    if (this.#rest.length > 0) this.#rest = Buffer.from(this.#rest);
  }

  /** The next complete request, as far as the bytes go. */
  next(): Step {
    if (this.#head === null && !this.#readHead()) return more;
    const head = this.#head!;
    const asked = head.expects;
    if (!this.#readBody(head)) {
      head.expects = false;
      return asked && this.#rest.length === 0 ? continueFirst : more;
    }
    this.#head = null;
    return { kind: 'request', request: head };
  }

  #readHead(): boolean {
    // RFC 9112, 2.2: empty lines before a request line are ignored; two are more than any client sends.
    let skipped = 0;
    while (skipped < 4 && (this.#rest[skipped] === 0x0d || this.#rest[skipped] === 0x0a)) skipped += 1;
    if (skipped > 0) {
      this.#rest = this.#rest.subarray(skipped);
      this.#scanned = 0;
    }
    const length = this.#sameHead() ? this.#lastHead.length : this.#newHead();
    if (length === 0) return false;
    this.#head = { ...this.#lastParsed! };
    this.#rest = this.#rest.length === length ? empty : this.#rest.subarray(length);
    this.#scanned = 0;
    if (this.#head.chunked) this.#chunks = createChunkedBody(BODY_MAX);
    return true;
  }

  /** A device mostly sends the same head again and again: what it means is known then. */
  #sameHead(): boolean {
    const { length } = this.#lastHead;
    return length > 0 && this.#rest.length >= length && this.#rest.compare(this.#lastHead, 0, length, 0, length) === 0;
  }

  /** Length of the head that the bytes begin with, 0 if it is not complete. */
  #newHead(): number {
    const end = this.#rest.indexOf('\r\n\r\n', this.#scanned, 'latin1');
    if (end === -1 || end > HEAD_MAX) {
      refuseEndless(this.#rest);
      this.#scanned = Math.max(0, this.#rest.length - 3);
      return 0;
    }
    this.#lastParsed = parseHead(this.#rest.toString('latin1', 0, end));
    // A copy: a view would keep all that was received along with it.
    this.#lastHead = end > HEAD_REMEMBERED ? empty : Buffer.from(this.#rest.subarray(0, end + 4));
    return end + 4;
  }

  /** True once the body is whole. */
  #readBody(head: MutableHead): boolean {
    if (this.#chunks !== null) {
      this.#rest = this.#chunks.push(this.#rest);
      if (!this.#chunks.done) return false;
      head.body = this.#chunks.body();
      this.#chunks = null;
      return true;
    }
    if (head.length === 0) return true;
    if (this.#body === null && this.#rest.length >= head.length) {
      head.body = Buffer.from(this.#take(head.length));
      return true;
    }
    this.#body ??= new ByteSink();
    this.#body.append(this.#take(head.length - this.#body.length));
    if (this.#body.length < head.length) return false;
    head.body = this.#body.bytes();
    this.#body = null;
    return true;
  }

  #take(max: number): Buffer {
    const taken = this.#rest.subarray(0, max);
    this.#rest = this.#rest.length === taken.length ? empty : this.#rest.subarray(taken.length);
    return taken;
  }
}

/** A head that does not end: is it the line or the headers that are too long? */
function refuseEndless(bytes: Buffer): void {
  const line = bytes.subarray(0, TARGET_MAX + 1).indexOf(0x0a);
  if (line === -1 && bytes.length > TARGET_MAX) {
    throw new AppError('URI_TOO_LONG', { seen: `over ${TARGET_MAX} bytes`, wanted: `at most ${TARGET_MAX}` });
  }
  if (bytes.length > HEAD_MAX) {
    throw new AppError('HEADERS_TOO_LARGE', { seen: `over ${HEAD_MAX} bytes`, wanted: `at most ${HEAD_MAX}` });
  }
  const lineFeed = bytes.indexOf(0x0a);
  if (lineFeed > 0 && bytes[lineFeed - 1] !== 0x0d) throw malformed('a bare line break');
  // What cannot become a request is refused at once: a TLS handshake or noise on the plain port, a method no one has.
  if (bytes.length > 0 && !/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}( |$)/.test(bytes.toString('latin1', 0, 33))) {
    throw malformed('no method at its start');
  }
}

/** Control characters, and CR or LF that is not part of CRLF. Bytes from 0x80 may stand in values (RFC 9110, 5.5). */
const forbidden = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)|(?<!\r)\n/;
const requestLine = /^([!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}) ([^ \x80-\xff]+) HTTP\/(\d)\.(\d)$/;
const fieldName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

function parseHead(text: string): MutableHead {
  if (forbidden.test(text)) throw malformed('a control character or a bare line break');
  const lineEnd = text.indexOf('\r\n');
  const first = lineEnd === -1 ? text : text.slice(0, lineEnd);
  if (first.length > TARGET_MAX) {
    throw new AppError('URI_TOO_LONG', { seen: `${first.length} bytes`, wanted: `at most ${TARGET_MAX}` });
  }
  const parts = requestLine.exec(first);
  if (parts === null) throw malformed(`the request line "${first}"`, '<method> <path> HTTP/1.1');
  if (parts[3] !== '1') throw malformed(`HTTP/${parts[3]}.${parts[4]}`, 'HTTP/1.1');
  const minor = Number(parts[4]);
  const head: MutableHead = {
    method: parts[1]!,
    target: parts[2]!,
    minor,
    host: undefined,
    authorization: undefined,
    cik: undefined,
    requestTimeout: undefined,
    ifModifiedSince: undefined,
    contentType: undefined,
    range: undefined,
    ifRange: undefined,
    keepAlive: minor >= 1,
    body: empty,
    length: -1,
    chunked: false,
    expects: false,
    closes: false,
  };
  let at = lineEnd === -1 ? text.length : lineEnd + 2;
  while (at < text.length) {
    let end = text.indexOf('\r\n', at);
    if (end === -1) end = text.length;
    const colon = text.indexOf(':', at);
    if (colon === -1 || colon >= end) throw malformed('a header line without a colon');
    readField(head, text.slice(at, colon), text, colon + 1, end);
    at = end + 2;
  }
  return finish(head);
}

function readField(head: MutableHead, name: string, text: string, from: number, to: number): void {
  // The length of a name tells most of them apart from those that matter, before anything is copied.
  switch (name.length) {
    case 4:
      if (same(name, 'host')) head.host = once('Host', head.host, text.slice(from, to));
      break;
    case 5:
      if (same(name, 'range')) head.range = once('Range', head.range, text.slice(from, to));
      break;
    case 6:
      if (same(name, 'expect')) head.expects = expectation(text.slice(from, to).trim());
      break;
    case 8:
      if (same(name, 'if-range')) head.ifRange = once('If-Range', head.ifRange, text.slice(from, to));
      break;
    case 10:
      if (same(name, 'connection')) head.keepAlive = persistence(head, text.slice(from, to));
      break;
    case 12:
      // Also of a request without a use for it: the last one counts.
      if (same(name, 'content-type')) head.contentType = text.slice(from, to).trim();
      break;
    case 13:
      if (same(name, 'authorization'))
        head.authorization = once('Authorization', head.authorization, text.slice(from, to));
      else if (same(name, 'x-exosite-cik')) head.cik = once('X-Exosite-CIK', head.cik, text.slice(from, to));
      break;
    case 14:
      if (same(name, 'content-length')) readLength(head, text.slice(from, to).trim());
      break;
    case 15:
      if (same(name, 'request-timeout')) head.requestTimeout = text.slice(from, to).trim();
      break;
    case 17:
      if (same(name, 'transfer-encoding')) readCoding(head, text.slice(from, to).trim());
      else if (same(name, 'if-modified-since')) head.ifModifiedSince = text.slice(from, to).trim();
      break;
  }
  // Not shown: it may be a line that was meant for the body, or a credential without the name of its header.
  if (!fieldName.test(name)) throw malformed('a header whose name has characters that none may have');
}

/** Names are compared without case (RFC 9110, 5.1); firmware sends every case there is. */
function same(name: string, wanted: string): boolean {
  return name === wanted || name.toLowerCase() === wanted;
}

function once(name: string, before: string | undefined, value: string): string {
  if (before !== undefined) throw malformed(`two ${name} headers`, 'one');
  return value.trim();
}

/** RFC 9110, 10.1.1: no other expectation is known. */
function expectation(value: string): boolean {
  if (value.toLowerCase() === '100-continue') return true;
  throw malformed(`Expect: ${value}`, '100-continue');
}

/** RFC 9112, 9.3: once close is said, nothing that follows unsays it. */
function persistence(head: MutableHead, value: string): boolean {
  const options = value.toLowerCase();
  head.closes ||= options.includes('close');
  return !head.closes && (options.includes('keep-alive') || head.keepAlive);
}

function readLength(head: MutableHead, value: string): void {
  if (head.length !== -1) throw malformed('two Content-Length headers', 'one');
  if (!/^\d{1,15}$/.test(value)) throw malformed(`Content-Length: ${value}`, 'a number of bytes');
  head.length = Number(value);
}

function readCoding(head: MutableHead, value: string): void {
  if (head.chunked || value.toLowerCase() !== 'chunked')
    throw malformed(`Transfer-Encoding: ${value}`, 'chunked, once');
  head.chunked = true;
}

function finish(head: MutableHead): MutableHead {
  // RFC 9112, 6.1: a length beside chunks is how requests are smuggled; chunks in HTTP/1.0 do not exist.
  if (head.chunked && head.length !== -1) throw malformed('Content-Length beside Transfer-Encoding', 'one of them');
  if (head.chunked && head.minor === 0) throw malformed('Transfer-Encoding in HTTP/1.0', 'Content-Length');
  // RFC 9112, 3.2.
  if (head.host === undefined && head.minor >= 1) throw malformed('no Host header', 'one');
  if (head.length > BODY_MAX) {
    throw new AppError('BODY_TOO_LARGE', { seen: `${head.length} bytes`, wanted: `at most ${BODY_MAX}` });
  }
  if (head.length === -1) head.length = 0;
  return head;
}

function malformed(seen: string, wanted?: string): AppError {
  return new AppError('REQUEST_MALFORMED', { seen, wanted });
}
