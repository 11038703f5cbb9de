/** The call that "Add one device" makes of what was typed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AddForm, bodyOf } from './add-request.ts';
import { type TagRow, tagFault } from './tag-rows.ts';

const now = 1_700_000_000_000_000;
const form: AddForm = { identity: '00000001', hours: 48, tags: [], credential: null };
const row = (name: string, value: string): TagRow => ({ key: 0, name, value });

test('the activation window of 48 hours ends two days from now', () => {
  assert.deepEqual(bodyOf(form, now), { auth: { expire: now + 172_800_000_000 }, tags: {} });
});

test('a credential given beforehand goes without the window, which would end it', () => {
  const credential = { type: 'token', key: 'ab'.repeat(20) } as const;
  assert.deepEqual(bodyOf({ ...form, credential }, now).auth, credential);
});

test('tags of one name are put together, empty rows are left out', () => {
  const tags = [row('group', 'g1'), row('', ''), row('group', 'g2'), row('group', 'g1'), row('line', '')];
  assert.deepEqual(bodyOf({ ...form, tags }, now).tags, { group: ['g1', 'g2'], line: [''] });
});

test('a tag that no device may carry is told of by the rule of the server', () => {
  assert.equal(tagFault(row('group', 'g1')), null);
  assert.equal(tagFault(row('', '')), null);
  assert.match(tagFault(row('', 'g1')) ?? '', /needs a name/);
  assert.match(tagFault(row('x'.repeat(129), '')) ?? '', /1 to 128 characters/);
});
