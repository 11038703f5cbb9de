import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Casing, IdentityFormat, IdentityType } from './connector.ts';
import { checkAlways, checkIdentity, describeFormat, identityTypes, SAMPLE_BYTES, sampleIdentity } from './identity.ts';

function format(type: IdentityType, prefix = '', length = 0, casing: Casing = 'mixed'): IdentityFormat {
  return { type, prefix, options: { casing, length } };
}

/** Formats that the settings let pass: whatever the prefix, there is room for the rest. */
const formats = fc
  .record({
    type: fc.constantFrom(...identityTypes),
    prefix: fc.oneof(fc.string({ maxLength: 20 }), fc.string({ unit: 'grapheme', maxLength: 10 })),
    casing: fc.constantFrom<Casing>('lower', 'upper', 'mixed'),
    length: fc.integer({ min: 0, max: 100 }),
  })
  .filter(({ prefix }) => prefix === '' || checkAlways(prefix) === null)
  .map(({ type, prefix, casing, length }) => format(type, prefix, length, casing));

describe('an identity', () => {
  const rows: [IdentityFormat, string, string | null][] = [
    [format('opaque'), 'anything goes/here+#', null],
    [format('opaque'), 'é'.repeat(128), null],
    [format('opaque'), 'é'.repeat(129), 'identity'],
    [format('opaque'), '', 'identity'],
    [format('opaque'), ' a', 'identity'],
    [format('opaque'), 'a ', 'identity'],
    [format('opaque'), 'a\u00a0', 'identity'],
    [format('opaque'), 'a\tb', 'identity'],
    [format('opaque'), 'a\x7fb', 'identity'],
    [format('opaque'), 'a\x85b', 'identity'],
    [format('opaque'), 'a\0', 'identity'],
    [format('opaque'), 'a\ud800', 'identity'],
    [format('opaque', 'ABC', 3), 'ABC123', null],
    [format('opaque', 'ABC', 3), 'ABC12', 'identity_format.options.length'],
    [format('opaque', 'ABC', 3), 'ABC1234', 'identity_format.options.length'],
    [format('opaque', 'ABC', 3), 'abc123', 'identity_format.prefix'],
    [format('opaque', '', 2), '😀é', null],
    [format('base10', '', 8), '00000001', null],
    [format('base10', '', 8), '0000001', 'identity_format.options.length'],
    [format('base10', '', 8), '0000000a', 'identity_format.type'],
    [format('base10'), '٣', 'identity_format.type'],
    [format('base10', 'SN'), 'SN', 'identity_format.type'],
    [format('base16', '', 4), '0aF9', null],
    [format('base16', '', 4, 'lower'), '0af9', null],
    [format('base16', '', 4, 'lower'), '0aF9', 'identity_format.options.casing'],
    [format('base16', '', 4, 'upper'), '0AF9', null],
    [format('base16', '', 4, 'upper'), '0af9', 'identity_format.options.casing'],
    [format('base16', 'xyz', 0, 'upper'), 'xyzAB', null],
    [format('base16'), '0g', 'identity_format.type'],
    [format('base16'), 'ab\n', 'identity'],
    [format('mac'), '001422012345', null],
    [format('mac', '', 5), '001422012345', null],
    [format('mac'), '00:14:22:01:23:45', 'identity_format.type'],
    [format('mac'), '00142201234', 'identity_format.type'],
    [format('mac', '', 0, 'lower'), '0014220123AB', 'identity_format.options.casing'],
    [format('mac-colon'), '00:14:22:01:23:45', null],
    [format('mac-colon'), '00-14-22-01-23-45', 'identity_format.type'],
    [format('mac-dash'), '00-14-22-01-23-45', null],
    [format('mac-dash', 'M'), 'M00-14-22-01-23-4', 'identity_format.type'],
    [format('uuid'), '2f1c5b0e-8f5d-4c3a-9b1e-0a1b2c3d4e5f', null],
    [format('uuid'), '2f1c5b0e-8f5d-1c3a-9b1e-0a1b2c3d4e5f', 'identity_format.type'],
    [format('uuid'), '2f1c5b0e-8f5d-4c3a-cb1e-0a1b2c3d4e5f', 'identity_format.type'],
    [format('uuid'), '2f1c5b0e8f5d4c3a9b1e0a1b2c3d4e5f', 'identity_format.type'],
  ];
  for (const [wanted, identity, rule] of rows) {
    const name = JSON.stringify(identity.length > 40 ? `${identity.slice(0, 10)}… (${identity.length})` : identity);
    test(`${name} is ${rule === null ? 'taken by' : `refused for ${rule} by`} ${JSON.stringify(wanted)}`, () => {
      assert.equal(checkIdentity(wanted, identity)?.rule ?? null, rule);
    });
  }

  test('that is refused is shown beside what would fit', () => {
    assert.deepEqual(checkIdentity(format('base10', 'ABC', 8), 'ABC12'), {
      rule: 'identity_format.options.length',
      seen: 'ABC12',
      wanted: '8 characters after the prefix ABC, each 0-9',
    });
  });

  test('of any text never throws, and is refused when it breaks what holds everywhere', () => {
    fc.assert(
      fc.property(formats, fc.string({ unit: 'binary', maxLength: 300 }), (wanted, identity) => {
        const always = checkAlways(identity);
        const fault = checkIdentity(wanted, identity);
        if (always !== null) assert.deepEqual(fault, always);
        else
          assert.ok(Buffer.byteLength(identity) <= 256 && identity.length > 0 && !/[\0-\x1f\x7f-\x9f]/.test(identity));
      }),
    );
  });
});

describe('an identity that the server makes', () => {
  const bytes = fc.uint8Array({ minLength: SAMPLE_BYTES, maxLength: SAMPLE_BYTES });

  test('fits the format', () => {
    fc.assert(
      fc.property(formats, bytes, (wanted, random) => {
        assert.equal(checkIdentity(wanted, sampleIdentity(wanted, random)), null);
      }),
      { numRuns: 1000 },
    );
  });

  test('no longer fits once its prefix is cut, a character is appended, or a control character is put in', () => {
    fc.assert(
      fc.property(formats, bytes, (wanted, random) => {
        const identity = sampleIdentity(wanted, random);
        const open = wanted.options.length === 0 && ['opaque', 'base10', 'base16'].includes(wanted.type);
        if (!open) assert.notEqual(checkIdentity(wanted, `${identity}0`), null);
        if (wanted.type !== 'opaque') assert.notEqual(checkIdentity(wanted, `${identity}_`), null);
        if (wanted.prefix !== '') assert.notEqual(checkIdentity(wanted, `\u{1f600}${identity}`), null);
        assert.equal(checkIdentity(wanted, `${identity.slice(0, 1)}\n${identity.slice(1)}`)?.rule, 'identity');
      }),
    );
  });

  test('uses the whole room where the format asks for it', () => {
    const identity = sampleIdentity(format('base16', 'AB', 254), randomBytes(SAMPLE_BYTES));
    assert.equal(identity.length, 256);
    assert.equal(sampleIdentity(format('opaque', 'p'.repeat(250)), randomBytes(SAMPLE_BYTES)).length, 256);
  });

  test('has 20 characters when opaque and 12 digits when the length is left open', () => {
    assert.match(sampleIdentity(format('opaque'), randomBytes(SAMPLE_BYTES)), /^[0-9a-hjkmnp-tv-z]{20}$/);
    assert.match(sampleIdentity(format('base10'), randomBytes(SAMPLE_BYTES)), /^\d{12}$/);
    assert.match(sampleIdentity(format('base16'), randomBytes(SAMPLE_BYTES)), /^[0-9a-f]{12}$/);
  });

  test('as a MAC is unicast and locally administered', () => {
    fc.assert(
      fc.property(bytes, (random) => {
        assert.equal(Number.parseInt(sampleIdentity(format('mac-colon'), random).slice(0, 2), 16) & 0b11, 0b10);
      }),
    );
  });

  test('is not made of too few bytes', () => {
    assert.throws(() => sampleIdentity(format('mac'), new Uint8Array(SAMPLE_BYTES - 1)), RangeError);
  });
});

describe('a format in words', () => {
  const rows: [IdentityFormat, string][] = [
    [format('base10', 'ABC', 8), 'ABC, then 8 characters, each 0-9.'],
    [format('base10'), '1 or more characters, each 0-9.'],
    [format('base16', '', 1, 'upper'), '1 character, each 0-9 or a-f, in upper case.'],
    [format('opaque'), 'Any number of characters, of any kind.'],
    [format('mac', '', 99), '12 characters, hex digits as in 001422012345.'],
  ];
  for (const [given, sentence] of rows) test(sentence, () => assert.equal(describeFormat(given), sentence));
});
