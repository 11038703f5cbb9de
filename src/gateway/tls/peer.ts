/** What client certificate a TLS connection proved the key of. Decides nothing about its worth. */
import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { type ClientCertificate, clientCertificate } from '../../domain/certificate.ts';

/** Certificates taken from a handshake, the leaf included. */
const MAX_SENT = 8;
/** Characters of PEM that are kept of the intermediates, since they are stored with the device. */
const MAX_CHAIN = 32_768;

const known = new WeakMap<TLSSocket, ClientCertificate | null>();

/**
 * The certificate that the device presented in the handshake; null if none. A resumed session, in TLS 1.2 and in 1.3, brings
 * back the leaf of its first handshake but not the intermediates: `chain` is then empty, and the chain that was stored for
 * the fingerprint has to stand in. Stays the same for the life of the connection; asking again costs nothing. Throws AppError
 * PEM_INVALID for a certificate too long to keep.
 */
export function clientCertificateOf(socket: TLSSocket): ClientCertificate | null {
  const found = known.get(socket);
  if (found !== undefined) return found;
  const leaf = socket.getPeerX509Certificate();
  const certificate = leaf === undefined ? null : clientCertificate(leaf, chainBehind(leaf));
  known.set(socket, certificate);
  return certificate;
}

/** As sent, in the order sent. */
function chainBehind(leaf: X509Certificate): string[] {
  const chain: string[] = [];
  let size = 0;
  for (let sent = leaf.issuerCertificate; sent !== undefined; sent = sent.issuerCertificate) {
    const pem = sent.toString();
    size += pem.length;
    if (chain.length + 1 === MAX_SENT || size > MAX_CHAIN) break;
    chain.push(pem);
  }
  return chain;
}
