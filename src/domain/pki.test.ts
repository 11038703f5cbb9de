import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { caExtensions, ecKey, ed25519Key, type Made, openWorkshop, rsaKey } from '../../test/helpers/openssl.ts';
import { readCertificate } from './certificate.ts';
import { AppError, type ErrorCode } from './errors.ts';
import { checkCaCertificate, checkChain, checkCrl, checkDates } from './pki.ts';

const workshop = openWorkshop();
after(workshop.remove);
const { make, list } = workshop;

const NOW = Date.UTC(2030, 0, 1) * 1000;
const SECOND = 1_000_000;
const root = make({ subject: '/O=Acme/CN=Root', extensions: caExtensions });
const middle = make({ subject: '/O=Acme/CN=Line 3', extensions: caExtensions, issuer: root });
const leaf = make({ subject: '/CN=d1', issuer: middle });

const check = (device: Made, sent: readonly Made[], cas: readonly Made[], crl: readonly string[] = [], now = NOW) =>
  checkChain(
    readCertificate(
      device.pem,
      sent.map(({ pem }) => pem),
    ),
    { client_ca: cas.map(({ pem }) => pem), crl },
    now,
  );
function refuses(fault: AppError | null, code: ErrorCode, text: RegExp): void {
  assert.ok(fault instanceof AppError, 'it was accepted');
  assert.equal(fault.code, code, fault.message);
  assert.match(fault.message, text);
}

test('a certificate is in force from its first to its last second, both included', () => {
  const dates = { notBefore: NOW, notAfter: NOW + 10 * SECOND };
  assert.equal(checkDates(dates, NOW), null);
  assert.equal(checkDates(dates, NOW + 10 * SECOND), null);
  assert.equal(checkDates(dates, NOW - 1)?.code, 'CERTIFICATE_NOT_YET_VALID');
  assert.equal(checkDates(dates, NOW + 10 * SECOND + 1)?.code, 'CERTIFICATE_EXPIRED');
});

test('a refusal for the dates says which, both times, and the clock of the server', () => {
  const dates = { notBefore: NOW, notAfter: NOW + SECOND };
  assert.equal(
    checkDates(dates, NOW - 60 * SECOND)?.message,
    'The client certificate is not valid yet: saw notBefore 2030-01-01T00:00:00.000Z and notAfter 2030-01-01T00:00:01.000Z, ' +
      "expected notBefore not to be after the server's clock, which reads 2029-12-31T23:59:00.000Z.",
  );
  assert.match(
    checkDates(dates, NOW + 60 * SECOND)?.message ?? '',
    /no longer valid: saw notBefore 2030-01-01T00:00:00.000Z and notAfter 2030-01-01T00:00:01.000Z, expected notAfter .* 2030-01-01T00:01:00/,
  );
});

for (const [kind, key] of Object.entries({ RSA: rsaKey, EC: ecKey, Ed25519: ed25519Key })) {
  test(`${kind}: a certificate that the CA signed is accepted`, () => {
    const digest = kind === 'Ed25519' ? 'null' : 'sha384';
    const ca = make({ subject: `/CN=${kind}`, extensions: caExtensions, key, digest });
    assert.equal(check(make({ subject: '/CN=d1', issuer: ca, key: ecKey, digest }), [], [ca]), null);
    assert.equal(check(make({ subject: '/CN=d2', issuer: ca, key: rsaKey, digest }), [], [root, ca]), null);
  });
}

test('a signature with RSASSA-PSS counts', () => {
  const ca = make({ subject: '/CN=PSS', extensions: caExtensions, key: rsaKey });
  const device = make({ subject: '/CN=d1', issuer: ca, signatureOptions: ['rsa_padding_mode:pss'] });
  assert.equal(check(device, [], [ca]), null);
});

test('a signature with SHA-1 does not count, except that of the trusted CA on itself', () => {
  const ca = make({ subject: '/CN=Old', extensions: caExtensions, key: rsaKey, digest: 'sha1' });
  assert.equal(check(make({ subject: '/CN=d1', issuer: ca }), [], [ca]), null);
  refuses(check(make({ subject: '/CN=d2', issuer: ca, digest: 'sha1' }), [], [ca]), 'CERTIFICATE_UNTRUSTED', /SHA-256/);
  const pss = ['rsa_padding_mode:pss'];
  const forged = make({ subject: '/CN=d3', issuer: ca, digest: 'sha1', signatureOptions: pss });
  refuses(check(forged, [], [ca]), 'CERTIFICATE_UNTRUSTED', /SHA-256/);
});

test('intermediates that the device sent lead to the CA, in any order and among others', () => {
  const lower = make({ subject: '/CN=Cell 7', extensions: caExtensions, issuer: middle });
  const device = make({ subject: '/CN=d2', issuer: lower });
  assert.equal(check(device, [lower, middle], [root]), null);
  assert.equal(check(device, [leaf, middle, root, lower], [root]), null);
});

test('an intermediate that the operator trusts is the end of the path', () => {
  assert.equal(check(leaf, [], [middle]), null);
  assert.equal(check(leaf, [middle], [middle]), null);
});

test('without the intermediate there is no path, and the text names the issuer that is missing', () => {
  refuses(
    check(leaf, [], [root]),
    'CERTIFICATE_UNTRUSTED',
    /whose issuer O=Acme, CN=Line 3 .* a path to O=Acme, CN=Root/,
  );
});

test('a self-signed certificate is refused, and so is any where the connector has no CA', () => {
  const own = make({ subject: '/CN=d1' });
  refuses(check(own, [], [root]), 'CERTIFICATE_UNTRUSTED', /CN=d1, signed by itself/);
  refuses(check(leaf, [middle], []), 'CERTIFICATE_UNTRUSTED', /the connector has none/);
});

test('a self-signed certificate that the operator trusts itself is accepted', () => {
  const own = make({ subject: '/CN=d1', extensions: ['basicConstraints=CA:TRUE'] });
  assert.equal(check(own, [], [own]), null);
});

test('a CA of the same name with another key is another CA', () => {
  const other = make({ subject: '/O=Acme/CN=Root', extensions: caExtensions });
  const device = make({ subject: '/CN=d1', issuer: other });
  refuses(check(device, [], [root]), 'CERTIFICATE_UNTRUSTED', /not signed by the key of the CA O=Acme, CN=Root/);
  refuses(check(device, [other], [root]), 'CERTIFICATE_UNTRUSTED', /CN=Root/);
  assert.equal(check(device, [], [root, other]), null);
});

test('a CA that was signed by two others leads to either, and a path that has run out does not stand in the way of one that has not', () => {
  const second = make({ subject: '/O=Acme/CN=Root 2', extensions: caExtensions });
  const dead = make({ subject: '/O=Acme/CN=Dead', extensions: caExtensions, end: '20250101000000Z' });
  const crossed = (issuer: Made) =>
    make({ subject: '/O=Acme/CN=Line 3', extensions: caExtensions, issuer, keyOf: middle });
  assert.equal(check(leaf, [middle, crossed(second)], [second]), null);
  assert.equal(check(leaf, [crossed(dead), middle], [dead, root]), null);
  refuses(check(leaf, [crossed(dead)], [dead, root]), 'CERTIFICATE_UNTRUSTED', /Dead, valid from/);
});

test('certificates that sign each other in a circle end in a refusal', () => {
  const a = make({ subject: '/CN=A', extensions: caExtensions });
  const b = make({ subject: '/CN=B', extensions: caExtensions });
  const aByB = make({ subject: '/CN=A', extensions: caExtensions, issuer: b, keyOf: a });
  const bByA = make({ subject: '/CN=B', extensions: caExtensions, issuer: a, keyOf: b });
  refuses(check(make({ subject: '/CN=d', issuer: a }), [aByB, bByA], [root]), 'CERTIFICATE_UNTRUSTED', /path to/);
});

test('many certificates of one name and key do not make the search long', () => {
  const twins = Array.from({ length: 7 }, () => {
    return make({ subject: '/CN=Twin', extensions: caExtensions, keyOf: root });
  });
  const device = make({ subject: '/CN=d', issuer: twins[0] as Made });
  refuses(check(device, twins, [middle]), 'CERTIFICATE_UNTRUSTED', /path to/);
  assert.equal(check(device, twins, [twins[6] as Made]), null);
});

test('a path of eight certificates is the longest', () => {
  const line = [root];
  for (let i = 1; i < 8; i++) {
    line.push(make({ subject: `/CN=Level ${i}`, extensions: caExtensions, issuer: line[i - 1] as Made }));
  }
  const device = (level: number) => make({ subject: '/CN=d', issuer: line[level] as Made });
  const sent = line.slice(1).reverse();
  assert.equal(check(device(6), sent.slice(1), [root]), null);
  refuses(check(device(7), sent, [root]), 'CERTIFICATE_UNTRUSTED', /path to/);
});

test('a device certificate is no CA, whatever it signs', () => {
  const device = make({ subject: '/CN=d1', issuer: root, extensions: ['basicConstraints=CA:FALSE'] });
  const bare = make({ subject: '/CN=d2', issuer: root });
  for (const signer of [device, bare]) {
    const forged = make({ subject: '/CN=victim', issuer: signer });
    refuses(check(forged, [signer], [root]), 'CERTIFICATE_UNTRUSTED', /which is no CA/);
  }
});

test('an issuer whose key usage lacks keyCertSign is refused', () => {
  const extensions = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,cRLSign,digitalSignature'];
  const issuer = make({ subject: '/CN=Half', extensions, issuer: root });
  refuses(check(make({ subject: '/CN=d', issuer }), [issuer], [root]), 'CERTIFICATE_UNTRUSTED', /lacks keyCertSign/);
});

test('the path length of a CA limits the intermediates below it', () => {
  const short = (length: number) =>
    make({ subject: '/CN=Short', extensions: [`basicConstraints=critical,CA:TRUE,pathlen:${length}`] });
  for (const [length, accepted] of [
    [0, false],
    [1, true],
  ] as const) {
    const ca = short(length);
    const below = make({ subject: '/CN=Below', extensions: caExtensions, issuer: ca });
    assert.equal(check(make({ subject: '/CN=d', issuer: ca }), [], [ca]), null);
    const fault = check(make({ subject: '/CN=d', issuer: below }), [below], [ca]);
    if (accepted) assert.equal(fault, null);
    else refuses(fault, 'CERTIFICATE_UNTRUSTED', /1 intermediates below CN=Short, expected 0 at most/);
  }
});

test('an extended key usage must allow client authentication, in the leaf and in every CA above it', () => {
  const use = (usage: string, issuer = root) =>
    make({ subject: '/CN=d', issuer, extensions: [`extendedKeyUsage=${usage}`] });
  assert.equal(check(use('serverAuth,clientAuth'), [], [root]), null);
  assert.equal(check(use('anyExtendedKeyUsage'), [], [root]), null);
  refuses(check(use('serverAuth'), [], [root]), 'CERTIFICATE_UNTRUSTED', /without clientAuth/);
  const extensions = [...caExtensions, 'extendedKeyUsage=serverAuth'];
  const servers = make({ subject: '/CN=Servers', extensions, issuer: root });
  refuses(check(make({ subject: '/CN=d', issuer: servers }), [servers], [root]), 'CERTIFICATE_UNTRUSTED', /Servers/);
});

test('a leaf whose key usage allows no signature is refused', () => {
  const usage = (value: string) => make({ subject: '/CN=d', issuer: root, extensions: [`keyUsage=${value}`] });
  assert.equal(check(usage('digitalSignature'), [], [root]), null);
  refuses(check(usage('keyEncipherment'), [], [root]), 'CERTIFICATE_UNTRUSTED', /lacks digitalSignature/);
});

test('an unknown extension is ignored, and refused when it is critical', () => {
  const with_ = (extension: string) => make({ subject: '/CN=d', issuer: root, extensions: [extension] });
  assert.equal(check(with_('1.2.3.4=ASN1:NULL'), [], [root]), null);
  refuses(
    check(with_('1.2.3.4=critical,ASN1:NULL'), [], [root]),
    'CERTIFICATE_UNTRUSTED',
    /critical extension 1\.2\.3\.4/,
  );
  const limited = ['nameConstraints=critical,permitted;DNS:example.com', ...caExtensions];
  const ca = make({ subject: '/CN=Limited', extensions: limited, issuer: root });
  refuses(check(make({ subject: '/CN=d', issuer: ca }), [ca], [root]), 'CERTIFICATE_UNTRUSTED', /2\.5\.29\.30/);
});

test('a leaf outside its dates has the code of its dates; an issuer outside of them is not trusted', () => {
  const early = make({ subject: '/CN=d', issuer: root, start: '20310101000000Z' });
  refuses(check(early, [], [root]), 'CERTIFICATE_NOT_YET_VALID', /2031-01-01/);
  const late = make({ subject: '/CN=d', issuer: root, end: '20290101000000Z' });
  refuses(check(late, [], [root]), 'CERTIFICATE_EXPIRED', /2029-01-01/);
  const ended = make({ subject: '/CN=Ended', extensions: caExtensions, issuer: root, end: '20290101000000Z' });
  const device = make({ subject: '/CN=d', issuer: ended });
  refuses(check(device, [ended], [root]), 'CERTIFICATE_UNTRUSTED', /Ended, valid from .* to 2029-01-01T/);
  refuses(check(device, [], [ended]), 'CERTIFICATE_UNTRUSTED', /Ended, valid from/);
  const future = Date.UTC(2045, 0, 1) * 1000;
  refuses(check(leaf, [middle], [root], [], future), 'CERTIFICATE_EXPIRED', /2040-01-01/);
});

test('what stands on a list of its issuer is revoked, the leaf and an intermediate alike', () => {
  const [good, bad] = ['/CN=good', '/CN=bad'].map((subject) => make({ subject, issuer: root })) as [Made, Made];
  const lists = [list(root, [bad])];
  assert.equal(check(good, [], [root], lists), null);
  refuses(check(bad, [], [root], lists), 'CERTIFICATE_REVOKED', /serial number [0-9A-F]+ of issuer O=Acme, CN=Root/);
  const line = make({ subject: '/CN=Lost line', extensions: caExtensions, issuer: root });
  const device = make({ subject: '/CN=d', issuer: line });
  assert.equal(check(device, [line], [root], lists), null);
  refuses(check(device, [line], [root], [...lists, list(root, [line])]), 'CERTIFICATE_REVOKED', /of issuer O=Acme/);
});

test('a list past its next update goes on to refuse what is on it', () => {
  const bad = make({ subject: '/CN=bad', issuer: root });
  const lists = [list(root, [bad])];
  const later = Date.UTC(2039, 0, 1) * 1000;
  refuses(check(bad, [], [root], lists, later), 'CERTIFICATE_REVOKED', /serial number/);
});

test('the list of an intermediate counts for what the intermediate issued', () => {
  const bad = make({ subject: '/CN=bad', issuer: middle });
  const lists = [list(middle, [bad]), list(root, [])];
  refuses(check(bad, [middle], [root], lists), 'CERTIFICATE_REVOKED', /of issuer O=Acme, CN=Line 3/);
  assert.equal(check(leaf, [middle], [root], lists), null);
});

test('the list of another CA says nothing, even with the same serial number', () => {
  const other = make({ subject: '/CN=Other', extensions: caExtensions });
  const bad = make({ subject: '/CN=bad', issuer: other, serial: '1234' });
  const good = make({ subject: '/CN=good', issuer: root, serial: '1234' });
  assert.equal(check(good, [], [root, other], [list(other, [bad])]), null);
});

test('a CA made anew under its old name is not bound by the list of the old one', () => {
  const old = make({ subject: '/CN=Factory', extensions: caExtensions });
  const fresh = make({ subject: '/CN=Factory', extensions: caExtensions });
  const bad = make({ subject: '/CN=bad', issuer: old, serial: '1000' });
  const good = make({ subject: '/CN=good', issuer: fresh, serial: '1000' });
  const lists = [list(old, [bad])];
  assert.equal(check(good, [], [old, fresh], lists), null);
  refuses(check(bad, [], [old, fresh], lists), 'CERTIFICATE_REVOKED', /serial number 1000/);
});

test('a list in the name of the CA that no known CA signed refuses everybody rather than nobody', () => {
  const impostor = make({ subject: '/O=Acme/CN=Root', extensions: caExtensions });
  const device = make({ subject: '/CN=d', issuer: root });
  refuses(check(device, [], [root], [list(impostor, [])]), 'CERTIFICATE_UNTRUSTED', /that its key did not sign/);
});

test('a stored list or CA that cannot be read vouches for nobody', () => {
  const certificate = readCertificate(make({ subject: '/CN=d', issuer: root }).pem);
  const lists = { client_ca: [root.pem], crl: ['damaged'] };
  refuses(checkChain(certificate, lists, NOW), 'CERTIFICATE_UNTRUSTED', /list of the connector that cannot be read/);
  refuses(checkChain(certificate, { client_ca: ['damaged'], crl: [] }, NOW), 'CERTIFICATE_UNTRUSTED', /none/);
});

test('lists signed with RSA and Ed25519 keys are read', () => {
  for (const [key, digest] of [
    [rsaKey, 'sha512'],
    [ed25519Key, 'null'],
  ] as const) {
    const ca = make({ subject: '/CN=Lists', extensions: caExtensions, key, digest });
    const bad = make({ subject: '/CN=bad', issuer: ca, digest });
    const crl = list(ca, [bad], { digest });
    assert.equal(checkCrl(crl), null);
    refuses(check(bad, [], [ca], [crl]), 'CERTIFICATE_REVOKED', /serial/);
    assert.equal(check(make({ subject: '/CN=good', issuer: ca, digest }), [], [ca], [crl]), null);
  }
});

test('a list of 100,000 entries is parsed once for the settings it belongs to', () => {
  const ca = make({ subject: '/CN=Big', extensions: caExtensions });
  const bad = make({ subject: '/CN=bad', issuer: ca });
  const rows = Array.from({ length: 100_000 }, (_, i) => {
    const serial = (0x2000_0000_0000 + i * 7919).toString(16).toUpperCase();
    return `R\t350101000000Z\t250101000000Z\t${serial}\tunknown\t/CN=d${i}\n`;
  });
  workshop.append(ca, rows.join(''));
  const text = list(ca, [bad]);
  let reads = 0;
  const read = () => {
    reads++;
    return text;
  };
  const crl = Object.defineProperty([''], 0, { get: read });
  const pki = { client_ca: [ca.pem], crl };
  const certificate = readCertificate(make({ subject: '/CN=good', issuer: ca }).pem);
  for (let i = 0; i < 3; i++) assert.equal(checkChain(certificate, pki, NOW), null);
  refuses(checkChain(readCertificate(bad.pem), pki, NOW), 'CERTIFICATE_REVOKED', /serial/);
  assert.equal(reads, 1);
});

test('a CA certificate can be saved; a leaf, a half CA and nonsense cannot, and the text says why', () => {
  assert.equal(checkCaCertificate(root.pem), null);
  assert.equal(checkCaCertificate(middle.pem), null);
  refuses(checkCaCertificate(leaf.pem), 'CA_INVALID', /the certificate of CN=d1, which is not marked as a CA/);
  const half = make({ subject: '/CN=Half', extensions: ['basicConstraints=CA:TRUE', 'keyUsage=digitalSignature'] });
  refuses(checkCaCertificate(half.pem), 'CA_INVALID', /lacks keyCertSign/);
  const limited = make({
    subject: '/CN=L',
    extensions: [...caExtensions, 'nameConstraints=critical,permitted;DNS:a.b'],
  });
  refuses(checkCaCertificate(limited.pem), 'CA_INVALID', /critical extension 2\.5\.29\.30/);
  refuses(checkCaCertificate('nonsense'), 'PEM_INVALID', /no PEM block/);
  refuses(checkCaCertificate(root.pem + middle.pem), 'PEM_INVALID', /2 blocks/);
});

test('a complete list can be saved; a delta, an indirect one, a weakly signed one and nonsense cannot', () => {
  assert.equal(checkCrl(list(root, [])), null);
  assert.equal(
    checkCrl(list(root, [], { extensions: ['2.5.29.20=ASN1:INT:1', 'authorityKeyIdentifier=keyid'] })),
    null,
  );
  const user = ['issuingDistributionPoint=critical,@point\n[point]\nonlyuser=TRUE'];
  assert.equal(checkCrl(list(root, [], { extensions: user })), null);
  const indirect = ['issuingDistributionPoint=critical,@point\n[point]\nindirectCRL=TRUE'];
  refuses(checkCrl(list(root, [], { extensions: indirect })), 'CRL_INVALID', /an indirect list/);
  refuses(checkCrl(list(root, [], { extensions: ['2.5.29.27=critical,ASN1:INT:1'] })), 'CRL_INVALID', /a delta list/);
  refuses(checkCrl(list(root, [], { extensions: ['1.2.3=critical,ASN1:NULL'] })), 'CRL_INVALID', /1\.2\.3/);
  refuses(checkCrl(list(root, [], { digest: 'sha1' })), 'CRL_INVALID', /SHA-256/);
  refuses(checkCrl(leaf.pem), 'CRL_INVALID', /a block CERTIFICATE/);
  refuses(checkCrl('-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----'), 'CRL_INVALID', /no revocation list/);
});
