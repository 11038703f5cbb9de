/**
 * Regular files in a tar archive (POSIX.1-1988 "ustar", sizes beyond 8 GiB as GNU tar writes them), as a stream: only what an
 * archive of ours holds. Any tar can read what is written here; what is read is taken for hostile.
 */
const BLOCK = 512;
/** Offsets and lengths in a header. */
const NAME = [0, 100] as const;
const SIZE = [124, 12] as const;
const CHECKSUM = [148, 8] as const;
const PREFIX = [345, 155] as const;

export interface Entry {
  readonly path: string;
  readonly size: number;
  readonly mode: number;
}

/** Zeros up to the next block. */
export const padding = (size: number): Buffer => Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
/** Two empty blocks. */
export const end = Buffer.alloc(2 * BLOCK);

/** Throws where the path is too long to be written. */
export function header({ path, size, mode }: Entry, seconds: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  const [prefix, name] = splitPath(path);
  block.write(name, ...NAME);
  block.write(`${octal(mode, 7)}\0${octal(0, 7)}\0${octal(0, 7)}\0`, 100);
  if (size < 8 ** 11) block.write(`${octal(size, 11)}\0`, SIZE[0]);
  else {
    block.writeBigUInt64BE(BigInt(size), SIZE[0] + SIZE[1] - 8);
    block[SIZE[0]] = 0x80;
  }
  block.write(`${octal(seconds, 11)}\0`, 136);
  block.write('0', 156);
  block.write('ustar\x0000', 257);
  block.write(prefix, ...PREFIX);
  block.write(`${octal(checksum(block), 6)}\0 `, CHECKSUM[0]);
  return block;
}

const octal = (value: number, digits: number) => value.toString(8).padStart(digits, '0');

function splitPath(path: string): readonly [prefix: string, name: string] {
  if (Buffer.byteLength(path) <= NAME[1]) return ['', path];
  for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) {
    const [prefix, name] = [path.slice(0, at), path.slice(at + 1)];
    if (Buffer.byteLength(prefix) <= PREFIX[1] && Buffer.byteLength(name) <= NAME[1]) return [prefix, name];
  }
  throw new Error(`The name of this file is too long for an archive: ${path}`);
}

/** Of a header, its own field taken as spaces. */
function checksum(block: Buffer): number {
  let sum = 0;
  for (const [at, byte] of block.entries()) sum += at >= CHECKSUM[0] && at < CHECKSUM[0] + CHECKSUM[1] ? 0x20 : byte;
  return sum;
}

/** Reads exactly as many bytes; fewer at the end. */
export type Read = (bytes: number) => Promise<Buffer>;

/** The next entry; null at the end of the archive. Throws Error for what is no archive, or not one that was written here. */
export async function readHeader(read: Read): Promise<Entry | null> {
  const block = await read(BLOCK);
  if (block.length < BLOCK) throw new Error('The archive is cut off');
  if (block.every((byte) => byte === 0)) return null;
  if (Number.parseInt(textAt(block, CHECKSUM), 8) !== checksum(block))
    throw new Error('A header of the archive is damaged');
  const prefix = textAt(block, PREFIX);
  const path = `${prefix === '' ? '' : `${prefix}/`}${textAt(block, NAME)}`;
  if (block[156] !== 0x30) throw new Error(`The archive holds something that is no file: ${path}`);
  const parts = path.split('/');
  if (
    parts.some((part) => part === '' || part === '.' || part === '..') ||
    path.includes('\\') ||
    path.includes('\0')
  ) {
    throw new Error(`The archive holds a path that leads elsewhere: ${JSON.stringify(path)}`);
  }
  return { path, size: sizeIn(block), mode: Number.parseInt(textAt(block, [100, 8]), 8) & 0o777 };
}

function sizeIn(block: Buffer): number {
  const [at, length] = SIZE;
  const size =
    (block[at]! & 0x80) === 0
      ? Number.parseInt(textAt(block, SIZE), 8)
      : Number(block.readBigUInt64BE(at + length - 8));
  if (!Number.isSafeInteger(size) || size < 0) throw new Error('A header of the archive is damaged');
  return size;
}

function textAt(block: Buffer, [at, length]: readonly [number, number]): string {
  const field = block.subarray(at, at + length);
  const stop = field.indexOf(0);
  return field.toString('utf8', 0, stop === -1 ? length : stop).trim();
}

export const paddingOf = (size: number): number => (BLOCK - (size % BLOCK)) % BLOCK;
