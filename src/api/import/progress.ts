/**
 * Tells the caller of a long call how far it is: with `Accept: application/x-ndjson` as lines of JSON, of which the last
 * one is the result or the error; otherwise not at all, and the answer is plain JSON.
 */
import type { AppError } from '../../domain/errors.ts';
import type { Call } from '../context.ts';
import { asAppError, failureBody, logFailure } from '../failure.ts';

export interface Progress {
  readonly phase: 'reading' | 'writing';
  readonly rows: number;
  readonly total?: number;
}
export type Report = (progress: Progress) => void;

/** At most four lines a second. */
const LINE_EVERY = 250;

/** Runs the work and answers with what it returns. Lines that the client is too slow for are left out. */
export async function answerWithProgress(call: Call, work: (report: Report) => Promise<unknown>): Promise<unknown> {
  const { request, reply, deps } = call;
  if (!/\bapplication\/x-ndjson\b/.test(request.headers.accept ?? '')) return work(() => {});
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    'content-type': 'application/x-ndjson; charset=utf-8',
    'x-accel-buffering': 'no',
  });
  raw.flushHeaders();
  const line = (value: unknown) => raw.write(`${JSON.stringify(value)}\n`);
  try {
    const result = await work(paced((progress) => raw.writableNeedDrain || line({ progress })));
    line({ result });
  } catch (error) {
    const failure: AppError = asAppError(error);
    logFailure(deps.logger, failure, request);
    line({ error: failureBody(failure) });
  }
  raw.end();
  return reply;
}

function paced(report: Report): Report {
  let next = 0;
  let phase: string | undefined;
  return (progress) => {
    const now = performance.now();
    if (now < next && progress.phase === phase) return;
    next = now + LINE_EVERY;
    phase = progress.phase;
    report(progress);
  };
}
