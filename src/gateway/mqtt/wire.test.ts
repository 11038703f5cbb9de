/** The quick way for PUBLISH and mqtt-packet agree byte for byte; where packets end; the backlog; messages in flight. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { generate, type IPublishPacket, parser } from 'mqtt-packet';
import { AppError } from '../../domain/errors.ts';
import { Backlog } from './backlog.ts';
import { InFlight } from './in-flight.ts';
import { Intake } from './intake.ts';
import { IN_FLIGHT_MAX } from './limits.ts';
import { type Extent, findPacket, type Publish, readPublish } from './wire.ts';

const extent: Extent = { body: 0, end: 0 };
const blank = (): Publish => ({
  bytes: Buffer.alloc(0),
  topicFrom: 0,
  topicEnd: 0,
  retain: false,
  qos: 0,
  id: 0,
  from: 0,
  end: 0,
});

/** By the quick way; null for what it leaves to mqtt-packet, the code for what it throws. */
function quickly(bytes: Buffer, v5: boolean) {
  try {
    if (!findPacket(bytes, 0, v5, extent) || extent.end !== bytes.length) return 'PACKET_MALFORMED';
    const { body, end } = extent;
    const into = blank();
    if (!readPublish(bytes, bytes[0]!, body, end, v5, into)) return null;
    const { topicFrom, topicEnd, from, qos, id, retain } = into;
    return { topic: bytes.toString('utf8', topicFrom, topicEnd), payload: bytes.subarray(from, end), qos, id, retain };
  } catch (error) {
    assert.ok(error instanceof AppError);
    return error.code;
  }
}

/** By mqtt-packet; null where it finds no packet. */
function slowly(bytes: Buffer, protocolVersion: 4 | 5) {
  const reader = parser({ protocolVersion });
  const packets: IPublishPacket[] = [];
  reader.on('packet', (packet) => packets.push(packet as IPublishPacket));
  reader.on('error', () => {});
  reader.parse(bytes);
  const [packet] = packets;
  if (packet === undefined) return null;
  const { topic, payload, qos, messageId: id = 0, retain } = packet;
  return { topic, payload: Buffer.from(payload), qos, id, retain };
}

const packets = fc.record({
  topic: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }),
  payload: fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
  messageId: fc.integer({ min: 1, max: 65_535 }),
  qos: fc.constantFrom(0 as const, 1 as const),
  retain: fc.boolean(),
});

for (const version of [4, 5] as const) {
  test(`level ${version}: the quick way reads every PUBLISH without properties as mqtt-packet does`, () => {
    fc.assert(
      fc.property(packets, (given) => {
        const bytes = generate({ cmd: 'publish', dup: false, ...given }, { protocolVersion: version });
        const read = quickly(bytes, version === 5);
        assert.ok(read !== null && typeof read === 'object');
        assert.deepEqual(read, slowly(bytes, version));
        assert.deepEqual(read.payload, given.payload);
      }),
    );
  });

  test(`level ${version}: of a PUBLISH that was tampered with, both read the same, or the quick way refuses`, () => {
    const change = fc.record({ at: fc.nat(20), to: fc.nat(255) });
    fc.assert(
      fc.property(packets, fc.array(change, { maxLength: 3 }), (given, changes) => {
        const bytes = generate({ cmd: 'publish', dup: false, ...given }, { protocolVersion: version });
        for (const { at, to } of changes) if (at > 0 && at < bytes.length) bytes[at] = to;
        const read = quickly(bytes, version === 5);
        if (typeof read === 'object' && read !== null) assert.deepEqual(read, slowly(bytes, version));
      }),
      { numRuns: 500 },
    );
  });
}

test('a PUBLISH with properties is left to mqtt-packet', () => {
  const packet = { cmd: 'publish', topic: 't', payload: 'x', qos: 0, dup: false, retain: false } as const;
  const bytes = generate({ ...packet, properties: { contentType: 'a' } }, { protocolVersion: 5 });
  assert.equal(quickly(bytes, true), null);
});

test('a length is found once it is whole, whatever its size', () => {
  for (const length of [0, 1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152, 268_435_455]) {
    const bytes = [0x30];
    for (let rest = length; ; rest = Math.floor(rest / 128)) {
      bytes.push((rest % 128) + (rest >= 128 ? 128 : 0));
      if (rest < 128) break;
    }
    const whole = Buffer.from(bytes);
    for (let cut = 0; cut < whole.length; cut += 1) {
      assert.equal(findPacket(whole.subarray(0, cut), 0, true, extent), false);
    }
    assert.equal(findPacket(whole, 0, true, extent), true);
    assert.deepEqual(extent, { body: whole.length, end: whole.length + length });
  }
  assert.throws(() => findPacket(Buffer.from([0x30, 0x80, 0x80, 0x80, 0x80, 1]), 0, false, extent), {
    code: 'PACKET_MALFORMED',
  });
  // 3.1.1 does not ask for the shortest form, and old firmware pads.
  assert.equal(findPacket(Buffer.from([0xc0, 0x80, 0]), 0, false, extent), true);
});

test('a backlog gives back what was put in, in whatever pieces both happen', () => {
  const action = fc.oneof(fc.uint8Array({ minLength: 1, maxLength: 700 }), fc.nat(900));
  fc.assert(
    fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
      const backlog = new Backlog(Buffer.from('first'));
      let expected = Buffer.from('first');
      for (const action of actions) {
        if (typeof action === 'number') {
          const count = Math.min(action, expected.length);
          backlog.consume(count);
          expected = expected.subarray(count);
        } else {
          backlog.append(Buffer.from(action));
          expected = Buffer.concat([expected, action]);
        }
        assert.deepEqual(backlog.view(), expected);
        assert.equal(backlog.length, expected.length);
        assert.ok(backlog.capacity >= expected.length);
      }
    }),
  );
});

// 3.1.1 [MQTT-4.6.0-2], 5.0 [MQTT-4.6.0-2]
test('messages are taken in their order, however they settle, and their memory is given back', () => {
  fc.assert(
    fc.property(fc.shuffledSubarray([...Array(30).keys()], { minLength: 30 }), (order) => {
      const budget = { bytes: 0, max: 1 };
      const inFlight = new InFlight(budget);
      const messages = Array.from({ length: 30 }, (_, id) => inFlight.add(id, 10, 0));
      assert.equal(inFlight.unacknowledged, 29);
      const taken: number[] = [];
      for (const at of order) {
        inFlight.settle(messages[at]!, null);
        taken.push(...inFlight.take().map(({ id }) => id));
      }
      assert.deepEqual(taken, [...Array(30).keys()]);
      assert.deepEqual([budget.bytes, inFlight.empty, inFlight.unacknowledged], [0, true, 0]);
    }),
  );
});

test('messages in flight are bounded by number and by bytes', () => {
  const inFlight = new InFlight({ bytes: 0, max: 1 });
  const messages = Array.from({ length: IN_FLIGHT_MAX }, (_, n) => {
    assert.equal(inFlight.full, false);
    return inFlight.add(n + 1, 0, 0);
  });
  assert.equal(inFlight.full, true);
  inFlight.settle(messages[0]!, null);
  inFlight.take();
  assert.equal(inFlight.full, false);
  inFlight.add(1, 100_000_000, 0);
  assert.equal(inFlight.full, true);
});

test('a large packet may not grow once all connections together hold too much, and what is dropped is given back', () => {
  const budget = { bytes: 0, max: 1_000_000 };
  const waiting = () => 0;
  const piece = Buffer.alloc(200_000);
  const intake = new Intake(budget, waiting);
  for (let n = 0; n < 3; n += 1) intake.receive(piece);
  const other = new Intake(budget, waiting);
  other.receive(piece);
  assert.throws(
    () => {
      for (let n = 0; n < 5; n += 1) other.receive(piece);
    },
    { code: 'OVERLOADED' },
  );
  intake.drop();
  other.drop();
  assert.equal(budget.bytes, 0);
  const small = new Intake({ bytes: 2, max: 1 }, waiting);
  for (let n = 0; n < 10; n += 1) small.receive(Buffer.alloc(100));
});
