/** Store suite: the audit log is written with the change that it tells of, or not at all, and is one chain. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type AuditEntry, entryOf, followChain } from '../../src/domain/audit.ts';
import { newDevice } from '../../src/domain/device.ts';
import { AppError } from '../../src/domain/errors.ts';
import type { Store } from '../../src/store/store.ts';
import {
  alone,
  auditOf,
  batchOf,
  dataOut,
  digestOf,
  importAll,
  makeConnector,
  NOW,
  type Open,
  put,
  rejectsWith,
  rowsOf,
  someConnector,
  someKey,
  someSession,
  someUser,
  tokenOf,
} from './fixtures.ts';

/** The whole chain, checked link by link. */
async function chainOf(store: Store): Promise<AuditEntry[]> {
  const chain = followChain();
  const rows = [];
  for (let page = await store.readChain(0, 3); page.length > 0; page = await store.readChain(chain.last.seq, 3)) {
    for (const row of page) assert.equal(chain.check(row), null);
    rows.push(...page);
  }
  return rows.map(entryOf);
}

const actions = async (store: Store) => (await chainOf(store)).map(({ action, target }) => `${action} ${target}`);

export function auditTests(open: Open): void {
  it('has an entry for each change, and a chain that holds, also after it was opened again or killed', async () => {
    await alone(open, async (opened) => {
      const { store } = opened;
      const { settings, id, ...rest } = someConnector();
      await store.createConnector({ id, settings, ...rest }, auditOf('createConnector', id));
      await store.changeConnector(
        id,
        (before) => ({ ...before, name: 'Other' }),
        (before, after) => auditOf('changeConnector', id, { before: before.name, after: after.name }),
      );
      const device = newDevice('d', NOW);
      const { found } = await store.changeDevice(id, 'd', () => ({
        answer: null,
        device,
        audit: auditOf('whitelistDevice', 'd'),
      }));
      await store.append(dataOut(found!.ref, { a: '1' }), auditOf('patchState', 'd'));
      await store.putUser(someUser('u'), auditOf('createUser', 'u'));
      await store.putSession(someSession('u', 's'), someUser('u'), auditOf('signIn', 'u'));
      await store.proveSession(digestOf('s'), NOW, auditOf('proveSession', 'u'));
      await store.changeUser(
        'u',
        (user) => ({ answer: null, user: { ...user!, role: 'viewer' } }),
        (before, after) => auditOf('changeUser', 'u', { before: before?.role, after: after?.role }),
      );
      await store.putSession(someSession('u', 't'), someUser('u'));
      await store.deleteSession(digestOf('t'), auditOf('signOut', 'u'));
      await store.putKey(someKey('k'), auditOf('createKey', 'k'));
      await store.deleteKey('k', auditOf('deleteKey', 'k'));
      await store.audit(auditOf('signInFailed', 'ü\u0000\u0001\u2028\ud800"\\'));
      await store.deleteConnector(id, auditOf('deleteConnector', id));
      const wanted = [
        `createConnector ${id}`,
        `changeConnector ${id}`,
        'whitelistDevice d',
        'patchState d',
        'createUser u',
        'signIn u',
        'proveSession u',
        'changeUser u',
        'signOut u',
        'createKey k',
        'deleteKey k',
        'signInFailed ü\u0000\u0001\u2028\ud800"\\',
        `deleteConnector ${id}`,
      ];
      assert.deepEqual(await actions(store), wanted);
      const entries = await chainOf(store);
      assert.deepEqual(entries[1]!.after, 'Other');
      assert.deepEqual([entries[7]!.before, entries[7]!.after], ['admin', 'viewer']);
      assert.deepEqual(await actions(await opened.kill()), wanted);
      const again = await opened.reopen();
      await again.audit(auditOf('more'));
      assert.equal((await actions(again)).length, wanted.length + 1);
    });
  });

  it('has nothing of a change that was refused, or that found nothing to change', async () => {
    await alone(open, async ({ store }) => {
      const id = await makeConnector(store);
      await put(store, id, 'owner', { credential: tokenOf('taken') });
      const entry = auditOf('never');
      const taken = store.changeDevice(id, 'd', () => ({
        answer: null,
        device: { ...newDevice('d', NOW), credential: tokenOf('taken') },
        audit: entry,
      }));
      await rejectsWith(taken, 'CREDENTIAL_TAKEN');
      const refuse = () => {
        throw new AppError('STATE_CONFLICT');
      };
      await rejectsWith(store.changeDevice(id, 'd', refuse), 'STATE_CONFLICT');
      await rejectsWith(
        store.changeConnector(id, refuse, () => entry),
        'STATE_CONFLICT',
      );
      await rejectsWith(
        store.changeUser('u', refuse, () => entry),
        'STATE_CONFLICT',
      );
      await store.putUser(someUser('u'));
      await rejectsWith(store.putUser({ ...someUser('v'), email: 'u@example.com' }, entry), 'USER_KNOWN');
      assert.equal(await store.putSession(someSession('u', 's'), { password: 'another', factor: null }, entry), false);
      assert.equal(await store.proveSession(digestOf('s'), NOW, entry), false);
      assert.equal(await store.deleteSession(digestOf('s'), entry), false);
      assert.equal(await store.deleteKey('k', entry), false);
      assert.equal(await store.deleteConnector('nothing', entry), false);
      await rejectsWith(store.undoBatch(id, 'nothing', null, NOW, entry), 'BATCH_UNKNOWN');
      assert.deepEqual(await chainOf(store), []);
    });
  });

  it('has one entry for an import however long, and one for its undoing', async () => {
    await alone(open, async ({ store }) => {
      const id = await makeConnector(store);
      const stage = await store.openImport(id);
      await stage.add(rowsOf(Array.from({ length: 1200 }, (_, n) => `d${n}`)));
      const batch = batchOf('many');
      await stage.apply(batch, null, () => {}, auditOf('importIdentities', batch.id));
      await store.undoBatch(id, batch.id, null, NOW, auditOf('undoBatch', batch.id));
      assert.deepEqual(await actions(store), [`importIdentities ${batch.id}`, `undoBatch ${batch.id}`]);
      await importAll(store, id, 'silent', ['e']);
      assert.equal((await actions(store)).length, 2);
    });
  });

  it('is one chain of all that is written at once', async () => {
    await alone(open, async ({ store }) => {
      const id = await makeConnector(store);
      const writes = Array.from({ length: 60 }, (_, n) => [
        store.changeDevice(id, `d${n}`, () => ({
          answer: null,
          device: newDevice(`d${n}`, NOW),
          audit: auditOf('whitelistDevice', `d${n}`),
        })),
        store.audit(auditOf('signInFailed', `${n}`)),
      ]).flat();
      await Promise.all(writes);
      const done = await actions(store);
      assert.equal(done.length, 120);
      assert.equal(new Set(done).size, 120);
    });
  });

  it('finds what is typed as it stands there, and in another case, also beyond ASCII', async () => {
    await alone(open, async ({ store }) => {
      for (const who of ['Jürgen Ä', 'ΟΔΟΣΑ', 'Ångström', 'İzmir', 'КЛЮЧ']) await store.audit(auditOf(who));
      const found = async (search: string) => (await store.readAudit({ limit: 10, search })).rows.map(({ seq }) => seq);
      for (const [seq, ...texts] of [
        [1, 'Jürgen Ä', 'jürgen ä', 'JÜRGEN Ä'],
        // By its rules the last letter of what is looked for has another lower case than the one in the middle there.
        [2, 'ΟΔΟΣ', 'οδοσα'],
        [3, 'Å', 'ångström', 'STRÖM'],
        [4, 'İ', 'İZMIR'],
        [5, 'КЛЮЧ', 'ключ', 'Ключ'],
      ] as const) {
        for (const text of texts) assert.deepEqual(await found(text), [seq], text);
      }
    });
  });

  it('is read newest first, page by page, and searched in whatever case', async () => {
    await alone(open, async ({ store }) => {
      for (let n = 1; n <= 7; n += 1) await store.audit(auditOf(n % 2 === 0 ? 'Even' : 'odd', `users/${n}`));
      const pages = async (search?: string) => {
        const seqs: number[][] = [];
        let before: number | undefined;
        do {
          const page = await store.readAudit({ before, limit: 3, search });
          seqs.push(page.rows.map(({ seq }) => seq));
          before = page.next ?? undefined;
        } while (before !== undefined);
        return seqs;
      };
      assert.deepEqual(await pages(), [[7, 6, 5], [4, 3, 2], [1]]);
      assert.deepEqual((await pages('"eVEN"')).flat(), [6, 4, 2]);
      assert.deepEqual((await pages('users/3')).flat(), [3]);
      assert.deepEqual((await pages('%')).flat(), []);
      assert.deepEqual(await store.readAudit({ limit: 10, search: 'nothing' }), { rows: [], next: null });
      assert.deepEqual(
        (await store.readChain(5, 10)).map(({ seq }) => seq),
        [6, 7],
      );
    });
  });
}
