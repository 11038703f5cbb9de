/** Which page of the list is shown, and how to get to its neighbours. Pages are known by cursors that the server gives. */
import type { DeviceSearch } from './search.ts';

/** Devices on a page. */
export const PAGE_SIZE = 50;

/** Most characters of cursors that an address keeps: a server takes some 16 kB of headers, the address among them. */
export const CURSORS_MAX = 4_000;

/** Number of the page, from 1. */
export const pageNumber = ({ pages = [], skipped = 0 }: DeviceSearch) => skipped + pages.length + 1;

export const firstPage = (search: DeviceSearch): DeviceSearch => ({ ...search, pages: undefined, skipped: undefined });

/** The page that begins at the cursor. The oldest cursors go when they become too many. */
export function nextPage(search: DeviceSearch, cursor: string): DeviceSearch {
  const pages = [...(search.pages ?? []), cursor];
  let { skipped = 0 } = search;
  while (pages.length > 1 && charactersOf(pages) > CURSORS_MAX) {
    pages.shift();
    skipped += 1;
  }
  return { ...search, pages, skipped: skipped || undefined };
}

/** The page before; null on the first page, and where its cursor was let go. */
export function previousPage(search: DeviceSearch): DeviceSearch | null {
  const { pages = [], skipped = 0 } = search;
  if (pages.length > 1) return { ...search, pages: pages.slice(0, -1) };
  return pages.length === 1 && skipped === 0 ? firstPage(search) : null;
}

/** `51–100` */
export function rangeOf(search: DeviceSearch, shown: number): string {
  const before = (pageNumber(search) - 1) * PAGE_SIZE;
  return `${formatNumber(before + 1)}–${formatNumber(before + shown)}`;
}

/** `1,000,000` */
export const formatNumber = (n: number) => n.toLocaleString('en-US');

/** `1 device`, `1,200 devices` */
export const countDevices = (n: number) => `${formatNumber(n)} ${n === 1 ? 'device' : 'devices'}`;

const charactersOf = (texts: readonly string[]) => texts.reduce((sum, text) => sum + text.length, 0);
