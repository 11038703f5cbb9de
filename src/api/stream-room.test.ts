/** Streams wait while others hold too much, and go on once that was read. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { defaultSettings } from '../domain/connector.ts';
import { createSlots } from '../events/webhooks/slots.ts';
import { openSqliteStore } from '../store/sqlite/index.ts';
import type { ApiDeps, ApiState, OpenStream } from './context.ts';
import { boundedLog, READING_MAX } from './stream-room.ts';

const MIB = 1 << 20;

test('a stream reads on only while there is room for what all of them hold, few at a time, and not after its end', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-streams-'));
  const store = await openSqliteStore({ folder });
  try {
    await store.createConnector({ id: 'c', created: 1, version: 1, settings: defaultSettings('c') });
    await store.log('c', [{ type: 'refused', identity: 'd', origin: null, timestamp: 1, payload: null }]);
    const state = { streams: new Map(), reading: createSlots(READING_MAX) } as unknown as ApiState;
    const open = () => {
      const end = new AbortController();
      const raw = { writableLength: 0 } as ServerResponse;
      state.streams.set(end, { digest: '', account: '', raw, check: () => {}, held: 0 } satisfies OpenStream);
      return { end, log: boundedLog({ state, deps: { store } as ApiDeps }, end) };
    };
    const read = async ({ log }: ReturnType<typeof open>) => {
      const { events } = await log.readEvents('c', { limit: 10 });
      return events.length;
    };
    const streams = Array.from({ length: READING_MAX }, open);
    assert.deepEqual(
      await Promise.all(streams.map(read)),
      streams.map(() => 1),
    );

    let through = 0;
    const late = open();
    const reading = read(late).then(() => {
      through += 1;
    });
    await delay(300);
    assert.equal(through, 0, 'pages are in hand of which nobody knows how large they are');
    for (const { log } of streams) log.holds(10 * MIB);
    await delay(300);
    assert.equal(through, 0, 'others hold too much');
    for (const { log } of streams.slice(0, 2)) log.holds(0);
    await reading;
    late.log.close();

    for (const { log } of streams) log.holds(10 * MIB);
    const ended = open();
    const left = read(ended);
    ended.end.abort();
    await assert.rejects(left, { name: 'AbortError' });
    for (const stream of streams) state.streams.delete(stream.end);
    assert.equal(await read(open()), 1);
  } finally {
    await store.close();
    await rm(folder, { recursive: true });
  }
});
