/** The tutorial with password authentication, each command as written there. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { newConnector, resource } from '../helpers/connector.ts';
import { curl, runCurl } from '../helpers/curl.ts';
import { startServer } from '../helpers/server.ts';
import { tutorialSettings } from './settings.ts';

const server = await startServer();
after(() => server.stop());
const { provisioning, ...rest } = tutorialSettings;
const connector = await newConnector(server, {
  ...rest,
  provisioning: { ...provisioning, auth_type: 'password' },
  resources: { myalias: resource() },
});
const url = server.url(connector.id);
const form = ['-H', 'Content-Type: application/x-www-form-urlencoded; charset=utf-8'];
const activation = (body: string) => ['-X', 'POST', `${url}/provision/activate`, ...form, '-d', body];
const identity = '00000001';
const password = '0123456789abcdefghij';
await connector.whitelist(identity);

test('No password, or one under 20 bytes: HTTP/1.1 415 Unsupported Media Type', async () => {
  for (const body of [`id=${identity}`, `id=${identity}&password=`, `id=${identity}&password=${password.slice(1)}`]) {
    const { line } = await curl(server, activation(body));
    assert.equal(line, 'HTTP/1.1 415 Unsupported Media Type', body);
  }
  assert.equal((await connector.device(identity)).status, 'whitelisted');
});

test('Password Authentication: HTTP/1.1 204 No Content', async () => {
  const { line } = await curl(server, activation(`id=${identity}&password=${password}`));
  assert.equal(line, 'HTTP/1.1 204 No Content');
  assert.equal((await connector.device(identity)).status, 'provisioned');
});

test('A write with the base64-encoding of identity:password: HTTP/1.1 204 No Content', async () => {
  const credentials = Buffer.from(`${identity}:${password}`).toString('base64');
  const { stdout } = await runCurl(server, [
    ...['-i', '-X', 'POST', `${url}/api:v1/stack/alias`, '-H', `Authorization: Basic ${credentials}`],
    ...[...form, '-d', 'myalias=50'],
  ]);
  assert.match(stdout.toString('latin1'), /^HTTP\/1\.1 204 No Content\r\n/);
  assert.equal((await connector.state(identity)).myalias.reported, '50');
});

test('A wrong password: 401, and nothing is written', async () => {
  const credentials = Buffer.from(`${identity}:${password}x`).toString('base64');
  const { status } = await curl(server, [
    ...['-X', 'POST', `${url}/api:v1/stack/alias`, '-H', `Authorization: Basic ${credentials}`, '-d', 'myalias=51'],
  ]);
  assert.equal(status, 401);
  assert.equal((await connector.state(identity)).myalias.reported, '50');
});

test('The password is in no event, no listing and no line of the log', async () => {
  const { text } = await connector.api('GET', '/events?limit=100');
  const listing = await connector.api('GET', '/identity/');
  for (const shown of [text, listing.text, server.output()]) assert.ok(!shown.includes(password));
});
