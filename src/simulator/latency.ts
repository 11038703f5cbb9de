/** How long acknowledgements took, in memory that does not grow: counts by magnitude, exact to about 4 percent. */

/** Buckets for each doubling. */
const FINENESS = 16;
/** ms of the first bucket's upper end. */
const LEAST = 0.01;
/** Doublings above that: up to about 3 hours. */
const DOUBLINGS = 30;

export class Latency {
  readonly #buckets = new Uint32Array(FINENESS * DOUBLINGS);
  #count = 0;

  /** ms */
  add(duration: number): void {
    const bucket = Math.ceil(Math.log2(Math.max(duration, LEAST) / LEAST) * FINENESS);
    this.#buckets[Math.min(bucket, this.#buckets.length - 1)]! += 1;
    this.#count += 1;
  }

  /** ms that this share (0 to 1) did not take longer than; null if there is none yet. */
  quantile(share: number): number | null {
    if (this.#count === 0) return null;
    let left = Math.ceil(this.#count * share);
    for (const [bucket, count] of this.#buckets.entries()) {
      left -= count;
      if (left <= 0) return LEAST * 2 ** (bucket / FINENESS);
    }
    return null;
  }

  clear(): void {
    this.#buckets.fill(0);
    this.#count = 0;
  }
}
