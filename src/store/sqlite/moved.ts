/** The mark in a data folder whose installation was moved elsewhere: a server there would accept what nobody else knows of. */
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';

const markIn = (folder: string) => join(folder, 'moved.txt');

/** Leaves the mark, on disk; in place of one that is there. `where`: without a password. */
export async function markMoved(folder: string, where: string, when: Date): Promise<void> {
  const file = await open(markIn(folder), 'w', 0o600);
  try {
    await file.writeFile(`to ${where} at ${when.toISOString()}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** A sentence of where to, when, and what to do; null where there is no mark. */
export async function readMoved(folder: string): Promise<string | null> {
  const text = await readFile(markIn(folder), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
    throw error;
  });
  if (text === null) return null;
  return (
    `it was moved ${text.trim()}. Start the server with SLIPWAY_DATABASE_URL. ` +
    `To go back to this folder, without all that was written there since, remove ${markIn(folder)}`
  );
}
