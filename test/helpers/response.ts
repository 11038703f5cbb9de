/** Reads HTTP/1.1 responses from bytes, and holds each to what device-http.md says of every response. No sockets here. */
import assert from 'node:assert/strict';

export interface RawResponse {
  readonly status: number;
  /** The status line, as sent. */
  readonly line: string;
  /** The header lines, as sent: small firmware compares bytes. */
  readonly head: readonly string[];
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * The first final response in `bytes` and how many bytes it took; null while it is not complete. `ended`: no more will
 * come, so a body without a length goes to the end.
 */
export function readResponse(bytes: Buffer, ended = false): { response: RawResponse; used: number } | null {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd === -1) return null;
  const [line = '', ...head] = bytes.toString('latin1', 0, headEnd).split('\r\n');
  const status = Number(/^HTTP\/1\.[01] (\d{3})( |$)/.exec(line)?.[1]);
  assert.ok(status >= 100, `not a status line: ${JSON.stringify(line)}`);
  const start = headEnd + 4;
  if (status < 200) {
    const next = readResponse(bytes.subarray(start), ended);
    return next && { response: next.response, used: start + next.used };
  }
  const headers = byName(head);
  const length = bodyLength(status, headers, ended ? bytes.length - start : null);
  if (length === null || bytes.length < start + length) return null;
  const body = bytes.toString('utf8', start, start + length);
  return { response: { status, line, head, headers, body }, used: start + length };
}

function byName(head: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    head.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
}

function bodyLength(status: number, headers: Readonly<Record<string, string>>, rest: number | null): number | null {
  if (status === 204 || status === 304) return 0;
  const length = headers['content-length'];
  return length === undefined ? rest : Number(length);
}

/** device-http.md, General: `Date`, `Server: Slipway`, `Content-Length: ` in just this case, never chunked, one line of text. */
export function assertShape(response: RawResponse): void {
  const shown = JSON.stringify(response);
  assert.ok(!Number.isNaN(Date.parse(response.headers.date ?? '')), `no Date: ${shown}`);
  assert.ok(response.head.includes('Server: Slipway'), `no "Server: Slipway": ${shown}`);
  assert.equal(response.headers['transfer-encoding'], undefined, `chunked: ${shown}`);
  if (response.status === 204 || response.status === 304) {
    assert.equal(response.body, '', shown);
    return;
  }
  const bytes = Buffer.byteLength(response.body);
  assert.ok(response.head.includes(`Content-Length: ${bytes}`), `no "Content-Length: ${bytes}": ${shown}`);
  if (response.status < 400) return;
  if (response.status === 409 && response.headers['content-type']?.includes('urlencoded')) return; // record conflicts
  assert.equal(response.headers['content-type'], 'text/plain; charset=utf-8', shown);
  assert.match(response.body, /^[^\r\n]+\n?$/, `not one line that says what was wrong: ${shown}`);
}
