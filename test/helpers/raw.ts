/** A socket to the device door with nothing between: the test says every byte, over TCP or TLS, and reads what comes back. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect as connectTcp, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { assertShape, type RawResponse, readResponse } from './response.ts';
import type { TestServer } from './server.ts';

/** How long an answer or a close is waited for, in ms. */
const WITHIN = 15_000;

export interface RawConnection {
  readonly socket: Socket;
  /** Writes the bytes (a string is latin1). */
  send(bytes: string | Uint8Array): Promise<void>;
  /** Writes the bytes piece by piece, `pause` ms apart, until the server closes. */
  dribble(pieces: readonly string[], pause: number): Promise<void>;
  /** The next whole response, its shape checked. Rejects if the connection closes before. */
  response(): Promise<RawResponse>;
  /** Waits for an interim answer with this status line, and takes it away. */
  interim(line: string): Promise<void>;
  /** Resolves when the server has closed its side, with the bytes that no `response()` took. */
  closed(): Promise<Buffer>;
  /** Closes our side only. */
  end(): void;
  destroy(): void;
}

/** Plain TCP to the HTTP port. */
export async function openTcp(server: TestServer): Promise<RawConnection> {
  const socket = connectTcp({ port: server.http, host: '127.0.0.1', allowHalfOpen: true });
  await once(socket, 'connect');
  return wrap(socket);
}

/** TLS to the HTTPS port; `servername` is the SNI name. */
export async function openTls(
  server: TestServer,
  servername: string,
  options: ConnectionOptions = {},
): Promise<RawConnection & { readonly socket: TLSSocket }> {
  const ca = readFileSync(server.caPath);
  const socket = connectTls({
    port: server.https,
    host: '127.0.0.1',
    servername,
    ca,
    ALPNProtocols: ['http/1.1'],
    ...options,
  });
  await once(socket, 'secureConnect');
  return { ...wrap(socket), socket };
}

function wrap(socket: Socket): RawConnection {
  let bytes = Buffer.alloc(0);
  let ended = false;
  let wake = Promise.withResolvers<void>();
  const changed = () => {
    wake.resolve();
    wake = Promise.withResolvers<void>();
  };
  const finish = () => {
    ended = true;
    changed();
  };
  socket.setNoDelay(true);
  socket.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    changed();
  });
  socket.on('end', finish);
  socket.on('close', finish);
  socket.on('error', finish); // a reset is a way to close

  const until = async <T>(what: string, look: () => T | null): Promise<T> => {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      changed();
    }, WITHIN);
    try {
      for (;;) {
        const seen = look();
        if (seen !== null) return seen;
        if (ended) assert.fail(`the server closed before ${what}; it sent ${JSON.stringify(bytes.toString('latin1'))}`);
        if (late) assert.fail(`${what} did not come; the server sent ${JSON.stringify(bytes.toString('latin1'))}`);
        await wake.promise;
      }
    } finally {
      clearTimeout(timer);
    }
  };
  const send = async (data: string | Uint8Array) => {
    if (ended || socket.destroyed) return; // the answer, or its absence, is what the test looks at
    const { promise, resolve } = Promise.withResolvers<void>();
    socket.write(typeof data === 'string' ? Buffer.from(data, 'latin1') : data, () => resolve());
    await promise;
  };
  return {
    socket,
    send,
    dribble: async (pieces, pause) => {
      for (const piece of pieces) {
        if (ended || bytes.length > 0) return;
        await send(piece);
        await delay(pause);
      }
    },
    response: async () => {
      const { response, used } = await until('a whole response', () => readResponse(bytes, ended));
      bytes = bytes.subarray(used);
      assertShape(response);
      return response;
    },
    interim: async (line) => {
      const whole = Buffer.from(`${line}\r\n\r\n`);
      await until(line, () => (bytes.indexOf(whole) === 0 ? whole : null));
      bytes = bytes.subarray(whole.length);
    },
    closed: () => until('the close', () => (ended ? bytes : null)),
    end: () => socket.end(),
    destroy: () => socket.destroy(),
  };
}
