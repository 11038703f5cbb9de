import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { IdentityFormat } from './connector.ts';
import type { Credential } from './device.ts';
import { AppError } from './errors.ts';
import { checkHeader, checkRow, parseTags, type ReadCertificate, type RowFault } from './import.ts';

const format: IdentityFormat = { type: 'base10', prefix: '', options: { casing: 'mixed', length: 8 } };

const credential: Credential = {
  type: 'certificate',
  fingerprint: 'f',
  publicKey: 'p',
  certificate: 'c',
  chain: [],
  notBefore: 0,
  notAfter: 1,
};

/** X.509 is read in certificate.ts; here a "certificate" is `CN=<name>`, and it matters what becomes of the answer. */
const readCertificate: ReadCertificate = (pem) => {
  if (!pem.startsWith('CN=')) throw new AppError('PEM_INVALID', { seen: 'no PEM block' });
  return { credential, commonName: pem.slice(3) || null };
};

const columns = checkHeader(['ID', 'TLS Client Certificate', 'Tags']);
const check = (record: string[]) => checkRow(columns, { line: 7, record }, format, readCertificate);

describe('a header', () => {
  const good: [string[], { identity: number; certificate: number | null; tags: number | null }][] = [
    [['ID'], { identity: 0, certificate: null, tags: null }],
    [['ID', 'TLS Client Certificate', 'Tags'], { identity: 0, certificate: 1, tags: 2 }],
    [['Tags', 'SSL Client Certificate', 'ID'], { identity: 2, certificate: 1, tags: 0 }],
  ];
  for (const [header, { identity, certificate, tags }] of good) {
    test(`may be ${header.join(',')}`, () => {
      assert.deepEqual(checkHeader(header), { identity, certificate, tags, names: header });
    });
  }

  const bad: [string, string[] | undefined, RegExp][] = [
    ['is missing', undefined, /an empty file/],
    ['has no ID', ['Tags'], /no column "ID"/],
    ['is a row of data', ['00000001', '', ''], /the unknown column "00000001"/],
    ['has a column of another case', ['id'], /the unknown column "id"/],
    ['has the name of an inherited property', ['ID', 'constructor'], /the unknown column "constructor"/],
    ['has an unknown column', ['ID', 'Colour'], /the unknown column "Colour"/],
    ['has an empty column', ['ID', ''], /the unknown column ""/],
    ['is separated by semicolons', ['ID;Tags'], /the unknown column "ID;Tags".*commas/],
    ['repeats a column', ['ID', 'Tags', 'ID'], /the column "ID" a second time/],
    [
      'has both names of the certificate',
      ['ID', 'TLS Client Certificate', 'SSL Client Certificate'],
      /"SSL Client Certificate" a second time/,
    ],
  ];
  for (const [what, header, message] of bad) {
    test(`that ${what} is refused`, () => {
      assert.throws(
        () => checkHeader(header),
        (error) => error instanceof AppError && error.code === 'CSV_INVALID' && message.test(error.message),
      );
    });
  }
});

describe('a row', () => {
  test('of the tutorial is an identity and its tags', () => {
    const row = check(['00000001', '', '[{"name": "group", "value": "g1"},{"name": "claim_code", "value": "abc"}]']);
    assert.deepEqual(row, {
      line: 7,
      identity: '00000001',
      tags: { group: ['g1'], claim_code: ['abc'] },
      credential: null,
    });
  });

  test('may have a certificate for its identity', () => {
    assert.deepEqual(check(['00000001', 'CN=00000001', '']), { line: 7, identity: '00000001', tags: {}, credential });
  });

  test('finds its fields where the header has them', () => {
    const turned = checkHeader(['Tags', 'ID']);
    const row = checkRow(turned, { line: 2, record: ['[]', '00000001'] }, format, readCertificate);
    assert.deepEqual(row, { line: 2, identity: '00000001', tags: {}, credential: null });
  });

  const bad: [string, string[], Partial<RowFault>[]][] = [
    [
      'an identity of another format',
      ['abc', '', ''],
      [
        {
          line: 7,
          column: 'ID',
          value: 'abc',
          reason: 'does not fit identity_format.type',
          expected: '8 characters, each 0-9',
        },
      ],
    ],
    ['no identity', ['', '', ''], [{ column: 'ID', value: 'nothing', reason: 'does not fit identity' }]],
    ['a NUL', ['0000000\0', '', ''], [{ column: 'ID', value: '0000000�' }]],
    ['a lone CR', ['00000001\r', '', ''], [{ column: 'ID' }]],
    [
      'too few fields',
      ['00000001'],
      [{ column: 'TLS Client Certificate', value: '1 field', reason: 'the row is too short' }],
    ],
    [
      'too many fields',
      ['00000001', '', '', ''],
      [{ column: 'Tags', value: '4 fields', reason: 'the row is too long' }],
    ],
    ['tags that are no JSON', ['00000001', '', 'g1'], [{ column: 'Tags', value: 'g1', reason: 'is not a JSON array' }]],
    [
      'a certificate that is none',
      ['00000001', 'x', ''],
      [{ column: 'TLS Client Certificate', value: '1 character', reason: 'is not a certificate: no PEM block' }],
    ],
    [
      "another device's certificate",
      ['00000001', 'CN=00000002', ''],
      [{ column: 'TLS Client Certificate', value: 'CN 00000002', expected: 'CN 00000001' }],
    ],
    ['a certificate of nobody', ['00000001', 'CN=', ''], [{ value: 'CN (none)' }]],
    ['three faults', ['x', 'y', 'z'], [{ column: 'ID' }, { column: 'Tags' }, { column: 'TLS Client Certificate' }]],
  ];
  for (const [what, record, wanted] of bad) {
    test(`with ${what} is refused`, () => {
      const faults = check(record);
      assert.ok(Array.isArray(faults));
      assert.equal(faults.length, wanted.length);
      for (const [i, fault] of faults.entries()) assert.deepEqual({ ...fault, ...wanted[i] }, fault);
    });
  }

  test('never shows what stands in place of a certificate', () => {
    assert.doesNotMatch(JSON.stringify(check(['x', '-----BEGIN PRIVATE KEY-----\nMIIE', ''])), /MIIE|PRIVATE/);
  });

  test('passes on what is no refusal', () => {
    const broken: ReadCertificate = () => {
      throw new TypeError('a bug');
    };
    assert.throws(() => checkRow(columns, { line: 1, record: ['00000001', 'x', ''] }, format, broken), TypeError);
  });
});

describe('tags', () => {
  test('of one name have all its values, each once, in their order', () => {
    const list = [
      { name: 'group', value: 'b' },
      { name: 'group', value: 'a' },
      { name: 'group', value: 'b' },
    ];
    assert.deepEqual(parseTags(JSON.stringify(list)), { tags: { group: ['b', 'a'] } });
  });

  test('may be 64, with a name of 128 and a value of 256 characters', () => {
    const list = Array.from({ length: 64 }, (_, i) => ({ name: String(i).padStart(128), value: 'x'.repeat(256) }));
    assert.ok('tags' in parseTags(JSON.stringify(list)));
    assert.ok('reason' in parseTags(JSON.stringify([...list, list[0]])));
  });

  const tag = (name: unknown, value: unknown) => JSON.stringify([{ name, value }]);
  const bad = [
    '{}',
    'null',
    '"x"',
    '[',
    '[null]',
    '[[]]',
    '["a"]',
    '[{"name":"a"}]',
    '[{"name":"a","value":"b","more":1}]',
    tag(1, 'a'),
    tag('a', 1),
    tag('', 'a'),
    tag('x'.repeat(129), ''),
    tag('a', 'x'.repeat(257)),
    tag('a\0', 'b'),
    tag('a', 'b\n'),
    tag('a', '\ud800'),
    '[{"name":"__proto__","value":"x"}]',
  ];
  for (const text of bad) test(`may not be ${text.slice(0, 50)}`, () => assert.ok('reason' in parseTags(text)));

  test('of any text are tags or a fault', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.array(fc.record({ name: fc.string(), value: fc.string() })).map((list) => JSON.stringify(list)),
        ),
        (text) => {
          const result = parseTags(text);
          if ('reason' in result) assert.ok(result.reason.length < 500);
          else
            for (const values of Object.values(result.tags))
              assert.ok(values.every((value) => typeof value === 'string'));
        },
      ),
    );
  });
});
