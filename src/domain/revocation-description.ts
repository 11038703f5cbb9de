/** What an operator wants to see of a revocation list before it is saved (provisioning.md, PKI). Decides nothing. */
import { AsnConvert } from '@peculiar/asn1-schema';
import { Name, Time } from '@peculiar/asn1-x509';
import { childrenOf, type DerNode, readWhole, tags } from './der.ts';
import { printable } from './errors.ts';
import { parseRevocationList } from './revocation.ts';

/** Times in µs since the epoch. */
export interface RevocationListDescription {
  readonly issuer: string;
  readonly this_update: number | null;
  /** Null where the list names none. */
  readonly next_update: number | null;
  /** How many certificates are on it. */
  readonly revoked: number;
}

/** One PEM list, and nothing beside it. Throws AppError CRL_INVALID. */
export function describeRevocationList(pem: string): RevocationListDescription {
  const { tbs, serials } = parseRevocationList(pem);
  const nodes = [...childrenOf(tbs, readWhole(tbs, tags.sequence))];
  // The algorithm is the first sequence, the issuer the second (RFC 5280, 5.1.2).
  const [, issuer] = nodes.filter(({ tag }) => tag === tags.sequence);
  const [from, to] = nodes.filter(({ tag }) => tag === tags.utcTime || tag === tags.generalizedTime);
  return {
    issuer: nameText(AsnConvert.parse(slice(tbs, issuer!), Name)),
    this_update: timeOf(tbs, from),
    next_update: timeOf(tbs, to),
    revoked: serials.size,
  };
}

/** RFC 4514, 3, and what openssl writes beyond it. */
const shortNames: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN',
  '2.5.4.5': 'serialNumber',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '0.9.2342.19200300.100.1.25': 'DC',
  '1.2.840.113549.1.9.1': 'emailAddress',
};

function nameText(name: Name): string {
  const parts = Array.from(name, (rdn) =>
    Array.from(rdn, ({ type, value }) => `${shortNames[type] ?? type}=${value.toString()}`).join(' + '),
  );
  return parts.length === 0 ? '(no name)' : printable(parts.join(', '));
}

/** A time that cannot be read is no reason to refuse a list: its entries count whatever its dates. */
function timeOf(der: Uint8Array, node: DerNode | undefined): number | null {
  if (node === undefined) return null;
  try {
    const time = AsnConvert.parse(slice(der, node), Time).getTime().getTime() * 1000;
    return Number.isSafeInteger(time) ? time : null;
  } catch {
    return null;
  }
}

function slice(der: Uint8Array, { start, end }: DerNode): Uint8Array {
  return der.subarray(start, end);
}
