/** Store suite: users and their sessions. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Session, User } from '../../src/store/store.ts';
import { alone, DAY, digestOf, NOW, type Open, same, shareStore } from './fixtures.ts';

export function peopleTests(open: Open): void {
  const shared = shareStore(open);

  it('finds a user by email and by id, also after reopening', async () => {
    const user = someUser('found');
    await shared.store.putUser(user);
    for await (const look of shared.nowAndReopened()) {
      same(await look.getUser(user.email), user);
      same(await look.getUserById(user.id), user);
    }
    assert.equal(await shared.store.getUser('nobody@example.com'), null);
    assert.equal(await shared.store.getUserById('nobody'), null);
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

  it('counts users', async () => {
    await alone(open, async ({ store }) => {
      assert.equal(await store.countUsers(), 0);
      await store.putUser(someUser('one'));
      await store.putUser(someUser('two'));
      await store.putUser({ ...someUser('two'), role: 'viewer' });
      assert.equal(await store.countUsers(), 2);
    });
  });

  it('keeps a session until it is deleted', async () => {
    const user = someUser('session');
    await shared.store.putUser(user);
    const sessions: Session[] = ['a', 'b'].map((name) => ({
      digest: digestOf(name),
      user: user.id,
      created: NOW,
      expires: NOW + DAY,
    }));
    for (const session of sessions) assert.ok(await shared.store.putSession(session, user.password));
    for await (const look of shared.nowAndReopened()) {
      for (const session of sessions) same(await look.getSession(session.digest), session);
    }
    await shared.store.deleteSession(digestOf('a'));
    await shared.store.deleteSession(digestOf('nobody'));
    for await (const look of shared.nowAndReopened()) {
      assert.equal(await look.getSession(digestOf('a')), null);
      same(await look.getSession(digestOf('b')), sessions[1]);
    }
  });

  it('ends the sessions of an account whose password changes, and of no other', async () => {
    const { store } = shared;
    const [changing, other] = [someUser('password'), someUser('bystander')];
    for (const user of [changing, other]) {
      await store.putUser(user);
      await store.putSession(
        { digest: digestOf(user.id), user: user.id, created: NOW, expires: NOW + DAY },
        user.password,
      );
    }
    await store.putUser({ ...changing, role: 'viewer' });
    assert.notEqual(await store.getSession(digestOf(changing.id)), null);
    await store.putUser({ ...changing, password: '$argon2id$another' });
    assert.equal(await store.getSession(digestOf(changing.id)), null);
    assert.notEqual(await store.getSession(digestOf(other.id)), null);
  });

  it('opens no session for a password that is no longer that of the account', async () => {
    const { store } = shared;
    const user = someUser('late');
    const session = { digest: digestOf('late'), user: user.id, created: NOW, expires: NOW + DAY };
    assert.equal(await store.putSession(session, user.password), false, 'no such account');
    await store.putUser(user);
    await store.putUser({ ...user, password: '$argon2id$newer' });
    assert.equal(await store.putSession(session, user.password), false);
    assert.equal(await store.getSession(session.digest), null);
  });

  it('changes a password once, keeps the session that asks, and brings none back that has ended', async () => {
    const { store } = shared;
    const user = someUser('own');
    await store.putUser(user);
    const open = (name: string) => ({ digest: digestOf(name), user: user.id, created: NOW, expires: NOW + DAY });
    for (const name of ['own-a', 'own-b']) await store.putSession(open(name), user.password);
    const changes = ['$argon2id$1', '$argon2id$2'].map((to) =>
      store.changePassword(user.id, user.password, to, digestOf('own-a')),
    );
    assert.deepEqual((await Promise.all(changes)).sort(), [false, true]);
    assert.notEqual(await store.getSession(digestOf('own-a')), null);
    assert.equal(await store.getSession(digestOf('own-b')), null);
    await store.deleteSession(digestOf('own-a'));
    const now = (await store.getUserById(user.id))!.password;
    assert.equal(await store.changePassword(user.id, now, '$argon2id$3', digestOf('own-a')), true);
    assert.equal(await store.getSession(digestOf('own-a')), null);
  });
}

function someUser(id: string): User {
  return { id, email: `${id}@example.com`, role: 'admin', password: '$argon2id$v=19$hash', created: NOW };
}
