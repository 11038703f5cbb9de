/** Who the devices of a fleet are: made to fit the connector's format, the same with the same seed, or read from a CSV file. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readCsv } from '../api/import/csv.ts';
import type { IdentityFormat } from '../domain/connector.ts';
import { AppError } from '../domain/errors.ts';
import { describeFormat, SAMPLE_BYTES, sampleIdentity } from '../domain/identity.ts';
import { checkHeader } from '../domain/import.ts';
import { Explained } from './explained.ts';

/** What fits where nothing is known of the connector. */
export const anyFormat: IdentityFormat = { type: 'opaque', prefix: '', options: { casing: 'mixed', length: 0 } };

/** Tries in a row that bring nothing new, past which a format has no more identities. */
const TRIES = 1_000;

/** `count` identities, none of which is in `taken`. Throws Explained where the format has not so many. */
export function makeIdentities(
  format: IdentityFormat,
  seed: number,
  count: number,
  taken: ReadonlySet<string>,
): string[] {
  const made = new Set<string>();
  for (let n = 1, tries = 0; made.size < count; n += 1) {
    const identity = makeIdentity(format, seed, n);
    if (taken.has(identity) || made.has(identity)) tries += 1;
    else tries = 0;
    if (tries > TRIES + taken.size) {
      throw new Explained(
        `The identity format of the connector has not enough room for ${count} devices: ${describeFormat(format)}`,
      );
    }
    if (!taken.has(identity)) made.add(identity);
  }
  return [...made];
}

function makeIdentity(format: IdentityFormat, seed: number, n: number): string {
  // Where anything fits, a name that tells what it is.
  const free = format.type === 'opaque' && format.options.length === 0 && format.prefix.length < 200;
  if (free) return `${format.prefix}sim-${seed}-${String(n).padStart(5, '0')}`;
  const bytes = createHash('shake256', { outputLength: SAMPLE_BYTES }).update(`${seed}/${n}`).digest();
  return sampleIdentity(format, bytes);
}

/** The first `count` of the file that are not in `taken`. Throws Explained for a file that cannot be read, or has fewer. */
export async function readIdentities(path: string, count: number, taken: ReadonlySet<string>): Promise<string[]> {
  const found = new Set<string>();
  try {
    let column: number | null = null;
    for await (const rows of readCsv(createReadStream(path))) {
      for (const { record } of rows) {
        if (column === null) {
          column = checkHeader(record).identity;
          continue;
        }
        const identity = record[column];
        if (found.size < count && identity !== undefined && identity !== '' && !taken.has(identity))
          found.add(identity);
      }
      if (found.size === count) break;
    }
  } catch (error) {
    if (error instanceof AppError) throw new Explained(`${path}: ${error.message}`);
    throw new Explained(`The identities cannot be read from ${path}: ${(error as Error).message}`);
  }
  if (found.size < count) {
    throw new Explained(
      `${path} has ${found.size} identities; ${count} are needed. Give --devices ${found.size}, or a longer list.`,
    );
  }
  return [...found];
}
