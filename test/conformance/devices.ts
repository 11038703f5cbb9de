/** Store suite: one device at a time: reading, deciding and writing without anything in between. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { type Credential, type Device, newDevice } from '../../src/domain/device.ts';
import {
  allDevices,
  allEvents,
  alone,
  backDated,
  DAY,
  dataIn,
  digestOf,
  drain,
  edit,
  eventOf,
  makeConnector,
  makeRef,
  NOW,
  type Open,
  put,
  rejectsWith,
  remove,
  same,
  shareStore,
  tokenOf,
} from './fixtures.ts';

export function deviceTests(open: Open): void {
  const shared = shareStore(open);

  it('answers null for a device that is not there', async () => {
    const connector = await makeConnector(shared.store);
    assert.equal(await shared.store.getDevice(connector, 'nobody'), null);
    assert.equal(await shared.store.getDevice('nosuchconnector0', 'nobody'), null);
  });

  it('creates, updates and deletes as the rule decides, and answers with what is there after', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    const device = newDevice('d', NOW);
    const created = await store.changeDevice(connector, 'd', (seen) => ({ answer: seen, device }));
    assert.equal(created.answer, null);
    same(created.found?.device, device);
    same(await store.getDevice(connector, 'd'), created.found);

    const locked = { ...device, locked: true };
    const updated = await store.changeDevice(connector, 'd', (seen) => ({ answer: seen, device: locked }));
    same(updated.answer, device);
    same(updated.found, { ref: created.found?.ref, device: locked });
    same(await store.getDevice(connector, 'd'), updated.found);

    const deleted = await store.changeDevice(connector, 'd', (seen) => ({ answer: seen, device: null }));
    same(deleted.answer, locked);
    assert.equal(deleted.found, null);
    assert.equal(await store.getDevice(connector, 'd'), null);
  });

  it('changes nothing where the rule names no device', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    const found = await put(store, connector, 'd', { tags: { a: ['1'] } });
    const looked = await store.changeDevice(connector, 'd', () => ({ answer: 7, events: [eventOf('refused')] }));
    assert.equal(looked.answer, 7);
    same(looked.found, found);
    const nobody = await store.changeDevice(connector, 'nobody', () => ({ answer: 'none' }));
    same(nobody, { answer: 'none', found: null });
    assert.equal(await store.getDevice(connector, 'nobody'), null);
    assert.equal((await allEvents(store, connector)).length, 1);
  });

  it('takes the deletion of a device that is not there as done', async () => {
    const connector = await makeConnector(shared.store);
    const gone = await shared.store.changeDevice(connector, 'nobody', () => ({ answer: 1, device: null }));
    same(gone, { answer: 1, found: null });
  });

  it('lets exactly one of 200 racing callers win, and shows the others what it did', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    await put(store, connector, 'd');
    const claim = (caller: number) =>
      store.changeDevice(connector, 'd', (device) => {
        assert(device);
        if (device.credential !== null) return { answer: { won: false, seen: device.credential } };
        const credential = tokenOf(`caller ${caller}`);
        return { answer: { won: true, seen: credential }, device: { ...device, credential, provisionedAt: NOW } };
      });
    const results = await Promise.all(Array.from({ length: 200 }, (_, caller) => claim(caller)));
    const winners = results.filter((result) => result.answer.won);
    assert.equal(winners.length, 1);
    const credential = winners[0]?.answer.seen;
    for (const result of results) same(result.answer.seen, credential);
    same((await store.getDevice(connector, 'd'))?.device.credential, credential);
  });

  it('creates a device once when 100 callers race for it', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    const register = () =>
      store.changeDevice(connector, 'd', (device) =>
        device === null ? { answer: true, device: newDevice('d', NOW) } : { answer: false },
      );
    const results = await Promise.all(Array.from({ length: 100 }, register));
    assert.equal(results.filter((result) => result.answer).length, 1);
    assert.equal(new Set(results.map((result) => result.found?.ref.key)).size, 1);
    assert.equal((await allDevices(store, connector)).length, 1);
  });

  it('applies concurrent changes of one device one after the other', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    await put(store, connector, 'd', { tags: { n: [] } });
    const append = (value: number) =>
      store.changeDevice(connector, 'd', (device) => {
        assert(device);
        return { answer: null, device: { ...device, tags: { n: [...(device.tags.n ?? []), String(value)] } } };
      });
    await Promise.all(Array.from({ length: 60 }, (_, value) => append(value)));
    const values = (await store.getDevice(connector, 'd'))?.device.tags.n ?? [];
    assert.deepEqual(
      values.map(Number).toSorted((a, b) => a - b),
      Array.from({ length: 60 }, (_, value) => value),
    );
  });

  it('passes on what the rule throws and writes nothing, neither device nor events', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    const found = await put(store, connector, 'd', { tags: { a: ['1'] } });
    const refusal = new Error('refused');
    const refuse = (identity: string) =>
      store.changeDevice(connector, identity, () => {
        throw refusal;
      });
    // Its neighbours in the same commit are not touched by it.
    const [before, first, second, after] = await Promise.allSettled([
      put(store, connector, 'before'),
      refuse('d'),
      refuse('new'),
      put(store, connector, 'after', {}, [eventOf('whitelisted', { identity: 'after' })]),
    ]);
    assert.equal(before.status, 'fulfilled');
    assert.equal(after.status, 'fulfilled');
    assert(first.status === 'rejected' && first.reason === refusal);
    assert(second.status === 'rejected' && second.reason === refusal);
    same(await store.getDevice(connector, 'd'), found);
    assert.equal(await store.getDevice(connector, 'new'), null);
    assert.deepEqual(
      (await allEvents(store, connector)).map((event) => event.identity),
      ['after'],
    );
    assert.equal((await allDevices(store, connector)).length, 3);
  });

  it('answers CONNECTOR_UNKNOWN for a device of no connector', async () => {
    await rejectsWith(put(shared.store, 'nosuchconnector0', 'd'), 'CONNECTOR_UNKNOWN');
  });

  it('keeps equal identities of two connectors apart', async () => {
    const { store } = shared;
    const [one, two] = [await makeConnector(store), await makeConnector(store)];
    const first = await put(store, one, 'd', { tags: { side: ['one'] } });
    const second = await put(store, two, 'd', { tags: { side: ['two'] } });
    assert.notEqual(first.ref.key, second.ref.key);
    await remove(store, one, 'd');
    same(await store.getDevice(two, 'd'), second);
  });

  it('compares identities exactly, whatever characters they have', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    const odd = [
      'abc',
      'ABC',
      'ab_',
      'ab%',
      'é',
      'e\u0301',
      `'; --`,
      'a/b+c#d',
      '😀',
      '\u{10ffff}',
      'x'.repeat(256),
      '"',
      '__proto__',
    ];
    for (const identity of odd) await put(store, connector, identity);
    for (const identity of odd) {
      const found = await store.getDevice(connector, identity);
      assert.equal(found?.device.identity, identity);
      assert.equal(found?.ref.identity, identity);
      assert.equal(found?.ref.connector, connector);
    }
    assert.equal(await store.countDevices(connector, {}, NOW), odd.length);
    assert.equal(await store.getDevice(connector, 'Abc'), null);
  });

  it('reads every field back as it was written, also after reopening', async () => {
    const connector = await makeConnector(shared.store);
    const written = new Map<string, Device>();
    await fc.assert(
      fc.asyncProperty(someDevice, someDevice, async (first, second) => {
        const identity = `d${written.size}`;
        const created = ownCredentials({ ...newDevice(identity, NOW), ...first }, `${connector} ${identity} first`);
        same((await put(shared.store, connector, identity, created)).device, created);
        // When it began and when it was last heard of is not for a rule to change.
        const again = { ...created, ...second, created: created.created };
        const changed = ownCredentials(again, `${connector} ${identity} second`);
        written.set(identity, changed);
        same(await edit(shared.store, connector, identity, changed), changed);
        same((await shared.store.getDevice(connector, identity))?.device, changed);
      }),
      { numRuns: 40 },
    );
    const store = await shared.reopen();
    for (const [identity, device] of written) same((await store.getDevice(connector, identity))?.device, device);
  });

  it('never gives the key of a deleted device to another, nor its data', async () => {
    await alone(open, async ({ store, reopen }) => {
      const connector = await makeConnector(store);
      const first = await makeRef(store, connector);
      await store.append(dataIn(first, { a: '1' }));
      await remove(store, connector, 'device');
      const second = await makeRef(store, connector);
      assert.notEqual(second.key, first.key);
      same(await store.readState(second), {});
      await remove(store, connector, 'device');
      await drain((limit) => store.purge(NOW, limit));
      const again = await reopen();
      const third = await makeRef(again, connector);
      assert(![first.key, second.key].includes(third.key));
      same(await again.readState(third), {});
      same((await again.readHistory(third, { alias: 'a', from: 0, to: NOW, limit: 10 })).points, []);
    });
  });

  it('does not bring a deleted device back by late data or a late touch', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    const gone = await makeRef(store, connector);
    await remove(store, connector, 'device');
    store.touch(gone, NOW, '192.0.2.1');
    await Promise.allSettled([
      store.append(dataIn(gone, { a: '1' })),
      store.record(backDated(gone, { b: '1' }, NOW - DAY)),
    ]);
    assert.equal(await store.getDevice(connector, 'device'), null);
    const { ref, device } = await put(store, connector, 'device');
    assert.equal(device.lastSeen, null);
    assert.equal((await store.getDevice(connector, 'device'))?.device.lastSeen, null);
    same(await store.readState(ref), {});
    same((await store.readHistory(ref, { alias: 'a', from: 0, to: NOW, limit: 10 })).points, []);
  });

  it('shows at once when and from where a device was last heard of', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    const { ref } = await put(store, connector, 'd', { credential: tokenOf(`${connector} touched`) });
    store.touch(ref, NOW + 5, '2001:db8::1');
    const touched = (await store.getDevice(connector, 'd'))?.device;
    assert.equal(touched?.lastSeen, NOW + 5);
    assert.equal(touched?.lastIp, '2001:db8::1');
    // A rule sees it too, and so does not write an older time back.
    const changed = await edit(store, connector, 'd', { locked: true });
    assert.equal(changed.lastSeen, NOW + 5);
    assert.equal((await store.getDevice(connector, 'd'))?.device.lastSeen, NOW + 5);
  });

  it('writes touches along with later commits', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    const ref = await makeRef(store, connector);
    store.touch(ref, NOW + 5, '192.0.2.9');
    await store.append(dataIn(ref, { a: '1' }, NOW + 5));
    const page = await store.listDevices(connector, { ipaddress: '192.0.2.9' }, { sort: '-activity', limit: 10 }, NOW);
    assert.equal(page.devices[0]?.lastSeen, NOW + 5);
  });
}

const time = fc.integer({ min: NOW - 400 * DAY, max: NOW + 400 * DAY });
const text = fc.string({ unit: 'grapheme', maxLength: 20 });
const hex = fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 64, maxLength: 64 });
const credential: fc.Arbitrary<Credential> = fc.oneof(
  fc.record({ type: fc.constant('token' as const), digest: hex }),
  fc.record({ type: fc.constant('password' as const), hash: text }),
  fc.record({
    type: fc.constant('certificate' as const),
    fingerprint: hex,
    publicKey: hex,
    certificate: text,
    chain: fc.array(text, { maxLength: 3 }),
    notBefore: time,
    notAfter: time,
  }),
);

/** No two devices may have one credential, however the random ones turn out. */
function ownCredentials(device: Device, name: string): Device {
  const own = (given: Credential, slot: string): Credential => {
    const digest = digestOf(`${name} ${slot}`);
    if (given.type === 'token') return { ...given, digest };
    return given.type === 'certificate' ? { ...given, fingerprint: digest } : given;
  };
  const { credential, previous } = device;
  return {
    ...device,
    credential: credential && own(credential, 'current'),
    previous: previous && { ...previous, credential: own(previous.credential, 'previous') },
  };
}

const tags = fc
  .uniqueArray(
    fc.tuple(fc.oneof(text, fc.constantFrom('__proto__', 'constructor', '')), fc.array(text, { maxLength: 3 })),
    {
      selector: ([name]) => name,
      maxLength: 4,
    },
  )
  .map((entries) => Object.fromEntries(entries));
const someDevice: fc.Arbitrary<Partial<Device>> = fc.record({
  created: time,
  expiresAt: fc.oneof(fc.constantFrom(null, 0), time),
  locked: fc.boolean(),
  reprovision: fc.boolean(),
  credential: fc.option(credential),
  previous: fc.option(fc.record({ credential, until: time })),
  authType: fc.constantFrom(null, 'token', 'password', 'certificate'),
  provisionedAt: fc.option(time),
  tags,
});
