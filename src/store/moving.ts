/**
 * How one engine hands everything that it keeps to another, also while it goes on writing: tables of plain rows in pages that can
 * be read again and compared, the log, which only grows, and the bytes of files. Types, and how rows are digested.
 */
import { createHash } from 'node:crypto';

export type Cell = string | number | boolean | null;
export type Row = readonly Cell[];

/** Bytes of a piece of a file for devices, in the database that keeps them so. On disk: never change it. */
export const PIECE = 65_536;

/** Where a page ends: values of the columns that its table is walked by. */
export type Key = readonly (string | number)[];

export interface Page {
  readonly rows: readonly Row[];
  /** The page holds all up to here; null: all there is. */
  readonly upTo: Key | null;
}

/** A table that changes in place. */
export interface SourceTable {
  readonly name: string;
  /** Rows behind `after`, up to `upTo`; where that is null, as many as make a page. */
  read(after: Key | null, upTo: Key | null): Page;
}

/** Events of a connector in the order of the log. */
export interface LogPage {
  readonly events: readonly Row[];
  /** What they recorded in the history, in the same order: of points of one moment the first one counts. */
  readonly points: readonly Row[];
  /** The number of the last event; null where there was none. */
  readonly last: number | null;
}

/** A file for devices. Under one digest its bytes never change. */
export interface SourceFile {
  readonly key: number;
  /** Hex. */
  readonly sha256: string;
  readonly bytes: number;
}

export interface Source {
  readonly tables: readonly SourceTable[];
  /** The history as it stands; `next` is null behind the last page. */
  readPoints(after: Key | null): { readonly rows: readonly Row[]; readonly next: Key | null };
  /** Keys of the connectors that have a log. */
  connectors(): number[];
  /** Events behind `after`, up to `upTo`. */
  readLog(connector: number, after: number, upTo: number): LogPage;
  files(): SourceFile[];
  /** Some of a file's pieces of `PIECE` bytes, from the `from`th on; null where the file is no longer kept. */
  readPieces(file: SourceFile, from: number): Buffer[] | null;
  /** The number up to which history and log are on disk together. */
  settled(): number;
  /** Resolves with the last number of the log once nobody writes any more, and nobody can before `close`; null: somebody does. */
  freeze(): Promise<number | null>;
  close(): void;
}

/** Of rows in whatever order: their number, and a digest that differs as soon as one of them does. */
export interface Digest {
  readonly rows: number;
  readonly digest: bigint;
}

export const nothing: Digest = { rows: 0, digest: 0n };

export function digestOf(rows: Iterable<Row>): Digest {
  let count = 0;
  let sum = 0n;
  for (const row of rows) {
    count += 1;
    // Added up, so that the order does not matter and two equal rows do not cancel each other.
    sum += createHash('sha256').update(JSON.stringify(row)).digest().readBigUInt64BE(0);
  }
  return { rows: count, digest: BigInt.asUintN(64, sum) };
}

/** The digest of both together. */
export function plus(a: Digest, b: Digest): Digest {
  return { rows: a.rows + b.rows, digest: BigInt.asUintN(64, a.digest + b.digest) };
}

export const sameDigest = (a: Digest, b: Digest): boolean => a.rows === b.rows && a.digest === b.digest;
