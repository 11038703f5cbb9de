/**
 * The second factor of an account: enrolment, the check of a code, recovery codes. The shared secret is stored encrypted and
 * leaves once, when it is made. A code, and a recovery code, is taken once.
 */
import { randomBytes } from 'node:crypto';
import { AppError } from '../domain/errors.ts';
import type { User } from '../domain/people.ts';
import { fromBase32, matchCode, otpauthUri, SECRET_BYTES, stepAt, toBase32 } from '../domain/totp.ts';
import { digestOf } from './admit.ts';
import { handle } from './context.ts';
import { enrolBody, enrolment, recoveryCodes } from './schema/account.ts';
import { empty } from './schema/common.ts';
import type { Seal } from './seal.ts';
import type { Signing } from './session.ts';
import { entry, targets, userEntry } from './trail.ts';

const RECOVERY_CODES = 10;
/** Bytes of a recovery code, which needs no slow hash: 80 random bits. */
const RECOVERY_BYTES = 10;
/** How long an enrolment may take, in µs. */
const ENROL_WITHIN = 900_000_000;

const factorOf = (user: string) => `second factor of ${user}`;
const enrolmentOf = (user: string) => `enrolment of ${user}`;

/**
 * The account after the code was used up, where it has a second factor; as it is where it has none. CODE_NEEDED,
 * CODE_WRONG; FACTOR_SEALED for all but a recovery code, where the key was lost. Of two that race with one code, one is refused.
 */
export async function expectCode(call: Signing, user: User, code: string | undefined): Promise<User> {
  if (user.factor === null) return user;
  if (code === undefined) throw new AppError('CODE_NEEDED');
  const { deps, now } = call;
  let recovered = false;
  const decide = (current: User | null) => {
    const factor = current?.factor;
    if (current === null || factor === null || factor === undefined) throw new AppError('LOGIN_FAILED');
    const secret = secretOf(deps.seal, current);
    const step = secret && matchCode(secret, code.replaceAll(' ', ''), now, factor.step);
    const spent = digestOf(normalized(code));
    recovered = step === null && factor.recovery.includes(spent);
    if (step === null && !recovered) throw secret === null ? sealed() : new AppError('CODE_WRONG');
    const recovery = factor.recovery.filter((digest) => digest !== spent);
    const next = { ...current, factor: { ...factor, step: step ?? factor.step, recovery } };
    return { answer: next, user: next };
  };
  return deps.store.changeUser(user.id, decide, (_, after) => {
    const left = after?.factor?.recovery.length;
    const told = { recovery_codes: left };
    return recovered
      ? entry({ ...call, action: 'useRecoveryCode' }, targets.user(user.email), null, told, user.email)
      : null;
  });
}

/** Null where the key does not open it, or there is none. */
function secretOf(seal: Seal, { id, factor }: User): Buffer | null {
  const secret = factor && seal.open(factorOf(id), factor.sealed);
  return secret === null ? null : fromBase32(secret);
}

const sealed = () =>
  new AppError('FACTOR_SEALED', {
    wanted: 'a recovery code, an admin who removes it, or the key (seal.key) from a backup',
  });

/** Whether the account has a second factor that this key does not open. */
export const isSealed = (seal: Seal, user: User): boolean => user.factor !== null && secretOf(seal, user) === null;

/** As people type it: in whatever case, with or without what stands between. */
const normalized = (code: string) => code.toLowerCase().replaceAll(/[^a-z2-7]/g, '');

/** `POST …/second-factor`: a new secret, shown this once. Nothing is stored until a code of it was shown. FACTOR_KNOWN */
export const beginFactor = handle({ response: { 200: enrolment } }, async (call) => {
  const { user } = call.caller!.person!;
  if (user.factor !== null) throw new AppError('FACTOR_KNOWN', { wanted: 'to remove that one first' });
  const secret = toBase32(randomBytes(SECRET_BYTES));
  const sealed = call.deps.seal.close(enrolmentOf(user.id), JSON.stringify({ secret, at: call.now }));
  return { secret, uri: otpauthUri(secret, user.email, 'Slipway'), enrolment: sealed };
});

/** `PUT …/second-factor`: from now on it is asked for; ends the other sessions. CODE_WRONG, LINK_INVALID, FACTOR_KNOWN */
export const confirmFactor = handle({ body: enrolBody, response: { 200: recoveryCodes } }, async (call) => {
  const { deps, now, body } = call;
  const { user, session } = call.caller!.person!;
  const opened = deps.seal.open(enrolmentOf(user.id), body.enrolment);
  const { secret, at } = JSON.parse(opened ?? '{"secret":"","at":0}') as { secret: string; at: number };
  if (opened === null || at <= now - ENROL_WITHIN)
    throw new AppError('LINK_INVALID', { seen: 'an enrolment that has ended' });
  const step = matchCode(fromBase32(secret), body.code.replaceAll(' ', ''), now, stepAt(at) - 2);
  if (step === null) throw new AppError('CODE_WRONG');
  const codes = Array.from({ length: RECOVERY_CODES }, () => toBase32(randomBytes(RECOVERY_BYTES)).toLowerCase());
  const recovery = codes.map(digestOf);
  const factor = { sealed: deps.seal.close(factorOf(user.id), secret), step, recovery };
  await deps.store.changeUser(
    user.id,
    (current) => {
      if (current === null) throw new AppError('SESSION_INVALID');
      if (current.factor !== null) throw new AppError('FACTOR_KNOWN');
      return { answer: null, user: { ...current, factor }, cuts: true, keep: session.digest };
    },
    userEntry(call),
  );
  return { recovery_codes: codes.map((code) => code.match(/.{4}/g)!.join('-')) };
});

/** `DELETE …/second-factor`: of the own account. */
export const removeFactor = handle({ response: { 204: empty } }, async (call) => {
  const { user } = call.caller!.person!;
  await call.deps.store.changeUser(
    user.id,
    (current) => ({ answer: null, ...(current?.factor && { user: { ...current, factor: null } }) }),
    userEntry(call),
  );
});
