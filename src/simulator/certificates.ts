/** Certificates of simulated devices: each on a key of its own, self-signed, or by a CA that the connector trusts. */
import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type Issuer, issueDevice } from '../x509/issue.ts';
import type { Secret } from './credentials.ts';
import { Explained } from './explained.ts';

const DAY = 86_400_000;
const VALID_DAYS = 365;

export type MakeCertificate = (identity: string) => Secret & { readonly type: 'certificate' };

/** Signed by `issuer`, or by itself. */
export function createCertificates(issuer: Issuer | null): MakeCertificate {
  return (identity) => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const now = Date.now();
    // A server whose clock is behind should take it, too.
    const validity = { notBefore: new Date(now - DAY), notAfter: new Date(now + VALID_DAYS * DAY) };
    const leaf = issueDevice(identity, privateKey, issuer, validity);
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    // The CA comes along, as it may be an intermediate one.
    return { type: 'certificate', cert: leaf + (issuer?.cert ?? ''), key };
  };
}

/** The CA of `--device-ca` and `--device-ca-key`. Throws Explained where they cannot be used. */
export async function readIssuer(certPath: string, keyPath: string): Promise<Issuer> {
  try {
    const cert = new X509Certificate(await readFile(certPath));
    const key = createPrivateKey(await readFile(keyPath));
    const type = key.asymmetricKeyType;
    if (type !== 'ec' && type !== 'rsa') throw new Error(`its key is of type ${type}, expected ec or rsa`);
    if (!cert.checkPrivateKey(key)) throw new Error('certificate and key do not belong together');
    return { cert: cert.toString(), key };
  } catch (error) {
    throw new Explained(`The CA of ${certPath} and ${keyPath} cannot be used: ${(error as Error).message}`);
  }
}
