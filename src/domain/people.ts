/**
 * People and keys: what an account is, what it may see, and the rules of changing one. Plain data and pure functions;
 * knows nothing of HTTP, hashing or storage.
 */
import { AppError } from './errors.ts';

/** In order: each may what those before it may. */
export const roles = ['viewer', 'operator', 'admin'] as const;
export type Role = (typeof roles)[number];

export interface User {
  readonly id: string;
  /** Lower case. */
  readonly email: string;
  readonly role: Role;
  /** Ids of the connectors that it sees; null: all. */
  readonly connectors: readonly string[] | null;
  /** argon2id, PHC string; empty where there is none (yet). */
  readonly password: string;
  readonly created: number;
  /** Of a one-time link by which a password may be set: SHA-256 of its secret, hex, and when it ends (µs). */
  readonly link: { readonly digest: string; readonly expires: number } | null;
  readonly factor: SecondFactor | null;
  /** `<issuer> <subject>` where an OpenID provider tells who this is. */
  readonly subject: string | null;
}

/** A second factor by time (RFC 6238). */
export interface SecondFactor {
  /** The shared secret, encrypted with the installation's key. */
  readonly sealed: string;
  /** The time step of the last code that was taken: none of it or before is taken again. */
  readonly step: number;
  /** SHA-256 of the recovery codes that are left, hex. */
  readonly recovery: readonly string[];
}

/** What of an account its owner has shown to know. */
export type Checked = Pick<User, 'password' | 'factor'>;

/** A session of the management API; `digest` = SHA-256 of its token, hex. */
export interface Session {
  readonly digest: string;
  readonly user: string;
  readonly created: number;
  readonly expires: number;
  readonly ip: string | null;
  /** What the client calls itself. */
  readonly agent: string;
  /** When its owner last showed the password (µs); 0 = never. */
  readonly proven: number;
  /** When it was last used, to the minute or so. */
  readonly used: number;
}

/** A key of a program. Its secret is shown once; `digest` = SHA-256 of it, hex. */
export interface ApiKey {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  /** The one that it sees; null: all. */
  readonly connector: string | null;
  readonly digest: string;
  readonly created: number;
  /** Email of who made it. */
  readonly creator: string;
  readonly expires: number | null;
  readonly used: number | null;
}

/** What every key begins with, so that scanners for secrets find one that was left lying about. */
export const KEY_PREFIX = 'slipway_';

/**
 * What an email may be, as a pattern: no white space, nothing that nobody sees (`\p{C}`: control and format characters, halves of
 * surrogate pairs), and not what the audit log calls an API key. U+212A is KELVIN SIGN, whose lower case is k.
 */
export const EMAIL = '^(?![kK\u212a][eE][yY]:)[^\\s@\\p{C}]+@[^\\s@\\p{C}]+$';
export const EMAIL_MAX = 320;
/** What a key may be called: likewise, with white space inside that ends no line. */
export const KEY_NAME = '^[^\\s\\p{C}](?:[^\\p{C}\\p{Zl}\\p{Zp}]*[^\\s\\p{C}])?$';

const email = new RegExp(EMAIL, 'u');

/** Whether it may be the email of an account. */
export const isEmail = (text: string): boolean => text.length <= EMAIL_MAX && email.test(text);

/** What becomes of an account: the answer for the caller, the whole new account; `null` removes it. */
export interface UserChange<T> {
  readonly answer: T;
  readonly user?: User | null;
  /** Digest of the session that stays where the others end. */
  readonly keep?: string;
  /** Sessions end even though nothing of the account that they hang on changes. */
  readonly cuts?: boolean;
}

/** What a rule on accounts is told beside the account. */
export interface People {
  /** Other accounts that can manage everything and have a password. */
  readonly otherAdmins: number;
}

/** Whether somebody who sees these connectors (null: all) sees this one. */
export function sees(connectors: readonly string[] | null, connector: string): boolean {
  return connectors === null || connectors.includes(connector);
}

export function mayAs(role: Role, least: Role): boolean {
  return roles.indexOf(role) >= roles.indexOf(least);
}

/** Can manage the installation by itself: what the last of may not stop being. */
export function isFullAdmin({ role, connectors, password }: User): boolean {
  return role === 'admin' && connectors === null && password !== '';
}

/** LAST_ADMIN where nobody would be left who can manage everything. `after` null: removed. */
export function expectAdminLeft(before: User, after: User | null, { otherAdmins }: People): void {
  if (!isFullAdmin(before) || (after !== null && isFullAdmin(after)) || otherAdmins > 0) return;
  throw new AppError('LAST_ADMIN', { seen: before.email, wanted: 'another admin of all connectors with a password' });
}

/** Whether what was checked is still what there is to check: not so once a second factor was switched on meanwhile. */
export function isAsChecked(user: User | null, { password, factor }: Checked): user is User {
  return user !== null && user.password === password && user.factor?.sealed === factor?.sealed;
}

/** True where sessions that were let in before might not be let in now. */
export function cutsSessions(before: User, after: User | null): boolean {
  return (
    after === null ||
    before.role !== after.role ||
    before.password !== after.password ||
    JSON.stringify(before.connectors) !== JSON.stringify(after.connectors)
  );
}

/** What the audit log tells of an account. */
export function tellUser({ email, role, connectors, password, link, factor, subject }: User) {
  return {
    email,
    role,
    connectors,
    password: password !== '',
    link: link?.expires ?? null,
    second_factor: factor !== null,
    recovery_codes: factor?.recovery.length ?? 0,
    provider: subject,
  };
}
