/** Handlers of connectors: list, create, rename, delete. Their devices and settings are elsewhere. */
import { randomInt } from 'node:crypto';
import { type Connector, type ConnectorSettings, defaultSettings } from '../domain/connector.ts';
import { AppError } from '../domain/errors.ts';
import { sees } from '../domain/people.ts';
import { mergeSettings, type SettingsPatch } from '../domain/settings.ts';
import type { Store } from '../store/store.ts';
import { type ApiDeps, handle } from './context.ts';
import { findConnector } from './lookup.ts';
import { connectorParams, empty, ref } from './schema/common.ts';
import { connectorPatch, deleteQuery, newConnector } from './schema/connector.ts';
import { expectGoodSettings } from './settings.ts';
import { entry, settingsEntry, targets } from './trail.ts';

const CONNECTOR_ID_LENGTH = 16;

/** Those that the caller sees. */
export const listConnectors = handle(
  { response: { 200: { type: 'array', items: ref('Connector') } } },
  async ({ deps, caller }) => {
    const seen = (await deps.store.listConnectors()).filter(({ id }) => sees(caller!.connectors, id));
    return seen.map((connector) => view(deps, connector));
  },
);

export const createConnector = handle({ body: newConnector, response: { 201: ref('Connector') } }, async (call) => {
  const { deps, body, now } = call;
  const settings = defaultSettings(body.name, body.description);
  expectGoodSettings(settings);
  const connector: Connector = { id: makeConnectorId(), created: now, version: 1, settings };
  const told = entry(call, targets.connector(connector.id), null, { name: body.name, description: body.description });
  await deps.store.createConnector(connector, told);
  return view(deps, connector);
});

export const getConnector = handle({ params: connectorParams, response: { 200: ref('Connector') } }, async (call) =>
  view(call.deps, await findConnector(call.deps.store, call.params.connector)),
);

export const changeConnector = handle(
  { params: connectorParams, body: connectorPatch, response: { 200: ref('Connector') } },
  async (call) => {
    const { connector } = call.params;
    const decide = (settings: ConnectorSettings) => {
      const merged = mergeSettings(settings, call.body as SettingsPatch);
      expectGoodSettings(merged);
      return merged;
    };
    const changed = await call.deps.store.changeConnector(connector, decide, settingsEntry(call, connector));
    return view(call.deps, changed);
  },
);

/** CONFIRM_MISSING unless `?confirm=` is the connector's name. */
export const deleteConnector = handle(
  { params: connectorParams, querystring: deleteQuery, response: { 204: empty } },
  async (call) => {
    const { store } = call.deps;
    const { id, settings } = await findConnector(store, call.params.connector);
    if (call.query.confirm !== settings.name) {
      throw new AppError('CONFIRM_MISSING', { seen: call.query.confirm ?? 'nothing', wanted: settings.name });
    }
    const told = entry(call, targets.connector(id), { name: settings.name, ...(await limitedTo(store, id)) }, null);
    if (!(await store.deleteConnector(id, told))) throw new AppError('CONNECTOR_UNKNOWN', { seen: id });
  },
);

/** Who loses it with the connector: accounts a place in their list, keys that saw it alone themselves. */
async function limitedTo(store: Store, id: string) {
  const accounts = (await store.listUsers()).filter(({ connectors }) => connectors?.includes(id));
  const keys = (await store.listKeys()).filter(({ connector }) => connector === id);
  return {
    ...(accounts.length > 0 && { accounts: accounts.map(({ email }) => email) }),
    ...(keys.length > 0 && { keys: keys.map(({ name }) => name) }),
  };
}

function view(deps: ApiDeps, { id, created, settings }: Connector) {
  const url = deps.deviceUrl(id);
  return { id, name: settings.name, description: settings.description, fqdn: new URL(url).hostname, url, created };
}

/** 16 of `a-z0-9`, first a letter: a host name label (management-api.md, Connectors). 82 bits, never handed out twice. */
export function makeConnectorId(): string {
  const characters = 'abcdefghijklmnopqrstuvwxyz0123456789';
  const rest = Array.from({ length: CONNECTOR_ID_LENGTH - 1 }, () => characters[randomInt(36)]);
  return characters[randomInt(26)] + rest.join('');
}
