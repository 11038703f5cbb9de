/**
 * Who asks, and whether they may: the one place that turns a token, cookie or key into a caller and holds it against what a
 * route demands. Knows nothing of signing in.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { AppError } from '../domain/errors.ts';
import { KEY_PREFIX, mayAs, sees } from '../domain/people.ts';
import type { Store } from '../store/store.ts';
import type { ApiDeps, ApiState, Caller, Demands, Permission } from './context.ts';
import { secretsInCookie } from './cookie.ts';

/** How long after the password was shown calls that demand it go on, in µs. */
export const PROOF_LENGTH = 900_000_000;

interface Asked {
  readonly permission: Permission;
  readonly demands: Demands;
}

/**
 * The caller of a route; null where anyone may call. SESSION_INVALID, ROLE_FORBIDDEN, SCOPE_FORBIDDEN, KEY_FORBIDDEN,
 * PROOF_NEEDED; CONNECTOR_UNKNOWN for one that the caller does not see, whether there is such a connector or not.
 */
export async function admit(
  store: Store,
  state: ApiState,
  request: FastifyRequest,
  { permission, demands }: Asked,
  now: number,
): Promise<Caller | null> {
  if (permission === 'public') return null;
  const { authorization } = request.headers;
  const secrets = authorization === undefined ? secretsInCookie(request) : secretIn(authorization);
  const caller = await findLive(store, secrets, now);
  if (caller === null) {
    const wanted = 'Authorization: token <token>, from POST /api:1/token/ or an API key';
    throw new AppError('SESSION_INVALID', { seen: seenOf(authorization, secrets), wanted });
  }
  noteUse(store, state, caller, now);
  expectDemands(caller, permission, demands, now);
  const { connector } = request.params as { connector?: string };
  if (connector !== undefined && !sees(caller.connectors, connector)) {
    throw new AppError('CONNECTOR_UNKNOWN', { seen: connector });
  }
  return caller;
}

function expectDemands(caller: Caller, permission: Permission, demands: Demands, now: number): void {
  if (!mayCall(caller, permission)) throw new AppError('ROLE_FORBIDDEN', { seen: caller.role, wanted: permission });
  if (demands.installation && caller.connectors !== null) {
    throw new AppError('SCOPE_FORBIDDEN', { seen: `${caller.connectors.length} connectors`, wanted: 'all of them' });
  }
  if ((demands.person || demands.proof) && caller.person === null) {
    throw new AppError('KEY_FORBIDDEN', { seen: caller.who });
  }
  if (demands.proof && caller.person!.session.proven <= now - PROOF_LENGTH) {
    throw new AppError('PROOF_NEEDED', { wanted: 'POST /api:1/session/proof' });
  }
}

export function mayCall(caller: Pick<Caller, 'role'>, permission: Permission): boolean {
  return permission === 'public' || mayAs(caller.role, permission);
}

function noteUse(store: Store, state: ApiState, { id, digest, person }: Caller, now: number): void {
  const known = person === null ? `key ${id}` : digest;
  if (state.uses.take(known, now) > 0) return;
  if (person === null) store.noteUse('key', id, now);
  else store.noteUse('session', digest, now);
}

function secretIn(header: string): string[] {
  const secret = /^(?:token|bearer) +([\w-]{1,256})$/i.exec(header)?.[1];
  return secret === undefined ? [] : [secret];
}

/** The first of these that is good. */
export async function findLive(store: Store, secrets: readonly string[], now: number): Promise<Caller | null> {
  for (const secret of secrets) {
    const digest = digestOf(secret);
    const caller = secret.startsWith(KEY_PREFIX)
      ? await findKey(store, digest, now)
      : await findSession(store, digest, now);
    if (caller !== null) return caller;
  }
  return null;
}

/** What was wrong, without what was sent. */
function seenOf(header: string | undefined, secrets: readonly string[]): string {
  if (header === undefined && secrets.length === 0) return 'no Authorization header';
  return secrets.length === 0
    ? 'an Authorization header of another form'
    : 'a token of no session or key, or of one that has ended';
}

/** The account of a session that has not ended, by the digest of its token: its compare leaks nothing. */
async function findSession(store: Store, digest: string, now: number): Promise<Caller | null> {
  const session = await store.getSession(digest);
  if (session === null || session.expires <= now || !isSame(session.digest, digest)) return null;
  const user = await store.getUserById(session.user);
  if (user === null) return null;
  const { id, email, role, connectors } = user;
  return { id, who: email, role, connectors, digest, person: { user, session } };
}

async function findKey(store: Store, digest: string, now: number): Promise<Caller | null> {
  const key = await store.getKey(digest);
  if (key === null || (key.expires !== null && key.expires <= now) || !isSame(key.digest, digest)) return null;
  const { id, name, role, connector } = key;
  return { id, who: `key:${name}`, role, connectors: connector === null ? null : [connector], digest, person: null };
}

const isSame = (a: string, b: string) => a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));

/** Whether what let this caller in still does. */
export async function isLive(store: Store, { digest, person }: Caller, now: number): Promise<boolean> {
  const found = person === null ? findKey(store, digest, now) : findSession(store, digest, now);
  return (await found) !== null;
}

/** SESSION_INVALID when the session or key of a call under way has ended. */
export async function expectLive(store: Store, caller: Caller, now: number): Promise<void> {
  if (await isLive(store, caller, now)) return;
  throw new AppError('SESSION_INVALID', { seen: 'a session or key that ended meanwhile' });
}

/** µs after which a long answer looks again whether it may go on. */
const LOOK_AGAIN = 5_000_000;

/** The same pieces, as long as the session or key is live: who takes them slowly could go on for days. SESSION_INVALID */
export async function* whileLive<T>(
  { deps, caller }: { readonly deps: Pick<ApiDeps, 'store' | 'clock'>; readonly caller: Caller | null },
  pieces: AsyncIterable<T>,
): AsyncGenerator<T, void, undefined> {
  let looked = deps.clock();
  for await (const piece of pieces) {
    if (deps.clock() - looked >= LOOK_AGAIN) {
      looked = deps.clock();
      await expectLive(deps.store, caller!, looked);
    }
    yield piece;
  }
}

export function digestOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
