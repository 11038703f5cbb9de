/**
 * Accounts of the management API, their sessions, and the keys of programs. A rule that changes an account decides on what was
 * read, and its decision is written only if no account has changed since: so two admins cannot remove each other.
 */
import type { NewAudit } from '../../domain/audit.ts';
import { AppError } from '../../domain/errors.ts';
import {
  type ApiKey,
  type Checked,
  cutsSessions,
  isFullAdmin,
  type People,
  type Session,
  type User,
  type UserChange,
} from '../../domain/people.ts';
import type { Signal } from '../store.ts';
import { toUser, toUserRow, type UserRow, userColumns, userUpdate } from '../user-row.ts';
import { type Database, type Sql, sql, statement } from './database.ts';
import { Unmet } from './failures.ts';
import type { Commit } from './ledger.ts';

const userBy = (column: string) => statement(`user-${column}`, `SELECT ${userColumns} FROM users WHERE ${column} = $1`);
const [byEmail, byId, byLink, bySubject] = [userBy('email'), userBy('id'), userBy('link'), userBy('subject')];
const all = statement('users-all', `SELECT ${userColumns} FROM users ORDER BY email`);
const count = statement('users', 'SELECT count(*) AS n FROM users');
const version = statement('people-version', "SELECT value FROM meta WHERE name = 'people'");
const sessionColumns = 'digest, account AS "user", created, expires, ip, agent, proven, used';
const session = statement('session', `SELECT ${sessionColumns} FROM sessions WHERE digest = $1`);
const sessionsOf = statement(
  'sessions-of',
  `SELECT ${sessionColumns} FROM sessions WHERE account = $1 ORDER BY used DESC, digest`,
);
const keyColumns = 'id, name, role, connector, digest, created, creator, expires, used';
const keyOf = statement('key', `SELECT ${keyColumns} FROM keys WHERE digest = $1`);
const keys = statement('keys', `SELECT ${keyColumns} FROM keys ORDER BY created DESC, id`);

export function createPeople(db: Database, commit: Commit, passing: (error: Error) => void) {
  /** False, and nothing is written, where a demand among the statements does not hold. */
  const isMet = (...given: Parameters<Commit>): Promise<boolean> =>
    commit(...given).then(
      () => true,
      (error) => {
        if (error instanceof Unmet) return false;
        throw error;
      },
    );

  const find = async (by: typeof byId, value: string): Promise<User | null> => {
    const row = (await db.read<UserRow>(by, [value]))[0];
    return row === undefined ? null : toUser(row);
  };
  const users = async (): Promise<User[]> => (await db.read<UserRow>(all)).map(toUser);
  const ended = (account: string): Signal[] => [{ kind: 'account', account }];

  async function change<T>(
    id: string,
    decide: (user: User | null, people: People) => UserChange<T>,
    told?: (before: User | null, after: User | null) => NewAudit | null,
  ): Promise<T> {
    for (;;) {
      // First, so that whoever changes an account in between is noticed.
      const [{ value } = { value: 0 }] = await db.read<{ value: number }>(version);
      const everybody = await users();
      const before = everybody.find((user) => user.id === id) ?? null;
      const otherAdmins = everybody.filter((other) => other.id !== id && isFullAdmin(other)).length;
      const { answer, user, keep = '', cuts } = decide(before, { otherAdmins });
      const after = user === undefined ? before : user;
      const owner = everybody.find((other) => other.email === after?.email);
      if (owner !== undefined && owner.id !== id) throw new AppError('USER_KNOWN', { seen: owner.email });
      const cut = before !== null && (cuts === true || cutsSessions(before, after));
      const entry = told?.(before, after);
      if (user === undefined && !cut && (entry === undefined || entry === null)) return answer;
      const statements = [
        sql`SELECT demand((SELECT value FROM meta WHERE name = 'people' FOR UPDATE) = ${value}, 'stale')`,
        "UPDATE meta SET value = value + 1 WHERE name = 'people'",
        ...(user === null ? [sql`DELETE FROM users WHERE id = ${id}`] : user === undefined ? [] : [put(user)]),
        ...(cut ? [sql`DELETE FROM sessions WHERE account = ${id} AND digest <> ${after === null ? '' : keep}`] : []),
      ];
      if (await isMet(statements, cut ? ended(id) : [], [], [entry])) return answer;
    }
  }

  return {
    getUser: (email: string) => find(byEmail, email),
    getUserById: (id: string) => find(byId, id),
    getUserByLink: (digest: string) => find(byLink, digest),
    getUserBySubject: (subject: string) => find(bySubject, subject),
    listUsers: users,
    countUsers: async () => (await db.read<{ n: number }>(count))[0]!.n,
    putUser: (user: User, audit?: NewAudit): Promise<void> =>
      change(
        user.id,
        () => ({ answer: undefined, user }),
        () => audit ?? null,
      ),
    changeUser: change,

    getSession: async (digest: string) => (await db.read<Session>(session, [digest]))[0] ?? null,
    listSessions: (user: string) => db.read<Session>(sessionsOf, [user]),
    putSession: (given: Session, checked: Checked, audit?: NewAudit): Promise<boolean> => {
      const { digest, user, created, expires, ip, agent, proven, used } = given;
      const demand = sql`SELECT demand(EXISTS (
        SELECT 1 FROM users WHERE id = ${user} AND password = ${checked.password}
          AND (factor::json ->> 'sealed') IS NOT DISTINCT FROM ${checked.factor?.sealed ?? null} FOR SHARE), 'checked')`;
      const insert = sql`INSERT INTO sessions (digest, account, created, expires, ip, agent, proven, used)
        VALUES (${digest}, ${user}, ${created}, ${expires}, ${ip}, ${agent}, ${proven}, ${used})
        ON CONFLICT (digest) DO UPDATE SET account = excluded.account, created = excluded.created,
          expires = excluded.expires, ip = excluded.ip, agent = excluded.agent, proven = excluded.proven,
          used = excluded.used`;
      return isMet([demand, insert], [], [], [audit]);
    },
    proveSession: (digest: string, at: number, audit?: NewAudit): Promise<boolean> =>
      isMet(
        [
          sql`SELECT demand(EXISTS (SELECT 1 FROM sessions WHERE digest = ${digest} FOR UPDATE), 'gone')`,
          sql`UPDATE sessions SET proven = ${at} WHERE digest = ${digest}`,
        ],
        [],
        [],
        [audit],
      ),
    deleteSession: async (digest: string, audit?: NewAudit): Promise<boolean> => {
      const [found] = await db.read<Session>(session, [digest]);
      if (found === undefined) return false;
      const demand = sql`SELECT demand(EXISTS (SELECT 1 FROM sessions WHERE digest = ${digest} FOR UPDATE), 'gone')`;
      return isMet([demand, sql`DELETE FROM sessions WHERE digest = ${digest}`], ended(found.user), [], [audit]);
    },

    getKey: async (digest: string) => (await db.read<ApiKey>(keyOf, [digest]))[0] ?? null,
    listKeys: () => db.read<ApiKey>(keys),
    putKey: (key: ApiKey, audit?: NewAudit): Promise<void> => {
      const { id, name, role, connector, digest, created, creator, expires, used } = key;
      const insert = sql`INSERT INTO keys (id, name, role, connector, digest, created, creator, expires, used)
        VALUES (${id}, ${name}, ${role}, ${connector}, ${digest}, ${created}, ${creator}, ${expires}, ${used})`;
      return commit([insert], [], [], [audit]).catch((error) => {
        throw error instanceof Unmet ? new AppError('KEY_KNOWN', { seen: name }) : error;
      });
    },
    deleteKey: (id: string, audit?: NewAudit): Promise<boolean> => {
      const demand = sql`SELECT demand(EXISTS (SELECT 1 FROM keys WHERE id = ${id} FOR UPDATE), 'gone')`;
      return isMet([demand, sql`DELETE FROM keys WHERE id = ${id}`], ended(id), [], [audit]);
    },
    noteUse(what: 'session' | 'key', id: string, at: number): void {
      const update =
        what === 'session'
          ? sql`UPDATE sessions SET used = ${at} WHERE digest = ${id} AND used < ${at}`
          : sql`UPDATE keys SET used = ${at} WHERE id = ${id} AND coalesce(used, 0) < ${at}`;
      // Nobody waits for it, and the next use says it again.
      db.run(update).catch((cause) => {
        if (!db.unreachable()) passing(new Error('The use of a session or key could not be noted', { cause }));
      });
    },
    audit: (entry: NewAudit): Promise<void> => commit([], [], [], [entry]),
  };
}

function put(user: User): Sql {
  const row = toUserRow(user);
  const { id, email, role, password, created, connectors, link, link_expires, factor, subject } = row;
  return sql`INSERT INTO users (id, email, role, password, created, connectors, link, link_expires, factor, subject)
    VALUES (${id}, ${email}, ${role}, ${password}, ${created}, ${connectors}, ${link}, ${link_expires}, ${factor}, ${subject})
    ON CONFLICT (id) DO UPDATE SET `.concat(userUpdate);
}
