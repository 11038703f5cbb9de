/**
 * One device connection, from its first byte to its end: who is on it, what it is answered and sent, in order, and why it
 * ended. What arrives on it is for inflow.ts to read. Knows no topic and no rule.
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
import type { Client, DoorDeps, KnownTopic, Refusal } from './context.ts';
import { CONNECT } from './endpoints.ts';
import { versionRefusal } from './handlers/connect.ts';
import { type Budget, InFlight, type Message } from './in-flight.ts';
import { Inflow, type Inlet } from './inflow.ts';
import { SENT_MAX, STRANGER_TIME, UNSENT_MAX } from './limits.ts';
import { Outgoing, type Outlet } from './outgoing.ts';
import { writePacket } from './packets.ts';
import { reasonsOf } from './reasons.ts';

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

export class Connection implements Inlet, Outlet {
  readonly #socket: Socket;
  readonly #deps: ConnectionDeps;
  readonly origin: Origin;
  client: Client | null = null;
  session: Session | null = null;
  lastTopic: KnownTopic | null = null;
  #outgoing: Outgoing | null = null;
  readonly #inFlight: InFlight;
  readonly #inflow: Inflow;
  #ended = false;
  #stopping = false;
  /** Its end has been told. */
  #gone = false;
  /** A CONNACK said yes. */
  #welcomed = false;
  /** Why the connection ended, for its event. */
  #reason: { readonly reason: string; readonly message?: string } = { reason: 'CONNECTION_LOST' };
  /** When the first byte could come, ms of the monotonic clock. */
  readonly #since: number;
  #touchedAt: number;
  #deadline = Number.POSITIVE_INFINITY;
  /** Its `connect` on its way into the log. */
  #entering: Promise<void> = Promise.resolve();
  /** Another connection of the device began elsewhere, before this one or after it. */
  #rivalled = false;
  #comparing = false;

  constructor(socket: Socket, deps: ConnectionDeps) {
    this.#socket = socket;
    this.#deps = deps;
    this.#inFlight = new InFlight(deps.budget);
    this.#inflow = new Inflow(socket, this, deps, this.#inFlight);
    this.#since = performance.now();
    this.#touchedAt = this.#since;
    this.origin = {
      ip: normalizeAddress(socket.remoteAddress ?? ''),
      protocol: 'murano:v1/mqtt',
      connectionId: deps.nextId(),
    };
    socket.setNoDelay(true);
    socket.setKeepAlive(true, TCP_KEEP_ALIVE);
    socket.on('data', (chunk: Buffer) => this.#inflow.receive(chunk));
    socket.on('drain', () => this.#drained());
    socket.on('error', () => socket.destroy());
    socket.on('end', () => this.#finish(null));
    socket.on('close', () => this.#closed());
  }

  /** Goes on after something that was waited for. */
  #resume(): void {
    if (this.#ended) return;
    if (this.#stopping && this.#inFlight.empty && !this.#inflow.busy) {
      this.end(new AppError('STOPPING'));
      return;
    }
    this.#inflow.resume();
  }

  get ended(): boolean {
    return this.#ended;
  }

  get stopping(): boolean {
    return this.#stopping;
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
    if (this.#stopping || this.#inflow.waits) this.#resume();
  }

  send(bytes: Buffer): boolean {
    // 5.0 [MQTT-3.1.2-24]
    if (this.#ended || bytes.length > (this.client?.packetMax ?? Number.POSITIVE_INFINITY)) return false;
    this.#write(bytes);
    return true;
  }

  #write(bytes: Buffer): void {
    if (this.#socket.write(bytes)) return;
    if (this.#socket.writableLength > UNSENT_MAX) this.#inflow.drainingSince ??= performance.now();
  }

  #drained(): void {
    if (this.#ended) return;
    this.#inflow.drainingSince = null;
    this.#outgoing?.pump();
    this.#resume();
  }

  hold(work: Promise<void>): void {
    this.#inflow.busy = true;
    work.then(
      () => {
        this.#inflow.busy = false;
        this.#resume();
      },
      (thrown) => this.fail(thrown),
    );
  }

  pauseFor(ms: number): void {
    this.#inflow.pauseFor(ms);
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
    const entering = data.note(session, 'connect', payload, this.origin);
    this.#entering = entering.catch(() => {});
    await entering;
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
    if (session === null || this.#inflow.busy || this.#ended || this.#deps.admission.holds(session)) return;
    const renewed = session.renew().then((session) => {
      this.session = session;
    });
    this.hold(renewed);
    this.#inflow.regulate();
  }

  starve(): void {
    this.#deps.onHungry(this);
  }

  /** A connection of the device began, on whichever gateway. */
  rivalled(connection: string): void {
    if (connection === this.origin.connectionId) return;
    this.#rivalled = true;
    void this.#compare();
  }

  /** Of two connections that began at once the one that the store names last goes on, wherever the signals meet. */
  async #compare(): Promise<void> {
    if (this.#comparing) return;
    this.#comparing = true;
    try {
      while (this.#rivalled && this.session !== null && !this.#ended) {
        this.#rivalled = false;
        // Who is asked before that names an earlier one.
        await this.#entering;
        const last = await this.#deps.data.connection(this.session);
        if (last !== null && last !== this.origin.connectionId) this.takenOver();
      }
    } catch {
      // Storage is away: the sweep asks again.
      this.#rivalled = true;
    } finally {
      this.#comparing = false;
    }
  }

  /** There is memory again. */
  fed(): void {
    this.#inflow.fed();
    this.#resume();
  }

  /** Called twice a second or so. */
  sweep(now: number): void {
    const { drainingSince } = this.#inflow;
    if (now >= this.#deadline || now - (drainingSince ?? now) >= DRAIN_TIME) this.#socket.destroy();
    if (this.#ended) return;
    if (this.#inflow.pauseIsOver(now)) this.#resume();
    const { session, client } = this;
    if (session === null) {
      const wanted = `a credential within ${STRANGER_TIME / 1000} s`;
      if (now - this.#since >= STRANGER_TIME) this.end(new AppError('NOT_AUTHENTICATED', { wanted }));
      return;
    }
    this.recheck();
    if (this.#rivalled) void this.#compare();
    if (now - this.#touchedAt >= TOUCH_EVERY) {
      this.#touchedAt = now;
      this.#deps.data.touch(session, this.origin);
    }
    // 3.1.1 [MQTT-3.1.2-24], 5.0 [MQTT-3.1.2-22] [MQTT-3.2.2-22]
    if (this.#inflow.silentFor(now) >= client!.keepAlive * 1500 && client!.keepAlive > 0) {
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
    this.#inflow.drop();
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
    this.#inflow.drop();
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
