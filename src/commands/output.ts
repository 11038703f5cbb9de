/** What commands print: tables, or JSON for other programs; and the one question that they ask. */
import { createInterface } from 'node:readline/promises';
import { ConfigError } from '../config.ts';
import type { Given } from './command.ts';

export const say = (text: string): void => void process.stdout.write(`${text}\n`);
/** For what is no result: progress, questions, advice. */
export const note = (text: string): void => void process.stderr.write(`${text}\n`);

/** The result as JSON where that is asked for, else as text. */
export function tell(given: Given, result: unknown, text: () => string): void {
  say(given.values.json === true ? JSON.stringify(result, null, 2) : text());
}

/** Columns as wide as what is in them; a cell of what others wrote is one line without control characters. */
export function table(head: readonly string[], rows: readonly (readonly (string | number | null)[])[]): string {
  const cells = [head, ...rows].map((row) => row.map((cell) => printable(cell === null ? '' : String(cell))));
  const widths = head.map((_, column) => Math.max(...cells.map((row) => widthOf(row[column]!))));
  const lines = cells.map((row) =>
    row
      .map((cell, column) => cell + ' '.repeat(widths[column]! - widthOf(cell)))
      .join('  ')
      .trimEnd(),
  );
  return lines.join('\n');
}

const widthOf = (text: string) => [...new Intl.Segmenter().segment(text)].length;
const printable = (text: string) => text.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]|\p{Cf}/gu, '�');

/** µs → `2026-11-23 14:05`, in the time zone of whoever reads; nothing for null. */
export function timeText(at: number | null | undefined): string {
  if (at === null || at === undefined) return '';
  const date = new Date(at / 1000);
  const pad = (value: number) => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())} ${pad(date.getHours())}:${pad(date.getMinutes())}`;
}

/** `1 device`, `2 devices` */
export const devicesText = (n: number): string => (n === 1 ? '1 device' : `${n} devices`);

/** `1.5 GiB` */
export function bytesText(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  const at = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  return at === 0 ? `${bytes} bytes` : `${(bytes / 1024 ** at).toFixed(1)} ${units[at]}`;
}

/** Goes on only if `--yes` was given, or a person says so. */
export async function confirm(given: Given, question: string): Promise<void> {
  if (given.values.yes === true) return;
  if (!process.stdin.isTTY) throw new ConfigError(`${question} Say --yes.`);
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await lines.question(`${question} [y/N] `);
  lines.close();
  if (!/^y(es)?$/i.test(answer.trim())) throw new ConfigError('Nothing was done.');
}
