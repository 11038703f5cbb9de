/** Numbers of things in words. */

/** `1 value`, `2,000 values`. */
export function countOf(count: number, what: string): string {
  return `${count.toLocaleString('en-US')} ${what}${count === 1 ? '' : 's'}`;
}
