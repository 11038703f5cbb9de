/** Store suite: files for devices, from their first byte to the last who fetched them. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import type { Content, Offer } from '../../src/domain/content.ts';
import { AppError } from '../../src/domain/errors.ts';
import { type Rollout, startRollout } from '../../src/domain/rollout.ts';
import type { Store } from '../../src/store/store.ts';
import {
  allEvents,
  alone,
  dataIn,
  drain,
  eventOf,
  listen,
  makeConnector,
  makeRef,
  NOW,
  type Open,
  rejectsWith,
  remove,
  SECOND,
  same,
  shareStore,
} from './fixtures.ts';

const BOUNDS = { file: 1 << 20, total: 1 << 30 };
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

async function* inPieces(bytes: Uint8Array, size = 10_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

export const stage = (store: Store, bytes: Uint8Array, bounds = BOUNDS) => store.stageContent(inPieces(bytes), bounds);

/** A file of a person, as far as its bytes do not say. */
export function describeFile(id: string, over: Partial<Content> = {}): Content {
  const rest = { type: 'application/octet-stream', bytes: 0, sha256: '', meta: '', created: NOW, updated: NOW };
  return { id, ...rest, who: 'admin@localhost', device: null, offer: { to: 'all' }, rollout: null, ...over };
}

/** Stores a file; answers its bytes. */
async function putFile(store: Store, connector: string, id: string, bytes: Uint8Array, over: Partial<Content> = {}) {
  const staged = await stage(store, bytes);
  await store.changeContent(connector, id, () => ({ answer: null, content: describeFile(id, over) }), staged);
}

const edit = (store: Store, connector: string, id: string, over: Partial<Content>) =>
  store.changeContent(connector, id, (content) => ({ answer: null, content: { ...content!, ...over } }));
const erase = (store: Store, connector: string, id: string) =>
  store.changeContent(connector, id, (content) => ({ answer: content !== null, content: null }));

async function readAll(store: Store, connector: string, id: string, from = 0): Promise<Buffer> {
  const reader = await store.openContent(connector, id);
  assert(reader, `${id} is there to be read`);
  const pieces: Uint8Array[] = [];
  try {
    for (let at = from; at < reader.content.bytes; at += pieces.at(-1)!.length) {
      pieces.push(await reader.read(at, 50_000));
    }
  } finally {
    await reader.close();
  }
  return Buffer.concat(pieces);
}

const ids = (list: readonly Content[]) => list.map(({ id }) => id);

export function contentTests(open: Open): void {
  const shared = shareStore(open);

  describe('bytes', () => {
    it('gives back what it took in, from any place on, also after reopening', async () => {
      const connector = await makeConnector(shared.store);
      const files = [0, 1, 65_535, 65_536, 65_537, 300_001].map((size) => randomBytes(size));
      for (const [n, bytes] of files.entries()) await putFile(shared.store, connector, `f${n}`, bytes);
      for await (const store of shared.nowAndReopened()) {
        for (const [n, bytes] of files.entries()) {
          const content = await store.getContent(connector, `f${n}`);
          same([content?.bytes, content?.sha256], [bytes.length, sha256(bytes)]);
          assert(bytes.equals(await readAll(store, connector, `f${n}`)));
          const from = Math.floor(bytes.length / 3);
          assert(bytes.subarray(from).equals(await readAll(store, connector, `f${n}`, from)));
        }
      }
    });

    it('keeps a description as it is', async () => {
      const connector = await makeConnector(shared.store);
      const rollout = startRollout(
        { steps: [1, 100], every: SECOND, watch: { alias: 'a', failure: ['x'], success: [], share: 0.1, atLeast: 1 } },
        'salt',
        NOW,
      );
      const over = {
        type: 'text/plain',
        meta: 'v1, "ü"',
        offer: { to: 'tag', name: 'a:b', value: 'c:d' } as Offer,
        rollout,
      };
      await putFile(shared.store, connector, 'f', Buffer.from('x'), {
        ...over,
        offer: { to: 'tag', name: 'a', value: 'c:d' },
      });
      await putFile(shared.store, connector, 'd/log', Buffer.from('y'), {
        who: null,
        device: 'd',
        offer: { to: 'none' },
      });
      for await (const store of shared.nowAndReopened()) {
        const described = describeFile('f', { ...over, offer: { to: 'tag', name: 'a', value: 'c:d' } });
        same(await store.getContent(connector, 'f'), { ...described, bytes: 1, sha256: sha256(Buffer.from('x')) });
        assert.equal((await store.getContent(connector, 'd/log'))?.device, 'd');
        assert.equal(await store.getContent(connector, 'none'), null);
        assert.equal(await store.openContent(connector, 'none'), null);
      }
    });

    it('replaces the bytes of a file, or leaves them when only its description changes', async () => {
      const connector = await makeConnector(shared.store);
      await putFile(shared.store, connector, 'f', Buffer.from('one'));
      await edit(shared.store, connector, 'f', { meta: 'new' });
      same((await readAll(shared.store, connector, 'f')).toString(), 'one');
      await putFile(shared.store, connector, 'f', Buffer.from('two'));
      same((await readAll(shared.store, connector, 'f')).toString(), 'two');
      assert.equal((await shared.store.getContent(connector, 'f'))?.sha256, sha256(Buffer.from('two')));
    });

    it('reads a file to its end that is replaced or deleted meanwhile, and then keeps its bytes no longer', async () => {
      await alone(open, async ({ store }) => {
        const connector = await makeConnector(store);
        for (const change of ['replaced', 'deleted'] as const) {
          const bytes = randomBytes(700_000);
          await putFile(store, connector, change, bytes);
          const readers = [
            (await store.openContent(connector, change))!,
            (await store.openContent(connector, change))!,
          ];
          const pieces: Uint8Array[][] = [];
          for (const reader of readers) pieces.push([await reader.read(0, 10)]);
          if (change === 'deleted') await erase(store, connector, change);
          else await putFile(store, connector, change, Buffer.from('other'));
          await drain((limit) => store.purge(NOW, limit));
          for (const [n, reader] of readers.entries()) {
            for (let at = 10; at < bytes.length; at += pieces[n]!.at(-1)!.length)
              pieces[n]!.push(await reader.read(at, 100_000));
            assert(bytes.equals(Buffer.concat(pieces[n]!)), `${change}, reader ${n}`);
            await reader.close();
          }
        }
        await drain((limit) => store.purge(NOW, limit));
        // There is room for all but what "replaced" holds now.
        await (await stage(store, randomBytes(900_000), { file: 1 << 20, total: 900_005 })).discard();
      });
    });

    it('keeps equal bytes of two files apart: one goes, the other stays', async () => {
      const connector = await makeConnector(shared.store);
      const bytes = randomBytes(70_000);
      await putFile(shared.store, connector, 'a', bytes);
      await putFile(shared.store, connector, 'b', bytes);
      await erase(shared.store, connector, 'a');
      assert(bytes.equals(await readAll(shared.store, connector, 'b')));
      const again = await stage(shared.store, bytes);
      await erase(shared.store, connector, 'b');
      await shared.store.changeContent(connector, 'c', () => ({ answer: null, content: describeFile('c') }), again);
      await drain((limit) => shared.store.purge(NOW, limit));
      assert(bytes.equals(await readAll(shared.store, connector, 'c')));
    });

    it('leaves nothing of an upload that breaks off, is too large, or is thrown away', async () => {
      await alone(open, async ({ store, reopen }) => {
        const connector = await makeConnector(store);
        const bytes = randomBytes(200_000);
        async function* broken() {
          yield* inPieces(bytes);
          throw new Error('the client has gone');
        }
        await assert.rejects(store.stageContent(broken(), BOUNDS), /the client has gone/);
        await rejectsWith(stage(store, bytes, { file: 199_999, total: 1 << 30 }), 'BODY_TOO_LARGE');
        await rejectsWith(stage(store, bytes, { file: 1 << 20, total: 199_999 }), 'STORAGE_FULL');
        await (await stage(store, bytes)).discard();
        // All of the room is there again.
        const room = { file: 1 << 20, total: 200_000 };
        const staged = await stage(store, bytes, room);
        const refuse = () => {
          throw new AppError('STATE_CONFLICT', {});
        };
        await rejectsWith(store.changeContent(connector, 'f', refuse, staged), 'STATE_CONFLICT');
        await staged.discard();
        await (await stage(store, bytes, room)).discard();
        const again = await reopen();
        await (await stage(again, bytes, room)).discard();
      });
    });

    it('counts what is there to the total, and no longer what was deleted or replaced', async () => {
      await alone(open, async ({ store }) => {
        const connector = await makeConnector(store);
        await putFile(store, connector, 'a', randomBytes(60_000));
        const bounds = { file: 1 << 20, total: 100_000 };
        const more = randomBytes(50_000);
        await rejectsWith(stage(store, more, bounds), 'STORAGE_FULL');
        await putFile(store, connector, 'a', randomBytes(40_000));
        await drain((limit) => store.purge(NOW, limit));
        await (await stage(store, more, bounds)).discard();
        await erase(store, connector, 'a');
        await drain((limit) => store.purge(NOW, limit));
        await (await stage(store, randomBytes(100_000), bounds)).discard();
      });
    });

    it('finds after a crash what was stored, and nothing of what was on its way', async () => {
      await alone(open, async ({ store, kill }) => {
        const connector = await makeConnector(store);
        const bytes = randomBytes(150_000);
        await putFile(store, connector, 'f', bytes);
        const held = Promise.withResolvers<void>();
        async function* slow() {
          yield bytes.subarray(0, 70_000);
          yield bytes.subarray(70_000, 140_000);
          await held.promise;
        }
        const staged = await stage(store, randomBytes(150_000));
        const upload = store.stageContent(slow(), BOUNDS);
        await new Promise((resolve) => setTimeout(resolve, 50));
        const after = await kill();
        assert(bytes.equals(await readAll(after, connector, 'f')));
        assert.deepEqual(ids((await after.listContent(connector, { limit: 10 })).content), ['f']);
        held.resolve();
        await (await upload).discard();
        await staged.discard();
      });
    });
  });

  describe('files', () => {
    it('lets rules that race see what the one before did', async () => {
      const connector = await makeConnector(shared.store);
      await putFile(shared.store, connector, 'f', Buffer.from('x'), { meta: '' });
      const add = () =>
        shared.store.changeContent(connector, 'f', (content) => ({
          answer: null,
          content: { ...content!, meta: `${content!.meta}+` },
        }));
      await Promise.all(Array.from({ length: 10 }, add));
      assert.equal((await shared.store.getContent(connector, 'f'))?.meta, '+'.repeat(10));
    });

    it('makes one of two that race to make it', async () => {
      const connector = await makeConnector(shared.store);
      const make = (text: string) => async () => {
        const staged = await stage(shared.store, Buffer.from(text));
        const decide = (content: Content | null) => ({
          answer: content === null,
          ...(content === null && { content: describeFile('f') }),
        });
        return shared.store.changeContent(connector, 'f', decide, staged);
      };
      const won = await Promise.all([make('a')(), make('b')()]);
      same(won.toSorted(), [false, true]);
    });

    it('logs the events of a change with it, and wakes who follows the log', async () => {
      const connector = await makeConnector(shared.store);
      const { signals, stop } = listen(shared.store);
      const staged = await stage(shared.store, Buffer.from('x'));
      const event = eventOf('content_in', { identity: 'd', payload: { id: 'f' } });
      await shared.store.changeContent(
        connector,
        'f',
        () => ({ answer: null, content: describeFile('f'), events: [event] }),
        staged,
      );
      stop();
      same(
        (await allEvents(shared.store, connector)).map(({ type, payload }) => [type, payload]),
        [['content_in', { id: 'f' }]],
      );
      assert(signals.some((signal) => signal.kind === 'events' && signal.connector === connector));
    });

    it('lists by id, page by page, those of people and of devices apart', async () => {
      const connector = await makeConnector(shared.store);
      for (const id of ['b', 'a', 'C', 'a.1']) await putFile(shared.store, connector, id, Buffer.from(id));
      await putFile(shared.store, connector, 'd/x', Buffer.from('x'), {
        who: null,
        device: 'd',
        offer: { to: 'none' },
      });
      const list = async (query: Parameters<Store['listContent']>[1]) => {
        const { content, mayLoadMore } = await shared.store.listContent(connector, query);
        return [ids(content).join(' '), mayLoadMore];
      };
      assert.deepEqual(await list({ limit: 10 }), ['C a a.1 b d/x', false]);
      assert.deepEqual(await list({ limit: 2 }), ['C a', true]);
      assert.deepEqual(await list({ limit: 2, after: 'a' }), ['a.1 b', true]);
      assert.deepEqual(await list({ limit: 4, by: 'people' }), ['C a a.1 b', false]);
      assert.deepEqual(await list({ limit: 4, by: 'devices' }), ['d/x', false]);
    });

    it('knows what is offered to somebody', async () => {
      const connector = await makeConnector(shared.store);
      await putFile(shared.store, connector, 'all', Buffer.from('x'));
      await putFile(shared.store, connector, 'none', Buffer.from('x'), { offer: { to: 'none' } });
      await putFile(shared.store, connector, 'batch', Buffer.from('x'), { offer: { to: 'batch', batch: 'b' } });
      await putFile(shared.store, connector, 'd/x', Buffer.from('x'), {
        who: null,
        device: 'd',
        offer: { to: 'none' },
      });
      assert.deepEqual(ids(await shared.store.listOffered(connector)), ['all', 'batch']);
      await edit(shared.store, connector, 'd/x', { offer: { to: 'all' } });
      assert.deepEqual(ids(await shared.store.listOffered(connector)), ['all', 'batch', 'd/x']);
    });

    it('bounds how many files a device may have', async () => {
      const connector = await makeConnector(shared.store);
      const own = (n: number, device = 'd') =>
        putFile(shared.store, connector, `${device}/${n}`, Buffer.from('x'), {
          who: null,
          device,
          offer: { to: 'none' },
        });
      for (let n = 0; n < 16; n += 1) await own(n);
      await rejectsWith(own(16), 'CONTENT_LIMIT');
      await own(3);
      await own(1, 'other');
      await erase(shared.store, connector, 'd/0');
      await own(16);
    });

    it('holds what devices of a connector sent to the room that a change names, also when they race', async () => {
      const [connector, other] = [await makeConnector(shared.store), await makeConnector(shared.store)];
      const send = async (store: Store, id: string, size: number, room: number, to = connector) => {
        const staged = await stage(store, randomBytes(size));
        const device = { who: null, device: id.split('/')[0]!, offer: { to: 'none' } as Offer };
        try {
          await store.changeContent(to, id, () => ({ answer: null, content: describeFile(id, device), room }), staged);
        } finally {
          await staged.discard();
        }
      };
      // However small they are, they take a block of a disk each.
      for (const id of ['d1/a', 'd1/b', 'd2/a']) await send(shared.store, id, 1, 20_000);
      await send(shared.store, 'd3/a', 7_000, 20_000);
      await putFile(shared.store, connector, 'of a person', randomBytes(50_000));
      await send(shared.store, 'd1/a', 15_000, 20_000, other);
      for await (const store of shared.nowAndReopened()) {
        await rejectsWith(send(store, 'd4/a', 1, 20_000), 'STORAGE_FULL');
        await rejectsWith(send(store, 'd3/a', 9_000, 20_000), 'STORAGE_FULL');
        // What takes no more than before is taken, however low the bound is now.
        await send(store, 'd3/a', 7_000, 1);
        await send(store, 'd1/a', 4_096, 1);
        assert.equal(await store.getContent(connector, 'd4/a'), null);
      }
      await erase(shared.store, connector, 'd3/a');
      const racing = Array.from({ length: 8 }, (_, n) => send(shared.store, `r${n}/a`, 4_096, 12_288 + 3 * 4_096));
      const outcomes = await Promise.allSettled(racing);
      assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 3);
      await shared.store.deleteConnector(connector);
      await send(shared.store, 'd2/a', 5_000, 20_000, other);
    });

    it('belongs to its connector and goes with it', async () => {
      await alone(open, async ({ store }) => {
        const [one, two] = [await makeConnector(store), await makeConnector(store)];
        await putFile(store, one, 'f', randomBytes(50_000));
        await putFile(store, two, 'f', Buffer.from('two'));
        await store.noteFetch(await makeRef(store, one), 'f', sha256(Buffer.from('x')), NOW, true);
        await store.deleteConnector(one);
        await rejectsWith(store.listOffered(one), 'CONNECTOR_UNKNOWN');
        const staged = await stage(store, Buffer.from('x'));
        const late = store.changeContent(one, 'g', () => ({ answer: null, content: describeFile('g') }), staged);
        await rejectsWith(late, 'CONNECTOR_UNKNOWN');
        await staged.discard();
        await drain((limit) => store.purge(NOW, limit));
        assert.equal((await readAll(store, two, 'f')).toString(), 'two');
        // Nothing of it takes room any more.
        await (await stage(store, randomBytes(97), { file: 1 << 20, total: 100 })).discard();
      });
    });
  });

  describe('who fetched it', () => {
    const fetched = async (connector: string, id: string, query = { limit: 10 }) => {
      const { fetches, mayLoadMore } = await shared.store.listFetches(connector, id, query);
      return [
        fetches.map(({ identity, first, last, times, completed }) =>
          [identity, first - NOW, last - NOW, times, completed === null ? null : completed - NOW].join(' '),
        ),
        mayLoadMore,
      ];
    };

    it('knows when a device began, how often, and when it had all of it', async () => {
      const { store } = shared;
      const connector = await makeConnector(store);
      const [a, b] = [await makeRef(store, connector, 'a'), await makeRef(store, connector, 'b')];
      await putFile(store, connector, 'f', Buffer.from('x'));
      const { sha256: version } = (await store.getContent(connector, 'f'))!;
      await store.noteFetch(a, 'f', version, NOW + 1, false);
      await store.noteFetch(a, 'f', version, NOW + 2, false);
      await store.noteFetch(b, 'f', version, NOW + 3, false);
      await store.noteFetch(a, 'f', version, NOW + 4, true);
      await store.noteFetch(a, 'f', version, NOW + 5, true);
      await store.noteFetch(a, 'gone', version, NOW + 5, true);
      assert.deepEqual(await fetched(connector, 'f'), [['a 1 5 2 4', 'b 3 3 1 '], false]);
      assert.deepEqual(await fetched(connector, 'f', { limit: 1 }), [['a 1 5 2 4'], true]);
      assert.deepEqual(await fetched(connector, 'f', { limit: 1, before: NOW + 5 } as never), [['b 3 3 1 '], false]);
      await rejectsWith(store.listFetches(connector, 'gone', { limit: 1 }), 'CONTENT_UNKNOWN');
    });

    it('begins anew with another version, and lets the end of an older one pass', async () => {
      const { store } = shared;
      const connector = await makeConnector(store);
      const ref = await makeRef(store, connector, 'a');
      await putFile(store, connector, 'f', Buffer.from('x'));
      await store.noteFetch(ref, 'f', 'old', NOW + 1, false);
      await store.noteFetch(ref, 'f', 'old', NOW + 2, true);
      await store.noteFetch(ref, 'f', 'new', NOW + 3, false);
      await store.noteFetch(ref, 'f', 'old', NOW + 4, true);
      assert.deepEqual(await fetched(connector, 'f'), [['a 3 3 1 '], false]);
      assert.equal((await store.listFetches(connector, 'f', { limit: 1 })).fetches[0]?.sha256, 'new');
    });

    it('is forgotten with the file, in steps', async () => {
      const { store } = shared;
      const connector = await makeConnector(store);
      await putFile(store, connector, 'f', Buffer.from('x'));
      for (let n = 0; n < 25; n += 1) {
        await store.noteFetch(await makeRef(store, connector, `d${n}`), 'f', 'v', NOW + n, true);
      }
      await erase(store, connector, 'f');
      assert((await drain((limit) => store.purge(NOW, limit), 10)) >= 25);
      await putFile(store, connector, 'f', Buffer.from('x'));
      assert.deepEqual(await fetched(connector, 'f'), [[], false]);
    });
  });

  describe('rollouts', () => {
    const watch = { alias: 'fw', failure: ['failed', '-1'], success: ['ok'], share: 0.1, atLeast: 1 };
    const rolloutOf = (over: Partial<Rollout> = {}): Rollout => ({
      ...startRollout({ steps: [1, 100], every: null, watch }, 'salt', NOW),
      ...over,
    });

    it('finds those that run, of all connectors', async () => {
      await alone(open, async ({ store }) => {
        const [one, two] = [await makeConnector(store), await makeConnector(store)];
        await putFile(store, one, 'runs', Buffer.from('x'), { rollout: rolloutOf() });
        await putFile(store, two, 'held', Buffer.from('x'), { rollout: rolloutOf({ state: 'held' }) });
        await putFile(store, two, 'runs-too', Buffer.from('x'), { rollout: rolloutOf() });
        await putFile(store, two, 'plain', Buffer.from('x'));
        const found = await store.listRollouts();
        same(
          found.map(({ connector, content }) => [connector, content.id]).toSorted(),
          [
            [one, 'runs'],
            [two, 'runs-too'],
          ].toSorted(),
        );
        await store.deleteConnector(one);
        assert.equal((await store.listRollouts()).length, 1);
      });
    });

    it('counts reports since a device began, of the present version, and since the rollout was resumed', async () => {
      const { store } = shared;
      const connector = await makeConnector(store, {
        resources: { fw: { format: 'string', unit: '', settable: false, allowed: [], initial: null, sync: false } },
      });
      await putFile(store, connector, 'f', Buffer.from('x'), { rollout: rolloutOf() });
      const { sha256: version } = (await store.getContent(connector, 'f'))!;
      const report = async (
        identity: string,
        value: string,
        at: number,
        over: { sha256?: string; done?: boolean } = {},
      ) => {
        const ref = await makeRef(store, connector, identity);
        await store.noteFetch(ref, 'f', over.sha256 ?? version, NOW + 10 * SECOND, false);
        if (over.done) await store.noteFetch(ref, 'f', over.sha256 ?? version, NOW + 11 * SECOND, true);
        if (value !== '') await store.append(dataIn(ref, { fw: value }, NOW + at * SECOND));
      };
      await report('failed', 'failed', 12, { done: true });
      await report('other-failure', '-1', 12);
      await report('good', 'ok', 12, { done: true });
      await report('says-else', 'what', 12);
      await report('silent', '', 0);
      await report('before', 'failed', 9);
      await report('old-version', 'failed', 12, { sha256: 'old' });
      same(await store.readRolloutFigures(connector, 'f'), { taken: 6, completed: 2, failed: 2, succeeded: 1 });
      await edit(store, connector, 'f', { rollout: rolloutOf({ since: NOW + 20 * SECOND }) });
      same(await store.readRolloutFigures(connector, 'f'), { taken: 6, completed: 2, failed: 0, succeeded: 0 });
      const ref = await makeRef(store, connector, 'failed');
      await store.append(dataIn(ref, { fw: 'failed' }, NOW + 21 * SECOND));
      same(await store.readRolloutFigures(connector, 'f'), { taken: 6, completed: 2, failed: 1, succeeded: 0 });
      await edit(store, connector, 'f', { rollout: null });
      same(await store.readRolloutFigures(connector, 'f'), { taken: 6, completed: 2, failed: 0, succeeded: 0 });
      await remove(store, connector, 'failed');
      assert.equal((await store.readRolloutFigures(connector, 'f')).taken, 6);
    });
  });
}
