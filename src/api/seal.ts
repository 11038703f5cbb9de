/** Encrypts what is stored and has to be read again, such as the secret of a second factor: AES-256-GCM under the installation's key. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

export interface Seal {
  /** Text that only `open` with the same purpose can read. */
  close(purpose: string, text: string): string;
  /** Null for what was closed for another purpose, under another key, or changed. */
  open(purpose: string, sealed: string): string | null;
}

/** Bytes of the key. */
export const SEAL_BYTES = 32;
const NONCE = 12;
const TAG = 16;

export function createSeal(key: Buffer): Seal {
  return {
    close(purpose, text) {
      const nonce = randomBytes(NONCE);
      const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG }).setAAD(Buffer.from(purpose));
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return Buffer.concat([nonce, body, cipher.getAuthTag()]).toString('base64url');
    },
    open(purpose, sealed) {
      const bytes = Buffer.from(sealed, 'base64url');
      if (bytes.length < NONCE + TAG) return null;
      const cipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE), { authTagLength: TAG })
        .setAAD(Buffer.from(purpose))
        .setAuthTag(bytes.subarray(-TAG));
      try {
        return Buffer.concat([cipher.update(bytes.subarray(NONCE, -TAG)), cipher.final()]).toString('utf8');
      } catch {
        return null;
      }
    },
  };
}
