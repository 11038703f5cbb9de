/** Whether each port is free, is held by the Slipway of this folder, or by somebody else. */
import { createServer } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type Finding, fault, ok } from './finding.ts';

const WITHIN = 3_000;

export interface Port {
  readonly name: string;
  readonly setting: string;
  readonly host: string;
  readonly port: number;
  /** How one of ours is known: by its certificate, by what it answers, or not at all. */
  readonly kind: 'tls' | 'http' | 'other';
}

/** `certificate`: SHA-256 fingerprint of the server's, as Node writes it; null if it is not known. */
export async function lookAtPort(
  { name, setting, host, port, kind }: Port,
  certificate: string | null,
): Promise<Finding> {
  const subject = `${name}, port ${port}`;
  if (port === 0) return ok(subject, 'any free one');
  const error = await tryToListen(host, port);
  if (error === null) return ok(subject, 'free');
  if (error.code === 'EACCES') {
    const todo = `Give the right to (AmbientCapabilities=CAP_NET_BIND_SERVICE), or set ${setting} to one from 1024 on.`;
    return fault(subject, 'this account may not listen there', todo);
  }
  if (error.code === 'EADDRNOTAVAIL') {
    return fault(subject, `${host} is no address of this machine`, 'Name one that is, or 0.0.0.0 for all.');
  }
  if (error.code !== 'EADDRINUSE') return fault(subject, error.message, `Set ${setting} to another one.`);
  const target = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  const whose =
    kind === 'tls'
      ? await byCertificate(target, port, certificate)
      : kind === 'http'
        ? await byAnswer(target, port)
        : null;
  if (whose === 'ours') return ok(subject, 'held by Slipway, which runs');
  if (whose === null) return ok(subject, 'in use; by whom cannot be told');
  return fault(
    subject,
    `held by another program (${whose})`,
    `End that one, or set ${setting} to another port. ss -ltnp names it.`,
  );
}

function tryToListen(host: string, port: number): Promise<NodeJS.ErrnoException | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', resolve);
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)));
  });
}

function byCertificate(host: string, port: number, wanted: string | null): Promise<'ours' | string> {
  return new Promise((resolve) => {
    // Compared, not trusted: nothing is sent.
    const socket = connectTls({ host, port, rejectUnauthorized: false, timeout: WITHIN });
    const end = (answer: string) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('secureConnect', () => {
      const { fingerprint256 } = socket.getPeerCertificate();
      end(wanted !== null && fingerprint256 === wanted ? 'ours' : 'it shows another certificate');
    });
    socket.once('error', () => end('it speaks no TLS'));
    socket.once('timeout', () => end('it does not answer'));
  });
}

async function byAnswer(host: string, port: number): Promise<'ours' | string> {
  const name = host.includes(':') ? `[${host}]` : host;
  try {
    const options = { signal: AbortSignal.timeout(WITHIN) };
    const health = await fetch(`http://${name}:${port}/healthz`, options);
    const text = await health.text();
    return health.headers.get('server') === 'Slipway' || text === 'ok\n' ? 'ours' : 'it answers otherwise';
  } catch {
    return 'it speaks no HTTP';
  }
}
