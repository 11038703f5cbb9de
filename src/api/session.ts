/**
 * Who is asking: signing in and out, and telling the account behind a token. Stores only the SHA-256 of a token. Scripts
 * send it in the Authorization header, the console's pages in a cookie (cookie.ts).
 */
import { createHash, randomBytes } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { AppError } from '../domain/errors.ts';
import { hashPassword, verifyPassword } from '../gateway/password.ts';
import type { Store, User } from '../store/store.ts';
import { type Call, type Caller, handle, type Permission, type Role } from './context.ts';
import { expectOwnPage, secretsInCookie, setSessionCookie } from './cookie.ts';
import { cookieSession, credentials, me, ownChange, token } from './schema/account.ts';
import { empty } from './schema/common.ts';
import { sourceOf } from './throttle.ts';

/** How long a session lasts, in µs: one long shift. */
export const SESSION_LENGTH = 12 * 3_600_000_000;

const ranks: Record<Permission, number> = { public: 0, viewer: 1, operator: 2, admin: 3 };

/** `POST /api:1/token/`: LOGIN_FAILED, RATE_LIMITED. Unknown accounts cost as much time as known ones. */
export const signIn = handle({ body: credentials, response: { 200: token } }, async (call) => {
  const user = await checkPassword(call, call.body, 'LOGIN_FAILED');
  return { token: await openSession(call.deps.store, user, call.now) };
});

/** `POST /api:1/session`: the same for the console, which gets a cookie that its scripts cannot read. */
export const openCookieSession = handle({ body: credentials, response: { 200: me } }, async (call) => {
  expectOwnPage(call.request);
  const user = await checkPassword(call, call.body, 'LOGIN_FAILED');
  await giveCookie(call, user);
  return describe(call.deps.store, user);
});

/** `GET /api:1/session`: who the cookie is for; a page that asks before anybody has signed in makes no error. */
export const readCookieSession = handle({ response: { 200: cookieSession } }, async ({ deps, request, now }) => {
  const caller = await findLive(deps.store, secretsInCookie(request), now);
  return { account: caller === null ? null : await describe(deps.store, caller.user) };
});

/** `PATCH /api:1/users/me`: another password. Ends every other session of the account. PASSWORD_WRONG */
export const changeOwnAccount = handle({ body: ownChange, response: { 200: me } }, async (call) => {
  const { store } = call.deps;
  const { current, new: chosen } = call.body.password;
  const user = await checkPassword(call, { email: call.caller!.user.email, password: current }, 'PASSWORD_WRONG');
  const { session } = call.caller!;
  const changed = await store.changePassword(user.id, user.password, await hashPassword(chosen), session.digest);
  // Somebody else changed it while this one was being checked.
  if (!changed) throw new AppError('PASSWORD_WRONG');
  return describe(store, user);
});

/** Throttled by address and by account. RATE_LIMITED, or `wrong`. Unknown accounts cost as much time as known ones. */
async function checkPassword(
  call: Pick<Call, 'deps' | 'state' | 'now' | 'request'>,
  given: { email: string; password: string },
  wrong: 'LOGIN_FAILED' | 'PASSWORD_WRONG',
): Promise<User> {
  const { deps, now, request } = call;
  const { byAddress, byEmail } = call.state.logins;
  const email = given.email.toLowerCase();
  const source = sourceOf(request.ip);
  const wait = byAddress.take(source, now) || byEmail.take(email, now);
  if (wait > 0)
    throw new AppError('RATE_LIMITED', { wanted: `a pause of ${wait} s after failed sign-ins`, retryAfter: wait });
  const user = await deps.store.getUser(email);
  const good = await verifyPassword(user?.password ?? (await decoy()), given.password);
  if (user === null || !good) {
    deps.logger.warn('sign-in failed', { ip: request.ip });
    throw new AppError(wrong);
  }
  byAddress.giveBack(source);
  byEmail.giveBack(email);
  return user;
}

async function giveCookie(call: Pick<Call, 'deps' | 'now' | 'request' | 'reply'>, user: User): Promise<void> {
  const secret = await openSession(call.deps.store, user, call.now);
  setSessionCookie(call.request, call.reply, secret, SESSION_LENGTH / 1_000_000);
}

/** `DELETE /api:1/token/`: ends the session that asks. */
export const signOut = handle({ response: { 204: empty } }, async (call) => {
  await call.deps.store.deleteSession(call.caller!.session.digest);
});

/** `DELETE /api:1/session`: the same, and takes the cookie away; also one whose session has ended. */
export const closeCookieSession = handle({ response: { 204: empty } }, async ({ deps, request, reply }) => {
  for (const secret of secretsInCookie(request)) await deps.store.deleteSession(digestOf(secret));
  setSessionCookie(request, reply, '', 0);
});

/** `GET /api:1/users/me` */
export const whoAmI = handle({ response: { 200: me } }, async (call) => {
  return describe(call.deps.store, call.caller!.user);
});

async function describe(store: Store, { id, email, role }: User) {
  const connectors = await store.listConnectors();
  return { id, email, role, connectors: connectors.map((connector) => connector.id) };
}

async function openSession(store: Store, user: User, now: number): Promise<string> {
  const secret = randomBytes(32).toString('base64url');
  const session = { digest: digestOf(secret), user: user.id, created: now, expires: now + SESSION_LENGTH };
  // The password may have been changed while this one was being checked.
  if (!(await store.putSession(session, user.password))) throw new AppError('LOGIN_FAILED');
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
  const secrets = authorization === undefined ? secretsInCookie(request) : secretIn(authorization);
  const caller = await findLive(store, secrets, now);
  if (caller === null) {
    const wanted = 'Authorization: token <token>, from POST /api:1/token/';
    throw new AppError('SESSION_INVALID', { seen: seenOf(authorization, secrets), wanted });
  }
  if (!mayCall(caller.user.role, permission)) {
    throw new AppError('ROLE_FORBIDDEN', { seen: caller.user.role, wanted: permission });
  }
  return caller;
}

export function mayCall(role: Role, permission: Permission): boolean {
  return ranks[role] >= ranks[permission];
}

function secretIn(header: string): string[] {
  const secret = /^(?:token|bearer) +([\w-]{1,256})$/i.exec(header)?.[1];
  return secret === undefined ? [] : [secret];
}

/** The first of these sessions that has not ended. */
async function findLive(store: Store, secrets: readonly string[], now: number): Promise<Caller | null> {
  for (const secret of secrets) {
    const caller = await findSession(store, digestOf(secret), now);
    if (caller !== null) return caller;
  }
  return null;
}

/** What was wrong, without what was sent. */
function seenOf(header: string | undefined, secrets: readonly string[]): string {
  if (header === undefined && secrets.length === 0) return 'no Authorization header';
  return secrets.length === 0
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

/** SESSION_INVALID when the session of a call under way has ended. */
export async function expectLive(store: Store, caller: Caller, now: number): Promise<void> {
  if ((await findSession(store, caller.session.digest, now)) !== null) return;
  throw new AppError('SESSION_INVALID', { seen: 'a session that ended meanwhile' });
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
