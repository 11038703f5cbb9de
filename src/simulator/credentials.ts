/**
 * What devices show to be let in, kept in a file from one run to the next: a line of JSON for each, written before it is
 * used, for the eyes of its owner alone. Knows nothing of how a credential is come by.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { Explained } from './explained.ts';

export type Secret =
  | { readonly type: 'token'; readonly token: string }
  | { readonly type: 'password'; readonly password: string }
  /** PEM; `cert` may hold more than the leaf. */
  | { readonly type: 'certificate'; readonly cert: string; readonly key: string };

export interface Keyring {
  /** Those of this connector, in the order in which they were kept. */
  readonly known: ReadonlyMap<string, Secret>;
  /** Resolves when it is in the file. A later one of the same identity counts. */
  keep(identity: string, secret: Secret): Promise<void>;
  close(): Promise<void>;
}

/** Nothing is kept. */
export const noKeyring: Keyring = { known: new Map(), keep: async () => {}, close: async () => {} };

interface Line {
  readonly host: string;
  readonly identity: string;
  readonly secret: Secret;
}

/** Opens the file, or makes it; `host` is the connector's. Throws Explained for one that cannot be used. */
export async function openKeyring(path: string, host: string): Promise<Keyring> {
  // What is there already keeps its mode, so that is set as well.
  const file = await openPrivate(path);
  const known = new Map<string, Secret>();
  let number = 0;
  for await (const text of file.readLines({ autoClose: false, start: 0 })) {
    number += 1;
    if (text === '') continue;
    const line = parse(text);
    if (line === null) {
      await file.close();
      throw new Explained(`${path}, line ${number}, is no credential: is this another file?`);
    }
    if (line.host === host) known.set(line.identity, line.secret);
  }
  let writing: Promise<unknown> = Promise.resolve();
  return {
    known,
    keep(identity, secret) {
      const written = writing.then(() => file.appendFile(`${JSON.stringify({ host, identity, secret })}\n`));
      writing = written.catch(() => {});
      return written;
    },
    async close() {
      await writing;
      await file.close();
    },
  };
}

async function openPrivate(path: string): Promise<FileHandle> {
  try {
    const file = await open(path, 'a+', 0o600);
    await file.chmod(0o600);
    return file;
  } catch (error) {
    throw new Explained(`Credentials cannot be kept in ${path}: ${(error as Error).message}`);
  }
}

function parse(text: string): Line | null {
  try {
    const line = JSON.parse(text);
    const good = typeof line?.host === 'string' && typeof line.identity === 'string' && isSecret(line.secret);
    return good ? line : null;
  } catch {
    return null;
  }
}

function isSecret(secret: Partial<Record<string, unknown>> | undefined): boolean {
  if (secret?.type === 'token') return typeof secret.token === 'string';
  if (secret?.type === 'password') return typeof secret.password === 'string';
  return secret?.type === 'certificate' && typeof secret.cert === 'string' && typeof secret.key === 'string';
}
