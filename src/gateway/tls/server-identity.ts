/**
 * Where the doors get their server certificate from: the operator's files, taken up again when they change, or the local
 * CA, whose certificate is renewed in time (running.md, SLIPWAY_TLS_CERT). Knows no door.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import type { Logger } from '../../log.ts';
import { ensureAuthority, type KeepAuthority } from './authority.ts';
import type { Identity } from './options.ts';

export type IdentitySource =
  | { readonly certFile: string; readonly keyFile: string; readonly domain: string }
  | { readonly folder: string; readonly domain: string; readonly keep?: KeepAuthority };

/** A source that is being watched. */
export interface ServerIdentity {
  /** What new connections get now. */
  readonly current: Identity;
  /** The CA certificate that clients need for it; null where the operator brought an own certificate. */
  readonly caPath: string | null;
  /** Stops watching. */
  close(): void;
}

/** Milliseconds between two looks: at files that may have changed, and at a certificate that may run out. */
interface Intervals {
  readonly files: number;
  readonly renewal: number;
}

/**
 * Opens the source and calls `onChange` with each later identity. What cannot be used (half written, a key of another
 * certificate) is logged and leaves the old one in force. Rejects if there is none that can be used to begin with.
 */
export function openServerIdentity(
  source: IdentitySource,
  onChange: (identity: Identity) => void,
  logger: Logger,
  every: Intervals = { files: 1000, renewal: 86_400_000 },
): Promise<ServerIdentity> {
  return 'folder' in source
    ? openLocal(source, onChange, logger, every.renewal)
    : openFiles(source, onChange, logger, every.files);
}

async function openLocal(
  { folder, domain, keep }: Extract<IdentitySource, { folder: string }>,
  onChange: (identity: Identity) => void,
  logger: Logger,
  interval: number,
): Promise<ServerIdentity> {
  const { caPath, ...first } = await ensureAuthority(folder, domain, new Date(), keep);
  const watch = startWatch(first, onChange, interval, async (current) => {
    try {
      const { cert, key } = await ensureAuthority(folder, domain, new Date());
      if (cert === current.cert) return null;
      logger.info('server certificate renewed by the local CA', describe(cert));
      return { cert, key };
    } catch (error) {
      logger.error('server certificate could not be renewed; the old one stays', { error });
      return null;
    }
  });
  return {
    ...watch,
    get current() {
      return watch.current();
    },
    caPath,
  };
}

/**
 * Files are looked at by the clock: notifications miss what mounted secrets do, where the file is a link to a link that is
 * exchanged.
 */
async function openFiles(
  { certFile, keyFile, domain }: { certFile: string; keyFile: string; domain: string },
  onChange: (identity: Identity) => void,
  logger: Logger,
  interval: number,
): Promise<ServerIdentity> {
  // The state is taken before the content: what changes in between is then seen at the next look.
  let state = await stateOf(certFile, keyFile);
  const first = await readPair(certFile, keyFile);
  warnOfNames(first.cert, domain, logger);
  const watch = startWatch(first, onChange, interval, async (current) => {
    try {
      const now = await stateOf(certFile, keyFile);
      if (now === state) return null;
      state = now;
      const pair = await readPair(certFile, keyFile);
      if (pair.cert === current.cert && pair.key === current.key) return null;
      logger.info('server certificate changed', describe(pair.cert));
      warnOfNames(pair.cert, domain, logger);
      return pair;
    } catch (error) {
      logger.error('server certificate cannot be used; the old one stays', { reason: (error as Error).message });
      return null;
    }
  });
  return {
    ...watch,
    get current() {
      return watch.current();
    },
    caPath: null,
  };
}

/** Looks again and again, one look at a time; `look` answers null when nothing is new, and never rejects. */
function startWatch(
  first: Identity,
  onChange: (identity: Identity) => void,
  interval: number,
  look: (current: Identity) => Promise<Identity | null>,
): { current: () => Identity; close: () => void } {
  let current = first;
  let closed = false;
  let timer = setTimeout(tick, interval).unref();
  async function tick(): Promise<void> {
    const next = await look(current);
    if (closed) return;
    if (next !== null) {
      current = next;
      onChange(next);
    }
    timer = setTimeout(tick, interval).unref();
  }
  const close = () => {
    closed = true;
    clearTimeout(timer);
  };
  return { current: () => current, close };
}

/** Differs whenever one of the files may have other content, or is gone. */
async function stateOf(...paths: string[]): Promise<string> {
  const states = paths.map(async (path) => {
    try {
      const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
      return [dev, ino, size, mtimeNs, ctimeNs].join();
    } catch (error) {
      return (error as NodeJS.ErrnoException).code ?? 'unknown';
    }
  });
  return (await Promise.all(states)).join(' ');
}

/** Both files, if they belong together and TLS can use them. Throws Error that names the file, never what it holds. */
async function readPair(certFile: string, keyFile: string): Promise<Identity> {
  const [cert, key] = await Promise.all([readFile(certFile, 'utf8'), readFile(keyFile, 'utf8')]);
  const x509 = attempt(() => new X509Certificate(cert), `${certFile} holds no PEM certificate that can be read`);
  const privateKey = attempt(() => createPrivateKey(key), `${keyFile} holds no unencrypted PEM key that can be read`);
  if (!x509.checkPrivateKey(privateKey)) throw new Error(`${keyFile} is not the key of ${certFile}`);
  attempt(() => createSecureContext({ cert, key }), `TLS cannot use ${certFile} with ${keyFile}`);
  return { cert, key };
}

function attempt<T>(action: () => T, failure: string): T {
  try {
    return action();
  } catch (cause) {
    throw new Error(`${failure} (${(cause as NodeJS.ErrnoException).code ?? 'unknown reason'})`, { cause });
  }
}

/** Devices check the name of their connector: a certificate for other names is taken as told, but not in silence. */
function warnOfNames(cert: string, domain: string, logger: Logger): void {
  const x509 = new X509Certificate(cert);
  if (x509.checkHost(`connector.m2.${domain}`) !== undefined) return;
  logger.warn('the server certificate does not name the hosts of connectors', {
    seen: x509.subjectAltName ?? x509.subject,
    wanted: `*.m2.${domain}`,
  });
}

function describe(cert: string): Record<string, unknown> {
  const x509 = new X509Certificate(cert);
  return { subject: x509.subject, notAfter: x509.validToDate.toISOString(), fingerprint: x509.fingerprint256 };
}
