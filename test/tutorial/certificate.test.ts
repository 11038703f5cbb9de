/** The tutorial with a TLS client certificate, each command as written there. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openFactory } from '../helpers/authority.ts';
import { newConnector, resource } from '../helpers/connector.ts';
import { curl, runCurl } from '../helpers/curl.ts';
import { startServer } from '../helpers/server.ts';
import { tutorialSettings } from './settings.ts';

const server = await startServer();
const factory = openFactory();
after(async () => {
  await server.stop();
  factory.remove();
});
const connector = await newConnector(server, { ...tutorialSettings, resources: { myalias: resource() } });
const url = server.url(connector.id);
const earlier = await connector.provision('00000001');
await connector.whitelist('00000002');
const { certPath, keyPath } = factory.tutorial('00000002');
const write = [`${url}/api:v1/stack/alias`, '-d', 'myalias=55', '--cert', certPath, '--key', keyPath];

test('Switching to TLS Client Certificate leaves the devices that have a token as they are', async () => {
  await connector.set({ provisioning: { auth_type: 'certificate' } });
  assert.equal(await connector.write('myalias=1', { token: earlier }), 204);
  const device = await connector.device('00000001');
  assert.equal(device.auth.type, 'token');
  assert.equal(device.status, 'provisioned');
});

test('Where a certificate is expected, an activation without one is a 415', async () => {
  for (const body of ['id=00000002', 'id=00000002&password=0123456789abcdefghij']) {
    const { line } = await curl(server, ['-X', 'POST', `${url}/provision/activate`, '-d', body]);
    assert.equal(line, 'HTTP/1.1 415 Unsupported Media Type', body);
  }
});

test('curl https://<CONNECTOR-DOMAIN>/timestamp gives the seconds since the epoch', async () => {
  const before = Math.floor(Date.now() / 1000);
  const { stdout } = await runCurl(server, [`${url}/timestamp`]);
  const text = stdout.toString('latin1');
  assert.match(text, /^\d{10}$/);
  assert.ok(Number(text) >= before && Number(text) <= Date.now() / 1000 + 1, text);
});

test('The first write with the certificate provisions and writes; curl verifies the server and sees HTTP/1.1 204', async () => {
  const { stderr } = await runCurl(server, ['-v', ...write]);
  assert.match(stderr, /SSL certificate verif(y ok|ied)/);
  assert.match(stderr, /Request CERT \(13\)/);
  assert.match(stderr, /server accepted (to use )?http\/1\.1/i);
  assert.match(stderr, /subject: .*CN=\*\.m2\.localhost/);
  assert.match(stderr, new RegExp(`host "${connector.fqdn}" matched cert's "\\*\\.m2\\.localhost"`));
  assert.match(stderr, /^< HTTP\/1\.1 204 No Content\r?$/m);
  assert.match(stderr, /^< Date: .+ GMT\r?$/m);
  assert.match(stderr, /^< Server: Slipway\r?$/m);
});

test('The log shows two events for it: provisioned, then the write', async () => {
  const events = (await connector.events()).filter((event) => event.identity === '00000002');
  assert.deepEqual(
    events.map((event) => event.type).filter((type) => type === 'provisioned' || type === 'data_in'),
    ['provisioned', 'data_in'],
  );
  assert.equal((await connector.state('00000002')).myalias.reported, '55');
  assert.equal((await connector.device('00000002')).auth.type, 'certificate');
});

test('The second write only writes', async () => {
  assert.equal((await curl(server, write)).status, 204);
  const types = (await connector.events('provisioned,data_in'))
    .filter((event) => event.identity === '00000002')
    .map((event) => event.type);
  assert.deepEqual(types, ['provisioned', 'data_in', 'data_in']);
});

test('The server certificate is not accepted without the CA, nor for another name', async () => {
  await assert.rejects(runCurl(server, ['--cacert', certPath, `${url}/timestamp`]), /curl ended with 60/);
  const other = `https://other.example:${server.https}/timestamp`;
  await assert.rejects(runCurl(server, ['--connect-to', '::127.0.0.1:', other]), /curl ended with (60|35)/);
});
