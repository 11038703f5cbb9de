/** What a file was found to hold, as the server told it, and how that is said in words and figures. */
import { ApiFailure } from '../api/failure.ts';
import type { paths } from '../api/schema.ts';

/** The answer to an import; `batch` is null where nothing was written. */
export type ImportAnswer =
  paths['/api:1/service/{connector}/device2/identities']['post']['responses'][200]['content']['application/json'];

/** What the server found in a file. */
export type Review = Omit<ImportAnswer, 'batch'>;
export type BadRow = Review['rows'][number];
export type RepeatedRow = Review['repeated'][number];

/** The server lists this many bad, and this many repeated rows, and counts the others (src/api/import/rows.ts). */
export const LISTED_MAX = 1000;

/** Rows whose identity is known already. */
export function countKnown({ known }: Review): number {
  return Object.values(known).reduce((sum, count) => sum + count, 0);
}

/** What was found by a writing that was refused for its bad rows; null for any other failure. */
export function reviewIn(error: unknown): Review | null {
  if (!(error instanceof ApiFailure) || error.code !== 'IMPORT_REFUSED') return null;
  return { ...(error.answer.details as Omit<Review, 'rows'>), rows: (error.answer.rows ?? []) as BadRow[] };
}

/** `1,000 devices`, `1 device` */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${figure(n)} ${n === 1 ? one : many}`;
}

/** `1,000,000` */
export const figure = (n: number): string => n.toLocaleString('en-US');

/** What of the file was not added, and why: one sentence each; none where all of it was. */
export function leftOut(review: Review): string[] {
  const known = countKnown(review);
  const rows = (n: number, verb: string) => `${count(n, 'row')} ${n === 1 ? 'was' : 'were'} ${verb}`;
  const said: string[] = [];
  if (known > 0) said.push(`${rows(known, 'known already and')} left as ${known === 1 ? 'it is' : 'they are'}.`);
  if (review.duplicates > 0) said.push(`${rows(review.duplicates, 'repeated in the file')}; the first one was used.`);
  if (review.bad > 0) said.push(`${rows(review.bad, 'bad and left out')}.`);
  return said;
}

const units = ['kB', 'MB', 'GB', 'TB'] as const;

/** `999 bytes`, `1.5 kB`, `200 MB`; kB are 1,000 bytes, as browsers and file managers count them. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return count(bytes, 'byte');
  let size = bytes / 1000;
  let unit = 0;
  // What would be rounded to 1,000 is 1 of the next unit.
  while (size >= 999.5 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${size < 9.95 ? size.toFixed(1) : Math.round(size)} ${units[unit]}`;
}

/** Rules of the identity format as the Settings call them. */
const rules: readonly (readonly [rule: string, name: string])[] = [
  ['identity_format.prefix', 'the Prefix of the identity format'],
  ['identity_format.type', 'the Type of the identity format'],
  ['identity_format.options.length', 'the Length of the identity format'],
  ['identity_format.options.casing', 'the casing of the identity format'],
  ['fit identity', 'fit any identity'],
];

/** The server's reason for a bad row, with the names that stand in the console. */
export function sayReason(reason: string): string {
  const known = rules.find(([rule]) => reason.endsWith(rule));
  return known === undefined ? reason : reason.slice(0, -known[0].length) + known[1];
}
