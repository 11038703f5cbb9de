/** `/metrics` of a server that works: what is counted, who may read it, and that no stranger can make it grow. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { eventually, newConnector, resource } from '../helpers/connector.ts';
import { byToken, openMqtts } from '../helpers/mqtt.ts';
import { scrape } from '../helpers/scrape.ts';
import { startServer } from '../helpers/server.ts';

const server = await startServer();
after(() => server.stop());
const connector = await newConnector(server, { resources: { n: resource({ format: 'number' }) } });

test('a write is counted by door, method, route and code, and so is the commit that holds it', async () => {
  const token = await connector.provision('counted');
  const before = await scrape(server);
  for (const value of ['n=1', 'n=2', 'n=x']) await connector.write(value, { token });
  const now = await scrape(server);
  const write = { door: 'https', method: 'POST', route: '/stack/alias' };
  assert.equal(now.sum('slipway_requests_total', { ...write, code: '204' }), 2);
  assert.equal(now.sum('slipway_requests_total', { ...write, code: '422' }), 1);
  assert.equal(now.value('slipway_refusals_total', { door: 'https', reason: 'VALUE_REFUSED' }), 1);
  const grown = (name: string) => now.value(name) - before.value(name);
  assert.ok(grown('slipway_store_commit_writes_sum') >= 2);
  assert.ok(grown('slipway_store_commit_duration_seconds_count') >= 1);
  assert.ok(grown('slipway_store_commit_duration_seconds_sum') > 0);
  assert.ok(grown('slipway_log_events_total') >= 3);
});

test('devices are counted as they are provisioned, by what they got; refusals by their reason', async () => {
  const provisioned = async () => (await scrape(server)).value('slipway_devices_provisioned_total', { auth: 'token' });
  const unknown = async () =>
    (await scrape(server)).value('slipway_refusals_total', { door: 'https', reason: 'IDENTITY_UNKNOWN' });
  const before = [await provisioned(), await unknown()];
  await connector.provision('one more');
  assert.equal((await connector.send('/provision/activate', { body: 'id=nobody' })).status, 404);
  assert.deepEqual([await provisioned(), await unknown()], [before[0]! + 1, before[1]! + 1]);
});

test('over MQTT: CONNECT and PUBLISH by topic, with reason codes; connections while they are open', async () => {
  const token = await connector.provision('m');
  const client = await openMqtts(connector, 5);
  await client.connect(byToken(token));
  const publish = (messageId: number, topic: string, payload: string) =>
    client.send({ cmd: 'publish', topic, payload, messageId, qos: 1, dup: false, retain: false });
  await publish(1, '$resource/n', '1');
  await publish(2, '$resource/n', 'x');
  assert.deepEqual([(await client.next()).reasonCode ?? 0, (await client.next()).reasonCode], [0, 0x99]);
  const now = await scrape(server);
  const counted = (method: string, route: string, code: string) =>
    now.sum('slipway_requests_total', { door: 'mqtt', method, route, code });
  assert.equal(counted('CONNECT', 'none', '0x00'), 1);
  assert.equal(counted('PUBLISH', '$resource/{alias}', '0x00'), 1);
  assert.equal(counted('PUBLISH', '$resource/{alias}', '0x99'), 1);
  assert.equal(now.value('slipway_refusals_total', { door: 'mqtt', reason: 'VALUE_REFUSED' }), 1);
  assert.equal(now.value('slipway_connections', { door: 'mqtt' }), 1);
  client.destroy();
  await eventually('the connection is gone', async () => {
    return (await scrape(server)).value('slipway_connections', { door: 'mqtt' }) === 0;
  });
  const stranger = await openMqtts(connector, 4);
  await stranger.connect(byToken('0'.repeat(40)));
  assert.equal((await scrape(server)).sum('slipway_requests_total', { door: 'mqtt', code: '0x86' }), 1);
  stranger.destroy();
});

test('the certificates, the database, the queues and the event loop', async () => {
  const now = await scrape(server);
  const days = (certificate: string) =>
    (now.value('slipway_certificate_expiry_timestamp_seconds', { certificate }) - Date.now() / 1000) / 86_400;
  assert.equal(Math.round(days('server')), 396);
  assert.equal(Math.round(days('ca')), 3649);
  assert.ok(now.value('slipway_store_database_bytes') >= 4096);
  assert.ok(now.value('slipway_store_wal_bytes') > 0);
  for (const queue of ['writes', 'questions', 'passwords']) now.value('slipway_queue_length', { queue });
  for (const percentile of ['50', '90', '99', '100']) {
    const delay = now.value('slipway_event_loop_delay_seconds', { percentile });
    assert.ok(delay >= 0 && delay < 60, `${percentile}: ${delay}`);
  }
  assert.ok(now.value('slipway_event_loop_active_seconds_total') > 0);
});

test('names are as Prometheus wants them: counters end in _total, others do not; base units', async () => {
  const { kinds } = await scrape(server);
  for (const [name, kind] of kinds) {
    assert.match(name, /^(slipway|process)_[a-z_]+$/);
    assert.equal(name.endsWith('_total'), kind === 'counter', name);
    assert.doesNotMatch(name, /_(ms|us|milliseconds|minutes|days|kilobytes|kib|mb|percent)(_|$)/);
  }
});

test('whatever strangers send, it is counted under names that were there before', async () => {
  const shake = async (mark: string) => {
    for (const path of [`/${mark}`, `/stack/alias/${mark}/x`, `/api:v1/stack/${mark}`]) await connector.send(path);
    for (const method of ['PUT', mark.toUpperCase()]) await connector.send('/stack/alias', { method, plain: true });
    await connector.send('/provision/activate', { body: `id=${mark}` });
    await connector.send('/timestamp', { host: `${mark}.m2.localhost` });
    await connector.send('/stack/alias?a', { token: mark.padEnd(40, '0') });
    await server.api('GET', `/${mark}`);
    await server.api('GET', `/api:1/service/${mark}/device2/identity/${mark}`);
    await server.api('POST', '/api:1/token/', { email: mark, password: mark });
    const client = await openMqtts(connector, 4);
    await client.connect({ clientId: mark, username: mark, password: Buffer.from(mark) });
    client.destroy();
  };
  await shake('aaa');
  const names = async () =>
    new Set((await scrape(server)).samples.map(({ name, labels }) => name + JSON.stringify(labels)));
  const before = await names();
  for (const mark of ['bbb', 'ccc', 'ddd']) await shake(mark);
  assert.deepEqual(await names(), before);
  assert.ok(before.size < 500, `${before.size} series`);
});

test('who is not on this machine, or comes through a proxy, has to be signed in', async () => {
  const read = async (headers: Record<string, string>) =>
    (await fetch(`http://127.0.0.1:${server.console}/metrics`, { headers })).status;
  assert.equal(await read({}), 200);
  for (const name of ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'])
    assert.equal(await read({ [name]: 'x' }), 401);
  const authorization = `Bearer ${await server.adminToken()}`;
  assert.equal(await read({ 'x-forwarded-for': '10.0.0.1', authorization }), 200);
});

test('SLIPWAY_METRICS_ALLOW says from where it is read without that; empty: from nowhere', async () => {
  for (const [allowed, status] of [
    ['', 401],
    ['10.0.0.0/8, 127.0.0.1', 200],
  ] as const) {
    const other = await startServer({ env: { SLIPWAY_METRICS_ALLOW: allowed } });
    try {
      const { status: given } = await fetch(`http://127.0.0.1:${other.console}/metrics`);
      assert.equal(given, status, allowed);
      assert.equal((await other.api('GET', '/metrics')).status, 200);
    } finally {
      await other.stop();
    }
  }
  await assert.rejects(startServer({ env: { SLIPWAY_METRICS_ALLOW: 'everywhere' } }), /SLIPWAY_METRICS_ALLOW/);
});
