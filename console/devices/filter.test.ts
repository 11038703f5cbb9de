/** The address of the list: filters, their chips, order and pages. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  chipsOf,
  filterOf,
  isFiltered,
  sortedBy,
  sortOf,
  tagFilter,
  withFilter,
  withoutFilter,
  withTag,
} from './filter.ts';
import { CURSORS_MAX, firstPage, nextPage, pageNumber, previousPage, rangeOf } from './paging.ts';
import { type DeviceSearch, readDeviceSearch } from './search.ts';

const names = { status: (status: string) => status.toUpperCase(), batch: () => 'evening' };
const full: DeviceSearch = {
  identity: '00*',
  status: 'locked',
  tag: ['group:g1', 'line:4:a'],
  online: false,
  ends: 30,
  batch: 'b1',
  sort: 'identity',
  pages: ['c1'],
};

test('each filter has a chip that takes it away, and nothing else but the page', () => {
  const chips = chipsOf(full, names);
  assert.deepEqual(
    chips.map(({ label }) => label),
    [
      'Identity: 00*',
      'Status: LOCKED',
      'Tag group: g1',
      'Tag line: 4:a',
      'Offline',
      'Certificate ends within 30 days',
      'Batch: evening',
    ],
  );
  for (const { without } of chips) {
    assert.equal(without.pages, undefined);
    assert.equal(without.sort, 'identity');
    assert.equal(chipsOf(without, names).length, chips.length - 1);
  }
  assert.deepEqual(chips[2]?.without.tag, ['line:4:a']);
  assert.deepEqual(chipsOf({}, names), []);
});

test('clearing takes every filter and leaves the order', () => {
  const cleared = withoutFilter(full);
  assert.equal(isFiltered(full), true);
  assert.equal(isFiltered(cleared), false);
  assert.equal(cleared.sort, 'identity');
});

test('a change of one filter keeps the others, and begins at the first page', () => {
  const changed = withFilter(full, { ...filterOf(full), online: true });
  assert.deepEqual(filterOf(changed), { ...filterOf(full), online: true });
  assert.equal(changed.pages, undefined);
});

test('a tag is asked for once, and not at all where its name has a colon', () => {
  const once = withTag({ pages: ['c1'] }, 'group:g1');
  assert.deepEqual(once.tag, ['group:g1']);
  assert.equal(withTag(once, 'group:g1'), once);
  assert.equal(tagFilter('group', 'a:b'), 'group:a:b');
  assert.equal(tagFilter('a:b', 'g1'), null);
});

test('a header sorts times newest first and identities from A to Z, then the other way round', () => {
  const clicks = (...columns: ('activity' | 'identity' | 'created')[]) =>
    columns.reduce((search, column) => sortedBy(search, column), {} as DeviceSearch).sort;
  assert.equal(clicks('activity'), 'activity');
  assert.equal(clicks('activity', 'activity'), undefined);
  assert.equal(clicks('identity'), 'identity');
  assert.equal(clicks('identity', 'identity'), '-identity');
  assert.equal(clicks('identity', 'created'), '-created');
  assert.equal(sortOf('-created', 'created'), 'descending');
  assert.equal(sortOf('-created', 'identity'), 'none');
});

test('pages are walked forth and back', () => {
  const second = nextPage({ status: 'locked' }, 'c1');
  const third = nextPage(second, 'c2');
  assert.equal(pageNumber(third), 3);
  assert.equal(rangeOf(third, 7), '101–107');
  assert.deepEqual(previousPage(third)?.pages, ['c1']);
  assert.deepEqual(previousPage(second), firstPage(second));
  assert.equal(previousPage({}), null);
});

test('an address does not grow without end: the oldest cursors go, the number of the page stays', () => {
  let search: DeviceSearch = {};
  for (let i = 0; i < 500; i++) search = nextPage(search, `${i}`.padStart(50, '0'));
  assert.equal(pageNumber(search), 501);
  assert.ok((search.pages ?? []).join('').length <= CURSORS_MAX);
  while (previousPage(search) !== null) search = previousPage(search)!;
  assert.equal(search.pages?.length, 1);
  assert.ok(pageNumber(search) > 2, 'the first page is a step of its own then');
  assert.deepEqual(firstPage(search), { pages: undefined, skipped: undefined });
});

test('of an address, what makes no sense is left out', () => {
  assert.deepEqual(filterOf(readDeviceSearch({ status: 'x', identity: 12345678, tag: 'a:b', online: 'yes' })), {
    status: undefined,
    identity: '12345678',
    tag: ['a:b'],
    batch: undefined,
    online: undefined,
    ends: undefined,
  });
  assert.equal(readDeviceSearch({ skipped: -1 }).skipped, undefined);
});
