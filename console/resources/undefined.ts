/** Aliases that devices write though nobody has defined them, gathered from the log, and which format would suit them. */
import type { Resource } from '../../src/domain/connector.ts';
import { checkValue } from '../../src/domain/resources.ts';
import { type Resources, resourceOf } from './change.ts';

export interface UndefinedAlias {
  readonly alias: string;
  readonly format: Resource['format'];
  /** The value of the newest of its writes. */
  readonly sample: string;
  /** In how many of the writes. */
  readonly writes: number;
  /** µs since the epoch. */
  readonly last: number;
}

export interface Write {
  readonly timestamp: number;
  readonly payload: unknown;
}

const formats: readonly Resource['format'][] = ['number', 'boolean', 'string'];

/** A definition with nothing but its format. */
export function plainResource(format: Resource['format']): Resource {
  return { format, unit: '', settable: false, allowed: [], initial: null, sync: false };
}

interface Seen {
  sample: string;
  writes: number;
  last: number;
  fitting: Resource['format'][];
}

/** `writes` newest first. Those come first that are written most often. */
export function gatherUndefined(writes: readonly Write[], defined: Resources): UndefinedAlias[] {
  const found = new Map<string, Seen>();
  for (const { timestamp, payload } of writes) {
    const counted = new Set<string>();
    for (const [alias, value] of undefinedValues(payload)) {
      if (resourceOf(defined, alias) !== null) continue;
      const seen = found.get(alias) ?? { sample: value, writes: 0, last: timestamp, fitting: [...formats] };
      seen.fitting = seen.fitting.filter((format) => checkValue(plainResource(format), value) === null);
      if (!counted.has(alias)) seen.writes += 1;
      counted.add(alias);
      found.set(alias, seen);
    }
  }
  const all = [...found].map(([alias, { fitting, ...seen }]) => ({ alias, format: fitting[0] ?? 'string', ...seen }));
  return all.sort((a, b) => b.writes - a.writes || a.alias.localeCompare(b.alias));
}

function* undefinedValues(payload: unknown): Generator<[alias: string, value: string]> {
  for (const point of Array.isArray(payload) ? payload : []) {
    const { values, undefined: aliases } = (point ?? {}) as { values?: Record<string, unknown>; undefined?: unknown };
    if (typeof values !== 'object' || values === null || !Array.isArray(aliases)) continue;
    for (const alias of aliases) {
      if (typeof alias === 'string' && Object.hasOwn(values, alias)) yield [alias, String(values[alias])];
    }
  }
}
