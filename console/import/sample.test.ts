/** The file to begin with. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { parse } from 'csv-parse/sync';
import type { IdentityFormat } from '../../src/domain/connector.ts';
import { checkIdentity, identityTypes } from '../../src/domain/identity.ts';
import { parseTags } from '../../src/domain/import.ts';
import { sampleFile } from './sample.ts';

const format = (given: Partial<IdentityFormat>, length = 0): IdentityFormat => ({
  type: 'opaque',
  prefix: '',
  options: { casing: 'mixed', length },
  ...given,
});
const records = (text: string): string[][] => parse(text);

test('is that of the tutorial, byte by byte, where eight digits fit', () => {
  const text = sampleFile(format({ type: 'base10' }, 8), randomBytes);
  assert.equal(text.split('\n').length, 7);
  assert.ok(
    text.startsWith(
      'ID,TLS Client Certificate,Tags\n' +
        '00000001,,"[{""name"": ""group"", ""value"": ""g1""},{""name"": ""claim_code"", ""value"": ""abc""}]"\n',
    ),
  );
  assert.equal(sampleFile(format({}), randomBytes), text);
});

for (const type of identityTypes) {
  test(`fits the format ${type} with a prefix, commas and quotes in it too`, () => {
    const own = format({ type, prefix: 'A,"B"-' }, type === 'base10' ? 12 : 0);
    const [header, ...rows] = records(sampleFile(own, randomBytes));
    assert.deepEqual(header, ['ID', 'TLS Client Certificate', 'Tags']);
    assert.equal(new Set(rows.map(([id]) => id)).size, 5);
    for (const [id, certificate, tags] of rows) {
      assert.equal(checkIdentity(own, id!), null);
      assert.equal(certificate, '');
      assert.ok('tags' in parseTags(tags!));
    }
  });
}

test('has fewer rows, and none twice, where the format has fewer identities', () => {
  const rows = records(sampleFile(format({ type: 'base10', prefix: 'P' }, 1), () => new Uint8Array(512))).slice(1);
  assert.deepEqual(
    rows.map(([id]) => id),
    ['P0'],
  );
});
