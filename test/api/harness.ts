/**
 * The management API on a free port over a real store, and calls to it by HTTP. Every answer is held against the schema
 * that the route table promises: a field that is missing, ill-typed or not documented fails the test.
 */
import assert from 'node:assert/strict';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Compile } from 'typebox/compile';
import { createApi } from '../../src/api/app.ts';
import type { Role } from '../../src/api/context.ts';
import { ensureAdmin } from '../../src/api/first-account.ts';
import { routes } from '../../src/api/routes.ts';
import { batch } from '../../src/api/schema/batch.ts';
import { job } from '../../src/api/schema/bulk.ts';
import { errorAnswer } from '../../src/api/schema/common.ts';
import { connector, settings } from '../../src/api/schema/connector.ts';
import { content } from '../../src/api/schema/content.ts';
import { event } from '../../src/api/schema/data.ts';
import { identity } from '../../src/api/schema/device.ts';
import { user } from '../../src/api/schema/people.ts';
import { webhook } from '../../src/api/schema/webhook.ts';
import { createSeal, SEAL_BYTES } from '../../src/api/seal.ts';
import { SESSION_LENGTH } from '../../src/api/session.ts';
import { loadConfig } from '../../src/config.ts';
import type { AuditEntry } from '../../src/domain/audit.ts';
import { errors } from '../../src/domain/errors.ts';
import { startJobs } from '../../src/events/jobs.ts';
import { createLogger } from '../../src/log.ts';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';
import type { ApiKey, Store, User } from '../../src/store/store.ts';

export const PASSWORD = 'correct-horse-battery';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: the tests assert each field that they read
  readonly body: any;
}

export interface CallOptions {
  /** Whose token is sent; `admin` unless given. */
  readonly as?: Role | 'nobody';
  readonly token?: string;
  readonly headers?: Record<string, string>;
}

export interface TestApi {
  readonly url: string;
  readonly store: Store;
  /** Where the store keeps its files. */
  readonly folder: string;
  readonly tokens: Readonly<Record<Role, string>>;
  /** What the API wrote to its own log. */
  readonly logged: () => string;
  call(method: string, path: string, body?: unknown, options?: CallOptions): Promise<Answer>;
  /** Makes a connector and gives the path of its device2 calls. */
  connector(settings?: object): Promise<TestConnector>;
  close(): Promise<void>;
}

export interface TestConnector {
  readonly id: string;
  readonly name: string;
  /** `/api:1/service/<id>/device2` */
  readonly base: string;
}

/** Starts the API. `clock` in µs, the system's unless given. */
export async function startApi(
  options: { clock?: () => number; heartbeat?: number; env?: Record<string, string> } = {},
): Promise<TestApi> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-api-'));
  const store = await openSqliteStore({ folder });
  const config = loadConfig({ SLIPWAY_DATA: folder, SLIPWAY_ADMIN_PASSWORD: PASSWORD, ...options.env }, []);
  const clock = options.clock ?? (() => Date.now() * 1000);
  let logged = '';
  const out = { write: (text: string) => (logged += text) } as unknown as NodeJS.WritableStream;
  const seal = createSeal(randomBytes(SEAL_BYTES));
  const logger = createLogger('debug', out);
  const deps = { store, config, clock, logger, version: '1.2.3', deviceUrl, mqttPort: 8883, caPath: null, seal };
  await ensureAdmin(store, config);
  const tokens = await addUsers(store, clock());
  const app = createApi(deps, { heartbeat: options.heartbeat, grace: 500 });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  let made = 0;

  const api: TestApi = {
    url,
    store,
    folder,
    tokens,
    logged: () => logged,
    async call(method, path, body, { as = 'admin', token, headers = {} } = {}) {
      const json = body !== undefined && typeof body !== 'string' && !(body instanceof FormData);
      const authorization = token ?? (as === 'nobody' ? undefined : tokens[as]);
      const response = await fetch(url + path, {
        method,
        redirect: 'manual',
        headers: {
          ...(json ? { 'content-type': 'application/json' } : {}),
          ...(authorization === undefined ? {} : { authorization: `token ${authorization}` }),
          ...headers,
        },
        body: json ? JSON.stringify(body) : (body as string | FormData | undefined),
      });
      const text = await response.text();
      const isJson = response.headers.get('content-type')?.startsWith('application/json') === true && text !== '';
      const answer = {
        status: response.status,
        headers: response.headers,
        text,
        body: isJson ? JSON.parse(text) : null,
      };
      holdToSchema(method, path, answer);
      return answer;
    },
    async connector(patch) {
      const name = `Test ${++made}`;
      const { body } = await api.call('POST', '/api:1/connectors', { name });
      const base = `/api:1/service/${body.id}/device2`;
      if (patch !== undefined) {
        const answer = await api.call('PATCH', base, patch);
        assert.equal(answer.status, 200, answer.text);
      }
      return { id: body.id, name, base };
    },
    async close() {
      await app.close();
      await store.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return api;
}

export const deviceUrl = (id: string) => `https://${id}.m2.localhost:8443`;

/** A viewer and an operator beside the admin, with the same password, and a session of each. */
async function addUsers(store: Store, now: number): Promise<Record<Role, string>> {
  const admin = (await store.getUser('admin@localhost'))!;
  const add = async (role: Role) => openSession(store, await putUser(store, `${role}@localhost`, { role }), now);
  return { admin: await openSession(store, admin, now), operator: await add('operator'), viewer: await add('viewer') };
}

/** Makes an account beside the first one, with the same password. */
export async function putUser(store: Store, email: string, change: Partial<User> = {}): Promise<User> {
  const admin = (await store.getUser('admin@localhost'))!;
  const user = { ...admin, id: `id-${email}`, email, ...change };
  await store.putUser(user);
  return user;
}

/** A token of a new session, in which the password has been shown at `proven`. */
export async function openSession(store: Store, user: User, now: number, proven = now): Promise<string> {
  const token = randomBytes(32).toString('base64url');
  const digest = createHash('sha256').update(token).digest('hex');
  const expires = now + SESSION_LENGTH;
  const session = { digest, user: user.id, created: now, expires, ip: null, agent: 'test', proven, used: now };
  assert.ok(await store.putSession(session, user));
  return token;
}

/** The secret of a new key. */
export async function putKey(store: Store, change: Partial<ApiKey> = {}): Promise<string> {
  const secret = `slipway_${randomBytes(32).toString('base64url')}`;
  const digest = createHash('sha256').update(secret).digest('hex');
  const [created, creator] = [Date.now() * 1000, 'admin@localhost'];
  const plain = { name: `test ${randomUUID()}`, role: 'admin', connector: null, expires: null, used: null } as const;
  await store.putKey({ id: randomUUID(), digest, created, creator, ...plain, ...change });
  return secret;
}

/** The audit log, newest first; `search`: only entries with that in them. */
export async function auditLog(api: TestApi, search?: string): Promise<AuditEntry[]> {
  const query = search === undefined ? '' : `&search=${encodeURIComponent(search)}`;
  const { body, text } = await api.call('GET', `/api:1/audit?limit=1000${query}`);
  assert.ok(Array.isArray(body?.entries), text);
  return body.entries;
}

/** What the work added to the audit log, oldest first. */
export async function auditDuring(api: TestApi, work: () => Promise<unknown>): Promise<AuditEntry[]> {
  const last = (await auditLog(api))[0]?.seq ?? 0;
  await work();
  return (await auditLog(api)).filter(({ seq }) => seq > last).reverse();
}

/** Lets jobs over many devices go on while the work is under way. */
export async function withJobs<T>(api: TestApi, work: () => Promise<T>): Promise<T> {
  const stop = startJobs(api.store, () => Date.now() * 1000, createLogger('error', process.stderr));
  try {
    return await work();
  } finally {
    await stop();
  }
}

/** Path of a device, percent-encoded. */
export const at = (identity: string) => `/identity/${encodeURIComponent(identity)}`;

/** The types and identities of a connector's events after `seq`, oldest first. */
export async function eventsSince(api: TestApi, connector: TestConnector, seq: number): Promise<string[]> {
  const { events } = await api.store.readEvents(connector.id, { after: seq, limit: 100, order: 'oldest' });
  return events.map(({ type, identity }) => `${type} ${identity}`);
}

// biome-ignore lint/suspicious/noExplicitAny: JSON Schema
type Schema = any;
const shared = new Map<string, Schema>(
  [errorAnswer, connector, settings, identity, event, batch, content, webhook, job, user].map((schema) => [
    `${(schema as Schema).$id}#`,
    schema,
  ]),
);

/** References resolved, and every object closed: what is not documented must not be there. */
function strict(schema: Schema): Schema {
  if (Array.isArray(schema)) return schema.map(strict);
  if (typeof schema !== 'object' || schema === null) return schema;
  if (typeof schema.$ref === 'string') return strict(shared.get(schema.$ref));
  const { $id: _, properties, ...rest } = schema;
  const out = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, strict(value)]));
  if (properties === undefined) return out;
  const closed = Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, strict(value)]));
  return { additionalProperties: false, ...out, properties: closed };
}

const patterns = routes.map((route) => ({
  route,
  pattern: new RegExp(`^${route.path.replace(/\{\w+\}/g, '[^/]+')}/?$`),
}));
const checks = new Map<string, ReturnType<typeof Compile>>();

function holdToSchema(method: string, path: string, answer: Answer): void {
  assert.equal(answer.headers.get('x-content-type-options'), 'nosniff', `${method} ${path}`);
  if (answer.status >= 400) {
    assert.ok(answer.body !== null, `${method} ${path}: ${answer.status} without a JSON body: ${answer.text}`);
    const row = errors[answer.body.code as keyof typeof errors];
    assert.equal(row?.status, answer.status, `${method} ${path}: ${answer.text}`);
    holdTo(`${method} ${path}`, 'Error', errorAnswer, answer.body);
    return;
  }
  const bare = path.split('?')[0]!;
  const route = patterns.find(({ route, pattern }) => route.method === method && pattern.test(bare))?.route;
  if (route === undefined) return;
  const schema = route.schema.response[String(answer.status)] as Schema;
  assert.ok(schema !== undefined, `${method} ${path} answered ${answer.status}, which is not documented`);
  if (schema.type === 'null') assert.equal(answer.text, '', `${method} ${path} answered a body to a 204`);
  else if (schema.content === undefined && answer.body !== null) {
    holdTo(`${method} ${path}`, `${route.id} ${answer.status}`, schema, answer.body);
  }
}

function holdTo(call: string, key: string, schema: Schema, body: unknown): void {
  const check = checks.get(key) ?? Compile(strict(schema));
  checks.set(key, check);
  if (!check.Check(body)) {
    assert.fail(
      `${call} answered what the document does not tell: ${JSON.stringify(check.Errors(body)).slice(0, 800)}`,
    );
  }
}
