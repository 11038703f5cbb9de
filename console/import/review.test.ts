/** What was found in a file, in words and figures. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkIdentity } from '../../src/domain/identity.ts';
import { ApiFailure } from '../api/failure.ts';
import { count, countKnown, formatBytes, leftOut, type Review, reviewIn, sayReason } from './review.ts';

const known = { whitelisted: 0, provisioned: 0, expired: 0, locked: 0, reprovision: 0 };
const all: Review = { total: 5, new: 5, duplicates: 0, known, bad: 0, rows: [], repeated: [] };

test('known rows are counted over all statuses', () => {
  assert.equal(countKnown({ ...all, known: { ...known, whitelisted: 2, locked: 1 } }), 3);
});

test('what was not added is said with its reason, and nothing where all was', () => {
  assert.deepEqual(leftOut(all), []);
  assert.deepEqual(leftOut({ ...all, known: { ...known, expired: 1 }, duplicates: 2, bad: 1200 }), [
    '1 row was known already and left as it is.',
    '2 rows were repeated in the file; the first one was used.',
    '1,200 rows were bad and left out.',
  ]);
});

test('a refusal for bad rows tells what was found, other refusals do not', () => {
  const answer = { statusCode: 400, error: 'Bad Request', code: 'IMPORT_REFUSED', message: 'no' };
  const row = { line: 2, column: 'ID', value: 'x', reason: 'r', expected: 'e' };
  const { rows: _, ...details } = { ...all, bad: 1 };
  assert.deepEqual(reviewIn(new ApiFailure({ ...answer, details, rows: [row] })), { ...all, bad: 1, rows: [row] });
  assert.equal(reviewIn(new ApiFailure({ ...answer, code: 'CSV_INVALID' })), null);
  assert.equal(reviewIn(new Error('IMPORT_REFUSED')), null);
});

test('numbers have separators and their noun its number', () => {
  assert.deepEqual(
    [0, 1, 1_000_000].map((n) => count(n, 'device')),
    ['0 devices', '1 device', '1,000,000 devices'],
  );
});

test('sizes of files are told in the unit that fits', () => {
  const sizes = [1, 999, 1000, 1499, 9949, 9950, 999_499, 999_500, 200_000_000, 5e15];
  const told = ['1 byte', '999 bytes', '1.0 kB', '1.5 kB', '9.9 kB', '10 kB', '999 kB', '1.0 MB', '200 MB', '5000 TB'];
  assert.deepEqual(sizes.map(formatBytes), told);
});

test('a reason names the setting as the page of settings does', () => {
  const format = { type: 'base10', prefix: 'A', options: { casing: 'mixed', length: 2 } } as const;
  const reasons = ['B1', 'Axx', 'A123'].map((identity) =>
    sayReason(`does not fit ${checkIdentity(format, identity)?.rule}`),
  );
  assert.deepEqual(reasons, [
    'does not fit the Prefix of the identity format',
    'does not fit the Type of the identity format',
    'does not fit the Length of the identity format',
  ]);
  assert.equal(sayReason('does not fit identity'), 'does not fit any identity');
  assert.equal(sayReason('is not a JSON array'), 'is not a JSON array');
});
