/** Store suite: webhooks, how far they are, their last tries, and leases. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { DELIVERIES_KEPT, type Delivery, startAt, type Webhook } from '../../src/domain/webhook.ts';
import type { Store } from '../../src/store/store.ts';
import {
  alone,
  DAY,
  drain,
  listen,
  makeConnector,
  NOW,
  type Open,
  rejectsWith,
  same,
  shareStore,
  someConnector,
} from './fixtures.ts';

export function webhookTests(open: Open): void {
  const shared = shareStore(open);

  it('keeps a webhook as it was made, in the order of making, until it is deleted', async () => {
    const connector = await makeConnector(shared.store);
    const hooks = ['one', 'two\u0000', 'three'].map((name) =>
      hookOf(connector, { url: `https://example.com/${name}` }),
    );
    for (const hook of hooks) await shared.store.createWebhook(hook, 10);
    for await (const look of shared.nowAndReopened()) {
      same(await look.listWebhooks(connector), hooks);
      same(await look.getWebhook(connector, hooks[1]!.id), hooks[1]);
      same(
        (await look.listWebhooks()).filter((hook) => hook.connector === connector),
        hooks,
      );
    }
    const { store } = shared;
    assert.equal(await store.deleteWebhook(connector, hooks[1]!.id), true);
    assert.equal(await store.deleteWebhook(connector, hooks[1]!.id), false);
    same(await store.listWebhooks(connector), [hooks[0], hooks[2]]);
    await rejectsWith(store.listDeliveries(connector, hooks[1]!.id), 'WEBHOOK_UNKNOWN');
  });

  it('takes so many of a connector, also of those that come at once, and none of a connector that is not there', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    const made = await Promise.allSettled(Array.from({ length: 6 }, () => store.createWebhook(hookOf(connector), 3)));
    assert.equal(made.filter(({ status }) => status === 'fulfilled').length, 3);
    assert.equal((await store.listWebhooks(connector)).length, 3);
    await rejectsWith(store.createWebhook(hookOf(connector), 3), 'WEBHOOK_LIMIT');
    await rejectsWith(store.createWebhook(hookOf(someConnector().id), 3), 'CONNECTOR_UNKNOWN');
  });

  it('knows no webhook by another connector', async () => {
    const { store } = shared;
    const [connector, other] = [await makeConnector(store), await makeConnector(store)];
    const hook = await made(store, connector);
    assert.equal(await store.getWebhook(other, hook.id), null);
    assert.equal(await store.deleteWebhook(other, hook.id), false);
    await rejectsWith(
      store.changeWebhook(other, hook.id, (same) => same),
      'WEBHOOK_UNKNOWN',
    );
  });

  it('changes it by a rule that sees what is there, and passes on what that throws', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    const hook = await made(store, connector);
    const grow = (before: Webhook) => ({ ...before, url: `${before.url}x` });
    await Promise.all([grow, grow, grow].map((rule) => store.changeWebhook(connector, hook.id, rule)));
    same(await store.getWebhook(connector, hook.id), {
      ...hook,
      url: `${hook.url}xxx`,
      generation: hook.generation + 3,
    });
    const refuse = () => {
      throw new RangeError('no');
    };
    await assert.rejects(store.changeWebhook(connector, hook.id, refuse), RangeError);
  });

  it('tells whoever works on webhooks of each change, and of no progress', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    const heard = listen(store);
    const hook = await made(store, connector);
    const changed = await store.changeWebhook(connector, hook.id, (before) => ({ ...before, enabled: false }));
    await store.claim(`webhook ${hook.id}`, 30);
    await store.noteDelivery(changed, startAt(5, NOW), null);
    await store.deleteWebhook(connector, hook.id);
    heard.stop();
    const work = heard.signals.filter(({ kind }) => kind === 'work');
    same(work, Array(3).fill({ kind: 'work', connector }));
  });

  it('notes how far it is together with the try, of which it keeps the last ones', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    const hook = await made(store, connector);
    await store.claim(`webhook ${hook.id}`, 30);
    for (let n = 1; n <= DELIVERIES_KEPT + 5; n += 1) {
      assert.equal(await store.noteDelivery(hook, startAt(n, NOW + n), deliveryOf(n)), true);
    }
    for await (const look of shared.nowAndReopened()) {
      same(await look.getWebhook(connector, hook.id), {
        ...hook,
        ...startAt(DELIVERIES_KEPT + 5, NOW + DELIVERIES_KEPT + 5),
      });
      const kept = await look.listDeliveries(connector, hook.id);
      same(
        kept.map(({ last }) => last),
        Array.from({ length: DELIVERIES_KEPT }, (_, n) => DELIVERIES_KEPT + 5 - n),
      );
      same(kept[0], deliveryOf(DELIVERIES_KEPT + 5));
    }
  });

  it('notes nothing of a webhook that people have changed or deleted meanwhile', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    const hook = await made(store, connector);
    await store.claim(`webhook ${hook.id}`, 30);
    const replayed = await store.changeWebhook(connector, hook.id, (before) => ({ ...before, position: 1 }));
    assert.equal(await store.noteDelivery(hook, startAt(9, NOW), deliveryOf(9)), false);
    same(await store.getWebhook(connector, hook.id), replayed);
    same(await store.listDeliveries(connector, hook.id), []);
    assert.equal(await store.noteDelivery(replayed, startAt(9, NOW), deliveryOf(9)), true);
    await store.deleteWebhook(connector, hook.id);
    assert.equal(await store.noteDelivery(replayed, startAt(10, NOW), deliveryOf(10)), false);
  });

  it('gives a lease again to the node that has it, and after it has closed', async () => {
    await alone(open, async ({ store, reopen }) => {
      assert.equal(await store.claim('a', 3600), true);
      assert.equal(await store.claim('a', 3600), true);
      assert.equal(await store.claim('b', 3600), true);
      assert.equal(await (await reopen()).claim('a', 3600), true);
    });
  });

  it('removes the webhooks of a deleted connector, which nobody is shown any more', async () => {
    await alone(open, async ({ store }) => {
      const connector = await makeConnector(store);
      const hook = await made(store, connector);
      await store.claim(`webhook ${hook.id}`, 30);
      await store.noteDelivery(hook, startAt(1, NOW), deliveryOf(1));
      await store.deleteConnector(connector);
      same(await store.listWebhooks(), []);
      await drain((limit) => store.purge(NOW + DAY, limit));
      same(await store.listWebhooks(), []);
      // An id is free again once all is gone.
      const other = await makeConnector(store);
      await store.createWebhook({ ...hook, connector: other }, 10);
      same(await store.listDeliveries(other, hook.id), []);
    });
  });
}

let count = 0;

export function hookOf(connector: string, over: Partial<Webhook> = {}): Webhook {
  count += 1;
  return {
    ...startAt(0, NOW),
    id: `hook${count}`,
    connector,
    url: 'https://example.com/hook',
    types: ['provisioned'],
    enabled: true,
    secret: 'sealed',
    created: NOW,
    generation: 1,
    ...over,
  };
}

async function made(store: Store, connector: string): Promise<Webhook> {
  const hook = hookOf(connector);
  await store.createWebhook(hook, 10);
  return hook;
}

function deliveryOf(last: number): Delivery {
  const told = { attempt: 1, first: 1, count: 1, status: 503, duration: 12, error: 'it answered 503' };
  return { id: `delivery-${last}`, at: NOW + last, last, ...told };
}
