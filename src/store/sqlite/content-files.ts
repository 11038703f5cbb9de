/**
 * The bytes of content: a file each, named by its digest, in a folder beside the database. One that is on its way in has a name
 * of its own until it is whole and synced; what a crash leaves of such, and what nothing refers to, is removed at the next start.
 */
import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AppError } from '../../domain/errors.ts';
import { syncFolder } from '../../durable-file.ts';
import type { ContentBounds, StagedContent } from '../store.ts';

/** Below the data folder. */
export const CONTENT_FOLDER = 'content';
const INCOMING = 'incoming';
/** The same; emptied at each start. */
export const INCOMING_FOLDER = join(CONTENT_FOLDER, INCOMING);
/** Bytes between two looks at the disk's room. */
const LOOK_BYTES = 4 << 20;
/** What files leave of the disk to the database: a share, and bytes at the most. */
const RESERVE_SHARE = 0.05;
const RESERVE_BYTES = 256 << 20;

interface Options {
  readonly folder: string;
  /** Whether a stored file refers to this digest. */
  readonly isUsed: (sha256: string) => boolean;
  /** Bytes of all that are stored, each digest once. */
  readonly storedBytes: number;
}

export const contentPath = (folder: string, sha256: string): string =>
  join(folder, CONTENT_FOLDER, sha256.slice(0, 2), sha256);

export function openContentFiles({ folder, isUsed, storedBytes }: Options) {
  const home = join(folder, CONTENT_FOLDER);
  const incoming = join(home, INCOMING);
  sweep(home, isUsed);
  mkdirSync(incoming, { recursive: true, mode: 0o700 });
  /** Digests that were taken in and may yet become part of a file, by how many uploads. */
  const pinned = new Map<string, number>();
  let stored = storedBytes;
  let arriving = 0;

  const pathOf = (sha256: string) => contentPath(folder, sha256);

  /** Removes the bytes if nothing needs them any more. In one go with looking: no upload of the same can come in between. */
  function release(sha256: string, bytes: number): void {
    if (pinned.has(sha256) || isUsed(sha256)) return;
    const dead = join(incoming, randomUUID());
    try {
      renameSync(pathOf(sha256), dead);
      stored -= bytes;
    } catch {
      // Gone already, or a disk that fails or is full to the last block: nobody refers to it, and what stays counts until
      // the next start. The commit that it follows is done, so there is nobody to tell.
    }
    // Freeing a large file takes its time. What stays is removed at the next start.
    rm(dead, { force: true }).catch(() => {});
  }

  function unpin(sha256: string): void {
    const others = pinned.get(sha256)! - 1;
    if (others > 0) pinned.set(sha256, others);
    else pinned.delete(sha256);
  }

  async function stage(bytes: AsyncIterable<Uint8Array>, bounds: ContentBounds): Promise<StagedContent> {
    const path = join(incoming, randomUUID());
    const file = await ours(() => open(path, 'wx', 0o600));
    const taken = { bytes: 0 };
    try {
      const sha256 = await take(file, bytes, taken);
      await ours(() => file.sync());
      await ours(() => file.close());
      // From here on it counts as stored, and nobody removes what has the same digest.
      pinned.set(sha256, (pinned.get(sha256) ?? 0) + 1);
      const known = isUsed(sha256) || pinned.get(sha256)! > 1;
      await ours(() => settle(path, pathOf(sha256))).catch((error) => {
        unpin(sha256);
        throw error;
      });
      if (!known) stored += taken.bytes;
      return staged(sha256, taken.bytes);
    } catch (error) {
      await file.close().catch(() => {});
      await rm(path, { force: true }).catch(() => {});
      throw error;
    } finally {
      arriving -= taken.bytes;
    }

    async function take(file: FileHandle, bytes: AsyncIterable<Uint8Array>, taken: { bytes: number }): Promise<string> {
      const hash = createHash('sha256');
      let look = 0;
      for await (const piece of bytes) {
        taken.bytes += piece.length;
        arriving += piece.length;
        expectFits(taken.bytes, bounds);
        if (taken.bytes >= look) {
          await expectRoom(home, piece.length);
          look = taken.bytes + LOOK_BYTES;
        }
        hash.update(piece);
        await ours(() => writeAll(file, piece));
      }
      return hash.digest('hex');
    }
  }

  function expectFits(size: number, { file, total }: ContentBounds): void {
    if (size > file)
      throw new AppError('BODY_TOO_LARGE', { seen: `more than ${file} bytes`, wanted: `at most ${file}` });
    if (stored + arriving > total) {
      throw new AppError('STORAGE_FULL', {
        seen: `${stored} bytes of files`,
        wanted: `at most ${total} with this one`,
      });
    }
  }

  function staged(sha256: string, bytes: number): StagedContent {
    let open = true;
    return {
      sha256,
      bytes,
      async discard() {
        if (!open) return;
        open = false;
        unpin(sha256);
        release(sha256, bytes);
      },
    };
  }

  return {
    stage,
    release,
    /** ENOENT where the bytes are no longer kept. */
    open: (sha256: string): Promise<FileHandle> => open(pathOf(sha256), 'r'),
  };
}

export type ContentFiles = ReturnType<typeof openContentFiles>;

/** To its name, and both on disk before it counts. */
async function settle(from: string, to: string): Promise<void> {
  const made = await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  await rename(from, to);
  await syncFolder(dirname(to));
  if (made !== undefined) await syncFolder(dirname(dirname(to)));
}

async function writeAll(file: FileHandle, piece: Uint8Array): Promise<void> {
  for (let at = 0; at < piece.length; ) at += (await file.write(piece, at)).bytesWritten;
}

/** STORAGE_FULL while the disk has less left than belongs to the database. */
async function expectRoom(path: string, bytes: number): Promise<void> {
  const { bavail, blocks, bsize } = await ours(() => statfs(path));
  const left = bavail * bsize - Math.min(blocks * bsize * RESERVE_SHARE, RESERVE_BYTES);
  if (left < bytes)
    throw new AppError('STORAGE_FULL', { seen: `a disk with ${bavail * bsize} bytes left`, wanted: 'more' });
}

/** Tells failures of the disk from those of the source. */
async function ours<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG') {
      throw new AppError('STORAGE_FULL', { seen: 'a disk that takes no more', cause });
    }
    throw new AppError('STORAGE_UNAVAILABLE', { seen: `a disk that fails with ${code}`, retryAfter: 10, cause });
  }
}

/** Removes what a crash has left: uploads that were under way, and bytes that no file has. */
function sweep(home: string, isUsed: (sha256: string) => boolean): void {
  rmSync(join(home, INCOMING), { recursive: true, force: true });
  for (const part of entriesOf(home)) {
    for (const name of entriesOf(join(home, part))) if (!isUsed(name)) rmSync(join(home, part, name), { force: true });
  }
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}
