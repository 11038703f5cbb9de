import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { openWorkshop } from '../../../test/helpers/openssl.ts';
import { ensureAuthority } from './authority.ts';

const DAY = 86_400_000;
const now = new Date('2026-05-01T12:00:00Z');
const after = (days: number) => new Date(now.getTime() + days * DAY);

let base = '';
let folder = '';
const file = (name: string) => join(folder, name);
const text = (name: string) => readFile(file(name), 'utf8');
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'slipway-authority-'));
  folder = join(base, 'data', 'ca');
});
afterEach(() => rm(base, { recursive: true, force: true }));

test('openssl verifies the server certificate against ca.pem, for every name of the server', async () => {
  const workshop = openWorkshop(base);
  const { cert, key, caPath } = await ensureAuthority(folder, 'example.com', now);
  assert.equal(caPath, file('ca.pem'));
  const attime = ['-attime', String(now.getTime() / 1000)];
  for (const [flag, name] of [
    ['-verify_hostname', 'abcdefgh12345678.m2.example.com'],
    ['-verify_hostname', 'm2.example.com'],
    ['-verify_hostname', 'example.com'],
    ['-verify_hostname', 'localhost'],
    ['-verify_ip', '127.0.0.1'],
    ['-verify_ip', '::1'],
  ] as const) {
    const args = ['-x509_strict', '-purpose', 'sslserver', '-CAfile', caPath, ...attime, flag, name];
    assert.match(workshop.openssl('verify', ...args, file('server.pem')), /: OK/);
  }
  assert.throws(() =>
    workshop.openssl('verify', '-CAfile', caPath, ...attime, '-verify_hostname', 'example.net', file('server.pem')),
  );
  assert.ok(new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)));
});

test('the CA is ECDSA P-256, ten years, and may have no CA below it; the server certificate lasts 397 days at most', async () => {
  const workshop = openWorkshop(base);
  await ensureAuthority(folder, 'localhost', now);
  const ca = workshop.openssl('x509', '-in', file('ca.pem'), '-noout', '-text');
  for (const part of [/NIST CURVE: P-256/, /ecdsa-with-SHA256/, /CA:TRUE, pathlen:0/, /Certificate Sign, CRL Sign/]) {
    assert.match(ca, part);
  }
  const server = workshop.openssl('x509', '-in', file('server.pem'), '-noout', '-text');
  for (const part of [/NIST CURVE: P-256/, /CA:FALSE/, /TLS Web Server Authentication/, /DNS:\*\.m2\.localhost/]) {
    assert.match(server, part);
  }
  const days = (pem: string) => {
    const { validFromDate, validToDate } = new X509Certificate(pem);
    return (validToDate.getTime() - validFromDate.getTime()) / DAY;
  };
  assert.ok(days(await text('server.pem')) <= 397);
  assert.ok(Math.abs(days(await text('ca.pem')) - 3650) < 1);
});

test('the folder and the keys are for the owner alone', async () => {
  await ensureAuthority(folder, 'localhost', now);
  const mode = async (path: string) => (await stat(path)).mode & 0o777;
  assert.equal(await mode(folder), 0o700);
  assert.deepEqual([await mode(file('ca-key.pem')), await mode(file('server-key.pem'))], [0o600, 0o600]);
});

test('the next start finds what the first one made', async () => {
  const first = await ensureAuthority(folder, 'localhost', now);
  const ca = await text('ca.pem');
  assert.deepEqual(await ensureAuthority(folder, 'localhost', after(300)), first);
  assert.equal(await text('ca.pem'), ca);
  assert.deepEqual((await readdir(folder)).sort(), ['ca-key.pem', 'ca.pem', 'server-key.pem', 'server.pem']);
});

test('with less than 30 days left, or another domain, the same CA signs again', async () => {
  const first = await ensureAuthority(folder, 'localhost', now);
  const ca = await text('ca.pem');
  assert.equal((await ensureAuthority(folder, 'localhost', after(365))).cert, first.cert);
  const renewed = await ensureAuthority(folder, 'localhost', after(367));
  assert.notEqual(renewed.cert, first.cert);
  assert.ok(new X509Certificate(renewed.cert).validToDate > after(367 + 390));
  const moved = await ensureAuthority(folder, 'example.com', after(367));
  assert.notEqual(new X509Certificate(moved.cert).checkHost('a.m2.example.com'), undefined);
  assert.equal(await text('ca.pem'), ca);
  assert.ok(new X509Certificate(moved.cert).verify(new X509Certificate(ca).publicKey));
});

test('a crash after any of the files leaves something that the next start completes', async () => {
  const order = ['ca-key.pem', 'ca.pem', 'server-key.pem', 'server.pem'];
  await ensureAuthority(folder, 'localhost', now);
  for (let written = 0; written < order.length; written++) {
    for (const name of order.slice(written)) await rm(file(name), { force: true });
    await writeFile(file('.ca-key.pem.0123'), 'half a k');
    const { cert, key } = await ensureAuthority(folder, 'localhost', now);
    assert.ok(new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)));
    const ca = new X509Certificate(await text('ca.pem'));
    assert.ok(ca.checkPrivateKey(createPrivateKey(await text('ca-key.pem'))));
    assert.ok(new X509Certificate(cert).verify(ca.publicKey));
  }
});

test('a server certificate that is damaged or of another key is not used but signed again', async () => {
  const first = await ensureAuthority(folder, 'localhost', now);
  await writeFile(file('server.pem'), first.cert.slice(0, 200));
  const second = await ensureAuthority(folder, 'localhost', now);
  assert.ok(new X509Certificate(second.cert).checkPrivateKey(createPrivateKey(second.key)));
  await rm(file('server-key.pem'));
  const third = await ensureAuthority(folder, 'localhost', now);
  assert.notEqual(third.key, second.key);
  assert.ok(new X509Certificate(third.cert).checkPrivateKey(createPrivateKey(third.key)));
});

test('several processes that start at once end up with one CA and one key', async () => {
  const all = await Promise.all(Array.from({ length: 5 }, () => ensureAuthority(folder, 'localhost', now)));
  const ca = new X509Certificate(await text('ca.pem'));
  assert.equal(new Set(all.map(({ key }) => key)).size, 1);
  for (const { cert, key } of all) {
    assert.ok(new X509Certificate(cert).checkIssued(ca));
    assert.ok(new X509Certificate(cert).verify(ca.publicKey));
    assert.ok(new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)));
  }
  assert.deepEqual((await readdir(folder)).sort(), ['ca-key.pem', 'ca.pem', 'server-key.pem', 'server.pem']);
});

test('a CA that devices may have pinned is never replaced by itself: what is wrong with it is an error', async () => {
  await ensureAuthority(folder, 'localhost', now);
  const ca = await text('ca.pem');
  await assert.rejects(ensureAuthority(folder, 'localhost', after(3650)), /ended at 2036-04-\d\d/);
  const key = await text('ca-key.pem');
  await writeFile(file('ca-key.pem'), await text('server-key.pem'));
  await assert.rejects(ensureAuthority(folder, 'localhost', now), /is not the certificate of/);
  await rm(file('ca-key.pem'));
  await assert.rejects(ensureAuthority(folder, 'localhost', now), /ca-key\.pem is missing/);
  await writeFile(file('ca-key.pem'), key.slice(0, 100));
  await assert.rejects(ensureAuthority(folder, 'localhost', now), /holds no private key that can be read/);
  assert.equal(await text('ca.pem'), ca);
});

test('in the last days of the CA the server certificate ends with it and is not signed again and again', async () => {
  await ensureAuthority(folder, 'localhost', now);
  const last = await ensureAuthority(folder, 'localhost', after(3640));
  assert.deepEqual(new X509Certificate(last.cert).validToDate, new X509Certificate(await text('ca.pem')).validToDate);
  assert.equal((await ensureAuthority(folder, 'localhost', after(3641))).cert, last.cert);
});
