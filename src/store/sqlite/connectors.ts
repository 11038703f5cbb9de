/** Connectors: few, read with every request, so all of them are held in memory and followed by each commit. */
import type { DatabaseSync } from 'node:sqlite';
import type { NewAudit } from '../../domain/audit.ts';
import type { Connector, ConnectorSettings } from '../../domain/connector.ts';
import { AppError } from '../../domain/errors.ts';
import type { Signal } from '../store.ts';
import { type ConnectorRow, fromRow, type StoredConnector } from '../stored-connector.ts';
import type { WriteAudit } from './audit.ts';
import { type Committer, decided } from './committer.ts';

export function createConnectors(
  db: DatabaseSync,
  committer: Committer,
  audit: WriteAudit,
  signal: (signal: Signal) => void,
) {
  const insert = db.prepare(
    'INSERT INTO connectors (id, created, version, settings) VALUES (?, ?, ?, ?) RETURNING key',
  );
  const update = db.prepare('UPDATE connectors SET version = ?, settings = ? WHERE id = ?');
  const select = db.prepare('SELECT key, id, created, version, settings FROM connectors WHERE id = ?');
  const release = db.prepare('UPDATE connectors SET id = NULL WHERE id = ?');
  // An account that saw it alone is left with an empty list, which sees nothing; null would see everything.
  const unlist = db.prepare(`UPDATE users SET connectors =
    (SELECT json_group_array(value) FROM (SELECT value FROM json_each(users.connectors) WHERE value <> ?1 ORDER BY key))
    WHERE connectors IS NOT NULL AND EXISTS (SELECT 1 FROM json_each(users.connectors) WHERE value = ?1)`);
  const dropKeys = db.prepare('DELETE FROM keys WHERE connector = ? RETURNING id');
  const known = new Map<string, StoredConnector>();
  const all = db
    .prepare('SELECT key, id, created, version, settings FROM connectors WHERE id IS NOT NULL ORDER BY key')
    .all();
  for (const row of all as unknown as ConnectorRow[]) known.set(row.id, fromRow(row));

  const names = new Map([...known].map(([id, { key }]) => [key, id]));
  const changed = (connector: string) => signal({ kind: 'connector', connector });

  /** The connector as the transaction under way sees it. CONNECTOR_UNKNOWN. */
  function read(id: string): StoredConnector {
    const row = select.get(id) as unknown as ConnectorRow | undefined;
    if (row === undefined) throw new AppError('CONNECTOR_UNKNOWN', { seen: id });
    return fromRow(row);
  }

  function remember(stored: StoredConnector): void {
    known.set(stored.connector.id, stored);
    names.set(stored.key, stored.connector.id);
  }

  function forget(id: string): void {
    names.delete(known.get(id)?.key ?? 0);
    known.delete(id);
  }

  return {
    find: (id: string): StoredConnector | undefined => known.get(id),
    /** CONNECTOR_UNKNOWN. */
    keyOf(id: string): number {
      const found = known.get(id);
      if (found === undefined) throw new AppError('CONNECTOR_UNKNOWN', { seen: id });
      return found.key;
    },
    nameOf: (key: number): string | undefined => names.get(key),

    create: (connector: Connector, entry?: NewAudit): Promise<void> =>
      committer
        .submit(
          () => {
            const { id, created, version, settings } = connector;
            if (select.get(id) !== undefined) throw new AppError('STATE_CONFLICT', { seen: `a connector ${id}` });
            const { key } = insert.get(id, created, version, JSON.stringify(settings)) as { key: number };
            audit(entry);
            return { key, connector };
          },
          { committed: remember, durable: () => changed(connector.id) },
        )
        .then(() => {}),

    list: async (): Promise<Connector[]> => [...known.values()].map(({ connector }) => connector),

    change: (
      id: string,
      decide: (settings: ConnectorSettings, version: number) => ConnectorSettings,
      told?: (before: ConnectorSettings, after: ConnectorSettings) => NewAudit | null,
    ): Promise<Connector> =>
      committer
        .submit(
          () => {
            const { key, connector } = read(id);
            const settings = decided(() => decide(connector.settings, connector.version));
            const version = connector.version + 1;
            update.run(version, JSON.stringify(settings), id);
            audit(told?.(connector.settings, settings));
            return { key, connector: { ...connector, version, settings } };
          },
          { committed: (stored) => known.set(id, stored), durable: () => changed(id) },
        )
        .then(({ connector }) => connector),

    delete: (id: string, entry?: NewAudit): Promise<boolean> =>
      committer
        .submit(
          () => {
            if (release.run(id).changes === 0) return null;
            unlist.run(id);
            const keys = dropKeys.all(id) as { id: string }[];
            audit(entry);
            return keys;
          },
          {
            committed: (keys) => keys !== null && forget(id),
            durable(keys) {
              if (keys === null) return;
              changed(id);
              for (const { id } of keys) signal({ kind: 'account', account: id });
            },
          },
        )
        .then((keys) => keys !== null),
  };
}

export type Connectors = ReturnType<typeof createConnectors>;
