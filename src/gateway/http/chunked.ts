/** Decodes a chunked body (RFC 9112, 7.1): bounded, extensions and trailers read over. */
import { AppError } from '../../domain/errors.ts';
import { ByteSink } from '../byte-sink.ts';

/** Longest line of a chunk size or trailer, and all trailers together. */
const LINE_MAX = 256;
const TRAILERS_MAX = 4_096;

/** Read over, but only if every reader would see the same (RFC 9112, 7.1.2). */
const trailer = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\x00-\x08\x0a-\x1f\x7f]*$/;

export interface ChunkedBody {
  /** Takes bytes; gives back those that belong to the next request, or that end a line not yet complete. AppError 400, 413. */
  push(bytes: Buffer): Buffer;
  /** Bytes of memory that it holds. */
  readonly size: number;
  readonly done: boolean;
  body(): Buffer;
}

export function createChunkedBody(max: number): ChunkedBody {
  const sink = new ByteSink();
  let state: 'size' | 'data' | 'data-end' | 'trailers' | 'done' = 'size';
  let left = 0;
  let trailers = 0;

  /** One line without its CRLF; null while it is not complete. */
  function takeLine(bytes: Buffer, from: number): { line: string; next: number } | null {
    const end = bytes.indexOf(0x0a, from);
    if (end === -1 ? bytes.length - from > LINE_MAX : end - from > LINE_MAX) throw invalid('a line that does not end');
    if (end === -1) return null;
    if (end === from || bytes[end - 1] !== 0x0d) throw invalid('a bare line break');
    return { line: bytes.toString('latin1', from, end - 1), next: end + 1 };
  }

  function readSize(line: string): void {
    const digits = /^([0-9a-fA-F]{1,8})[ \t]*(;[^\x00-\x08\x0a-\x1f\x7f]*)?$/.exec(line)?.[1];
    if (digits === undefined) throw invalid(`the size "${line}"`);
    left = Number.parseInt(digits, 16);
    if (sink.length + left > max) {
      throw new AppError('BODY_TOO_LARGE', { seen: `over ${max} bytes`, wanted: `at most ${max}` });
    }
    state = left === 0 ? 'trailers' : 'data';
  }

  function readLine(line: string): void {
    if (state === 'size') {
      readSize(line);
    } else if (state === 'data-end') {
      if (line !== '') throw invalid('a chunk longer than its size');
      state = 'size';
    } else if (line === '') {
      state = 'done';
    } else if (!trailer.test(line)) {
      throw invalid('a trailer that is no header line');
    } else {
      trailers += line.length;
      if (trailers > TRAILERS_MAX)
        throw new AppError('HEADERS_TOO_LARGE', { seen: 'trailers', wanted: `at most ${TRAILERS_MAX} bytes` });
    }
  }

  return {
    push(bytes) {
      let at = 0;
      while (state !== 'done') {
        if (state === 'data') {
          const part = bytes.subarray(at, at + left);
          sink.append(part);
          left -= part.length;
          at += part.length;
          if (left > 0) break;
          state = 'data-end';
        } else {
          const taken = takeLine(bytes, at);
          if (taken === null) break;
          at = taken.next;
          readLine(taken.line);
        }
      }
      return bytes.subarray(at);
    },
    get size() {
      return sink.capacity;
    },
    get done() {
      return state === 'done';
    },
    body: () => sink.bytes(),
  };
}

function invalid(seen: string): AppError {
  return new AppError('REQUEST_MALFORMED', { seen: `a chunked body with ${seen}` });
}
