/**
 * One certificate as path validation (RFC 5280, 6.1) looks at it: names, constraints and usages taken out of its extensions,
 * and what is wrong with it taken for itself. How certificates follow one another is decided in pki.ts.
 */
import type { X509Certificate } from 'node:crypto';
import { AsnConvert } from '@peculiar/asn1-schema';
import { BasicConstraints, Certificate, ExtendedKeyUsage, type Extension, KeyUsage } from '@peculiar/asn1-x509';
import { fingerprintOf, nameText } from './certificate.ts';
import { nameKey, serialKey } from './issuer-and-serial.ts';
import { type SignatureScheme, schemeOf } from './signature-scheme.ts';

export interface PathCertificate {
  readonly x509: X509Certificate;
  readonly fingerprint: string;
  /** The bits of the subject public key, hex. */
  readonly publicKey: string;
  /** Names as `nameKey` writes them. */
  readonly subject: string;
  readonly issuer: string;
  /** Subject and issuer for people, cut short. */
  readonly name: string;
  readonly issuerName: string;
  readonly serial: string;
  /** µs since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly isCa: boolean;
  /** How many intermediates may stand below; null = any number. */
  readonly pathLength: number | null;
  /** Null: the certificate does not restrict its use. */
  readonly keyUsage: readonly string[] | null;
  readonly extendedKeyUsage: readonly string[] | null;
  /** The first critical extension that this server does not process, as an OID. */
  readonly unknownCritical: string | null;
  /** Null: a signature that does not count. */
  readonly scheme: SignatureScheme | null;
  readonly signatureAlgorithm: string;
}

const BASIC_CONSTRAINTS = '2.5.29.19';
const KEY_USAGE = '2.5.29.15';
const EXTENDED_KEY_USAGE = '2.5.29.37';
// Besides those three: key identifiers, alternative names, CRL and policy pointers bind nobody who asks for no policy.
// Name and policy constraints are not processed; where one is critical, as RFC 5280 wants, the certificate is refused.
const understood = new Set([
  BASIC_CONSTRAINTS,
  KEY_USAGE,
  EXTENDED_KEY_USAGE,
  '2.5.29.14',
  '2.5.29.17',
  '2.5.29.18',
  '2.5.29.31',
  '2.5.29.32',
  '2.5.29.33',
  '2.5.29.35',
  '2.5.29.54',
]);

/** Throws if the extensions cannot be read, or if one of them stands twice (RFC 5280, 4.2). */
export function pathCertificate(x509: X509Certificate): PathCertificate {
  const { tbsCertificate: tbs, signatureAlgorithm } = AsnConvert.parse(x509.raw, Certificate);
  const extensions = new Map<string, Extension>();
  for (const extension of tbs.extensions ?? []) {
    if (extensions.has(extension.extnID)) throw new RangeError(`extension ${extension.extnID} stands twice`);
    extensions.set(extension.extnID, extension);
  }
  const extensionValue = (oid: string) => extensions.get(oid)?.extnValue.buffer;
  const [constraints, usage, extendedUsage] = [BASIC_CONSTRAINTS, KEY_USAGE, EXTENDED_KEY_USAGE].map(extensionValue);
  const basic = constraints && AsnConvert.parse(constraints, BasicConstraints);
  return {
    x509,
    fingerprint: fingerprintOf(x509),
    publicKey: Buffer.from(tbs.subjectPublicKeyInfo.subjectPublicKey).toString('hex'),
    subject: nameKey(tbs.subject),
    issuer: nameKey(tbs.issuer),
    name: shortName(x509.subject),
    issuerName: shortName(x509.issuer),
    serial: serialKey(Buffer.from(tbs.serialNumber).toString('hex')),
    notBefore: x509.validFromDate.getTime() * 1000,
    notAfter: x509.validToDate.getTime() * 1000,
    isCa: basic?.cA ?? false,
    pathLength: basic?.pathLenConstraint ?? null,
    keyUsage: usage ? AsnConvert.parse(usage, KeyUsage).toJSON() : null,
    extendedKeyUsage: extendedUsage ? [...AsnConvert.parse(extendedUsage, ExtendedKeyUsage)] : null,
    unknownCritical:
      tbs.extensions?.find(({ critical, extnID }) => critical && !understood.has(extnID))?.extnID ?? null,
    scheme: schemeOf(signatureAlgorithm),
    signatureAlgorithm: signatureAlgorithm.algorithm,
  };
}

/** Leaves room for the rest of the sentence (errors cut what they repeat). */
function shortName(name: string | undefined): string {
  const text = nameText(name);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
