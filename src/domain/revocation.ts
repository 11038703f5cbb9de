/**
 * Reads certificate revocation lists (RFC 5280, 5) and answers which serial numbers are on them. What a hit means for a
 * device is decided in pki.ts.
 *
 * A list is used for the entries that it has for as long as the operator keeps it, also past its `nextUpdate`: a
 * certificate once revoked does not come back because nobody fetched a newer list. The `cRLSign` bit of the issuer is not
 * asked for either: it was the operator who loaded the list, and the signature shows whose it is.
 */
import { AsnConvert } from '@peculiar/asn1-schema';
import { AlgorithmIdentifier, Extensions, Name } from '@peculiar/asn1-x509';
import { childrenOf, type DerNode, expectTag, readNode, readWhole, tags } from './der.ts';
import { AppError } from './errors.ts';
import { nameKey, serialKey } from './issuer-and-serial.ts';
import { decodePem } from './pem.ts';
import { type SignatureScheme, schemeOf, schemesWanted } from './signature-scheme.ts';

export interface RevocationList {
  /** As `nameKey` writes it. */
  readonly issuer: string;
  /** Serial numbers as `serialKey` writes them. */
  readonly serials: ReadonlySet<string>;
  readonly scheme: SignatureScheme;
  /** The signed bytes. */
  readonly tbs: Uint8Array;
  readonly signature: Uint8Array;
}

/** Longest list that is taken, in characters of PEM: about half a million entries. */
const MAX_LIST = 16_777_216;

const DELTA_INDICATOR = '2.5.29.27';
const ISSUING_POINT = '2.5.29.28';
// cRLNumber, authorityKeyIdentifier and issuingDistributionPoint: understood, or of no consequence for entries.
const understood = new Set(['2.5.29.20', '2.5.29.35', ISSUING_POINT]);

/** One PEM list, and nothing beside it. Throws AppError CRL_INVALID, also for kinds of list that cannot be used alone. */
export function parseRevocationList(pem: string): RevocationList {
  const der = decodePem(pem, 'X509 CRL', MAX_LIST, 'CRL_INVALID');
  try {
    return readList(der);
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError('CRL_INVALID', { seen: 'a block that holds no revocation list', cause: error });
  }
}

function readList(der: Buffer): RevocationList {
  const [tbs, algorithm, signature] = childrenOf(der, readWhole(der, tags.sequence));
  expectTag(signature, tags.bitString);
  const identifier = AsnConvert.parse(slice(der, expectTag(algorithm, tags.sequence)), AlgorithmIdentifier);
  const scheme = schemeOf(identifier);
  if (scheme === null) {
    throw new AppError('CRL_INVALID', { seen: `signature algorithm ${identifier.algorithm}`, wanted: schemesWanted });
  }
  const { issuer, revoked, extensions } = readTbs(der, expectTag(tbs, tags.sequence));
  if (extensions) refuseUnusable(AsnConvert.parse(contentOf(der, extensions), Extensions));
  return {
    issuer: nameKey(AsnConvert.parse(slice(der, issuer), Name)),
    serials: readSerials(der, revoked),
    scheme,
    tbs: slice(der, tbs as DerNode),
    // The first byte of a BIT STRING counts its unused bits.
    signature: contentOf(der, signature as DerNode).subarray(1),
  };
}

/** RFC 5280, 5.1.2: version?, signature, issuer, thisUpdate, nextUpdate?, revokedCertificates?, [0] extensions?. */
function readTbs(der: Buffer, tbs: DerNode) {
  const nodes = [...childrenOf(der, tbs)];
  if (nodes[0]?.tag === tags.integer) nodes.shift();
  expectTag(nodes.shift(), tags.sequence);
  const issuer = expectTag(nodes.shift(), tags.sequence);
  while (nodes[0]?.tag === tags.utcTime || nodes[0]?.tag === tags.generalizedTime) nodes.shift();
  const revoked = nodes[0]?.tag === tags.sequence ? nodes.shift() : undefined;
  const extensions = nodes[0]?.tag === 0xa0 ? nodes.shift() : undefined;
  if (nodes.length > 0) throw new RangeError('unknown element in TBSCertList');
  return { issuer, revoked, extensions };
}

function readSerials(der: Buffer, revoked: DerNode | undefined): Set<string> {
  const serials = new Set<string>();
  if (revoked === undefined) return serials;
  for (const entry of childrenOf(der, revoked)) {
    const { content, end } = expectTag(readNode(der, expectTag(entry, tags.sequence).content, entry.end), tags.integer);
    serials.add(serialKey(der.toString('hex', content, end)));
  }
  return serials;
}

/** Lists that mean something only together with another one, or that speak for other issuers, are refused when loaded. */
function refuseUnusable(extensions: Extensions): void {
  for (const { extnID, critical, extnValue } of extensions) {
    const seen =
      extnID === DELTA_INDICATOR
        ? 'a delta list'
        : extnID === ISSUING_POINT && isIndirect(Buffer.from(extnValue.buffer))
          ? 'an indirect list'
          : critical && !understood.has(extnID)
            ? `the unknown critical extension ${extnID}`
            : null;
    if (seen !== null) throw new AppError('CRL_INVALID', { seen, wanted: 'a complete list of one CA (RFC 5280, 5)' });
  }
}

/** RFC 5280, 5.2.5: indirectCRL is [4]. */
function isIndirect(point: Buffer): boolean {
  return Array.from(childrenOf(point, readWhole(point, tags.sequence))).some(
    ({ tag, content }) => tag === 0x84 && point[content] !== 0,
  );
}

function slice(der: Buffer, { start, end }: DerNode): Buffer {
  return der.subarray(start, end);
}

function contentOf(der: Buffer, { content, end }: DerNode): Buffer {
  return der.subarray(content, end);
}
