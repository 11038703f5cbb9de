import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isAllowed, normalizeAddress } from './network.ts';

describe('an address', () => {
  const rows: [string, string][] = [
    ['1.2.3.4', '1.2.3.4'],
    ['::ffff:1.2.3.4', '1.2.3.4'],
    ['::FFFF:102:304', '1.2.3.4'],
    ['0:0:0:0:0:ffff:1.2.3.4', '1.2.3.4'],
    ['2001:DB8:0:0::1', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['::', '::'],
    ['not an address', 'not an address'],
    ['', ''],
  ];
  for (const [given, wanted] of rows) {
    test(`"${given}" is written "${wanted}"`, () => assert.equal(normalizeAddress(given), wanted));
  }

  test('has one spelling', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (ip) => {
        const once = normalizeAddress(ip);
        assert.equal(normalizeAddress(once), once);
        assert.equal(normalizeAddress(ip.toUpperCase()), once);
      }),
    );
  });
});

describe('provisioning', () => {
  const rows: [string[], string, boolean][] = [
    [[], '1.2.3.4', false],
    [['10.0.0.0/8'], '10.255.0.1', true],
    [['10.0.0.0/8'], '11.0.0.1', false],
    [['10.0.0.0/8'], '::ffff:10.0.0.1', true],
    [['::ffff:10.0.0.0/104'], '10.9.9.9', true],
    [['::ffff:10.0.0.0/104'], '11.9.9.9', false],
    [['::ffff:10.0.0.1'], '10.0.0.1', true],
    [['2001:db8::/32'], '2001:db8:1::1', true],
    [['2001:db8::/32'], '2001:db9::1', false],
    [['2001:db8::/32'], '10.0.0.1', false],
    [['0.0.0.0/0'], '8.8.8.8', true],
    [['0.0.0.0/0'], '2001:db8::1', false],
    [['::/0'], '2001:db8::1', true],
    [['1.2.3.4', '::1'], '::1', true],
    [['fe80::/10'], 'fe80::1%eth0', true],
    [['1.2.3.4'], 'nonsense', false],
    [['nonsense'], '1.2.3.4', false],
  ];
  for (const [allowed, ip, answer] of rows) {
    test(`from ${ip} is ${answer ? 'allowed' : 'refused'} by [${allowed}]`, () => {
      assert.equal(isAllowed(allowed, ip), answer);
      assert.equal(isAllowed(allowed, ip), answer);
    });
  }

  test('is allowed from the addresses that share the first bits with the range, and from no other', () => {
    const address = fc.integer({ min: 0, max: 2 ** 32 - 1 });
    const dotted = (value: number) => [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
    fc.assert(
      fc.property(address, address, fc.integer({ min: 0, max: 32 }), (network, other, bits) => {
        const share = Math.floor(network / 2 ** (32 - bits)) === Math.floor(other / 2 ** (32 - bits));
        assert.equal(isAllowed([`${dotted(network)}/${bits}`], dotted(other)), share);
        assert.equal(isAllowed([`${dotted(network)}/${bits}`], dotted(network)), true);
      }),
    );
  });
});
