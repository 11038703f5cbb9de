/** Messages of one connection between their arrival and their acknowledgement, in order; what they take counts in a total. */
import type { AppError } from '../../domain/errors.ts';
import { IN_FLIGHT_BYTES, IN_FLIGHT_MAX } from './limits.ts';

/** What a message costs beside its payload, in bytes of memory, roughly. */
const OVERHEAD = 512;

/** Bytes that all connections together may hold. */
export interface Budget {
  bytes: number;
  readonly max: number;
}

export interface Message {
  /** 0 for QoS 0. */
  readonly id: number;
  readonly bytes: number;
  /** Its place among what figures tell apart (endpoints.ts). */
  readonly endpoint: number;
  settled: boolean;
  /** Refused with this. */
  error: AppError | null;
}

export class InFlight {
  readonly #budget: Budget;
  /** Those before `#head` have been taken. */
  #messages: Message[] = [];
  #head = 0;
  #bytes = 0;
  #unacknowledged = 0;

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  /** Messages of QoS 1. */
  get unacknowledged(): number {
    return this.#unacknowledged;
  }

  get empty(): boolean {
    return this.#head === this.#messages.length;
  }

  /** No other may join them. */
  get full(): boolean {
    return this.#messages.length - this.#head >= IN_FLIGHT_MAX || this.#bytes >= IN_FLIGHT_BYTES;
  }

  /** Each is a new one, whatever its identifier and DUP: 5.0 [MQTT-4.3.2-5]. */
  add(id: number, bytes: number, endpoint: number): Message {
    const message: Message = { id, bytes: bytes + OVERHEAD, endpoint, settled: false, error: null };
    this.#messages.push(message);
    this.#bytes += message.bytes;
    this.#budget.bytes += message.bytes;
    if (id !== 0) this.#unacknowledged += 1;
    return message;
  }

  /** True if it, and perhaps others behind it, can be taken now. */
  settle(message: Message, error: AppError | null): boolean {
    message.settled = true;
    message.error = error;
    return this.#messages[this.#head] === message;
  }

  /** Takes from the front what is settled. */
  take(): readonly Message[] {
    const messages = this.#messages;
    const from = this.#head;
    let to = from;
    let bytes = 0;
    for (; to < messages.length && messages[to]!.settled; to += 1) {
      bytes += messages[to]!.bytes;
      if (messages[to]!.id !== 0) this.#unacknowledged -= 1;
    }
    this.#bytes -= bytes;
    this.#budget.bytes -= bytes;
    if (to === messages.length) {
      this.#messages = [];
      this.#head = 0;
      return from === 0 ? messages : messages.slice(from);
    }
    this.#head = to;
    const taken = messages.slice(from, to);
    if (to > IN_FLIGHT_MAX) {
      this.#messages = messages.slice(to);
      this.#head = 0;
    }
    return taken;
  }
}
