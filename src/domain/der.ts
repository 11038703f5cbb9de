/**
 * Walks DER (X.690) by offsets, without building objects: a revocation list has hundreds of thousands of nodes, more than the
 * ASN.1 library takes. Decides nothing about meaning. All functions throw RangeError on what is not DER.
 */

/** One element of a buffer: offsets of its first byte, of its content, and behind its end. */
export interface DerNode {
  readonly tag: number;
  readonly start: number;
  readonly content: number;
  readonly end: number;
}

export const tags = {
  integer: 0x02,
  bitString: 0x03,
  objectIdentifier: 0x06,
  sequence: 0x30,
  utcTime: 0x17,
  generalizedTime: 0x18,
} as const;

/** The element at `offset`, which must end at or before `limit`. One-byte tags and definite lengths only. */
export function readNode(der: Uint8Array, offset: number, limit: number): DerNode {
  if (offset + 2 > limit) throw new RangeError('DER element is cut short');
  const tag = der[offset] as number;
  if ((tag & 0x1f) === 0x1f) throw new RangeError('DER tag of more than one byte');
  let length = der[offset + 1] as number;
  let content = offset + 2;
  if (length >= 0x80) {
    const bytes = length & 0x7f;
    if (bytes === 0 || bytes > 4 || content + bytes > limit) throw new RangeError('DER length is not valid');
    length = 0;
    for (let i = 0; i < bytes; i++) length = length * 256 + (der[content + i] as number);
    content += bytes;
  }
  if (content + length > limit) throw new RangeError('DER element reaches past its parent');
  return { tag, start: offset, content, end: content + length };
}

/** The element that a buffer consists of; bytes behind it are refused. */
export function readWhole(der: Uint8Array, tag: number): DerNode {
  const node = readNode(der, 0, der.length);
  if (node.end !== der.length) throw new RangeError('bytes follow the DER element');
  return expectTag(node, tag);
}

/** The elements inside a constructed one, one after the other. */
export function* childrenOf(der: Uint8Array, parent: DerNode): Generator<DerNode> {
  for (let offset = parent.content; offset < parent.end; ) {
    const node = readNode(der, offset, parent.end);
    yield node;
    offset = node.end;
  }
}

/** The node, if there is one and it has this tag. */
export function expectTag(node: DerNode | undefined, tag: number): DerNode {
  if (node?.tag !== tag) throw new RangeError(`DER tag ${node?.tag ?? 'missing'} where ${tag} belongs`);
  return node;
}
