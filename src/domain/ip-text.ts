/** Which texts are IP addresses and ranges of them. Uses nothing of Node, so that the console can check them as they are typed. */

/** An address with the width of its range; both as they were written. */
export interface RangeText {
  readonly address: string;
  readonly bits: number;
  readonly family: 4 | 6;
}

/** Null unless the text is an IP or a CIDR range (`10.0.0.0/8`, `2001:db8::/32`), v4 or v6, without a zone. */
export function parseRangeText(text: string): RangeText | null {
  const [, address, size] = /^([^/%]+)(?:\/(0|[1-9]\d{0,2}))?$/.exec(text) ?? [];
  const family = address === undefined ? null : familyOf(address);
  if (address === undefined || family === null) return null;
  const width = family === 4 ? 32 : 128;
  const bits = size === undefined ? width : Number(size);
  return bits > width ? null : { address, bits, family };
}

/** Whether the text is an IP or a CIDR range (`10.0.0.0/8`, `2001:db8::/32`). Bits beyond the mask may be set. */
export function checkRange(text: string): boolean {
  return parseRangeText(text) !== null;
}

function familyOf(address: string): 4 | 6 | null {
  if (/^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/.test(address)) return 4;
  // The URL standard has the parser of v6 addresses that browsers and Node share.
  return /^[0-9a-f:.]*:[0-9a-f:.]*$/i.test(address) && URL.canParse(`http://[${address}]/`) ? 6 : null;
}
