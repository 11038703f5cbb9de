/** Which signatures on certificates and revocation lists count, and with which hash they are made. */
import { constants, type KeyObject, verify } from 'node:crypto';
import type { AlgorithmIdentifier } from '@peculiar/asn1-x509';
import { childrenOf, readNode } from './der.ts';

/** `hash` null: the scheme hashes by itself (EdDSA). */
export interface SignatureScheme {
  readonly hash: string | null;
  readonly pss: boolean;
}

// RFC 4055, 5758, 8410. MD5 and SHA-1 are missing: with those, whoever gets one certificate can forge another.
const schemes = new Map<string, SignatureScheme>([
  ['1.2.840.113549.1.1.11', { hash: 'sha256', pss: false }],
  ['1.2.840.113549.1.1.12', { hash: 'sha384', pss: false }],
  ['1.2.840.113549.1.1.13', { hash: 'sha512', pss: false }],
  ['1.2.840.10045.4.3.2', { hash: 'sha256', pss: false }],
  ['1.2.840.10045.4.3.3', { hash: 'sha384', pss: false }],
  ['1.2.840.10045.4.3.4', { hash: 'sha512', pss: false }],
  ['1.3.101.112', { hash: null, pss: false }],
  ['1.3.101.113', { hash: null, pss: false }],
]);
const RSASSA_PSS = '1.2.840.113549.1.1.10';
const pssHashes = new Map([
  ['608648016503040201', 'sha256'],
  ['608648016503040202', 'sha384'],
  ['608648016503040203', 'sha512'],
]);

/** What is taken, in words, for an error text. */
export const schemesWanted = 'RSA or ECDSA with SHA-256, SHA-384 or SHA-512, or EdDSA';

/** Null if the algorithm is not one that counts. */
export function schemeOf(algorithm: AlgorithmIdentifier): SignatureScheme | null {
  if (algorithm.algorithm !== RSASSA_PSS) return schemes.get(algorithm.algorithm) ?? null;
  const hash = pssHash(algorithm.parameters);
  return hash === undefined ? null : { hash, pss: true };
}

/** True if `key` made this signature over these bytes. Never throws: a key of another kind has not. */
export function isSignedBy(scheme: SignatureScheme, bytes: Uint8Array, key: KeyObject, signature: Uint8Array): boolean {
  try {
    const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO };
    return verify(scheme.hash, bytes, scheme.pss ? { key, ...pss } : key, signature);
  } catch {
    return false;
  }
}

/** RFC 4055, 3.1: RSASSA-PSS-params; a hash that is left out means SHA-1. */
function pssHash(parameters: ArrayBuffer | null | undefined): string | undefined {
  if (!parameters) return undefined;
  try {
    const der = Buffer.from(parameters);
    const [explicit] = childrenOf(der, readNode(der, 0, der.length));
    if (explicit?.tag !== 0xa0) return undefined;
    const algorithm = readNode(der, explicit.content, explicit.end);
    const oid = readNode(der, algorithm.content, algorithm.end);
    return pssHashes.get(der.subarray(oid.content, oid.end).toString('hex'));
  } catch {
    return undefined;
  }
}
