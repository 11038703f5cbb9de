/** What is to be said of a certificate's dates. */
const DAY = 86_400_000_000;
/** A certificate that ends within so many days is worth a word. */
export const WARN_DAYS = 30;

export interface Validity {
  readonly text: string;
  readonly tone: 'good' | 'warn' | 'bad';
}

/** How long a certificate is still good for, by the clock of the reader; times in µs. */
export function validityOf(notBefore: number, notAfter: number, now: number): Validity {
  if (now < notBefore) return { text: `begins in ${daysIn(notBefore - now)}`, tone: 'bad' };
  if (now > notAfter) return { text: `ended ${daysIn(now - notAfter)} ago`, tone: 'bad' };
  const left = notAfter - now;
  return { text: `${daysIn(left)} left`, tone: left < WARN_DAYS * DAY ? 'warn' : 'good' };
}

function daysIn(length: number): string {
  const days = Math.floor(length / DAY);
  if (days === 0) return 'less than a day';
  return days === 1 ? '1 day' : `${days} days`;
}
