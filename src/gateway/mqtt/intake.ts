/** What came of a connection's bytes and is not handled yet; what it takes in memory counts in the door's total. */
import { AppError } from '../../domain/errors.ts';
import { Backlog } from './backlog.ts';
import type { Budget } from './in-flight.ts';

/** Bytes of a packet that is not complete, past which it may not grow once all connections together hold too much. */
const SMALL = 262_144;

/** Handles whole packets from the front of what it is given; answers how many bytes they were. */
export type Take = (bytes: Buffer) => number;

export class Intake {
  readonly #budget: Budget;
  readonly #take: Take;
  #backlog: Backlog | null = null;
  #counted = 0;

  constructor(budget: Budget, take: Take) {
    this.#budget = budget;
    this.#take = take;
  }

  get empty(): boolean {
    return this.#backlog === null;
  }

  /** The piece is not kept. Throws what `take` throws, and OVERLOADED. */
  receive(piece: Buffer): void {
    if (this.#backlog !== null) {
      this.#backlog.append(piece);
      this.digest();
      return;
    }
    const taken = this.#take(piece);
    if (taken < piece.length) this.#backlog = new Backlog(piece.subarray(taken));
    this.#count();
  }

  /** Handles what waits. */
  digest(): void {
    const backlog = this.#backlog;
    if (backlog === null) return;
    backlog.consume(this.#take(backlog.view()));
    if (backlog.length === 0) this.#backlog = null;
    this.#count();
  }

  drop(): void {
    this.#backlog = null;
    this.#count();
  }

  #count(): void {
    const held = this.#backlog?.capacity ?? 0;
    const grown = held > this.#counted;
    this.#budget.bytes += held - this.#counted;
    this.#counted = held;
    if (grown && held > SMALL && this.#budget.bytes > this.#budget.max) {
      throw new AppError('OVERLOADED', { seen: `${this.#budget.bytes} bytes of packets under way`, retryAfter: 5 });
    }
  }
}
