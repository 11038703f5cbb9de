/**
 * Finds a path from a device's certificate to a CA of its connector, and says what is wrong with each (RFC 5280, 6.1).
 * Takes parsed certificates and a time; knows no PEM and no settings.
 *
 * Policies, name constraints and fetching anything over the network are left out; a certificate that insists on what is
 * left out (a critical extension) is refused.
 */
import { AppError } from './errors.ts';
import type { PathCertificate } from './path-certificate.ts';
import type { RevocationList } from './revocation.ts';
import { isSignedBy, schemesWanted } from './signature-scheme.ts';

/** Certificates in a path, leaf and CA included. */
export const MAX_PATH = 8;
/** Signers remembered per revocation list. */
const MAX_SIGNERS = 64;

const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
const ANY_USAGE = '2.5.29.37.0';

/** The connector's side, parsed. */
export interface Trust {
  readonly anchors: readonly PathCertificate[];
  /** Null: a list is stored that cannot be read; then nobody can be said to be not on it. */
  readonly lists: readonly RevocationList[] | null;
}

/**
 * Depth first from the leaf over the intermediates sent; the first path on which nothing is wrong decides: the answer is
 * when its first certificate ends. Else CERTIFICATE_REVOKED or CERTIFICATE_UNTRUSTED. Times in µs.
 */
export function searchPath(
  leaf: PathCertificate,
  sent: readonly PathCertificate[],
  trust: Trust,
  now: number,
): AppError | number {
  const faults: AppError[] = [];
  let until = 0;
  let end: PathCertificate = leaf;
  let deepest = 1;
  const isSigned = memoizedSignatures();

  const walk = (path: readonly PathCertificate[]): boolean => {
    const tip = path[path.length - 1] as PathCertificate;
    if (path.length > deepest) [end, deepest] = [tip, path.length];
    if (trust.anchors.some(({ fingerprint }) => fingerprint === tip.fingerprint)) return accept(path);
    if (path.length === MAX_PATH) return false;
    const follows = (issuer: PathCertificate) =>
      issuer.subject === tip.issuer && !path.some((other) => isSameCa(other, issuer)) && isSigned(tip, issuer);
    return (
      trust.anchors.some((anchor) => follows(anchor) && accept([...path, anchor])) ||
      sent.some((issuer) => follows(issuer) && walk([...path, issuer]))
    );
  };
  const accept = (path: readonly PathCertificate[]): boolean => {
    const fault = faultOf(path, trust, now);
    if (fault === null) until = Math.min(...path.map(({ notAfter }) => notAfter));
    else faults.push(fault);
    return fault === null;
  };

  if (walk([leaf])) return until;
  return faults.find(({ code }) => code === 'CERTIFICATE_REVOKED') ?? faults[0] ?? noPath(end, trust.anchors);
}

/** A path that comes back to a name and key has learned nothing; without this, a few twins would make thousands of paths. */
function isSameCa(one: PathCertificate, other: PathCertificate): boolean {
  return one.subject === other.subject && one.publicKey === other.publicKey;
}

/** What is wrong with a path from leaf to CA whose signatures and names fit, if anything. */
function faultOf(path: readonly PathCertificate[], trust: Trust, now: number): AppError | null {
  let intermediates = 0;
  for (const [index, certificate] of path.entries()) {
    const isAnchor = index === path.length - 1;
    const fault =
      restrictionFault(certificate, isAnchor) ??
      (index === 0 ? leafFault(certificate) : issuerFault(certificate, intermediates, now));
    if (fault !== null) return fault;
    // RFC 5280, 4.2.1.9: self-issued certificates are not counted.
    if (index > 0 && certificate.subject !== certificate.issuer) intermediates++;
  }
  if (trust.lists === null) return untrusted('a revocation list of the connector that cannot be read', 'usable lists');
  for (const [index, certificate] of path.slice(0, -1).entries()) {
    const fault = revocationFault(certificate, path[index + 1] as PathCertificate, trust);
    if (fault !== null) return fault;
  }
  return null;
}

/** What any certificate of a path must not be. The signature of a CA that is trusted as it stands proves nothing more. */
function restrictionFault(certificate: PathCertificate, isAnchor: boolean): AppError | null {
  const { name, unknownCritical, extendedKeyUsage, scheme, signatureAlgorithm } = certificate;
  if (unknownCritical !== null) {
    return untrusted(`${name} with the critical extension ${unknownCritical}`, 'critical extensions that it processes');
  }
  if (extendedKeyUsage !== null && !extendedKeyUsage.some((usage) => usage === CLIENT_AUTH || usage === ANY_USAGE)) {
    return untrusted(`${name} with an extended key usage without clientAuth`, 'clientAuth, or no extended key usage');
  }
  if (scheme === null && !isAnchor) {
    return untrusted(`${name} signed with algorithm ${signatureAlgorithm}`, schemesWanted);
  }
  return null;
}

/** What the device's own certificate must be: in TLS, a client proves its key by a signature (RFC 5280, 4.2.1.12). */
function leafFault({ name, keyUsage }: PathCertificate): AppError | null {
  if (keyUsage === null || keyUsage.includes('digitalSignature') || keyUsage.includes('keyAgreement')) return null;
  return untrusted(`${name}, whose key usage lacks digitalSignature`, 'digitalSignature, or no key usage');
}

/** What the issuer of another certificate must be. */
function issuerFault(issuer: PathCertificate, intermediatesBelow: number, now: number): AppError | null {
  const { name, isCa, keyUsage, pathLength, notBefore, notAfter } = issuer;
  if (!isCa) return untrusted(`issuer ${name}, which is no CA`, 'issuers with the basic constraint CA:TRUE');
  if (!maySignCertificates(keyUsage))
    return untrusted(`issuer ${name}, whose key usage lacks keyCertSign`, 'keyCertSign');
  if (pathLength !== null && intermediatesBelow > pathLength) {
    return untrusted(`${intermediatesBelow} intermediates below ${name}`, `${pathLength} at most (its path length)`);
  }
  if (now < notBefore || now > notAfter) {
    const dates = `valid from ${iso(notBefore)} to ${iso(notAfter)}`;
    return untrusted(`issuer ${name}, ${dates}`, `issuers in force at the server's clock, ${iso(now)}`);
  }
  return null;
}

/**
 * Lists of the issuer's name that the issuer's key signed are asked. One that another known CA of that name signed (a CA made
 * anew under its old name) is that CA's. One that nobody known signed refuses: it may hold what should have been revoked.
 */
function revocationFault(certificate: PathCertificate, issuer: PathCertificate, trust: Trust): AppError | null {
  for (const list of trust.lists ?? []) {
    if (list.issuer !== certificate.issuer) continue;
    if (isListOf(list, issuer)) {
      if (!list.serials.has(certificate.serial)) continue;
      const seen = `serial number ${certificate.x509.serialNumber} of issuer ${issuer.name}`;
      return new AppError('CERTIFICATE_REVOKED', { seen, wanted: 'a certificate that is not on the list' });
    }
    if (!trust.anchors.some((anchor) => anchor.subject === list.issuer && isListOf(list, anchor))) {
      return untrusted(
        `a revocation list of ${issuer.name} that its key did not sign`,
        'a list signed by the issuing CA',
      );
    }
  }
  return null;
}

// A list may be megabytes: who signed it is found out once per list and CA.
const listSigners = new WeakMap<RevocationList, Map<string, boolean>>();

function isListOf(list: RevocationList, issuer: PathCertificate): boolean {
  const known = listSigners.get(list) ?? new Map<string, boolean>();
  if (known.size === MAX_SIGNERS) known.clear();
  listSigners.set(list, known);
  const answer =
    known.get(issuer.fingerprint) ?? isSignedBy(list.scheme, list.tbs, issuer.x509.publicKey, list.signature);
  known.set(issuer.fingerprint, answer);
  return answer;
}

function noPath(end: PathCertificate, anchors: readonly PathCertificate[]): AppError {
  const namesake = anchors.find(({ subject }) => subject === end.issuer);
  const issuer = end.issuerName;
  const seen =
    namesake !== undefined
      ? `${end.name}, not signed by the key of the CA ${issuer}`
      : end.issuer === end.subject
        ? `${end.name}, signed by itself`
        : `${end.name}, whose issuer ${issuer} is no such CA and was not sent along`;
  const names = anchors.slice(0, 3).map(({ name }) => name);
  const more = anchors.length > 3 ? ` or ${anchors.length - 3} more` : '';
  return untrusted(
    seen,
    anchors.length === 0 ? 'a CA, and the connector has none' : `a path to ${names.join(' or ')}${more}`,
  );
}

function memoizedSignatures(): (certificate: PathCertificate, issuer: PathCertificate) => boolean {
  const known = new Map<string, boolean>();
  return (certificate, issuer) => {
    const key = `${certificate.fingerprint} ${issuer.fingerprint}`;
    const answer = known.get(key) ?? verifies(certificate, issuer);
    known.set(key, answer);
    return answer;
  };
}

function verifies(certificate: PathCertificate, issuer: PathCertificate): boolean {
  try {
    return certificate.x509.verify(issuer.x509.publicKey);
  } catch {
    return false;
  }
}

/** Whether this key usage, if there is one, lets its key sign certificates. */
export function maySignCertificates(keyUsage: readonly string[] | null): boolean {
  return keyUsage === null || keyUsage.includes('keyCertSign');
}

/** CERTIFICATE_UNTRUSTED, with what was seen in the path and what would have been taken. */
export function untrusted(seen: string, wanted?: string): AppError {
  return new AppError('CERTIFICATE_UNTRUSTED', { seen, wanted });
}

/** A time in µs as ISO 8601. */
export function iso(micros: number): string {
  const date = new Date(micros / 1000);
  return Number.isNaN(date.getTime()) ? `${micros} µs since the epoch` : date.toISOString();
}
