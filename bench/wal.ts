/** What SQLite's write-ahead log says of itself (its file format, 4.1). */
import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';

/** Offset of the checkpoint sequence number in the file's header: it grows each time the log begins anew. */
const SEQUENCE_AT = 12;

/** Number of checkpoints after which the log of a server with this data folder began anew. */
export function checkpointsOf(folder: string): number {
  const file = openSync(join(folder, 'slipway.db-wal'), 'r');
  try {
    const bytes = Buffer.alloc(4);
    readSync(file, bytes, 0, bytes.length, SEQUENCE_AT);
    return bytes.readUInt32BE();
  } finally {
    closeSync(file);
  }
}
