/** Tokens and how secrets are compared. A token is shown once; what stays is its digest. */
import { hash, timingSafeEqual } from 'node:crypto';
import type { Credential, Device } from './device.ts';

/** provisioning.md: 160 random bits, as 40 lower-case hex digits. */
export const TOKEN_BYTES = 20;
const tokenShape = /^[0-9a-f]{40}$/i;

/** The token as it is compared, whatever case firmware wrote it in; null if it cannot be one. */
export function normalizeToken(text: string): string | null {
  return tokenShape.test(text) ? text.toLowerCase() : null;
}

/** SHA-256, lower-case hex. 160 random bits need no slow hash. */
export function digestOfToken(token: string): string {
  return hash('sha256', token, 'hex');
}

/** Which of a device's credentials the test accepts at `now` (µs); the old one only as long as its grace lasts. */
export function matchCredential(
  device: Device,
  now: number,
  accepts: (credential: Credential) => boolean,
): 'current' | 'previous' | null {
  if (device.credential !== null && accepts(device.credential)) return 'current';
  const { previous } = device;
  return previous !== null && previous.until > now && accepts(previous.credential) ? 'previous' : null;
}

/** Constant-time comparison of two digests in hex. */
export function sameDigest(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a, 'latin1'), Buffer.from(b, 'latin1'));
}
