/** device-http.md, Long poll: waits for what the cloud sets, and says when it was set. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { newConnector, resource, type TestConnector } from '../helpers/connector.ts';
import { startServer } from '../helpers/server.ts';

const server = await startServer();
after(() => server.stop());
const connector = await newConnector(server, { resources: { a: resource(), b: resource(), c: resource() } });
let devices = 0;

async function newDevice(on: TestConnector = connector) {
  const identity = `d${++devices}`;
  const token = await on.provision(identity);
  const poll = (query: string, timeout: string, headers = {}, signal?: AbortSignal) =>
    on.send(`/api:v1/stack/alias?${query}`, { token, headers: { 'Request-Timeout': timeout, ...headers }, signal });
  const set = async (values: object) => {
    const answer = await on.api('PATCH', `/identity/${identity}/state`, values);
    assert.equal(answer.status, 200, answer.text);
  };
  return { identity, token, poll, set };
}

/** Gives a poll on its way the time to reach the server and wait there. */
const settle = () => delay(300);

test('a long poll waits until the alias is set, and answers with the value and when it was set', async () => {
  const { identity, poll, set } = await newDevice();
  const waiting = poll('a', '30000');
  await settle();
  await set({ a: 'on' });
  const answer = await waiting;
  assert.equal(answer.status, 200, answer.body);
  assert.equal(answer.body, 'a=on');
  const { a } = await connector.state(identity);
  const modified = Number(answer.headers['x-last-modified-us']);
  assert.ok(
    answer.head.some((line) => line === `X-Last-Modified-Us: ${modified}`),
    answer.head.join('\n'),
  );
  assert.equal(modified, a.timestamp);
  assert.equal(answer.headers['last-modified'], new Date(Math.floor(modified / 1e6) * 1000).toUTCString());
});

test('a write of the device itself on another connection answers its long poll', async () => {
  const { token, poll } = await newDevice();
  const waiting = poll('a', '30000');
  await settle();
  await connector.write('a=self', { token });
  assert.equal((await waiting).body, 'a=self');
});

test('a long poll in which nothing happens: 304 when its time is over', async () => {
  const { poll, set } = await newDevice();
  assert.equal((await poll('a', '200')).status, 304);
  await set({ a: 'old' });
  assert.equal((await poll('a', '200')).status, 304, 'the default of If-Modified-Since is now');
});

test('a change of another alias, or of another device, answers nobody', async () => {
  const { poll, set } = await newDevice();
  const other = await newDevice();
  const waiting = poll('a', '1200');
  await settle();
  await set({ b: '1' });
  await other.set({ a: '1' });
  assert.equal((await waiting).status, 304);
});

test('a setting of the same value again is a change', async () => {
  const { poll, set } = await newDevice();
  await set({ a: 'on' });
  const waiting = poll('a', '30000');
  await settle();
  await set({ a: 'on' });
  assert.equal((await waiting).body, 'a=on');
});

test('If-Modified-Since before the last change answers at once, as seconds, with fractions, and as HTTP-date', async () => {
  const { identity, poll, set } = await newDevice();
  await set({ a: 'on' });
  const seconds = (await connector.state(identity)).a.timestamp / 1e6;
  for (const since of [
    String(Math.floor(seconds) - 1),
    (seconds - 0.001).toFixed(6),
    new Date((Math.floor(seconds) - 1) * 1000).toUTCString(),
    '0',
  ]) {
    const answer = await poll('a', '30000', { 'If-Modified-Since': since });
    assert.equal(answer.status, 200, since);
    assert.equal(answer.body, 'a=on');
  }
});

test('If-Modified-Since at the last change waits: no change is told twice', async () => {
  const { poll, set } = await newDevice();
  await set({ a: '1' });
  const first = await poll('a', '30000', { 'If-Modified-Since': '0' });
  const modified = Number(first.headers['x-last-modified-us']);
  const since = `${Math.floor(modified / 1e6)}.${String(modified % 1e6).padStart(6, '0')}`;
  assert.equal((await poll('a', '200', { 'If-Modified-Since': since })).status, 304);
  const waiting = poll('a', '30000', { 'If-Modified-Since': since });
  await settle();
  await set({ a: '2' });
  assert.equal((await waiting).body, 'a=2');
});

test('the Last-Modified of an answer, sent back as it is, waits: its second is told once, and what is set later at all', async () => {
  const { poll, set } = await newDevice();
  await set({ a: '1' });
  const first = await poll('a', '30000', { 'If-Modified-Since': '0' });
  const again = () => poll('a', '200', { 'If-Modified-Since': first.headers['last-modified']! });
  assert.equal((await again()).status, 304);
  await set({ a: '2' });
  assert.equal((await again()).body, 'a=2', 'a change within the same second');
});

test('If-Modified-Since before a change that came between two polls: the change is not lost', async () => {
  const { poll, set } = await newDevice();
  await set({ a: '1' });
  const first = await poll('a', '30000', { 'If-Modified-Since': '0' });
  const since = (Number(first.headers['x-last-modified-us']) / 1e6).toFixed(6);
  await set({ a: '2' });
  assert.equal((await poll('a', '30000', { 'If-Modified-Since': since })).body, 'a=2');
});

test('with several aliases the first change answers, with the alias that changed', async () => {
  const { poll, set } = await newDevice();
  await set({ a: 'old', b: 'old', c: 'old' });
  const waiting = poll('a&b&c', '30000');
  await settle();
  await set({ b: 'new' });
  const answer = await waiting;
  assert.equal(answer.status, 200);
  assert.equal(answer.body, 'b=new');
});

test('Request-Timeout: 15000000, as firmware in the field sends it, is taken', async () => {
  const { poll, set } = await newDevice();
  const waiting = poll('a', '15000000');
  await settle();
  await set({ a: 'on' });
  assert.equal((await waiting).body, 'a=on');
});

test('Request-Timeout and If-Modified-Since that are no such thing: 400', async () => {
  const { poll } = await newDevice();
  assert.equal((await poll('a', 'soon')).status, 400);
  assert.equal((await poll('a', '-1')).status, 400);
  assert.equal((await poll('a', '200', { 'If-Modified-Since': 'lately' })).status, 400);
});

test('two devices and two polls of one device wait at the same time', async () => {
  const one = await newDevice();
  const two = await newDevice();
  const waiting = [one.poll('a', '30000'), one.poll('a', '30000'), two.poll('a', '30000')];
  await settle();
  await two.set({ a: 'two' });
  await one.set({ a: 'one' });
  assert.deepEqual(
    (await Promise.all(waiting)).map((answer) => answer.body),
    ['a=one', 'a=one', 'a=two'],
  );
});

test('a dropped connection ends its wait', async () => {
  const { poll, set } = await newDevice();
  const before = await waits();
  const abort = new AbortController();
  const dropped = Array.from({ length: 20 }, () => poll('a', '300000', {}, abort.signal));
  const ended = Promise.allSettled(dropped);
  await settle();
  assert.equal(await waits(), before + 20);
  abort.abort();
  await ended;
  await settle();
  assert.equal(await waits(), before);
  await set({ a: 'on' });
  assert.equal((await poll('a', '30000', { 'If-Modified-Since': '0' })).body, 'a=on');
});

/** How many long polls wait, as `/metrics` says. */
async function waits(): Promise<number> {
  const { text } = await server.api('GET', '/metrics');
  const line = /^slipway_long_polls(?:\{[^}]*\})? (\d+)$/m.exec(text);
  assert.ok(line !== null, `/metrics tells no slipway_long_polls:\n${text}`);
  return Number(line[1]);
}

for (const [what, status, cut] of [
  ['Locking', 403, (identity: string) => connector.change(identity, { locked: true })],
  ['Revoking', 401, (identity: string) => connector.change(identity, { auth: { expire: 0 } })],
  ['Deleting', 401, (identity: string) => connector.api('DELETE', `/identity/${identity}`)],
] as const) {
  test(`${what} ends a waiting long poll with ${status}`, async () => {
    const { identity, poll } = await newDevice();
    const waiting = poll('a', '60000');
    await settle();
    await cut(identity);
    const ended = await Promise.race([waiting, delay(3000, null)]);
    assert.equal(ended?.status, status, 'the long poll still waits');
  });
}
