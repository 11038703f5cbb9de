/** How it stands with the dates of a certificate. Times in µs since the epoch. */
import { plural } from './words.ts';

const DAY = 86_400_000_000;
/** Days in which somebody should see to a new one. */
const SOON = 60;

export interface Validity {
  readonly state: 'good' | 'soon' | 'over' | 'early';
  /** `1,826 days left` */
  readonly text: string;
}

export function judgeValidity(notBefore: number, notAfter: number, now: number): Validity {
  if (now < notBefore)
    return { state: 'early', text: `begins in ${plural(Math.ceil((notBefore - now) / DAY), 'day')}` };
  if (now > notAfter) return { state: 'over', text: `ended ${plural(Math.floor((now - notAfter) / DAY), 'day')} ago` };
  const days = Math.floor((notAfter - now) / DAY);
  return {
    state: days < SOON ? 'soon' : 'good',
    text: `${plural(days, 'day')} left`,
  };
}

/** `2026-11-23` in UTC, as certificates have their dates. */
export const dayOf = (at: number) => new Date(at / 1000).toISOString().slice(0, 10);
