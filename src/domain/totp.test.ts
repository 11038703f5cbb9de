/** RFC 6238, appendix B; RFC 4648, 10; and what of a code is taken. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codeAt, fromBase32, matchCode, otpauthUri, stepAt, toBase32 } from './totp.ts';

const SECOND = 1_000_000;
const seeds: Record<string, Buffer> = {
  sha1: Buffer.from('12345678901234567890'),
  sha256: Buffer.from('12345678901234567890123456789012'),
  sha512: Buffer.from('1234567890123456789012345678901234567890123456789012345678901234'),
};

test('codes are those of the examples in RFC 6238', () => {
  const examples: [number, string, string, string][] = [
    [59, '94287082', '46119246', '90693936'],
    [1111111109, '07081804', '68084774', '25091201'],
    [1111111111, '14050471', '67062674', '99943326'],
    [1234567890, '89005924', '91819424', '93441116'],
    [2000000000, '69279037', '90698825', '38618901'],
    [20000000000, '65353130', '77737706', '47863826'],
  ];
  for (const [seconds, ...codes] of examples) {
    const step = stepAt(seconds * SECOND);
    const made = Object.entries(seeds).map(([algorithm, seed]) => codeAt(seed, step, 8, algorithm));
    assert.deepEqual(made, codes);
  }
});

test('a code is taken in its own step and one to either side, and none twice', () => {
  const now = 1_800_000_000 * SECOND;
  const secret = seeds.sha1!;
  const step = stepAt(now);
  for (const [off, taken] of [
    [-2, false],
    [-1, true],
    [0, true],
    [1, true],
    [2, false],
  ] as const) {
    const code = codeAt(secret, step + off);
    assert.equal(matchCode(secret, code, now, 0), taken ? step + off : null, `${off}`);
    assert.equal(matchCode(secret, code, now, step + off), null, 'used before');
  }
  for (const code of ['', '12345', '1234567', '12345a', ' 12345', '١٢٣٤٥٦'])
    assert.equal(matchCode(secret, code, now, 0), null);
});

test('base32 is that of RFC 4648 without padding, both ways', () => {
  const examples = {
    '': '',
    f: 'MY',
    fo: 'MZXQ',
    foo: 'MZXW6',
    foob: 'MZXW6YQ',
    fooba: 'MZXW6YTB',
    foobar: 'MZXW6YTBOI',
  };
  for (const [text, coded] of Object.entries(examples)) {
    assert.equal(toBase32(Buffer.from(text)), coded);
    assert.equal(fromBase32(coded).toString(), text);
  }
});

test('the address for apps escapes what a name may hold', () => {
  assert.equal(
    otpauthUri('MZXW6', 'a&b@example.com', 'Slip way'),
    'otpauth://totp/Slip%20way:a%26b%40example.com?secret=MZXW6&issuer=Slip%20way',
  );
});
