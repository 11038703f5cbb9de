/** How both device doors do TLS (device-http.md, General and Client certificates). */
import { constants } from 'node:crypto';
import type { TlsOptions } from 'node:tls';

/** A server certificate with what follows it in its chain, and its private key; PEM. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

/** How long a device may resume its session, in seconds; its certificate is checked again each time all the same. */
const SESSION_SECONDS = 86_400;

/**
 * Options for `tls.createServer` and `https.createServer`, and for `setSecureContext` when the identity changes: new
 * connections then get the new one, and sessions of before are not resumed but made anew.
 */
export function tlsOptions({ cert, key }: Identity, protocols: string[] = ['http/1.1', 'http/1.0']): TlsOptions {
  return {
    cert,
    key,
    minVersion: 'TLSv1.2',
    honorCipherOrder: true,
    // Asked for, not required; what it is worth is decided by the rules, and answered in words, not by a TLS alert.
    requestCert: true,
    rejectUnauthorized: false,
    ALPNProtocols: protocols,
    // Without renegotiation a connection has one client certificate for all its life.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    sessionIdContext: 'slipway',
    sessionTimeout: SESSION_SECONDS,
    handshakeTimeout: 10_000,
  };
}
