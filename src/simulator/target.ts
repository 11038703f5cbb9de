/**
 * Where the devices connect, and whom they trust: finds out once, before thousands try, whether the server can be reached
 * and whether its certificate is good, and says in plain words what is wrong if not. Sends nothing.
 */
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { connect, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import { Explained, inPlainWords } from './explained.ts';

export type Protocol = 'https' | 'mqtt';

/** Where a connector is. */
export interface Place {
  /** Its name, for SNI and the Host header. */
  readonly host: string;
  readonly port: number;
}

export interface Target extends Place {
  /** Of the first answer of DNS, for all connections of the run. */
  readonly address: string;
  /** CA certificates, PEM; undefined: those that Node.js trusts. */
  readonly ca: readonly string[] | undefined;
  /** For devices without a certificate of their own: one trust store for all of them. */
  readonly secureContext: SecureContext;
}

/** ms for the connection and the handshake. */
const WITHIN = 10_000;

/** Throws Explained where no device could connect. `ca`: certificates (PEM) beside those that Node.js trusts. */
export async function openTarget(place: Place, ca: readonly string[]): Promise<Target> {
  const address = await resolve(place.host);
  // One store is enough for one server, and each device with a certificate holds a copy of it.
  const stores = ca.length === 0 ? [undefined] : [ca, undefined];
  const answers: Handshake[] = [];
  for (const store of stores) {
    const answer = await shakeHands(place, address, store);
    if (answer.fault === null) return { ...place, address, ca: store, secureContext: contextOf(store) };
    answers.push(answer);
  }
  throw untrusted(place, answers[0]!, ca.length);
}

const contextOf = (ca: readonly string[] | undefined, identity: { cert: string; key: string } | null = null) =>
  createSecureContext({ ...(ca && { ca: [...ca] }), ...identity });

/** For a device with a certificate of its own, PEM. */
export function contextWith({ ca }: Target, identity: { cert: string; key: string }): SecureContext {
  return contextOf(ca, identity);
}

/** RFC 6761, 6.3: names below localhost lead to this machine; not every system knows. */
async function resolve(host: string): Promise<string> {
  if (host === 'localhost' || host.endsWith('.localhost')) return '127.0.0.1';
  try {
    return (await lookup(host)).address;
  } catch (error) {
    throw new Explained(`${host} cannot be found: ${inPlainWords(error)}.`);
  }
}

interface Handshake {
  /** Null: the certificate is good. */
  readonly fault: string | null;
  readonly issuer: string;
}

/** Nothing is sent over a connection that is not trusted: it only tells what is wrong. */
async function shakeHands(place: Place, address: string, ca: readonly string[] | undefined): Promise<Handshake> {
  const { host, port } = place;
  const signal = AbortSignal.timeout(WITHIN);
  const socket = connect({
    host: address,
    port,
    servername: host,
    secureContext: contextOf(ca),
    rejectUnauthorized: false,
  });
  try {
    await once(socket, 'secureConnect', { signal });
    return { fault: faultOf(socket), issuer: [socket.getPeerCertificate().issuer?.CN].flat()[0] ?? 'nobody' };
  } catch (error) {
    const why = signal.aborted ? 'no answer in time' : inPlainWords(error);
    throw new Explained(
      `${host}:${port} cannot be reached: ${why}. Is the server running, and is that its port (--port)?`,
    );
  } finally {
    socket.destroy();
  }
}

function faultOf(socket: TLSSocket): string | null {
  if (socket.authorized) return null;
  // An Error, or the code alone.
  const error = socket.authorizationError as unknown as string | NodeJS.ErrnoException;
  return typeof error === 'string' ? error : (error.code ?? error.message);
}

function untrusted({ host, port }: Place, { fault, issuer }: Handshake, given: number): Explained {
  const server = `The certificate of ${host}:${port}`;
  if (fault === 'ERR_TLS_CERT_ALTNAME_INVALID') return new Explained(`${server} is for another name.`);
  if (fault === 'CERT_HAS_EXPIRED') return new Explained(`${server} has expired.`);
  const known = given === 0 ? 'is not known here' : `is none of the ${given} given, nor known otherwise`;
  return new Explained(
    `${server} is not trusted: who signed it, "${issuer}", ${known} (${fault}).\n` +
      'Say whom to trust with --ca <file>. For a server with a CA of its own that is ca/ca.pem of its data folder.',
  );
}
