/** State and history of a device, and why it was refused. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { DeviceRef } from '../../src/store/store.ts';
import { at, startApi, type TestApi, type TestConnector } from './harness.ts';

const SECOND = 1_000_000;
const START = 1_700_000_000 * SECOND;
const origin = { ip: '10.1.2.3', protocol: 'onep:v1/http', connectionId: 'c1' } as const;

let api: TestApi;
let connector: TestConnector;
let ref: DeviceRef;
before(async () => {
  api = await startApi();
  connector = await api.connector({
    resources: {
      temperature: { format: 'number' },
      target: { format: 'number', settable: true, allowed: ['-40..125'], initial: 20 },
      mode: { settable: true, allowed: ['on', 'off'] },
    },
  });
  await api.call('PUT', `${connector.base}${at('d1')}`, {});
  ref = (await api.store.getDevice(connector.id, 'd1'))!.ref;
});
after(() => api.close());

const call = (method: string, path: string, body?: unknown) => api.call(method, connector.base + path, body);
const report = (timestamp: number, values: Record<string, string>) =>
  api.store.append({ ref, type: 'data_in', origin, timestamp, points: [{ timestamp, values }], undefinedPoints: [] });

test('a resource shows its initial value until another is set', async () => {
  const { created } = (await call('GET', at('d1'))).body;
  const expected = { target: { reported: null, set: '20', timestamp: created } };
  assert.deepEqual((await call('GET', `${at('d1')}/state`)).body, expected);
  assert.deepEqual((await call('GET', at('d1'))).body.state, expected);
});

test('what a device writes is both reported and set; what the cloud sets is only set', async () => {
  await report(START, { temperature: '21.5', target: '22' });
  assert.deepEqual((await call('GET', `${at('d1')}/state`)).body.temperature, {
    reported: '21.5',
    set: '21.5',
    timestamp: START,
  });
  const seq = await api.store.lastSeq();
  const { body } = await call('PATCH', `${at('d1')}/state`, { target: 25.5, mode: 'on' });
  assert.equal(body.target.set, '25.5');
  assert.equal(body.target.reported, '22');
  assert.ok(body.target.timestamp > START);
  assert.equal(body.mode.set, 'on');
  const { events } = await api.store.readEvents(connector.id, { after: seq, limit: 10 });
  assert.deepEqual(
    events.map(({ type, identity, payload }) => ({
      type,
      identity,
      values: (payload as { values: object }[])[0]!.values,
    })),
    [{ type: 'data_out', identity: 'd1', values: { target: '25.5', mode: 'on' } }],
  );
});

for (const [what, body, status, code] of [
  ['an alias that is no resource', { ghost: '1' }, 400, 'NOT_SETTABLE'],
  ['a name that every object has', { toString: '1' }, 400, 'NOT_SETTABLE'],
  ['a resource that is not settable', { temperature: 1 }, 400, 'NOT_SETTABLE'],
  ['a value of another format', { target: 'warm' }, 422, 'VALUE_REFUSED'],
  ['a value that is not allowed', { mode: 'ON' }, 422, 'VALUE_REFUSED'],
  ['an object', { mode: { a: 1 } }, 400, 'SCHEMA'],
  ['an object under a name with a line break', { 'a\nb': { a: 1 } }, 400, 'SCHEMA'],
  ['nothing', {}, 400, 'SCHEMA'],
] as const) {
  test(`setting ${what} is refused, and sets nothing of the rest`, async () => {
    const before = (await call('GET', `${at('d1')}/state`)).body;
    const answer = await call('PATCH', `${at('d1')}/state`, {
      ...(status === 400 && code === 'SCHEMA' ? {} : { target: 30 }),
      ...body,
    });
    assert.equal(answer.status, status, answer.text);
    assert.equal(answer.body.code, code);
    if (code === 'NOT_SETTABLE') assert.match(answer.body.message, /^Value is not settable/);
    assert.deepEqual((await call('GET', `${at('d1')}/state`)).body, before);
  });
}

test('state and history of an unknown identity are 404', async () => {
  for (const path of ['/state', '/history?alias=a', '/tags']) {
    assert.equal((await call('GET', at('nobody') + path)).body.code, 'DEVICE_UNKNOWN', path);
  }
  assert.equal((await call('PATCH', `${at('nobody')}/state`, { a: 1 })).body.code, 'DEVICE_UNKNOWN');
});

test('history is oldest first, from and to inclusive, in pages', async () => {
  for (let i = 1; i <= 5; i++) await report(START + i * 60 * SECOND, { temperature: String(20 + i) });
  const minute = (i: number) => START + i * 60 * SECOND;
  const history = async (query: string) => (await call('GET', `${at('d1')}/history?alias=temperature&${query}`)).body;
  assert.deepEqual(await history(`from=${minute(2)}&to=${minute(4)}`), {
    points: [
      { timestamp: minute(2), value: '22' },
      { timestamp: minute(3), value: '23' },
      { timestamp: minute(4), value: '24' },
    ],
    mayLoadMore: false,
  });
  const page = await history('limit=2');
  assert.deepEqual(page.points, [
    { timestamp: START, value: '21.5' },
    { timestamp: minute(1), value: '21' },
  ]);
  assert.equal(page.mayLoadMore, true);
  assert.equal((await call('GET', `${at('d1')}/history`)).body.details[0].path, 'alias');
});

test('buckets sum up: least, mean, greatest and number', async () => {
  const from = START + 60 * SECOND;
  const query = `alias=temperature&from=${from}&to=${START + 300 * SECOND}&bucket=3600`;
  const { points } = (await call('GET', `${at('d1')}/history?${query}`)).body;
  const total = points.reduce((sum: number, point: { count: number }) => sum + point.count, 0);
  assert.equal(total, 5);
  assert.equal(Math.min(...points.map((point: { min: number }) => point.min)), 21);
  assert.equal(Math.max(...points.map((point: { max: number }) => point.max)), 25);
  assert.deepEqual(Object.keys(points[0]).sort(), ['count', 'max', 'mean', 'min', 'timestamp']);
});

test('explain tells the last twenty refusals, newest first, also of an identity that nobody whitelisted', async () => {
  const refused = (identity: string, i: number) => ({
    type: 'refused' as const,
    identity,
    origin,
    timestamp: START + i,
    payload: { rule: 'IDENTITY_UNKNOWN', seen: identity, wanted: `try ${i}`, message: 'not whitelisted' },
  });
  await api.store.log(
    connector.id,
    Array.from({ length: 25 }, (_, i) => refused('stranger', i)),
  );
  await api.store.log(connector.id, [refused('d1', 99)]);
  const { body } = await call('GET', `${at('stranger')}/explain`);
  assert.deepEqual([body.identity, body.known, body.status], ['stranger', false, null]);
  assert.equal(body.attempts.length, 20);
  assert.deepEqual(body.attempts[0], {
    timestamp: START + 24,
    rule: 'IDENTITY_UNKNOWN',
    seen: 'stranger',
    wanted: 'try 24',
    message: 'not whitelisted',
    ip: '10.1.2.3',
    protocol: 'onep:v1/http',
  });
  const known = (await call('GET', `${at('d1')}/explain`)).body;
  assert.deepEqual([known.known, known.status, known.attempts.length], [true, 'whitelisted', 1]);
});
