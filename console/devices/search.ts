/** What the address of the list of devices says: its filters, its sort, its page, and which dialog is open. */
import type { DeviceListQuery } from '../api/queries.ts';

type Filter = Pick<DeviceListQuery, 'status' | 'identity' | 'tag' | 'batch' | 'online' | 'ends' | 'sort'>;

export interface DeviceSearch extends Filter {
  /** Cursors of the pages before this one, the last of them its own; none on the first page. */
  readonly pages?: readonly string[];
  /** How many pages lie before those: their cursors were let go, for an address has its bounds (paging.ts). */
  readonly skipped?: number;
  /** The dialog under + NEW DEVICE(S). */
  readonly add?: 'one' | 'many';
  /** Whether "How a device provisions" is open; left out, the page decides. */
  readonly how?: boolean;
}

const statuses = ['whitelisted', 'provisioned', 'expired', 'locked', 'reprovision'] as const;
/** Days within which a certificate ends that the list can be asked for; 0: it has ended. */
export const endings = [0, 7, 30, 90] as const;
const sorts = ['activity', '-activity', 'identity', '-identity', 'created', '-created'] as const;
const dialogs = ['one', 'many'] as const;

/** Takes whatever stands in an address; what makes no sense is left out. */
export function readDeviceSearch(given: Record<string, unknown>): DeviceSearch {
  return {
    status: oneOf(statuses, given.status),
    identity: textOf(given.identity),
    tag: textsOf(given.tag),
    batch: textOf(given.batch),
    online: typeof given.online === 'boolean' ? given.online : undefined,
    ends: endings.find((days) => days === given.ends),
    sort: oneOf(sorts, given.sort),
    pages: textsOf(given.pages),
    skipped: Number.isSafeInteger(given.skipped) && Number(given.skipped) > 0 ? Number(given.skipped) : undefined,
    add: oneOf(dialogs, given.add),
    how: typeof given.how === 'boolean' ? given.how : undefined,
  };
}

/** The value if it is one of these. */
export function oneOf<const T extends string>(known: readonly T[], given: unknown): T | undefined {
  return known.find((value) => value === given);
}

/** Text that is not empty. An address may hold `00000001`, which reads as a number. */
export function textOf(given: unknown): string | undefined {
  const text = typeof given === 'number' ? String(given) : given;
  return typeof text === 'string' && text !== '' ? text : undefined;
}

/** A list of texts that is not empty. */
export function textsOf(given: unknown): readonly string[] | undefined {
  const list = Array.isArray(given) ? given : given === undefined ? [] : [given];
  const texts = list.map(textOf).filter((text) => text !== undefined);
  return texts.length === 0 ? undefined : texts;
}
