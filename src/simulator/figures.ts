/** What a running fleet counts, and what of it is shown each second and at the end. Knows neither devices nor screens. */
import { Latency } from './latency.ts';
import { type Reason, Reasons } from './reasons.ts';

/** The state of the fleet now; rates and latencies are those since the last look. Times in ms unless said otherwise. */
export interface Second {
  /** Since the start, in s. */
  readonly seconds: number;
  readonly devices: number;
  readonly connected: number;
  readonly provisioned: number;
  readonly writesPerSecond: number;
  readonly acknowledged: number;
  readonly inFlight: number;
  readonly p50: number | null;
  readonly p99: number | null;
  readonly refused: number;
  readonly reconnects: number;
  readonly received: number;
  /** Writes that are due and wait, as too many are in flight already. */
  readonly behind: number;
  /** Writes that were due and have been left out, as they waited for too long. */
  readonly missed: number;
}

export interface Summary extends Second {
  /** Writes that left a device, each counted once. */
  readonly sent: number;
  /** Those that got no answer before the end. */
  readonly unanswered: number;
  /** Times that a write was sent again. */
  readonly repeated: number;
  /** Devices that gave up. */
  readonly givenUp: number;
  readonly refusals: readonly Reason[];
  /** What went by: connections that broke, servers that asked to come again. */
  readonly failures: readonly Reason[];
  /** All that was due was acknowledged, and no device gave up. */
  readonly good: boolean;
}

export class Figures {
  readonly devices: number;
  readonly #start = performance.now();
  readonly #lately = new Latency();
  readonly #overall = new Latency();
  readonly #refusals = new Reasons();
  readonly #failures = new Reasons();
  #shownAt = this.#start;
  #shownAcknowledged = 0;
  #sent = 0;
  #acknowledged = 0;
  #refusedWrites = 0;
  connected = 0;
  provisioned = 0;
  reconnects = 0;
  received = 0;
  repeated = 0;
  givenUp = 0;
  behind = 0;
  missed = 0;

  constructor(devices: number) {
    this.devices = devices;
  }

  get inFlight(): number {
    return this.#sent - this.#acknowledged - this.#refusedWrites;
  }

  sent(): void {
    this.#sent += 1;
  }

  /** `since`: when the write was first sent, as performance.now(). */
  acknowledged(since: number): void {
    const took = performance.now() - since;
    this.#acknowledged += 1;
    this.#lately.add(took);
    this.#overall.add(took);
  }

  /** A write that will never be taken. */
  refusedWrite(message: string): void {
    this.#refusedWrites += 1;
    this.#refusals.add(message);
  }

  /** A device that was not let in. */
  refusedDevice(message: string): void {
    this.#refusals.add(message);
  }

  /** Something that is tried again. */
  failed(message: string): void {
    this.#failures.add(message);
  }

  /** Begins another second. */
  look(): Second {
    const now = performance.now();
    const elapsed = Math.max(now - this.#shownAt, 1) / 1000;
    const writesPerSecond = (this.#acknowledged - this.#shownAcknowledged) / elapsed;
    const second = this.#state(writesPerSecond, this.#lately);
    this.#shownAt = now;
    this.#shownAcknowledged = this.#acknowledged;
    this.#lately.clear();
    return second;
  }

  summary(): Summary {
    const seconds = Math.max(performance.now() - this.#start, 1) / 1000;
    const state = this.#state(this.#acknowledged / seconds, this.#overall);
    const unanswered = this.inFlight;
    return {
      ...state,
      sent: this.#sent,
      unanswered,
      repeated: this.repeated,
      givenUp: this.givenUp,
      refusals: this.#refusals.list(),
      failures: this.#failures.list(),
      good: unanswered === 0 && this.missed === 0 && this.#refusals.total === 0 && this.givenUp === 0,
    };
  }

  /** What has been refused so far, the most frequent first. */
  refusals(): readonly Reason[] {
    return this.#refusals.list();
  }

  #state(writesPerSecond: number, latency: Latency): Second {
    return {
      seconds: round((performance.now() - this.#start) / 1000),
      devices: this.devices,
      connected: this.connected,
      provisioned: this.provisioned,
      writesPerSecond: round(writesPerSecond),
      acknowledged: this.#acknowledged,
      inFlight: this.inFlight,
      p50: roundOrNull(latency.quantile(0.5)),
      p99: roundOrNull(latency.quantile(0.99)),
      refused: this.#refusals.total,
      reconnects: this.reconnects,
      received: this.received,
      behind: this.behind,
      missed: this.missed,
    };
  }
}

const round = (value: number) => Math.round(value * 10) / 10;
const roundOrNull = (value: number | null) => (value === null ? null : Math.round(value * 100) / 100);
