/** How busy the event loop is: whatever holds it up holds up every device. */
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { counter, type Family, gauge } from './figure.ts';

/** ms between two samples; Node counts this into each of them. */
const RESOLUTION = 20;
/** ms that the percentiles are of. */
const WINDOW = 15_000;
const PERCENTILES = [50, 90, 99] as const;

interface Delays {
  readonly percentiles: readonly (readonly [percentile: number, seconds: number])[];
  readonly longest: number;
}

export interface EventLoop {
  families(): Family[];
  close(): void;
}

/** Watches it. The percentiles are of the last whole window, so that several who ask see the same. */
export function watchEventLoop(): EventLoop {
  const watched = monitorEventLoopDelay({ resolution: RESOLUTION });
  watched.enable();
  let last: Delays | null = null;
  const read = (): Delays => ({
    percentiles: PERCENTILES.map((percentile) => [percentile, toDelay(watched.percentile(percentile))] as const),
    longest: toDelay(watched.max),
  });
  const timer = setInterval(() => {
    last = read();
    watched.reset();
  }, WINDOW).unref();
  return {
    families() {
      const { percentiles, longest } = last ?? read();
      return [
        gauge(
          'slipway_event_loop_delay_seconds',
          'How late the event loop is, over the last 15 s: percentiles, and 100 for the longest',
          [...percentiles, [100, longest] as const].map(([percentile, delay]) => [
            { percentile: String(percentile) },
            delay,
          ]),
        ),
        counter(
          'slipway_event_loop_active_seconds_total',
          'Time that the event loop was at work',
          performance.eventLoopUtilization().active / 1000,
        ),
      ];
    },
    close() {
      clearInterval(timer);
      watched.disable();
    },
  };
}

/** ns between two samples → s of delay. Without any sample Node tells of none. */
const toDelay = (ns: number) => Math.max(0, Number.isFinite(ns) ? ns / 1e9 - RESOLUTION / 1000 : 0);
