/** Store suite: whom a credential belongs to. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  allEvents,
  certificateOf,
  DAY,
  digestOf,
  edit,
  eventOf,
  makeConnector,
  NOW,
  type Open,
  put,
  rejectsWith,
  remove,
  same,
  shareStore,
  tokenOf,
} from './fixtures.ts';

export function credentialTests(open: Open): void {
  const shared = shareStore(open);

  it('finds a device by its token in any connector, also after reopening', async () => {
    const connector = await makeConnector(shared.store);
    const found = await put(shared.store, connector, 'd', { credential: tokenOf('a'), provisionedAt: NOW });
    same(await shared.store.findByToken(digestOf('a')), found);
    same(await (await shared.reopen()).findByToken(digestOf('a')), found);
    assert.equal(await shared.store.findByToken(digestOf('nobody')), null);
  });

  it('finds a device by its previous token too, for as long as it has one', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    await put(store, connector, 'd', { credential: tokenOf('old') });
    const previous = { credential: tokenOf('old'), until: NOW + DAY };
    await edit(store, connector, 'd', { credential: tokenOf('new'), previous });
    for (const token of ['old', 'new']) {
      assert.equal((await store.findByToken(digestOf(token)))?.device.identity, 'd');
    }
    await edit(store, connector, 'd', { previous: null });
    assert.equal(await store.findByToken(digestOf('old')), null);
    assert.equal((await store.findByToken(digestOf('new')))?.device.identity, 'd');
  });

  it('forgets a token when it is revoked, replaced or its device deleted', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    for (const identity of ['revoked', 'replaced', 'deleted']) {
      await put(store, connector, identity, { credential: tokenOf(`token of ${identity}`) });
    }
    await edit(store, connector, 'revoked', { credential: null, expiresAt: 0 });
    await edit(store, connector, 'replaced', { credential: tokenOf('another') });
    await remove(store, connector, 'deleted');
    for (const identity of ['revoked', 'replaced', 'deleted']) {
      const digest = digestOf(`token of ${identity}`);
      assert.equal(await store.findByToken(digest), null);
      const heir = await put(store, connector, `heir of ${identity}`, { credential: { type: 'token', digest } });
      same(await store.findByToken(digest), heir);
    }
  });

  it('refuses a token that belongs to another device of any connector, and writes nothing', async () => {
    const { store } = shared;
    const [one, two] = [await makeConnector(store), await makeConnector(store)];
    const owner = await put(store, one, 'owner', { credential: tokenOf('owned') });
    const other = await put(store, two, 'other', { credential: tokenOf('of the other') });
    const event = eventOf('provisioned', { identity: 'thief' });
    await rejectsWith(put(store, one, 'thief', { credential: tokenOf('owned') }, [event]), 'CREDENTIAL_TAKEN');
    await rejectsWith(put(store, two, 'thief', { credential: tokenOf('owned') }, [event]), 'CREDENTIAL_TAKEN');
    await rejectsWith(edit(store, two, 'other', { credential: tokenOf('owned'), locked: true }), 'CREDENTIAL_TAKEN');
    same(await store.findByToken(digestOf('owned')), owner);
    same(await store.findByToken(digestOf('of the other')), other);
    assert.equal(await store.getDevice(one, 'thief'), null);
    assert.equal(await store.getDevice(two, 'thief'), null);
    same([...(await allEvents(store, one)), ...(await allEvents(store, two))], []);
  });

  it('refuses a token that is the previous one of another device', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    const previous = { credential: tokenOf('before'), until: NOW + DAY };
    const owner = await put(store, connector, 'owner', { credential: tokenOf('after'), previous });
    await rejectsWith(put(store, connector, 'thief', { credential: tokenOf('before') }), 'CREDENTIAL_TAKEN');
    same(await store.findByToken(digestOf('before')), owner);
  });

  it('lets one of two racing devices have a token', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    const racers = Array.from({ length: 20 }, (_, n) =>
      put(store, connector, `r${n}`, { credential: tokenOf('raced') }),
    );
    const results = await Promise.allSettled(racers);
    const won = results.filter((result) => result.status === 'fulfilled');
    assert.equal(won.length, 1);
    same(await store.findByToken(digestOf('raced')), won[0]?.value);
    for (const result of results) {
      if (result.status === 'rejected') assert.equal(result.reason.code, 'CREDENTIAL_TAKEN');
    }
    assert.equal(await store.countDevices(connector, {}, NOW), 1);
  });

  it('refuses a certificate that belongs to another device of the connector, and takes it in another connector', async () => {
    const { store } = shared;
    const [one, two] = [await makeConnector(store), await makeConnector(store)];
    const owner = await put(store, one, 'owner', { credential: certificateOf('leaf') });
    await rejectsWith(put(store, one, 'thief', { credential: certificateOf('leaf') }), 'CREDENTIAL_TAKEN');
    assert.equal(await store.getDevice(one, 'thief'), null);
    same(await store.getDevice(one, 'owner'), owner);
    const twin = await put(store, two, 'twin', { credential: certificateOf('leaf') });
    same(await store.getDevice(two, 'twin'), twin);
    await remove(store, one, 'owner');
    await put(store, one, 'heir', { credential: certificateOf('leaf') });
  });

  it('takes the same credential of the same device again, and equal password hashes of two', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    await put(store, connector, 'token', { credential: tokenOf('kept') });
    await edit(store, connector, 'token', { credential: tokenOf('kept'), locked: true });
    await put(store, connector, 'leaf', { credential: certificateOf('kept') });
    await edit(store, connector, 'leaf', { credential: certificateOf('kept'), locked: true });
    for (const identity of ['p1', 'p2']) {
      await put(store, connector, identity, { credential: { type: 'password', hash: '$argon2id$same' } });
    }
    assert.equal(await store.countDevices(connector, { status: 'locked' }, NOW), 2);
  });
}
