/** Times in words. All times of the API are µs since the epoch. */
const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;

/** `3 min ago`, `in 2 days`, `just now`. */
export function formatAgo(at: number, now: number): string {
  const seconds = Math.round((now - at) / 1_000_000);
  const size = Math.abs(seconds);
  if (size < 10) return 'just now';
  const length = formatLength(size);
  return seconds > 0 ? `${length} ago` : `in ${length}`;
}

/** `40 s`, `3 min`, `5 h`, `12 days`; of that length about. */
export function formatLength(seconds: number): string {
  if (seconds < MINUTE) return `${seconds} s`;
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)} min`;
  if (seconds < 2 * DAY) return `${Math.floor(seconds / HOUR)} h`;
  return `${Math.floor(seconds / DAY)} days`;
}

/** `2026-11-23 14:05:09.123` in the time zone of the reader. */
export function formatExact(at: number): string {
  const date = new Date(at / 1000);
  const pad = (value: number, digits = 2) => String(value).padStart(digits, '0');
  const day = `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
  return `${day} ${formatClock(at)}`;
}

/** `14:05:09.123` in the time zone of the reader. */
export function formatClock(at: number): string {
  const date = new Date(at / 1000);
  const pad = (value: number, digits = 2) => String(value).padStart(digits, '0');
  return `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}.${pad(date.getMilliseconds(), 3)}`;
}
