/** A definition in a few words, where there is no room for a table. */
import type { Resource } from '../../src/domain/connector.ts';

/** As many allowed values are named before "and … more". */
const NAMED = 4;

/** `number, °C, settable, allowed 9-11, 13, initial 10, sync`. */
export function describe(resource: Resource): string {
  const { format, unit, settable, initial, sync } = resource;
  const allowed = describeAllowed(resource);
  return [
    format,
    unit,
    settable ? 'settable' : '',
    allowed === '' ? '' : `allowed ${allowed}`,
    initial === null ? '' : `initial ${initial}`,
    sync ? 'sync' : '',
  ]
    .filter((part) => part !== '')
    .join(', ');
}

/** The first of the allowed values; '' where all are. */
export function describeAllowed({ allowed }: Resource): string {
  const named = allowed.slice(0, NAMED).map(String).join(', ');
  const more = allowed.length - NAMED;
  return more > 0 ? `${named} and ${more.toLocaleString('en')} more` : named;
}
