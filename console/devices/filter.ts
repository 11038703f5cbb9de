/** Filter and order of the list, as its address holds them: what changes them, and how each filter is named. */
import type { Status } from '../api/types.ts';
import { firstPage } from './paging.ts';
import type { DeviceSearch } from './search.ts';

/** What the list and the count ask the server for. */
export type Filter = Pick<DeviceSearch, 'status' | 'identity' | 'tag' | 'batch' | 'online' | 'ends'>;

export const filterOf = ({ status, identity, tag, batch, online, ends }: DeviceSearch): Filter => ({
  status,
  identity,
  tag,
  batch,
  online,
  ends,
});

export const isFiltered = (search: DeviceSearch) =>
  Object.values(filterOf(search)).some((condition) => condition !== undefined);

/** Another filter begins at its first page. */
export const withFilter = (search: DeviceSearch, change: Filter): DeviceSearch => firstPage({ ...search, ...change });

export const withoutFilter = (search: DeviceSearch): DeviceSearch =>
  withFilter(search, {
    status: undefined,
    identity: undefined,
    tag: undefined,
    batch: undefined,
    online: undefined,
    ends: undefined,
  });

/** As the server takes it: `<name>:<value>`. Null for a name with a colon, which cannot be asked for. */
export const tagFilter = (name: string, value: string) => (name.includes(':') ? null : `${name}:${value}`);

/** The search with one more tag that devices must have. */
export function withTag(search: DeviceSearch, tag: string): DeviceSearch {
  const { tag: tags = [] } = search;
  return tags.includes(tag) ? search : withFilter(search, { ...filterOf(search), tag: [...tags, tag] });
}

/** The search for the devices of one batch alone. */
export const withBatch = (search: DeviceSearch, batch: string): DeviceSearch =>
  withFilter(search, { ...filterOf(search), batch });

/** `group: g1` */
export function tagLabel(tag: string): string {
  const colon = tag.indexOf(':');
  return colon < 0 ? tag : `${tag.slice(0, colon)}: ${tag.slice(colon + 1)}`;
}

/** `ends within 30 days`, `has ended`; behind the word "certificate". */
export const endsLabel = (days: number) => (days === 0 ? 'has ended' : `ends within ${days} days`);

/** One filter that is set: its name, and the search without it. */
export interface Chip {
  readonly label: string;
  readonly without: DeviceSearch;
}

interface Names {
  readonly status: (status: Status) => string;
  readonly batch: (id: string) => string;
}

export function chipsOf(search: DeviceSearch, names: Names): Chip[] {
  const { identity, status, tag = [], online, batch, ends } = search;
  const filter = filterOf(search);
  const chips: Chip[] = [];
  const add = (label: string, change: Filter) =>
    chips.push({ label, without: withFilter(search, { ...filter, ...change }) });
  if (identity !== undefined) add(`Identity: ${identity}`, { identity: undefined });
  if (status !== undefined) add(`Status: ${names.status(status)}`, { status: undefined });
  for (const one of tag) {
    const others = tag.filter((other) => other !== one);
    add(`Tag ${tagLabel(one)}`, { tag: others.length === 0 ? undefined : others });
  }
  if (online !== undefined) add(online ? 'Online' : 'Offline', { online: undefined });
  if (ends !== undefined) add(`Certificate ${endsLabel(ends)}`, { ends: undefined });
  if (batch !== undefined) add(`Batch: ${names.batch(batch)}`, { batch: undefined });
  return chips;
}

export type SortColumn = 'activity' | 'identity' | 'created';
export type Sort = NonNullable<DeviceSearch['sort']>;

export const defaultSort: Sort = '-activity';

/** For `aria-sort` of a column. */
export function sortOf(sort: Sort, column: SortColumn): 'ascending' | 'descending' | 'none' {
  if (sort === column) return 'ascending';
  return sort === `-${column}` ? 'descending' : 'none';
}

/** What a click on a column's header asks for: times newest first, names from A to Z, then the other way round. */
export function sortedBy(search: DeviceSearch, column: SortColumn): DeviceSearch {
  const now = sortOf(search.sort ?? defaultSort, column);
  const usual: Sort = column === 'identity' ? 'identity' : `-${column}`;
  const other: Sort = column === 'identity' ? '-identity' : column;
  const usualNow = now === (column === 'identity' ? 'ascending' : 'descending');
  const sort = usualNow ? other : usual;
  return firstPage({ ...search, sort: sort === defaultSort ? undefined : sort });
}
