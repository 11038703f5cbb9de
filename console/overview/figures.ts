/** What the Overview's plots show, out of the figures of the server. Pure. */
import type { paths } from '../api/schema.ts';
import type { Range } from './search.ts';

export type Figures =
  paths['/api:1/service/{connector}/device2/figures']['get']['responses'][200]['content']['application/json'];

const HOUR = 3_600;

/** How far each range looks back, and how wide its buckets are, both in seconds. */
export const spans: Readonly<
  Record<Range, { readonly back: number; readonly bucket: number; readonly label: string; readonly short: string }>
> = {
  '1h': { back: HOUR, bucket: 60, label: 'Last hour', short: '1 h' },
  '6h': { back: 6 * HOUR, bucket: 300, label: 'Last 6 hours', short: '6 h' },
  '24h': { back: 24 * HOUR, bucket: 600, label: 'Last 24 hours', short: '24 h' },
  '7d': { back: 7 * 24 * HOUR, bucket: HOUR, label: 'Last 7 days', short: '7 days' },
  '30d': { back: 30 * 24 * HOUR, bucket: 4 * HOUR, label: 'Last 30 days', short: '30 days' },
};

export const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);

/** The last bucket has only begun: its rate is over the time that it has lasted. `now` in µs. */
export function ratePerSecond({ times, writes, bucket }: Pick<Figures, 'times' | 'writes' | 'bucket'>, now: number) {
  return writes.map((count, at) => {
    const lasted = Math.min(bucket, (now - times[at]!) / 1_000_000);
    return lasted <= 0 ? 0 : count / Math.max(lasted, 1);
  });
}

/** The samples of who was online, with what is known of this moment: a server that has just begun has taken none yet. */
export function withNow(online: Figures['online'], now: number | undefined): readonly (number | null)[] {
  const last = online.at(-1);
  if (last === undefined || now === undefined) return online;
  return [...online.slice(0, -1), Math.max(last ?? 0, now)];
}

/** Rules that refused somebody with how often, the most frequent first; all beyond `most` as one named `other`. */
export function topRules(refused: Figures['refused'], most: number): { rule: string; values: readonly number[] }[] {
  const rules = Object.entries(refused)
    .map(([rule, values]) => ({ rule, values, sum: total(values) }))
    .filter(({ sum }) => sum > 0)
    .sort((a, b) => b.sum - a.sum);
  const shown: { rule: string; values: readonly number[] }[] = rules
    .slice(0, most)
    .map(({ rule, values }) => ({ rule, values }));
  const rest = rules.slice(most);
  if (rest.length === 0) return shown;
  return [
    ...shown,
    { rule: 'other', values: rest[0]!.values.map((_, at) => total(rest.map(({ values }) => values[at]!))) },
  ];
}
