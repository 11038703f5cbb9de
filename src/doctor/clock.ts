/** The clock: windows and certificates are judged by it. Whether it is right nobody can tell alone; that it is wrong, sometimes. */
import { setTimeout as delay } from 'node:timers/promises';
import { type Finding, fault, ok, warning } from './finding.ts';

/** ms that it is watched, and by how many it may differ from the monotonic one meanwhile. */
const WATCHED = 500;
const JUMP = 100;
/** ms by which what was stored may lie ahead. */
const AHEAD = 60_000;
const todo = 'Have the clock set by NTP (timedatectl set-ntp true, chrony). Whether it is cannot be told from here.';

/** `newest`: when a device was last heard of, in ms since the epoch; null if none was. */
export async function lookAtClock(newest: number | null, released: number): Promise<Finding[]> {
  const [wall, steady] = [Date.now(), performance.now()];
  await delay(WATCHED);
  const jump = Math.abs(Date.now() - wall - (performance.now() - steady));
  const now = Date.now();
  const shown = new Date(now).toISOString();
  if (now < released) return [fault('clock', `${shown} lies before this version was made`, todo)];
  if (jump > JUMP) return [warning('clock', `jumped by ${Math.round(jump)} ms while it was watched`, todo)];
  if (newest !== null && newest - now > AHEAD) {
    const seconds = Math.round((newest - now) / 1000);
    return [
      fault('clock', `${shown}, ${seconds} s before what is stored already: it was set back, or was wrong`, todo),
    ];
  }
  return [ok('clock', `${shown}, steady; whether NTP sets it cannot be told from here`)];
}
