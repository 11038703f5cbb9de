/** Accounts of the management API, and their sessions. */

import { AppError } from '../../domain/errors.ts';
import type { Session, User } from '../store.ts';
import { type Database, type Sql, sql, statement } from './database.ts';
import { Unmet } from './failures.ts';

const columns = 'id, email, role, password, created';
const byEmail = statement('user-email', `SELECT ${columns} FROM users WHERE email = $1`);
const byId = statement('user-id', `SELECT ${columns} FROM users WHERE id = $1`);
const count = statement('users', 'SELECT count(*) AS n FROM users');
const session = statement(
  'session',
  'SELECT digest, account AS "user", created, expires FROM sessions WHERE digest = $1',
);

export function createPeople(db: Database, commit: (statements: readonly Sql[]) => Promise<void>) {
  /** False, and nothing is written, where a demand among the statements does not hold. */
  const isMet = (statements: readonly Sql[]): Promise<boolean> =>
    commit(statements).then(
      () => true,
      (error) => {
        if (error instanceof Unmet) return false;
        throw error;
      },
    );

  return {
    getUser: async (email: string) => (await db.read<User>(byEmail, [email]))[0] ?? null,
    getUserById: async (id: string) => (await db.read<User>(byId, [id]))[0] ?? null,
    countUsers: async () => (await db.read<{ n: number }>(count))[0]!.n,
    putUser: ({ id, email, role, password, created }: User): Promise<void> =>
      commit([
        sql`DELETE FROM sessions WHERE account IN (SELECT id FROM users WHERE id = ${id} AND password <> ${password})`,
        sql`INSERT INTO users VALUES (${id}, ${email}, ${role}, ${password}, ${created}) ON CONFLICT (id) DO UPDATE SET
          email = excluded.email, role = excluded.role, password = excluded.password, created = excluded.created`,
      ]).catch((error) => {
        throw error instanceof Unmet ? new AppError('STATE_CONFLICT', { seen: `an account for ${email}` }) : error;
      }),
    getSession: async (digest: string) => (await db.read<Session>(session, [digest]))[0] ?? null,
    putSession: ({ digest, user, created, expires }: Session, password: string): Promise<boolean> =>
      isMet([
        sql`SELECT demand(EXISTS (SELECT 1 FROM users WHERE id = ${user} AND password = ${password} FOR SHARE), 'password')`,
        sql`INSERT INTO sessions VALUES (${digest}, ${user}, ${created}, ${expires}) ON CONFLICT (digest) DO UPDATE SET
          account = excluded.account, created = excluded.created, expires = excluded.expires`,
      ]),
    changePassword: (user: string, from: string, to: string, keep: string): Promise<boolean> =>
      isMet([
        sql`SELECT demand(EXISTS (SELECT 1 FROM users WHERE id = ${user} AND password = ${from} FOR UPDATE), 'password')`,
        sql`UPDATE users SET password = ${to} WHERE id = ${user}`,
        sql`DELETE FROM sessions WHERE account = ${user} AND digest <> ${keep}`,
      ]),
    deleteSession: (digest: string): Promise<void> => commit([sql`DELETE FROM sessions WHERE digest = ${digest}`]),
  };
}
