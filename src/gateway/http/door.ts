/** The HTTPS device door: listens, keeps its connections, and stops in order. Plain HTTP only for a proxy on this machine. */
import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls';
import type { AppError } from '../../domain/errors.ts';
import type { Logger } from '../../log.ts';
import { type Identity, tlsOptions } from '../tls/options.ts';
import { Connection, type ConnectionDeps } from './connection.ts';
import type { DoorDeps } from './context.ts';
import { createConnectorOf } from './host.ts';
import { readIntoLentBuffer } from './lent-buffer.ts';

/** Bytes of requests that may be under way on all connections together. */
const BUDGET = 256 << 20;
/** Failures of ours that are logged in a second. */
const REPORTED_MAX = 5;
/** ms between two looks at the connections' deadlines. */
const SWEEP = 1_000;

export interface DoorOptions extends DoorDeps {
  readonly domain: string;
  readonly requestTimeout: number;
  readonly idleTimeout: number;
  readonly logger: Logger;
}

export interface HttpDoor {
  /** Port it listens on. */
  listenTls(identity: Identity, host: string, port: number): Promise<number>;
  listenPlain(port: number): Promise<number>;
  /** What new connections get from now on. */
  setIdentity(identity: Identity): void;
  connections(): number;
  /** Accepts no more, answers what is under way, and resolves when every connection is closed, after `grace` ms by force. */
  close(grace: number): Promise<void>;
}

export function createHttpDoor(options: DoorOptions): HttpDoor {
  const { logger, domain, ...rest } = options;
  const connections = new Set<Connection>();
  const servers: Server[] = [];
  let tls: TlsServer | null = null;
  let lastId = 0;
  /** Set once the door is closing. */
  let emptied: (() => void) | null = null;
  // Told apart from those of an earlier start by the time of this one.
  const start = Math.floor(options.clock() / 1000).toString(36);
  const deps: ConnectionDeps = {
    ...rest,
    connectorOf: createConnectorOf(domain, options.directory),
    budget: { bytes: 0, max: BUDGET },
    nextId: () => `${start}-${(++lastId).toString(36)}`,
    onClose(connection) {
      connections.delete(connection);
      if (connections.size === 0) emptied?.();
    },
    onInternalError: report,
  };
  let reported = { second: 0, n: 0 };
  /** While a disk is full every write fails: the log is told of some of them. */
  function report(error: AppError): void {
    const second = Math.floor(performance.now() / 1000);
    if (second !== reported.second) reported = { second, n: 0 };
    reported.n += 1;
    if (reported.n <= REPORTED_MAX) logger.error(error.message, { code: error.code, cause: error.cause });
  }
  const accept = (socket: Socket) => {
    // A handshake that was under way when the door closed.
    if (emptied !== null) socket.destroy();
    else connections.add(new Connection(socket, deps));
  };
  const sweep = setInterval(() => {
    const now = performance.now();
    for (const connection of connections) connection.sweep(now);
  }, SWEEP);
  sweep.unref();

  function listen(server: Server, port: number, host: string): Promise<number> {
    servers.push(server);
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen({ port, host, backlog: 4096 }, () => {
        server.off('error', reject);
        server.on('error', (error) => logger.error('the device port failed', { error }));
        resolve((server.address() as { port: number }).port);
      });
    });
  }

  return {
    listenTls(identity, host, port) {
      tls = createTlsServer({ ...tlsOptions(identity), allowHalfOpen: true }, accept);
      // A handshake that fails says nothing of a device; a scan of the port must not fill the log.
      tls.on('tlsClientError', (error) => logger.debug('TLS handshake failed', { reason: error.message }));
      return listen(tls, port, host);
    },
    listenPlain(port) {
      const options = { allowHalfOpen: true, pauseOnConnect: true };
      const server = createTcpServer(options, (socket) => accept(readIntoLentBuffer(socket)));
      return listen(server, port, '127.0.0.1');
    },
    setIdentity: (identity) => tls?.setSecureContext(tlsOptions(identity)),
    connections: () => connections.size,
    async close(grace) {
      const closed = new Promise<void>((resolve) => {
        emptied = resolve;
      });
      for (const server of servers) server.close();
      for (const connection of connections) connection.stop();
      const force = setTimeout(() => {
        for (const connection of connections) connection.destroy();
      }, grace);
      if (connections.size > 0) await closed;
      clearTimeout(force);
      clearInterval(sweep);
    },
  };
}
