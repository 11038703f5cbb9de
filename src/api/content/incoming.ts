/** Takes the bytes of a file out of their request as they come: bounded in number, and never waiting for ever. */
import type { Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import { AppError } from '../../domain/errors.ts';
import type { Call } from '../context.ts';

/** Files that come in at a time. */
const UPLOADS_MAX = 16;
/** ms without a byte after which an upload is given up. */
const STALL = 60_000;

/** Runs `work` as one of few; after a failure the rest of the request is dropped, so that the client sees the answer. */
export async function receiving<T>(call: Pick<Call, 'state' | 'request'>, work: () => Promise<T>): Promise<T> {
  const { state, request } = call;
  if (state.uploads >= UPLOADS_MAX) {
    throw new AppError('OVERLOADED', {
      seen: `${state.uploads} uploads`,
      wanted: `fewer than ${UPLOADS_MAX}`,
      retryAfter: 10,
    });
  }
  state.uploads += 1;
  try {
    return await work();
  } catch (error) {
    request.raw.unpipe();
    request.raw.resume();
    throw error;
  } finally {
    state.uploads -= 1;
  }
}

/** Refuses what says beforehand that it is too large. BODY_TOO_LARGE */
export function expectLength(request: FastifyRequest, most: number): void {
  const length = Number(request.headers['content-length'] ?? 0);
  if (length > most) throw new AppError('BODY_TOO_LARGE', { seen: `${length} bytes`, wanted: `at most ${most}` });
}

/** The source's bytes. Leaves it open when its reader stops early. REQUEST_TIMEOUT, BODY_INVALID where it breaks off. */
export async function* bytesOf(source: Readable | undefined): AsyncGenerator<Uint8Array, void, undefined> {
  if (source === undefined) return;
  const late = new AppError('REQUEST_TIMEOUT', {
    seen: `${STALL / 1000} s without a byte`,
    wanted: 'the rest of the file',
  });
  const timer = setTimeout(() => source.destroy(late), STALL);
  try {
    for await (const chunk of source.iterator({ destroyOnReturn: false })) {
      timer.refresh();
      yield chunk as Uint8Array;
    }
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    throw new AppError('BODY_INVALID', { seen: (cause as Error).message, wanted: 'a whole file', cause });
  } finally {
    clearTimeout(timer);
  }
}
