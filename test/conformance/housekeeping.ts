/** Store suite: expiry is logged once, and retention removes what is no longer kept and nothing else. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Store } from '../../src/store/store.ts';
import {
  allDevices,
  allEvents,
  alone,
  certificateOf,
  DAY,
  dataIn,
  drain,
  edit,
  eventOf,
  importAll,
  makeConnector,
  makeRef,
  NOW,
  type Open,
  put,
  remove,
  same,
  someSession,
  someUser,
  tokenOf,
} from './fixtures.ts';

export function housekeepingTests(open: Open): void {
  it('logs each expiry once, in steps, and not again after reopening', async () => {
    await alone(open, async ({ store, reopen }) => {
      const [one, two] = [await makeConnector(store), await makeConnector(store)];
      for (let n = 0; n < 25; n += 1) await put(store, n % 2 === 0 ? one : two, `d${n}`, { expiresAt: NOW + n });
      await put(store, one, 'open', { expiresAt: NOW + DAY });
      await put(store, one, 'never', { expiresAt: null });
      assert.equal(await store.expireDue(NOW - 1, 10), 0);
      assert.equal(await drain((limit) => store.expireDue(NOW, limit), 10), 1, 'the microsecond counts');
      assert.equal(await drain((limit) => store.expireDue(NOW + 24, limit), 10), 24);
      assert.equal(await store.expireDue(NOW + 24, 10), 0);
      const again = await reopen();
      assert.equal(await again.expireDue(NOW + 24, 10), 0);
      const names = [...(await expired(again, one)), ...(await expired(again, two))];
      assert.deepEqual(names.sort(), Array.from({ length: 25 }, (_, n) => `d${n}`).sort());
    });
  });

  it('logs the expiry of imported entries', async () => {
    await alone(open, async ({ store }) => {
      const connector = await makeConnector(store);
      await importAll(store, connector, 'lot', ['a', 'b']);
      assert.equal(await drain((limit) => store.expireDue(NOW + DAY, limit)), 2);
      assert.deepEqual((await expired(store, connector)).sort(), ['a', 'b']);
    });
  });

  it('logs it again when a window that was opened again closes again', async () => {
    await alone(open, async ({ store }) => {
      const connector = await makeConnector(store);
      await put(store, connector, 'd', { expiresAt: NOW });
      await drain((limit) => store.expireDue(NOW, limit));
      await edit(store, connector, 'd', { expiresAt: NOW + DAY });
      await drain((limit) => store.expireDue(NOW, limit));
      assert.deepEqual(await expired(store, connector), ['d']);
      await drain((limit) => store.expireDue(NOW + DAY, limit));
      assert.deepEqual(await expired(store, connector), ['d', 'd']);
    });
  });

  it('does not log it again for a change of something else', async () => {
    await alone(open, async ({ store }) => {
      const connector = await makeConnector(store);
      await put(store, connector, 'd', { expiresAt: NOW });
      await drain((limit) => store.expireDue(NOW, limit));
      await edit(store, connector, 'd', { tags: { site: ['north'] } });
      await drain((limit) => store.expireDue(NOW + 1, limit));
      assert.deepEqual(await expired(store, connector), ['d']);
    });
  });

  it('logs the expiry of a locked entry once, too', async () => {
    await alone(open, async ({ store }) => {
      const connector = await makeConnector(store);
      await put(store, connector, 'd', { expiresAt: NOW, locked: true });
      await drain((limit) => store.expireDue(NOW, limit));
      await edit(store, connector, 'd', { locked: false });
      await drain((limit) => store.expireDue(NOW + 1, limit));
      assert.deepEqual(await expired(store, connector), ['d']);
    });
  });

  it('logs the end of a credential, and no expiry for one that was revoked', async () => {
    await alone(open, async ({ store }) => {
      const connector = await makeConnector(store);
      await put(store, connector, 'ended', { credential: tokenOf('ended'), provisionedAt: NOW - DAY, expiresAt: NOW });
      await put(store, connector, 'revoked', { credential: null, provisionedAt: NOW - DAY, expiresAt: 0 });
      await drain((limit) => store.expireDue(NOW + DAY, limit));
      assert.deepEqual(await expired(store, connector), ['ended']);
    });
  });

  it('purges entries long expired that were never provisioned, and keeps all other devices', async () => {
    await alone(open, async ({ store, reopen }) => {
      const retention = { events_days: 0, expired_days: 30, history_days: 0 };
      const connector = await makeConnector(store, { retention });
      const forever = await makeConnector(store, { retention: { ...retention, expired_days: 0 } });
      const longAgo = NOW - 31 * DAY;
      for (let n = 0; n < 12; n += 1) {
        await put(store, connector, `gone-${n}`, {
          created: NOW - 40 * DAY,
          expiresAt: longAgo,
          tags: { n: [`${n}`] },
        });
      }
      await put(store, connector, 'lately', { expiresAt: NOW - 29 * DAY });
      await put(store, connector, 'waiting', { expiresAt: NOW + DAY });
      await put(store, connector, 'unbounded', { expiresAt: null, created: NOW - 400 * DAY });
      const bound = { provisionedAt: NOW - 50 * DAY };
      await put(store, connector, 'provisioned', { ...bound, credential: tokenOf('p'), expiresAt: null });
      await put(store, connector, 'ended', { ...bound, credential: certificateOf('c'), expiresAt: longAgo });
      await put(store, connector, 'revoked', { ...bound, expiresAt: 0 });
      await put(store, forever, 'kept', { expiresAt: longAgo });
      await drain((limit) => store.expireDue(NOW, limit));
      assert((await drain((limit) => store.purge(NOW, limit), 5)) >= 12);
      const again = await reopen();
      assert.deepEqual(
        (await allDevices(again, connector)).map((device) => device.identity),
        ['ended', 'lately', 'provisioned', 'revoked', 'unbounded', 'waiting'],
      );
      assert.equal(await again.countDevices(connector, {}, NOW), 6);
      same(await again.listTagNames(connector), []);
      assert.equal(await again.getDevice(connector, 'gone-3'), null);
      assert.equal((await allDevices(again, forever)).length, 1);
    });
  });

  it('purges events older than the connector keeps them, in steps, and keeps their numbering', async () => {
    await alone(open, async ({ store, reopen }) => {
      const keep = (events_days: number) => ({ retention: { events_days, expired_days: 0, history_days: 0 } });
      const [month, forever] = [await makeConnector(store, keep(30)), await makeConnector(store, keep(0))];
      for (const connector of [month, forever]) {
        const days = [99, 31, 29, 0].flatMap((days) => Array.from({ length: 10 }, () => days));
        await store.log(
          connector,
          days.map((day) => eventOf('publish', { timestamp: NOW - day * DAY, payload: day })),
        );
      }
      const [before, last] = [await allEvents(store, month), await store.lastSeq()];
      assert((await drain((limit) => store.purge(NOW, limit), 7)) >= 20);
      const again = await reopen();
      same(await allEvents(again, month), before.slice(20));
      assert.equal((await allEvents(again, forever)).length, 40);
      await again.log(month, [eventOf('publish')]);
      assert.equal((await allEvents(again, month)).at(-1)!.seq > last, true);
      const { events } = await again.readEvents(month, { after: before[19]!.seq, limit: 5, order: 'oldest' });
      same(events, before.slice(20, 25));
    });
  });

  it('purges data events like others', async () => {
    await alone(open, async ({ store }) => {
      const connector = await makeConnector(store);
      const ref = await makeRef(store, connector);
      await store.append(dataIn(ref, { a: 'old' }, NOW - 31 * DAY));
      await store.append(dataIn(ref, { a: 'new' }, NOW - DAY));
      await drain((limit) => store.purge(NOW, limit), 1);
      const events = await allEvents(store, connector);
      assert.deepEqual(
        events.map((event) => event.timestamp),
        [NOW - DAY],
      );
      const history = await store.readHistory(ref, { alias: 'a', from: 0, to: NOW, limit: 9 });
      assert.equal(history.points.length, 2, 'history has its own retention');
    });
  });

  it('purges history older than the connector keeps it, but no current value', async () => {
    await alone(open, async ({ store, reopen }) => {
      const keep = (history_days: number) => ({ retention: { events_days: 0, expired_days: 0, history_days } });
      const [week, forever] = [await makeConnector(store, keep(7)), await makeConnector(store, keep(0))];
      const refs = [await makeRef(store, week), await makeRef(store, forever)];
      for (const ref of refs) {
        for (const days of [30, 8, 6, 0]) await store.append(dataIn(ref, { a: `${days}` }, NOW - days * DAY));
        await store.append(dataIn(ref, { still: 'here' }, NOW - 30 * DAY));
      }
      await drain((limit) => store.purge(NOW, limit), 1);
      const again = await reopen();
      const values = await Promise.all(
        refs.map(async (ref) => {
          const history = await again.readHistory(ref, { alias: 'a', from: 0, to: NOW, limit: 10 });
          return history.points.map((point) => point.value);
        }),
      );
      assert.deepEqual(values, [
        ['6', '0'],
        ['30', '8', '6', '0'],
      ]);
      assert.equal((await again.readState(refs[0]!)).still?.reported, 'here');
    });
  });

  it('purges what deleted devices left, and comes to an end', async () => {
    await alone(open, async ({ store }) => {
      const connector = await makeConnector(store);
      const kept = await makeRef(store, connector, 'kept');
      const gone = await makeRef(store, connector, 'gone');
      for (let n = 0; n < 20; n += 1) {
        await store.append(dataIn(gone, { a: `${n}` }, NOW + n));
        await store.append(dataIn(kept, { a: `${n}` }, NOW + n));
      }
      await remove(store, connector, 'gone');
      await drain((limit) => store.purge(NOW, limit), 3);
      assert.equal(await store.purge(NOW, 100), 0);
      const history = await store.readHistory(kept, { alias: 'a', from: 0, to: NOW + DAY, limit: 100 });
      assert.equal(history.points.length, 20);
      assert.equal((await store.readState(kept)).a?.reported, '19');
    });
  });

  it('finds nothing to do in a store that has nothing to purge', async () => {
    await alone(open, async ({ store }) => {
      assert.equal(await store.purge(NOW, 100), 0);
      assert.equal(await store.expireDue(NOW, 100), 0);
      const connector = await makeConnector(store);
      const ref = await makeRef(store, connector);
      await store.append(dataIn(ref, { a: '1' }));
      const session = someSession('u', 'd');
      await store.putUser(someUser('u', { password: 'hash' }));
      await store.putSession(session, { password: 'hash', factor: null });
      assert.equal(await store.purge(NOW, 100), 0);
      same(await store.getSession(session.digest), session);
    });
  });
}

async function expired(store: Store, connector: string): Promise<(string | null)[]> {
  const events = await allEvents(store, connector);
  return events.filter((event) => event.type === 'expired').map((event) => event.identity);
}
