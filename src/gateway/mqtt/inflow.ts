/**
 * What a connection is sent, packet by packet, as long as it may be handled; what may not is left in the kernel, so that a
 * client that is too fast, or too slow to take its answers, is slowed by its socket. Knows no topic and no rule.
 */
import type { Socket } from 'node:net';
import { AppError } from '../../domain/errors.ts';
import type { DoorDeps, Link } from './context.ts';
import { handle } from './handlers/index.ts';
import { publish } from './handlers/publish.ts';
import type { Budget, InFlight } from './in-flight.ts';
import { Intake } from './intake.ts';
import { IN_FLIGHT_MAX, PACKET_MAX, STRANGER_PACKET_MAX } from './limits.ts';
import { readPacket } from './packets.ts';
import { type Extent, findPacket, type Publish, packetTypes, readPublish } from './wire.ts';

/** The connection, as what arrives on it sees it. */
export interface Inlet extends Link {
  readonly ended: boolean;
  /** Finishes what it has, and takes nothing new. */
  readonly stopping: boolean;
  /** Waits for others to free memory. */
  starve(): void;
  /** Asks the rules anew whether the device may be here. */
  recheck(): void;
  /** Ends with whatever was thrown. */
  fail(thrown: unknown): void;
}

export interface InflowDeps extends DoorDeps {
  /** Bytes that wait on all connections share this. */
  readonly budget: Budget;
}

/** One of each for all connections: a packet is handled before the next one is read. */
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

export class Inflow {
  readonly #socket: Socket;
  readonly #inlet: Inlet;
  readonly #deps: InflowDeps;
  readonly #inFlight: InFlight;
  readonly #intake: Intake;
  /** Something is under way that what follows has to wait for. */
  busy = false;
  /** Since when the client is slow to take what is sent, ms of the monotonic clock; null: it is not. */
  drainingSince: number | null = null;
  /** Nothing is handled before this time, ms of the monotonic clock; null: now. */
  #heldUntil: number | null = null;
  #hungry = false;
  /** When the last packet came, ms of the monotonic clock. */
  #heardAt = performance.now();

  constructor(socket: Socket, inlet: Inlet, deps: InflowDeps, inFlight: InFlight) {
    this.#socket = socket;
    this.#inlet = inlet;
    this.#deps = deps;
    this.#inFlight = inFlight;
    this.#intake = new Intake(deps.budget, (bytes) => this.#take(bytes));
  }

  receive(chunk: Buffer): void {
    if (this.#inlet.ended) return;
    try {
      this.#intake.receive(chunk);
    } catch (thrown) {
      this.#inlet.fail(thrown);
    }
    this.regulate();
  }

  /** Goes on after something that was waited for. */
  resume(): void {
    try {
      this.#intake.digest();
    } catch (thrown) {
      this.#inlet.fail(thrown);
    }
    this.regulate();
  }

  /** Something waits to be handled, here or in the kernel. */
  get waits(): boolean {
    return !this.#intake.empty || this.#socket.isPaused();
  }

  /** Handles nothing for this time, in ms. */
  pauseFor(ms: number): void {
    this.#heldUntil = performance.now() + ms;
  }

  /** True if such a time is over, once: it is to go on. */
  pauseIsOver(now: number): boolean {
    if (this.#heldUntil === null || now < this.#heldUntil) return false;
    this.#heldUntil = null;
    return true;
  }

  /** There is memory again. */
  fed(): void {
    this.#hungry = false;
  }

  /** ms since the last packet. Whoever is not read cannot be heard. */
  silentFor(now: number): number {
    if (this.#socket.isPaused()) this.#heardAt = now;
    return now - this.#heardAt;
  }

  drop(): void {
    this.#intake.drop();
  }

  /** Reads from the socket exactly as long as what comes can be handled. */
  regulate(): void {
    if (this.#inlet.ended) return;
    const blocked = !this.#mayHandle() || this.#hungry || (this.#inFlight.full && !this.#intake.empty);
    if (blocked && !this.#socket.isPaused()) this.#socket.pause();
    else if (!blocked && this.#socket.isPaused()) this.#socket.resume();
  }

  /** Handles whole packets from the front, as long as it may; answers how many bytes they were. */
  #take(bytes: Buffer): number {
    const inlet = this.#inlet;
    const v5 = inlet.client?.version === 5;
    let at = 0;
    while (at < bytes.length && this.#mayHandle()) {
      if (!findPacket(bytes, at, v5, extent)) break;
      const { body, end } = extent;
      const most = inlet.session === null ? STRANGER_PACKET_MAX : PACKET_MAX;
      if (end - at > most) {
        throw new AppError('PACKET_TOO_LARGE', { seen: `${end - at} bytes`, wanted: `at most ${most}` });
      }
      const first = bytes[at]!;
      // 3.1.1 [MQTT-3.1.0-1], 5.0 [MQTT-3.1.0-1]; known by its first byte, so that a stranger cannot make us wait for more.
      if (inlet.client === null && first >> 4 !== packetTypes.connect) {
        throw new AppError('PACKET_UNEXPECTED', { seen: `a packet of type ${first >> 4}`, wanted: 'CONNECT first' });
      }
      if (end > bytes.length) break;
      if (first >> 4 === packetTypes.publish) {
        if (!this.#mayPublish(first)) break;
        if (readPublish(bytes, first, body, end, v5, incoming)) {
          if (!publish(inlet, incoming, this.#deps)) break;
        } else if (!this.#handle(bytes, at, body, end)) break;
      } else if (!this.#handle(bytes, at, body, end)) break;
      at = end;
      if (inlet.ended) return bytes.length;
    }
    if (at > 0) this.#heardAt = performance.now();
    return at;
  }

  /** Any packet that is not read in place. False if it has to wait. */
  #handle(bytes: Buffer, at: number, body: number, end: number): boolean {
    // A copy, as parts of it are kept while others are read into these bytes.
    const packet = readPacket(Buffer.from(bytes.subarray(at, end)), body - at, this.#inlet.client?.version ?? null);
    return handle(this.#inlet, packet, this.#deps);
  }

  #mayHandle(): boolean {
    const { ended, stopping } = this.#inlet;
    return !this.busy && this.drainingSince === null && !ended && !stopping && this.#heldUntil === null;
  }

  /** Back pressure: what cannot be stored yet is left in the kernel. */
  #mayPublish(first: number): boolean {
    const { session, client } = this.#inlet;
    const { admission, budget } = this.#deps;
    if (session !== null && !admission.holds(session)) {
      this.#inlet.recheck();
      return false;
    }
    if (budget.bytes > budget.max) {
      this.#hungry = true;
      this.#inlet.starve();
      return false;
    }
    // MQTT 5.0, 3.3.4 and 4.9: a client that knows the limit does not pass it. 3.1.1 knows none, and is slowed down.
    if (this.#inFlight.unacknowledged >= IN_FLIGHT_MAX && client?.version === 5 && (first & 6) !== 0) {
      throw new AppError('RECEIVE_MAXIMUM', { wanted: `at most ${IN_FLIGHT_MAX}` });
    }
    return !this.#inFlight.full;
  }
}
