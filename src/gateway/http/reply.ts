/** Answers of the device door as bytes. Small firmware reads them: `Content-Length: ` in just this case, never chunked. */
import { STATUS_CODES } from 'node:http';
import type { AppError } from '../../domain/errors.ts';

/** `body` undefined: none and none possible (204, 304). `headers`: further lines, each with its CRLF. */
export interface Reply {
  readonly status: number;
  readonly headers: string;
  readonly body: string | undefined;
  readonly type: string;
  /** In place of a body: sent piece by piece. */
  readonly file?: FileBody;
}

/** A body that is not held in memory. `close` must be called, however it ends. */
export interface FileBody {
  readonly bytes: number;
  pieces(): AsyncIterable<Uint8Array>;
  /** Whether the device may still have it; if not, `renew` looks again and throws if it may not. */
  holds(): boolean;
  renew(): Promise<void>;
  /** Called when `holds` may have become false. */
  onDropped(listener: () => void): void;
  /** All of it is on its way. */
  sent(): void;
  close(): Promise<void>;
}

const text = 'text/plain; charset=utf-8';

export const noContent: Reply = { status: 204, headers: '', body: undefined, type: text };
export const plain = (body: string): Reply => ({ status: 200, headers: '', body, type: text });
export const form = (body: string, headers = ''): Reply => ({
  status: 200,
  headers,
  body,
  type: 'application/x-www-form-urlencoded; charset=utf-8',
});
export const notModified: Reply = { status: 304, headers: '', body: undefined, type: text };

/** What an error tells a device: one line, or the body that the wire format prescribes. */
export function failure(error: AppError, headers = ''): Reply {
  const challenge = error.status === 401 ? 'WWW-Authenticate: Token realm="slipway", Basic realm="slipway"\r\n' : '';
  const retry = error.retryAfter === undefined ? '' : `Retry-After: ${error.retryAfter}\r\n`;
  const body = error.body ?? `${error.message}\n`;
  const type = error.body === undefined ? text : 'application/x-www-form-urlencoded; charset=utf-8';
  return { status: error.status, headers: `${headers}${challenge}${retry}`, body, type };
}

let second = 0;
let date = '';
let done = '';

/** RFC 9110, 6.6.1; made once a second. */
function refresh(): void {
  const now = Math.floor(Date.now() / 1000);
  if (now === second) return;
  second = now;
  date = new Date(now * 1000).toUTCString();
  done = `HTTP/1.1 204 No Content\r\nDate: ${date}\r\nServer: Slipway\r\n\r\n`;
}

/** What becomes of the connection after the answer; HTTP/1.0 has to be told that it stays (RFC 9112, appendix C.2.2). */
export type Persistence = 'stays' | 'stays in 1.0' | 'ends';
const persistence: Readonly<Record<Persistence, string>> = {
  stays: '',
  'stays in 1.0': 'Connection: keep-alive\r\n',
  ends: 'Connection: close\r\n',
};

/** The whole answer; of a file, all before its bytes. `headOnly`: to HEAD, which wants to know of a body but must not be sent one (RFC 9110, 9.3.2). */
export function render(reply: Reply, after: Persistence, headOnly = false): string {
  refresh();
  const { status, headers, body, type, file } = reply;
  if (status === 204 && headers === '' && after === 'stays') return done;
  const bytes = file?.bytes ?? (body === undefined ? -1 : Buffer.byteLength(body));
  const length = bytes === -1 ? '' : `Content-Type: ${type}\r\nContent-Length: ${bytes}\r\n`;
  const reason = STATUS_CODES[status] ?? 'Unknown';
  return `HTTP/1.1 ${status} ${reason}\r\nDate: ${date}\r\nServer: Slipway\r\n${headers}${length}${persistence[after]}\r\n${headOnly ? '' : (body ?? '')}`;
}
