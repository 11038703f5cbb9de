/**
 * Values that a device might measure: they fit the definition of their resource, change slowly, and are the same in each
 * run with the same seed. Nothing is remembered: a value follows from the seed, the device and the number of the write.
 */
import type { Resource } from '../domain/connector.ts';
import { parseRange } from '../domain/resources.ts';

/** What a device writes. `resource` is null where nothing is known of it. */
export interface Alias {
  readonly name: string;
  readonly resource: Pick<Resource, 'format' | 'allowed'> | null;
}

/** The `n`th value (from 0) of a device; `phase`, from 0 to 1, tells devices apart. */
type Source = (n: number, phase: number, random: number) => string;

/** Writes in which a number goes up and down once. */
const PERIOD = 60;
/** Where nothing says which numbers there may be: a room's temperature, in whatever unit, and most other things. */
const USUAL = [10, 40] as const;
const words = ['idle', 'running', 'charging', 'paused'];

/** Values of these aliases, in their order; `device` is the number of the device. */
export function createValues(aliases: readonly Alias[], seed: number): (device: number, n: number) => string[] {
  const sources = aliases.map(({ resource }) => sourceOf(resource));
  return (device, n) =>
    sources.map((source, at) => source(n, chance(seed, device, at, -1), chance(seed, device, at, n)));
}

function sourceOf(resource: Alias['resource']): Source {
  const { format, allowed } = resource ?? { format: 'number', allowed: [] };
  const texts = allowed.map(String);
  const range = format === 'number' ? texts.map(parseRange).find((found) => found !== null) : undefined;
  if (range !== undefined) return wave(range.from, range.to);
  if (texts.length > 0) return (_, __, random) => pick(texts, random);
  if (format === 'number') return wave(...USUAL);
  if (format === 'boolean') return (n, phase) => String((n / PERIOD + phase) % 1 < 0.5);
  return (_, __, random) => pick(words, random);
}

const pick = (texts: readonly string[], random: number) => texts[Math.floor(random * texts.length)]!;

/** Up and down between the two, with some noise. */
function wave(from: number, to: number): Source {
  return (n, phase, random) => {
    const share = 0.5 + 0.45 * Math.sin(2 * Math.PI * (n / PERIOD + phase)) + 0.1 * (random - 0.5);
    // Both ends may be so large that their difference is not a number.
    const value = Number((from * (1 - share) + to * share).toPrecision(4));
    return String(value >= from && value <= to ? value : from);
  };
}

/** From 0 to 1, as evenly as the mixing of MurmurHash3 makes it. */
function chance(...parts: readonly number[]): number {
  let hash = 0;
  for (const part of parts) {
    hash = Math.imul(hash ^ part, 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    hash ^= hash >>> 16;
  }
  return (hash >>> 0) / 2 ** 32;
}
