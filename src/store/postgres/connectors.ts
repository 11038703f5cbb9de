/** Connectors: few, and named with every request, so their keys are remembered; the signals of other nodes correct that. */
import type { NewAudit } from '../../domain/audit.ts';
import type { Connector, ConnectorSettings } from '../../domain/connector.ts';
import { AppError } from '../../domain/errors.ts';
import type { Signal } from '../store.ts';
import { type ConnectorRow, fromRow, type StoredConnector } from '../stored-connector.ts';
import { type Database, sql, statement } from './database.ts';
import { Unmet } from './failures.ts';
import type { Commit } from './ledger.ts';

const columns = 'key, id, created, version, settings';
const one = statement('connector', `SELECT ${columns} FROM connectors WHERE id = $1`);
const keysOf = statement('connector-keys', 'SELECT id FROM keys WHERE connector = $1');
const all = statement('connectors', `SELECT ${columns} FROM connectors WHERE id IS NOT NULL ORDER BY key`);

type Told = (before: ConnectorSettings, after: ConnectorSettings) => NewAudit | null;

export function createConnectors(db: Database, commit: Commit) {
  const keys = new Map<string, number>();
  /** Changes of this node, one after the other: they would only find each other's. */
  let turn: Promise<unknown> = Promise.resolve();

  async function read(id: string): Promise<StoredConnector | null> {
    const row = (await db.read<ConnectorRow>(one, [id]))[0];
    if (row === undefined) {
      keys.delete(id);
      return null;
    }
    keys.set(id, row.key);
    return fromRow(row);
  }

  async function listStored(): Promise<StoredConnector[]> {
    const stored = (await db.read<ConnectorRow>(all)).map(fromRow);
    for (const { key, connector } of stored) keys.set(connector.id, key);
    return stored;
  }

  const changed = (connector: string): Signal[] => [{ kind: 'connector', connector }];

  async function change(
    id: string,
    decide: (settings: ConnectorSettings, version: number) => ConnectorSettings,
    told?: Told,
  ): Promise<Connector> {
    for (;;) {
      const stored = await read(id);
      if (stored === null) throw new AppError('CONNECTOR_UNKNOWN', { seen: id });
      const { key, connector } = stored;
      const settings = decide(connector.settings, connector.version);
      const version = connector.version + 1;
      try {
        await commit(
          [
            sql`SELECT demand(EXISTS (SELECT 1 FROM connectors
              WHERE key = ${key} AND id IS NOT NULL AND version = ${connector.version} FOR UPDATE), 'stale')`,
            sql`UPDATE connectors SET version = ${version}, settings = ${JSON.stringify(settings)} WHERE key = ${key}`,
          ],
          changed(id),
          [],
          [told?.(connector.settings, settings)],
        );
        return { ...connector, version, settings };
      } catch (error) {
        // Somebody else was quicker: decide on what they made of it.
        if (!(error instanceof Unmet)) throw error;
      }
    }
  }

  return {
    /** As far as it is known here: it may be gone since. */
    find: (id: string): number | undefined => keys.get(id),
    /** CONNECTOR_UNKNOWN. */
    async keyOf(id: string): Promise<number> {
      const key = keys.get(id) ?? (await read(id))?.key;
      if (key === undefined) throw new AppError('CONNECTOR_UNKNOWN', { seen: id });
      return key;
    },
    /** Ask anew. */
    forget: (id: string): void => void keys.delete(id),
    known: (): string[] => [...keys.keys()],
    listStored,
    list: async (): Promise<Connector[]> => (await listStored()).map(({ connector }) => connector),
    get: async (id: string): Promise<Connector | null> => (await read(id))?.connector ?? null,

    async create({ id, created, version, settings }: Connector, audit?: NewAudit): Promise<void> {
      const insert = sql`INSERT INTO connectors (id, created, version, settings)
        VALUES (${id}, ${created}, ${version}, ${JSON.stringify(settings)})`;
      await commit([insert], changed(id), [], [audit]).catch((error) => {
        throw error instanceof Unmet ? new AppError('STATE_CONFLICT', { seen: `a connector ${id}` }) : error;
      });
    },

    change(
      id: string,
      decide: (settings: ConnectorSettings, version: number) => ConnectorSettings,
      told?: Told,
    ): Promise<Connector> {
      const done = turn.then(() => change(id, decide, told));
      turn = done.catch(() => {});
      return done;
    },

    async delete(id: string, audit?: NewAudit): Promise<boolean> {
      const stored = await read(id);
      if (stored === null) return false;
      keys.delete(id);
      const ended = (await db.read<{ id: string }>(keysOf, [id])).map(
        ({ id }): Signal => ({ kind: 'account', account: id }),
      );
      try {
        await commit(
          [
            sql`SELECT demand(EXISTS (SELECT 1 FROM connectors WHERE key = ${stored.key} AND id IS NOT NULL FOR UPDATE), 'gone')`,
            sql`UPDATE connectors SET id = NULL WHERE key = ${stored.key}`,
            // Whoever is changing an account decides anew (people.ts).
            "UPDATE meta SET value = value + 1 WHERE name = 'people'",
            // An account that saw it alone is left with an empty list, which sees nothing; null would see everything.
            sql`UPDATE users SET connectors = (SELECT coalesce(json_agg(value ORDER BY at), '[]')::text
                FROM json_array_elements_text(connectors::json) WITH ORDINALITY AS listed (value, at) WHERE value <> ${id})
              WHERE connectors IS NOT NULL
                AND EXISTS (SELECT 1 FROM json_array_elements_text(connectors::json) AS listed (value) WHERE value = ${id})`,
            sql`DELETE FROM keys WHERE connector = ${id}`,
          ],
          [...changed(id), ...ended],
          [],
          [audit],
        );
        return true;
      } catch (error) {
        if (error instanceof Unmet) return false;
        throw error;
      }
    },
  };
}

export type Connectors = ReturnType<typeof createConnectors>;
