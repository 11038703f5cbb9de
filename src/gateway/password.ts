/**
 * Password hashing for devices and people: argon2id with OWASP's parameters, as PHC strings. Hashing takes memory and
 * CPU on purpose, so only a few run at a time, a bounded number wait, and the rest are told to come back.
 */
import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { AppError } from '../domain/errors.ts';

const derive = promisify(argon2);

/** OWASP Password Storage Cheat Sheet: argon2id with m = 19 MiB, t = 2, p = 1. */
const memory = 19_456;
const passes = 2;
const parallelism = 1;
const tagLength = 32;

/** At most this many hashes are under way (19 MiB each); libuv has four threads, and the disk needs some of them. */
const RUNNING_MAX = 2;
const WAITING_MAX = 256;
let running = 0;
const waiting: (() => void)[] = [];

/** Hashes that wait for their turn. */
export const passwordsWaiting = (): number => waiting.length;

/** `$argon2id$v=19$m=…,t=…,p=…$<salt>$<hash>` with a fresh salt. OVERLOADED when too many wait. */
export async function hashPassword(password: string | Buffer): Promise<string> {
  const salt = randomBytes(16);
  const hash = await limited(() => run(password, salt, memory, passes, parallelism, tagLength));
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${unpadded(salt)}$${unpadded(hash)}`;
}

/** Constant-time comparison against a PHC string. False for a string that is none. OVERLOADED when too many wait. */
export async function verifyPassword(encoded: string, password: string | Buffer): Promise<boolean> {
  const parts = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/.exec(encoded);
  if (parts === null) return false;
  const [, m, t, p, salt, hash] = parts as unknown as [string, string, string, string, string, string];
  const expected = Buffer.from(hash, 'base64');
  const actual = await limited(() =>
    run(password, Buffer.from(salt, 'base64'), Number(m), Number(t), Number(p), expected.length),
  );
  return timingSafeEqual(actual, expected);
}

function run(
  message: string | Buffer,
  nonce: Buffer,
  memory: number,
  passes: number,
  parallelism: number,
  tagLength: number,
): Promise<Buffer> {
  return derive('argon2id', { message, nonce, memory, passes, parallelism, tagLength });
}

async function limited<T>(work: () => Promise<T>): Promise<T> {
  if (running >= RUNNING_MAX) {
    if (waiting.length >= WAITING_MAX) {
      throw new AppError('OVERLOADED', { seen: `${WAITING_MAX} password checks waiting`, retryAfter: 2 });
    }
    await new Promise<void>((resolve) => waiting.push(resolve));
  } else {
    running += 1;
  }
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next === undefined) running -= 1;
    else next();
  }
}

const unpadded = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '');
