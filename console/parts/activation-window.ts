/** The activation window as dialogs ask for it: in hours, from now. */
import { defaultSettings } from '../../src/domain/connector.ts';

const HOUR = 3_600_000_000;
/** As long as the settings allow (src/domain/settings.ts): ten years. */
export const HOURS_MAX = 87_600;

/** Said where a window is none that can be used. */
export const hoursWanted = `A number of hours above 0, up to ${HOURS_MAX.toLocaleString('en-US')}`;

/** Hours that a dialog for new devices begins with: those of the connector, or 48 as long as nobody has set them there. */
export const usualHours = (expireHours: number | undefined): number =>
  expireHours === undefined || expireHours === defaultSettings('').provisioning.expire_hours ? 48 : expireHours;

/** When a window of so many hours closes, µs; null for what is no such number. */
export function windowEnd(hours: number | string, now: number): number | null {
  const count = typeof hours === 'string' ? Number(hours.trim() === '' ? Number.NaN : hours) : hours;
  return count > 0 && count <= HOURS_MAX ? now + Math.round(count * HOUR) : null;
}
