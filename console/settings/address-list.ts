/** What somebody typed or pasted as addresses and ranges. */
import { checkRange } from '../../src/domain/ip-text.ts';

export interface TypedAddresses {
  readonly good: readonly string[];
  readonly bad: readonly string[];
}

/** Addresses stand apart by spaces, commas, semicolons or lines; each counts once. */
export function readAddresses(text: string): TypedAddresses {
  const words = [...new Set(text.split(/[\s,;]+/).filter((word) => word !== ''))];
  return { good: words.filter(checkRange), bad: words.filter((word) => !checkRange(word)) };
}
