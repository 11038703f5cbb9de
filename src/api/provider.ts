/**
 * Signing in by an OpenID provider: the authorization code flow with PKCE, state and nonce (OpenID Connect Core 1.0, 3.1). What
 * the browser brings back is held against an encrypted cookie, so that any server of the installation can finish what
 * another began. Accounts are known by issuer and subject; the email is only what they are called.
 */
import { randomUUID } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import * as oidc from 'openid-client';
import type { Config } from '../config.ts';
import { AppError } from '../domain/errors.ts';
import { isEmail, type User } from '../domain/people.ts';
import { roleOf } from '../domain/provider-roles.ts';
import { type ApiDeps, type Call, handle } from './context.ts';
import { isSecure } from './cookie.ts';
import { providerAnswer, providerStart, redirection, signInWays } from './schema/account.ts';
import { giveCookie, noteFailure } from './session.ts';
import { userEntry } from './trail.ts';

/** How long a sign-in at the provider may take, in s. */
const WITHIN = 600;
/** How long ago it may have been that the password was typed there, where that was asked for, in s. */
const FRESH = 300;
/** Seconds after which the provider counts as away. */
const TIMEOUT = 10;
const PURPOSE = 'sign-in by the provider';

type Settings = NonNullable<Config['oidc']>;

interface Begun {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  readonly to: string;
  readonly fresh: boolean;
  /** µs */
  readonly at: number;
}

/** `GET /api:1/sign-in`: what the page of the console offers. */
export const listSignInWays = handle({ response: { 200: signInWays } }, async ({ deps }) => ({
  provider: deps.config.oidc === null ? null : { name: deps.config.oidc.name },
}));

/** `GET /api:1/oidc/start`: sends the browser to the provider. */
export const startProvider = handle({ querystring: providerStart, response: { 302: redirection } }, async (call) => {
  const { deps, query, request, reply, now } = call;
  const to = localPath(query.to);
  try {
    const settings = expectSettings(deps);
    const client = await clientOf(settings);
    const begun: Begun = {
      state: oidc.randomState(),
      nonce: oidc.randomNonce(),
      verifier: oidc.randomPKCECodeVerifier(),
      to,
      fresh: query.fresh === true,
      at: now,
    };
    const url = oidc.buildAuthorizationUrl(client, {
      redirect_uri: callbackUrl(deps.config, request).href,
      scope: settings.scopes,
      code_challenge: await oidc.calculatePKCECodeChallenge(begun.verifier),
      code_challenge_method: 'S256',
      state: begun.state,
      nonce: begun.nonce,
      ...(begun.fresh && { prompt: 'login', max_age: '0' }),
    });
    setCookie(call, deps.seal.close(PURPOSE, JSON.stringify(begun)), WITHIN);
    return redirect(reply, url.href);
  } catch (error) {
    return refuse(call as unknown as Call, error, to);
  }
});

/** `GET /api:1/oidc/callback`: what the provider sends the browser back to. Ends on a page of the console either way. */
export const finishProvider = handle({ querystring: providerAnswer, response: { 302: redirection } }, async (call) => {
  const { deps, request, reply, now } = call;
  const begun = readCookie(deps, request, now);
  setCookie(call, '', 0);
  try {
    if (begun === null)
      throw new AppError('PROVIDER_FAILED', { seen: 'a sign-in that was not begun here, or has ended' });
    const claims = await claimsOf(call as unknown as Call, begun);
    const user = await accountOf(call as unknown as Call, claims);
    const proven = begun.fresh ? Number(claims.auth_time ?? 0) * 1_000_000 : 0;
    await giveCookie(call, user, proven);
    return redirect(reply, begun.to);
  } catch (error) {
    // What nobody began is no sign-in that failed: anyone may ask for this address.
    if (begun !== null) await noteFailure({ ...call, caller: null }, null, codeOf(error));
    return refuse(call as unknown as Call, error, begun?.to ?? '/');
  }
});

/** Claims of the ID token, and of the provider's own endpoint where it has one. PROVIDER_FAILED */
async function claimsOf({ deps, request }: Call, begun: Begun): Promise<Record<string, unknown>> {
  const client = await clientOf(expectSettings(deps));
  const url = callbackUrl(deps.config, request);
  url.search = new URL(request.url, url).search;
  try {
    const tokens = await oidc.authorizationCodeGrant(client, url, {
      expectedState: begun.state,
      expectedNonce: begun.nonce,
      pkceCodeVerifier: begun.verifier,
      idTokenExpected: true,
      ...(begun.fresh && { maxAge: FRESH }),
    });
    const own = tokens.claims()!;
    if (client.serverMetadata().userinfo_endpoint === undefined) return own;
    return { ...(await oidc.fetchUserInfo(client, tokens.access_token, own.sub)), ...own };
  } catch (cause) {
    throw new AppError('PROVIDER_FAILED', { cause });
  }
}

/** The account of these claims: made at the first sign-in, its role as the provider has it now. PROVIDER_FORBIDDEN */
async function accountOf(call: Call, claims: Record<string, unknown>): Promise<User> {
  const { deps, now } = call;
  const { issuer, roles, allConnectors } = expectSettings(deps);
  const role = roleOf(roles, claims);
  if (role === null) throw new AppError('PROVIDER_FORBIDDEN', { seen: 'claims that SLIPWAY_OIDC_ROLES does not name' });
  const email = emailIn(claims);
  const subject = `${claims.iss ?? issuer} ${claims.sub}`;
  const known = await deps.store.getUserBySubject(subject);
  const id = known?.id ?? randomUUID();
  const newAccount = { id, created: now, subject, password: '', link: null, factor: null };
  const acting = { ...call, caller: null, action: known === null ? 'createUser' : 'changeUser' };
  try {
    return await deps.store.changeUser(
      id,
      (user) => {
        // Somebody else says who this is; which connectors that is to see is for the admins here to say.
        const crossed = user === null || (user.role === 'admin') !== (role === 'admin');
        const connectors = crossed ? (allConnectors || role === 'admin' ? null : []) : user.connectors;
        const after = { ...(user ?? newAccount), email, role, connectors };
        return { answer: after, user: after };
      },
      userEntry(acting, 'provider'),
    );
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'USER_KNOWN') throw error;
    // Another first sign-in of this person may have been quicker.
    if (known === null && (await deps.store.getUserBySubject(subject)) !== null) return accountOf(call, claims);
    // Nobody becomes somebody else by calling himself so at the provider.
    throw new AppError('PROVIDER_FORBIDDEN', { seen: 'an email that belongs to an account with a password' });
  }
}

/** PROVIDER_FORBIDDEN without an email, or where the provider says anything of it but that it is verified; many say nothing. */
function emailIn({ email, email_verified: verified = true }: Record<string, unknown>): string {
  // Some providers send a text; OpenID Connect Core 1.0, 5.1 has a boolean.
  const good = verified === true || verified === 'true';
  if (good && typeof email === 'string' && isEmail(email)) {
    return email.toLowerCase();
  }
  const seen = good ? 'no email that an account may have' : 'an email that is not verified';
  throw new AppError('PROVIDER_FORBIDDEN', { seen, wanted: 'the claim email' });
}

/** The page asks why, by the code alone; the log has the rest. */
function refuse(call: Call, error: unknown, to: string): FastifyReply {
  const code = codeOf(error);
  call.deps.logger.warn('sign-in by the provider failed', { code, error: (error as Error).cause ?? error });
  const page = new URL(to, 'http://localhost');
  page.searchParams.set('refused', code);
  return redirect(call.reply, page.pathname + page.search);
}

const codeOf = (error: unknown) => (error instanceof AppError ? error.code : 'PROVIDER_FAILED');

function expectSettings({ config }: ApiDeps): Settings {
  if (config.oidc === null)
    throw new AppError('PROVIDER_FAILED', { seen: 'no provider', wanted: 'SLIPWAY_OIDC_ISSUER' });
  return config.oidc;
}

const clients = new WeakMap<Settings, Promise<oidc.Configuration>>();

/** Asked of the provider once, and again after a failure. */
function clientOf(settings: Settings): Promise<oidc.Configuration> {
  const known = clients.get(settings);
  if (known !== undefined) return known;
  const { issuer, clientId, clientSecret } = settings;
  const execute = issuer.startsWith('http:') ? [oidc.allowInsecureRequests] : [];
  const found = oidc.discovery(new URL(issuer), clientId, clientSecret, undefined, { execute, timeout: TIMEOUT });
  clients.set(settings, found);
  found.catch(() => clients.delete(settings));
  return found.catch((cause) => {
    throw new AppError('PROVIDER_FAILED', { seen: 'a provider that does not answer', cause });
  });
}

function callbackUrl({ consoleUrl }: Config, request: FastifyRequest): URL {
  return new URL('/api:1/oidc/callback', consoleUrl ?? `http://localhost:${request.socket.localPort}`);
}

/** A page of this console: never another site. */
function localPath(to: string | undefined): string {
  const page = URL.parse(to ?? '/', 'http://localhost');
  if (page === null || page.origin !== 'http://localhost' || !(to ?? '/').startsWith('/')) return '/';
  page.searchParams.delete('refused');
  return page.pathname.replace(/^\/+/, '/') + page.search;
}

/** `Lax`, as the provider sends the browser back from another site. Encrypted, and for these two calls alone. */
function setCookie(
  { request, reply, deps }: Pick<Call, 'request' | 'reply' | 'deps'>,
  value: string,
  seconds: number,
): void {
  const secure = isSecure(request, deps) ? '; Secure' : '';
  const cookie = `${cookieName(request)}=${value}; Path=/api:1/oidc; Max-Age=${seconds}; HttpOnly; SameSite=Lax${secure}`;
  reply.header('set-cookie', cookie);
}

function readCookie({ seal }: ApiDeps, request: FastifyRequest, now: number): Begun | null {
  const pattern = new RegExp(`(?:^|;)\\s*${cookieName(request)}=([\\w-]{1,2000})\\s*(?=;|$)`);
  const sealed = pattern.exec(request.headers.cookie ?? '')?.[1];
  const text = sealed === undefined ? null : seal.open(PURPOSE, sealed);
  const begun = text === null ? null : (JSON.parse(text) as Begun);
  return begun !== null && begun.at > now - WITHIN * 1_000_000 ? begun : null;
}

const cookieName = (request: FastifyRequest) => `slipway_oidc_${request.socket.localPort}`;

const redirect = (reply: FastifyReply, to: string): FastifyReply => reply.redirect(to, 302);
