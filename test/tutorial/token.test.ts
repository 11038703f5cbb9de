/** The tutorial with token authentication, from an empty connector to the first value, each command as written there. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { newConnector, resource } from '../helpers/connector.ts';
import { curl, runCurl } from '../helpers/curl.ts';
import { startServer } from '../helpers/server.ts';
import { identitiesCsv, tutorialSettings } from './settings.ts';

const server = await startServer();
after(() => server.stop());
const connector = await newConnector(server);
const url = server.url(connector.id);
const form = ['-H', 'Content-Type: application/x-www-form-urlencoded; charset=utf-8'];
let token = '';

/** The tutorial's activation command; it has no `-i`, so all that it prints is the body. */
const activation = (identity: string) => ['-X', 'POST', `${url}/provision/activate`, ...form, '-d', `id=${identity}`];
const write = (value: string) => [
  ...['-X', 'POST', `${url}/api:v1/stack/alias`, '-H', `Authorization: Token ${token}`],
  ...[...form, '-d', `myalias=${value}`],
];

test('Configure Device Identity Format: Base 10 of length 8, kept and shown', async () => {
  await connector.set(tutorialSettings);
  const { body } = await connector.api('GET', '');
  assert.equal(body.identity_format.type, 'base10');
  assert.equal(body.identity_format.options.length, 8);
  assert.equal(body.provisioning.presenter_identity, false);
  assert.equal(body.fqdn, connector.fqdn);
});

test('Whitelist One Device: 00000001 with 48 hours is listed as whitelisted', async () => {
  const expire = (Date.now() + 48 * 3_600_000) * 1000;
  await connector.whitelist('00000001', { auth: { expire } });
  const device = await connector.device('00000001');
  assert.equal(device.status, 'whitelisted');
  assert.equal(device.auth.expire, expire);
  const { body } = await connector.api('GET', '/identity/');
  assert.deepEqual(
    body.devices.map((listed: { identity: string }) => listed.identity),
    ['00000001'],
  );
});

test('Whitelist One Device: an identity that does not fit the format is refused', async () => {
  const answer = await connector.api('PUT', '/identity/1234567', {});
  assert.equal(answer.status, 400, answer.text);
});

test('Whitelist Devices In Bulk: the printed identities.csv adds the other four with their tags', async () => {
  const upload = new FormData();
  upload.set('identities', new File([identitiesCsv], 'identities.csv', { type: 'text/csv' }));
  const answer = await connector.api('POST', '/identities', upload);
  assert.ok(answer.status >= 200 && answer.status < 300, `${answer.status} ${answer.text}`);
  const { body } = await connector.api('GET', '/identity/?sort=identity');
  assert.deepEqual(
    body.devices.map((device: { identity: string }) => device.identity),
    ['00000001', '00000002', '00000003', '00000004', '00000005'],
  );
  const device = await connector.device('00000005');
  assert.deepEqual(device.tags, { group: ['g3'], claim_code: ['def'] });
  assert.equal(device.status, 'whitelisted');
});

test('Token Authentication: the body of the answer is the 40-character token and nothing else', async () => {
  const { stdout } = await runCurl(server, activation('00000001'));
  assert.match(stdout.toString('latin1'), /^[0-9a-f]{40}$/);
  token = stdout.toString('latin1');
});

test('Confirm that the device is displayed as provisioned, and that the log has the event', async () => {
  assert.equal((await connector.device('00000001')).status, 'provisioned');
  const events = await connector.events('provisioned');
  assert.deepEqual(
    events.map((event) => event.identity),
    ['00000001'],
  );
});

test('Perform a device-write: HTTP/1.1 204 No Content', async () => {
  const { stdout } = await runCurl(server, ['-i', ...write('50')]);
  assert.match(stdout.toString('latin1'), /^HTTP\/1\.1 204 No Content\r\n/);
});

test('Verify the write was logged: the undefined myalias shows in the log, not in the state', async () => {
  const [event] = await connector.events('data_in');
  assert.ok(event !== undefined, 'no data_in event');
  assert.equal(event.identity, '00000001');
  assert.deepEqual(event.payload[0].values, { myalias: '50' });
  assert.deepEqual(event.payload[0].undefined, ['myalias']);
  assert.equal((await connector.state('00000001')).myalias, undefined);
});

test('Once myalias is defined in Resources, a write appears in it', async () => {
  await connector.set({ resources: { myalias: resource({ settable: false }) } });
  const { status } = await curl(server, write('51'));
  assert.equal(status, 204);
  const { myalias } = await connector.state('00000001');
  assert.equal(myalias.reported, '51');
  assert.equal(myalias.set, '51');
  const last = (await connector.events('data_in')).at(-1);
  assert.equal(last?.payload[0].undefined, undefined);
});

test('A second activation is a 409 that says why, and the token goes on', async () => {
  const again = await curl(server, activation('00000001'));
  assert.equal(again.status, 409);
  assert.match(again.body, /already provisioned/);
  assert.equal((await curl(server, write('52'))).status, 204);
});

test('A password sent where a token is expected: 415', async () => {
  const { status, line } = await curl(server, [
    ...activation('00000003').slice(0, -1),
    'id=00000003&password=abcdefghijklmnopqrstuv',
  ]);
  assert.equal(status, 415);
  assert.equal(line, 'HTTP/1.1 415 Unsupported Media Type');
});

test('An identity that was not whitelisted: 404', async () => {
  assert.equal((await curl(server, activation('00000009'))).status, 404);
});
