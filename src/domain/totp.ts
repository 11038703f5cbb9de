/** Codes of a second factor by time: RFC 6238 on RFC 4226, as authenticator apps make them. Pure. */
import { createHmac, timingSafeEqual } from 'node:crypto';

/** µs of a time step (RFC 6238, 5.2). */
const STEP = 30_000_000;
const DIGITS = 6;
/** Steps before and after the current one that are taken, for clocks that differ (RFC 6238, 5.2). */
const WINDOW = 1;
/** Bytes of a shared secret (RFC 4226, 4, R6). */
export const SECRET_BYTES = 20;

/** The code of a time step. Apps know SHA-1 with six digits alone; the others are in the RFC's examples. */
export function codeAt(secret: Buffer, step: number, digits = DIGITS, algorithm = 'sha1'): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac(algorithm, secret).update(counter).digest();
  const offset = mac.at(-1)! & 0xf;
  return String((mac.readUInt32BE(offset) & 0x7fff_ffff) % 10 ** digits).padStart(digits, '0');
}

export const stepAt = (now: number) => Math.floor(now / STEP);

/** The step that the code is of, if that is near `now` (µs) and behind `last`; else null. In constant time for each step. */
export function matchCode(secret: Buffer, code: string, now: number, last: number): number | null {
  if (!/^\d{6}$/.test(code)) return null;
  let found: number | null = null;
  for (let step = stepAt(now) - WINDOW; step <= stepAt(now) + WINDOW; step += 1) {
    const same = timingSafeEqual(Buffer.from(codeAt(secret, step)), Buffer.from(code));
    if (same && step > last && found === null) found = step;
  }
  return found;
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** Base32 without padding (RFC 4648, 6). */
export function toBase32(bytes: Buffer): string {
  let bits = '';
  for (const byte of bytes) bits += byte.toString(2).padStart(8, '0');
  return (bits.match(/.{1,5}/g) ?? []).map((group) => alphabet[Number.parseInt(group.padEnd(5, '0'), 2)]).join('');
}

export function fromBase32(text: string): Buffer {
  const bits = Array.from(text, (letter) => alphabet.indexOf(letter).toString(2).padStart(5, '0')).join('');
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
}

/** What authenticator apps read from a QR code (github.com/google/google-authenticator/wiki/Key-Uri-Format). */
export function otpauthUri(secret: string, email: string, issuer: string): string {
  const query = `secret=${secret}&issuer=${encodeURIComponent(issuer)}`;
  return `otpauth://totp/${encodeURIComponent(issuer)}:${encodeURIComponent(email)}?${query}`;
}
