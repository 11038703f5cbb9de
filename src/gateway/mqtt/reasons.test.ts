/** Holds the table of MQTT codes and the document that lists it equal, and both to what the specifications allow. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { reasons, reasonsOf } from './reasons.ts';

const document = new URL('../../../docs/errors.md', import.meta.url);
const hex = (code: number | null) => (code === null ? '–' : `0x${code.toString(16).toUpperCase()}`);

test('docs/errors.md lists what each error is called over MQTT, and no other', async () => {
  const listed = (await readFile(document, 'utf8')).matchAll(
    /^\| `(\w+)` \| (\d) \| (0x\w\w) \| (0x\w\w|–) \| (0x\w\w) \|$/gm,
  );
  const rows = Array.from(listed, ([, ...cells]) => cells);
  assert.deepEqual(
    rows,
    Object.entries(reasons).map(([code, { connack, connect, puback, disconnect }]) => [
      code,
      String(connack),
      hex(connect),
      hex(puback),
      hex(disconnect),
    ]),
  );
});

/** MQTT 5.0, tables 3-1, 3-4 and 3-13: codes of a refusal that the server may send. */
const allowed = {
  connect: [
    0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8c, 0x90, 0x95, 0x97, 0x99, 0x9a, 0x9b, 0x9c,
    0x9d, 0x9f,
  ],
  puback: [0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99],
  disconnect: [
    0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8b, 0x8d, 0x8e, 0x8f, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a,
    0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2,
  ],
};

/** What ends a connection that is in: it never is the answer to a CONNECT. */
const onlyLater = new Set([
  'KEEP_ALIVE',
  'TAKEN_OVER',
  'TOPIC_ALIAS',
  'RECEIVE_MAXIMUM',
  'SUBSCRIPTION_SHARED',
  'SUBSCRIPTION_IDENTIFIER',
]);

/** What only answers a CONNECT. */
const onlyFirst = new Set(['PROTOCOL_VERSION', 'AUTHENTICATION_METHOD']);

// 5.0 [MQTT-3.2.2-8] [MQTT-3.4.2-1]
test('every code is one that its packet has', () => {
  for (const [code, { connect, puback, disconnect }] of Object.entries(reasons)) {
    if (!onlyLater.has(code)) assert.ok(allowed.connect.includes(connect), `${code} in CONNACK`);
    if (puback !== null) assert.ok(allowed.puback.includes(puback), `${code} in PUBACK`);
    if (!onlyFirst.has(code)) assert.ok(allowed.disconnect.includes(disconnect), `${code} in DISCONNECT`);
  }
});

test('an error that no device can cause is one of ours', () => {
  assert.deepEqual(reasonsOf('CSV_INVALID'), reasons.INTERNAL);
});
