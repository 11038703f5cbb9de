/** The HTTPS device door: listens, keeps its connections, and stops in order. Plain HTTP only for a proxy on this machine. */
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Logger } from '../../log.ts';
import { createTally, type Tally } from '../../metrics/tally.ts';
import { createConnectorOf } from '../host.ts';
import { createListeners, createReport } from '../listen.ts';
import { createOpenConnections } from '../open-connections.ts';
import type { Identity } from '../tls/options.ts';
import { Connection, type ConnectionDeps } from './connection.ts';
import type { DoorDeps } from './context.ts';
import { endpoints } from './routes.ts';

/** Bytes of requests that may be under way on all connections together. */
const BUDGET = 256 << 20;
/** ms between two looks at the connections' deadlines. */
const SWEEP = 1_000;
const HIGHEST_STATUS = 599;

export interface DoorOptions extends DoorDeps {
  readonly domain: string;
  readonly requestTimeout: number;
  readonly idleTimeout: number;
  /** Other processes of this machine listen on the same ports. */
  readonly reusePort: boolean;
  readonly logger: Logger;
}

export interface HttpDoor {
  /** Port it listens on. */
  listenTls(identity: Identity, host: string, port: number): Promise<number>;
  listenPlain(port: number): Promise<number>;
  /** What new connections get from now on. */
  setIdentity(identity: Identity): void;
  connections(): number;
  readonly tally: Tally;
  /** Accepts no more, answers what is under way, and resolves when every connection is closed, after `grace` ms by force. */
  close(grace: number): Promise<void>;
}

export function createHttpDoor(options: DoorOptions): HttpDoor {
  const { logger, domain, reusePort, ...rest } = options;
  const connections = createOpenConnections<Connection>();
  const tally = createTally('https', endpoints, HIGHEST_STATUS);
  let lastId = 0;
  // Told apart from those of an earlier start, and of other gateways.
  const start = randomBytes(6).toString('hex');
  const deps: ConnectionDeps = {
    ...rest,
    connectorOf: createConnectorOf(domain, options.directory),
    budget: { bytes: 0, max: BUDGET },
    nextId: () => `${start}-${(++lastId).toString(36)}`,
    onClose: connections.remove,
    tally,
    onInternalError: createReport(logger),
  };
  const accept = (socket: Socket) => {
    // A handshake that was under way when the door closed.
    if (connections.closing) socket.destroy();
    else connections.add(new Connection(socket, deps));
  };
  const listeners = createListeners(accept, logger, reusePort);
  const sweep = setInterval(() => {
    const now = performance.now();
    for (const connection of connections) connection.sweep(now);
  }, SWEEP);
  sweep.unref();

  return {
    listenTls: (identity, host, port) => listeners.tls(identity, ['http/1.1', 'http/1.0'], host, port),
    listenPlain: listeners.plain,
    setIdentity: listeners.setIdentity,
    connections: () => connections.size,
    tally,
    async close(grace) {
      listeners.close();
      await connections.close(grace);
      clearInterval(sweep);
    },
  };
}
