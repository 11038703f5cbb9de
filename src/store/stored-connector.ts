/** A connector as a row, the same for all engines. Pure. */
import type { Connector, ConnectorSettings } from '../domain/connector.ts';

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

export function fromRow({ key, id, created, version, settings }: ConnectorRow): StoredConnector {
  return { key, connector: { id, created, version, settings: JSON.parse(settings) as ConnectorSettings } };
}
