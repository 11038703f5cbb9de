/** Failures in sentences. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiFailure, Unreachable } from '../api/failure.ts';
import { FileUnreadable, tellFailure } from './failure-text.ts';

const refusal = (statusCode: number, code: string, retryAfter: number | null = null) =>
  new ApiFailure({ statusCode, code, error: '', message: `Message of ${code}.` }, retryAfter);

test('every failure says that nothing was written, and whether to try again', () => {
  const cases: [unknown, retry: boolean][] = [
    [new FileUnreadable(), false],
    [new Unreachable(), true],
    [refusal(401, 'SESSION_INVALID'), true],
    [refusal(400, 'CSV_INVALID'), false],
    [refusal(400, 'IMPORT_REFUSED'), false],
    [refusal(403, 'ROLE_FORBIDDEN'), false],
    [refusal(503, 'STORAGE_UNAVAILABLE'), true],
    [refusal(429, 'RATE_LIMITED', 3), true],
  ];
  for (const [error, retry] of cases) {
    const told = tellFailure(error, 'identities.csv');
    assert.match(told.text, /[Nn]othing was written/);
    assert.equal(told.retry, retry, String(error));
  }
});

test('a refused file is told with the reason of the server, and a workbook with what to do', () => {
  assert.match(tellFailure(refusal(400, 'CSV_INVALID'), 'a.csv').text, /Message of CSV_INVALID/);
  assert.doesNotMatch(tellFailure(refusal(400, 'CSV_INVALID'), 'a.csv').text, /workbook/);
  assert.match(tellFailure(refusal(400, 'CSV_INVALID'), 'Lot 7.XLSX').text, /workbook: save it as "CSV UTF-8"/);
});
