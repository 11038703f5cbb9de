/**
 * A change of the resources as somebody means it: these definitions, in place of those that were seen. The server takes the
 * whole set; here is decided how a change is put into a set that others have changed meanwhile, and when that is a clash.
 */
import type { Resource } from '../../src/domain/connector.ts';

export type Resources = Readonly<Record<string, Resource>>;

/** Of one alias: what was there, what shall be there; null = nothing. */
export interface AliasChange {
  readonly alias: string;
  readonly from: Resource | null;
  readonly to: Resource | null;
}

/** The definition of an alias; null if there is none, also for names that every object has. */
export function resourceOf(resources: Resources, alias: string): Resource | null {
  return Object.hasOwn(resources, alias) ? (resources[alias] ?? null) : null;
}

/** The aliases that somebody else has changed since, in another way than is meant; each with what is there now. */
export function clashesOf(changes: readonly AliasChange[], latest: Resources): AliasChange[] {
  return changes
    .map((change) => ({ ...change, from: resourceOf(latest, change.alias) }))
    .filter(({ from, to }, i) => !isSame(from, changes[i]!.from) && !isSame(from, to));
}

/** The set with the changes in it. All others stay as they are. */
export function applyChanges(changes: readonly AliasChange[], latest: Resources): Record<string, Resource> {
  const next = new Map(Object.entries(latest));
  for (const { alias, to } of changes) {
    if (to === null) next.delete(alias);
    else next.set(alias, to);
  }
  // Makes own properties, whatever their names.
  return Object.fromEntries(next);
}

/** The order of the fields does not count, that of `allowed` does. */
export function isSame(a: Resource | null, b: Resource | null): boolean {
  return textOf(a) === textOf(b);
}

function textOf(resource: Resource | null): string {
  if (resource === null) return '';
  const { format, unit, settable, allowed, initial, sync } = resource;
  return JSON.stringify([format, unit, settable, allowed, initial, sync]);
}
