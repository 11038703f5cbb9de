/** The address of the log, its days, the pauses between its tries, and the command of its empty state. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { daysOf } from './days.ts';
import { provisionCommand } from './provision-command.ts';
import { pauseBefore } from './retry.ts';
import { readLogSearch } from './search.ts';

test('types stand in a list or in one text; unknown ones are left out', () => {
  const expected = { types: ['refused', 'data_in'], identity: undefined, line: undefined };
  assert.deepEqual(readLogSearch({ types: ['refused', 'none', 'data_in', 'refused'] }), expected);
  assert.deepEqual(readLogSearch({ types: 'refused,data_in' }), expected);
  assert.equal(readLogSearch({ types: ['none'] }).types, undefined);
});

test('an identity of digits is text, a line is a number', () => {
  assert.deepEqual(readLogSearch({ identity: 12345678, line: 7 }), { types: undefined, identity: '12345678', line: 7 });
});

test('no address breaks the page', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.constantFrom('types', 'identity', 'line'), fc.anything()),
      (given) => void readLogSearch(given),
    ),
  );
});

test('the pause grows up to its limit, and is never shorter than the server asks', () => {
  assert.ok(pauseBefore(1, null) < pauseBefore(3, null));
  assert.equal(pauseBefore(50, null), pauseBefore(60, null));
  assert.equal(pauseBefore(1, 40), 40_000);
});

test('the command fits the way of provisioning, and survives the shell', () => {
  const facts = { url: 'https://a.m2.localhost:8443', ca: "/it's/ca.pem", identity: 'a&b/1' };
  assert.equal(
    provisionCommand({ ...facts, auth: 'token' }),
    "curl -i -X POST 'https://a.m2.localhost:8443/provision/activate' \\\n  --cacert '/it'\\''s/ca.pem' \\\n  -d 'id=a%26b%2F1'",
  );
  assert.match(provisionCommand({ ...facts, auth: 'password' }), /&password=.{20,}'/);
  assert.match(provisionCommand({ ...facts, ca: null, auth: 'certificate' }), /--cert .*--key /s);
  assert.doesNotMatch(provisionCommand({ ...facts, ca: null, auth: 'token' }), /cacert/);
});

test('a day is said where it begins, and not while it is today', () => {
  const at = (day: number, hour: number) => new Date(2026, 10, day, hour).getTime() * 1000;
  const now = at(23, 12);
  assert.deepEqual(daysOf([at(23, 11), at(23, 0), at(22, 23), at(22, 1), at(20, 5)], now), [
    undefined,
    undefined,
    '2026-11-22',
    undefined,
    '2026-11-20',
  ]);
  assert.deepEqual(daysOf([at(22, 23)], now), ['2026-11-22']);
});
