/** Store suite: users and their sessions. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { AppError } from '../../src/domain/errors.ts';
import { expectAdminLeft } from '../../src/domain/people.ts';
import type { Session, Store, User } from '../../src/store/store.ts';
import {
  alone,
  DAY,
  digestOf,
  listen,
  NOW,
  type Open,
  rejectsWith,
  same,
  shareStore,
  someSession,
  someUser,
  until,
} from './fixtures.ts';

export function peopleTests(open: Open): void {
  const shared = shareStore(open);

  it('finds a user by email, id, link and subject, also after reopening', async () => {
    const user = someUser('found', {
      connectors: ['a', 'b'],
      link: { digest: digestOf('found link'), expires: NOW + DAY },
      factor: { sealed: 'sealed', step: 12, recovery: [digestOf('code')] },
      subject: 'https://provider found',
    });
    await shared.store.putUser(user);
    for await (const look of shared.nowAndReopened()) {
      same(await look.getUser(user.email), user);
      same(await look.getUserById(user.id), user);
      same(await look.getUserByLink(digestOf('found link')), user);
      same(await look.getUserBySubject('https://provider found'), user);
      assert.ok((await look.listUsers()).some(({ id }) => id === 'found'));
    }
    const { store } = shared;
    assert.equal(await store.getUser('nobody@example.com'), null);
    assert.equal(await store.getUserById('nobody'), null);
    assert.equal(await store.getUserByLink(digestOf('nobody')), null);
    assert.equal(await store.getUserBySubject('https://provider nobody'), null);
  });

  it('replaces a user of the same id', async () => {
    const { store } = shared;
    const user = someUser('changing');
    await store.putUser(user);
    const changed: User = { ...user, email: 'moved@example.com', role: 'viewer', password: '$argon2id$other' };
    await store.putUser(changed);
    same(await store.getUserById(user.id), changed);
    same(await store.getUser('moved@example.com'), changed);
    assert.equal(await store.getUser(user.email), null);
  });

  it('rejectsWith an email that belongs to another user, and leaves both as they were', async () => {
    const { store } = shared;
    const [first, second] = [someUser('email-1'), someUser('email-2')];
    await store.putUser(first);
    await store.putUser(second);
    await rejectsWith(store.putUser({ ...second, email: first.email }), 'USER_KNOWN');
    await rejectsWith(store.putUser({ ...someUser('email-3'), email: first.email }), 'USER_KNOWN');
    same(await store.getUserById(first.id), first);
    same(await store.getUserById(second.id), second);
    assert.equal(await store.getUserById('email-3'), null);
  });

  it('counts and lists users', async () => {
    await alone(open, async ({ store }) => {
      assert.equal(await store.countUsers(), 0);
      await store.putUser(someUser('two'));
      await store.putUser(someUser('one'));
      await store.putUser(someUser('two', { role: 'viewer' }));
      assert.equal(await store.countUsers(), 2);
      same(await store.listUsers(), [someUser('one'), someUser('two', { role: 'viewer' })]);
    });
  });

  it('lets a rule change or remove an account, or refuse', async () => {
    const { store } = shared;
    const user = someUser('ruled');
    await store.putUser(user);
    const renamed = { ...user, email: 'renamed@example.com' };
    const answer = await store.changeUser('ruled', (before) => ({ answer: before?.email, user: renamed }));
    assert.equal(answer, user.email);
    same(await store.getUserById('ruled'), renamed);
    const refusal = store.changeUser('ruled', () => {
      throw new AppError('LAST_ADMIN');
    });
    await rejectsWith(refusal, 'LAST_ADMIN');
    same(await store.getUserById('ruled'), renamed);
    await store.changeUser('ruled', () => ({ answer: null, user: null }));
    assert.equal(await store.getUserById('ruled'), null);
    assert.equal(await store.changeUser('ruled', (before) => ({ answer: before })), null);
  });

  it('keeps an admin, also of two that remove or demote each other at once', async () => {
    await alone(open, async ({ store }) => {
      const admins = ['a', 'b', 'c'];
      for (const id of admins) await store.putUser(someUser(id));
      // None of these can manage everything.
      await store.putUser(someUser('limited', { connectors: [] }));
      await store.putUser(someUser('invited', { password: '' }));
      const change = (id: string, after: (user: User) => User | null) =>
        store.changeUser(id, (user, people) => {
          expectAdminLeft(user!, after(user!), people);
          return { answer: null, user: after(user!) };
        });
      const changes = await Promise.allSettled([
        change('a', () => null),
        change('b', (user) => ({ ...user, role: 'operator' })),
        change('c', (user) => ({ ...user, connectors: ['one'] })),
      ]);
      assert.equal(changes.filter(({ status }) => status === 'fulfilled').length, 2);
      const left = (await store.listUsers()).filter(
        ({ role, connectors, password }) => role === 'admin' && connectors === null && password !== '',
      );
      assert.equal(left.length, 1);
    });
  });

  it('keeps a session until it is deleted, and lists those of an account', async () => {
    const user = someUser('session');
    await shared.store.putUser(user);
    const sessions: Session[] = [someSession(user.id, 'a', { used: NOW + 1 }), someSession(user.id, 'b', { ip: null })];
    for (const session of sessions) assert.ok(await shared.store.putSession(session, user));
    for await (const look of shared.nowAndReopened()) {
      for (const session of sessions) same(await look.getSession(session.digest), session);
      same(await look.listSessions(user.id), sessions);
    }
    assert.equal(await shared.store.deleteSession(digestOf('a')), true);
    assert.equal(await shared.store.deleteSession(digestOf('nobody')), false);
    for await (const look of shared.nowAndReopened()) {
      assert.equal(await look.getSession(digestOf('a')), null);
      same(await look.listSessions(user.id), [sessions[1]]);
    }
  });

  it('notes that the password was shown, and when a session was last used', async () => {
    const { store } = shared;
    await store.putUser(someUser('proving'));
    await store.putSession(someSession('proving', 'proving', { proven: 0 }), someUser('proving'));
    assert.equal(await store.proveSession(digestOf('proving'), NOW + 5), true);
    assert.equal(await store.proveSession(digestOf('nobody'), NOW + 5), false);
    store.noteUse('session', digestOf('proving'), NOW + 9);
    await until('it is noted', async () => (await store.getSession(digestOf('proving')))?.used === NOW + 9);
    assert.equal((await store.getSession(digestOf('proving')))?.proven, NOW + 5);
  });

  it('ends the sessions of an account whose password, role or connectors change, and of no other; and says so', async () => {
    const { store } = shared;
    const other = someUser('bystander');
    await store.putUser(other);
    await store.putSession(someSession(other.id, other.id), other);
    const changes: Partial<User>[] = [{ password: '$argon2id$another' }, { role: 'viewer' }, { connectors: ['a'] }];
    for (const [at, change] of changes.entries()) {
      const user = someUser(`cut-${at}`);
      await store.putUser(user);
      await store.putSession(someSession(user.id, user.id), user);
      await store.putUser({ ...user, email: `still-${at}@example.com` });
      assert.notEqual(await store.getSession(digestOf(user.id)), null);
      const signals = await signalsOf(store, () => store.putUser({ ...user, ...change }));
      assert.deepEqual(signals, [{ kind: 'account', account: user.id }]);
      assert.equal(await store.getSession(digestOf(user.id)), null);
    }
    assert.notEqual(await store.getSession(digestOf(other.id)), null);
  });

  it('ends the sessions of an account that is removed, and where a rule says so but for the one it keeps', async () => {
    const { store } = shared;
    const user = someUser('ending');
    await store.putUser(user);
    const open = () => Promise.all(['x', 'y'].map((name) => store.putSession(someSession(user.id, name), user)));
    await open();
    const cut = await signalsOf(store, () =>
      store.changeUser(user.id, () => ({ answer: null, cuts: true, keep: digestOf('y') })),
    );
    assert.deepEqual(cut, [{ kind: 'account', account: user.id }]);
    assert.deepEqual(
      (await store.listSessions(user.id)).map(({ digest }) => digest),
      [digestOf('y')],
    );
    await open();
    const removed = await signalsOf(store, () => store.changeUser(user.id, () => ({ answer: null, user: null })));
    assert.deepEqual(removed, [{ kind: 'account', account: user.id }]);
    assert.deepEqual(await store.listSessions(user.id), []);
    assert.equal(await store.putSession(someSession(user.id, 'z'), user), false);
  });

  it('opens no session for a password that is no longer that of the account', async () => {
    const { store } = shared;
    const user = someUser('late');
    const session = someSession(user.id, 'late');
    assert.equal(await store.putSession(session, user), false, 'no such account');
    await store.putUser(user);
    await store.putUser({ ...user, password: '$argon2id$newer' });
    assert.equal(await store.putSession(session, user), false);
    assert.equal(await store.getSession(session.digest), null);
  });

  it('opens no session for who was checked without the second factor that the account has by now', async () => {
    const { store } = shared;
    const user = someUser('factored');
    const session = someSession(user.id, 'factored');
    const factor = { sealed: 'one "secret"', step: 1, recovery: [digestOf('code')] };
    await store.putUser({ ...user, factor });
    assert.equal(await store.putSession(session, user), false, 'none was asked for');
    assert.equal(await store.putSession(session, { ...user, factor: { ...factor, sealed: 'before' } }), false);
    assert.equal(await store.getSession(session.digest), null);
    // Somebody else used a code of it meanwhile.
    assert.equal(await store.putSession(session, { ...user, factor: { ...factor, step: 0, recovery: [] } }), true);
  });

  it('tells that a session was ended', async () => {
    const { store } = shared;
    await store.putUser(someUser('told'));
    await store.putSession(someSession('told', 'told'), someUser('told'));
    const signals = await signalsOf(store, () => store.deleteSession(digestOf('told')));
    assert.deepEqual(signals, [{ kind: 'account', account: 'told' }]);
  });
}

async function signalsOf(store: Store, work: () => Promise<unknown>) {
  const { signals, stop } = listen(store);
  await work();
  stop();
  return signals.filter(({ kind }) => kind === 'account');
}
