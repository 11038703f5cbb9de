/** What topics and payloads mean, without a connection. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AppError } from '../../domain/errors.ts';
import { parseTopic, readBatch, readMessage, readObject, readText } from './topics.ts';

const parse = (topic: string) => parseTopic(topic, Buffer.from(topic));
const codeOf = (action: () => unknown) => {
  try {
    action();
  } catch (error) {
    assert.ok(error instanceof AppError, String(error));
    return error.code;
  }
  return assert.fail('nothing was thrown');
};

test('each topic means one thing', () => {
  assert.deepEqual(parse('$resource/a'), { kind: 'write', alias: 'a' });
  assert.deepEqual(parse('$resource'), { kind: 'object' });
  assert.deepEqual(parse('$resource/'), { kind: 'object' });
  assert.deepEqual(parse('$resource.batch'), { kind: 'batch' });
  assert.deepEqual(parse('$resource/a/1700000000'), {
    kind: 'record',
    alias: 'a',
    timestamp: 1_700_000_000_000_000,
    text: '1700000000',
  });
  assert.deepEqual(parse('$provision/a%2Fb%25'), { kind: 'provision', identity: 'a/b%' });
  assert.deepEqual(parse('resource/a'), { kind: 'message', topic: 'resource/a' });
});

test('topics with $ that mean nothing are refused, not closed on', () => {
  const cases = { '$resource/a/x': 'TIMESTAMP_INVALID', '$resource/a/1/2': 'PATH_UNKNOWN', $SYS: 'PATH_UNKNOWN' };
  for (const [topic, code] of Object.entries(cases)) {
    const parsed = parse(topic);
    assert.ok(parsed.kind === 'refused' && parsed.code === code, topic);
  }
});

test('what no topic name may be is thrown', () => {
  assert.equal(
    codeOf(() => parse('')),
    'TOPIC_INVALID',
  );
  assert.equal(
    codeOf(() => parse('$resource/+')),
    'TOPIC_INVALID',
  );
  assert.equal(
    codeOf(() => parse('a\0')),
    'PACKET_MALFORMED',
  );
  assert.equal(
    codeOf(() => parseTopic('\ufffd', Buffer.from([0xff]))),
    'PACKET_MALFORMED',
  );
});

test('any topic is understood, refused or thrown as the catalogue says', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (rest) => {
      for (const topic of [rest, `$resource/${rest}`, `$provision/${rest}`]) {
        try {
          parse(topic);
        } catch (error) {
          assert.ok(error instanceof AppError);
        }
      }
    }),
  );
});

test('text is taken as it is, U+FFFD and a byte order mark too; what is no UTF-8 is refused', () => {
  for (const text of ['', 'a', '\ufffd', '\ufeffa', '😀']) {
    const bytes = Buffer.from(`<${text}>`);
    assert.equal(readText(bytes, 1, bytes.length - 1), text);
  }
  assert.equal(
    codeOf(() => readText(Buffer.from([0x61, 0xff]), 0, 2)),
    'BODY_INVALID',
  );
});

test('a message is text, or bytes in base64 that say so', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 30 }), (given) => {
      const bytes = Buffer.from(given);
      const { payload, encoding = 'utf8' } = readMessage(bytes, 0, bytes.length);
      assert.deepEqual(Buffer.from(payload, encoding), bytes);
    }),
  );
});

test('values of an object keep their JSON text, numbers digit by digit', () => {
  assert.deepEqual(readObject('{"a":"x","b":1.50,"c":{"d":[1e3,"\\u00e4",null]},"e":null,"f":true}'), [
    ['a', 'x'],
    ['b', '1.50'],
    ['c', '{"d":[1e3,"ä",null]}'],
    ['e', 'null'],
    ['f', 'true'],
  ]);
});

test('any object of JSON values gives each as its text', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 }), (object) => {
      const pairs = Object.fromEntries(readObject(JSON.stringify(object)));
      for (const [alias, value] of Object.entries(JSON.parse(JSON.stringify(object)))) {
        assert.equal(pairs[alias], typeof value === 'string' ? value : JSON.stringify(value));
      }
    }),
  );
});

test('a batch becomes points, with timestamps in any of the three units, as numbers or text', () => {
  const batch = '[{"timestamp":1700000000,"values":{"a":1,"b":"x"}},{"timestamp":"1700000001000","values":{"a":2}}]';
  assert.deepEqual(
    readBatch(batch).map(({ alias, timestamp, value }) => [alias, timestamp, value]),
    [
      ['a', 1_700_000_000_000_000, '1'],
      ['b', 1_700_000_000_000_000, 'x'],
      ['a', 1_700_000_001_000_000, '2'],
    ],
  );
});

test('what is no object or batch is refused, whatever it is', () => {
  for (const text of ['', '1', 'null', '"a"', '[]', '[1]', '{', '{"a"}', '{}', '['.repeat(100_000)]) {
    assert.equal(
      codeOf(() => readObject(text)),
      'BODY_INVALID',
      text.slice(0, 10),
    );
  }
  for (const text of [
    '{}',
    '[]',
    '[1]',
    '[{}]',
    '[{"timestamp":1}]',
    '[{"timestamp":1,"values":1}]',
    '[{"values":{"a":1}}]',
  ]) {
    assert.equal(
      codeOf(() => readBatch(text)),
      'BODY_INVALID',
      text,
    );
  }
});
