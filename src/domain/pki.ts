/**
 * Decides whether a device's certificate is to be trusted: by its dates, and by a path to one of the connector's CAs; and
 * whether an operator's CA or revocation list can be saved (provisioning.md, PKI). Knows no device, no connection and no
 * clock of its own.
 */
import { type ClientCertificate, parseCertificate } from './certificate.ts';
import { iso, MAX_PATH, maySignCertificates, searchPath, untrusted } from './certification-path.ts';
import { AppError } from './errors.ts';
import { type PathCertificate, pathCertificate } from './path-certificate.ts';
import { parseRevocationList, type RevocationList } from './revocation.ts';

/** CERTIFICATE_NOT_YET_VALID or CERTIFICATE_EXPIRED at `now` (µs), with both times and the clock; null if it is in force. */
export function checkDates(
  certificate: Pick<ClientCertificate, 'notBefore' | 'notAfter'>,
  now: number,
): AppError | null {
  const { notBefore, notAfter } = certificate;
  const seen = `notBefore ${iso(notBefore)} and notAfter ${iso(notAfter)}`;
  const clock = `the server's clock, which reads ${iso(now)}`;
  if (now < notBefore) {
    return new AppError('CERTIFICATE_NOT_YET_VALID', { seen, wanted: `notBefore not to be after ${clock}` });
  }
  if (now > notAfter) {
    return new AppError('CERTIFICATE_EXPIRED', { seen, wanted: `notAfter to be after ${clock}` });
  }
  return null;
}

/**
 * Whether the certificate is in force at `now` (µs), leads to one of the CAs over the intermediates that the device sent, and
 * is on no list; if not, CERTIFICATE_EXPIRED, _NOT_YET_VALID, _REVOKED or _UNTRUSTED. What was parsed of `client_ca` and
 * `crl` is kept for as long as the two arrays live: they are taken as never changed in place.
 */
export function checkChain(certificate: ClientCertificate, pki: Pki, now: number): AppError | null {
  const found = trustedUntil(certificate, pki, now);
  return typeof found === 'number' ? null : found;
}

/** As `checkChain`; a trusted certificate's answer is when the first certificate on its way to the CA ends, µs. */
export function trustedUntil(certificate: ClientCertificate, pki: Pki, now: number): AppError | number {
  const dates = checkDates(certificate, now);
  if (dates !== null) return dates;
  const trust = { anchors: anchorsOf(pki.client_ca), lists: listsOf(pki.crl) };
  const leaf = readable(certificate.certificate);
  if (leaf === null) return untrusted('a certificate whose extensions cannot be read');
  const sent = certificate.chain.slice(0, MAX_PATH).map(readable);
  const intermediates = sent.filter((candidate) => candidate !== null);
  return searchPath(leaf, intermediates, trust, now);
}

/** PEM certificates of CAs, and PEM revocation lists. */
interface Pki {
  readonly client_ca: readonly string[];
  readonly crl: readonly string[];
}

/** Whether a PEM text can be saved as a CA of a connector: PEM_INVALID or CA_INVALID if not. */
export function checkCaCertificate(pem: string): AppError | null {
  return refusalOf(() => {
    const { isCa, keyUsage, unknownCritical, name } = pathCertificate(parseCertificate(pem));
    const seen = !isCa
      ? `the certificate of ${name}, which is not marked as a CA`
      : !maySignCertificates(keyUsage)
        ? `the CA ${name}, whose key usage lacks keyCertSign`
        : unknownCritical !== null
          ? `the CA ${name} with the critical extension ${unknownCritical}, which this server does not process`
          : null;
    const wanted = 'a certificate with the basic constraint CA:TRUE that may sign certificates';
    if (seen !== null) throw new AppError('CA_INVALID', { seen, wanted });
  });
}

/** Whether a PEM text can be saved as a revocation list of a connector: CRL_INVALID if not. */
export function checkCrl(pem: string): AppError | null {
  return refusalOf(() => parseRevocationList(pem));
}

const parsedAnchors = new WeakMap<readonly string[], PathCertificate[]>();
const parsedLists = new WeakMap<readonly string[], RevocationList[] | null>();

/** A CA that cannot be read vouches for nobody. */
function anchorsOf(pems: readonly string[]): readonly PathCertificate[] {
  const known = parsedAnchors.get(pems) ?? pems.map(readable).filter((anchor) => anchor !== null);
  parsedAnchors.set(pems, known);
  return known;
}

function listsOf(pems: readonly string[]): readonly RevocationList[] | null {
  const lists = parsedLists.has(pems) ? (parsedLists.get(pems) ?? null) : readLists(pems);
  parsedLists.set(pems, lists);
  return lists;
}

/** Null if one of them cannot be read. */
function readLists(pems: readonly string[]): RevocationList[] | null {
  try {
    return pems.map(parseRevocationList);
  } catch {
    return null;
  }
}

function readable(pem: string): PathCertificate | null {
  try {
    return pathCertificate(parseCertificate(pem));
  } catch {
    return null;
  }
}

function refusalOf(check: () => void): AppError | null {
  try {
    check();
    return null;
  } catch (error) {
    if (error instanceof AppError) return error;
    return new AppError('CA_INVALID', { seen: 'a certificate whose extensions cannot be read', cause: error });
  }
}
