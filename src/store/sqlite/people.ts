/** Accounts of the management API, their sessions, and the keys of programs. */
import type { DatabaseSync } from 'node:sqlite';
import type { NewAudit } from '../../domain/audit.ts';
import { AppError } from '../../domain/errors.ts';
import {
  type ApiKey,
  type Checked,
  cutsSessions,
  isAsChecked,
  isFullAdmin,
  type People,
  type Session,
  type User,
  type UserChange,
} from '../../domain/people.ts';
import type { Signal } from '../store.ts';
import { toUser, toUserRow, type UserRow, userColumns, userUpdate } from '../user-row.ts';
import type { WriteAudit } from './audit.ts';
import { type Committer, decided } from './committer.ts';

const sessionColumns = 'digest, user, created, expires, ip, agent, proven, used';
const keyColumns = 'id, name, role, connector, digest, created, creator, expires, used';

export function createPeople(
  db: DatabaseSync,
  committer: Committer,
  audit: WriteAudit,
  signal: (signal: Signal) => void,
) {
  const selectUser = (where: string) => db.prepare(`SELECT ${userColumns} FROM users WHERE ${where}`);
  const byEmail = selectUser('email = ?');
  const byId = selectUser('id = ?');
  const byLink = selectUser('link = ?');
  const bySubject = selectUser('subject = ?');
  const all = db.prepare(`SELECT ${userColumns} FROM users ORDER BY email`);
  const count = db.prepare('SELECT count(*) AS n FROM users');
  const put = db.prepare(
    `INSERT INTO users (${userColumns}) VALUES (?,?,?,?,?,?,?,?,?,?) ON CONFLICT (id) DO UPDATE SET ${userUpdate}`,
  );
  const drop = db.prepare('DELETE FROM users WHERE id = ?');

  const session = db.prepare(`SELECT ${sessionColumns} FROM sessions WHERE digest = ?`);
  const sessionsOf = db.prepare(`SELECT ${sessionColumns} FROM sessions WHERE user = ? ORDER BY used DESC, digest`);
  const putSession = db.prepare(`INSERT OR REPLACE INTO sessions (${sessionColumns}) VALUES (?,?,?,?,?,?,?,?)`);
  const dropSessionsOf = db.prepare('DELETE FROM sessions WHERE user = ?1 AND digest <> ?2');
  const prove = db.prepare('UPDATE sessions SET proven = ?2 WHERE digest = ?1');
  const dropSession = db.prepare('DELETE FROM sessions WHERE digest = ? RETURNING user');
  const useSession = db.prepare('UPDATE sessions SET used = ?2 WHERE digest = ?1 AND used < ?2');

  const keyOf = db.prepare(`SELECT ${keyColumns} FROM keys WHERE digest = ?`);
  const keys = db.prepare(`SELECT ${keyColumns} FROM keys ORDER BY created DESC, id`);
  const putKey = db.prepare(`INSERT INTO keys (${keyColumns}) VALUES (?,?,?,?,?,?,?,?,?)`);
  const keyNamed = db.prepare('SELECT 1 FROM keys WHERE name = ?');
  const dropKey = db.prepare('DELETE FROM keys WHERE id = ?');
  const useKey = db.prepare('UPDATE keys SET used = ?2 WHERE id = ?1 AND coalesce(used, 0) < ?2');

  const user = (row: unknown): User | null => (row === undefined ? null : toUser(row as UserRow));
  const users = (): User[] => (all.all() as unknown as UserRow[]).map(toUser);

  function store(after: User): void {
    const owner = user(byEmail.get(after.email));
    if (owner !== null && owner.id !== after.id) throw new AppError('USER_KNOWN', { seen: after.email });
    const { id, email, role, password, created, connectors, link, link_expires, factor, subject } = toUserRow(after);
    put.run(id, email, role, password, created, connectors, link, link_expires, factor, subject);
  }

  function change<T>(
    id: string,
    decide: (user: User | null, people: People) => UserChange<T>,
    told?: (before: User | null, after: User | null) => NewAudit | null,
  ): Promise<T> {
    let cut = false;
    const run = (): T => {
      const before = user(byId.get(id));
      const otherAdmins = users().filter((other) => other.id !== id && isFullAdmin(other)).length;
      const change = decided(() => decide(before, { otherAdmins }));
      const after = change.user === undefined ? before : change.user;
      if (change.user === null) drop.run(id);
      else if (change.user !== undefined) store(change.user);
      cut = before !== null && (change.cuts === true || cutsSessions(before, after));
      if (cut) dropSessionsOf.run(id, after === null ? '' : (change.keep ?? ''));
      audit(told?.(before, after));
      return change.answer;
    };
    return committer.submit(run, { durable: () => cut && signal({ kind: 'account', account: id }) });
  }

  return {
    getUser: async (email: string) => user(byEmail.get(email)),
    getUserById: async (id: string) => user(byId.get(id)),
    getUserByLink: async (digest: string) => user(byLink.get(digest)),
    getUserBySubject: async (subject: string) => user(bySubject.get(subject)),
    listUsers: async () => users(),
    countUsers: async () => (count.get() as { n: number }).n,
    putUser: (user: User, entry?: NewAudit): Promise<void> =>
      change(
        user.id,
        () => ({ answer: undefined, user }),
        () => entry ?? null,
      ),
    changeUser: change,

    getSession: async (digest: string) => (session.get(digest) as unknown as Session | undefined) ?? null,
    listSessions: async (user: string) => sessionsOf.all(user) as unknown as Session[],
    putSession: (given: Session, checked: Checked, entry?: NewAudit): Promise<boolean> =>
      committer.submit(() => {
        if (!isAsChecked(user(byId.get(given.user)), checked)) return false;
        const { digest, user: owner, created, expires, ip, agent, proven, used } = given;
        putSession.run(digest, owner, created, expires, ip, agent, proven, used);
        audit(entry);
        return true;
      }),
    proveSession: (digest: string, at: number, entry?: NewAudit): Promise<boolean> =>
      committer.submit(() => {
        if (prove.run(digest, at).changes === 0) return false;
        audit(entry);
        return true;
      }),
    deleteSession: (digest: string, entry?: NewAudit): Promise<boolean> =>
      committer
        .submit(
          () => {
            const gone = dropSession.get(digest) as { user: string } | undefined;
            if (gone !== undefined) audit(entry);
            return gone;
          },
          { durable: (gone) => gone !== undefined && signal({ kind: 'account', account: gone.user }) },
        )
        .then((gone) => gone !== undefined),

    getKey: async (digest: string) => (keyOf.get(digest) as unknown as ApiKey | undefined) ?? null,
    listKeys: async () => keys.all() as unknown as ApiKey[],
    putKey: (key: ApiKey, entry?: NewAudit): Promise<void> =>
      committer.submit(() => {
        const { id, name, role, connector, digest, created, creator, expires, used } = key;
        if (keyNamed.get(name) !== undefined) throw new AppError('KEY_KNOWN', { seen: name });
        putKey.run(id, name, role, connector, digest, created, creator, expires, used);
        audit(entry);
      }),
    deleteKey: (id: string, entry?: NewAudit): Promise<boolean> =>
      committer.submit(
        () => {
          const gone = dropKey.run(id).changes > 0;
          if (gone) audit(entry);
          return gone;
        },
        { durable: (gone) => gone && signal({ kind: 'account', account: id }) },
      ),
    noteUse(what: 'session' | 'key', id: string, at: number): void {
      const note = what === 'session' ? useSession : useKey;
      committer.submit(() => void note.run(id, at)).catch(() => {});
    },
    audit: (entry: NewAudit): Promise<void> => committer.submit(() => audit(entry)),
  };
}
