import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { caExtensions, ed25519Key, openWorkshop, rsaKey } from '../../test/helpers/openssl.ts';
import { describeCertificate, readCertificate, toCredential } from './certificate.ts';
import { AppError } from './errors.ts';

const workshop = openWorkshop();
after(workshop.remove);
const device = workshop.make({ subject: '/C=US/O=Acme/CN=00000001', key: rsaKey });

const refused = (pem: string, seen: RegExp) =>
  assert.throws(
    () => readCertificate(pem),
    (error) => error instanceof AppError && error.code === 'PEM_INVALID' && seen.test(error.message),
  );
const derOf = (pem: string) => Buffer.from(pem.replace(/-----[^-]+-----/g, ''), 'base64');
const pemOf = (der: Buffer) => `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`;
const commonNameOf = (subject: string) => readCertificate(workshop.make({ subject }).pem).commonName;

test('fingerprint and public key are the SHA-256 that openssl computes', () => {
  const read = readCertificate(device.pem);
  const shown = workshop.openssl('x509', '-in', device.certFile, '-noout', '-fingerprint', '-sha256');
  assert.equal(read.fingerprint, shown.trim().split('=')[1]?.replaceAll(':', '').toLowerCase());
  const key = workshop.openssl('pkey', '-in', device.keyFile, '-pubout');
  assert.equal(read.publicKey, createHash('sha256').update(derOf(key)).digest('hex'));
});

test('dates are microseconds since the epoch', () => {
  const { notBefore, notAfter } = readCertificate(device.pem);
  assert.deepEqual([notBefore, notAfter], [Date.UTC(2020, 0, 1) * 1000, Date.UTC(2040, 0, 1) * 1000]);
});

test('a certificate without end (9999-12-31) gets the last time that microseconds hold exactly', () => {
  const endless = workshop.make({ subject: '/CN=a', end: '99991231235959Z' });
  assert.equal(readCertificate(endless.pem).notAfter, Number.MAX_SAFE_INTEGER);
});

test('the credential holds what the certificate was, and its chain', () => {
  const read = readCertificate(device.pem, ['chain']);
  const { commonName, ...rest } = read;
  assert.equal(commonName, '00000001');
  assert.deepEqual(toCredential(read), { type: 'certificate', ...rest });
  assert.equal(readCertificate(read.certificate).fingerprint, read.fingerprint);
});

test('line ends, a missing last one, text around the block and missing line breaks do not matter', () => {
  const { fingerprint } = readCertificate(device.pem);
  for (const pem of [
    device.pem.replaceAll('\n', '\r\n'),
    device.pem.trimEnd(),
    `Subject: CN = 00000001\n\n${device.pem}\nthat was it`,
    pemOf(derOf(device.pem)),
  ]) {
    assert.equal(readCertificate(pem).fingerprint, fingerprint);
  }
});

test('anything but exactly one certificate is refused, and the text says what was seen', () => {
  refused('', /saw no PEM block/);
  refused('00:14:22', /saw no PEM block/);
  refused(device.pem + device.pem, /saw 2 blocks/);
  refused(device.pem.replace('END CERT', 'END'), /cut short/);
  refused(device.pem.slice(0, 400), /cut short/);
  refused(pemOf(Buffer.from('hello')), /holds no X\.509 certificate/);
  refused(pemOf(Buffer.concat([derOf(device.pem), Buffer.from([0])])), /bytes behind its end/);
  refused(pemOf(Buffer.alloc(20_000)), /expected 16384 at most/);
  refused(workshop.list(device, []), /saw a block X509 CRL/);
});

test('a private key that was pasted by mistake is refused, and nothing of it is repeated', () => {
  const key = readFileSync(device.keyFile, 'utf8');
  for (const pem of [key, key + device.pem]) {
    try {
      readCertificate(pem);
      assert.fail('it was taken');
    } catch (error) {
      assert.ok(error instanceof AppError && error.code === 'PEM_INVALID');
      const repeated = key.split('\n').filter((line) => line.length > 20 && error.message.includes(line));
      assert.deepEqual(repeated, [], error.message);
      assert.doesNotMatch(error.message, /[A-Za-z0-9+/]{40}/);
    }
  }
});

test('random bytes and damaged certificates are read or refused, never anything else', () => {
  const whole = derOf(device.pem);
  const readOrRefuse = (pem: string) => {
    try {
      const { commonName, fingerprint } = readCertificate(pem);
      assert.match(fingerprint, /^[0-9a-f]{64}$/);
      assert.ok(commonName === null || commonName.length > 0);
    } catch (error) {
      assert.ok(error instanceof AppError && error.code === 'PEM_INVALID', String(error));
    }
  };
  fc.assert(fc.property(fc.string({ unit: 'binary' }), readOrRefuse));
  fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => readOrRefuse(pemOf(Buffer.from(bytes)))));
  const spot = fc.tuple(fc.nat(whole.length - 1), fc.nat(255));
  fc.assert(
    fc.property(fc.array(spot, { minLength: 1, maxLength: 4 }), (spots) => {
      const damaged = Buffer.from(whole);
      for (const [at, byte] of spots) damaged[at] = byte;
      readOrRefuse(pemOf(damaged));
    }),
    { numRuns: 300 },
  );
});

test('the common name is the one CN of the subject, in whatever string type', () => {
  assert.equal(commonNameOf('/C=US/ST=MN/L=Mpls/O=West/CN=00000002'), '00000002');
  assert.equal(commonNameOf('/CN=grüß 日'), 'grüß 日');
  assert.equal(commonNameOf('/CN=00:14:22:01:23:45'), '00:14:22:01:23:45');
  assert.equal(commonNameOf('/CN=a\\/b, c\\+d=e"<>;#'), 'a/b, c+d=e"<>;#');
});

test('a subject with no CN, an empty one or several has no common name', () => {
  assert.equal(commonNameOf('/O=Acme'), null);
  assert.equal(commonNameOf('/CN=a/CN=b'), null);
  assert.equal(commonNameOf('/CN=a/CN=a'), null);
  assert.equal(commonNameOf('/CN=a+CN=b'), null);
});

test('a line break inside an attribute makes no second attribute', () => {
  assert.equal(commonNameOf('/O=x\nCN=victim/CN=attacker'), 'attacker');
  assert.equal(commonNameOf('/O=x\nCN=victim'), null);
  assert.equal(commonNameOf('/CN=a\nCN=victim'), 'a\nCN=victim');
});

test('a name that is no valid UTF-8 is refused with its certificate: two of them could look the same', () => {
  const der = derOf(workshop.make({ subject: '/CN=ab日cd' }).pem);
  const at = der.lastIndexOf(Buffer.from('ab日cd'));
  der[at + 2] = 0xff;
  refused(pemOf(der), /holds no X\.509 certificate/);
});

test('decoding shows an operator whose it is, who signed it, when it ends and whether it is a CA', () => {
  const ca = workshop.make({ subject: '/O=Acme/CN=Root', extensions: caExtensions, serial: '0A0B' });
  assert.deepEqual(describeCertificate(ca.pem), {
    subject: 'O=Acme, CN=Root',
    issuer: 'O=Acme, CN=Root',
    serial: '0A0B',
    not_before: Date.UTC(2020, 0, 1) * 1000,
    not_after: Date.UTC(2040, 0, 1) * 1000,
    fingerprint: readCertificate(ca.pem).fingerprint,
    is_ca: true,
    key: 'EC P-256',
  });
  const leaf = describeCertificate(workshop.make({ subject: '/CN=d1', issuer: ca, key: rsaKey }).pem);
  assert.deepEqual([leaf.issuer, leaf.is_ca, leaf.key], ['O=Acme, CN=Root', false, 'RSA 2048']);
  assert.equal(describeCertificate(workshop.make({ subject: '/CN=e', key: ed25519Key }).pem).key, 'ED25519');
});
