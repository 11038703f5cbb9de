/** Figures: how a connector stands, and what happened in it over time. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { DeviceRef } from '../../src/store/store.ts';
import { at, startApi, type TestApi, type TestConnector } from './harness.ts';

const SECOND = 1_000_000;
const MINUTE = 60 * SECOND;
const DAY = 86_400 * SECOND;
/** The clock of the server stands here: a full hour. */
const NOW = 1_800_000_000 * SECOND;
const origin = { ip: '10.1.2.3', protocol: 'onep:v1/http', connectionId: 'c1' } as const;

let api: TestApi;
before(async () => {
  api = await startApi({ clock: () => NOW });
});
after(() => api.close());

const over = (connector: TestConnector, query = '') => api.call('GET', `${connector.base}/figures${query}`);
const now = (connector: TestConnector) => api.call('GET', `/api:1/connectors/${connector.id}/figures`);
const sum = (column: readonly number[]) => column.reduce((all, n) => all + n, 0);

async function device(connector: TestConnector, identity: string, body: object = {}): Promise<DeviceRef> {
  const { status, text } = await api.call('PUT', connector.base + at(identity), body);
  assert.equal(status, 201, text);
  return (await api.store.getDevice(connector.id, identity))!.ref;
}
const write = (ref: DeviceRef, timestamp: number) =>
  api.store.append({
    ref,
    type: 'data_in',
    origin,
    timestamp,
    points: [{ timestamp, values: { a: '1' } }],
    undefinedPoints: [],
  });
const refuse = (connector: TestConnector, rule: string, timestamp: number) =>
  api.store.log(connector.id, [{ type: 'refused', identity: 'x', origin, timestamp, payload: { rule } }]);

test('the columns have an entry for each bucket, and say what happened in it', async () => {
  const connector = await api.connector();
  const ref = await device(connector, 'd1');
  await write(ref, NOW - 10 * MINUTE);
  await write(ref, NOW - 5 * MINUTE);
  await write(ref, NOW - 4 * MINUTE);
  await refuse(connector, 'WINDOW_CLOSED', NOW - 4 * MINUTE);
  await refuse(connector, 'IDENTITY_UNKNOWN', NOW);
  await api.store.sampleOnline(NOW - 5 * MINUTE);
  const { status, body } = await over(connector, `?from=${NOW - 10 * MINUTE}&to=${NOW}&bucket=300`);
  assert.equal(status, 200);
  assert.deepEqual(body, {
    bucket: 300,
    times: [NOW - 10 * MINUTE, NOW - 5 * MINUTE, NOW],
    writes: [1, 2, 0],
    provisioned: [0, 0, 0],
    online: [null, 1, null],
    refused: { IDENTITY_UNKNOWN: [0, 0, 1], WINDOW_CLOSED: [0, 1, 0] },
  });
});

test('unless told otherwise it is the last 24 hours, in at most 500 buckets', async () => {
  const connector = await api.connector();
  const ref = await device(connector, 'd1');
  for (const ago of [0, DAY, DAY + 1]) await write(ref, NOW - ago);
  const { body } = await over(connector);
  assert.equal(body.bucket, 300);
  assert.equal(body.times.length, 289);
  assert.equal(body.times[0], NOW - DAY);
  assert.equal(body.times.at(-1), NOW);
  assert.equal(sum(body.writes), 2);
  const earlier = (await over(connector, `?to=${NOW - DAY}`)).body;
  assert.deepEqual([earlier.times[0], earlier.times.at(-1)], [NOW - 2 * DAY, NOW - DAY]);
  assert.equal(sum(earlier.writes), 2);
});

test('the width of a bucket follows the time asked for, up to all the time there is', async () => {
  const connector = await api.connector();
  const ref = await device(connector, 'd1');
  await write(ref, NOW);
  for (const span of [0, 1, 60, 8 * 60, 24 * 60, 7 * 1440, 31 * 1440, 365 * 1440, 3 * 365 * 1440]) {
    for (const from of [NOW - span * MINUTE, NOW - span * MINUTE - 1]) {
      const { body } = await over(connector, `?from=${from}`);
      const width = body.bucket * SECOND;
      assert.ok(body.times.length <= 500 && body.bucket % 60 === 0, `${span} minutes: ${body.bucket}`);
      assert.ok(body.times[0] <= from && body.times[0] > from - width);
      for (const [at, time] of body.times.entries()) assert.equal(time, body.times[0] + at * width);
      assert.equal(sum(body.writes), 1);
    }
  }
  for (const query of ['?from=0', `?from=0&to=${Number.MAX_SAFE_INTEGER}`]) {
    const { body } = await over(connector, query);
    assert.ok(body.times.length > 250 && body.times.length <= 500);
    assert.equal(body.bucket % 86_400, 0);
    assert.equal(sum(body.writes), 1);
  }
});

test('2,000 buckets are given, more are refused with the width that would do', async () => {
  const connector = await api.connector();
  const given = await over(connector, `?from=${NOW - 1999 * MINUTE}&bucket=60`);
  assert.equal(given.body.times.length, 2000);
  const { body } = await over(connector, `?from=${NOW - 2000 * MINUTE}&bucket=60`);
  assert.equal(body.code, 'SCHEMA');
  assert.deepEqual(body.details, [
    { path: 'bucket', seen: '60, which makes 2001 buckets', expected: 'at least 120, for at most 2000 buckets' },
  ]);
  const wide = await over(connector, `?from=${NOW - 2000 * MINUTE}&bucket=120`);
  assert.equal(wide.body.times.length, 1001);
});

for (const [query, path] of [
  ['?bucket=90', 'bucket'],
  ['?bucket=0', 'bucket'],
  ['?bucket=1e9', 'bucket'],
  ['?from=1800000000', 'from'],
  ['?to=1800000000000', 'to'],
  [`?from=${NOW + 1}`, 'from'],
  [`?from=${NOW}&to=${NOW - 1}`, 'from'],
  ['?until=1', 'until'],
] as const) {
  test(`${query} is refused by name`, async () => {
    const { body } = await over(await api.connector(), query);
    assert.equal(body.code, 'SCHEMA');
    assert.equal(body.details[0].path, path);
  });
}

test('a connector says how many devices of each status it has, how many are online, and when it last heard of one', async () => {
  const connector = await api.connector();
  const nothing = { total: 0, whitelisted: 0, provisioned: 0, expired: 0, locked: 0, reprovision: 0 };
  assert.deepEqual((await now(connector)).body, { devices: nothing, online: 0, last_activity: null });

  const key = (n: number) => ({ auth: { key: String(n).padStart(40, '0') } });
  await device(connector, 'whitelisted');
  await device(connector, 'expired', { auth: { expire: NOW } });
  await device(connector, 'locked', { locked: true });
  const refs = [await device(connector, 'p1', key(1)), await device(connector, 'p2', key(2))];
  await device(connector, 'again', key(3));
  await api.call('PATCH', connector.base + at('again'), { reprovision: true });
  const devices = { total: 6, whitelisted: 1, provisioned: 2, expired: 1, locked: 1, reprovision: 1 };
  assert.deepEqual((await now(connector)).body, { devices, online: 0, last_activity: NOW });

  await write(refs[0]!, NOW - 4 * MINUTE);
  await write(refs[1]!, NOW + 7);
  const { status, body } = await now(connector);
  assert.equal(status, 200);
  assert.deepEqual(body, { devices, online: 2, last_activity: NOW + 7 });
});

test('what time alone has expired is counted as expired', async () => {
  let clock = NOW;
  const later = await startApi({ clock: () => clock });
  try {
    const { id, base } = await later.connector();
    for (const [n, identity] of ['a', 'b', 'c'].entries()) {
      await later.call('PUT', base + at(identity), { auth: { expire: NOW + n * MINUTE + 1 } });
    }
    clock = NOW + 2 * MINUTE;
    const { body } = await later.call('GET', `/api:1/connectors/${id}/figures`);
    assert.deepEqual([body.devices.total, body.devices.whitelisted, body.devices.expired], [3, 1, 2]);
  } finally {
    await later.close();
  }
});

test('a connector that is not there, or not any more, has no figures', async () => {
  const connector = await api.connector();
  const { id, name } = connector;
  await api.call('DELETE', `/api:1/connectors/${id}?confirm=${encodeURIComponent(name)}`);
  for (const answer of [await over(connector), await now(connector)])
    assert.equal(answer.body.code, 'CONNECTOR_UNKNOWN');
});
