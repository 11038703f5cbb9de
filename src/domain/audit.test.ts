/** One text for one content, a chain in which every change shows, and what of a change is told. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  auditText,
  CHAIN_START,
  type ChainRow,
  canonical,
  chainDigest,
  difference,
  entryOf,
  followChain,
  lineOf,
  type NewAudit,
  rowIn,
  rowOf,
} from './audit.ts';

const entry = (over: Partial<NewAudit> = {}): NewAudit => ({
  timestamp: 1,
  who: 'a@example.com',
  from: null,
  action: 'act',
  target: 'it',
  before: null,
  after: { b: 1, a: [2] },
  ...over,
});

function chainOf(entries: readonly NewAudit[]): ChainRow[] {
  const rows: ChainRow[] = [];
  for (const one of entries) {
    const { seq, digest } = rows.at(-1) ?? { seq: 0, digest: CHAIN_START };
    const text = auditText(one);
    rows.push({ seq: seq + 1, text, previous: digest, digest: chainDigest(digest, seq + 1, text) });
  }
  return rows;
}

const firstFault = (rows: readonly ChainRow[]) => {
  const chain = followChain();
  return rows.find((row) => chain.check(row) !== null)?.seq ?? null;
};

test('the text has its names in order, at whatever depth, and nothing between', () => {
  assert.equal(
    canonical({ b: { d: 1, c: [{ f: 'ü', e: null }] }, a: true }),
    '{"a":true,"b":{"c":[{"e":null,"f":"ü"}],"d":1}}',
  );
});

test('names are in order of their UTF-16 units, also those that look like numbers', () => {
  const tags = { 10: ['a'], 9: ['b'], '\ufb33': 1, '\u{1f600}': 2, '\u20ac': 3, __proto: undefined, Z: [undefined] };
  assert.equal(
    canonical(tags),
    '{"10":["a"],"9":["b"],"Z":[null],"\u20ac":3,"\u{1f600}":2,"\ufb33":1}',
    'RFC 8785, 3.2.3',
  );
  fc.assert(
    fc.property(
      fc.dictionary(fc.oneof(fc.nat().map(String), fc.string({ unit: 'binary' })), fc.jsonValue()),
      (value) => {
        assert.deepEqual(JSON.parse(canonical(value)), JSON.parse(JSON.stringify(value)));
      },
    ),
  );
});

test('an entry is the same row after it was exported as JSON and read again', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.string({ unit: 'binary' }), (value, text) => {
      const [row] = chainOf([entry({ after: value, target: text })]) as [ChainRow];
      assert.deepEqual(rowOf(JSON.parse(JSON.stringify(entryOf(row)))), row);
      assert.deepEqual(rowIn(lineOf(row)), row);
      assert.equal(rowIn(lineOf(row).replace('{', '{"who":"innocent@example.com",')), null);
    }),
  );
});

test('a row that was changed, removed, added or moved is the first one that does not fit', () => {
  const rows = chainOf(['one', 'two', 'three', 'four'].map((action) => entry({ action })));
  assert.equal(firstFault(rows), null);
  const changed = (at: number, over: Partial<ChainRow>) => rows.map((row, n) => (n === at ? { ...row, ...over } : row));
  assert.equal(firstFault(changed(1, { text: rows[1]!.text.replace('two', 'TWO') })), 2);
  assert.equal(firstFault(changed(2, { digest: '1'.repeat(64) })), 3);
  assert.equal(firstFault(changed(2, { previous: rows[0]!.digest })), 3);
  assert.equal(firstFault(rows.toSpliced(1, 1)), 3);
  assert.equal(firstFault(rows.slice(1)), 2);
  assert.equal(firstFault([rows[0]!, rows[0]!]), 1);
  assert.equal(firstFault([rows[0]!, rows[2]!, rows[1]!]), 3);
  // Whoever makes all digests anew is found by one that was kept elsewhere.
  const forged = chainOf(['one', 'TWO', 'three', 'four'].map((action) => entry({ action })));
  assert.equal(firstFault(forged), null);
  assert.notEqual(forged.at(-1)!.digest, rows.at(-1)!.digest);
});

test('a chain can be followed from behind a known entry', () => {
  const rows = chainOf([entry(), entry(), entry()]);
  const chain = followChain(rows[0]);
  for (const row of rows.slice(1)) assert.equal(chain.check(row), null);
  assert.equal(chain.last.digest, rows[2]!.digest);
});

test('of a change only what differs is told', () => {
  assert.equal(difference({ a: 1, b: { c: [1] } }, { b: { c: [1] }, a: 1 }), null);
  assert.deepEqual(difference({ a: 1, b: { c: 1, d: 2 } }, { a: 1, b: { c: 3, d: 2 }, e: 4 }), {
    before: { b: { c: 1 } },
    after: { b: { c: 3 }, e: 4 },
  });
  assert.deepEqual(difference(null, { a: 1 }), { before: null, after: { a: 1 } });
  assert.deepEqual(difference({ a: 1 }, null), { before: { a: 1 }, after: null });
  assert.deepEqual(difference({ l: [1, 2] }, { l: [1] }), { before: { l: [1, 2] }, after: { l: [1] } });
});

test('what is very long is told by its digest', () => {
  const long = JSON.parse(auditText(entry({ after: { pem: 'x'.repeat(5_000), short: 'y' } })));
  assert.deepEqual(Object.keys(long.after.pem), ['characters', 'sha256']);
  assert.equal(long.after.short, 'y');
  const many = JSON.parse(auditText(entry({ after: Array.from({ length: 10_000 }, (_, n) => `value ${n}`) })));
  assert.deepEqual(Object.keys(many.after), ['characters', 'sha256']);
});
