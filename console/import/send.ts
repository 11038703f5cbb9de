/**
 * Sends a file and reads the answer as it comes. By XMLHttpRequest, since `fetch` does not tell how much of a body has
 * left. The file is read from the disk as it is sent and never held.
 */
import { device2 } from '../api/client.ts';
import { ApiFailure, type ErrorAnswer, Unreachable } from '../api/failure.ts';
import { failureOfRequest } from '../api/request.ts';
import { FileUnreadable } from './failure-text.ts';
import { createLineReader } from './ndjson.ts';
import type { ImportAnswer } from './review.ts';
import type { Progress } from './state.ts';

export interface ImportQuery {
  readonly dry_run?: boolean;
  readonly mode?: 'skip';
  /** µs since the epoch. */
  readonly expire?: number;
  readonly name?: string;
}

export interface Sending {
  /** ApiFailure, Unreachable, FileUnreadable; never settles once it was stopped. */
  readonly answer: Promise<ImportAnswer>;
  /** The server then drops what it has got, unless it has begun to write. */
  stop(): void;
}

interface Line {
  readonly progress?: Progress;
  readonly result?: ImportAnswer;
  readonly error?: ErrorAnswer;
}

interface Listener {
  readonly onProgress: (progress: Progress) => void;
  /** ms by which the server's clock is ahead of this one. */
  readonly onClock: (ahead: number) => void;
}

export function sendFile(connector: string, file: File, query: ImportQuery, listener: Listener): Sending {
  const request = new XMLHttpRequest();
  let stopped = false;
  const answer = readable(file).then(() => {
    const { promise, resolve, reject } = Promise.withResolvers<ImportAnswer>();
    if (!stopped) run(request, file, listener, resolve, reject);
    return promise;
  });
  request.open('POST', `${device2(connector)}/identities?${searchOf(query)}`);
  return {
    answer,
    stop() {
      stopped = true;
      request.abort();
    },
  };
}

function searchOf(query: ImportQuery): URLSearchParams {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  return new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
}

/** Browsers hand out a file as it was when it was chosen, and refuse to read one that has changed since. */
async function readable(file: File): Promise<void> {
  await file
    .slice(0, 1)
    .arrayBuffer()
    .catch((cause) => Promise.reject(new FileUnreadable(cause)));
}

function run(
  request: XMLHttpRequest,
  file: File,
  listener: Listener,
  resolve: (answer: ImportAnswer) => void,
  reject: (error: unknown) => void,
): void {
  const lines = createLineReader();
  let seen = 0;
  let last: Line = {};
  const take = (read: readonly unknown[]) => {
    for (const line of read as Line[]) {
      last = line;
      if (line.progress !== undefined) listener.onProgress(line.progress);
    }
  };
  const takeText = () => {
    if (!isLines(request)) return;
    const text = request.responseText;
    take(lines.push(text.slice(seen)));
    seen = text.length;
  };
  request.upload.onprogress = ({ loaded }) => listener.onProgress({ phase: 'sending', sent: loaded, size: file.size });
  request.upload.onload = () => listener.onProgress({ phase: 'reading', rows: 0 });
  request.onreadystatechange = () => {
    if (request.readyState === XMLHttpRequest.HEADERS_RECEIVED) noteClock(request, listener);
  };
  const settle = () => {
    if (!isLines(request)) return reject(failureOfRequest(request));
    takeText();
    take(lines.end());
    if (last.result !== undefined) resolve(last.result);
    else reject(last.error === undefined ? new Unreachable('cut off') : new ApiFailure(last.error));
  };
  // A proxy may put a page of its own in between: then it was not the server that answered.
  const guarded = (work: () => void) => () => {
    try {
      work();
    } catch (cause) {
      request.abort();
      reject(new Unreachable(cause));
    }
  };
  request.onprogress = guarded(takeText);
  request.onload = guarded(settle);
  request.onerror = () => {
    readable(file).then(() => reject(new Unreachable('no answer')), reject);
  };
  request.setRequestHeader('accept', 'application/x-ndjson');
  request.setRequestHeader('content-type', 'text/csv');
  request.send(file);
}

const isLines = (request: XMLHttpRequest) =>
  request.status === 200 && (request.getResponseHeader('content-type') ?? '').startsWith('application/x-ndjson');

/** To the second. */
function noteClock(request: XMLHttpRequest, { onClock }: Listener): void {
  const time = Date.parse(request.getResponseHeader('date') ?? '');
  if (!Number.isNaN(time)) onClock(time - Date.now());
}
