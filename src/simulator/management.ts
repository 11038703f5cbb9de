/**
 * The management API as a client of it: signs in, finds or makes a connector, reads its settings, lets identities in by one
 * import. Says in plain words what did not work. Knows nothing of devices.
 */
import type { AuthType, ConnectorSettings } from '../domain/connector.ts';
import { Explained, inPlainWords } from './explained.ts';

/** A key, or an account. */
export type Login = { readonly key: string } | { readonly email: string; readonly password: string };

export interface ConnectorView {
  readonly id: string;
  readonly name: string;
  readonly fqdn: string;
  /** `https://<fqdn>:<port>` */
  readonly url: string;
}

export type Settings = Pick<ConnectorSettings, 'identity_format' | 'provisioning' | 'pki' | 'resources' | 'name'>;

export interface Management {
  connectors(): Promise<readonly ConnectorView[]>;
  createConnector(name: string, description: string): Promise<ConnectorView>;
  settings(connector: string): Promise<Settings>;
  change(connector: string, settings: object): Promise<Settings>;
  /** One import. Answers how many came in, and how many were known before, by status. */
  whitelist(connector: string, identities: readonly string[], name: string): Promise<Imported>;
  server(): Promise<ServerFacts>;
}

export interface ServerFacts {
  /** Null where the server is too old to tell. */
  readonly mqttPort: number | null;
  /** What the URL of any connector looks like; null where the server is too old to tell. */
  readonly deviceUrl: string | null;
  /** Certificate of the server's own CA, PEM; null where it has none. */
  readonly authority: string | null;
}

/** As the server tells them. */
interface Facts {
  readonly mqtt_port?: number;
  readonly device_url?: string;
  readonly ca: { readonly certificate: string } | null;
}

export interface Imported {
  readonly count: number;
  readonly known: Readonly<Record<string, number>>;
}

/** Makes a connector's `auth_type` that of the flags, in a patch. */
export const authPatch = (auth_type: AuthType) => ({ provisioning: { auth_type } });

/** Signs in. Throws Explained, as all its calls do. */
export async function openManagement(base: string, login: Login): Promise<Management> {
  const token = 'key' in login ? login.key : await signIn(base, login);
  const authorization = `Bearer ${token}`;
  const ask = <Answer>(method: string, path: string, body?: object) =>
    call<Answer>(base, method, path, { authorization, ...json(body) }, body && JSON.stringify(body));
  const device2 = (connector: string) => `/api:1/service/${encodeURIComponent(connector)}/device2`;
  return {
    connectors: () => ask('GET', '/api:1/connectors'),
    createConnector: (name, description) => ask('POST', '/api:1/connectors', { name, description }),
    settings: (connector) => ask('GET', device2(connector)),
    change: (connector, settings) => ask('PATCH', device2(connector), settings),
    async whitelist(connector, identities, name) {
      const path = `${device2(connector)}/identities?name=${encodeURIComponent(name)}`;
      const headers = { authorization, 'content-type': 'text/csv' };
      const answer = await call<{ known: Record<string, number>; batch: { count: number } }>(
        base,
        'POST',
        path,
        headers,
        csv(identities),
      );
      return { count: answer.batch.count, known: answer.known };
    },
    async server() {
      const facts = await ask<Facts>('GET', '/api:1/server');
      return {
        mqttPort: facts.mqtt_port ?? null,
        deviceUrl: facts.device_url ?? null,
        authority: facts.ca?.certificate ?? null,
      };
    },
  };
}

async function signIn(base: string, login: object): Promise<string> {
  const { token } = await call<{ token: string }>(base, 'POST', '/api:1/token/', json(login), JSON.stringify(login));
  return token;
}

const json = (body: object | undefined): Record<string, string> =>
  body === undefined ? {} : { 'content-type': 'application/json' };

/** RFC 4180: identities may hold commas and quotes. */
function csv(identities: readonly string[]): string {
  const field = (text: string) => (/[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  return ['ID', ...identities.map(field), ''].join('\n');
}

async function call<Answer>(
  base: string,
  method: string,
  path: string,
  headers: Record<string, string>,
  body?: string,
): Promise<Answer> {
  const response = await fetch(base + path, { method, headers, body }).catch((error) => {
    throw new Explained(
      `The management API at ${base} cannot be reached: ${inPlainWords(error)}. Is the server running? --api says where it is.`,
    );
  });
  const text = await response.text();
  if (response.ok) return text === '' ? (null as Answer) : JSON.parse(text);
  throw new Explained(`The management API at ${base} answered ${response.status}: ${messageOf(text)}`);
}

function messageOf(text: string): string {
  try {
    const { code, message = text.slice(0, 200) } = JSON.parse(text);
    return code === 'CODE_NEEDED' ? `${message} Make an API key in the console, and give it with --key.` : message;
  } catch {
    return text.slice(0, 200);
  }
}
