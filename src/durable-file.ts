/** Files that are either there whole or not there at all, whatever happens while they are written. Knows no content. */
import { randomBytes } from 'node:crypto';
import { link, open, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** Puts the file in place of whatever stood there; on disk when the promise resolves. */
export async function replaceFile(path: string, content: string, mode: number): Promise<void> {
  const temporary = await writeBeside(path, content, mode);
  await rename(temporary, path);
  await syncFolder(dirname(path));
}

/** Makes the file unless there is one; answers what it holds now. Of several processes that try, one succeeds. */
export async function createFile(path: string, content: string, mode: number): Promise<string> {
  const temporary = await writeBeside(path, content, mode);
  try {
    await linkOrRename(temporary, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return await readFile(path, 'utf8');
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
  await syncFolder(dirname(path));
  return content;
}

/** EEXIST where there is a file already, which a rename would replace. `temporary` may stay. */
export async function linkOrRename(temporary: string, path: string): Promise<void> {
  try {
    await link(temporary, path);
  } catch (error) {
    // A file system without hard links: without a second process a rename is the same.
    if (!['EPERM', 'ENOTSUP', 'ENOSYS'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    await rename(temporary, path);
  }
}

/** The file's content; null if there is none. */
export async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

async function writeBeside(path: string, content: string, mode: number): Promise<string> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}`);
  const file = await open(temporary, 'wx', mode);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  return temporary;
}

/** A name in a folder is on disk only once the folder is. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
