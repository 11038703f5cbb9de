/** What belongs into a backup of a data folder, and how a folder comes of one again. Knows neither flags nor what is printed. */
import { randomBytes } from 'node:crypto';
import { globSync } from 'node:fs';
import { access, lstat, mkdir, mkdtemp, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { syncFolder } from '../durable-file.ts';
import { lockFolder } from '../store/sqlite/folder-lock.ts';
import { copyDatabase, faultsOf, hasDatabase, placeToKeep } from '../store/sqlite/snapshot.ts';
import { version } from '../version.ts';
import { type Checked, type Progress, readArchive, type Source, writeArchive } from './archive.ts';

const DATABASE = 'slipway.db';
/** The database is copied, not read as a file; locks are made anew; content and rows of imports come with the database. */
const left = /^(slipway\.db(-wal|-shm)?|slipway\.lock(-journal)?|(imports|content)(\/.*)?)$/;
/** What the database needed may be gone before it is kept; a moment later the database needs it no more. */
const TRIES = 5;

export interface Steps {
  /** A step begins: what is being done. */
  readonly step: (name: string) => void;
  readonly progress: Progress;
}

export interface Made {
  readonly file: string;
  readonly bytes: number;
  readonly engine: 'sqlite' | 'postgres';
  readonly files: number;
}

/** Writes everything of the folder into one archive. `engine`: with PostgreSQL the database is not in the folder. */
export async function makeBackup(
  folder: string,
  target: string,
  engine: 'sqlite' | 'postgres',
  replace: boolean,
  steps: Steps,
): Promise<Made> {
  const file = resolve(target);
  if (!replace && (await isThere(file)))
    throw new Error(`${file} is there already. Name another file, or say --replace.`);
  if (engine === 'sqlite' && !hasDatabase(folder)) throw new Error(`There is no database in ${folder}.`);
  // Beside the archive, where there has to be room anyway.
  const work = await mkdtemp(join(dirname(file), `.${basename(file)}.`));
  const kept = placeToKeep(folder);
  try {
    const created = new Date().toISOString();
    const database = engine === 'sqlite' ? await databaseOf(folder, kept, work, steps) : [];
    const sources = [...database, ...(await othersOf(folder, file, work))];
    steps.step('writing the archive');
    const options = { replace, onProgress: steps.progress };
    const bytes = await writeArchive(file, { format: 1, version, created, engine }, sources, options);
    return { file, bytes, engine, files: sources.length };
  } finally {
    await rm(work, { recursive: true, force: true });
    await rm(kept, { recursive: true, force: true });
  }
}

/** The database as it stands, with the files that belong to that moment, in `kept`. */
async function databaseOf(folder: string, kept: string, work: string, { step, progress }: Steps): Promise<Source[]> {
  const copy = join(work, DATABASE);
  for (let tries = 1; ; tries += 1) {
    step('copying the database');
    try {
      const files = await copyDatabase(folder, copy, kept, progress);
      return [{ path: DATABASE, file: copy }, ...files];
    } catch (error) {
      const { code, path } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT') throw error;
      if (tries === TRIES) throw new Error(`The database needs ${path}, which is not there`, { cause: error });
    }
  }
}

/** Whatever else is in the folder; what begins with a dot is on its way in. */
async function othersOf(folder: string, target: string, work: string): Promise<Source[]> {
  const paths = globSync('**', { cwd: folder, withFileTypes: false }).map((path) => path.replaceAll('\\', '/'));
  const sources: Source[] = [];
  for (const path of paths.sort()) {
    const file = join(folder, path);
    if (left.test(path) || basename(path).startsWith('.') || file === target || file.startsWith(work)) continue;
    const state = await lstat(file);
    if (state.isFile()) sources.push({ path, file });
  }
  return sources;
}

const isThere = (file: string) =>
  access(file).then(
    () => true,
    () => false,
  );

/** Looks whether the archive is whole. Rejects with what is wrong. */
export const checkBackup = (archive: string, steps: Steps): Promise<Checked> => {
  steps.step('checking the archive');
  return readArchive(archive, steps.progress);
};

/** Checks the archive, then makes the folder of it: whole or not at all. Rejects where the folder is not empty. */
export async function restoreBackup(archive: string, target: string, steps: Steps): Promise<Checked> {
  const folder = resolve(target);
  await expectEmpty(folder);
  await checkBackup(archive, steps);
  const work = await workplaceFor(folder);
  try {
    steps.step('putting the files back');
    const checked = await readArchive(archive, steps.progress, {
      start: (entry) => startFile(work, entry.path, entry.mode),
    });
    if (checked.manifest.engine === 'sqlite') {
      steps.step('checking the database');
      const faults = faultsOf(join(work, DATABASE));
      // Whoever looks at a database leaves these, empty.
      for (const end of ['-wal', '-shm']) await rm(join(work, DATABASE + end), { force: true });
      if (faults.length > 0) throw new Error(`The database of the archive is not sound: ${faults.join('; ')}`);
    }
    await syncAll(work);
    await put(work, folder);
    return checked;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function expectEmpty(folder: string): Promise<void> {
  const found = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  if (found.length > 0)
    throw new Error(`${folder} is not empty: it holds ${found[0]}. Name an empty folder, or a new one.`);
}

async function startFile(folder: string, path: string, mode: number) {
  const file = join(folder, path);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const handle = await open(file, 'wx', mode);
  return {
    write: (bytes: Buffer) => handle.writeFile(bytes),
    close: async () => {
      await handle.sync();
      await handle.close();
    },
  };
}

async function syncAll(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await syncAll(join(folder, entry.name));
  }
  await syncFolder(folder);
}

/** A new folder on the same file system: beside the one that is to be, or else, where that is a mount, in it. */
async function workplaceFor(folder: string): Promise<string> {
  const parent = dirname(folder);
  await mkdir(parent, { recursive: true });
  const there = await stat(folder).catch(() => null);
  const inside = there !== null && there.dev !== (await stat(parent)).dev;
  const work = join(inside ? folder : parent, `.${basename(folder)}.${randomBytes(6).toString('hex')}`);
  await mkdir(work, { mode: 0o700 });
  return work;
}

/** In place of the empty folder, in one step; from inside of it one by one, the database last, with servers kept away. */
async function put(work: string, folder: string): Promise<void> {
  if (dirname(work) !== folder) {
    await rename(work, folder);
    await syncFolder(dirname(folder));
    return;
  }
  const unlock = lockFolder(folder);
  try {
    const names = (await readdir(work)).sort((a, b) => Number(a === DATABASE) - Number(b === DATABASE));
    for (const name of names) await rename(join(work, name), join(folder, name));
    await syncFolder(folder);
  } finally {
    unlock();
  }
}
