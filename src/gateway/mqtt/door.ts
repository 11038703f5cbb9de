/** The MQTT device door: listens, keeps its connections, knows which device is on which, and stops in order. */
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Logger } from '../../log.ts';
import { createTally, type Tally } from '../../metrics/tally.ts';
import type { Store } from '../../store/store.ts';
import { createConnectorOf } from '../host.ts';
import { createListeners, createReport } from '../listen.ts';
import { createOpenConnections } from '../open-connections.ts';
import type { Sessions } from '../sessions.ts';
import type { Identity } from '../tls/options.ts';
import { Connection, type ConnectionDeps } from './connection.ts';
import type { DoorDeps } from './context.ts';
import { endpoints } from './endpoints.ts';
import type { Budget } from './in-flight.ts';

/** Bytes that packets and messages of all connections may take together. */
const BUDGET = 268_435_456;
/** Connections that have not authenticated yet. */
const STRANGERS_MAX = 16_384;
/** ms between two looks at the connections' deadlines. */
const SWEEP = 500;
/** Of the reason codes, which are bytes. */
const HIGHEST_CODE = 255;
/** Devices whose right to be here is asked anew in one turn of the loop, after a change that concerns many. */
const RECHECKED = 50;

export interface DoorOptions extends DoorDeps {
  /** Other processes of this machine listen on the same ports. */
  readonly reusePort: boolean;
  readonly store: Store;
  readonly sessions: Sessions;
  readonly domain: string;
  readonly logger: Logger;
}

export interface MqttDoor {
  /** Port it listens on. */
  listenTls(identity: Identity, host: string, port: number): Promise<number>;
  listenPlain(port: number): Promise<number>;
  /** What new connections get from now on. */
  setIdentity(identity: Identity): void;
  connections(): number;
  readonly tally: Tally;
  /** Accepts no more, finishes what was accepted, and resolves when every connection is closed, after `grace` ms by force. */
  close(grace: number): Promise<void>;
}

export function createMqttDoor({ store, sessions, domain, logger, reusePort, ...rest }: DoorOptions): MqttDoor {
  const connections = createOpenConnections<Connection>();
  const byDevice = new Map<number, Connection>();
  const budget: Budget = { bytes: 0, max: BUDGET };
  const tally = createTally('mqtt', endpoints, HIGHEST_CODE, hex);
  let lastId = 0;
  // Told apart from those of an earlier start, and of other gateways.
  const start = randomBytes(6).toString('hex');

  let answering: Connection[] = [];
  /** One write for all acknowledgements of a commit: they settle in one turn of the microtasks. */
  function answer(): void {
    const all = answering;
    answering = [];
    for (const connection of all) connection.flush();
    if (hungry.size > 0 && budget.bytes <= budget.max) feed();
  }

  const hungry = new Set<Connection>();
  function feed(): void {
    const all = [...hungry];
    hungry.clear();
    for (const connection of all) connection.fed();
  }

  const deps: ConnectionDeps = {
    ...rest,
    connectorOf: createConnectorOf(domain, rest.directory),
    tally,
    budget,
    nextId: () => `m${start}-${(++lastId).toString(36)}`,
    onInternalError: createReport(logger),
    onEnter(connection, device) {
      const older = byDevice.get(device);
      byDevice.set(device, connection);
      older?.takenOver();
    },
    onLeave(connection, device) {
      if (byDevice.get(device) === connection) byDevice.delete(device);
    },
    onAnswers(connection) {
      if (answering.push(connection) === 1) queueMicrotask(answer);
    },
    onHungry: (connection) => void hungry.add(connection),
    onClose(connection) {
      hungry.delete(connection);
      connections.remove(connection);
    },
  };

  const accept = (socket: Socket) => {
    // A handshake that was under way when the door closed.
    if (connections.closing || connections.size - byDevice.size >= STRANGERS_MAX) socket.destroy();
    else connections.add(new Connection(socket, deps));
  };
  const listeners = createListeners(accept, logger, reusePort);

  const sweep = setInterval(() => {
    const now = performance.now();
    for (const connection of connections) connection.sweep(now);
    if (hungry.size > 0 && budget.bytes <= budget.max) feed();
  }, SWEEP);
  sweep.unref();

  const dropped = new Set<number>();
  function recheck(): void {
    for (const device of [...dropped].slice(0, RECHECKED)) {
      dropped.delete(device);
      byDevice.get(device)?.recheck();
    }
    if (dropped.size > 0) setImmediate(recheck);
  }
  sessions.onDrop((device) => {
    if (!byDevice.has(device)) return;
    if (dropped.size === 0) setImmediate(recheck);
    dropped.add(device);
  });
  const stopListening = store.onSignal((signal) => {
    if (signal.kind === 'values' && signal.by === 'cloud') byDevice.get(signal.ref.key)?.valuesChanged(signal.aliases);
    if (signal.kind === 'connection') byDevice.get(signal.ref.key)?.rivalled(signal.connection);
  });

  return {
    // 3.1.1 [MQTT-7.1.1-1], 5.0 [MQTT-4.2.0-1]
    listenTls: (identity, host, port) => listeners.tls(identity, ['mqtt'], host, port),
    listenPlain: listeners.plain,
    setIdentity: listeners.setIdentity,
    connections: () => connections.size,
    tally,
    async close(grace) {
      listeners.close();
      await connections.close(grace);
      clearInterval(sweep);
      stopListening();
    },
  };
}

/** As the specification writes reason codes. */
const hex = (code: number) => `0x${code.toString(16).padStart(2, '0')}`;
