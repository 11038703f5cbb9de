/**
 * The session cookie of the console. It is sent by the browser itself, so it counts only for requests that the server's
 * own pages make; scripts use the Authorization header, which no other page can set.
 */
import type { FastifyRequest } from 'fastify';
import { AppError } from '../domain/errors.ts';
import { KEY_PREFIX } from '../domain/people.ts';
import type { ApiDeps, Call } from './context.ts';

/** The port is in the name, since a host's cookies are the same on all its ports (RFC 6265, 8.5). */
const nameOf = (request: FastifyRequest) => `slipway_session_${request.socket.localPort}`;

/** Cookies of one name that are looked at. */
const SECRETS_MAX = 8;

/**
 * The secrets in cookies of our name: mostly one, but a server on another port of the host can set more, under longer
 * paths, which come first (RFC 6265, 5.4). CROSS_SITE when another site's page sent them along.
 */
export function secretsInCookie(request: FastifyRequest): string[] {
  const pattern = new RegExp(`(?:^|;)\\s*${nameOf(request)}=([\\w-]{1,256})\\s*(?=;|$)`, 'g');
  const found = Array.from((request.headers.cookie ?? '').matchAll(pattern), ([, value]) => value!);
  // A key is for programs, which send it themselves.
  const secrets = found.filter((secret) => !secret.startsWith(KEY_PREFIX));
  if (secrets.length > 0) expectOwnPage(request);
  return secrets.slice(0, SECRETS_MAX);
}

/** HttpOnly and SameSite=Strict; Secure where the page came by TLS. `seconds` 0 takes it away. */
export function setSessionCookie(
  { request, reply, deps }: Pick<Call, 'request' | 'reply' | 'deps'>,
  secret: string,
  seconds: number,
): void {
  const secure = isSecure(request, deps) ? '; Secure' : '';
  const cookie = `${nameOf(request)}=${secret}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Strict${secure}`;
  reply.header('set-cookie', cookie);
}

/** As the page itself says, or where it says nothing, as when a provider sends the browser back, the configuration. */
export function isSecure({ headers }: FastifyRequest, { config }: Pick<ApiDeps, 'config'>): boolean {
  return (headers.origin ?? config.consoleUrl ?? '').startsWith('https:');
}

/**
 * CROSS_SITE unless the request comes from a page of this very origin, or from the address bar. Browsers say so in
 * Sec-Fetch-Site (W3C Fetch Metadata, 2.3); those that do not send Origin with whatever may change something.
 */
export function expectOwnPage(request: FastifyRequest): void {
  const { 'sec-fetch-site': site, origin, host } = request.headers;
  const reads = request.method === 'GET' || request.method === 'HEAD';
  const own = site === 'same-origin' || (site === 'none' && reads) || (site === undefined && isOf(origin, host, reads));
  if (own) return;
  const seen = site === undefined ? `Origin ${origin ?? 'not given'}` : `Sec-Fetch-Site ${String(site)}`;
  throw new AppError('CROSS_SITE', { seen, wanted: 'a page of this server' });
}

function isOf(origin: string | undefined, host: string | undefined, reads: boolean): boolean {
  if (origin === undefined) return reads;
  return origin === `http://${host}` || origin === `https://${host}`;
}
