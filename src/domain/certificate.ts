/**
 * Reads X.509 certificates: what a device is known by, and what an operator wants to see. Whether one is to be trusted is
 * decided in pki.ts.
 */
import { createHash, type KeyObject, X509Certificate } from 'node:crypto';
import type { Credential } from './device.ts';
import { AppError, printable } from './errors.ts';
import { decodePem } from './pem.ts';

/** A certificate as a device presented it. */
export interface ClientCertificate {
  /** The one common name of the subject; null if it has none or several. */
  readonly commonName: string | null;
  /** SHA-256 of the certificate, lower-case hex. */
  readonly fingerprint: string;
  /** SHA-256 of the subject public key info (DER), lower-case hex. */
  readonly publicKey: string;
  /** The leaf, PEM. */
  readonly certificate: string;
  /** Intermediates that the device sent, PEM, leaf side first. */
  readonly chain: readonly string[];
  /** µs since the epoch, both inclusive. */
  readonly notBefore: number;
  /** Capped at the largest safe integer (the year 2255): "no end", 9999-12-31, does not fit into exact µs. */
  readonly notAfter: number;
}

/** What an operator sees before a certificate is saved (provisioning.md, PKI). Times in µs since the epoch. */
export interface CertificateDescription {
  readonly subject: string;
  readonly issuer: string;
  /** Upper-case hex, as openssl writes it. */
  readonly serial: string;
  readonly not_before: number;
  readonly not_after: number;
  /** SHA-256, lower-case hex. */
  readonly fingerprint: string;
  readonly is_ca: boolean;
  /** Kind and size: `RSA 2048`, `EC P-256`, `ED25519`. */
  readonly key: string;
}

/** Longest certificate that is taken, in characters of PEM. */
export const MAX_CERTIFICATE = 16_384;

/** One PEM certificate, and nothing beside it, as a device's. Throws AppError PEM_INVALID. */
export function readCertificate(pem: string, chain: readonly string[] = []): ClientCertificate {
  return clientCertificate(parseCertificate(pem), chain);
}

/** One PEM certificate, and nothing beside it. Throws AppError PEM_INVALID. */
export function parseCertificate(pem: string): X509Certificate {
  const der = decodePem(pem, 'CERTIFICATE', MAX_CERTIFICATE, 'PEM_INVALID');
  try {
    const x509 = new X509Certificate(der);
    // A key that OpenSSL cannot read throws here, where it can still be told what was wrong.
    if (x509.publicKey && x509.raw.length === der.length) return x509;
  } catch (cause) {
    throw new AppError('PEM_INVALID', { seen: 'a block that holds no X.509 certificate', cause });
  }
  throw new AppError('PEM_INVALID', { seen: 'a certificate with bytes behind its end' });
}

/** The same from a certificate that is already parsed, as the handshake gives it. Throws PEM_INVALID if it is too long. */
export function clientCertificate(x509: X509Certificate, chain: readonly string[]): ClientCertificate {
  const certificate = x509.toString();
  if (certificate.length > MAX_CERTIFICATE) {
    throw new AppError('PEM_INVALID', {
      seen: `${certificate.length} characters`,
      wanted: `${MAX_CERTIFICATE} at most`,
    });
  }
  return {
    commonName: commonNameOf(x509),
    fingerprint: fingerprintOf(x509),
    publicKey: createHash('sha256')
      .update(x509.publicKey.export({ type: 'spki', format: 'der' }))
      .digest('hex'),
    certificate,
    chain,
    notBefore: micros(x509.validFromDate),
    notAfter: Math.min(micros(x509.validToDate), Number.MAX_SAFE_INTEGER),
  };
}

/** What is stored of a certificate that a device is bound to. */
export function toCredential(certificate: ClientCertificate): Extract<Credential, { type: 'certificate' }> {
  const { fingerprint, publicKey, certificate: pem, chain, notBefore, notAfter } = certificate;
  return { type: 'certificate', fingerprint, publicKey, certificate: pem, chain, notBefore, notAfter };
}

/** The console's DECODE. Throws AppError PEM_INVALID. */
export function describeCertificate(pem: string): CertificateDescription {
  const x509 = parseCertificate(pem);
  return {
    subject: nameText(x509.subject),
    issuer: nameText(x509.issuer),
    serial: x509.serialNumber,
    not_before: micros(x509.validFromDate),
    not_after: micros(x509.validToDate),
    fingerprint: fingerprintOf(x509),
    is_ca: x509.ca,
    key: keyText(x509.publicKey),
  };
}

/** SHA-256 of the whole certificate, lower-case hex. */
export function fingerprintOf(x509: X509Certificate): string {
  return x509.fingerprint256.replaceAll(':', '').toLowerCase();
}

/** A name in one line, for people: `O=Acme, CN=Root`. OpenSSL has escaped whatever could break out of it. */
export function nameText(name: string | undefined): string {
  return name ? printable(name.replaceAll('\n', ', ')) : '(no name)';
}

// The text form of a subject is open to confusion; OpenSSL's parsed attributes are not: several CNs arrive as an array.
function commonNameOf(x509: X509Certificate): string | null {
  const subject = x509.toLegacyObject().subject as unknown as Record<string, unknown> | undefined;
  const name = subject?.CN;
  return typeof name === 'string' && name !== '' ? name : null;
}

function micros(date: Date): number {
  return date.getTime() * 1000;
}

const curves: Record<string, string> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' };

function keyText(key: KeyObject): string {
  const { modulusLength, namedCurve } = key.asymmetricKeyDetails ?? {};
  const kind = (key.asymmetricKeyType ?? 'unknown').toUpperCase();
  if (namedCurve !== undefined) return `${kind} ${curves[namedCurve] ?? namedCurve}`;
  return modulusLength === undefined ? kind : `${kind} ${modulusLength}`;
}
