/** A connector for one test, and the few management calls that set its scene and look at what came of it. */
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { type DeviceRequest, send } from './device.ts';
import type { RawResponse } from './response.ts';
import type { ApiAnswer, TestServer } from './server.ts';

export interface Event {
  readonly seq: number;
  readonly type: string;
  readonly identity: string;
  readonly ip: string | null;
  readonly timestamp: number;
  // biome-ignore lint/suspicious/noExplicitAny: the tests assert each field that they read
  readonly payload: any;
}

export interface TestConnector {
  readonly id: string;
  readonly name: string;
  readonly server: TestServer;
  /** `<id>.m2.localhost` */
  readonly fqdn: string;
  /** Changes settings; asserts 200. */
  set(settings: object): Promise<void>;
  /** Whitelists; asserts 201. */
  whitelist(identity: string, body?: object): Promise<void>;
  /** Activates a whitelisted identity by token; asserts 200 and gives the token. */
  activate(identity: string): Promise<string>;
  /** Whitelists and activates. */
  provision(identity: string): Promise<string>;
  /** A device call. */
  send(path: string, request?: DeviceRequest): Promise<RawResponse>;
  /** A write; gives the status. */
  write(body: string, request: DeviceRequest): Promise<number>;
  /** A management call under the connector's device2 path. */
  api(method: string, path: string, body?: unknown): Promise<ApiAnswer>;
  /** Changes a device; asserts 200. */
  change(identity: string, body: object): Promise<void>;
  // biome-ignore lint/suspicious/noExplicitAny: the tests assert each field that they read
  device(identity: string): Promise<any>;
  // biome-ignore lint/suspicious/noExplicitAny: the tests assert each field that they read
  state(identity: string): Promise<any>;
  history(identity: string, alias: string): Promise<{ timestamp: number; value: string }[]>;
  /** Oldest first. */
  events(types?: string): Promise<Event[]>;
}

/** A resource definition, whole. */
export function resource(given: object = {}): object {
  return { format: 'string', unit: '', settable: true, allowed: [], initial: null, sync: true, ...given };
}

let made = 0;

/** Makes a connector and applies the settings to it. */
export async function newConnector(server: TestServer, settings: object = {}): Promise<TestConnector> {
  const name = `test ${process.pid} ${++made}`;
  const created = await server.api('POST', '/api:1/connectors', { name });
  assert.equal(created.status, 201, created.text);
  const connector = connectorOf(server, created.body.id, name);
  if (Object.keys(settings).length > 0) await connector.set(settings);
  return connector;
}

/** The same connector, through another server of the installation. */
export function through(server: TestServer, { id, name }: TestConnector): TestConnector {
  return connectorOf(server, id, name);
}

function connectorOf(server: TestServer, id: string, name: string): TestConnector {
  const base = `/api:1/service/${id}/device2`;
  const api: TestConnector['api'] = (method, path, body) => server.api(method, `${base}${path}`, body);
  const at = (identity: string) => `/identity/${encodeURIComponent(identity)}`;
  const expect = async (status: number, method: string, path: string, body?: unknown) => {
    const answer = await api(method, path, body);
    assert.equal(answer.status, status, `${method} ${path}: ${answer.status} ${answer.text}`);
    return answer.body;
  };
  const connector: TestConnector = {
    id,
    name,
    server,
    fqdn: `${id}.m2.localhost`,
    api,
    set: (settings) => expect(200, 'PATCH', '', settings),
    whitelist: (identity, body = {}) => expect(201, 'PUT', at(identity), body),
    activate: async (identity) => {
      const answer = await send(server, id, '/provision/activate', { body: `id=${encodeURIComponent(identity)}` });
      assert.equal(answer.status, 200, answer.body);
      return answer.body;
    },
    provision: async (identity) => {
      await connector.whitelist(identity);
      return connector.activate(identity);
    },
    send: (path, request) => send(server, id, path, request),
    write: async (body, request) => (await send(server, id, '/api:v1/stack/alias', { ...request, body })).status,
    change: (identity, body) => expect(200, 'PATCH', at(identity), body),
    device: (identity) => expect(200, 'GET', at(identity)),
    state: (identity) => expect(200, 'GET', `${at(identity)}/state`),
    history: async (identity, alias) =>
      (await expect(200, 'GET', `${at(identity)}/history?alias=${encodeURIComponent(alias)}&limit=1000`)).points,
    events: async (types) => {
      const filter = types === undefined ? '' : `&types=${types}`;
      return (await expect(200, 'GET', `/events?limit=100${filter}`)).events.reverse();
    },
  };
  return connector;
}

/** Asks again until the answer is true; fails after `within` ms. For things that the spec lets happen a moment later. */
export async function eventually(what: string, ask: () => Promise<boolean>, within = 15_000): Promise<void> {
  const deadline = Date.now() + within;
  while (!(await ask())) {
    assert.ok(Date.now() < deadline, `did not happen: ${what}`);
    await delay(50);
  }
}
