/**
 * The archive of a backup: a tar of `manifest.json`, the files of a data folder, and last `SHA256SUMS`, which names the digest
 * of each. Written beside its place and put there when it is whole and on disk; read with every digest compared.
 */
import { createHash, randomBytes } from 'node:crypto';
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { linkOrRename, syncFolder } from '../durable-file.ts';
import { type Entry, end, header, padding, paddingOf, readHeader } from './tar.ts';

const CHUNK = 1 << 20;
const MANIFEST = 'manifest.json';
const SUMS = 'SHA256SUMS';
/** Longest text file of our own. */
const TEXT_MAX = 64 << 20;

export interface Manifest {
  readonly format: 1;
  readonly version: string;
  readonly created: string;
  readonly engine: 'sqlite' | 'postgres';
}

/** A file on its way in. `path`: its name in the archive, with `/`. */
export interface Source {
  readonly path: string;
  readonly file: string;
}

/** Bytes so far, of how many. */
export type Progress = (done: number, total: number) => void;

/** Readable by its owner alone. Rejects, and leaves nothing, where there is a file already unless it may be replaced. */
export async function writeArchive(
  target: string,
  manifest: Manifest,
  sources: readonly Source[],
  { replace, onProgress }: { readonly replace: boolean; readonly onProgress: Progress },
): Promise<number> {
  const temporary = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}`);
  const out = await open(temporary, 'wx', 0o600);
  try {
    const bytes = await writeAll(out, manifest, sources, onProgress);
    await out.sync();
    if (replace) await rename(temporary, target);
    else await linkOrRename(temporary, target);
    await syncFolder(dirname(target));
    return bytes;
  } finally {
    await out.close();
    await rm(temporary, { force: true });
  }
}

async function writeAll(out: FileHandle, manifest: Manifest, sources: readonly Source[], onProgress: Progress) {
  const seconds = Math.floor(Date.parse(manifest.created) / 1000);
  const sums: string[] = [];
  let written = 0;
  let total = 0;
  const put = async (bytes: Buffer) => {
    await out.writeFile(bytes);
    written += bytes.length;
  };
  const putText = async (path: string, text: string) => {
    const bytes = Buffer.from(text);
    sums.push(`${createHash('sha256').update(bytes).digest('hex')}  ${path}`);
    await put(
      Buffer.concat([header({ path, size: bytes.length, mode: 0o600 }, seconds), bytes, padding(bytes.length)]),
    );
  };
  await putText(MANIFEST, `${JSON.stringify(manifest, null, 2)}\n`);
  for (const { file } of sources) total += (await stat(file)).size;
  for (const { path, file } of sources) {
    const handle = await open(file, 'r');
    try {
      const { size, mode } = await handle.stat();
      await put(header({ path, size, mode: mode & 0o777 }, seconds));
      const hash = createHash('sha256');
      const buffer = Buffer.allocUnsafe(CHUNK);
      for (let done = 0; done < size; ) {
        const { bytesRead } = await handle.read(buffer, 0, Math.min(CHUNK, size - done), done);
        if (bytesRead === 0) throw new Error(`${path} became shorter while it was read`);
        const part = buffer.subarray(0, bytesRead);
        hash.update(part);
        await put(part);
        done += bytesRead;
        onProgress(written, total);
      }
      await put(padding(size));
      sums.push(`${hash.digest('hex')}  ${path}`);
    } finally {
      await handle.close();
    }
  }
  await putText(SUMS, `${sums.join('\n')}\n`);
  await put(end);
  return written;
}

/** Takes each file of an archive; `start` opens whatever takes its bytes, and is not called for what is ours. */
export interface Sink {
  start(entry: Entry): Promise<{ write(bytes: Buffer): Promise<void>; close(): Promise<void> }>;
}

export interface Checked {
  readonly manifest: Manifest;
  /** Without what is ours. */
  readonly files: readonly Entry[];
}

/** Reads it to the end. Rejects if anything of it is missing, damaged, or more than it should be; without a sink it only looks. */
export async function readArchive(file: string, onProgress: Progress, sink?: Sink): Promise<Checked> {
  const input = await open(file, 'r');
  try {
    const { size: total } = await input.stat();
    let position = 0;
    const read = async (bytes: number) => {
      const buffer = Buffer.allocUnsafe(bytes);
      let have = 0;
      while (have < bytes) {
        const { bytesRead } = await input.read(buffer, have, bytes - have, position);
        if (bytesRead === 0) break;
        have += bytesRead;
        position += bytesRead;
      }
      onProgress(position, total);
      return buffer.subarray(0, have);
    };
    const digests = new Map<string, string>();
    const texts = new Map<string, string>();
    const files: Entry[] = [];
    for (let entry = await readHeader(read); entry !== null; entry = await readHeader(read)) {
      const { path, size } = entry;
      if (digests.has(path)) throw new Error(`The archive holds ${path} twice`);
      const own = path === MANIFEST || path === SUMS;
      if (own && size > TEXT_MAX) throw new Error(`${path} of the archive is too large`);
      if (!own) files.push(entry);
      const taker = own ? null : await sink?.start(entry);
      const hash = createHash('sha256');
      const kept: Buffer[] = [];
      try {
        for (let left = size; left > 0; ) {
          const part = await read(Math.min(CHUNK, left));
          if (part.length === 0) throw new Error('The archive is cut off');
          hash.update(part);
          if (own) kept.push(Buffer.from(part));
          await taker?.write(part);
          left -= part.length;
        }
      } finally {
        await taker?.close();
      }
      if ((await read(paddingOf(size))).length < paddingOf(size)) throw new Error('The archive is cut off');
      digests.set(path, hash.digest('hex'));
      if (own) texts.set(path, Buffer.concat(kept).toString());
    }
    compare(digests, texts.get(SUMS));
    return { manifest: readManifest(texts.get(MANIFEST)), files };
  } finally {
    await input.close();
  }
}

function compare(digests: Map<string, string>, sums: string | undefined): void {
  if (sums === undefined) throw new Error(`The archive has no ${SUMS}: it is cut off, or none of Slipway`);
  const wanted = new Map<string, string>();
  for (const line of sums.split('\n').filter((text) => text !== '')) {
    const [, digest, path] = /^([0-9a-f]{64}) {2}(.+)$/.exec(line) ?? [];
    if (path === undefined) throw new Error(`${SUMS} of the archive is damaged`);
    wanted.set(path, digest!);
  }
  for (const [path, digest] of wanted) {
    if (!digests.has(path)) throw new Error(`${path} is missing in the archive`);
    if (digests.get(path) !== digest) throw new Error(`${path} is damaged: its digest is not that of ${SUMS}`);
  }
  for (const path of digests.keys()) {
    if (path !== SUMS && !wanted.has(path)) throw new Error(`The archive holds ${path}, which ${SUMS} does not name`);
  }
}

function readManifest(text: string | undefined): Manifest {
  const manifest = JSON.parse(text ?? 'null') as Manifest | null;
  if (manifest?.format !== 1)
    throw new Error('The archive is of another format: use the version of Slipway that wrote it');
  return manifest;
}
