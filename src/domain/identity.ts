/**
 * Which identities a connector takes, and how to make one that fits (provisioning.md, Identity format). Knows nothing of
 * devices that already exist. Uses nothing of Node, so that the console can check an identity as it is typed.
 */
import type { Casing, IdentityFormat, IdentityType } from './connector.ts';
import { printable } from './errors.ts';

/** Why an identity does not fit. `rule` is the setting that refuses it, or `identity` for what holds everywhere. */
export interface IdentityFault {
  readonly rule:
    | 'identity'
    | 'identity_format.prefix'
    | 'identity_format.type'
    | 'identity_format.options.length'
    | 'identity_format.options.casing';
  readonly seen: string;
  readonly wanted: string;
}

/** Longest identity, in bytes of UTF-8. */
export const IDENTITY_BYTES_MAX = 256;

/** How many random bytes `sampleIdentity` needs: two for each character of the longest identity. */
export const SAMPLE_BYTES = 2 * IDENTITY_BYTES_MAX;

interface Shape {
  /** What one character, or the whole part after the prefix, may be; both cases. */
  readonly pattern: RegExp;
  /** Ends the phrase "<n> characters after the prefix, …". */
  readonly wanted: string;
  /** Fewest characters; the only number where the type fixes it. */
  readonly least: number;
  readonly fixed: boolean;
  readonly hex: boolean;
}

const shapes: Readonly<Record<IdentityType, Shape>> = {
  opaque: { pattern: /^.*$/su, wanted: 'of any kind', least: 0, fixed: false, hex: false },
  base10: { pattern: /^[0-9]+$/, wanted: 'each 0-9', least: 1, fixed: false, hex: false },
  base16: { pattern: /^[0-9a-f]+$/i, wanted: 'each 0-9 or a-f', least: 1, fixed: false, hex: true },
  mac: { pattern: /^[0-9a-f]{12}$/i, wanted: 'hex digits as in 001422012345', least: 12, fixed: true, hex: true },
  'mac-colon': {
    pattern: /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i,
    wanted: 'hex digits as in 00:14:22:01:23:45',
    least: 17,
    fixed: true,
    hex: true,
  },
  'mac-dash': {
    pattern: /^[0-9a-f]{2}(-[0-9a-f]{2}){5}$/i,
    wanted: 'hex digits as in 00-14-22-01-23-45',
    least: 17,
    fixed: true,
    hex: true,
  },
  // RFC 9562, 5.4: the version is 4, the variant bits are 10.
  uuid: {
    pattern: /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i,
    wanted: 'a UUID of version 4 as in 2f1c5b0e-8f5d-4c3a-9b1e-0a1b2c3d4e5f',
    least: 36,
    fixed: true,
    hex: true,
  },
};

/** The types that the format may name. */
export const identityTypes = Object.keys(shapes) as readonly IdentityType[];

const casings: Readonly<Record<Casing, { readonly refused: RegExp; readonly wanted: string }>> = {
  lower: { refused: /[A-F]/, wanted: ', in lower case' },
  upper: { refused: /[a-f]/, wanted: ', in upper case' },
  mixed: { refused: /[^\s\S]/, wanted: '' },
};

/** Null if the identity fits the format, else the first rule that it breaks. */
export function checkIdentity(format: IdentityFormat, identity: string): IdentityFault | null {
  return checkAlways(identity) ?? checkFormat(format, identity);
}

/** What holds for every identity (provisioning.md, "Always"). White space at the ends counts as space. */
export function checkAlways(identity: string): IdentityFault | null {
  const fault = (wanted: string): IdentityFault => ({ rule: 'identity', seen: show(identity), wanted });
  if (identity === '') return fault(`1 to ${IDENTITY_BYTES_MAX} bytes of UTF-8`);
  if (!identity.isWellFormed()) return fault('valid Unicode (there is half of a surrogate pair)');
  // A UTF-16 unit takes up to three bytes, so that most identities need not be encoded.
  if (identity.length * 3 > IDENTITY_BYTES_MAX && byteLength(identity) > IDENTITY_BYTES_MAX) {
    return {
      rule: 'identity',
      seen: `${byteLength(identity)} bytes`,
      wanted: `1 to ${IDENTITY_BYTES_MAX} bytes of UTF-8`,
    };
  }
  if (/\p{Cc}/u.test(identity)) return fault('no control characters');
  if (identity !== identity.trim()) return fault('no leading or trailing space');
  // Whatever takes paths apart (RFC 3986, 5.2.4) takes these away: such a device could not be managed.
  if (identity === '.' || identity === '..') return fault('no . or .. alone');
  return null;
}

function checkFormat(format: IdentityFormat, identity: string): IdentityFault | null {
  const rule = brokenRule(format, identity);
  if (rule === null) return null;
  const wanted = rule === 'identity_format.prefix' ? `the prefix ${format.prefix}` : describePart(format);
  return { rule, seen: show(identity), wanted };
}

function brokenRule({ type, prefix, options }: IdentityFormat, identity: string): IdentityFault['rule'] | null {
  const shape = shapes[type];
  if (!identity.startsWith(prefix)) return 'identity_format.prefix';
  const part = identity.slice(prefix.length);
  if (!shape.pattern.test(part)) return 'identity_format.type';
  const { length } = options;
  if (!shape.fixed && length !== 0 && countCharacters(part) !== length) return 'identity_format.options.length';
  if (shape.hex && casings[options.casing].refused.test(part)) return 'identity_format.options.casing';
  return null;
}

/** The format as one sentence: `ABC, then 8 characters, each 0-9.` */
export function describeFormat(format: IdentityFormat): string {
  const part = describeKind(format);
  return format.prefix === '' ? `${part[0]?.toUpperCase()}${part.slice(1)}.` : `${format.prefix}, then ${part}.`;
}

/** `8 characters after the prefix ABC, each 0-9` */
function describePart(format: IdentityFormat): string {
  return describeKind(format, format.prefix === '' ? '' : ` after the prefix ${format.prefix}`);
}

function describeKind({ type, options }: IdentityFormat, where = ''): string {
  const shape = shapes[type];
  const length = shape.fixed ? shape.least : options.length;
  const casing = shape.hex ? casings[options.casing].wanted : '';
  return `${describeCount(length, shape.least)}${where}, ${shape.wanted}${casing}`;
}

function describeCount(length: number, least: number): string {
  if (length === 0) return least === 0 ? 'any number of characters' : `${least} or more characters`;
  return length === 1 ? '1 character' : `${length} characters`;
}

/** Characters that are hard to take for one another: no i, l, o, u (the alphabet of Crockford's base 32). */
const clearCharacters = '0123456789abcdefghjkmnpqrstvwxyz';
const hexDigits = '0123456789abcdef';

/** Characters after the prefix where the format leaves the number open. */
const openLength = { opaque: 20, base10: 12, base16: 12 } as const;

/**
 * An identity that fits the format, made of `SAMPLE_BYTES` random bytes. Throws RangeError if there are fewer. The format
 * must be one that `checkSettings` lets pass.
 */
export function sampleIdentity(format: IdentityFormat, bytes: Uint8Array): string {
  if (bytes.length < SAMPLE_BYTES) throw new RangeError(`sampleIdentity needs ${SAMPLE_BYTES} bytes`);
  const part = samplePart(format, bytes);
  const upper = shapes[format.type].hex && format.options.casing === 'upper';
  return format.prefix + (upper ? part.toUpperCase() : part);
}

function samplePart({ type, prefix, options }: IdentityFormat, bytes: Uint8Array): string {
  switch (type) {
    case 'mac':
      return sampleMac(bytes).join('');
    case 'mac-colon':
      return sampleMac(bytes).join(':');
    case 'mac-dash':
      return sampleMac(bytes).join('-');
    case 'uuid':
      return sampleUuid(bytes);
    default: {
      const open = Math.min(openLength[type], IDENTITY_BYTES_MAX - byteLength(prefix));
      const alphabet = type === 'opaque' ? clearCharacters : type === 'base10' ? '0123456789' : hexDigits;
      return draw(alphabet, options.length || open, bytes);
    }
  }
}

/** Two bytes a character, so that an alphabet of ten is not visibly uneven. */
function draw(alphabet: string, length: number, bytes: Uint8Array): string {
  const characters = Array.from(
    { length },
    (_, i) => alphabet[(bytes[2 * i]! * 256 + bytes[2 * i + 1]!) % alphabet.length],
  );
  return characters.join('');
}

/** Six octets of a locally administered unicast address (IEEE 802, 8.4.4): no vendor's range is touched. */
function sampleMac(bytes: Uint8Array): string[] {
  return hexOctets([(bytes[0]! & 0xfc) | 0x02, ...bytes.subarray(1, 6)]);
}

/** RFC 9562, 5.4. */
function sampleUuid(bytes: Uint8Array): string {
  const octets = [...bytes.subarray(0, 16)];
  octets[6] = (octets[6]! & 0x0f) | 0x40;
  octets[8] = (octets[8]! & 0x3f) | 0x80;
  const hex = hexOctets(octets).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

function hexOctets(octets: readonly number[]): string[] {
  return octets.map((octet) => octet.toString(16).padStart(2, '0'));
}

/** Fewest bytes that the part after the prefix takes: 12 for `mac`, `options.length` where it is given. */
export function leastLength({ type, options }: IdentityFormat): number {
  const shape = shapes[type];
  return shape.fixed ? shape.least : Math.max(shape.least, options.length, 1);
}

const encoder = new TextEncoder();

/** Length in bytes of UTF-8. */
export function byteLength(text: string): number {
  return encoder.encode(text).length;
}

/** Length in code points. */
function countCharacters(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

function show(identity: string): string {
  return identity === '' ? 'nothing' : printable(identity);
}
