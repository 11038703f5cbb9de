/** What the address of the resources says: what is looked for, which page of the table, and which dialog is open. */
import { oneOf, textOf } from '../devices/search.ts';

export interface ResourceSearch {
  /** Part of an alias or unit. */
  readonly find?: string;
  /** From 1. */
  readonly page?: number;
  readonly dialog?: 'add' | 'edit' | 'remove';
  /** Which one is edited or removed. */
  readonly alias?: string;
}

/** Takes whatever stands in an address; what makes no sense is left out. */
export function readResourceSearch(given: Record<string, unknown>): ResourceSearch {
  const { page } = given;
  const alias = textOf(given.alias);
  const dialog = oneOf(['add', 'edit', 'remove'], given.dialog);
  return {
    find: textOf(given.find),
    page: typeof page === 'number' && Number.isSafeInteger(page) && page > 1 ? page : undefined,
    dialog: dialog !== 'add' && alias === undefined ? undefined : dialog,
    alias: dialog === undefined ? undefined : alias,
  };
}
