/** Which targets a webhook may have, and what failures make of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  afterDelivery,
  checkTarget,
  type Delivery,
  isPublic,
  mayReach,
  missedAt,
  PAUSE_AFTER,
  retryPause,
  startAt,
} from './webhook.ts';

const own = [
  ...['0.0.0.0', '10.1.2.3', '100.64.0.1', '127.0.0.1', '169.254.169.254', '172.31.255.255', '192.168.0.1'],
  ...['192.0.2.1', '198.18.0.1', '203.0.113.9', '224.0.0.1', '255.255.255.255'],
  ...['::', '::1', 'fe80::1', 'fe80::1%eth0', 'fc00::1', 'fd12:3456::1', 'ff02::1', '2001:db8::1', '2001::1'],
  // An IPv4 address inside an IPv6 one.
  ...['::ffff:127.0.0.1', '::ffff:7f00:1', '2002:7f00:1::', '2002:808:808::', '64:ff9b::a00:1', '::7f00:1'],
];

test('addresses that are nobody else’s are not public, however they are written', () => {
  for (const address of own) assert.equal(isPublic(address), false, address);
  for (const address of ['8.8.8.8', '100.63.255.255', '172.32.0.1', '2606:4700::1111', '::ffff:8.8.8.8']) {
    assert.equal(isPublic(address), true, address);
  }
  for (const text of ['', 'localhost', '8.8.8', '8.8.8.8.8']) assert.equal(isPublic(text), false, text);
});

test('any address inside a private range is refused, also mapped into IPv6', () => {
  const octet = fc.nat({ max: 255 });
  fc.assert(
    fc.property(octet, octet, octet, (a, b, c) => {
      for (const address of [`10.${a}.${b}.${c}`, `127.${a}.${b}.${c}`, `192.168.${b}.${c}`]) {
        const hex = address.split('.').map((part) => Number(part).toString(16).padStart(2, '0'));
        const mapped = `::ffff:${hex[0]}${hex[1]}:${hex[2]}${hex[3]}`;
        assert.equal(isPublic(address) || isPublic(mapped) || isPublic(`::ffff:${address}`), false, address);
      }
    }),
  );
});

test('what the operator allows may be reached, and nothing beside it', () => {
  assert.equal(mayReach('127.0.0.1', ['127.0.0.0/8']), true);
  assert.equal(mayReach('::ffff:127.0.0.1', ['127.0.0.0/8']), true);
  assert.equal(mayReach('10.0.0.1', ['127.0.0.0/8']), false);
  assert.equal(mayReach('fd00::5', ['fd00::/16']), true);
  assert.equal(mayReach('8.8.8.8', ['10.0.0.0/8']), true);
});

test('a URL is refused for its scheme, user, port, fragment, length, or an address that is not public', () => {
  const refused = [
    ...[
      '',
      'nonsense',
      'ftp://example.com/',
      'file:///etc/passwd',
      'https://u:p@example.com/',
      'https://u@example.com',
    ],
    ...['https://example.com:22/', 'https://example.com/#a', `https://example.com/${'a'.repeat(2048)}`],
    ...['http://127.0.0.1/', 'http://127.1/', 'http://2130706433/', 'http://0x7f.0.0.1/', 'http://0177.0.0.1/'],
    ...['http://[::1]/', 'http://[::ffff:7f00:1]/', 'http://169.254.169.254/latest/meta-data', 'http://0/'],
  ];
  for (const url of refused) assert.notEqual(checkTarget(url, []), null, url);
  const taken = ['https://example.com/hook?a=b', 'http://example.com:8080/', 'https://8.8.8.8/', 'http://localhost/'];
  for (const url of taken) assert.equal(checkTarget(url, []), null, url);
  assert.equal(checkTarget('http://127.0.0.1:9000/', ['127.0.0.1']), null);
  assert.ok(!JSON.stringify(checkTarget('https://user:hunter2@example.com/', [])).includes('hunter2'));
});

const failed = (at: number, status: number | null = 500): Delivery => ({
  ...{ id: 'd', at, attempt: 1, first: 5, last: 9, count: 3, duration: 1 },
  ...{ status, error: 'it failed' },
});

test('pauses grow up to five minutes, and differ', () => {
  for (let failures = 1; failures < 100; failures += 1) {
    const [least, most] = [retryPause(failures, 0), retryPause(failures, 1)];
    assert.ok(least >= 500_000 && most <= 300_000_000 && most === 2 * least);
    assert.ok(retryPause(failures + 1, 0) >= least);
  }
});

test('a failure keeps the place; a success goes on behind the events and forgets the failures', () => {
  const begun = startAt(4, 1000);
  const once = afterDelivery(begun, failed(2000), 3000, 0.5);
  assert.deepEqual([once.position, once.failures, once.failingSince], [4, 1, 2000]);
  assert.ok(once.nextTry! > 3000);
  const well = afterDelivery(once, { ...failed(4000, 204), error: null }, 5000, 0.5);
  assert.deepEqual(well, { ...startAt(9, 4000), lastSuccess: 5000 });
});

test('after a day without success it is paused, and at once when the target is gone for good', () => {
  let progress = startAt(4, 0);
  progress = afterDelivery(progress, failed(1), 1, 0.5);
  progress = afterDelivery(progress, failed(PAUSE_AFTER), PAUSE_AFTER, 0.5);
  assert.equal(progress.pausedAt, null);
  progress = afterDelivery(progress, failed(PAUSE_AFTER + 1), PAUSE_AFTER + 1, 0.5);
  assert.equal(progress.pausedAt, PAUSE_AFTER + 1);
  assert.equal(progress.position, 4);
  assert.equal(afterDelivery(startAt(4, 0), failed(1, 410), 7, 0.5).pausedAt, 7);
});

test('events are missed once retention is shorter than the time since its place was reached', () => {
  const day = 86_400_000_000;
  assert.equal(missedAt(startAt(4, 10 * day), 30, 40 * day), null);
  assert.deepEqual(missedAt(startAt(4, 10 * day), 30, 41 * day), { from: 10 * day, to: 11 * day });
  assert.equal(missedAt(startAt(4, 10 * day), 0, 4000 * day), null);
});
