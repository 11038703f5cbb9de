/** Makes X.509 certificates (RFC 5280, 4) and signs them by ECDSA, devices' also by RSA. Decides nothing about who gets one. */
import { createHash, createPublicKey, type KeyObject, randomBytes, sign, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import * as x509 from '@peculiar/asn1-x509';

/** An issuer: its certificate, PEM, and its key. */
export interface Issuer {
  readonly cert: string;
  readonly key: KeyObject;
}
interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** The certificate, PEM, of a CA that signs itself and may have no CA below it. */
export function issueCa(name: string, key: KeyObject, validity: Validity): string {
  const publicKey = createPublicKey(key);
  const extensions = [
    extension(x509.id_ce_basicConstraints, new x509.BasicConstraints({ cA: true, pathLenConstraint: 0 }), true),
    extension(
      x509.id_ce_keyUsage,
      new x509.KeyUsage(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign),
      true,
    ),
    extension(x509.id_ce_subjectKeyIdentifier, keyIdentifier(publicKey)),
  ];
  return issue({ subject: commonName(name), issuer: commonName(name), publicKey, signer: key, validity, extensions });
}

/** A TLS server's certificate, PEM, for these DNS names and IP addresses; the first one is the common name, too. */
export function issueServer(
  hosts: readonly string[],
  publicKey: KeyObject,
  issuer: Issuer,
  validity: Validity,
): string {
  const names = hosts.map((host) => new x509.GeneralName(isIP(host) ? { iPAddress: host } : { dNSName: host }));
  const authority = new x509.AuthorityKeyIdentifier({ keyIdentifier: keyIdentifier(createPublicKey(issuer.key)) });
  const extensions = [
    extension(x509.id_ce_basicConstraints, new x509.BasicConstraints(), true),
    extension(x509.id_ce_keyUsage, new x509.KeyUsage(x509.KeyUsageFlags.digitalSignature), true),
    extension(x509.id_ce_extKeyUsage, new x509.ExtendedKeyUsage([x509.id_kp_serverAuth])),
    extension(x509.id_ce_subjectAltName, new x509.SubjectAlternativeName(names)),
    extension(x509.id_ce_subjectKeyIdentifier, keyIdentifier(publicKey)),
    extension(x509.id_ce_authorityKeyIdentifier, authority),
  ];
  const subject = commonName(hosts[0] ?? 'localhost');
  return issue({ subject, issuer: subjectOf(issuer), publicKey, signer: issuer.key, validity, extensions });
}

/** A device's certificate, PEM: for TLS clients, its common name is the identity. Signed by the issuer, or by itself. */
export function issueDevice(identity: string, key: KeyObject, issuer: Issuer | null, validity: Validity): string {
  const publicKey = createPublicKey(key);
  const extensions = [
    extension(x509.id_ce_basicConstraints, new x509.BasicConstraints(), true),
    extension(x509.id_ce_keyUsage, new x509.KeyUsage(x509.KeyUsageFlags.digitalSignature), true),
    extension(x509.id_ce_extKeyUsage, new x509.ExtendedKeyUsage([x509.id_kp_clientAuth])),
  ];
  const subject = commonName(identity);
  const from = issuer === null ? subject : subjectOf(issuer);
  return issue({ subject, issuer: from, publicKey, signer: issuer?.key ?? key, validity, extensions });
}

const subjectOf = ({ cert }: Issuer) =>
  AsnConvert.parse(new X509Certificate(cert).raw, x509.Certificate).tbsCertificate.subject;

interface Contents {
  readonly subject: x509.Name;
  readonly issuer: x509.Name;
  readonly publicKey: KeyObject;
  readonly signer: KeyObject;
  readonly validity: Validity;
  readonly extensions: x509.Extension[];
}

function issue({ subject, issuer, publicKey, signer, validity, extensions }: Contents): string {
  const signatureAlgorithm = algorithmOf(signer);
  const tbsCertificate = new x509.TBSCertificate({
    version: x509.Version.v3,
    serialNumber: serialNumber(),
    signature: signatureAlgorithm,
    issuer,
    validity: new x509.Validity({ notBefore: validity.notBefore, notAfter: validity.notAfter }),
    subject,
    subjectPublicKeyInfo: AsnConvert.parse(spki(publicKey), x509.SubjectPublicKeyInfo),
    extensions: new x509.Extensions(extensions),
  });
  const signature = sign('sha256', Buffer.from(AsnConvert.serialize(tbsCertificate)), signer);
  const signatureValue = new Uint8Array(signature).buffer;
  const certificate = new x509.Certificate({ tbsCertificate, signatureAlgorithm, signatureValue });
  return new X509Certificate(Buffer.from(AsnConvert.serialize(certificate))).toString();
}

/** RFC 5758, 3.2, ecdsa-with-SHA256; RFC 4055, 5, sha256WithRSAEncryption, whose parameters are NULL. */
function algorithmOf(signer: KeyObject): x509.AlgorithmIdentifier {
  if (signer.asymmetricKeyType === 'ec') return new x509.AlgorithmIdentifier({ algorithm: '1.2.840.10045.4.3.2' });
  const parameters = Uint8Array.of(0x05, 0x00).buffer;
  return new x509.AlgorithmIdentifier({ algorithm: '1.2.840.113549.1.1.11', parameters });
}

function extension(extnID: string, value: unknown, critical = false): x509.Extension {
  return new x509.Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) });
}

function commonName(text: string): x509.Name {
  const value = new x509.AttributeValue({ utf8String: text });
  const attribute = new x509.AttributeTypeAndValue({ type: '2.5.4.3', value });
  return new x509.Name([new x509.RelativeDistinguishedName([attribute])]);
}

/** RFC 7093, 2, method 1: 160 bits of the SHA-256 of the public key. */
function keyIdentifier(publicKey: KeyObject): x509.SubjectKeyIdentifier {
  const { subjectPublicKey } = AsnConvert.parse(spki(publicKey), x509.SubjectPublicKeyInfo);
  const digest = createHash('sha256').update(new Uint8Array(subjectPublicKey)).digest();
  return new x509.SubjectKeyIdentifier(new Uint8Array(digest.subarray(0, 20)));
}

function spki(publicKey: KeyObject): Buffer {
  return publicKey.export({ type: 'spki', format: 'der' });
}

/** RFC 5280, 4.1.2.2: positive, at most 20 bytes; 126 bits of it are random. */
function serialNumber(): ArrayBuffer {
  const bytes = new Uint8Array(randomBytes(16));
  bytes[0] = ((bytes[0] as number) & 0x3f) | 0x40;
  return bytes.buffer;
}
