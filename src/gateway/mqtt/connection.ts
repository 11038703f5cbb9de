/**
 * One device connection: bytes in, packets one after the other, answers in order. Holds what is true for its whole life, and
 * its bounds: what waits for a commit, what waits to be read, what the client is slow to take. Knows no topic and no rule.
 */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { ClientCertificate } from '../../domain/certificate.ts';
import type { Connector } from '../../domain/connector.ts';
import type { Origin } from '../../domain/device.ts';
import { AppError, asAppError, printable } from '../../domain/errors.ts';
import { normalizeAddress } from '../../domain/network.ts';
import type { Tally } from '../../metrics/tally.ts';
import type { PendingValue } from '../../store/store.ts';
import type { ConnectorOf } from '../host.ts';
import type { Session } from '../sessions.ts';
import { clientCertificateOf } from '../tls/peer.ts';
import { acknowledgements, farewell } from './answers.ts';
import type { Client, DoorDeps, KnownTopic, Link, Refusal } from './context.ts';
import { CONNECT } from './endpoints.ts';
import { versionRefusal } from './handlers/connect.ts';
import { handle } from './handlers/index.ts';
import { publish } from './handlers/publish.ts';
import { type Budget, InFlight, type Message } from './in-flight.ts';
import { Intake } from './intake.ts';
import { IN_FLIGHT_MAX, PACKET_MAX, SENT_MAX, STRANGER_PACKET_MAX, STRANGER_TIME, UNSENT_MAX } from './limits.ts';
import { Outgoing, type Outlet } from './outgoing.ts';
import { readPacket, writePacket } from './packets.ts';
import { reasonsOf } from './reasons.ts';
import { type Extent, findPacket, type Publish, packetTypes, readPublish } from './wire.ts';

/** ms between two notes that a device is still there. */
const TOUCH_EVERY = 120_000;
/** ms that a client has to take what was sent to it, before anything else of it is handled. */
const DRAIN_TIME = 60_000;
/** ms that the other side has to close, once we have. */
const LINGER = 2_000;
/** ms of silence after which the kernel asks whether the other side is still there. */
const TCP_KEEP_ALIVE = 60_000;
/** What the door lends to its connections. */
export interface ConnectionDeps extends DoorDeps {
  readonly connectorOf: ConnectorOf;
  /** Bytes that wait on all connections share this. */
  readonly budget: Budget;
  readonly tally: Tally;
  readonly onInternalError: (error: AppError) => void;
  readonly onClose: (connection: Connection) => void;
  /** The device is this connection's from now on; the older one of it is ended. */
  readonly onEnter: (connection: Connection, device: number) => void;
  readonly onLeave: (connection: Connection, device: number) => void;
  /** Will call `flush` once all that is done in this turn is done. */
  readonly onAnswers: (connection: Connection) => void;
  /** Called when the total has fallen below its bound again. */
  readonly onHungry: (connection: Connection) => void;
  nextId(): string;
}

const extent: Extent = { body: 0, end: 0 };
const incoming: Publish = {
  bytes: Buffer.alloc(0),
  topicFrom: 0,
  topicEnd: 0,
  retain: false,
  qos: 0,
  id: 0,
  from: 0,
  end: 0,
};

export class Connection implements Link, Outlet {
  readonly #socket: Socket;
  readonly #deps: ConnectionDeps;
  readonly origin: Origin;
  client: Client | null = null;
  session: Session | null = null;
  lastTopic: KnownTopic | null = null;
  #outgoing: Outgoing | null = null;
  readonly #inFlight: InFlight;
  readonly #intake: Intake;
  /** Something is under way that what follows has to wait for. */
  #busy = false;
  /** Since when the client is slow to take what is sent, ms of the monotonic clock; null: it is not. */
  #drainingSince: number | null = null;
  /** Nothing is handled before this time, ms of the monotonic clock; null: now. */
  #heldUntil: number | null = null;
  /** Waits for others to free memory. */
  #hungry = false;
  #ended = false;
  #stopping = false;
  /** Its end has been told. */
  #gone = false;
  /** A CONNACK said yes. */
  #welcomed = false;
  /** Why the connection ended, for its event. */
  #reason: { readonly reason: string; readonly message?: string } = { reason: 'CONNECTION_LOST' };
  /** When the last packet came, and the first byte could; ms of the monotonic clock. */
  #heardAt: number;
  readonly #since: number;
  #touchedAt: number;
  #deadline = Number.POSITIVE_INFINITY;

  constructor(socket: Socket, deps: ConnectionDeps) {
    this.#socket = socket;
    this.#deps = deps;
    this.#inFlight = new InFlight(deps.budget);
    this.#intake = new Intake(deps.budget, (bytes) => this.#take(bytes));
    this.#since = performance.now();
    this.#heardAt = this.#since;
    this.#touchedAt = this.#since;
    this.origin = {
      ip: normalizeAddress(socket.remoteAddress ?? ''),
      protocol: 'murano:v1/mqtt',
      connectionId: deps.nextId(),
    };
    socket.setNoDelay(true);
    socket.setKeepAlive(true, TCP_KEEP_ALIVE);
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('drain', () => this.#drained());
    socket.on('error', () => socket.destroy());
    socket.on('end', () => this.#finish(null));
    socket.on('close', () => this.#closed());
  }

  #receive(chunk: Buffer): void {
    if (this.#ended) return;
    try {
      this.#intake.receive(chunk);
    } catch (thrown) {
      this.fail(thrown);
    }
    this.#regulate();
  }

  /** Goes on after something that was waited for. */
  #resume(): void {
    if (this.#ended) return;
    if (this.#stopping && this.#inFlight.empty && !this.#busy) {
      this.end(new AppError('STOPPING'));
      return;
    }
    try {
      this.#intake.digest();
    } catch (thrown) {
      this.fail(thrown);
    }
    this.#regulate();
  }

  /** Handles whole packets from the front, as long as it may; answers how many bytes they were. */
  #take(bytes: Buffer): number {
    const v5 = this.client?.version === 5;
    let at = 0;
    while (at < bytes.length && this.#mayHandle()) {
      if (!findPacket(bytes, at, v5, extent)) break;
      const { body, end } = extent;
      const most = this.session === null ? STRANGER_PACKET_MAX : PACKET_MAX;
      if (end - at > most) {
        throw new AppError('PACKET_TOO_LARGE', { seen: `${end - at} bytes`, wanted: `at most ${most}` });
      }
      const first = bytes[at]!;
      // 3.1.1 [MQTT-3.1.0-1], 5.0 [MQTT-3.1.0-1]; known by its first byte, so that a stranger cannot make us wait for more.
      if (this.client === null && first >> 4 !== packetTypes.connect) {
        throw new AppError('PACKET_UNEXPECTED', { seen: `a packet of type ${first >> 4}`, wanted: 'CONNECT first' });
      }
      if (end > bytes.length) break;
      if (first >> 4 === packetTypes.publish) {
        if (!this.#mayPublish(first)) break;
        if (readPublish(bytes, first, body, end, v5, incoming)) {
          if (!publish(this, incoming, this.#deps)) break;
        } else if (!this.#handle(bytes, at, body, end)) break;
      } else if (!this.#handle(bytes, at, body, end)) break;
      at = end;
      if (this.#ended) return bytes.length;
    }
    if (at > 0) this.#heardAt = performance.now();
    return at;
  }

  /** Any packet that is not read in place. False if it has to wait. */
  #handle(bytes: Buffer, at: number, body: number, end: number): boolean {
    // A copy, as parts of it are kept while others are read into these bytes.
    const packet = readPacket(Buffer.from(bytes.subarray(at, end)), body - at, this.client?.version ?? null);
    return handle(this, packet, this.#deps);
  }

  #mayHandle(): boolean {
    return !this.#busy && this.#drainingSince === null && !this.#ended && !this.#stopping && this.#heldUntil === null;
  }

  /** Back pressure: what cannot be stored yet is left in the kernel. */
  #mayPublish(first: number): boolean {
    const { session } = this;
    const { admission, budget, onHungry } = this.#deps;
    if (session !== null && !admission.holds(session)) {
      this.recheck();
      return false;
    }
    if (budget.bytes > budget.max) {
      this.#hungry = true;
      onHungry(this);
      return false;
    }
    // MQTT 5.0, 3.3.4 and 4.9: a client that knows the limit does not pass it. 3.1.1 knows none, and is slowed down.
    if (this.#inFlight.unacknowledged >= IN_FLIGHT_MAX && this.client?.version === 5 && (first & 6) !== 0) {
      throw new AppError('RECEIVE_MAXIMUM', { wanted: `at most ${IN_FLIGHT_MAX}` });
    }
    return !this.#inFlight.full;
  }

  /** Reads from the socket exactly as long as what comes can be handled. */
  #regulate(): void {
    if (this.#ended) return;
    const blocked = !this.#mayHandle() || this.#hungry || (this.#inFlight.full && !this.#intake.empty);
    if (blocked && !this.#socket.isPaused()) this.#socket.pause();
    else if (!blocked && this.#socket.isPaused()) this.#socket.resume();
  }

  accept(id: number, bytes: number, endpoint: number, work: Promise<unknown>, refusal: Refusal = 'to be logged'): void {
    const message = this.#inFlight.add(id, bytes, endpoint);
    work.then(
      () => this.#settle(message, null, refusal),
      (thrown) => this.#settle(message, asAppError(thrown), refusal),
    );
  }

  refuse(id: number, endpoint: number, error: AppError): void {
    this.#settle(this.#inFlight.add(id, 0, endpoint), error, 'to be logged');
  }

  #settle(message: Message, error: AppError | null, refusal: Refusal): void {
    if (this.#inFlight.settle(message, error)) this.#deps.onAnswers(this);
    const { tally } = this.#deps;
    if (error === null) {
      tally.answered(message.endpoint, 0);
      return;
    }
    const { puback, disconnect } = reasonsOf(error.code);
    tally.answered(message.endpoint, puback ?? disconnect);
    // What ends the connection is counted there.
    if (puback !== null && !this.#ended) tally.refused(error.code);
    this.#report(error);
    // 3.1.1 [MQTT-4.8.0-2]: what may succeed later is sent again over another connection.
    if (puback === null) this.end(error);
    else if (refusal === 'to be logged') this.#log(message, error);
  }

  /** Shows a refusal in the log: always where the device is not told of it, else as over HTTPS. */
  #log({ id }: Message, error: AppError): void {
    const { session, origin, client } = this;
    const { admission, directory } = this.#deps;
    // That it sends too fast it is told, or it is slowed down.
    if (session === null || error.code === 'RATE_LIMITED') return;
    const { connector, identity } = session.ref;
    if (client!.version === 5 && id !== 0) {
      admission.refused(error, directory.get(connector) ?? null, identity, origin);
    } else admission.logRefusal(error, connector, identity, origin);
  }

  /** Acknowledges what is done, in the order of arrival: 3.1.1 [MQTT-4.6.0-2], 5.0 [MQTT-4.6.0-2]. */
  flush(): void {
    const done = this.#inFlight.take();
    if (done.length > 0 && !this.#ended) {
      // 3.1.1 [MQTT-4.3.2-2], 5.0 [MQTT-4.3.2-4]
      const bytes = acknowledgements(done, this.client!);
      if (bytes.length > 0) this.#write(bytes);
    }
    if (this.#stopping || !this.#intake.empty || this.#socket.isPaused()) this.#resume();
  }

  send(bytes: Buffer): boolean {
    // 5.0 [MQTT-3.1.2-24]
    if (this.#ended || bytes.length > (this.client?.packetMax ?? Number.POSITIVE_INFINITY)) return false;
    this.#write(bytes);
    return true;
  }

  #write(bytes: Buffer): void {
    if (this.#socket.write(bytes)) return;
    if (this.#socket.writableLength > UNSENT_MAX) this.#drainingSince ??= performance.now();
  }

  #drained(): void {
    if (this.#ended) return;
    this.#drainingSince = null;
    this.#outgoing?.pump();
    this.#resume();
  }

  hold(work: Promise<void>): void {
    this.#busy = true;
    work.then(
      () => {
        this.#busy = false;
        this.#resume();
      },
      (thrown) => this.fail(thrown),
    );
  }

  pauseFor(ms: number): void {
    this.#heldUntil = performance.now() + ms;
  }

  introduce(client: Client): void {
    this.client = client;
  }

  welcome(connack: Buffer): void {
    // 5.0 [MQTT-3.1.2-24]: one that is too large for the client cannot be said any shorter.
    if (!this.send(connack)) {
      this.#finish(null);
      return;
    }
    this.#welcomed = true;
    this.#deps.tally.answered(CONNECT, 0);
    this.startSending();
  }

  reject(connack: Buffer, error: AppError): void {
    this.#reason = { reason: error.code, message: error.message };
    this.#deps.tally.answered(CONNECT, reasonsOf(error.code).connect);
    this.#deps.tally.refused(error.code);
    this.#report(error);
    this.#finish(connack);
  }

  async enter(session: Session): Promise<void> {
    // The client may have gone meanwhile, and nobody would say so again.
    if (this.#ended) return;
    const before = this.session;
    this.session = session;
    const { data, onEnter } = this.#deps;
    if (before?.ref.key === session.ref.key) return;
    onEnter(this, session.ref.key);
    const { version, id, keepAlive } = this.client!;
    const payload = {
      version: version === 5 ? '5.0' : '3.1.1',
      client_id: printable(id),
      keep_alive: keepAlive,
      auth: session.auth,
    };
    await data.note(session, 'connect', payload, this.origin);
  }

  startSending(): void {
    if (this.session === null || this.#ended) return;
    this.#outgoing ??= new Outgoing(this);
    this.#outgoing.pump();
  }

  nextValue(except: ReadonlySet<string>): Promise<PendingValue | null> {
    return this.#deps.data.pending(this.session!, except);
  }

  valueTaken(alias: string, setAt: number): void {
    this.#deps.data.acknowledge(this.session!, alias, setAt);
  }

  /**
   * 3.1.1 [MQTT-3.3.1-1] [MQTT-3.3.1-3], 5.0 [MQTT-3.3.1-1] [MQTT-3.3.1-3] [MQTT-4.3.2-2]: each is sent once on a connection,
   * and no session outlives it: so DUP is never set. Without a topic alias: 5.0 [MQTT-3.1.2-26] [MQTT-3.1.2-27].
   */
  sendValue(messageId: number, { alias, value, setAt }: PendingValue): boolean {
    const topic = `$resource/${alias}/${setAt}`;
    const packet = { cmd: 'publish', topic, payload: value, messageId, qos: 1, dup: false, retain: false } as const;
    return this.send(writePacket(packet, this.client!.version));
  }

  hasRoom(): boolean {
    return !this.#ended && this.#socket.writableLength <= UNSENT_MAX;
  }

  get valuesMax(): number {
    return Math.min(SENT_MAX, this.client!.receiveMaximum);
  }

  /** The cloud set these. */
  valuesChanged(aliases: readonly string[]): void {
    this.#outgoing?.changed(aliases);
  }

  acknowledged(id: number): void {
    this.#outgoing?.acknowledged(id);
  }

  connector(): Connector | null {
    const name = this.#socket instanceof TLSSocket ? this.#socket.servername || null : null;
    return this.#deps.connectorOf(name ?? undefined, name);
  }

  certificate(): ClientCertificate | null {
    return this.#socket instanceof TLSSocket ? clientCertificateOf(this.#socket) : null;
  }

  /** Something about the device's right to be here may have changed: asks the rules anew. */
  recheck(): void {
    const { session } = this;
    if (session === null || this.#busy || this.#ended || this.#deps.admission.holds(session)) return;
    const renewed = session.renew().then((session) => {
      this.session = session;
    });
    this.hold(renewed);
    this.#regulate();
  }

  /** There is memory again. */
  fed(): void {
    this.#hungry = false;
    this.#resume();
  }

  /** Called twice a second or so. */
  sweep(now: number): void {
    if (now >= this.#deadline || now - (this.#drainingSince ?? now) >= DRAIN_TIME) this.#socket.destroy();
    if (this.#ended) return;
    if (this.#heldUntil !== null && now >= this.#heldUntil) {
      this.#heldUntil = null;
      this.#resume();
    }
    const { session, client } = this;
    if (session === null) {
      const wanted = `a credential within ${STRANGER_TIME / 1000} s`;
      if (now - this.#since >= STRANGER_TIME) this.end(new AppError('NOT_AUTHENTICATED', { wanted }));
      return;
    }
    this.recheck();
    if (now - this.#touchedAt >= TOUCH_EVERY) {
      this.#touchedAt = now;
      this.#deps.data.touch(session, this.origin);
    }
    // Whoever is not read cannot be heard.
    if (this.#socket.isPaused()) this.#heardAt = now;
    // 3.1.1 [MQTT-3.1.2-24], 5.0 [MQTT-3.1.2-22] [MQTT-3.2.2-22]
    else if (client!.keepAlive > 0 && now - this.#heardAt >= client!.keepAlive * 1500) {
      this.end(new AppError('KEEP_ALIVE', { seen: `a keep-alive of ${client!.keepAlive} s` }));
    }
  }

  leave(): void {
    this.#reason = { reason: 'DISCONNECT' };
    this.#finish(null);
  }

  /** Ends once what was accepted is answered. */
  stop(): void {
    this.#stopping = true;
    this.#resume();
  }

  /** Another connection of the device is in: 3.1.1 [MQTT-3.1.4-2], 5.0 [MQTT-3.1.4-3]. */
  takenOver(): void {
    this.end(new AppError('TAKEN_OVER'));
  }

  destroy(): void {
    this.#socket.destroy();
  }

  end(error: AppError): void {
    if (this.#ended) return;
    this.#deps.tally.refused(error.code);
    this.#reason = { reason: error.code, message: error.message };
    if (error.code === 'PROTOCOL_VERSION') this.#finish(versionRefusal(error.details as number));
    // 3.1.1 [MQTT-3.2.2-6]: what no return code fits is closed on without one.
    // 5.0 [MQTT-3.14.0-1]: a DISCONNECT only once a CONNACK has said yes.
    else this.#finish(this.#welcomed ? farewell(error, this.client!) : null);
  }

  /** 3.1.1 [MQTT-4.8.0-1], 5.0 [MQTT-3.14.4-1] [MQTT-3.14.4-2] [MQTT-4.13.1-1] [MQTT-4.13.2-1] */
  #finish(last: Buffer | null): void {
    if (this.#ended) return;
    this.#ended = true;
    if (last !== null) this.#socket.write(last);
    this.#socket.end();
    this.#socket.resume();
    this.#deadline = performance.now() + LINGER;
    this.#intake.drop();
    this.#left();
  }

  /** Says that the connection has ended, once. */
  #left(): void {
    const { session } = this;
    if (session === null || this.#gone) return;
    this.#gone = true;
    const { data, onLeave } = this.#deps;
    onLeave(this, session.ref.key);
    data.note(session, 'disconnect', this.#reason, this.origin).catch((error) => this.#report(asAppError(error)));
  }

  #closed(): void {
    this.#ended = true;
    this.#intake.drop();
    this.#left();
    this.#deps.onClose(this);
  }

  /** Ends with whatever was thrown. */
  fail(thrown: unknown): void {
    const error = asAppError(thrown);
    this.#report(error);
    this.end(error);
  }

  #report(error: AppError): void {
    if (error.code === 'INTERNAL' || error.cause !== undefined) this.#deps.onInternalError(error);
  }
}
