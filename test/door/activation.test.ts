/** device-http.md, POST /provision/activate: the table of what a connector wants, what was sent and what comes back. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openFactory } from '../helpers/authority.ts';
import { newConnector } from '../helpers/connector.ts';
import { send } from '../helpers/device.ts';
import { startServer } from '../helpers/server.ts';

const server = await startServer();
const factory = openFactory();
after(async () => {
  await server.stop();
  factory.remove();
});
const path = '/provision/activate';

for (const { wants, sent, status } of [
  { wants: 'token', sent: 'id=d1', status: 200 },
  { wants: 'token', sent: 'id=d1&password=0123456789abcdefghij', status: 415 },
  { wants: 'password', sent: 'id=d1&password=0123456789abcdefghij', status: 204 },
  { wants: 'password', sent: `id=d1&password=${'p'.repeat(512)}`, status: 204 },
  { wants: 'password', sent: `id=d1&password=${encodeURIComponent('日'.repeat(7))}`, status: 204 }, // 21 bytes
  { wants: 'password', sent: `id=d1&password=${'%20'.repeat(19)}`, status: 415 }, // 19 bytes once decoded
  { wants: 'password', sent: `id=d1&password=${'p'.repeat(513)}`, status: 415 },
  { wants: 'password', sent: 'id=d1&password=0123456789abcdefghi', status: 415 },
  { wants: 'password', sent: 'id=d1&password=', status: 415 },
  { wants: 'password', sent: 'id=d1', status: 415 },
  { wants: 'certificate', sent: 'id=d1', status: 415 },
  { wants: 'certificate', sent: 'id=d1&password=0123456789abcdefghij', status: 415 },
  { wants: 'token', sent: 'id=unknown', status: 404 },
  { wants: 'token', sent: 'password=0123456789abcdefghij', status: 400 },
  { wants: 'token', sent: 'id=', status: 400 },
  { wants: 'token', sent: '', status: 400 },
  { wants: 'token', sent: 'id=d1%', status: 400 },
  { wants: 'token', sent: 'id=%zz', status: 400 },
  { wants: 'token', sent: 'id=%ff', status: 400 },
]) {
  const shown = sent.length > 40 ? `${sent.slice(0, 37)}… (${sent.length})` : sent;
  test(`a connector that wants a ${wants} answers "${shown}" with ${status}`, async () => {
    const connector = await newConnector(server, { provisioning: { auth_type: wants } });
    await connector.whitelist('d1');
    const answer = await connector.send(path, { body: sent });
    assert.equal(answer.status, status, answer.body);
    const known = status < 300 ? 'provisioned' : 'whitelisted';
    assert.equal((await connector.device('d1')).status, known);
    const provisioned = await connector.events('provisioned');
    assert.equal(provisioned.length, status < 300 ? 1 : 0);
  });
}

test('the token is text: 40 lower-case hex digits, of which two devices never get the same', async () => {
  const connector = await newConnector(server);
  await connector.whitelist('d1');
  const answer = await connector.send(path, { body: 'id=d1' });
  assert.match(answer.body, /^[0-9a-f]{40}$/);
  assert.ok(answer.head.includes('Content-Length: 40'), answer.head.join('\n'));
  assert.match(answer.headers['content-type'] ?? '', /^text\/plain/);
  assert.notEqual(await connector.provision('d2'), answer.body);
});

test('the token is in no event, no listing and no line of the log', async () => {
  const connector = await newConnector(server);
  const token = await connector.provision('d1');
  await connector.send('/api:v1/stack/alias?a', { token });
  const events = await connector.api('GET', '/events?limit=100');
  const listing = await connector.api('GET', '/identity/');
  for (const shown of [events.text, listing.text, server.output()]) assert.ok(!shown.includes(token));
});

test('a certificate connector provisions a client certificate whose CN is the id: 204', async () => {
  const connector = await newConnector(server, { provisioning: { auth_type: 'certificate' } });
  await connector.whitelist('d1');
  const certificate = factory.selfSigned('d1');
  const answer = await connector.send(path, { body: 'id=d1', certificate });
  assert.equal(answer.status, 204, answer.body);
  assert.equal((await connector.device('d1')).auth.type, 'certificate');
});

test('a client certificate whose CN is not the id provisions neither: 403', async () => {
  const connector = await newConnector(server, { provisioning: { auth_type: 'certificate' } });
  await connector.whitelist('d1');
  await connector.whitelist('d2');
  const certificate = factory.selfSigned('d2');
  const answer = await connector.send(path, { body: 'id=d1', certificate });
  assert.equal(answer.status, 403, answer.body);
  assert.equal((await connector.device('d1')).status, 'whitelisted');
  assert.equal((await connector.device('d2')).status, 'whitelisted');
});

test('409 for a provisioned identity says so, and leaves its token valid', async () => {
  const connector = await newConnector(server);
  const token = await connector.provision('d1');
  const answer = await connector.send(path, { body: 'id=d1' });
  assert.equal(answer.status, 409);
  assert.match(answer.body, /already provisioned/);
  assert.equal(await connector.write('a=1', { token }), 204);
});

test('409 for an identity whose window has closed says so', async () => {
  const connector = await newConnector(server);
  await connector.whitelist('d1', { auth: { expire: Date.now() * 1000 - 1 } });
  const answer = await connector.send(path, { body: 'id=d1' });
  assert.equal(answer.status, 409);
  assert.match(answer.body, /window/);
});

test('the older form vendor, model and sn provisions the serial number', async () => {
  const connector = await newConnector(server);
  await connector.whitelist('0042');
  const answer = await connector.send(path, { body: 'vendor=acme&model=valve&sn=0042' });
  assert.equal(answer.status, 200, answer.body);
  assert.equal(await connector.write('a=1', { token: answer.body }), 204);
});

test('where the host names no connector, vendor or model names it by id or by name', async () => {
  const connector = await newConnector(server);
  const name = encodeURIComponent(connector.name);
  for (const [identity, vendor, model] of [
    ['d1', connector.id, 'valve'],
    ['d2', 'acme', connector.id],
    ['d3', name, 'valve'],
    ['d4', 'acme', name],
  ] as const) {
    await connector.whitelist(identity);
    const body = `vendor=${vendor}&model=${model}&sn=${identity}`;
    const answer = await send(server, '', path, { host: 'm2.localhost', body });
    assert.equal(answer.status, 200, `${body}: ${answer.body}`);
    assert.equal((await connector.device(identity)).status, 'provisioned');
  }
});

test('where neither host nor vendor nor model names a connector: 404', async () => {
  for (const body of ['vendor=acme&model=valve&sn=d1', 'id=d1']) {
    const answer = await send(server, '', path, { host: 'm2.localhost', body });
    assert.equal(answer.status, 404, body);
  }
});

test('the identity is the decoded one, also with separators and signs', async () => {
  const connector = await newConnector(server);
  for (const identity of ['00:14:22:01:23:45', 'a+b/c#d', 'ä日', 'a=b', 'CC3220-1 x']) {
    const token = await connector.provision(identity);
    assert.equal(await connector.write('a=1', { token }), 204, identity);
    assert.equal((await connector.device(identity)).identity, identity);
  }
});

test('colons that were not encoded are taken as they stand', async () => {
  const connector = await newConnector(server, {
    identity_format: { type: 'mac-colon', prefix: 'CC3220-', options: { casing: 'upper', length: 0 } },
  });
  await connector.whitelist('CC3220-00:14:22:01:23:4F');
  const answer = await connector.send(path, { body: 'id=CC3220-00:14:22:01:23:4F', contentType: null });
  assert.equal(answer.status, 200, answer.body);
});
