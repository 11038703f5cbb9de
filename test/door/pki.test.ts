/** provisioning.md, PKI: device certificates that must chain to the operator's CA, with intermediates, dates and CRLs. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openFactory } from '../helpers/authority.ts';
import { newConnector, resource } from '../helpers/connector.ts';
import { curl } from '../helpers/curl.ts';
import { openTls } from '../helpers/raw.ts';
import { startServer } from '../helpers/server.ts';

const server = await startServer();
const factory = openFactory();
after(async () => {
  await server.stop();
  factory.remove();
});
const ca = factory.authority('Factory root');
const foreign = factory.authority('Factory root');
const hour = 3_600_000;
let devices = 0;

/** A connector with PKI on, and a whitelisted identity of its own. */
async function newScene(pki: object = {}, provisioning: object = {}) {
  const identity = `pki-${++devices}`;
  const connector = await newConnector(server, {
    provisioning: { auth_type: 'certificate', ...provisioning },
    pki: { enabled: true, client_ca: [ca.cert], ...pki },
    resources: { a: resource() },
  });
  if (!('presenter_identity' in provisioning)) await connector.whitelist(identity);
  return { connector, identity };
}

test('a certificate of the CA provisions and writes', async () => {
  const { connector, identity } = await newScene();
  const certificate = ca.issue(identity);
  assert.equal(await connector.write('a=1', { certificate }), 204);
  assert.equal((await connector.device(identity)).status, 'provisioned');
});

test('a certificate of an intermediate that the device sends along is accepted, by curl too', async () => {
  const { connector, identity } = await newScene();
  const middle = ca.intermediate('Line 3');
  const leaf = middle.issue(identity);
  const certificate = { cert: leaf.cert + middle.cert, key: leaf.key };
  assert.equal(await connector.write('a=1', { certificate }), 204);
  await writeChain(leaf.certPath, certificate.cert);
  const answer = await curl(server, [
    ...[`${server.url(connector.id)}/api:v1/stack/alias`, '-d', 'a=2'],
    ...['--cert', `${leaf.certPath}.chain`, '--key', leaf.keyPath],
  ]);
  assert.equal(answer.status, 204, answer.body);
});

test('an intermediate as the only anchor is enough, and one that the device does not send is not', async () => {
  const middle = ca.intermediate('Line 4');
  const anchored = await newScene({ client_ca: [middle.cert] });
  assert.equal(await anchored.connector.write('a=1', { certificate: middle.issue(anchored.identity) }), 204);
  const rooted = await newScene();
  assert.equal(await rooted.connector.write('a=1', { certificate: middle.issue(rooted.identity) }), 403);
});

test('one of several CAs is enough', async () => {
  const { connector, identity } = await newScene({ client_ca: [foreign.cert, ca.cert] });
  assert.equal(await connector.write('a=1', { certificate: ca.issue(identity) }), 204);
});

for (const [what, make] of [
  ['of a foreign CA with the same name', (identity: string) => foreign.issue(identity)],
  ['that is self-signed', (identity: string) => factory.selfSigned(identity)],
  ['signed by a device certificate, which is no CA', (identity: string) => ca.forge(identity)],
  [
    'that has run out',
    (identity: string) =>
      ca.issue(identity, { from: new Date(Date.now() - 2 * hour), to: new Date(Date.now() - hour) }),
  ],
  ['that is not valid yet', (identity: string) => ca.issue(identity, { from: new Date(Date.now() + hour) })],
] as const) {
  test(`a certificate ${what}: 403, neither provisioning nor data`, async () => {
    const { connector, identity } = await newScene();
    const answer = await connector.send('/api:v1/stack/alias', { certificate: make(identity), body: 'a=1' });
    assert.equal(answer.status, 403, answer.body);
    const activation = await connector.send('/provision/activate', {
      certificate: make(identity),
      body: `id=${identity}`,
    });
    assert.equal(activation.status, 403, activation.body);
    assert.equal((await connector.device(identity)).status, 'whitelisted');
  });
}

test('a certificate that is on the list of revoked ones: 403 at provisioning', async () => {
  const { connector, identity } = await newScene();
  const certificate = ca.issue(identity);
  await connector.set({ pki: { crl: [ca.revoke(certificate)] } });
  const answer = await connector.send('/api:v1/stack/alias', { certificate, body: 'a=1' });
  assert.equal(answer.status, 403, answer.body);
  assert.match(answer.body, /revo/);
  assert.equal((await connector.device(identity)).status, 'whitelisted');
});

test('a revocation list that is loaded later ends the data of a provisioned device, and of no other', async () => {
  const { connector, identity } = await newScene();
  await connector.whitelist('other');
  const certificate = ca.issue(identity);
  const other = ca.issue('other');
  assert.equal(await connector.write('a=1', { certificate }), 204);
  assert.equal(await connector.write('a=1', { certificate: other }), 204);
  await connector.set({ pki: { crl: [ca.revoke(certificate)] } });
  assert.equal(await connector.write('a=2', { certificate }), 403);
  assert.equal(await connector.write('a=2', { certificate: other }), 204);
});

test('a revoked intermediate takes its devices with it; a list of the root refuses no other intermediate', async () => {
  const { connector, identity } = await newScene();
  await connector.whitelist('other');
  const [bad, good] = [ca.intermediate('Line 5'), ca.intermediate('Line 6')];
  await connector.set({ pki: { crl: [ca.revoke(bad)] } });
  for (const [line, cn, status] of [
    [bad, identity, 403],
    [good, 'other', 204],
  ] as const) {
    const leaf = line.issue(cn);
    const certificate = { cert: leaf.cert + line.cert, key: leaf.key };
    assert.equal(await connector.write('a=1', { certificate }), status, cn);
  }
});

test('an intermediate that runs out ends the data of its devices at that second, on open connections too', async () => {
  const { connector, identity } = await newScene();
  const ends = new Date((Math.floor(Date.now() / 1000) + 4) * 1000);
  const middle = ca.intermediate('Line 7', { to: ends });
  const leaf = middle.issue(identity);
  const connection = await openTls(server, connector.fqdn, { cert: leaf.cert + middle.cert, key: leaf.key });
  const write = async () => {
    await connection.send(
      `POST /api:v1/stack/alias HTTP/1.1\r\nHost: ${connector.fqdn}\r\nContent-Length: 3\r\n\r\na=1`,
    );
    return (await connection.response()).status;
  };
  assert.equal(await write(), 204);
  await delay(ends.getTime() + 1100 - Date.now());
  assert.equal(await write(), 403);
  connection.destroy();
});

test('a revocation list takes effect for a device that never stops writing', async () => {
  const { connector, identity } = await newScene();
  const certificate = ca.issue(identity);
  assert.equal(await connector.write('a=1', { certificate }), 204);
  const connections = await Promise.all(
    Array.from({ length: 4 }, () => openTls(server, connector.fqdn, { cert: certificate.cert, key: certificate.key })),
  );
  const bytes = `POST /api:v1/stack/alias HTTP/1.1\r\nHost: ${connector.fqdn}\r\nContent-Length: 3\r\n\r\na=1`;
  const crl = [ca.revoke(certificate)];
  for (let round = 0; round < 10; round++) {
    await connector.set({ pki: { crl: [] } });
    let loaded = false;
    const busy = connections.map(async (connection) => {
      for (let status = 204; status === 204 && !loaded; ) {
        await connection.send(bytes);
        status = (await connection.response()).status;
      }
    });
    await delay(50);
    await connector.set({ pki: { crl } });
    await delay(100);
    loaded = true;
    await Promise.all(busy);
    for (const connection of connections) {
      await connection.send(bytes);
      assert.equal((await connection.response()).status, 403, `round ${round}`);
    }
  }
  for (const connection of connections) connection.destroy();
});

test('once a renewed certificate is in place, the one before is refused', async () => {
  const { connector, identity } = await newScene();
  const before = ca.issue(identity, { from: new Date(Date.now() - 2 * hour) });
  const renewed = ca.issue(identity, { from: new Date(Date.now() - hour) });
  assert.equal(await connector.write('a=1', { certificate: before }), 204);
  assert.equal(await connector.write('a=2', { certificate: renewed }), 204);
  const back = await connector.send('/api:v1/stack/alias', { certificate: before, body: 'a=3' });
  assert.ok([401, 403].includes(back.status), `${back.status}`);
  assert.equal(await connector.write('a=4', { certificate: renewed }), 204);
});

test('a CA that is taken out ends the data of its devices', async () => {
  const { connector, identity } = await newScene({ client_ca: [ca.cert, foreign.cert] });
  const certificate = ca.issue(identity);
  assert.equal(await connector.write('a=1', { certificate }), 204);
  await connector.set({ pki: { client_ca: [foreign.cert] } });
  assert.equal(await connector.write('a=2', { certificate }), 403);
});

test('a renewed certificate of the same CN is accepted in place of the old one while PKI is on', async () => {
  const { connector, identity } = await newScene();
  assert.equal(await connector.write('a=1', { certificate: ca.issue(identity) }), 204);
  const renewed = ca.issue(identity);
  assert.equal(await connector.write('a=2', { certificate: renewed }), 204);
  assert.equal(await connector.write('a=3', { certificate: renewed }), 204);
  await connector.set({ pki: { enabled: false } });
  assert.equal(await connector.write('a=4', { certificate: renewed }), 204);
  const another = ca.issue(identity);
  const refused = await connector.send('/api:v1/stack/alias', { certificate: another, body: 'a=5' });
  assert.ok([401, 403].includes(refused.status), `${refused.status}`);
});

test('with self-registration a device whose certificate chains is created at its first connection', async () => {
  const { connector, identity } = await newScene({}, { presenter_identity: true });
  const certificate = ca.issue(identity);
  assert.equal(await connector.write('a=1', { certificate }), 204);
  const device = await connector.device(identity);
  assert.deepEqual([device.status, device.auth.type], ['provisioned', 'certificate']);
  assert.deepEqual(
    (await connector.events('provisioned,data_in')).map((event) => event.type),
    ['provisioned', 'data_in'],
  );
});

test('with self-registration a certificate that does not chain creates nothing: 403', async () => {
  const { connector, identity } = await newScene({}, { presenter_identity: true });
  assert.equal(await connector.write('a=1', { certificate: foreign.issue(identity) }), 403);
  assert.equal((await connector.api('GET', `/identity/${identity}`)).status, 404);
});

test('without self-registration a certificate that chains still needs whitelisting: 404', async () => {
  const { connector } = await newScene();
  assert.equal(await connector.write('a=1', { certificate: ca.issue('never-listed') }), 404);
});

test('what is no CA certificate is refused as one', async () => {
  const connector = await newConnector(server);
  const leaf = ca.issue('leaf');
  for (const pem of [leaf.cert, 'nonsense', ca.key]) {
    const answer = await connector.api('PATCH', '', { pki: { enabled: true, client_ca: [pem] } });
    assert.equal(answer.status, 400, answer.text);
  }
});

async function writeChain(certPath: string, cert: string): Promise<void> {
  await writeFile(`${certPath}.chain`, cert);
}
