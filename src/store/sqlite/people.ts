/** Accounts of the management API, and their sessions. */
import type { DatabaseSync } from 'node:sqlite';
import type { Session, User } from '../store.ts';
import type { Committer } from './committer.ts';

export function createPeople(db: DatabaseSync, committer: Committer) {
  const userByEmail = db.prepare('SELECT id, email, role, password, created FROM users WHERE email = ?');
  const userById = db.prepare('SELECT id, email, role, password, created FROM users WHERE id = ?');
  const users = db.prepare('SELECT count(*) AS n FROM users');
  const putUser = db.prepare('INSERT OR REPLACE INTO users VALUES (?,?,?,?,?)');
  const session = db.prepare('SELECT digest, user, created, expires FROM sessions WHERE digest = ?');
  const putSession = db.prepare('INSERT OR REPLACE INTO sessions VALUES (?,?,?,?)');
  const dropSessionsOf = db.prepare('DELETE FROM sessions WHERE user = ?1 AND digest <> ?2');
  const changePassword = db.prepare('UPDATE users SET password = ?3 WHERE id = ?1 AND password = ?2');
  const dropSession = db.prepare('DELETE FROM sessions WHERE digest = ?');

  return {
    getUser: async (email: string) => (userByEmail.get(email) as unknown as User | undefined) ?? null,
    getUserById: async (id: string) => (userById.get(id) as unknown as User | undefined) ?? null,
    countUsers: async () => (users.get() as { n: number }).n,
    putUser: ({ id, email, role, password, created }: User): Promise<void> =>
      committer.submit(() => {
        const before = userById.get(id) as unknown as User | undefined;
        putUser.run(id, email, role, password, created);
        if (before !== undefined && before.password !== password) dropSessionsOf.run(id, '');
      }),
    getSession: async (digest: string) => (session.get(digest) as unknown as Session | undefined) ?? null,
    putSession: ({ digest, user, created, expires }: Session, password: string): Promise<boolean> =>
      committer.submit(() => {
        const account = userById.get(user) as unknown as User | undefined;
        if (account?.password !== password) return false;
        putSession.run(digest, user, created, expires);
        return true;
      }),
    changePassword: (user: string, from: string, to: string, keep: string): Promise<boolean> =>
      committer.submit(() => {
        if (changePassword.run(user, from, to).changes === 0) return false;
        dropSessionsOf.run(user, keep);
        return true;
      }),
    deleteSession: (digest: string): Promise<void> => committer.submit(() => void dropSession.run(digest)),
  };
}
