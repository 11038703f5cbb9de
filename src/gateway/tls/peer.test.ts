import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { caExtensions, type Made, openWorkshop, rsaKey } from '../../../test/helpers/openssl.ts';
import { type ClientCertificate, readCertificate } from '../../domain/certificate.ts';
import { ensureAuthority } from './authority.ts';
import { tlsOptions } from './options.ts';
import { clientCertificateOf } from './peer.ts';

/** What the server learned of one connection. */
interface Seen {
  readonly certificate: ClientCertificate | null;
  readonly reused: boolean;
  readonly protocol: string | null;
}

const workshop = openWorkshop();
const local = await ensureAuthority(join(workshop.folder, 'ca'), 'localhost', new Date());
const seen: Seen[] = [];
const server = createServer(tlsOptions(local), greet).listen(0, '127.0.0.1');
await once(server, 'listening');
after(() => {
  server.close();
  workshop.remove();
});
const port = portOf(server);

function portOf(listening: Server): number {
  return (listening.address() as AddressInfo).port;
}

/** Answers one request as HTTP, and notes who asked. */
function greet(socket: TLSSocket): void {
  seen.push({
    certificate: clientCertificateOf(socket),
    reused: socket.isSessionReused(),
    protocol: socket.getProtocol(),
  });
  assert.equal(clientCertificateOf(socket), seen.at(-1)?.certificate);
  socket.on('error', () => {});
  socket.once('data', () => socket.end('HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n'));
}

interface Outcome {
  readonly code: number;
  readonly output: string;
}

/** Runs a program with one HTTP request as its input. */
function run(program: string, args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = execFile(program, args, { cwd: workshop.folder, timeout: 20_000 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), output: stdout + stderr });
    });
    child.stdin?.on('error', () => {}).write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  });
}
const client = (...args: string[]) => run('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, ...args]);
const credentials = ({ certFile, keyFile }: Made) => ['-cert', certFile, '-key', keyFile];

/** Runs a client, and gives what the server saw of it. */
async function connect(...args: string[]): Promise<Seen & Outcome> {
  seen.length = 0;
  const outcome = await client(...args);
  const [first] = seen;
  assert.ok(first !== undefined, outcome.output);
  return { ...first, ...outcome };
}

const root = workshop.make({ subject: '/CN=Root', extensions: caExtensions });
const middle = workshop.make({ subject: '/CN=Middle', extensions: caExtensions, issuer: root });
const leaf = workshop.make({ subject: '/CN=d1', issuer: middle });
const chainFile = join(workshop.folder, 'chain.pem');
writeFileSync(chainFile, middle.pem + root.pem);

for (const version of ['tls1_2', 'tls1_3']) {
  test(`${version}: a client without a certificate has none, and is served`, async () => {
    const { certificate, output } = await connect(`-${version}`);
    assert.equal(certificate, null);
    assert.match(output, /204 No Content/);
  });

  test(`${version}: the certificate and the chain that the device sent arrive, in the order sent`, async () => {
    const { certificate } = await connect(`-${version}`, ...credentials(leaf), '-cert_chain', chainFile);
    assert.deepEqual(certificate, readCertificate(leaf.pem, [readable(middle), readable(root)]));
  });

  test(`${version}: a resumed session brings back the leaf, without its chain, also where nothing is presented anew`, async () => {
    const session = join(workshop.folder, `session-${version}`);
    const chain = ['-cert_chain', chainFile];
    const first = await connect(`-${version}`, ...credentials(leaf), ...chain, '-sess_out', session);
    assert.equal(first.reused, false);
    for (const again of [[], [...credentials(leaf), ...chain]]) {
      const { reused, certificate } = await connect(`-${version}`, ...again, '-sess_in', session);
      assert.equal(reused, true);
      assert.deepEqual(certificate, readCertificate(leaf.pem));
    }
  });

  test(`${version}: a resumed session without a certificate has none, whatever certificate is at hand`, async () => {
    const session = join(workshop.folder, `plain-${version}`);
    await connect(`-${version}`, '-sess_out', session);
    const { reused, certificate } = await connect(`-${version}`, ...credentials(leaf), '-sess_in', session);
    assert.deepEqual([reused, certificate], [true, null]);
  });
}

const readable = ({ pem }: Made) => readCertificate(pem).certificate;

test('self-signed, expired and RSA certificates are presented like any other: the rules decide, not the handshake', async () => {
  for (const made of [
    workshop.make({ subject: '/CN=d1' }),
    workshop.make({ subject: '/CN=d1', start: '20200101000000Z', end: '20210101000000Z' }),
    workshop.make({ subject: '/CN=d1', start: '20390101000000Z' }),
    workshop.make({ subject: '/C=US/O=Acme/CN=d1', key: rsaKey }),
  ]) {
    const { certificate } = await connect(...credentials(made));
    assert.deepEqual(certificate, readCertificate(made.pem));
  }
});

test('of a long chain eight certificates are taken, leaf included', async () => {
  const line = [root];
  for (let i = 1; i <= 10; i++) {
    line.push(workshop.make({ subject: `/CN=Level ${i}`, extensions: caExtensions, issuer: line[i - 1] as Made }));
  }
  const device = workshop.make({ subject: '/CN=d1', issuer: line[10] as Made });
  const sent = line.slice(1).reverse();
  const file = join(workshop.folder, 'long.pem');
  writeFileSync(file, sent.map(({ pem }) => pem).join(''));
  const { certificate } = await connect(...credentials(device), '-cert_chain', file);
  assert.deepEqual(certificate?.chain, sent.slice(0, 7).map(readable));
});

test('a client that does not hold the key gets no connection', async () => {
  const other = workshop.make({ subject: '/CN=d1' });
  seen.length = 0;
  const { code } = await client('-cert', leaf.certFile, '-key', other.keyFile);
  assert.notEqual(code, 0);
  assert.deepEqual(seen, []);
});

test('TLS 1.1 is refused, 1.2 and 1.3 are spoken', async () => {
  seen.length = 0;
  const old = await client('-tls1_1', '-cipher', 'ALL:@SECLEVEL=0');
  assert.match(old.output, /alert protocol version/);
  assert.deepEqual(seen, []);
  assert.equal((await connect('-tls1_2')).protocol, 'TLSv1.2');
  assert.equal((await connect('-tls1_3')).protocol, 'TLSv1.3');
});

test('a connection cannot be renegotiated to another certificate', async () => {
  seen.length = 0;
  const outcome = await new Promise<string>((resolve) => {
    const args = ['s_client', '-connect', `127.0.0.1:${port}`, '-tls1_2', ...credentials(leaf)];
    const child = execFile('openssl', args, { timeout: 20_000 }, (_error, stdout, stderr) => resolve(stdout + stderr));
    child.stdin?.on('error', () => {}).write('R\n');
  });
  assert.match(outcome, /no renegotiation/);
});

test('curl verifies the server by ca.pem under the name of a connector, and HTTP/1.1 is agreed on', async () => {
  const url = `https://abcdefgh12345678.m2.localhost:${port}/`;
  const resolve = ['--resolve', `abcdefgh12345678.m2.localhost:${port}:127.0.0.1`, '--noproxy', '*'];
  const { code, output } = await run('curl', [
    '-sv',
    '--cacert',
    local.caPath,
    ...resolve,
    ...curlCredentials(leaf),
    url,
  ]);
  assert.equal(code, 0, output);
  assert.match(output, /ALPN: server accepted http\/1\.1/);
  assert.match(output, /SSL certificate verify ok/);
  assert.equal(seen.at(-1)?.certificate?.commonName, 'd1');
  const without = await run('curl', ['-sv', ...resolve, url]);
  assert.equal(without.code, 60, without.output);
});

const curlCredentials = ({ certFile, keyFile }: Made) => ['--cert', certFile, '--key', keyFile];

test('a new identity is what new connections get, while old ones go on', async () => {
  const first = workshop.make({ subject: '/CN=first' });
  const second = workshop.make({ subject: '/CN=second' });
  const changing = createServer(tlsOptions(identityOf(first)), greet).listen(0, '127.0.0.1');
  await once(changing, 'listening');
  const target = `127.0.0.1:${portOf(changing)}`;
  const session = join(workshop.folder, 'session-before');
  try {
    const before = await run('openssl', ['s_client', '-connect', target, '-sess_out', session, ...credentials(leaf)]);
    assert.match(before.output, /subject=CN = first/);
    const open = execFile('openssl', ['s_client', '-quiet', '-connect', target]);
    const [socket] = (await once(changing, 'secureConnection')) as [TLSSocket];
    changing.setSecureContext(tlsOptions(identityOf(second)));
    seen.length = 0;
    const later = await run('openssl', ['s_client', '-connect', target, '-sess_in', session, ...credentials(leaf)]);
    assert.match(later.output, /subject=CN = second/);
    assert.deepEqual([seen[0]?.reused, seen[0]?.certificate?.commonName], [false, 'd1']);
    assert.equal(socket.destroyed, false);
    open.stdin?.write('GET / HTTP/1.1\r\n\r\n');
    const [answer] = await once(open.stdout as NodeJS.ReadableStream, 'data');
    assert.match(String(answer), /204 No Content/);
    open.kill();
  } finally {
    changing.close();
  }
});

function identityOf({ pem, keyFile }: Made): { cert: string; key: string } {
  return { cert: pem, key: workshop.openssl('pkey', '-in', keyFile) };
}
