/** Webhooks: what people set, how far each is, and its last tries. Knows nothing of how they are delivered. */
import type { NewAudit } from '../../domain/audit.ts';
import { AppError } from '../../domain/errors.ts';
import { DELIVERIES_KEPT, type Delivery, type Webhook, type WebhookProgress } from '../../domain/webhook.ts';
import type { Signal } from '../store.ts';
import type { Connectors } from './connectors.ts';
import { type Database, sql, statement } from './database.ts';
import { Unmet } from './failures.ts';
import type { Commit } from './ledger.ts';

interface Parts {
  readonly db: Database;
  readonly node: string;
  readonly connectors: Connectors;
  readonly commit: Commit;
}

interface Row {
  readonly key: number;
  readonly version: number;
  readonly hook: string;
}

const columns = 'w.key, w.version, w.hook FROM webhooks w';
const one = statement('webhook', `SELECT ${columns} WHERE w.connector = $1 AND w.id = $2`);
const ofConnector = statement('webhooks', `SELECT ${columns} WHERE w.connector = $1 ORDER BY w.key`);
const all = statement(
  'webhooks-all',
  `SELECT ${columns} JOIN connectors c ON c.key = w.connector WHERE c.id IS NOT NULL ORDER BY w.key`,
);
const deliveries = statement(
  'deliveries',
  'SELECT delivery FROM deliveries WHERE webhook = $1 ORDER BY number DESC LIMIT $2',
);
const note = statement('webhook-note', 'SELECT note_delivery($1, $2, $3, $4, $5, $6) AS noted');

export function createWebhooks({ db, node, connectors, commit }: Parts) {
  async function find(connector: string, id: string): Promise<Row | undefined> {
    return (await db.read<Row>(one, [await connectors.keyOf(connector), id]))[0];
  }

  /** WEBHOOK_UNKNOWN */
  async function expect(connector: string, id: string): Promise<Row> {
    const row = await find(connector, id);
    if (row === undefined) throw new AppError('WEBHOOK_UNKNOWN', { seen: id });
    return row;
  }

  const work = (connector: string): Signal[] => [{ kind: 'work', connector }];

  return {
    async createWebhook(hook: Webhook, most: number, audit?: NewAudit): Promise<void> {
      const connector = await connectors.keyOf(hook.connector);
      const alive = sql`SELECT demand(EXISTS (SELECT 1 FROM connectors WHERE key = ${connector} AND id IS NOT NULL FOR UPDATE), 'gone')`;
      const room = sql`SELECT demand((SELECT count(*) FROM webhooks WHERE connector = ${connector}) < ${most}, 'full')`;
      const insert = sql`INSERT INTO webhooks (connector, id, generation, hook)
        VALUES (${connector}, ${hook.id}, ${hook.generation}, ${JSON.stringify(hook)})`;
      await commit([alive, room, insert], work(hook.connector), [], [audit]).catch((error) => {
        if (!(error instanceof Unmet)) throw error;
        if (error.message === 'gone') throw new AppError('CONNECTOR_UNKNOWN', { seen: hook.connector });
        throw new AppError('WEBHOOK_LIMIT', { seen: `${most}`, wanted: `fewer than ${most}` });
      });
    },
    async listWebhooks(connector?: string): Promise<Webhook[]> {
      const rows =
        connector === undefined
          ? await db.read<Row>(all)
          : await db.read<Row>(ofConnector, [await connectors.keyOf(connector)]);
      return rows.map(toHook);
    },
    async getWebhook(connector: string, id: string): Promise<Webhook | null> {
      const row = await find(connector, id);
      return row === undefined ? null : toHook(row);
    },
    async changeWebhook(
      connector: string,
      id: string,
      decide: (hook: Webhook) => Webhook,
      told?: (before: Webhook, after: Webhook) => NewAudit | null,
    ): Promise<Webhook> {
      for (;;) {
        const row = await expect(connector, id);
        const hook = toHook(row);
        const changed = { ...decide(hook), generation: hook.generation + 1 };
        try {
          await commit(
            [
              sql`SELECT demand(EXISTS (SELECT 1 FROM webhooks WHERE key = ${row.key} AND version = ${row.version} FOR UPDATE), 'stale')`,
              sql`UPDATE webhooks SET hook = ${JSON.stringify(changed)}, generation = ${changed.generation}, version = version + 1
                WHERE key = ${row.key}`,
            ],
            work(connector),
            [],
            [told?.(hook, changed)],
          );
          return changed;
        } catch (error) {
          // A delivery was noted meanwhile, or somebody else was quicker.
          if (!(error instanceof Unmet)) throw error;
        }
      }
    },
    async deleteWebhook(connector: string, id: string, told?: (before: Webhook) => NewAudit): Promise<boolean> {
      for (;;) {
        const row = await find(connector, id);
        if (row === undefined) return false;
        const hook = toHook(row);
        try {
          await commit(
            [
              sql`SELECT demand(EXISTS (SELECT 1 FROM webhooks WHERE key = ${row.key} AND generation = ${hook.generation} FOR UPDATE), 'stale')`,
              sql`DELETE FROM webhooks WHERE key = ${row.key}`,
              sql`DELETE FROM deliveries WHERE webhook = ${row.key}`,
              sql`DELETE FROM leases WHERE name = ${`webhook ${id}`}`,
            ],
            work(connector),
            [],
            [told?.(hook)],
          );
          return true;
        } catch (error) {
          // Somebody else was quicker: tell of what they made of it.
          if (!(error instanceof Unmet)) throw error;
        }
      }
    },
    async noteDelivery(hook: Webhook, progress: WebhookProgress, delivery: Delivery | null): Promise<boolean> {
      const text = JSON.stringify({ ...hook, ...progress });
      const told = delivery === null ? null : JSON.stringify(delivery);
      const values = [hook.id, hook.generation, node, text, told, DELIVERIES_KEPT];
      return (await db.read<{ noted: boolean }>(note, values))[0]!.noted;
    },
    async listDeliveries(connector: string, id: string): Promise<Delivery[]> {
      const { key } = await expect(connector, id);
      const rows = await db.read<{ delivery: string }>(deliveries, [key, DELIVERIES_KEPT]);
      return rows.map(({ delivery }) => JSON.parse(delivery) as Delivery);
    },
  };
}

const toHook = ({ hook }: Row) => JSON.parse(hook) as Webhook;
