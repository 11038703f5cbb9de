/**
 * Turns a credential that an operator gives beforehand (management-api.md, `auth.key`) into what is stored of it: a PEM
 * certificate, a token, the SHA-256 of a token, or a password. Never repeats the key in an error.
 */
import { createHash } from 'node:crypto';
import { readCertificate, toCredential } from '../domain/certificate.ts';
import type { AuthType } from '../domain/connector.ts';
import type { Credential } from '../domain/device.ts';
import type { AppError } from '../domain/errors.ts';
import { hashPassword } from '../gateway/password.ts';
import { schemaError } from './validation.ts';

/** Length of a password, in bytes (provisioning.md, The three ways). */
const PASSWORD_LEAST = 20;
const PASSWORD_MOST = 512;

interface GivenAuth {
  readonly type?: AuthType;
  readonly key?: string;
  readonly token_sha256?: string;
}

/** The credential, or undefined if none is given. `type` left out: PEM is a certificate, all else what `fallback` says. */
export async function givenCredential(
  auth: GivenAuth,
  identity: string,
  fallback: AuthType,
): Promise<Credential | undefined> {
  if (auth.token_sha256 !== undefined) return givenDigest(auth, auth.token_sha256);
  if (auth.key === undefined) return undefined;
  const type = auth.type ?? (auth.key.includes('-----BEGIN ') ? 'certificate' : fallback);
  if (type === 'certificate') return certificate(auth.key, identity);
  return type === 'token' ? token(auth.key) : password(auth.key);
}

function givenDigest(auth: GivenAuth, digest: string): Credential {
  if (auth.key !== undefined) throw refuse('auth.token_sha256', 'auth.key beside it', 'one of the two');
  if (auth.type !== undefined && auth.type !== 'token')
    throw refuse('auth.type', auth.type, 'token, with auth.token_sha256');
  return { type: 'token', digest };
}

function certificate(pem: string, identity: string): Credential {
  const read = readCertificate(pem);
  if (read.commonName === identity) return toCredential(read);
  throw refuse('auth.key', `a certificate with CN ${read.commonName ?? '(none)'}`, `CN ${identity}`);
}

function token(key: string): Credential {
  if (!/^[0-9a-f]{40}$/.test(key))
    throw refuse('auth.key', `${key.length} characters`, 'a token of 40 lower-case hex digits');
  return { type: 'token', digest: createHash('sha256').update(key).digest('hex') };
}

async function password(key: string): Promise<Credential> {
  const bytes = Buffer.byteLength(key);
  if (bytes < PASSWORD_LEAST || bytes > PASSWORD_MOST) {
    throw refuse('auth.key', `${bytes} bytes`, `a password of ${PASSWORD_LEAST} to ${PASSWORD_MOST} bytes`);
  }
  return { type: 'password', hash: await hashPassword(key) };
}

function refuse(path: string, seen: string, expected: string): AppError {
  return schemaError([{ path, seen, expected }]);
}
