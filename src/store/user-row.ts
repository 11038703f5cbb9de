/** An account as a row of either engine, and back: lists and objects are JSON. Pure. */
import type { User } from '../domain/people.ts';

export interface UserRow extends Pick<User, 'id' | 'email' | 'role' | 'password' | 'created' | 'subject'> {
  readonly connectors: string | null;
  readonly link: string | null;
  readonly link_expires: number | null;
  readonly factor: string | null;
}

export const userColumns = 'id, email, role, password, created, connectors, link, link_expires, factor, subject';

/** What a change of an account writes; the key is `id`. */
export const userUpdate = `email = excluded.email, role = excluded.role, password = excluded.password,
  created = excluded.created, connectors = excluded.connectors, link = excluded.link, link_expires = excluded.link_expires,
  factor = excluded.factor, subject = excluded.subject`;

export function toUserRow({ connectors, link, factor, ...user }: User): UserRow {
  return {
    ...user,
    connectors: connectors === null ? null : JSON.stringify(connectors),
    link: link?.digest ?? null,
    link_expires: link?.expires ?? null,
    factor: factor === null ? null : JSON.stringify(factor),
  };
}

export function toUser({ connectors, link, link_expires, factor, ...row }: UserRow): User {
  return {
    ...row,
    connectors: connectors === null ? null : JSON.parse(connectors),
    link: link === null ? null : { digest: link, expires: link_expires! },
    factor: factor === null ? null : JSON.parse(factor),
  };
}
