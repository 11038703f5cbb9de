/**
 * The local CA: made once in the data folder, it signs the server certificate that is used where the operator has none
 * (running.md, SLIPWAY_TLS_CERT). Devices pin `ca.pem`, so it is never replaced by itself.
 *
 * Where several servers share an installation, the CA is the one that the first of them offered (`KeepAuthority`).
 *
 * Each key is written once and before its certificate; only the server's certificate is ever replaced. So there is no
 * moment at which a crash leaves a certificate on disk that does not belong to its key.
 */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  X509Certificate,
} from 'node:crypto';
import { chmod, mkdir } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { createFile, readIfThere, replaceFile } from '../../durable-file.ts';
import { type Issuer, issueCa, issueServer } from '../../x509/issue.ts';

/** PEM texts, and where the CA certificate is that clients need. */
export interface Authority {
  readonly cert: string;
  readonly key: string;
  readonly caPath: string;
}

/** Given the PEM texts of a CA, its key first, answers those that the installation keeps: these, or those of another server. */
export type KeepAuthority = (pem: string) => Promise<string>;

const DAY = 86_400_000;
const CA_DAYS = 3650;
/** What TLS clients accept at most of a server certificate. */
const SERVER_DAYS = 397;
const RENEW_DAYS = 30;
/** Devices whose clock is behind should accept a new certificate, too. */
const BACKDATED = DAY;

/**
 * The server certificate for `*.m2.<domain>` and its key, from `folder`: made, or signed again when less than 30 days are
 * left or the domain is another one. Throws Error if the folder holds a CA that cannot be used.
 */
export async function ensureAuthority(
  folder: string,
  domain: string,
  now: Date,
  keep: KeepAuthority = async (pem) => pem,
): Promise<Authority> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  const caPath = join(folder, 'ca.pem');
  const ca = await ensureCa(folder, caPath, now, keep);
  const key = await ensureKey(join(folder, 'server-key.pem'));
  const cert = await ensureServerCertificate(join(folder, 'server.pem'), hostsOf(domain), key, ca, now);
  return { cert, key: toPem(key), caPath };
}

async function ensureCa(folder: string, caPath: string, now: Date, keep: KeepAuthority): Promise<Issuer> {
  const keyPath = join(folder, 'ca-key.pem');
  const there = await readIfThere(caPath);
  if (there !== null && (await readIfThere(keyPath)) === null) {
    throw new Error(`${keyPath} is missing, and ${caPath} is there. Restore the key, or remove both to make a new CA.`);
  }
  const own = await ensureKey(keyPath);
  const kept = splitPair(await keep(toPem(own) + (there ?? newCa(own, now))));
  if (there !== null && there !== kept.cert) {
    throw new Error(
      `${caPath} is another CA than the one in the database, which devices trust. Remove its folder to get that one.`,
    );
  }
  const key = readKey(keyPath, kept.key);
  if (kept.key !== toPem(own)) await replaceFile(keyPath, kept.key, 0o600);
  const cert = await createFile(caPath, kept.cert, 0o644);
  const x509 = parse(cert);
  if (x509?.checkPrivateKey(key) !== true) {
    throw new Error(
      `${caPath} is not the certificate of ${keyPath}. Restore the pair, or remove both to make a new CA.`,
    );
  }
  if (x509.validToDate <= now) {
    throw new Error(
      `The local CA ${caPath} ended at ${x509.validToDate.toISOString()}. Remove its folder to make a new one.`,
    );
  }
  return { cert, key };
}

function newCa(key: KeyObject, now: Date): string {
  return issueCa(`Slipway local CA ${randomBytes(4).toString('hex')}`, key, validity(now, CA_DAYS));
}

/** Key and certificate as they were kept, one behind the other. */
function splitPair(pem: string): { readonly key: string; readonly cert: string } {
  const at = pem.indexOf('-----BEGIN CERTIFICATE-----');
  return { key: pem.slice(0, at), cert: pem.slice(at) };
}

async function ensureServerCertificate(
  path: string,
  hosts: readonly string[],
  key: KeyObject,
  ca: Issuer,
  now: Date,
): Promise<string> {
  const there = await readIfThere(path);
  if (there !== null && isGood(parse(there), hosts, key, ca, now)) return there;
  const { notBefore, notAfter } = validity(now, SERVER_DAYS);
  const end = Math.min(notAfter.getTime(), new X509Certificate(ca.cert).validToDate.getTime());
  const cert = issueServer(hosts, createPublicKey(key), ca, { notBefore, notAfter: new Date(end) });
  await replaceFile(path, cert, 0o644);
  return cert;
}

function isGood(
  x509: X509Certificate | null,
  hosts: readonly string[],
  key: KeyObject,
  ca: Issuer,
  now: Date,
): boolean {
  if (x509 === null || !x509.checkPrivateKey(key) || !x509.verify(createPublicKey(ca.key))) return false;
  if (x509.validFromDate > now) return false;
  // In the last days of the CA itself there is nothing longer to be had.
  const end = Math.min(now.getTime() + RENEW_DAYS * DAY, new X509Certificate(ca.cert).validToDate.getTime());
  return x509.validToDate.getTime() >= end && covers(x509, hosts);
}

function covers(x509: X509Certificate, hosts: readonly string[]): boolean {
  return hosts.every((host) =>
    isIP(host) ? x509.checkIP(host) !== undefined : x509.checkHost(host.replace('*', 'probe')) !== undefined,
  );
}

function hostsOf(domain: string): string[] {
  return [...new Set([`*.m2.${domain}`, `m2.${domain}`, domain, 'localhost', '127.0.0.1', '::1'])];
}

async function ensureKey(path: string): Promise<KeyObject> {
  const there = await readIfThere(path);
  if (there !== null) return readKey(path, there);
  return readKey(path, await createFile(path, toPem(newKey()), 0o600));
}

function readKey(path: string, pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw new Error(`${path} holds no private key that can be read.`, { cause });
  }
}

function newKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
}

function toPem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

function parse(pem: string): X509Certificate | null {
  try {
    return new X509Certificate(pem);
  } catch {
    return null;
  }
}

/** X.509 counts whole seconds, and both ends belong to the period. */
function validity(now: Date, days: number): { notBefore: Date; notAfter: Date } {
  const start = Math.floor((now.getTime() - BACKDATED) / 1000) * 1000;
  return { notBefore: new Date(start), notAfter: new Date(start + days * DAY - 1000) };
}
