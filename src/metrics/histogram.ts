/** Numbers counted by size, in plain memory: a few comparisons for each, no more. Read when somebody asks. */

/** `counts[n]` of those up to `bounds[n]` and above the bound before it; the last of `counts` is of all beyond. */
export interface HistogramFigures {
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
  readonly sum: number;
}

export interface Histogram {
  observe(value: number): void;
  read(): HistogramFigures;
}

/** `bounds` ascend. */
export function createHistogram(bounds: readonly number[]): Histogram {
  const counts = new Array<number>(bounds.length + 1).fill(0);
  let sum = 0;
  return {
    observe(value) {
      let at = 0;
      while (at < bounds.length && value > bounds[at]!) at += 1;
      counts[at]! += 1;
      sum += value;
    },
    read: () => ({ bounds, counts: [...counts], sum }),
  };
}

/** Of two with the same bounds. */
export function addHistograms(a: HistogramFigures, b: HistogramFigures): HistogramFigures {
  return { bounds: a.bounds, counts: a.counts.map((count, at) => count + b.counts[at]!), sum: a.sum + b.sum };
}

/** Seconds that a commit takes. */
export const COMMIT_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
/** Writes that share one. */
export const COMMIT_WRITES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];
