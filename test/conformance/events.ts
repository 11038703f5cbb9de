/** Store suite: the log, its numbers, and reading it. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { type EventType, eventTypes } from '../../src/domain/connector.ts';
import type { StoredEvent } from '../../src/domain/device.ts';
import type { EventQuery, Store } from '../../src/store/store.ts';
import {
  allEvents,
  alone,
  DAY,
  dataIn,
  dataOut,
  drain,
  eventOf,
  makeConnector,
  makeRef,
  NOW,
  type Open,
  ORIGIN,
  put,
  same,
  shareStore,
} from './fixtures.ts';

/** Page after page. */
async function seqsOf(store: Store, connector: string, query: Partial<EventQuery>): Promise<number[]> {
  const seqs: number[] = [];
  for (;;) {
    const side = query.order === 'oldest' ? { after: seqs.at(-1) } : { before: seqs.at(-1) };
    const page = await store.readEvents(connector, { limit: 1000, ...query, ...side });
    seqs.push(...page.events.map(({ seq }) => seq));
    if (!page.mayLoadMore) return seqs;
  }
}

export function eventTests(open: Open): void {
  const shared = shareStore(open);

  it('gives an event back as it was logged, with its number, also after reopening', async () => {
    const connector = await makeConnector(shared.store);
    const payloads = [null, { rule: 'x', seen: '😀\u0000', list: [1, { a: null }] }, [1, 2], 'text', 0, false];
    for (const payload of payloads) await shared.store.log(connector, [eventOf('refused', { payload })]);
    await shared.store.log(connector, [eventOf('whitelisted', { identity: null, origin: null })]);
    const origin = { ip: '2001:db8::1', protocol: null, connectionId: null };
    await shared.store.log(connector, [eventOf('deleted', { origin })]);
    for await (const look of shared.nowAndReopened()) {
      const events = await allEvents(look, connector);
      const from = { ip: ORIGIN.ip, protocol: ORIGIN.protocol, connection_id: ORIGIN.connectionId };
      const nowhere = { ip: null, protocol: null, connection_id: null };
      const common = { identity: 'device', timestamp: NOW, tags: {} };
      same(events.map(withoutSeq), [
        ...payloads.map((payload) => ({ ...common, type: 'refused', ...from, payload })),
        { ...common, type: 'whitelisted', ...nowhere, identity: null, payload: null },
        { ...common, type: 'deleted', ...nowhere, ip: origin.ip, payload: null },
      ]);
    }
  });

  it('makes pages smaller where events are large, and leaves none out', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    const ref = await makeRef(store, connector);
    const large = 'x'.repeat(300_000);
    for (let at = 0; at < 6; at += 1) {
      await store.append(dataIn(ref, { a: `${at}${large}` }, NOW + at));
      await store.log(connector, [eventOf('refused', { payload: { filler: large } })]);
    }
    const wanted = (await seqsOf(store, connector, {})).length;
    for (const query of [{}, { identity: 'device' }, { types: ['refused', 'data_in'] as const }]) {
      for (const order of ['newest', 'oldest'] as const) {
        const seqs = await seqsOf(store, connector, { ...query, order });
        const sorted = seqs.toSorted((a, b) => (order === 'oldest' ? a - b : b - a));
        assert.deepEqual(seqs, sorted);
        assert.equal(new Set(seqs).size, 'types' in query ? 12 : wanted);
      }
    }
    const { events, mayLoadMore } = await store.readEvents(connector, { limit: 1000 });
    assert.ok(events.length < 5 && mayLoadMore, `${events.length} events on a page`);
  });

  it('logs every type of event', async () => {
    const connector = await makeConnector(shared.store);
    await shared.store.log(
      connector,
      eventTypes.map((type) => eventOf(type)),
    );
    for (const type of eventTypes) {
      const { events } = await shared.store.readEvents(connector, { types: [type], limit: 10 });
      assert.deepEqual(
        events.map((event) => event.type),
        [type],
      );
    }
  });

  it('numbers events with growing numbers, in the order in which they were given', async () => {
    const { store } = shared;
    const [one, two] = [await makeConnector(store), await makeConnector(store)];
    const before = await store.lastSeq();
    await Promise.all(
      Array.from({ length: 60 }, (_, n) =>
        store.log(n % 2 === 0 ? one : two, [
          eventOf('publish', { payload: [n, 0] }),
          eventOf('publish', { payload: [n, 1] }),
        ]),
      ),
    );
    const all = [...(await allEvents(store, one)), ...(await allEvents(store, two))];
    const seqs = all.map((event) => event.seq);
    assert.equal(new Set(seqs).size, 120);
    assert(Math.min(...seqs) > before);
    assert.equal(await store.lastSeq(), Math.max(...seqs));
    for (const connector of [one, two]) {
      const events = await allEvents(store, connector);
      for (let at = 1; at < events.length; at += 1) assert(events[at]!.seq > events[at - 1]!.seq);
      const pairs = events.map((event) => event.payload as [number, number]);
      for (let at = 0; at < pairs.length; at += 2) {
        assert.deepEqual([pairs[at]?.[1], pairs[at + 1]?.[1]], [0, 1]);
        assert.equal(pairs[at]?.[0], pairs[at + 1]?.[0]);
      }
    }
  });

  it('has 0 as its highest number while it is empty, and never uses a number twice', async () => {
    await alone(open, async ({ store, reopen }) => {
      assert.equal(await store.lastSeq(), 0);
      const connector = await makeConnector(store, { retention: { events_days: 1, expired_days: 0, history_days: 0 } });
      const old = Array.from({ length: 7 }, () => eventOf('publish', { timestamp: NOW - 9 * DAY }));
      await store.log(connector, old);
      const last = await store.lastSeq();
      assert.equal((await allEvents(store, connector)).at(-1)?.seq, last);
      await drain((limit) => store.purge(NOW, limit), 3);
      same(await allEvents(store, connector), []);
      const again = await reopen();
      await again.log(connector, [eventOf('publish')]);
      const [event] = await allEvents(again, connector);
      assert(event && event.seq > last);
      assert.equal(await again.lastSeq(), event.seq);
    });
  });

  it('answers any query as its words say', async () => {
    const { store } = shared;
    const [connector, other] = [await makeConnector(store), await makeConnector(store)];
    const types: EventType[] = ['data_in', 'refused', 'publish'];
    const who = ['a', 'b', 'A', 'ghost', null];
    for (let n = 0; n < 60; n += 1) {
      await store.log(other, [eventOf('refused', { identity: 'a' })]);
      await store.log(connector, [eventOf(types[n % 3]!, { identity: who[(n * 7) % 5], payload: n })]);
    }
    const all = await allEvents(store, connector);
    assert.equal(all.length, 60);
    const seq = fc.integer({ min: all[0]!.seq - 1, max: all.at(-1)!.seq + 1 });
    const conditions = fc.record(
      {
        types: fc.uniqueArray(fc.constantFrom<EventType>(...types, 'expired'), { minLength: 1 }),
        identity: fc.constantFrom('a', 'b', 'A', 'ghost', 'nobody'),
        before: seq,
        after: seq,
        order: fc.constantFrom('newest' as const, 'oldest' as const),
        limit: fc.integer({ min: 1, max: 70 }),
      },
      { requiredKeys: ['limit'] },
    );
    await fc.assert(
      fc.asyncProperty(conditions, async (query) => {
        const wanted = all.filter((event) => answers(event, query));
        if (query.order !== 'oldest') wanted.reverse();
        const found = await store.readEvents(connector, query);
        same(found.events, wanted.slice(0, query.limit));
        if (wanted.length !== query.limit) assert.equal(found.mayLoadMore, wanted.length > query.limit);
      }),
      { numRuns: 100 },
    );
  });

  it('finds the events of identities that nobody knows', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    await store.log(connector, [eventOf('refused', { identity: 'ghost' }), eventOf('refused', { identity: 'device' })]);
    const { events } = await store.readEvents(connector, { identity: 'ghost', limit: 20 });
    assert.equal(events.length, 1);
    assert.equal(events[0]?.identity, 'ghost');
    assert.equal(await store.getDevice(connector, 'ghost'), null);
  });

  it('pages through the log both ways by number, without overlap', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    await store.log(
      connector,
      Array.from({ length: 25 }, (_, n) => eventOf('publish', { payload: n })),
    );
    for (const order of ['newest', 'oldest'] as const) {
      const seen: unknown[] = [];
      let edge: number | undefined;
      for (let page = 0; page < 9; page += 1) {
        const query = order === 'newest' ? { before: edge } : { after: edge };
        const { events, mayLoadMore } = await store.readEvents(connector, { ...query, order, limit: 10 });
        seen.push(...events.map((event) => event.payload));
        edge = events.at(-1)?.seq;
        if (!mayLoadMore) break;
      }
      const forward = Array.from({ length: 25 }, (_, n) => n);
      assert.deepEqual(seen, order === 'oldest' ? forward : forward.reverse());
    }
  });

  it('logs a change of a device together with the change, with the tags of the device', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    const tags = { site: ['north', 'south'] };
    await put(store, connector, 'device', { tags }, [eventOf('whitelisted')]);
    await put(store, connector, 'device', { tags }, [eventOf('locked'), eventOf('unlocked')]);
    const events = await allEvents(store, connector);
    assert.deepEqual(
      events.map((event) => event.type),
      ['whitelisted', 'locked', 'unlocked'],
    );
    for (const event of events) same(event.tags, tags);
    await store.changeDevice(connector, 'device', () => ({ answer: null, device: null, events: [eventOf('deleted')] }));
    assert.equal((await allEvents(store, connector)).at(-1)?.type, 'deleted');
  });

  it('logs data as one event per entry, its points with what is no resource marked', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    const tags = { site: ['north'] };
    const { ref } = await put(store, connector, 'device', { tags });
    await store.append(dataIn(ref, { a: '1', b: '' }, NOW));
    await store.append({
      ...dataIn(ref, {}, NOW + 9),
      points: [
        { timestamp: NOW + 1, values: { a: '1' } },
        { timestamp: NOW + 2, values: { a: '2' } },
      ],
      undefinedPoints: [
        { timestamp: NOW + 2, values: { stray: 'x', odd: 'y' } },
        { timestamp: NOW + 3, values: { stray: 'z' } },
      ],
    });
    await store.append(dataOut(ref, { a: '3' }, NOW + 10));
    for await (const look of shared.nowAndReopened()) {
      const events = await allEvents(look, connector);
      const from = { ip: ORIGIN.ip, protocol: ORIGIN.protocol, connection_id: ORIGIN.connectionId };
      const common = { identity: 'device', ...from, tags };
      same(events.map(withSortedNames).map(withoutSeq), [
        { ...common, type: 'data_in', timestamp: NOW, payload: [{ timestamp: NOW, values: { a: '1', b: '' } }] },
        {
          ...common,
          type: 'data_in',
          timestamp: NOW + 9,
          payload: [
            { timestamp: NOW + 1, values: { a: '1' } },
            { timestamp: NOW + 2, values: { a: '2', stray: 'x', odd: 'y' }, undefined: ['odd', 'stray'] },
            { timestamp: NOW + 3, values: { stray: 'z' }, undefined: ['stray'] },
          ],
        },
        { ...common, type: 'data_out', timestamp: NOW + 10, payload: [{ timestamp: NOW + 10, values: { a: '3' } }] },
      ]);
    }
  });

  it('finds data events among others by type and identity', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    const [one, two] = [await makeRef(store, connector, 'one'), await makeRef(store, connector, 'two')];
    await store.append(dataIn(one, { a: '1' }));
    await store.append(dataIn(two, { a: '2' }));
    await store.log(connector, [eventOf('refused', { identity: 'one' })]);
    const mine = await store.readEvents(connector, { identity: 'one', limit: 9, order: 'oldest' });
    assert.deepEqual(
      mine.events.map((event) => event.type),
      ['data_in', 'refused'],
    );
    const data = await store.readEvents(connector, { types: ['data_in'], limit: 9, order: 'oldest' });
    assert.deepEqual(
      data.events.map((event) => event.identity),
      ['one', 'two'],
    );
  });
}

function answers(event: StoredEvent, query: EventQuery): boolean {
  if (query.types && !query.types.includes(event.type)) return false;
  if (query.identity !== undefined && event.identity !== query.identity) return false;
  return event.seq < (query.before ?? Infinity) && event.seq > (query.after ?? 0);
}

function withoutSeq({ seq, ...event }: StoredEvent): Omit<StoredEvent, 'seq'> {
  assert(Number.isSafeInteger(seq) && seq > 0);
  return event;
}

/** `undefined` is a set of names: its order says nothing. */
function withSortedNames(event: StoredEvent): StoredEvent {
  const points = event.payload as { undefined?: string[] }[];
  return {
    ...event,
    payload: points.map((point) => (point.undefined ? { ...point, undefined: point.undefined.toSorted() } : point)),
  };
}
