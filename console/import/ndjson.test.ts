/** Lines of JSON, however they are cut on their way. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createLineReader } from './ndjson.ts';

test('what was written line by line is read line by line, however it is cut', () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue()), fc.array(fc.nat(400)), fc.boolean(), (values, cuts, open) => {
      const text = values.map((value) => `${JSON.stringify(value)}\n`).join('');
      const whole = open ? text.slice(0, -1) : text;
      const reader = createLineReader();
      const read: unknown[] = [];
      let from = 0;
      for (const to of [...cuts.sort((a, b) => a - b), whole.length]) {
        read.push(...reader.push(whole.slice(from, to)));
        from = Math.min(to, whole.length);
      }
      read.push(...reader.end());
      assert.deepEqual(read, JSON.parse(JSON.stringify(values)));
    }),
  );
});

test('a line is given as soon as it is whole, not before', () => {
  const reader = createLineReader();
  assert.deepEqual(reader.push('{"a":1}\n{"b"'), [{ a: 1 }]);
  assert.deepEqual(reader.push(':2}'), []);
  assert.deepEqual(reader.push('\n'), [{ b: 2 }]);
  assert.deepEqual(reader.end(), []);
});

test('empty lines say nothing, and what is no JSON is an error', () => {
  const reader = createLineReader();
  assert.deepEqual(reader.push('\n\r\n1\r\n'), [1]);
  assert.throws(() => reader.push('<html>\n'), SyntaxError);
});
