/** The history of one resource as the chart needs it: which time, how finely, and as which kind of picture. */
import type { paths } from '../api/schema.ts';
import type { Resource } from '../api/types.ts';
import { countOf } from '../parts/count.ts';
import type { PlotSeries } from '../plot/plot.tsx';
import type { DevicePageSearch, Range } from './search.ts';
import { booleanOf } from './values.ts';

type Answer =
  paths['/api:1/service/{connector}/device2/identity/{identity}/history']['get']['responses'][200]['content']['application/json'];
export type HistoryPoint = Answer['points'][number];

/** Times in µs since the epoch. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

export interface History extends Span {
  /** What the values are: numbers are drawn as lines, booleans as steps, texts stand in a table. */
  readonly kind: 'number' | 'boolean' | 'text';
  /** Values as they were reported, or with `bucket` their least, mean and greatest. */
  readonly points: readonly HistoryPoint[];
  /** Seconds that one point stands for; null for the values themselves. */
  readonly bucket: number | null;
  /** There are more than are shown. */
  readonly cut: boolean;
}

const SECOND = 1_000_000;
const HOUR = 3600 * SECOND;
const lengths: Readonly<Partial<Record<Range, number>>> = {
  '1h': HOUR,
  '24h': 24 * HOUR,
  '7d': 7 * 24 * HOUR,
  '30d': 30 * 24 * HOUR,
};

/** Height of a chart, px. */
export const PLOT_HEIGHT = 260;

export const DEFAULT_RANGE = '24h';

/** Which time is asked for. `all` begins at 0: where the values begin is seen only when they are there. */
export function spanOf({ range = DEFAULT_RANGE, from, to }: DevicePageSearch, now: number): Span {
  if (range === 'custom' && from !== undefined && to !== undefined) return { from, to };
  const length = lengths[range];
  return { from: length === undefined ? 0 : now - length, to: now };
}

/** Values that are drawn one by one; more of them are summed up. */
export const RAW_MAX = 1000;
/** Summed-up points on one chart: about one for two pixels. */
const BUCKETS = 480;

/** Widths that people can say: seconds, minutes, hours, days. */
const widths = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800,
  1_209_600, 2_592_000, 7_776_000, 31_536_000,
];

/** Seconds of one summed-up point, so that a chart has enough of them and not too many. */
export function bucketOf({ from, to }: Span): number {
  const seconds = Math.max(0, to - from) / SECOND;
  return widths.find((width) => seconds / width <= BUCKETS) ?? widths.at(-1)!;
}

/** What the values are, by their definition; where there is none, by what they look like. */
export function kindOf(format: Resource['format'] | undefined, points: readonly HistoryPoint[]): History['kind'] {
  const all = (fits: (text: string) => boolean) => points.every(({ value }) => fits(value ?? ''));
  if (format === 'number' || format === 'boolean') return format;
  if (format === 'string' || points.length === 0) return 'text';
  return all((text) => text.trim() !== '' && Number.isFinite(Number(text))) ? 'number' : 'text';
}

/** What is drawn: one line, or the mean with a band from the least to the greatest. What cannot be drawn is a gap. */
export function drawingOf(alias: string, { points, kind, bucket }: History) {
  const times = points.map(({ timestamp }) => timestamp);
  const column = (name: 'min' | 'mean' | 'max') => points.map((point) => point[name] ?? null);
  const color = 'harbour';
  const series: PlotSeries[] =
    bucket !== null
      ? [
          { label: 'least', color, look: 'edge', values: column('min') },
          { label: 'greatest', color, look: 'band', values: column('max') },
          { label: 'mean', color, look: 'bare', values: column('mean') },
        ]
      : [
          {
            label: alias,
            color,
            look: kind === 'boolean' ? 'steps' : 'bare',
            values: points.map((point) => drawn(kind, point.value ?? '')),
          },
        ];
  return { times, series };
}

function drawn(kind: History['kind'], text: string): number | null {
  if (kind === 'boolean') {
    const value = booleanOf(text);
    return value === null ? null : Number(value);
  }
  const value = Number(text);
  return text.trim() === '' || !Number.isFinite(value) ? null : value;
}

/** Six digits that count are enough to read. */
export function formatNumber(value: number): string {
  return Number(value.toPrecision(6)).toString();
}

/** The chart in a sentence, for those who do not see it. */
export function describe(alias: string, unit: string, history: History): string {
  const { series } = drawingOf(alias, history);
  const values = series.flatMap(({ values }) => values).filter((value) => value !== null);
  if (values.length === 0) return `${alias}: no values`;
  const count = history.points.reduce((sum, point) => sum + (point.count ?? 1), 0);
  const last = history.points.at(-1)!;
  const lastValue = last.value ?? formatNumber(last.mean ?? 0);
  const said = `${alias}: ${countOf(count, 'value')}`;
  if (history.kind === 'boolean') return `${said}, last ${lastValue}`;
  const [least, greatest] = [Math.min(...values), Math.max(...values)].map(formatNumber);
  return `${said}${unit === '' ? '' : ` in ${unit}`}, from ${least} to ${greatest}, last ${lastValue}`;
}

/** `2 min`, `6 h`, `1 day`: how much time one summed-up point stands for. */
export function formatBucket(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${seconds / 60} min`;
  if (seconds < 86_400) return `${seconds / 3600} h`;
  const days = Math.round(seconds / 86_400);
  return days === 1 ? '1 day' : `${days} days`;
}

/** For `<input type="datetime-local">`, in the time zone of the reader. */
export function toLocalInput(at: number): string {
  const date = new Date(at / 1000);
  const pad = (value: number, digits = 2) => String(value).padStart(digits, '0');
  const day = `${pad(date.getFullYear(), 4)}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
  return `${day}T${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
}

/** µs since the epoch; null for what is no time. */
export function fromLocalInput(text: string): number | null {
  const time = new Date(text).getTime();
  return Number.isNaN(time) ? null : time * 1000;
}
