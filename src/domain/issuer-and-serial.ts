/** The forms in which names of issuers and serial numbers are compared. Both are keys for equality, nothing to show. */
import type { Name } from '@peculiar/asn1-x509';

/** A name without case, string type and insignificant space (RFC 5280, 7.1). */
export function nameKey(name: Name): string {
  const fold = (text: string) => text.trim().replace(/\s+/g, ' ').toLowerCase();
  return JSON.stringify(
    Array.from(name, (rdn) => Array.from(rdn, ({ type, value }) => `${type}=${fold(value.toString())}`).sort()),
  );
}

/** A serial number, given as the content of its INTEGER in hex. */
export function serialKey(hex: string): string {
  return hex.replace(/^(00)+(?=..)/, '');
}
