/** Bytes that arrive in pieces, kept in one place that doubles as it fills: pieces of one byte cost no more than others. */

const FIRST = 4_096;

export class ByteSink {
  #bytes = Buffer.allocUnsafe(FIRST);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Bytes of memory held. */
  get capacity(): number {
    return this.#bytes.length;
  }

  append(piece: Buffer): void {
    const needed = this.#length + piece.length;
    if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#bytes.length));
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    piece.copy(this.#bytes, this.#length);
    this.#length = needed;
  }

  /** What has arrived; the sink is not to be used afterwards. */
  bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }
}
