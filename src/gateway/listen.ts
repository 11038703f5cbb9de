/** How both device doors listen: TLS for devices, plain TCP for what runs on this machine, with one backlog and one way to fail. */
import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls';
import type { AppError } from '../domain/errors.ts';
import type { Logger } from '../log.ts';
import { readIntoLentBuffer } from './lent-buffer.ts';
import { type Identity, tlsOptions } from './tls/options.ts';

/** Connections that the kernel may hold ready; a fleet comes back at once. */
const BACKLOG = 4096;
/** Failures of ours that are logged in a second. */
const REPORTED_MAX = 5;

export interface Listeners {
  /** Port it listens on. `protocols`: for ALPN. */
  tls(identity: Identity, protocols: string[], host: string, port: number): Promise<number>;
  /** On 127.0.0.1 only. What is accepted reads into the lent buffer. */
  plain(port: number): Promise<number>;
  /** What new connections get from now on. */
  setIdentity(identity: Identity): void;
  /** Accepts no more. */
  close(): void;
}

/** `reusePort`: other processes of this machine listen on the same ports. `accept` is given each socket once it is ready, over TLS after the handshake. */
export function createListeners(accept: (socket: Socket) => void, logger: Logger, reusePort: boolean): Listeners {
  const servers: Server[] = [];
  let secured: { readonly server: TlsServer; readonly protocols: string[] } | null = null;

  function listen(server: Server, port: number, host: string): Promise<number> {
    servers.push(server);
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen({ port, host, backlog: BACKLOG, reusePort }, () => {
        server.off('error', reject);
        server.on('error', (error) => logger.error('the device port failed', { error }));
        resolve((server.address() as { port: number }).port);
      });
    });
  }

  return {
    tls(identity, protocols, host, port) {
      const server = createTlsServer({ ...tlsOptions(identity, protocols), allowHalfOpen: true }, accept);
      secured = { server, protocols };
      // A handshake that fails says nothing of a device; a scan of the port must not fill the log.
      server.on('tlsClientError', (error) => logger.debug('TLS handshake failed', { reason: error.message }));
      return listen(server, port, host);
    },
    plain(port) {
      const options = { allowHalfOpen: true, pauseOnConnect: true };
      const server = createTcpServer(options, (socket) => accept(readIntoLentBuffer(socket)));
      return listen(server, port, '127.0.0.1');
    },
    setIdentity: (identity) => secured?.server.setSecureContext(tlsOptions(identity, secured.protocols)),
    close() {
      for (const server of servers) server.close();
    },
  };
}

/** Tells the log of failures of ours: while a disk is full every write fails, so of some of them. */
export function createReport(logger: Logger): (error: AppError) => void {
  let reported = { second: 0, n: 0 };
  return (error) => {
    const second = Math.floor(performance.now() / 1000);
    if (second !== reported.second) reported = { second, n: 0 };
    reported.n += 1;
    if (reported.n <= REPORTED_MAX) logger.error(error.message, { code: error.code, cause: error.cause });
  };
}
