/**
 * Signing in and out, and showing once more that it is oneself. Stores only the SHA-256 of a token. Scripts send it in the
 * Authorization header, the console's pages in a cookie (cookie.ts).
 */
import { randomBytes } from 'node:crypto';
import { AppError, printable } from '../domain/errors.ts';
import { normalizeAddress } from '../domain/network.ts';
import type { Session, User } from '../domain/people.ts';
import { hashPassword, verifyPassword } from '../gateway/password.ts';
import { digestOf, findLive } from './admit.ts';
import { type Call, type Caller, handle } from './context.ts';
import { expectOwnPage, secretsInCookie, setSessionCookie } from './cookie.ts';
import { expectCode } from './factor.ts';
import { cookieSession, credentials, me, proof, proven, token } from './schema/account.ts';
import { empty } from './schema/common.ts';
import { sourceOf } from './throttle.ts';
import { entry, targets } from './trail.ts';

/** How long a session lasts, in µs: one long shift. */
export const SESSION_LENGTH = 12 * 3_600_000_000;
/** Characters that are kept of what a client calls itself. */
const AGENT_MAX = 200;

/** What signing in needs of a call. */
export type Signing = Pick<Call, 'deps' | 'state' | 'now' | 'request' | 'reply' | 'caller'> & {
  readonly action: string;
};

interface Given {
  readonly email: string;
  readonly password: string;
  readonly code?: string;
}

/** `POST /api:1/token/`: LOGIN_FAILED, RATE_LIMITED, CODE_NEEDED. Unknown accounts cost as much time as known ones. */
export const signIn = handle({ body: credentials, response: { 200: token } }, async (call) => {
  const user = await checkPerson(call, call.body, 'LOGIN_FAILED');
  return { token: await openSession(call, user, call.now) };
});

/** `POST /api:1/session`: the same for the console, which gets a cookie that its scripts cannot read. */
export const openCookieSession = handle({ body: credentials, response: { 200: me } }, async (call) => {
  expectOwnPage(call.request);
  const user = await checkPerson(call, call.body, 'LOGIN_FAILED');
  await giveCookie(call, user, call.now);
  return describePerson(call, user);
});

/** `GET /api:1/session`: who the cookie is for; a page that asks before anybody has signed in makes no error. */
export const readCookieSession = handle({ response: { 200: cookieSession } }, async (call) => {
  const { deps, request, now } = call;
  const caller = await findLive(deps.store, secretsInCookie(request), now);
  return { account: caller === null ? null : await describe(call, caller) };
});

/** `POST /api:1/session/proof`: shows the password once more, for calls that demand it. PASSWORD_WRONG, CODE_NEEDED. */
export const proveSession = handle({ body: proof, response: { 200: proven } }, async (call) => {
  const { user, session } = call.caller!.person!;
  const checked = await checkPerson(call, { ...call.body, email: user.email }, 'PASSWORD_WRONG');
  const told = entry(call, targets.user(checked.email), null, null);
  if (!(await call.deps.store.proveSession(session.digest, call.now, told))) throw new AppError('SESSION_INVALID');
  return { proven: call.now };
});

/**
 * The account of email, password and, where it has a second factor, code. Throttled by address and by account.
 * RATE_LIMITED, CODE_NEEDED, CODE_WRONG, or `wrong`. Unknown accounts cost as much time as known ones.
 */
export async function checkPerson(
  call: Signing,
  { email: given, password, code }: Given,
  wrong: 'LOGIN_FAILED' | 'PASSWORD_WRONG',
): Promise<User> {
  const { deps, now, request, state } = call;
  const { byAddress, byEmail } = state.logins;
  const email = given.toLowerCase();
  const source = sourceOf(request.ip);
  const wait = byAddress.take(source, now) || byEmail.take(email, now);
  if (wait > 0)
    throw new AppError('RATE_LIMITED', { wanted: `a pause of ${wait} s after failed sign-ins`, retryAfter: wait });
  const user = await deps.store.getUser(email);
  const hash = user === null || user.password === '' ? await decoy() : user.password;
  const good = await verifyPassword(hash, password);
  if (user === null || !good) {
    await noteFailure(call, user, wrong);
    throw new AppError(wrong);
  }
  const taken = await expectCode(call, user, code).catch(async (error) => {
    // Who was only not asked for the code yet has guessed nothing.
    if (error.code !== 'CODE_NEEDED') await noteFailure(call, user, error.code);
    else giveBack();
    throw error;
  });
  giveBack();
  return taken;

  function giveBack(): void {
    byAddress.giveBack(source);
    byEmail.giveBack(email);
  }
}

/** Logs and audits a failed sign-in; of very many, some entries tell how many there were. Only known emails are named. */
export async function noteFailure(call: Signing, user: User | null, why: string): Promise<void> {
  const { deps, state, now, request } = call;
  deps.logger.warn('sign-in failed', { ip: request.ip });
  if (state.failures.take('all', now) > 0) {
    state.unwritten += 1;
    return;
  }
  const after = { why, ...(state.unwritten > 0 && { unwritten: state.unwritten }) };
  state.unwritten = 0;
  const target = user === null ? 'users' : targets.user(user.email);
  await deps.store.audit(entry({ ...call, action: 'signInFailed' }, target, null, after, call.caller?.who ?? 'nobody'));
}

/** Opens a session and puts it into the console's cookie. `proven`: when the password was shown, µs. */
export async function giveCookie(call: Signing, user: User, proven: number): Promise<void> {
  const secret = await openSession(call, user, proven);
  setSessionCookie(call, secret, SESSION_LENGTH / 1_000_000);
}

/** `DELETE /api:1/token/`: ends the session that asks. */
export const signOut = handle({ response: { 204: empty } }, async (call) => {
  const { digest, who } = call.caller!;
  await call.deps.store.deleteSession(digest, entry(call, targets.user(who), null, null));
});

/** `DELETE /api:1/session`: the same, and takes the cookie away; also one whose session has ended. */
export const closeCookieSession = handle({ response: { 204: empty } }, async (call) => {
  const { deps, request, now } = call;
  for (const secret of secretsInCookie(request)) {
    const caller = await findLive(deps.store, [secret], now);
    if (caller?.person == null) continue;
    const told = entry(call, targets.user(caller.who), null, null, caller.who);
    await deps.store.deleteSession(digestOf(secret), told);
  }
  setSessionCookie(call, '', 0);
});

/** `GET /api:1/users/me` */
export const whoAmI = handle({ response: { 200: me } }, async (call) => describe(call, call.caller!));

/** What an account, or a key, is told of itself. */
export async function describe({ deps }: Pick<Call, 'deps'>, { id, who, role, connectors, person }: Caller) {
  const all = (await deps.store.listConnectors()).map((connector) => connector.id);
  return {
    id,
    email: who,
    role,
    connectors: connectors === null ? all : all.filter((one) => connectors.includes(one)),
    all_connectors: connectors === null,
    second_factor: (person?.user.factor ?? null) !== null,
    has_password: (person?.user.password ?? '') !== '',
  };
}

export function describePerson(call: Pick<Call, 'deps'>, user: User) {
  const { id, email, role, connectors } = user;
  return describe(call, { id, who: email, role, connectors, digest: '', person: { user, session: {} as Session } });
}

async function openSession(call: Signing, user: User, proven: number): Promise<string> {
  const { request, now, deps } = call;
  const secret = randomBytes(32).toString('base64url');
  const session: Session = {
    digest: digestOf(secret),
    user: user.id,
    created: now,
    expires: now + SESSION_LENGTH,
    ip: normalizeAddress(request.ip),
    agent: printable((request.headers['user-agent'] ?? '').slice(0, AGENT_MAX)),
    proven,
    used: now,
  };
  const told = entry({ ...call, action: 'signIn' }, targets.user(user.email), null, null, user.email);
  // The password or the second factor may have been changed while this one was being checked.
  if (!(await deps.store.putSession(session, user, told))) throw new AppError('LOGIN_FAILED');
  return secret;
}

let decoyHash: Promise<string> | undefined;
/** A hash that no password fits, made once. */
function decoy(): Promise<string> {
  decoyHash ??= hashPassword(randomBytes(32));
  return decoyHash;
}
