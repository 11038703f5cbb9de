/** Configuration from environment and flags (running.md): checked, typed, complete. Nothing else reads the environment. */
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { checkRange, parseRangeText } from './domain/ip-text.ts';
import { isEmail } from './domain/people.ts';
import { type RoleRule, readRoleRules } from './domain/provider-roles.ts';

export interface Config {
  readonly data: string;
  /** `postgres://…`: everything but the CA's files is kept there, and several servers may share it. Null: in `data`. */
  readonly databaseUrl: string | null;
  /** Servers on this machine that share its ports. */
  readonly processes: number;
  readonly domain: string;
  readonly host: string;
  readonly httpsPort: number;
  /** Plain HTTP for a TLS-terminating proxy or a measurement on the same machine; null = off. Binds to 127.0.0.1 only. */
  readonly httpPort: number | null;
  readonly mqttPort: number;
  /** Plain MQTT, likewise. */
  readonly mqttTcpPort: number | null;
  /** ms that a device has for a whole request, from its first byte. */
  readonly requestTimeout: number;
  /** ms after which a device connection without a request is closed. */
  readonly idleTimeout: number;
  readonly consoleHost: string;
  readonly consolePort: number;
  readonly consoleInsecure: boolean;
  /** Address of the console as browsers know it, without a slash at its end; null: this machine's own. */
  readonly consoleUrl: string | null;
  /** Who else tells who somebody is; null: nobody. */
  readonly oidc: OidcConfig | null;
  /** IP addresses and ranges that read `/metrics` without signing in. */
  readonly metricsAllow: readonly string[];
  /** Bytes of one file for devices, and of all of them together. */
  readonly contentFileBytes: number;
  readonly contentTotalBytes: number;
  readonly tlsCert: string | null;
  readonly tlsKey: string | null;
  readonly adminEmail: string;
  readonly adminPassword: string | null;
  /** CIDR ranges that webhooks may reach although they are not public. */
  readonly webhookAllow: readonly string[];
  readonly log: LogLevel;
}

export interface OidcConfig {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scopes: string;
  /** What the button says. */
  readonly name: string;
  readonly roles: readonly RoleRule[];
  /** Who is new sees all connectors, not none. Admins see all in any case. */
  readonly allConnectors: boolean;
}

export type LogLevel = 'error' | 'warn' | 'info' | 'debug';
const logLevels: readonly LogLevel[] = ['error', 'warn', 'info', 'debug'];

/** A setting that cannot be used. The message names the setting, what was seen and what was expected. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

const settings = {
  SLIPWAY_DATA: { initial: './data', about: 'folder of the database, the CA and uploads' },
  SLIPWAY_DATABASE_URL: {
    initial: '',
    about: 'postgres://…, which several servers share; unset: a database in the data folder',
  },
  SLIPWAY_PROCESSES: { initial: '1', about: 'servers on this machine that share its ports; needs PostgreSQL' },
  SLIPWAY_DOMAIN: { initial: 'localhost', about: 'connectors are at <id>.m2.<domain>' },
  SLIPWAY_HOST: { initial: '0.0.0.0', about: 'address of the device ports' },
  SLIPWAY_HTTPS_PORT: { initial: '8443', about: 'device port, HTTPS; 0 = any free one' },
  SLIPWAY_HTTP_PORT: {
    initial: '',
    about: 'plain HTTP for devices on 127.0.0.1, behind a proxy that ends TLS; off if empty',
  },
  SLIPWAY_MQTT_PORT: { initial: '8883', about: 'device port, MQTT over TLS; 0 = any free one' },
  SLIPWAY_MQTT_TCP_PORT: {
    initial: '',
    about: 'plain MQTT for devices on 127.0.0.1, behind a proxy that ends TLS; off if empty',
  },
  SLIPWAY_REQUEST_TIMEOUT_MS: { initial: '30000', about: 'time a device has for a whole request' },
  SLIPWAY_IDLE_TIMEOUT_MS: { initial: '120000', about: 'time after which an idle device connection is closed' },
  SLIPWAY_CONSOLE_HOST: { initial: '127.0.0.1', about: 'address of the management API and console' },
  SLIPWAY_CONSOLE_PORT: { initial: '8080', about: 'port of the management API and console; 0 = any free one' },
  SLIPWAY_CONSOLE_INSECURE: { initial: 'false', about: 'true: serve the console on other addresses without TLS' },
  SLIPWAY_CONSOLE_URL: {
    initial: '',
    about: 'address of the console as browsers know it; unset: http://localhost:<port>',
  },
  SLIPWAY_METRICS_ALLOW: {
    initial: '127.0.0.0/8,::1',
    about: 'addresses and ranges that read /metrics without signing in, with commas between',
  },
  SLIPWAY_CONTENT_FILE_MIB: { initial: '256', about: 'largest file for devices, in MiB' },
  SLIPWAY_CONTENT_TOTAL_MIB: { initial: '10240', about: 'all files for devices together, in MiB' },
  SLIPWAY_TLS_CERT: { initial: '', about: 'own server certificate (PEM file); unset: a local CA signs one' },
  SLIPWAY_TLS_KEY: { initial: '', about: 'its private key (PEM file)' },
  SLIPWAY_ADMIN_EMAIL: { initial: 'admin@localhost', about: 'first account' },
  SLIPWAY_ADMIN_PASSWORD: { initial: '', about: 'its password; unset: made at random and printed once' },
  SLIPWAY_OIDC_ISSUER: { initial: '', about: 'OpenID provider to sign in by; off if empty' },
  SLIPWAY_OIDC_CLIENT_ID: { initial: '', about: 'what this installation is called there' },
  SLIPWAY_OIDC_CLIENT_SECRET: { initial: '', about: 'and its secret' },
  SLIPWAY_OIDC_ROLES: { initial: '', about: 'claim:value=role, with commas between; who has none is not let in' },
  SLIPWAY_OIDC_CONNECTORS: {
    initial: 'none',
    about: 'all or none: the connectors of viewers and operators who are new',
  },
  SLIPWAY_OIDC_SCOPES: { initial: 'openid email profile', about: 'what the provider is asked for' },
  SLIPWAY_OIDC_NAME: { initial: '', about: 'what the button says; unset: the host of the issuer' },
  SLIPWAY_WEBHOOK_ALLOW: {
    initial: '',
    about: 'addresses that webhooks may reach although they are not public: 10.0.0.0/8,fd00::/8',
  },
  SLIPWAY_LOG: { initial: 'info', about: 'error, warn, info or debug' },
} as const;
type SettingName = keyof typeof settings;
const names = Object.keys(settings) as SettingName[];

/** Set by the server itself for the processes that it starts. */
export const CHILD = 'SLIPWAY_CHILD';

/** `SLIPWAY_HTTPS_PORT` → `https-port`. */
const flagOf = (name: SettingName) => name.slice('SLIPWAY_'.length).toLowerCase().replaceAll('_', '-');

/** The settings as flags, for usage and completion. */
export function configFlags(): { name: string; value: string; about: string; file: boolean }[] {
  return names.map((name) => {
    const { initial, about } = settings[name];
    const file = /DATA$|CERT$|KEY$/.test(name);
    return { name: flagOf(name), value: 'VALUE', about: `${about}${initial === '' ? '' : ` (${initial})`}`, file };
  });
}

/** What commands that call a server read from the environment. */
export const clientSettings = {
  SLIPWAY_API: 'address of the management API (http://localhost:8080)',
  SLIPWAY_KEY: 'an API key, or a token of POST /api:1/token/',
  SLIPWAY_EMAIL: 'an account, in place of a key (SLIPWAY_ADMIN_EMAIL, admin@localhost)',
  SLIPWAY_PASSWORD: 'its password (SLIPWAY_ADMIN_PASSWORD)',
  SLIPWAY_CONNECTOR: 'id or name of the connector that is meant unless a flag names one',
} as const;

export function configHelp(): string {
  const rows = names.map((name) => {
    const { initial, about } = settings[name];
    return `${`  --${flagOf(name)}`.padEnd(24)}${about}${initial === '' ? '' : ` (${initial})`}`;
  });
  return rows.join('\n');
}

/** Variables that look like settings and are none: misspelt ones, mostly. */
export function unknownSettings(env: Readonly<Record<string, string | undefined>>): string[] {
  const own = (name: string) => Object.hasOwn(settings, name) || Object.hasOwn(clientSettings, name) || name === CHILD;
  return Object.keys(env).filter((name) => name.startsWith('SLIPWAY_') && !own(name));
}

/** Flags win over the environment, the environment over the defaults. Throws ConfigError. */
export function loadConfig(env: Readonly<Record<string, string | undefined>>, flags: readonly string[]): Config {
  const flagged = readFlags(flags);
  const text = (name: SettingName) => flagged[flagOf(name)] ?? env[name] ?? settings[name].initial;
  const optional = (name: SettingName) => text(name) || null;
  const fail = (name: SettingName, wanted: string): never => {
    const given = flagOf(name) in flagged ? `--${flagOf(name)}` : name;
    throw new ConfigError(`${given} is ${JSON.stringify(text(name))}; expected ${wanted}.`);
  };
  const port = (name: SettingName) => {
    const value = text(name);
    return /^\d{1,5}$/.test(value) && Number(value) <= 65535 ? Number(value) : fail(name, 'a port, 0 to 65535');
  };
  const milliseconds = (name: SettingName) => {
    const value = text(name);
    return /^[1-9]\d{2,6}$/.test(value) ? Number(value) : fail(name, 'milliseconds, 100 to 9999999');
  };
  const mebibytes = (name: SettingName) => {
    const value = text(name);
    return /^[1-9]\d{0,8}$/.test(value) ? Number(value) * 1_048_576 : fail(name, 'MiB, 1 to 999999999');
  };
  const address = (name: SettingName) =>
    isIP(text(name)) === 0 && text(name) !== 'localhost' ? fail(name, 'an IP address') : text(name);

  const log = text('SLIPWAY_LOG') as LogLevel;
  if (!logLevels.includes(log)) fail('SLIPWAY_LOG', logLevels.join(', '));
  const domain = text('SLIPWAY_DOMAIN').toLowerCase();
  if (!/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(domain)) fail('SLIPWAY_DOMAIN', 'a host name');
  const email = text('SLIPWAY_ADMIN_EMAIL');
  if (!isEmail(email)) fail('SLIPWAY_ADMIN_EMAIL', 'an email address');
  const password = optional('SLIPWAY_ADMIN_PASSWORD');
  if (password !== null && password.length < 12) {
    throw new ConfigError(`SLIPWAY_ADMIN_PASSWORD has ${password.length} characters; expected at least 12.`);
  }
  const consoleUrl = optional('SLIPWAY_CONSOLE_URL');
  if (consoleUrl !== null && !isWebAddress(consoleUrl)) fail('SLIPWAY_CONSOLE_URL', 'https://console.example.com');
  const oidc = readOidc(text, fail);
  const webhookAllow = text('SLIPWAY_WEBHOOK_ALLOW')
    .split(/[\s,]+/)
    .filter((range) => range !== '');
  if (!webhookAllow.every(checkRange)) fail('SLIPWAY_WEBHOOK_ALLOW', 'addresses and CIDR ranges, with commas between');
  const insecure = text('SLIPWAY_CONSOLE_INSECURE');
  if (insecure !== 'true' && insecure !== 'false') fail('SLIPWAY_CONSOLE_INSECURE', 'true or false');
  const consoleHost = address('SLIPWAY_CONSOLE_HOST');
  if (!isLoopback(consoleHost) && insecure !== 'true') {
    fail('SLIPWAY_CONSOLE_HOST', 'a loopback address, or SLIPWAY_CONSOLE_INSECURE=true behind a proxy that adds TLS');
  }
  const metricsAllow = text('SLIPWAY_METRICS_ALLOW')
    .split(',')
    .map((range) => range.trim())
    .filter((range) => range !== '');
  if (metricsAllow.some((range) => parseRangeText(range) === null)) {
    fail('SLIPWAY_METRICS_ALLOW', 'IP addresses or ranges (10.0.0.0/8) with commas between');
  }
  const tlsCert = optional('SLIPWAY_TLS_CERT');
  const tlsKey = optional('SLIPWAY_TLS_KEY');
  if ((tlsCert === null) !== (tlsKey === null)) {
    throw new ConfigError('SLIPWAY_TLS_CERT and SLIPWAY_TLS_KEY belong together; only one of them is set.');
  }
  const databaseUrl = optional('SLIPWAY_DATABASE_URL');
  if (databaseUrl !== null && !isPostgresUrl(databaseUrl)) {
    // It holds a password: not to be printed.
    throw new ConfigError('SLIPWAY_DATABASE_URL cannot be read; expected postgres://user:password@host:5432/database.');
  }
  const processes = text('SLIPWAY_PROCESSES');
  if (!/^[1-9]\d?$/.test(processes)) fail('SLIPWAY_PROCESSES', 'a number from 1 to 99');
  if (processes !== '1' && databaseUrl === null) {
    fail('SLIPWAY_PROCESSES', '1, or SLIPWAY_DATABASE_URL: several processes need a PostgreSQL');
  }
  return {
    data: resolve(text('SLIPWAY_DATA')),
    processes: Number(processes),
    databaseUrl,
    domain,
    host: address('SLIPWAY_HOST'),
    httpsPort: port('SLIPWAY_HTTPS_PORT'),
    httpPort: text('SLIPWAY_HTTP_PORT') === '' ? null : port('SLIPWAY_HTTP_PORT'),
    mqttPort: port('SLIPWAY_MQTT_PORT'),
    mqttTcpPort: text('SLIPWAY_MQTT_TCP_PORT') === '' ? null : port('SLIPWAY_MQTT_TCP_PORT'),
    requestTimeout: milliseconds('SLIPWAY_REQUEST_TIMEOUT_MS'),
    idleTimeout: milliseconds('SLIPWAY_IDLE_TIMEOUT_MS'),
    consoleHost,
    consolePort: port('SLIPWAY_CONSOLE_PORT'),
    consoleInsecure: insecure === 'true',
    consoleUrl: consoleUrl === null ? null : new URL(consoleUrl).origin,
    oidc,
    metricsAllow,
    contentFileBytes: mebibytes('SLIPWAY_CONTENT_FILE_MIB'),
    contentTotalBytes: mebibytes('SLIPWAY_CONTENT_TOTAL_MIB'),
    tlsCert,
    tlsKey,
    adminEmail: email.toLowerCase(),
    adminPassword: password,
    webhookAllow,
    log,
  };
}

function readFlags(flags: readonly string[]): Record<string, string | undefined> {
  try {
    const options = Object.fromEntries(names.map((name) => [flagOf(name), { type: 'string' as const }]));
    return parseArgs({ args: [...flags], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new ConfigError(`${(error as Error).message}\nFlags:\n${configHelp()}`);
  }
}

/** All of it, or nothing. The secret is not repeated. */
function readOidc(
  text: (name: SettingName) => string,
  fail: (name: SettingName, wanted: string) => never,
): OidcConfig | null {
  const issuer = text('SLIPWAY_OIDC_ISSUER');
  if (issuer === '') return null;
  const url = URL.parse(issuer);
  const local = url?.protocol === 'http:' && isLoopback(url.hostname);
  if (url === null || (url.protocol !== 'https:' && !local))
    fail('SLIPWAY_OIDC_ISSUER', 'https://provider.example.com');
  for (const name of ['SLIPWAY_OIDC_CLIENT_ID', 'SLIPWAY_OIDC_CLIENT_SECRET'] as const) {
    if (text(name) === '') fail(name, 'what the provider has given, as SLIPWAY_OIDC_ISSUER is set');
  }
  const roles = readRoleRules(text('SLIPWAY_OIDC_ROLES'));
  if (roles === null) fail('SLIPWAY_OIDC_ROLES', 'claim:value=viewer|operator|admin, with commas between');
  const connectors = text('SLIPWAY_OIDC_CONNECTORS');
  if (connectors !== 'all' && connectors !== 'none') fail('SLIPWAY_OIDC_CONNECTORS', 'all or none');
  return {
    issuer,
    clientId: text('SLIPWAY_OIDC_CLIENT_ID'),
    clientSecret: text('SLIPWAY_OIDC_CLIENT_SECRET'),
    scopes: text('SLIPWAY_OIDC_SCOPES'),
    name: text('SLIPWAY_OIDC_NAME') || url!.host,
    roles: roles!,
    allConnectors: connectors === 'all',
  };
}

function isWebAddress(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && (url.protocol === 'https:' || url.protocol === 'http:');
}

function isPostgresUrl(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && ['postgres:', 'postgresql:'].includes(url.protocol) && url.pathname.length > 1;
}

function isLoopback(address: string): boolean {
  return address === 'localhost' || address === '::1' || address.startsWith('127.');
}
