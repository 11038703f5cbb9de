/**
 * Calls of the management API for commands. Server and credential come from the environment: what stands in a command line is
 * for everybody on the machine to see. A session that was opened for the command ends with it.
 */
import { ConfigError } from '../config.ts';
import { type Given, textOf } from './command.ts';

export interface Query {
  readonly [name: string]: string | number | boolean | readonly string[] | undefined;
}

// biome-ignore lint/suspicious/noExplicitAny: whoever asks knows the shape of the answer; the server's tests hold it
type Answer = any;

export interface Client {
  /** Rejects with a ConfigError that says what the server said. */
  call(method: string, path: string, options?: { query?: Query; body?: unknown }): Promise<Answer>;
  /** A body as it is, such as a file; lines of the answer as they come. */
  send(path: string, query: Query, type: string, body: Blob): AsyncIterable<Answer>;
}

/** What a server refused, or that there is none. */
export class CallFailed extends ConfigError {
  readonly code: string;
  readonly details: unknown;
  constructor(code: string, message: string, details?: unknown) {
    super(message);
    this.code = code;
    this.details = details;
  }
}

/** Lets `work` call the server that the environment names, as whom it says. */
export async function withClient<T>(given: Given, work: (client: Client) => Promise<T>): Promise<T> {
  const { SLIPWAY_API: api = 'http://localhost:8080', SLIPWAY_KEY: key } = process.env;
  const base = URL.parse(api);
  if (base === null || !/^https?:$/.test(base.protocol)) {
    throw new ConfigError(`SLIPWAY_API is ${JSON.stringify(api)}; expected http://… or https://….`);
  }
  if (base.protocol === 'http:' && !isHere(base.hostname) && given.values.insecure !== true) {
    throw new ConfigError(
      `SLIPWAY_API is ${api}: a credential would go there without TLS. Use https://…, or --insecure.`,
    );
  }
  if (key !== undefined && key !== '') return work(clientOf(base, key));
  const token = await signIn(base);
  const client = clientOf(base, token);
  try {
    return await work(client);
  } finally {
    await client.call('DELETE', '/api:1/token').catch(() => {});
  }
}

const isHere = (host: string) => host === 'localhost' || host === '[::1]' || host.startsWith('127.');

async function signIn(base: URL): Promise<string> {
  const { env } = process;
  const email = env.SLIPWAY_EMAIL ?? env.SLIPWAY_ADMIN_EMAIL ?? 'admin@localhost';
  const password = env.SLIPWAY_PASSWORD ?? env.SLIPWAY_ADMIN_PASSWORD;
  if (password === undefined) {
    throw new ConfigError('Who is calling? Set SLIPWAY_KEY, or SLIPWAY_EMAIL and SLIPWAY_PASSWORD.');
  }
  const asked = clientOf(base, null).call('POST', '/api:1/token', { body: { email, password } });
  const { token } = await asked.catch(towardsKeys);
  return token;
}

/** A code of a second factor is good once and for a moment: no thing to keep in an environment. */
function towardsKeys(error: Error): never {
  if (!(error instanceof CallFailed) || error.code !== 'CODE_NEEDED') throw error;
  throw new CallFailed(error.code, `${error.message} ${HINT_KEY}`);
}

/** What a program does instead of sending a code. */
const HINT_KEY = 'Commands go by an API key: make one in the console (API keys), and set SLIPWAY_KEY.';

function clientOf(base: URL, key: string | null): Client {
  const authorization: Record<string, string> = key === null ? {} : { authorization: `Bearer ${key}` };

  async function fetched(method: string, path: string, query: Query, headers: object, body?: string | Blob) {
    const url = new URL(base.pathname.replace(/\/$/, '') + path, base);
    for (const [name, value] of Object.entries(query)) {
      for (const one of Array.isArray(value) ? value : [value])
        if (one !== undefined) url.searchParams.append(name, `${one}`);
    }
    const response = await fetch(url, { method, headers: { ...authorization, ...headers }, body }).catch((error) => {
      const reason = (error.cause ?? error).message || (error.cause ?? error).code;
      throw new CallFailed(
        'UNREACHABLE',
        `No server answers at ${base.origin}: ${reason}. SLIPWAY_API says where it is.`,
      );
    });
    if (response.ok) return response;
    const text = await response.text();
    const told = response.headers.get('content-type')?.includes('json') ? JSON.parse(text) : {};
    const { code = `HTTP ${response.status}`, message = `${base.origin} answered ${response.status}.` } = told;
    throw new CallFailed(code, message, told.rows ?? told.details);
  }

  return {
    async call(method, path, { query = {}, body } = {}) {
      const headers = body === undefined ? {} : { 'content-type': 'application/json' };
      const response = await fetched(
        method,
        path,
        query,
        headers,
        body === undefined ? undefined : JSON.stringify(body),
      );
      const text = await response.text();
      return text === '' ? null : JSON.parse(text);
    },
    async *send(path, query, type, body) {
      const headers = { 'content-type': type, accept: 'application/x-ndjson' };
      const { body: stream } = await fetched('POST', path, query, headers, body);
      let rest = '';
      for await (const text of stream!.pipeThrough(new TextDecoderStream())) {
        const lines = (rest + text).split('\n');
        rest = lines.pop()!;
        for (const line of lines) if (line !== '') yield JSON.parse(line);
      }
      if (rest !== '') yield JSON.parse(rest);
    },
  };
}

interface NamedConnector {
  readonly id: string;
  readonly name: string;
}

/** The connector of this id or name; without one, the only one that there is. */
export async function pickConnector(client: Client, wanted: string | undefined): Promise<NamedConnector & Answer> {
  const all: NamedConnector[] = await client.call('GET', '/api:1/connectors');
  if (wanted === undefined) {
    if (all.length === 1) return all[0]!;
    throw new ConfigError(`Which connector? ${nameAll(all)} Say --connector, or set SLIPWAY_CONNECTOR.`);
  }
  const found = all.find(({ id }) => id === wanted) ?? onlyOne(all.filter(({ name }) => name === wanted));
  if (found === undefined) throw new ConfigError(`There is no connector ${JSON.stringify(wanted)}. ${nameAll(all)}`);
  return found;
}

const onlyOne = <T>(list: readonly T[]) => (list.length === 1 ? list[0] : undefined);

function nameAll(all: readonly NamedConnector[]): string {
  if (all.length === 0) return 'There is none yet.';
  const names = all.slice(0, 10).map(({ id, name }) => `${id} (${name})`);
  return `There are: ${names.join(', ')}${all.length > 10 ? ' …' : ''}.`;
}

/** Where the devices of the connector are that flag and environment name. */
export async function devicesAt(client: Client, given: Given): Promise<string> {
  const { id } = await pickConnector(
    client,
    textOf(given, 'connector') ?? (process.env.SLIPWAY_CONNECTOR || undefined),
  );
  return `/api:1/service/${id}/device2`;
}
