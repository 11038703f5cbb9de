/**
 * Who is asking: signing in and out, and telling the account behind a token. Stores only the SHA-256 of a token. Takes
 * tokens from the Authorization header alone; no cookie is set or read, so another site's page has nothing to ride on.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { AppError } from '../domain/errors.ts';
import { hashPassword, verifyPassword } from '../gateway/password.ts';
import type { Store, User } from '../store/store.ts';
import type { Caller, Permission, Role } from './context.ts';
import { handle } from './context.ts';
import { credentials, me, token } from './schema/account.ts';
import { empty } from './schema/common.ts';
import { sourceOf } from './throttle.ts';

/** How long a session lasts, in µs: one long shift. */
export const SESSION_LENGTH = 12 * 3_600_000_000;

const ranks: Record<Permission, number> = { public: 0, viewer: 1, operator: 2, admin: 3 };

/** `POST /api:1/token/`: LOGIN_FAILED, RATE_LIMITED. Unknown accounts cost as much time as known ones. */
export const signIn = handle({ body: credentials, response: { 200: token } }, async (call) => {
  const { deps, now, request } = call;
  const { byAddress, byEmail } = call.state.logins;
  const email = call.body.email.toLowerCase();
  const source = sourceOf(request.ip);
  const wait = byAddress.take(source, now) || byEmail.take(email, now);
  if (wait > 0)
    throw new AppError('RATE_LIMITED', { wanted: `a pause of ${wait} s after failed sign-ins`, retryAfter: wait });
  const user = await deps.store.getUser(email);
  const good = await verifyPassword(user?.password ?? (await decoy()), call.body.password);
  if (user === null || !good) {
    deps.logger.warn('sign-in failed', { ip: request.ip });
    throw new AppError('LOGIN_FAILED');
  }
  byAddress.giveBack(source);
  byEmail.giveBack(email);
  return { token: await openSession(deps.store, user, now) };
});

/** `DELETE /api:1/token/`: ends the session that asks. */
export const signOut = handle({ response: { 204: empty } }, async (call) => {
  await call.deps.store.deleteSession(call.caller!.session.digest);
});

/** `GET /api:1/users/me` */
export const whoAmI = handle({ response: { 200: me } }, async (call) => {
  const { id, email, role } = call.caller!.user;
  const connectors = await call.deps.store.listConnectors();
  return { id, email, role, connectors: connectors.map((connector) => connector.id) };
});

async function openSession(store: Store, user: User, now: number): Promise<string> {
  const secret = randomBytes(32).toString('base64url');
  await store.putSession({ digest: digestOf(secret), user: user.id, created: now, expires: now + SESSION_LENGTH });
  return secret;
}

/** The caller of a route. SESSION_INVALID without a live session, ROLE_FORBIDDEN when the role is too low. */
export async function admit(
  store: Store,
  request: FastifyRequest,
  permission: Permission,
  now: number,
): Promise<Caller | null> {
  if (permission === 'public') return null;
  const { authorization } = request.headers;
  const secret = secretIn(authorization);
  const caller = secret === null ? null : await findSession(store, digestOf(secret), now);
  if (caller === null) {
    const wanted = 'Authorization: token <token>, from POST /api:1/token/';
    throw new AppError('SESSION_INVALID', { seen: seenOf(authorization, secret), wanted });
  }
  if (!mayCall(caller.user.role, permission)) {
    throw new AppError('ROLE_FORBIDDEN', { seen: caller.user.role, wanted: permission });
  }
  return caller;
}

export function mayCall(role: Role, permission: Permission): boolean {
  return ranks[role] >= ranks[permission];
}

function secretIn(header: string | undefined): string | null {
  return /^(?:token|bearer) +([\w-]{1,256})$/i.exec(header ?? '')?.[1] ?? null;
}

/** What was wrong, without what was sent. */
function seenOf(header: string | undefined, secret: string | null): string {
  if (header === undefined) return 'no Authorization header';
  return secret === null
    ? 'an Authorization header of another form'
    : 'a token of no session, or of one that has ended';
}

/** The account of a session that has not ended, by the digest of its token: its compare leaks nothing. */
export async function findSession(store: Store, digest: string, now: number): Promise<Caller | null> {
  const session = await store.getSession(digest);
  if (session === null || session.expires <= now) return null;
  const user = await store.getUserById(session.user);
  return user === null ? null : { user, session };
}

function digestOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

let decoyHash: Promise<string> | undefined;
/** A hash that no password fits, made once. */
function decoy(): Promise<string> {
  decoyHash ??= hashPassword(randomBytes(32));
  return decoyHash;
}
