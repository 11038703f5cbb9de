/** Webhooks: what people set, how far each is, and its last tries. Knows nothing of how they are delivered. */
import type { DatabaseSync } from 'node:sqlite';
import type { NewAudit } from '../../domain/audit.ts';
import { AppError } from '../../domain/errors.ts';
import { DELIVERIES_KEPT, type Delivery, type Webhook, type WebhookProgress } from '../../domain/webhook.ts';
import type { Signal } from '../store.ts';
import type { WriteAudit } from './audit.ts';
import { type Committer, decided } from './committer.ts';
import type { Connectors } from './connectors.ts';

interface Parts {
  readonly db: DatabaseSync;
  readonly committer: Committer;
  readonly audit: WriteAudit;
  readonly connectors: Connectors;
  readonly signal: (signal: Signal) => void;
}

interface Row {
  readonly key: number;
  readonly hook: string;
}

export function createWebhooks({ db, committer, audit, connectors, signal }: Parts) {
  const count = db.prepare('SELECT count(*) AS n FROM webhooks WHERE connector = ?');
  const insert = db.prepare('INSERT INTO webhooks (connector, id, hook) VALUES (?, ?, ?)');
  const one = db.prepare('SELECT key, hook FROM webhooks WHERE connector = ? AND id = ?');
  const ofConnector = db.prepare('SELECT key, hook FROM webhooks WHERE connector = ? ORDER BY key');
  const all = db.prepare(`SELECT w.key, w.hook FROM webhooks w JOIN connectors c ON c.key = w.connector
    WHERE c.id IS NOT NULL ORDER BY w.key`);
  const update = db.prepare('UPDATE webhooks SET hook = ? WHERE key = ?');
  const remove = db.prepare('DELETE FROM webhooks WHERE key = ?');
  const lastNumber = db.prepare('SELECT coalesce(max(number), 0) AS n FROM deliveries WHERE webhook = ?');
  const insertDelivery = db.prepare('INSERT INTO deliveries VALUES (?, ?, ?)');
  const trim = db.prepare('DELETE FROM deliveries WHERE webhook = ? AND number <= ?');
  const deliveries = db.prepare('SELECT delivery FROM deliveries WHERE webhook = ? ORDER BY number DESC');

  const find = (connector: string, id: string) =>
    one.get(connectors.keyOf(connector), id) as unknown as Row | undefined;

  /** WEBHOOK_UNKNOWN */
  function expect(connector: string, id: string): { key: number; hook: Webhook } {
    const row = find(connector, id);
    if (row === undefined) throw new AppError('WEBHOOK_UNKNOWN', { seen: id });
    return { key: row.key, hook: toHook(row) };
  }

  function keep(webhook: number, delivery: Delivery): void {
    const { n } = lastNumber.get(webhook) as { n: number };
    insertDelivery.run(webhook, n + 1, JSON.stringify(delivery));
    trim.run(webhook, n + 1 - DELIVERIES_KEPT);
  }

  /** Tells whoever works on them, once it is on disk. */
  const write = <T>(connector: string, run: () => T): Promise<T> =>
    committer.submit(run, { durable: () => signal({ kind: 'work', connector }) });

  return {
    createWebhook: (hook: Webhook, most: number, entry?: NewAudit): Promise<void> =>
      write(hook.connector, () => {
        const key = connectors.keyOf(hook.connector);
        const { n } = count.get(key) as { n: number };
        if (n >= most) throw new AppError('WEBHOOK_LIMIT', { seen: `${n}`, wanted: `fewer than ${most}` });
        insert.run(key, hook.id, JSON.stringify(hook));
        audit(entry);
      }),
    async listWebhooks(connector?: string): Promise<Webhook[]> {
      const rows = connector === undefined ? all.all() : ofConnector.all(connectors.keyOf(connector));
      return (rows as unknown as Row[]).map(toHook);
    },
    async getWebhook(connector: string, id: string): Promise<Webhook | null> {
      const row = find(connector, id);
      return row === undefined ? null : toHook(row);
    },
    changeWebhook: (
      connector: string,
      id: string,
      decide: (hook: Webhook) => Webhook,
      told?: (before: Webhook, after: Webhook) => NewAudit | null,
    ): Promise<Webhook> =>
      write(connector, () => {
        const { key, hook } = expect(connector, id);
        const changed = { ...decided(() => decide(hook)), generation: hook.generation + 1 };
        update.run(JSON.stringify(changed), key);
        audit(told?.(hook, changed));
        return changed;
      }),
    deleteWebhook: (connector: string, id: string, told?: (before: Webhook) => NewAudit): Promise<boolean> =>
      write(connector, () => {
        const row = find(connector, id);
        if (row === undefined) return false;
        trim.run(row.key, Number.MAX_SAFE_INTEGER);
        remove.run(row.key);
        audit(told?.(toHook(row)));
        return true;
      }),
    noteDelivery: (hook: Webhook, progress: WebhookProgress, delivery: Delivery | null): Promise<boolean> =>
      committer.submit(() => {
        if (connectors.find(hook.connector) === undefined) return false;
        const row = find(hook.connector, hook.id);
        if (row === undefined) return false;
        const now = toHook(row);
        if (now.generation !== hook.generation) return false;
        update.run(JSON.stringify({ ...now, ...progress }), row.key);
        if (delivery !== null) keep(row.key, delivery);
        return true;
      }),
    async listDeliveries(connector: string, id: string): Promise<Delivery[]> {
      const rows = deliveries.all(expect(connector, id).key) as { delivery: string }[];
      return rows.map(({ delivery }) => JSON.parse(delivery) as Delivery);
    },
  };
}

const toHook = ({ hook }: Row) => JSON.parse(hook) as Webhook;
