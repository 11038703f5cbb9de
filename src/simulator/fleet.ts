/**
 * Runs a fleet: lets the devices connect one after the other, hands out the writes that are due by the clock, whether or not
 * the server keeps up, and ends in order. Bounds what is under way, so that memory does not grow with a slow server.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Device } from './device.ts';
import type { Figures } from './figures.ts';

export interface Course {
  readonly devices: readonly Device[];
  /** Values of the `n`th write of a device. */
  readonly values: (device: number, n: number) => string[];
  /** Writes per second of the whole fleet. */
  readonly rate: number;
  /** New connections per second, at the start. */
  readonly ramp: number;
  /** ms; Infinity: until it is stopped. */
  readonly duration: number;
  /** Writes that may be in flight at a time. */
  readonly inFlightMax: number;
}

/** ms between two looks at what is due. */
const STEP = 10;
/** ms that the last answers may take. */
const GRACE = 5_000;
/** s of writes that may wait; what is due beyond is left out. */
const BEHIND_MAX = 1;
/** If nobody but these was seen, and all were turned away, the others will be as well. */
const SAMPLE = 20;

/** Resolves when the time is over, `signal` says so, or no device is left; then all are stopped. */
export async function runFleet(course: Course, figures: Figures, signal: AbortSignal): Promise<void> {
  const { devices, duration } = course;
  const start = performance.now();
  const steer = createSteering(course, figures);
  let ticked = start;
  while (!signal.aborted && performance.now() - start < duration && !isHopeless(devices.length, figures)) {
    const now = performance.now();
    steer(now - start);
    if (now - ticked >= 1_000) {
      ticked = now;
      for (const device of devices) device.tick(now);
    }
    await delay(STEP);
  }
  figures.behind = 0;
  const deadline = performance.now() + GRACE;
  const waits = () => figures.inFlight > 0 || devices.some(({ entering }) => entering);
  while (waits() && performance.now() < deadline) await delay(STEP);
  for (const device of devices) device.stop();
}

/** Called with the ms since the start: connects who is due, and sends what is due. */
function createSteering({ devices, values, rate, ramp, inFlightMax }: Course, figures: Figures): (at: number) => void {
  const written = new Uint32Array(devices.length);
  let started = 0;
  let last = 0;
  let due = 0;
  let next = 0;

  function findReady(): number | null {
    for (let looked = 0; looked < started; looked += 1) {
      const at = next % started;
      next = at + 1;
      if (devices[at]!.ready) return at;
    }
    return null;
  }

  return (at) => {
    while (started < devices.length && started < (at / 1000) * ramp + 1) devices[started++]!.start();
    // Each device brings its share once it is there, and owes it from then on.
    due += ((at - last) / 1000) * rate * (figures.provisioned / devices.length);
    last = at;
    while (due >= 1 && figures.inFlight < inFlightMax) {
      const device = findReady();
      if (device === null) break;
      devices[device]!.write(values(device, written[device]!++));
      due -= 1;
    }
    figures.behind = Math.floor(due);
    const most = Math.max(rate * BEHIND_MAX, 1);
    if (due <= most) return;
    const left = Math.floor(due - most);
    figures.missed += left;
    due -= left;
  };
}

const isHopeless = (devices: number, { givenUp, provisioned }: Figures) =>
  provisioned === 0 && givenUp >= Math.min(devices, SAMPLE);
