/** Bytes of one connection that wait: the beginning of a packet, or packets that may not be handled yet. */

const FIRST = 512;

export class Backlog {
  #bytes: Buffer;
  #from = 0;
  #to: number;

  constructor(piece: Buffer) {
    this.#bytes = Buffer.allocUnsafeSlow(Math.max(FIRST, piece.length));
    this.#to = piece.copy(this.#bytes);
  }

  get length(): number {
    return this.#to - this.#from;
  }

  /** Bytes of memory held. */
  get capacity(): number {
    return this.#bytes.length;
  }

  /** Doubles as it fills, so that pieces of one byte cost no more than others. */
  append(piece: Buffer): void {
    const needed = this.length + piece.length;
    if (this.#to + piece.length > this.#bytes.length) {
      const place =
        needed > this.#bytes.length ? Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#bytes.length)) : this.#bytes;
      this.#bytes.copy(place, 0, this.#from, this.#to);
      this.#to -= this.#from;
      this.#from = 0;
      this.#bytes = place;
    }
    this.#to += piece.copy(this.#bytes, this.#to);
  }

  /** What waits; good until the next `append`. */
  view(): Buffer {
    return this.#bytes.subarray(this.#from, this.#to);
  }

  consume(count: number): void {
    this.#from += count;
  }
}
