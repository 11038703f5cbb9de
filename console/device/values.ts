/** The resources of a device as rows: what it reported, what is set, and whether it has taken that over. */
import type { Identity, Resource } from '../api/types.ts';

export interface ResourceRow {
  readonly alias: string;
  /** Null where values are there, but the resource is not defined any more. */
  readonly resource: Resource | null;
  readonly reported: string | null;
  /** Null also where nothing can be set and nothing else than the reported value was. */
  readonly set: string | null;
  /** µs since the epoch; null where there is no value. */
  readonly timestamp: number | null;
  /** Set, but not reported yet. */
  readonly waiting: boolean;
}

type State = Identity['state'];

/** By alias; those that are not defined come last. */
export function rowsOf(resources: Readonly<Record<string, Resource>>, state: State): readonly ResourceRow[] {
  const defined = Object.keys(resources).sort();
  const left = Object.keys(state)
    .filter((alias) => !Object.hasOwn(resources, alias))
    .sort();
  return [...defined, ...left].map((alias) => {
    const resource = Object.hasOwn(resources, alias) ? resources[alias]! : null;
    const value = Object.hasOwn(state, alias) ? state[alias] : undefined;
    const { reported = null, set = null, timestamp = null } = value ?? {};
    const waiting = set !== null && (reported === null || !isSame(resource?.format, reported, set));
    // What a device wrote itself is not shown as if somebody had set it.
    const shown = resource?.settable || waiting ? set : null;
    return { alias, resource, reported, set: shown, timestamp, waiting };
  });
}

/** 22 and 22.0 are one number; true and 1 are one boolean (src/domain/resources.ts judges in the same way). */
function isSame(format: Resource['format'] | undefined, a: string, b: string): boolean {
  if (a === b) return true;
  if (format === 'number') return Number(a) === Number(b);
  return format === 'boolean' && booleanOf(a) !== null && booleanOf(a) === booleanOf(b);
}

/** What a device's text stands for as a boolean; null for none. */
export function booleanOf(text: string): boolean | null {
  const lower = text.toLowerCase();
  if (lower === 'true' || lower === '1') return true;
  return lower === 'false' || lower === '0' ? false : null;
}

export type Control =
  | { readonly kind: 'switch' }
  | { readonly kind: 'select'; readonly options: readonly string[] }
  | { readonly kind: 'number'; readonly hint: string }
  | { readonly kind: 'text'; readonly hint: string };

/** Which control sets a value of the resource. Ranges of numbers cannot be chosen from: they are a hint. */
export function controlOf({ format, allowed, unit }: Resource): Control {
  const options = [...new Set(allowed.map(String))];
  if (format === 'boolean' && options.length !== 1) return { kind: 'switch' };
  const choosable = options.length > 0 && (format !== 'number' || options.every((text) => !Number.isNaN(Number(text))));
  if (choosable) return { kind: 'select', options };
  if (format === 'number') {
    const bounds = options.length === 0 ? 'A number' : `Allowed: ${options.join(', ')}`;
    return { kind: 'number', hint: unit === '' ? bounds : `${bounds} (${unit})` };
  }
  return { kind: 'text', hint: 'Text' };
}

/** What the commands of the page write: a resource that is there, with a value that it takes. */
export function exampleOf(rows: readonly ResourceRow[]): { readonly alias: string; readonly value: string } {
  const row = rows.find(({ resource }) => resource !== null);
  if (row?.resource == null) return { alias: 'myalias', value: '50' };
  const known = row.set ?? row.reported;
  if (known !== null && known.length <= 64) return { alias: row.alias, value: known };
  const control = controlOf(row.resource);
  if (control.kind === 'select') return { alias: row.alias, value: control.options[0]! };
  return { alias: row.alias, value: { switch: 'true', number: '50', text: 'hello' }[control.kind] };
}
