/**
 * How long the event loop of a server under measurement is held, by Node's own histogram. Loaded into the server ahead of its own
 * code (`--import`); each SIGUSR2 prints what there was since the last one, as a line of JSON beside the server's log.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';

export interface LoopLine {
  readonly msg: 'event loop';
  /** ms, of the time between two turns of the loop's timer beyond the millisecond that it is set to. */
  readonly longest: number;
  readonly p999: number;
}

/** ms between two samples. */
const RESOLUTION = 1;

/** Of this file, for the flags of a server. */
export const watchFlag = `--import=${import.meta.filename}`;

const watched = process.execArgv.includes(watchFlag);
if (watched) {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION });
  histogram.enable();
  process.on('SIGUSR2', () => {
    const beyond = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - RESOLUTION);
    const line: LoopLine = {
      msg: 'event loop',
      longest: beyond(histogram.max),
      p999: beyond(histogram.percentile(99.9)),
    };
    histogram.reset();
    process.stdout.write(`${JSON.stringify(line)}\n`);
  });
}
