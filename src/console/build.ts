/**
 * Builds the console with Vite where what is built is not what its sources say. Several processes may start at once: each
 * build goes to a folder of its own, which takes its final name, the digest of the sources, in one step.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync } from 'node:fs';
import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, gzip } from 'node:zlib';
import type { Logger } from '../log.ts';

const root = join(import.meta.dirname, '../..');
const dist = join(root, 'console/dist');

/** What the build depends on: the sources, what they take from the domain, and the packages. */
const sources = ['console/**/*', 'src/domain/*.ts', 'package-lock.json'];
/** Files that are served compressed. */
const compressible = /\.(js|css|html|svg|json)$/;
/** Folders of builds that are kept: another process may still serve the one before. */
const KEPT = 3;

/** Folder of the built console. Rejects when it cannot be built. */
export async function buildConsole(logger: Logger): Promise<string> {
  const digest = await digestSources();
  const folder = join(dist, digest);
  if (await isWhole(folder)) return folder;
  const started = performance.now();
  logger.info('building the console', { reason: existsSync(dist) ? 'its sources have changed' : 'first start' });
  const made = `${folder}.${process.pid}`;
  try {
    await runVite(made);
    await compress(made);
    await writeFile(join(made, CONTENTS), JSON.stringify(await sizesIn(made)));
    await rename(made, folder).catch(async (error) => {
      // Another process was faster, or one before us was cut off by a loss of power.
      if (await isWhole(folder)) return;
      await rm(folder, { recursive: true, force: true });
      await rename(made, folder).catch(() => {
        throw error;
      });
    });
  } finally {
    await rm(made, { recursive: true, force: true });
  }
  await removeOld(digest);
  logger.info('the console is built', { seconds: Math.round((performance.now() - started) / 100) / 10 });
  return folder;
}

/** Tells the size of each file of a build, so that one whose files did not all reach the disk is told. */
const CONTENTS = 'contents.json';

async function sizesIn(folder: string): Promise<Record<string, number>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && entry.name !== CONTENTS);
  const paths = files.map((entry) => join(entry.parentPath, entry.name));
  const sizes = await Promise.all(
    paths.map(async (path) => [path.slice(folder.length), (await stat(path)).size] as const),
  );
  return Object.fromEntries(sizes.sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function isWhole(folder: string): Promise<boolean> {
  const contents = await readFile(join(folder, CONTENTS), 'utf8').catch(() => null);
  return contents !== null && contents === JSON.stringify(await sizesIn(folder));
}

/** SHA-256 over names and contents, 16 hex digits of it. */
async function digestSources(): Promise<string> {
  const hash = createHash('sha256');
  const files = globSync(sources, {
    cwd: root,
    withFileTypes: true,
    exclude: (entry) => entry.name === 'dist' || entry.name === 'node_modules',
  });
  const paths = files.filter((file) => file.isFile()).map((file) => join(file.parentPath, file.name));
  for (const path of paths.sort()) {
    hash.update(path.slice(root.length)).update('\0');
    hash.update(await readFile(path)).update('\0');
  }
  return hash.digest('hex').slice(0, 16);
}

function runVite(outDir: string): Promise<void> {
  const require = createRequire(import.meta.url);
  const vite = join(require.resolve('vite/package.json'), '../bin/vite.js');
  const args = [vite, 'build', join(root, 'console'), '--outDir', outDir, '--logLevel', 'warn'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (said += data.toString()));
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const end = () => child.kill();
  process.once('exit', end);
  child.once('error', reject);
  child.once('close', (code, signal) => {
    process.off('exit', end);
    if (code === 0) resolve();
    else reject(new Error(`vite build ended with ${code ?? signal}: ${said.slice(-4000)}`));
  });
  return promise;
}

/** Each file beside itself as `.br` and `.gz`, once, so that no request pays for it. */
async function compress(folder: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && compressible.test(entry.name));
  await Promise.all(
    files.map(async (entry) => {
      const path = join(entry.parentPath, entry.name);
      const content = await readFile(path);
      await writeFile(`${path}.br`, await promisify(brotliCompress)(content));
      await writeFile(`${path}.gz`, await promisify(gzip)(content, { level: 9 }));
    }),
  );
}

/** Builds of earlier sources; those that were cut off are as good as any. */
async function removeOld(current: string): Promise<void> {
  const names = (await readdir(dist)).filter((name) => name !== current);
  // One that another process renames or removes in between is not ours to remove.
  const age = async (name: string) => ({
    name,
    at: (await stat(join(dist, name)).catch(() => null))?.mtimeMs ?? Infinity,
  });
  const aged = await Promise.all(names.map(age));
  const surplus = aged
    .sort((a, b) => b.at - a.at)
    .slice(KEPT)
    .map(({ name }) => name);
  for (const name of surplus) await rm(join(dist, name), { recursive: true, force: true });
}
