/** A connector as a row, the same for all engines. Pure. */
import { type Connector, type ConnectorSettings, defaultSettings } from '../domain/connector.ts';

export interface StoredConnector {
  readonly key: number;
  readonly connector: Connector;
}

export interface ConnectorRow {
  readonly key: number;
  readonly id: string;
  readonly created: number;
  readonly version: number;
  readonly settings: string;
}

type Older = Omit<ConnectorSettings, 'content'> & { readonly content?: Partial<ConnectorSettings['content']> };

/** What a gateway of the version before does not write where it makes a connector after the migration. */
const { content } = defaultSettings('');

export function fromRow({ key, id, created, version, settings }: ConnectorRow): StoredConnector {
  const stored = JSON.parse(settings) as Older;
  return {
    key,
    connector: { id, created, version, settings: { ...stored, content: { ...content, ...stored.content } } },
  };
}
