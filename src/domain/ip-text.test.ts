import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { checkRange, parseRangeText } from './ip-text.ts';

describe('a range', () => {
  for (const range of [
    '10.0.0.0/8',
    '10.1.2.3/8',
    '1.2.3.4',
    '0.0.0.0/0',
    '1.2.3.4/32',
    '2001:db8::/32',
    '::1',
    '::/0',
    '::1/128',
  ]) {
    test(`may be ${range}`, () => assert.equal(checkRange(range), true));
  }
  for (const range of [
    '',
    '/8',
    '10.0.0.0/33',
    '10.0.0.0/08',
    '10.0.0.0/-1',
    '10.0.0/8',
    '10.0.0.0/',
    '::/129',
    'fe80::1%eth0',
    'a',
    ' 10.0.0.0',
    '10.0.0.0/8 ',
    '10.0.0.0/8/8',
    '10.0.0.0-10.0.0.9',
    '010.0.0.1',
  ]) {
    test(`may not be "${range}"`, () => assert.equal(checkRange(range), false));
  }
});

describe('an address in a range', () => {
  const agree = (text: string) => assert.equal(parseRangeText(text)?.family ?? 0, isIP(text), text);

  test('is what the sockets take for one, whatever is put together of its characters', () => {
    const piece = fc.constantFrom('0', '1', '25', '255', '256', 'f', 'ffff', 'FFFFF', ':', '::', '.', 'g', ' ');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 18 }), (pieces) => agree(pieces.join(''))),
      { numRuns: 5000 },
    );
  });

  test('may be any address of either kind, and nothing that lacks or exceeds it by a piece', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.ipV4(), fc.ipV4Extended(), fc.ipV6()),
        fc.constantFrom(':', '.', '0', 'a'),
        (ip, more) => {
          for (const text of [ip, ip.toUpperCase(), ip + more, more + ip, ip.slice(1), ip.slice(0, -1)]) agree(text);
        },
      ),
      { numRuns: 2000 },
    );
  });

  for (const text of [
    '::ffff:1.2.3.4',
    '::1.2.3.04',
    '1:2:3:4:5:6:7::',
    '1::2::3',
    ':1',
    '1:2:3:4:5:6:1.2.3.4',
    '::1.2.3',
  ]) {
    test(`${text} is judged as the sockets do`, () => agree(text));
  }
});
