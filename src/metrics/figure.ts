/** Figures as Prometheus reads them: families of numbers with labels, as text. Knows nothing of what is counted. */
import type { HistogramFigures } from './histogram.ts';

export type Labels = Readonly<Record<string, string>>;

interface Sample {
  /** Behind the family's name: `_bucket`, `_sum`, `_count` of a histogram. */
  readonly suffix?: string;
  readonly labels: Labels;
  readonly value: number;
}

/** All numbers of one name. Counters end in `_total`; units are base units (prometheus.io, Metric and label naming). */
export interface Family {
  readonly name: string;
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly samples: readonly Sample[];
}

/** One number, or one for each set of labels. */
type Values = number | readonly (readonly [labels: Labels, value: number])[];

export const counter = (name: string, help: string, values: Values): Family => family('counter', name, help, values);
export const gauge = (name: string, help: string, values: Values): Family => family('gauge', name, help, values);

function family(kind: 'counter' | 'gauge', name: string, help: string, values: Values): Family {
  const list = typeof values === 'number' ? [[{}, values] as const] : values;
  return { name, kind, help, samples: list.map(([labels, value]) => ({ labels, value })) };
}

/** Buckets that include those below them, their sum and their number. */
export function histogram(name: string, help: string, { bounds, counts, sum }: HistogramFigures): Family {
  let below = 0;
  const buckets = counts.map((count, at) => {
    below += count;
    return { suffix: '_bucket', labels: { le: String(bounds[at] ?? '+Inf') }, value: below };
  });
  const all = [
    { suffix: '_sum', labels: {}, value: sum },
    { suffix: '_count', labels: {}, value: below },
  ];
  return { name, kind: 'histogram', help, samples: [...buckets, ...all] };
}

/** Prometheus text format 0.0.4. Families without a number are left out. */
export function render(families: readonly Family[]): string {
  return families
    .filter(({ samples }) => samples.length > 0)
    .map(({ name, kind, help, samples }) => {
      const lines = samples.map(({ suffix = '', labels, value }) => `${name}${suffix}${inBraces(labels)} ${value}\n`);
      return `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${name} ${kind}\n${lines.join('')}`;
    })
    .join('');
}

function inBraces(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

const escaped = (text: string) => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
