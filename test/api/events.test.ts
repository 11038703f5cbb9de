/** The log by the management API: pages of it, and live as server-sent events. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { at, PASSWORD, startApi, type TestApi, type TestConnector } from './harness.ts';

let api: TestApi;
before(async () => {
  api = await startApi({ heartbeat: 50 });
});
after(() => api.close());

async function whitelist(connector: TestConnector, identity: string): Promise<void> {
  const answer = await api.call('PUT', connector.base + at(identity), {});
  assert.equal(answer.status, 201, answer.text);
}

interface Frame {
  readonly id: number;
  readonly type: string;
  // biome-ignore lint/suspicious/noExplicitAny: the tests assert each field that they read
  readonly data: any;
}

/** An open stream. `next` waits for frames; `ended` resolves when the server ends it. */
async function openStream(
  connector: TestConnector,
  query = '',
  headers: Record<string, string> = {},
  token = api.tokens.viewer,
) {
  const abort = new AbortController();
  const response = await fetch(`${api.url}${connector.base}/events/stream${query}`, {
    headers: { authorization: `token ${token}`, ...headers },
    signal: abort.signal,
  });
  const frames: Frame[] = [];
  let comments = 0;
  let wake = () => {};
  const ended = (async () => {
    let text = '';
    const decoder = new TextDecoder();
    for await (const chunk of response.body!) {
      text += decoder.decode(chunk, { stream: true });
      const blocks = text.split('\n\n');
      text = blocks.pop()!;
      for (const block of blocks) {
        // Lines end with LF alone: U+2028 is part of one.
        const field = (name: string) =>
          block
            .split('\n')
            .find((line) => line.startsWith(`${name}: `))
            ?.slice(name.length + 2);
        if (block.startsWith(':')) comments += 1;
        else if (field('event') !== undefined) {
          frames.push({ id: Number(field('id')), type: field('event')!, data: JSON.parse(field('data')!) });
        }
        wake();
      }
    }
  })().catch(() => {});
  return {
    response,
    frames,
    ended,
    comments: () => comments,
    close: () => abort.abort(),
    async next(count: number): Promise<Frame[]> {
      // Ends a test that would hang; no promise about time.
      const late = AbortSignal.timeout(60_000);
      while (frames.length < count) {
        await new Promise<void>((resolve) => {
          wake = resolve;
          late.onabort = () => resolve();
        });
        assert.ok(!late.aborted, `only ${frames.length} of ${count} frames came`);
      }
      return frames;
    },
  };
}

test('the log is newest first, in pages by sequence number, filtered by type and identity', async () => {
  const connector = await api.connector();
  for (const identity of ['a', 'b', 'c']) await whitelist(connector, identity);
  await api.call('PATCH', connector.base + at('b'), { locked: true });
  const events = async (query: string) => (await api.call('GET', `${connector.base}/events?${query}`)).body;
  const names = async (query: string) =>
    (await events(query)).events.map((event: { type: string; identity: string }) => `${event.type} ${event.identity}`);
  assert.deepEqual(await names(''), ['locked b', 'whitelisted c', 'whitelisted b', 'whitelisted a']);
  assert.deepEqual(await names('types=locked,unlocked'), ['locked b']);
  assert.deepEqual(await names('types=locked&types=whitelisted&identity=b'), ['locked b', 'whitelisted b']);
  const first = await events('limit=2');
  assert.equal(first.mayLoadMore, true);
  const before = first.events.at(-1).seq;
  assert.deepEqual(await names(`limit=2&before=${before}`), ['whitelisted b', 'whitelisted a']);
  assert.deepEqual(await names(`after=${before}`), ['locked b']);
  assert.equal((await api.call('GET', `${connector.base}/events?types=explosion`)).body.details[0].path, 'types');
});

test('the types that the settings name are shown unless others are asked for', async () => {
  const connector = await api.connector({ events: { types: ['locked'] } });
  await whitelist(connector, 'a');
  assert.deepEqual((await api.call('GET', `${connector.base}/events`)).body.events, []);
  assert.equal((await api.call('GET', `${connector.base}/events?types=whitelisted`)).body.events.length, 1);
});

test('a stream tells what happens from now on, in order, as it is stored', async () => {
  const connector = await api.connector();
  await whitelist(connector, 'earlier');
  const stream = await openStream(connector);
  assert.equal(stream.response.status, 200);
  assert.equal(stream.response.headers.get('content-type'), 'text/event-stream; charset=utf-8');
  assert.equal(stream.response.headers.get('x-content-type-options'), 'nosniff');
  for (const identity of ['a', 'b\u2028b', 'c']) await whitelist(connector, identity);
  const frames = await stream.next(3);
  assert.deepEqual(
    frames.map(({ data }) => data.identity),
    ['a', 'b\u2028b', 'c'],
  );
  const logged = (await api.call('GET', `${connector.base}/events?limit=3`)).body.events.reverse();
  assert.deepEqual(
    frames.map(({ data }) => data),
    logged,
  );
  assert.deepEqual(
    frames.map(({ id }) => id),
    logged.map((event: { seq: number }) => event.seq),
  );
  stream.close();
});

test('Last-Event-ID goes on where a stream was cut, with no gap and nothing twice', async () => {
  const connector = await api.connector();
  const first = await openStream(connector, '?after=0');
  await whitelist(connector, 'a');
  const { id } = (await first.next(1))[0]!;
  first.close();
  for (let i = 0; i < 250; i++) {
    await api.store.log(connector.id, [
      { type: 'refused', identity: `r${i}`, origin: null, timestamp: i, payload: null },
    ]);
  }
  const second = await openStream(connector, '?after=0', { 'last-event-id': String(id) });
  await whitelist(connector, 'z');
  const frames = await second.next(251);
  assert.deepEqual(
    frames.map(({ data }) => data.identity),
    [...Array.from({ length: 250 }, (_, i) => `r${i}`), 'z'],
  );
  second.close();
});

test('a stream is filtered by type and identity', async () => {
  const connector = await api.connector();
  const stream = await openStream(connector, '?types=locked,unlocked&identity=b');
  for (const identity of ['a', 'b']) {
    await whitelist(connector, identity);
    for (const locked of [true, false]) await api.call('PATCH', connector.base + at(identity), { locked });
  }
  assert.deepEqual(
    (await stream.next(2)).map(({ type, data }) => `${type} ${data.identity}`),
    ['locked b', 'unlocked b'],
  );
  stream.close();
});

test('a stream of another connector hears nothing', async () => {
  const [one, other] = [await api.connector(), await api.connector()];
  const stream = await openStream(one);
  await whitelist(other, 'a');
  await whitelist(one, 'b');
  assert.deepEqual(
    (await stream.next(1)).map(({ data }) => data.identity),
    ['b'],
  );
  stream.close();
});

test('a stream shows that it lives, and ends after the session has been signed out', async () => {
  const connector = await api.connector();
  const credentials = { email: 'viewer@localhost', password: PASSWORD };
  const { token } = (await api.call('POST', '/api:1/token/', credentials, { as: 'nobody' })).body;
  const stream = await openStream(connector, '', {}, token);
  while (stream.comments() < 2) await delay(20);
  await api.call('DELETE', '/api:1/token/', undefined, { token });
  await stream.ended;
  assert.equal(stream.frames.at(-1)?.type, 'end');
});

test('a stream ends with its connector', async () => {
  const { id, name, base } = await api.connector();
  const stream = await openStream({ id, name, base });
  await api.call('DELETE', `/api:1/connectors/${id}?confirm=${encodeURIComponent(name)}`);
  await stream.ended;
  const { body } = await api.call('GET', `${base}/events/stream`);
  assert.equal(body.code, 'CONNECTOR_UNKNOWN');
});

test('a client that does not read holds up nobody else', async () => {
  const connector = await api.connector();
  const lazy = await fetch(`${api.url}${connector.base}/events/stream?after=0`, {
    headers: { authorization: `token ${api.tokens.viewer}` },
  });
  const payload = { filler: 'x'.repeat(20_000) };
  const refused = (i: number) => ({ type: 'refused' as const, identity: `r${i}`, origin: null, timestamp: i, payload });
  const eager = await openStream(connector, '?after=0');
  for (let i = 0; i < 400; i += 20) {
    await api.store.log(
      connector.id,
      Array.from({ length: 20 }, (_, k) => refused(i + k)),
    );
  }
  assert.equal((await eager.next(400)).at(-1)?.data.identity, 'r399');
  eager.close();
  await lazy.body!.cancel();
});

test('open streams are counted, and forgotten when they close', async () => {
  const open = async () => Number(/^slipway_event_streams (\d+)$/m.exec((await api.call('GET', '/metrics')).text)?.[1]);
  const connector = await api.connector();
  while ((await open()) > 0) await delay(20);
  const streams = await Promise.all([openStream(connector), openStream(connector)]);
  assert.equal(await open(), 2);
  for (const stream of streams) stream.close();
  while ((await open()) > 0) await delay(20);
});

test('a session has 20 streams at a time; that it was refused more is no fault that the log cries out', async () => {
  const connector = await api.connector();
  const streams = await Promise.all(
    Array.from({ length: 20 }, () => openStream(connector, '', {}, api.tokens.operator)),
  );
  const one = await api.call('GET', `${connector.base}/events/stream`, undefined, { as: 'operator' });
  assert.deepEqual([one.status, one.body.code], [503, 'OVERLOADED']);
  for (const stream of streams) stream.close();
  assert.match(api.logged(), /"level":"debug"[^\n]*OVERLOADED/);
  assert.doesNotMatch(api.logged(), /"level":"error"[^\n]*OVERLOADED/);
});

test('a Last-Event-ID that is none of ours is refused, as is a stream of unknown types', async () => {
  const connector = await api.connector();
  const path = `${connector.base}/events/stream`;
  const bad = await api.call('GET', path, undefined, { headers: { 'last-event-id': 'x' } });
  assert.equal(bad.body.code, 'HEADER_INVALID');
  assert.equal((await api.call('GET', `${path}?types=explosion`)).body.code, 'SCHEMA');
});

/** The events that lines of JSON hold. */
async function linesOf(connector: TestConnector, query = ''): Promise<{ seq: number; identity: string }[]> {
  const answer = await api.call('GET', `${connector.base}/events.ndjson${query}`);
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.headers.get('content-type'), 'application/x-ndjson; charset=utf-8');
  assert.ok(answer.text === '' || answer.text.endsWith('\n'));
  return answer.text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

test('lines of JSON are the log from a point on, oldest first, and end at the newest event', async () => {
  const connector = await api.connector();
  assert.deepEqual(await linesOf(connector), []);
  for (let n = 0; n < 5; n += 1) {
    const events = Array.from({ length: 100 }, (_, i) => `e${n * 100 + i}`).map((identity) => {
      return { type: 'refused' as const, identity, origin: null, timestamp: 1, payload: 'line\nbreak' };
    });
    await api.store.log(connector.id, events);
  }
  const all = await linesOf(connector);
  assert.deepEqual(
    all.map(({ identity }) => identity),
    Array.from({ length: 500 }, (_, n) => `e${n}`),
  );
  const { events } = (await api.call('GET', `${connector.base}/events?limit=500`)).body;
  assert.deepEqual(all, events.reverse());
  assert.deepEqual(await linesOf(connector, `?after=${all[333]!.seq}`), all.slice(334));
  assert.deepEqual(await linesOf(connector, `?types=refused&identity=e7`), [all[7]]);
  assert.deepEqual(await linesOf(connector, `?after=${all.at(-1)!.seq}`), []);
});

test('lines go on with what happens when they are asked to', async () => {
  const connector = await api.connector();
  await whitelist(connector, 'a');
  const abort = new AbortController();
  const response = await fetch(`${api.url}${connector.base}/events.ndjson?follow=true`, {
    headers: { authorization: `token ${api.tokens.viewer}` },
    signal: abort.signal,
  });
  const seen: string[] = [];
  let text = '';
  const reading = (async () => {
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      const lines = text.split('\n');
      text = lines.pop()!;
      seen.push(...lines.map((line) => JSON.parse(line).identity));
      if (seen.length === 1) await whitelist(connector, 'b');
      if (seen.length === 3) break;
      if (seen.length === 2) await whitelist(connector, 'c');
    }
  })();
  await reading;
  abort.abort();
  assert.deepEqual(seen, ['a', 'b', 'c']);
});

test('lines whose session ends in the midst of them break off, and do not end as if they were all', async () => {
  let now = Date.now() * 1000;
  const own = await startApi({ clock: () => now });
  try {
    const { id, base } = await own.connector();
    const payload = 'x'.repeat(400_000);
    for (let n = 0; n < 40; n += 1) {
      await own.store.log(id, [{ type: 'publish', identity: 'd', origin: null, timestamp: now, payload }]);
    }
    const authorization = `token ${own.tokens.viewer}`;
    const asked = get(`${own.url}${base}/events.ndjson`, { agent: false, headers: { authorization } });
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    await once(answer, 'readable');
    now += 13 * 3_600_000_000;
    await assert.rejects(
      async () => {
        for await (const _ of answer);
      },
      { code: 'ECONNRESET' },
    );
  } finally {
    await own.close();
  }
});
