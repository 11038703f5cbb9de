/** Handlers of accounts, for those who manage all of them: list, make, change, remove, link, sessions, second factor. */
import { randomBytes, randomUUID } from 'node:crypto';
import { AppError } from '../domain/errors.ts';
import { expectAdminLeft, type User } from '../domain/people.ts';
import { hashPassword } from '../gateway/password.ts';
import type { Store } from '../store/store.ts';
import { pickSession, viewAgent, viewSessions } from './account.ts';
import { digestOf } from './admit.ts';
import { handle } from './context.ts';
import { sessionList } from './schema/account.ts';
import { empty, ref } from './schema/common.ts';
import {
  linkShown,
  newUser,
  newUserAnswer,
  userList,
  userParams,
  userPatch,
  userSessionParams,
} from './schema/people.ts';
import { entry, targets, userEntry } from './trail.ts';
import { schemaError } from './validation.ts';

/** How long a one-time link is good, in µs: over a weekend. */
export const LINK_LENGTH = 72 * 3_600_000_000;

export const listUsers = handle({ response: { 200: userList } }, async ({ deps, now }) => ({
  users: (await deps.store.listUsers()).map((user) => view(user, now)),
}));

/** Without a password: answers a one-time link to set one. USER_KNOWN */
export const createUser = handle({ body: newUser, response: { 201: newUserAnswer } }, async (call) => {
  const { deps, body, now } = call;
  const connectors = body.connectors ?? null;
  await expectConnectors(deps.store, connectors);
  const password = body.password === undefined ? '' : await hashPassword(body.password);
  const made = password === '' ? newLink(now) : null;
  const user: User = {
    id: randomUUID(),
    email: body.email.toLowerCase(),
    role: body.role,
    connectors,
    password,
    created: now,
    link: made?.link ?? null,
    factor: null,
    subject: null,
  };
  const told = userEntry(call)(null, user)!;
  await deps.store.putUser(user, told);
  return { ...view(user, now), ...(made && shown(made)) };
});

/** Its sessions end where role or connectors change, its link where email or role do. USER_UNKNOWN, USER_KNOWN, LAST_ADMIN, PROVIDED */
export const changeUser = handle(
  { params: userParams, body: userPatch, response: { 200: ref('User') } },
  async (call) => {
    const { deps, params, body, now } = call;
    const before = (await deps.store.getUserById(params.user))?.connectors ?? [];
    // One that was deleted since may stand there still.
    await expectConnectors(deps.store, body.connectors?.filter((id) => !before.includes(id)) ?? null);
    const decide = (user: User | null, people: { otherAdmins: number }) => {
      const known = expectUser(user, params.user);
      if (known.subject !== null && (body.role ?? known.role) !== known.role) {
        throw new AppError('PROVIDED', { seen: `role ${body.role}`, wanted: known.role });
      }
      const [email, role] = [body.email?.toLowerCase() ?? known.email, body.role ?? known.role];
      const connectors = body.connectors === undefined ? known.connectors : body.connectors;
      // A link was given to somebody for what the account was then.
      const link = email === known.email && role === known.role ? known.link : null;
      const after = { ...known, email, role, connectors, link };
      expectAdminLeft(known, after, people);
      return { answer: after, user: after };
    };
    return view(await deps.store.changeUser(params.user, decide, userEntry(call)), now);
  },
);

/** Its sessions end. USER_UNKNOWN, LAST_ADMIN */
export const deleteUser = handle({ params: userParams, response: { 204: empty } }, async (call) => {
  const { deps, params } = call;
  await deps.store.changeUser(
    params.user,
    (user, people) => {
      expectAdminLeft(expectUser(user, params.user), null, people);
      return { answer: null, user: null };
    },
    userEntry(call),
  );
});

/** A new one-time link, in place of any before; the password stays until it is used. USER_UNKNOWN, PROVIDED */
export const makeLink = handle({ params: userParams, response: { 201: linkShown } }, async (call) => {
  const { deps, params, now } = call;
  const made = newLink(now);
  await deps.store.changeUser(
    params.user,
    (user) => {
      const known = expectUser(user, params.user);
      if (known.subject !== null) throw new AppError('PROVIDED', { seen: 'a password', wanted: 'none' });
      return { answer: null, user: { ...known, link: made.link } };
    },
    userEntry(call),
  );
  return shown(made);
});

/** For a person who lost the telephone and the recovery codes. USER_UNKNOWN */
export const removeFactorOf = handle({ params: userParams, response: { 204: empty } }, async (call) => {
  const { deps, params } = call;
  await deps.store.changeUser(
    params.user,
    (user) => ({ answer: null, user: { ...expectUser(user, params.user), factor: null } }),
    userEntry(call),
  );
});

export const listSessionsOf = handle({ params: userParams, response: { 200: sessionList } }, async (call) => {
  const { deps, params, now, caller } = call;
  expectUser(await deps.store.getUserById(params.user), params.user);
  return { sessions: viewSessions(await deps.store.listSessions(params.user), now, caller!.digest) };
});

/** SESSION_UNKNOWN */
export const endSessionOf = handle({ params: userSessionParams, response: { 204: empty } }, async (call) => {
  const { deps, params } = call;
  const { email } = expectUser(await deps.store.getUserById(params.user), params.user);
  const found = pickSession(await deps.store.listSessions(params.user), params.session);
  await deps.store.deleteSession(found.digest, entry(call, targets.user(email), viewAgent(found), null));
});

/** All of them. */
export const endSessionsOf = handle({ params: userParams, response: { 204: empty } }, async (call) => {
  const { deps, params } = call;
  await deps.store.changeUser(
    params.user,
    (user) => ({ answer: expectUser(user, params.user), cuts: true }),
    (user) => entry(call, targets.user(user!.email), null, null),
  );
});

function expectUser(user: User | null, id: string): User {
  if (user === null) throw new AppError('USER_UNKNOWN', { seen: id });
  return user;
}

/** SCHEMA for an id that no connector has. */
export async function expectConnectors(store: Store, ids: readonly string[] | null): Promise<void> {
  for (const id of ids ?? []) {
    if ((await store.getConnector(id)) !== null) continue;
    throw schemaError([{ path: 'connectors', seen: id, expected: 'ids of connectors' }]);
  }
}

interface Made {
  readonly secret: string;
  readonly link: NonNullable<User['link']>;
}

function newLink(now: number): Made {
  const secret = randomBytes(32).toString('base64url');
  return { secret, link: { digest: digestOf(secret), expires: now + LINK_LENGTH } };
}

/** The path of the console that takes it. What follows # stays in the browser. */
const shown = ({ secret, link }: Made) => ({ link: `/password#${secret}`, link_expires: link.expires });

function view({ id, email, role, connectors, password, created, link, factor, subject }: User, now: number) {
  return {
    id,
    email,
    role,
    connectors,
    created,
    has_password: password !== '',
    link_expires: link !== null && link.expires > now ? link.expires : null,
    second_factor: factor !== null,
    provided: subject !== null,
  };
}
