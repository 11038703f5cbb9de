/** How one engine hands everything that it keeps to another: tables of plain rows, page by page. Types, and how rows are digested. */
import { createHash } from 'node:crypto';

export type Cell = string | number | boolean | null;

/** Bytes of a piece of a file for devices, on its way and in the database that keeps them so. On disk: never change it. */
export const PIECE = 65_536;

/** Tells where the next page begins. */
export type Place = readonly (string | number)[];

export interface Page {
  readonly rows: readonly (readonly Cell[])[];
  /** Null behind the last page. */
  readonly next: Place | null;
}

export interface Source {
  /** In the order in which they are to be copied. */
  readonly tables: readonly { readonly name: string; read(after: Place | null): Page }[];
  /** The highest number of the log. */
  readonly lastSeq: number;
  close(): void;
}

/** Of rows in whatever order: their number, and a digest that differs as soon as one of them does. */
export interface Digest {
  readonly rows: number;
  readonly digest: string;
}

export function createDigest(): { add(row: readonly Cell[]): void; result(): Digest } {
  let rows = 0;
  let sum = 0n;
  return {
    add(row) {
      rows += 1;
      // Added up, so that the order does not matter and two equal rows do not cancel each other.
      sum += createHash('sha256').update(JSON.stringify(row)).digest().readBigUInt64BE(0);
    },
    result: () => ({ rows, digest: sum.toString(16) }),
  };
}
