/**
 * One device connection: bytes in, requests one after the other, answers in the same order (RFC 9112, 9.3.2). Holds what is
 * true for its whole life: the address, the TLS server name, the client certificate, who it turned out to be.
 */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { ClientCertificate } from '../../domain/certificate.ts';
import type { Connector } from '../../domain/connector.ts';
import type { Origin } from '../../domain/device.ts';
import { AppError, asAppError } from '../../domain/errors.ts';
import { normalizeAddress } from '../../domain/network.ts';
import type { Tally } from '../../metrics/tally.ts';
import type { ConnectorOf } from '../host.ts';
import type { Session } from '../sessions.ts';
import { clientCertificateOf } from '../tls/peer.ts';
import { readAuthorization } from './authorization.ts';
import type { DoorDeps, Exchange } from './context.ts';
import { type Request, RequestParser } from './parser.ts';
import { type FileBody, failure, type Reply, render } from './reply.ts';
import { allowOf, NO_ENDPOINT, parseTarget, servedBy } from './routes.ts';

/** Bytes of requests behind the one under way; more are left in the kernel. */
const BEHIND_MAX = 65_536;

interface Shown {
  readonly authorization: string | undefined;
  readonly cik: string | undefined;
  readonly connector: string | undefined;
}

/** What the door lends to its connections. */
export interface ConnectionDeps extends DoorDeps {
  readonly connectorOf: ConnectorOf;
  /** ms; a request must be complete this long after its first byte. */
  readonly requestTimeout: number;
  /** ms without a request after which a connection ends. */
  readonly idleTimeout: number;
  /** Bodies under way on all connections share this. */
  readonly budget: { bytes: number; readonly max: number };
  readonly tally: Tally;
  readonly onInternalError: (error: AppError) => void;
  readonly onClose: (connection: Connection) => void;
  nextId(): string;
}

export class Connection {
  readonly #socket: Socket;
  readonly #deps: ConnectionDeps;
  readonly #parser = new RequestParser();
  readonly #origin: Origin;
  #certificate: ClientCertificate | null | undefined;
  #session: Session | null = null;
  /** What `#session` was found by. */
  #shown: Shown | null = null;
  /** A request is under way: being answered, or its answer being taken. */
  #busy = false;
  /** Which endpoint the request under way is for. */
  #endpoint = NO_ENDPOINT;
  /** The client is slow to take an answer; nothing more is read until it has. */
  #draining = false;
  /** Our side ends with the answer under way. */
  #closing = false;
  /** Bytes that came after the last answer. */
  #thrownAway = 0;
  /** The client sends nothing more. */
  #ended = false;
  #counted = 0;
  #gone: Set<() => void> | null = null;
  /** What is being sent piece by piece, and whether it is being looked at again if the device may have it. */
  #sending: FileBody | null = null;
  #renewing = false;
  /** When patience ends, ms of the monotonic clock; looked at by the door's sweep. */
  #deadline: number;

  constructor(socket: Socket, deps: ConnectionDeps) {
    this.#socket = socket;
    this.#deps = deps;
    this.#deadline = performance.now() + deps.requestTimeout;
    this.#origin = {
      ip: normalizeAddress(socket.remoteAddress ?? ''),
      protocol: 'onep:v1/http',
      connectionId: deps.nextId(),
    };
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE);
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('error', () => socket.destroy());
    socket.on('end', () => this.#clientEnded());
    socket.on('close', () => this.#closed());
  }

  /** Called every second or so. */
  sweep(now: number): void {
    if (this.#sending !== null && !this.#sending.holds()) void this.#renew(this.#sending);
    if ((this.#busy && !this.#draining) || now < this.#deadline) return;
    if (this.#parser.midway && !this.#closing && !this.#draining) {
      const wanted = `a complete request within ${this.#deps.requestTimeout / 1000} s`;
      this.#fail(new AppError('REQUEST_TIMEOUT', { wanted }));
    } else {
      this.#socket.destroy();
    }
  }

  /** Ends the connection once the request under way is answered. */
  stop(): void {
    this.#closing = true;
    if (!this.#busy) this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    if (this.#closing) {
      this.#thrownAway += chunk.length;
      if (this.#thrownAway > LINGER_BYTES) this.#socket.destroy();
      return;
    }
    const idleUntil = this.#deadline;
    const begins = !this.#busy && !this.#parser.midway;
    if (begins) this.#deadline = performance.now() + this.#deps.requestTimeout;
    this.#parser.push(chunk);
    if (!this.#busy) {
      this.#advance();
      // Empty lines are no request: they do not keep a connection alive.
      if (begins && !this.#busy && !this.#parser.midway) this.#deadline = idleUntil;
    } else if (this.#parser.waiting > BEHIND_MAX) {
      this.#socket.pause();
    }
    this.#parser.keep();
  }

  /** Starts the next request if it is complete. */
  #advance(): void {
    try {
      const step = this.#parser.next();
      this.#count();
      if (step.kind === 'more') {
        if (step.awaitsContinue) this.#socket.write('HTTP/1.1 100 Continue\r\n\r\n');
        return;
      }
      this.#busy = true;
      this.#answer(step.request);
    } catch (thrown) {
      const error = asAppError(thrown);
      this.#report(error);
      this.#fail(error);
    }
  }

  /** Keeps the door's total of bytes that wait in memory; over it the request is refused. */
  #count(): void {
    const { budget } = this.#deps;
    const waiting = this.#parser.waiting;
    budget.bytes += waiting - this.#counted;
    this.#counted = waiting;
    if (budget.bytes > budget.max && waiting > BEHIND_MAX) {
      throw new AppError('OVERLOADED', { seen: `${budget.bytes} bytes of requests under way`, retryAfter: 5 });
    }
  }

  /** Promises are followed by hand here: an async function more on this path is a few per cent of a write. */
  #answer(request: Request): void {
    let reply: Promise<Reply>;
    this.#endpoint = NO_ENDPOINT;
    try {
      reply = this.#handle(request);
    } catch (thrown) {
      // Not answered here: requests that wait behind this one would make the stack grow with each of them.
      reply = Promise.reject(thrown);
    }
    reply.then(
      (reply) => this.#reply(request, reply),
      (thrown) => this.#reply(request, this.#refusal(thrown, request)),
    );
  }

  #handle(request: Request): Promise<Reply> {
    const target = parseTarget(request.target);
    const connector = this.#deps.connectorOf(target.host ?? request.host, this.#serverName());
    const { handler, endpoint } = servedBy(target, request.method);
    this.#endpoint = endpoint;
    return handler(new OnConnection(this, request, target.path, target.query, connector, this.#origin), this.#deps);
  }

  #refusal(thrown: unknown, request: Request): Reply {
    const error = asAppError(thrown);
    this.#report(error);
    this.#deps.tally.refused(error.code);
    return failure(error, error.code === 'METHOD_NOT_ALLOWED' ? allowOf(parseTarget(request.target)) : '');
  }

  /** A 503 without a cause is an answer like others: too much at once, or stopping. */
  #report(error: AppError): void {
    if (error.code === 'INTERNAL' || error.cause !== undefined) this.#deps.onInternalError(error);
  }

  #reply(request: Request, reply: Reply): void {
    this.#deps.tally.answered(this.#endpoint, reply.status);
    const { file } = reply;
    if (this.#socket.destroyed) return void file?.close();
    const last = this.#closing || !request.keepAlive;
    const after = last ? 'ends' : request.minor === 0 ? 'stays in 1.0' : 'stays';
    const bytes = render(reply, after, request.method === 'HEAD');
    if (file !== undefined) return void this.#sendFile(file, bytes, last);
    const taken = this.#socket.write(bytes, reply.body === undefined ? 'latin1' : 'utf8');
    if (last) this.#end();
    else if (taken) this.#proceed();
    else this.#drain();
  }

  #drain(): void {
    this.#draining = true;
    this.#deadline = performance.now() + this.#deps.requestTimeout;
    this.#socket.once('drain', () => {
      this.#draining = false;
      this.#proceed();
    });
  }

  /** Holds one piece at a time: the next is read when the client has taken it. */
  async #sendFile(file: FileBody, head: string, last: boolean): Promise<void> {
    this.#sending = file;
    file.onDropped(() => void this.#renew(file));
    try {
      this.#socket.write(head, 'latin1');
      for await (const piece of file.pieces()) {
        if (!file.holds()) await this.#renew(file);
        if (this.#socket.destroyed) return;
        if (!this.#socket.write(piece)) await this.#drained();
      }
      if (this.#socket.destroyed) return;
      file.sent();
    } catch (thrown) {
      // The head has said how much would come: the client has to see that this was not all.
      this.#report(asAppError(thrown));
      this.#socket.destroy();
      return;
    } finally {
      this.#sending = null;
      await file.close();
    }
    if (last) this.#end();
    else this.#proceed();
  }

  /** The client has taken what it was sent, or has gone. A slow link is no reason to end: only one that stands still is. */
  #drained(): Promise<void> {
    this.#draining = true;
    this.#deadline = performance.now() + this.#deps.idleTimeout;
    return new Promise((resolve) => {
      const done = () => {
        this.#draining = false;
        this.#socket.off('drain', done);
        this.#socket.off('close', done);
        resolve();
      };
      this.#socket.once('drain', done);
      this.#socket.once('close', done);
    });
  }

  /** Cuts a device that may not be here any more. That storage cannot be asked is no reason to. */
  async #renew(file: FileBody): Promise<void> {
    if (this.#renewing) return;
    this.#renewing = true;
    try {
      await file.renew();
    } catch (thrown) {
      if (asAppError(thrown).status < 500) this.#socket.destroy();
    } finally {
      this.#renewing = false;
    }
  }

  /** On to the next request. */
  #proceed(): void {
    this.#busy = false;
    this.#deadline = performance.now() + (this.#parser.midway ? this.#deps.requestTimeout : this.#deps.idleTimeout);
    if (this.#socket.isPaused()) this.#socket.resume();
    if (this.#parser.midway) this.#advance();
    if ((this.#ended || this.#closing) && !this.#busy) this.#socket.end();
  }

  /** The same credential on the same connection is the same device, as long as its session holds. */
  sessionOf({ authorization, cik }: Request, connector: Connector | null): Session | null {
    const before = this.#shown;
    const same = before?.authorization === authorization && before?.cik === cik && before?.connector === connector?.id;
    const session = this.#session;
    return session !== null && same && this.#deps.admission.holds(session) ? session : null;
  }

  async authenticate(request: Request, connector: Connector | null): Promise<Session> {
    const known = this.sessionOf(request, connector);
    if (known !== null) return known;
    const { authorization, cik } = request;
    const presented = {
      ...readAuthorization(request),
      connector,
      certificate: this.certificate(),
      origin: this.#origin,
    };
    this.#session = await this.#deps.admission.authenticate(presented);
    this.#shown = { authorization, cik, connector: connector?.id };
    return this.#session;
  }

  certificate(): ClientCertificate | null {
    this.#certificate ??= this.#socket instanceof TLSSocket ? clientCertificateOf(this.#socket) : null;
    return this.#certificate;
  }

  onGone(listener: () => void): () => void {
    this.#gone ??= new Set();
    this.#gone.add(listener);
    return () => this.#gone?.delete(listener);
  }

  #serverName(): string | null {
    return this.#socket instanceof TLSSocket ? this.#socket.servername || null : null;
  }

  /** Nothing more can be understood on this connection. */
  #fail(error: AppError): void {
    this.#deps.tally.refused(error.code);
    this.#deps.tally.answered(NO_ENDPOINT, error.status);
    this.#socket.write(render(failure(error), 'ends'));
    this.#end();
  }

  /** Ends it so that the answer arrives even while the client is still sending (RFC 9112, 9.6). */
  #end(): void {
    this.#closing = true;
    this.#socket.end();
    this.#deadline = performance.now() + LINGER;
    this.#busy = false;
    this.#socket.resume();
  }

  /** What it asked before is still answered, but it waits for nothing more. */
  #clientEnded(): void {
    this.#ended = true;
    for (const listener of this.#gone ?? []) listener();
    if (!this.#busy) this.#socket.end();
  }

  #closed(): void {
    this.#deps.budget.bytes -= this.#counted;
    this.#counted = 0;
    for (const listener of this.#gone ?? []) listener();
    this.#deps.onClose(this);
  }
}

/** A request on its connection, as handlers see it. */
class OnConnection implements Exchange {
  readonly #connection: Connection;
  readonly request: Request;
  readonly path: string;
  readonly query: string;
  readonly connector: Connector | null;
  readonly origin: Origin;

  constructor(
    connection: Connection,
    request: Request,
    path: string,
    query: string,
    connector: Connector | null,
    origin: Origin,
  ) {
    this.#connection = connection;
    this.request = request;
    this.path = path;
    this.query = query;
    this.connector = connector;
    this.origin = origin;
  }

  get certificate(): ClientCertificate | null {
    return this.#connection.certificate();
  }

  get session(): Session | null {
    return this.#connection.sessionOf(this.request, this.connector);
  }

  authenticate(): Promise<Session> {
    return this.#connection.authenticate(this.request, this.connector);
  }

  onGone(listener: () => void): () => void {
    return this.#connection.onGone(listener);
  }
}

/** ms of silence after which the kernel asks whether the other side is still there. */
const KEEP_ALIVE = 60_000;
/** How long a connection is read, and what comes thrown away, after its last answer: ms, and bytes. */
const LINGER = 2_000;
const LINGER_BYTES = 8 << 20;
