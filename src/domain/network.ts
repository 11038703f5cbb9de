/** Addresses and ranges of addresses, v4 and v6 (provisioning.md, `ip_whitelisting`). Does not know whose they are. */
import { BlockList, isIP, isIPv4, SocketAddress } from 'node:net';
import { parseRangeText } from './ip-text.ts';

interface Range {
  readonly address: string;
  readonly bits: number;
  readonly family: 'ipv4' | 'ipv6';
}

/** One spelling for each address: `::ffff:1.2.3.4` → `1.2.3.4`, no zone, v6 as in RFC 5952. What is no IP stays as it is. */
export function normalizeAddress(ip: string): string {
  if (isIPv4(ip)) return ip;
  const plain = withoutZone(ip);
  if (isIP(plain) !== 6) return ip;
  const { address } = new SocketAddress({ address: plain, family: 'ipv6' });
  // RFC 4291, 2.5.5.2: only IPv4-mapped addresses are written like this.
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice('::ffff:'.length) : address;
}

/** Whether the address is in one of the ranges. An empty list allows nobody; so does text that is no address. */
export function isAllowed(allowed: readonly string[], ip: string): boolean {
  const address = normalizeAddress(ip);
  const family = isIP(address);
  return family !== 0 && listOf(allowed).check(address, family === 4 ? 'ipv4' : 'ipv6');
}

/** Settings are replaced, never changed in place, so the array stands for its content. */
const lists = new WeakMap<readonly string[], BlockList>();

function listOf(allowed: readonly string[]): BlockList {
  let list = lists.get(allowed);
  if (list === undefined) {
    list = new BlockList();
    for (const range of allowed.map(parseRange))
      if (range !== null) list.addSubnet(range.address, range.bits, range.family);
    lists.set(allowed, list);
  }
  return list;
}

function parseRange(text: string): Range | null {
  const range = parseRangeText(text);
  if (range === null) return null;
  const { address: given, bits, family } = range;
  const address = normalizeAddress(given);
  if (!isIPv4(address)) return { address, bits, family: 'ipv6' };
  // A mapped range that reaches beyond the mapped addresses is a v6 range.
  const inner = family === 4 ? bits : bits - 96;
  return inner < 0 ? { address: given, bits, family: 'ipv6' } : { address, bits: inner, family: 'ipv4' };
}

function withoutZone(ip: string): string {
  const zone = ip.indexOf('%');
  return zone === -1 ? ip : ip.slice(0, zone);
}
