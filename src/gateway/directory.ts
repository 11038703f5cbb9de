/** Every connector and its settings, at hand without waiting; followed by the store's signals. */
import type { Connector, ConnectorSettings } from '../domain/connector.ts';
import type { Logger } from '../log.ts';
import type { Store } from '../store/store.ts';

export interface Directory {
  get(id: string): Connector | undefined;
  /** By id, or by name where exactly one connector has it (older firmware names its `vendor` and `model`). */
  find(name: string): Connector | undefined;
  close(): void;
}

export async function openDirectory(store: Store, logger: Logger): Promise<Directory> {
  const known = new Map<string, Connector>();
  const refresh = async (id: string) => {
    const connector = await store.getConnector(id);
    if (connector === null) known.delete(id);
    else known.set(id, connector);
  };
  const close = store.onSignal((signal) => {
    if (signal.kind !== 'connector') return;
    refresh(signal.connector).catch((error) =>
      logger.error('a connector could not be read', { id: signal.connector, error }),
    );
  });
  for (const connector of await store.listConnectors()) known.set(connector.id, connector);
  return {
    get: (id) => known.get(id),
    find(name) {
      const byId = known.get(name);
      if (byId !== undefined) return byId;
      const named = [...known.values()].filter(({ settings }) => settings.name === name);
      return named.length === 1 ? named[0] : undefined;
    },
    close,
  };
}

/** Its settings as they are now: a request that has waited may hold older ones. */
export function settingsOf(directory: Directory, connector: Connector): ConnectorSettings {
  return (directory.get(connector.id) ?? connector).settings;
}
