/** Files for devices: names, descriptions, offers, and what becomes of one when new bytes come. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type Content,
  checkContentMeta,
  checkContentName,
  checkContentType,
  deviceContentId,
  formatOffer,
  isOffered,
  nextUpdated,
  type Offer,
  parseOffer,
  storeFromDevice,
  storeFromPerson,
} from './content.ts';
import { AppError } from './errors.ts';
import { startRollout } from './rollout.ts';

const refused = (work: () => unknown, code = 'CONTENT_INVALID') =>
  assert.throws(work, (error) => error instanceof AppError && error.code === code);
const NOW = Date.UTC(2026, 8, 21) * 1000;
const given = { id: 'f', type: 'text/plain', bytes: 1, sha256: 'ab' };

for (const name of ['a', 'firmware-1.2.3.bin', '_x', '0', 'x'.repeat(128)]) {
  test(`${name.slice(0, 20)} is a name`, () => assert.equal(checkContentName(name), name));
}
for (const name of ['', '.', '..', '-x', 'a/b', 'a b', 'a,b', 'a\nb', 'ü', 'a%2Fb', 'x'.repeat(129)]) {
  test(`${JSON.stringify(name.slice(0, 20))} is no name`, () => refused(() => checkContentName(name)));
}

test('no two devices, and no device and a person, have files of the same id', () => {
  const name = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,20}$/);
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), name, fc.string({ minLength: 1 }), name, (a, n, b, m) => {
      assert.equal(deviceContentId(a, n) === deviceContentId(b, m), a === b && n === m);
      refused(() => checkContentName(deviceContentId(a, n)));
    }),
  );
});

for (const [type, wanted] of [
  [undefined, 'application/octet-stream'],
  ['', 'application/octet-stream'],
  ['text/plain', 'text/plain'],
  [' text/plain; charset=utf-8 ', 'text/plain; charset=utf-8'],
  ['application/vnd.x+json', 'application/vnd.x+json'],
  ['a/b; c="d e"', 'a/b; c="d e"'],
] as const) {
  test(`the type ${JSON.stringify(type)} is kept as ${wanted}`, () => assert.equal(checkContentType(type), wanted));
}
for (const type of ['text', 'a/b,c', 'a/b; c="d,e"', 'a/b\r\nSet-Cookie: x', 'ü/a', 'a/b; c', `a/${'b'.repeat(200)}`]) {
  test(`the type ${JSON.stringify(type.slice(0, 30))} is refused`, () => refused(() => checkContentType(type)));
}

test('meta is one line that can be shown', () => {
  for (const meta of ['', 'v1, "stable"', 'x'.repeat(1024), 'ü😀']) assert.equal(checkContentMeta(meta), meta);
  for (const meta of ['a\nb', 'a\0', '\ud800', 'x'.repeat(1025), 'a\u2028b']) refused(() => checkContentMeta(meta));
});

test('an offer is read back as it was written', () => {
  const text = fc.string({ minLength: 1 });
  const offer: fc.Arbitrary<Offer> = fc.oneof(
    fc.constantFrom<Offer>({ to: 'all' }, { to: 'none' }),
    fc.record({ to: fc.constant('tag' as const), name: text.filter((name) => !name.includes(':')), value: text }),
    fc.record({ to: fc.constant('batch' as const), batch: text }),
  );
  fc.assert(fc.property(offer, (offer) => assert.deepEqual(parseOffer(formatOffer(offer)), { ...offer })));
  for (const text of ['', 'everyone', 'tag:', 'tag:a', 'tag:a:', 'tag::b', 'batch:', 'ALL'])
    refused(() => parseOffer(text));
});

test('a file is offered to whom it is for, and to nobody else', () => {
  const device = { identity: 'd', tags: { site: ['berlin', 'lab'] }, batch: 'lot' };
  const offered = (text: string) => isOffered({ offer: parseOffer(text), rollout: null }, device);
  for (const text of ['all', 'tag:site:lab', 'batch:lot']) assert.equal(offered(text), true, text);
  for (const text of ['none', 'tag:site:oslo', 'tag:toString:x', 'batch:other'])
    assert.equal(offered(text), false, text);
  assert.equal(isOffered({ offer: parseOffer('batch:lot'), rollout: null }, { ...device, batch: null }), false);
});

test('a rollout narrows the offer and never widens it', () => {
  const rollout = startRollout({ steps: [50, 100], every: null, watch: null }, 'salt', NOW);
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.boolean(), fc.constantFrom(0, 1), (identity, tagged, step) => {
      const tags: Record<string, string[]> = tagged ? { a: ['b'] } : {};
      const device = { identity, tags, batch: null };
      const offer: Offer = { to: 'tag', name: 'a', value: 'b' };
      const without = isOffered({ offer, rollout: null }, device);
      assert.ok(without || !isOffered({ offer, rollout: { ...rollout, step } }, device));
      if (step === 1) assert.equal(isOffered({ offer, rollout: { ...rollout, step } }, device), without);
    }),
  );
});

test('no two versions of a file share a second, whatever the clock does', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -5_000_000, max: 5_000_000 })), (steps) => {
      let before: { updated: number } | null = null;
      for (const step of steps) {
        const updated = nextUpdated(before, NOW + step);
        if (before !== null) assert.ok(Math.floor(updated / 1e6) > Math.floor(before.updated / 1e6));
        before = { updated };
      }
    }),
  );
});

test('what a person sends is offered as before, and to all devices if it is new', () => {
  const first = storeFromPerson(null, { ...given, meta: '', who: 'a@b' }, NOW);
  assert.deepEqual([first.offer, first.created, first.updated], [{ to: 'all' }, NOW, NOW]);
  const narrowed: Content = { ...first, offer: { to: 'batch', batch: 'lot' } };
  const second = storeFromPerson(narrowed, { ...given, meta: 'v2', who: 'c@d' }, NOW + 5);
  assert.deepEqual([second.offer, second.created, second.who, second.meta], [narrowed.offer, NOW, 'c@d', 'v2']);
  assert.ok(second.updated > NOW);
});

test('while a rollout runs or is held its bytes stay what they are', () => {
  const rollout = startRollout({ steps: [100], every: null, watch: null }, 'salt', NOW);
  const file = { ...storeFromPerson(null, { ...given, meta: '', who: 'a@b' }, NOW), rollout };
  const replace = (content: Content) => storeFromPerson(content, { ...given, meta: '', who: 'a@b' }, NOW);
  refused(() => replace(file), 'ROLLOUT_STATE');
  refused(() => replace({ ...file, rollout: { ...rollout, state: 'held' } }), 'ROLLOUT_STATE');
  assert.equal(replace({ ...file, rollout: { ...rollout, state: 'done' } }).rollout, null);
});

test('what a device sends is offered to nobody, also where what it sent before was', () => {
  const before: Content = { ...storeFromDevice(null, 'd', given, NOW), offer: { to: 'all' }, meta: 'checked' };
  const after = storeFromDevice(before, 'd', given, NOW + 1);
  assert.deepEqual(
    [after.offer, after.rollout, after.device, after.who, after.meta],
    [{ to: 'none' }, null, 'd', null, ''],
  );
});
