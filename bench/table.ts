/** How results are shown: a line each in the table, and what else a row has to say below its name. */
import type { Result } from './result.ts';

const headings = ['', 'ours', 'reference', 'ratio', 'goal', 'CPU ms/1000', "reference's", 'load share'];

/** The table of all rows. */
export function table(results: Readonly<Record<string, Result>>): string {
  const lines = Object.entries(results).map(([name, result]) => [
    name,
    `${short(result.ours)} ${result.unit}`,
    short(result.reference),
    result.ratio.toFixed(2),
    result.goal === null ? '' : result.goal.toFixed(2),
    short(result.cpu_ms_per_1000),
    short(result.reference_cpu_ms_per_1000),
    short(result.load_share),
  ]);
  return columns([headings, ...lines]);
}

const inTable = new Set([
  'ours',
  'reference',
  'unit',
  'goal',
  'ratio',
  'cpu_ms_per_1000',
  'reference_cpu_ms_per_1000',
  'load_share',
]);

/** The fields of a row that the table has no column for. */
export function details(name: string, result: Result): string {
  const first = `  ${name}: ours ${short(result.ours)} ${result.unit}, reference ${short(result.reference)}, ratio ${result.ratio.toFixed(3)}`;
  const cpu = `    CPU ms per 1,000: ${short(result.cpu_ms_per_1000)}, reference ${short(result.reference_cpu_ms_per_1000)}; load ${short(result.load_share)} of a core`;
  const others = Object.entries(result)
    .filter(
      ([name, value]) => !inTable.has(name) && value !== null && (typeof value !== 'object' || Array.isArray(value)),
    )
    .map(([name, value]) => `    ${name}: ${typeof value === 'number' ? short(value) : JSON.stringify(value)}`);
  return [first, cpu, ...others].join('\n');
}

/** Lines of cells, the first of each to the left, the others to the right. */
export function columns(lines: readonly string[][]): string {
  const widths = lines[0]!.map((_, at) => Math.max(...lines.map((line) => line[at]!.length)));
  const cell = (text: string, at: number) => (at === 0 ? text.padEnd(widths[at]!) : text.padStart(widths[at]!));
  return lines.map((line) => line.map(cell).join('  ').trimEnd()).join('\n');
}

/** Three digits that matter. */
export function short(value: number | null): string {
  if (value === null) return 'n/a';
  return Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)));
}
