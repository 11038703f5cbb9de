/** Store suite: the audit log is written with the change that it tells of, or not at all, and is one chain. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type AuditEntry, entryOf, followChain } from '../../src/domain/audit.ts';
import { newDevice } from '../../src/domain/device.ts';
import { AppError } from '../../src/domain/errors.ts';
import { startAt } from '../../src/domain/webhook.ts';
import type { JobRule, Store } from '../../src/store/store.ts';
import { describeFile, stage } from './content.ts';
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
import { jobOf } from './jobs.ts';
import { hookOf } from './webhooks.ts';

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

  it('has an entry for each change of a webhook, a job or a file, and none of a step or a delivery', async () => {
    await alone(open, async (opened) => {
      const { store } = opened;
      const connector = await makeConnector(store);
      await put(store, connector, 'd');
      const hook = hookOf(connector);
      await store.createWebhook(hook, 1, auditOf('createWebhook'));
      const moved = await store.changeWebhook(
        connector,
        hook.id,
        (before) => ({ ...before, url: 'https://example.org/' }),
        (before, after) => auditOf('changeWebhook', 'users/u', { before: before.url, after: after.url }),
      );
      await store.changeWebhook(
        connector,
        hook.id,
        (same) => same,
        () => null,
      );
      await store.claim(`webhook ${hook.id}`, 30);
      await store.noteDelivery({ ...moved, generation: moved.generation + 1 }, startAt(1, NOW), null);
      await store.deleteWebhook(connector, hook.id, ({ url }) => auditOf('deleteWebhook', 'users/u', { before: url }));
      const job = jobOf(connector, { type: 'lock' });
      await store.createJob(job, { filter: {} }, 1, auditOf('updateDevices'));
      const lock: JobRule = (device) => ({ answer: { result: 'changed' }, device: { ...device, locked: true } });
      for (let state = job.state; state === 'running'; )
        ({ state } = await store.stepJob(connector, job.id, lock, NOW));
      await store.changeJob(
        connector,
        job.id,
        (done) => ({ ...done, state: 'undone' }),
        (before, after) => auditOf('undoJob', 'users/u', { before: before.state, after: after.state }),
      );
      const staged = await stage(store, Buffer.from('x'));
      await store.changeContent(
        connector,
        'f',
        () => ({ answer: null, content: describeFile('f'), audit: auditOf('putContent') }),
        staged,
      );
      await store.changeContent(connector, 'f', () => ({
        answer: null,
        content: null,
        audit: auditOf('deleteContent'),
      }));
      const wanted = [
        ['createWebhook', null],
        ['changeWebhook', hook.url],
        ['deleteWebhook', 'https://example.org/'],
        ['updateDevices', null],
        ['undoJob', 'done'],
        ['putContent', null],
        ['deleteContent', null],
      ];
      const told = async (look: Store) => (await chainOf(look)).map(({ action, before }) => [action, before]);
      assert.deepEqual(await told(store), wanted);
      assert.deepEqual(await told(await opened.kill()), wanted);
    });
  });

  it('has nothing of a webhook, a job or a file that was refused or is not there', async () => {
    await alone(open, async ({ store }) => {
      const connector = await makeConnector(store);
      const entry = auditOf('never');
      const never = () => entry;
      const refuse = () => {
        throw new AppError('STATE_CONFLICT');
      };
      const hook = hookOf(connector);
      await store.createWebhook(hook, 1);
      await rejectsWith(store.createWebhook(hookOf(connector), 1, entry), 'WEBHOOK_LIMIT');
      await rejectsWith(store.createWebhook(hookOf('nothing'), 1, entry), 'CONNECTOR_UNKNOWN');
      await rejectsWith(store.changeWebhook(connector, hook.id, refuse, never), 'STATE_CONFLICT');
      await rejectsWith(
        store.changeWebhook(connector, 'nothing', (same) => same, never),
        'WEBHOOK_UNKNOWN',
      );
      assert.equal(await store.deleteWebhook(connector, 'nothing', never), false);
      const job = jobOf(connector, { type: 'lock' });
      await store.createJob(job, { filter: {} }, 1);
      const more = jobOf(connector, { type: 'lock' });
      await rejectsWith(store.createJob(more, { filter: {} }, 1, entry), 'OVERLOADED');
      await rejectsWith(
        store.createJob(jobOf('nothing', { type: 'lock' }), { filter: {} }, 1, entry),
        'CONNECTOR_UNKNOWN',
      );
      await rejectsWith(store.changeJob(connector, job.id, refuse, never), 'STATE_CONFLICT');
      await rejectsWith(
        store.changeJob(connector, 'nothing', (same) => same, never),
        'JOB_UNKNOWN',
      );
      const staged = await stage(store, Buffer.from('x'));
      const file = () => ({ answer: null, content: describeFile('f'), audit: entry });
      await rejectsWith(store.changeContent(connector, 'f', refuse, staged), 'STATE_CONFLICT');
      await rejectsWith(store.changeContent('nothing', 'f', file, staged), 'CONNECTOR_UNKNOWN');
      await staged.discard();
      assert.deepEqual(await chainOf(store), []);
    });
  });

  it('tells of changes that race what each of them found and left, and of one removal only', async () => {
    await alone(open, async ({ store }) => {
      const connector = await makeConnector(store);
      const [hook, job] = [hookOf(connector), jobOf(connector, { type: 'lock' })];
      await store.createWebhook(hook, 1);
      await store.createJob(job, { filter: {} }, 1);
      const staged = await stage(store, Buffer.from('x'));
      await store.changeContent(connector, 'f', () => ({ answer: null, content: describeFile('f') }), staged);
      const told = (action: string) => (before: unknown, after: unknown) => auditOf(action, action, { before, after });
      const changes = Array.from({ length: 6 }, () => [
        store.changeWebhook(
          connector,
          hook.id,
          (before) => ({ ...before, url: `${before.url}+` }),
          (before, after) => told('changeWebhook')(before.url, after.url),
        ),
        store.changeJob(
          connector,
          job.id,
          (before) => ({ ...before, total: before.total + 1 }),
          (before, after) => told('cancelJob')(before.total, after.total),
        ),
        store.changeContent(connector, 'f', (content) => {
          const after = `${content!.meta}+`;
          return {
            answer: null,
            content: { ...content!, meta: after },
            audit: told('changeContent')(content!.meta, after),
          };
        }),
      ]).flat();
      await Promise.all(changes);
      const byAction = Map.groupBy(await chainOf(store), ({ action }) => action);
      assert.equal(byAction.size, 3);
      for (const [action, entries] of byAction) {
        assert.equal(entries.length, 6, action);
        // Each begins where the one before has ended.
        assert.deepEqual(
          entries.slice(1).map(({ before }) => before),
          entries.slice(0, -1).map(({ after }) => after),
        );
      }
      const removed = await Promise.all(
        Array.from({ length: 4 }, () => store.deleteWebhook(connector, hook.id, () => auditOf('deleteWebhook'))),
      );
      assert.deepEqual(removed.toSorted(), [false, false, false, true]);
      assert.equal((await chainOf(store)).filter(({ action }) => action === 'deleteWebhook').length, 1);
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
