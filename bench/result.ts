/** What a row of the bench says, and what it is told. */

/** One figure. Further fields are the row's own and printed below its line. */
export interface Result {
  readonly ours: number;
  /** The peer measured in the same rounds, or the limit that must hold. */
  readonly reference: number;
  /** ours ÷ reference, for durations and sizes reference ÷ ours: higher is better. */
  readonly ratio: number;
  readonly unit: string;
  /** What has to be reached; null where no one has said. */
  readonly goal: number | null;
  /** CPU time of the processes of the server, by the operating system. */
  readonly cpu_ms_per_1000: number | null;
  readonly reference_cpu_ms_per_1000: number | null;
  /** The load generator's own share of a core. Near 1 it is the bottleneck. */
  readonly load_share: number | null;
  readonly rounds: number;
  readonly [detail: string]: unknown;
}

/** Of rates more is better; of everything else (durations, sizes, CPU time) less. */
export const isRate = (unit: string): boolean => unit.endsWith('/s');

export interface BenchOptions {
  readonly rounds: number;
  /** Length of one round of requests, s. */
  readonly seconds: number;
  /** Rows of an import, and devices in the lists. */
  readonly rows: number;
  /** Values that are stored when history is asked for. */
  readonly points: number;
  /** Long polls that wait at once, and devices that come back at once. */
  readonly polls: number;
  /** MQTT connections that only stand. */
  readonly connections: number;
  /** Takes its time: more rounds, longer ones. */
  readonly large: boolean;
  /** Passed to the server's Node, such as `--cpu-prof`. */
  readonly nodeFlags: readonly string[];
  readonly say: (line: string) => void;
}

/** Measures and cleans up after itself. */
export type Row = (options: BenchOptions) => Promise<Record<string, Result>>;
