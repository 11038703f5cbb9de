/**
 * One client connection as cheap as Node allows: the bytes of a request are ready-made, an answer is recognised by its
 * status line and length. Written for load, not for use: it knows only the answers that the doors give.
 */
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, createSecureContext, type SecureContext } from 'node:tls';

/** Where requests go. */
export interface Target {
  readonly port: number;
  /** Null: plain. The certificate is checked against `ca` (PEM). */
  readonly tls: { readonly ca: string; readonly servername: string } | null;
}

/** `body` is empty where there is none. */
export type OnAnswer = (status: number, body: string) => void;

export interface Connection {
  /** One request at a time; the answer is given to `onAnswer` of `open`. */
  send(request: Buffer): void;
  close(): void;
}

/** Bytes of answers read at a time. */
const READ_BYTES = 4_096;

/** For all connections to a target: one trust store, and the key exchange that small devices do. */
export function contextOf({ tls }: Target): SecureContext | undefined {
  return tls === null ? undefined : createSecureContext({ ca: tls.ca, ecdhCurve: 'prime256v1' });
}

/** Resolves when connected. A connection that breaks later, before `close`, is given to `onBroken`. */
export function open(
  target: Target,
  secureContext: SecureContext | undefined,
  onAnswer: OnAnswer,
  onBroken: (error: Error) => void,
): Promise<Connection> {
  const { promise, resolve, reject } = Promise.withResolvers<Connection>();
  const take = createAnswerReader(onAnswer);
  const onread = {
    buffer: Buffer.allocUnsafeSlow(READ_BYTES),
    callback: (bytes: number, buffer: Uint8Array) => {
      take(buffer as Buffer, bytes);
      return true;
    },
  };
  const { port, tls } = target;
  let closed = false;
  const socket: Socket =
    tls === null
      ? connectTcp({ host: '127.0.0.1', port, noDelay: true, onread })
      : connectTls({ host: '127.0.0.1', port, servername: tls.servername, secureContext, onread } as object);
  socket.setNoDelay(true);
  socket.once('error', (error) => {
    reject(error);
    onBroken(error);
  });
  socket.once('close', () => {
    if (!closed) onBroken(new Error('the server closed a connection'));
  });
  socket.once(tls === null ? 'connect' : 'secureConnect', () =>
    resolve({
      send: (request) => socket.write(request),
      close() {
        closed = true;
        socket.destroy();
      },
    }),
  );
  return promise;
}

/** Takes bytes as they come and calls `onAnswer` for each whole answer. */
function createAnswerReader(onAnswer: OnAnswer): (buffer: Buffer, bytes: number) => void {
  let rest = '';
  return (buffer, bytes) => {
    if (rest === '' && isNoContent(buffer, bytes)) {
      onAnswer(204, '');
      return;
    }
    rest += buffer.toString('latin1', 0, bytes);
    for (let end = endOfAnswer(rest); end !== null; end = endOfAnswer(rest)) {
      const answer = rest.slice(0, end.at);
      rest = rest.slice(end.at);
      onAnswer(Number(answer.slice(9, 12)), answer.slice(end.head));
    }
  };
}

/** The usual case without a copy: exactly one answer, `HTTP/1.1 204 …` without a body. */
function isNoContent(buffer: Buffer, bytes: number): boolean {
  return (
    buffer[9] === 0x32 &&
    buffer[10] === 0x30 &&
    buffer[11] === 0x34 &&
    bytes < 512 &&
    buffer[bytes - 1] === 0x0a &&
    buffer[bytes - 3] === 0x0a &&
    buffer.indexOf('\r\n\r\n', 0, 'latin1') === bytes - 4
  );
}

/** Where the first answer and its head end; null if that is still to come. */
function endOfAnswer(text: string): { head: number; at: number } | null {
  const blank = text.indexOf('\r\n\r\n');
  if (blank === -1) return null;
  const head = blank + 4;
  const length = Number(/\r\ncontent-length: *(\d+)/i.exec(text.slice(0, head))?.[1] ?? 0);
  return text.length < head + length ? null : { head, at: head + length };
}
