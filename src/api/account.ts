/** Handlers of the own account: its password, its sessions; and the one-time link by which anyone's first password is set. */
import { AppError } from '../domain/errors.ts';
import { isAsChecked, type Session } from '../domain/people.ts';
import { hashPassword } from '../gateway/password.ts';
import { digestOf } from './admit.ts';
import { handle } from './context.ts';
import { byLink, linkAnswer, me, ownChange, sessionList, sessionParams } from './schema/account.ts';
import { empty } from './schema/common.ts';
import { checkPerson, describePerson } from './session.ts';
import { sourceOf } from './throttle.ts';
import { entry, targets } from './trail.ts';

/** `PATCH /api:1/users/me`: another password. Ends every other session of the account. PASSWORD_WRONG, CODE_NEEDED */
export const changeOwnAccount = handle({ body: ownChange, response: { 200: me } }, async (call) => {
  const { store } = call.deps;
  const { current, new: chosen, code } = call.body.password;
  const { email } = call.caller!.person!.user;
  const checked = await checkPerson(call, { email, password: current, code }, 'PASSWORD_WRONG');
  const password = await hashPassword(chosen);
  await store.changeUser(
    checked.id,
    (user) => {
      // Somebody else changed it while this one was being checked.
      if (!isAsChecked(user, checked)) throw new AppError('PASSWORD_WRONG');
      return { answer: null, user: { ...user, password, link: null }, keep: call.caller!.digest };
    },
    () => entry(call, targets.user(email), null, { password: 'another one' }),
  );
  return describePerson(call, checked);
});

/** `POST /api:1/password`: sets it by a one-time link. LINK_INVALID; RATE_LIMITED, though none can be guessed. */
export const setPasswordByLink = handle({ body: byLink, response: { 200: linkAnswer } }, async (call) => {
  const { deps, body, now, state, request } = call;
  const source = sourceOf(request.ip);
  const wait = state.logins.byAddress.take(source, now);
  if (wait > 0) throw new AppError('RATE_LIMITED', { wanted: `a pause of ${wait} s`, retryAfter: wait });
  const digest = digestOf(body.link);
  const found = await deps.store.getUserByLink(digest);
  if (found === null || found.link!.expires <= now) throw new AppError('LINK_INVALID');
  const password = await hashPassword(body.password);
  await deps.store.changeUser(
    found.id,
    (user) => {
      if (user?.link?.digest !== digest) throw new AppError('LINK_INVALID');
      return { answer: null, user: { ...user, password, link: null } };
    },
    () => entry(call, targets.user(found.email), null, { password: 'set by the link' }, found.email),
  );
  state.logins.byAddress.giveBack(source);
  return { email: found.email };
});

/** `GET /api:1/users/me/sessions` */
export const listOwnSessions = handle({ response: { 200: sessionList } }, async (call) => {
  const { id, digest } = call.caller!;
  const sessions = await call.deps.store.listSessions(id);
  return { sessions: viewSessions(sessions, call.now, digest) };
});

/** `DELETE /api:1/users/me/sessions/{session}`: SESSION_UNKNOWN */
export const endOwnSession = handle({ params: sessionParams, response: { 204: empty } }, async (call) => {
  const { id, who } = call.caller!;
  const found = pickSession(await call.deps.store.listSessions(id), call.params.session);
  await call.deps.store.deleteSession(found.digest, entry(call, targets.user(who), viewAgent(found), null));
});

/** Sessions are named by the beginning of their digest, of which nothing can be made. */
const nameOf = ({ digest }: Session) => digest.slice(0, 16);

/** SESSION_UNKNOWN */
export function pickSession(sessions: readonly Session[], name: string): Session {
  const found = sessions.find((session) => nameOf(session) === name);
  if (found === undefined) throw new AppError('SESSION_UNKNOWN', { seen: name });
  return found;
}

export function viewSessions(sessions: readonly Session[], now: number, own: string | null) {
  return sessions
    .filter(({ expires }) => expires > now)
    .map((session) => ({
      id: nameOf(session),
      created: session.created,
      expires: session.expires,
      used: session.used,
      ip: session.ip,
      agent: session.agent,
      current: session.digest === own,
    }));
}

/** What the audit log tells of a session that was ended. */
export const viewAgent = ({ ip, agent, created }: Session) => ({ ip, agent, created });
