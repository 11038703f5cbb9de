/** Holds the catalogue of errors and the document that lists it equal, row by row; and the shape of a public sentence. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { AppError, type ErrorCode, errors } from './errors.ts';

const document = new URL('../../docs/errors.md', import.meta.url);

test('docs/errors.md lists every error with its status and text, in the order of the catalogue, and no other', async () => {
  const listed = (await readFile(document, 'utf8')).matchAll(/^\| `(\w+)` \| (\d{3}) \| (.*) \|$/gm);
  const rows = Array.from(listed, ([, code, status, text]) => ({ code, status: Number(status), text }));
  const catalogue = Object.entries(errors).map(([code, { status, text }]) => ({ code, status, text }));
  assert.deepEqual(rows, catalogue);
});

test('every error has the status of a refusal or failure, and one sentence without its full stop', () => {
  for (const [code, { status, text }] of Object.entries(errors)) {
    assert.match(code, /^[A-Z]+(_[A-Z]+)*$/);
    assert.ok(status >= 400 && status <= 599, code);
    assert.match(text, /^[A-Z][^\n|]*[^\n.|]$/, code);
  }
});

test('an error says what was wrong, what was seen and what was expected, as far as it knows', () => {
  const message = (seen?: string, wanted?: string) => new AppError('DEVICE_LOCKED', { seen, wanted }).message;
  assert.equal(message(), 'The device is locked.');
  assert.equal(message('d1'), 'The device is locked: saw d1.');
  assert.equal(message(undefined, 'd2'), 'The device is locked: expected d2.');
  assert.equal(message('d1', 'd2'), 'The device is locked: saw d1, expected d2.');
});

test('what an error repeats of a request is one line of at most 200 characters and a mark that it was cut', () => {
  const { message, seen } = new AppError('BODY_INVALID', { seen: `a\r\nb\u2028\u009b${'c'.repeat(10_000)}` });
  assert.equal(seen, `a\ufffd\ufffdb\ufffd\ufffd${'c'.repeat(194)}…`);
  assert.doesNotMatch(message, /[\r\n\u2028\u009b]/);
});

test('a cause stays inside: neither the message nor the fields that are answered have it', () => {
  const code: ErrorCode = 'INTERNAL';
  const error = new AppError(code, { cause: new Error('secret') });
  assert.equal((error.cause as Error).message, 'secret');
  const { message, seen, wanted, body, details } = error;
  assert.doesNotMatch(JSON.stringify({ message, seen, wanted, body, details }), /secret/);
});
