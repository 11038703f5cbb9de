/** The flags of `slipway simulate`: checked, typed, complete. What they default to from the server's settings is passed in. */
import { parseArgs } from 'node:util';
import type { AuthType } from '../domain/connector.ts';
import { Explained } from './explained.ts';
import type { Protocol } from './target.ts';

export interface Flags {
  readonly url: string | null;
  readonly port: number | null;
  readonly protocol: Protocol;
  readonly devices: number;
  readonly rate: number;
  readonly ramp: number;
  /** ms; Infinity: until Ctrl-C. */
  readonly duration: number;
  readonly inFlight: number;
  readonly seed: number | null;
  readonly aliases: readonly string[] | null;
  readonly listen: boolean;
  readonly api: string | null;
  readonly connector: string | null;
  readonly key: string | null;
  readonly email: string | null;
  readonly password: string | null;
  readonly auth: AuthType | null;
  readonly identities: string | null;
  readonly ca: readonly string[];
  readonly deviceCa: string | null;
  readonly deviceCaKey: string | null;
  /** '' is a name to be chosen. */
  readonly credentials: string | null;
  readonly json: boolean;
}

const text = { type: 'string' } as const;
const truth = { type: 'boolean' } as const;
const file = { type: 'string', value: 'FILE', file: true } as const;
const protocols = ['mqtt', 'https'] as const;
const auths = ['token', 'password', 'certificate'] as const;
/** For `parseArgs`, which reads type and multiple; the rest is for usage and completion. */
const options = {
  devices: { ...text, value: 'N', about: 'how many (10)' },
  protocol: {
    ...text,
    value: 'NAME',
    choices: protocols,
    about: 'how they talk, mqtt or https (as --url says, else mqtt)',
  },
  rate: { ...text, value: 'R', about: 'writes per second of the whole fleet (1 for each device)' },
  duration: { ...text, value: 'T', about: '30, 30s, 5m or 2h (until Ctrl-C)' },
  ramp: { ...text, value: 'R', about: 'new connections per second at the start (100)' },
  'in-flight': { ...text, value: 'N', about: 'writes that may wait for their answer (5000)' },
  seed: { ...text, value: 'N', about: 'the same devices and values again (a random one, which is told)' },
  aliases: { ...text, value: 'A,B', about: "what they write (the connector's resources, else temperature,humidity)" },
  listen: { ...truth, about: 'HTTPS: wait for values from the cloud by long polls; MQTT always does' },
  url: { ...text, value: 'URL', about: 'the connector, https://<id>.m2.<domain>:8443 or mqtts://…:8883' },
  port: { ...text, value: 'P', about: 'its device port, where that is another one' },
  ca: { ...file, multiple: true, about: 'CA certificates to trust beside the usual ones; may be repeated' },
  api: { ...text, value: 'URL', about: 'management API, which lets the devices in (http://localhost:8080)' },
  key: { ...text, value: 'K', about: 'key for it; else --email and --password' },
  email: { ...text, value: 'E', about: 'an account (SLIPWAY_ADMIN_EMAIL)' },
  password: { ...text, value: 'P', about: 'its password (SLIPWAY_ADMIN_PASSWORD)' },
  connector: {
    ...text,
    value: 'ID-OR-NAME',
    about: 'which one, without --url ("Simulation", made if it is not there)',
  },
  identities: { ...file, about: 'CSV file of identities that are let in already' },
  auth: {
    ...text,
    value: 'AUTH',
    choices: auths,
    about: 'token, password or certificate (what the connector asks for)',
  },
  'device-ca': { ...file, about: "signs the devices' certificates, with --device-ca-key" },
  'device-ca-key': { ...file, about: 'its private key' },
  credentials: { ...file, about: 'keeps what devices are given, for the next run' },
  keep: { ...truth, about: 'the same under a name of its own' },
  json: { ...truth, about: 'a line of JSON a second, and one for the summary' },
} as const;

interface Described {
  readonly about: string;
  readonly value?: string;
  readonly multiple?: boolean;
  readonly choices?: readonly string[];
  readonly file?: boolean;
}

/** The flags in the order of usage: what they are called without dashes, what stands for their value, what they are for. */
export const simulateFlags = Object.entries<Described>(options).map(
  ([name, { about, value, multiple, choices, file }]) => ({
    name,
    about,
    ...(value !== undefined && { value }),
    ...(multiple && { repeated: true }),
    ...(choices && { choices }),
    ...(file && { file }),
  }),
);

/** Throws Explained, which names the flag, what was seen and what was expected. */
export function readFlags(args: readonly string[]): Flags {
  const given = parse(args);
  const wrong = (name: keyof typeof given, wanted: string): never => {
    throw new Explained(`--${name} is ${JSON.stringify(given[name])}; expected ${wanted}.`);
  };
  const number = (name: 'devices' | 'rate' | 'ramp' | 'in-flight' | 'seed' | 'port', least: number, most: number) => {
    const value = given[name];
    if (value === undefined) return null;
    const whole = name === 'rate' || name === 'ramp' ? /^\d+(\.\d+)?$/ : /^\d+$/;
    const good = whole.test(value) && Number(value) >= least && Number(value) <= most;
    return good ? Number(value) : wrong(name, `a number from ${least} to ${most}`);
  };
  const oneOf = <Name extends string>(name: 'protocol' | 'auth', names: readonly Name[]): Name | null => {
    const value = given[name];
    if (value === undefined) return null;
    return names.find((known) => known === value) ?? wrong(name, names.join(' or '));
  };
  const devices = number('devices', 1, 1_000_000) ?? 10;
  const byUrl = given.url?.startsWith('mqtts:') ? 'mqtt' : given.url?.startsWith('https:') ? 'https' : null;
  const protocol = oneOf('protocol', protocols) ?? byUrl ?? 'mqtt';
  if (byUrl === 'mqtt' && protocol === 'https') wrong('protocol', 'mqtt, as --url says mqtts');
  if ((given['device-ca'] === undefined) !== (given['device-ca-key'] === undefined)) {
    throw new Explained('--device-ca and --device-ca-key belong together; only one of them is given.');
  }
  if (given.keep && given.credentials !== undefined) {
    throw new Explained('--credentials names a file, and --keep chooses a name; give one of them.');
  }
  const aliases = given.aliases?.split(',').filter((alias) => alias !== '') ?? null;
  if (aliases?.length === 0) wrong('aliases', 'names with commas between them');
  return {
    url: given.url ?? null,
    port: number('port', 1, 65_535),
    protocol,
    devices,
    rate: number('rate', 0, 1_000_000) ?? devices,
    ramp: number('ramp', 0.1, 100_000) ?? 100,
    duration:
      given.duration === undefined
        ? Number.POSITIVE_INFINITY
        : (readTime(given.duration) ?? wrong('duration', '30, 30s, 5m or 2h')),
    inFlight: number('in-flight', 1, 1_000_000) ?? 5_000,
    seed: number('seed', 0, 2 ** 32 - 1),
    aliases,
    listen: given.listen ?? false,
    api: given.api?.replace(/\/+$/, '') ?? null,
    connector: given.connector ?? null,
    key: given.key ?? null,
    email: given.email ?? null,
    password: given.password ?? null,
    auth: oneOf('auth', auths),
    identities: given.identities ?? null,
    ca: given.ca ?? [],
    deviceCa: given['device-ca'] ?? null,
    deviceCaKey: given['device-ca-key'] ?? null,
    credentials: given.credentials ?? (given.keep ? '' : null),
    json: given.json ?? false,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new Explained(`${(error as Error).message}\nslipway simulate --help tells of all flags.`);
  }
}

/** ms; null for what is no time. */
function readTime(given: string): number | null {
  const [, amount, unit = 's'] = /^(\d+(?:\.\d+)?)(s|m|h)?$/.exec(given) ?? [];
  if (amount === undefined || Number(amount) === 0) return null;
  return Number(amount) * { s: 1_000, m: 60_000, h: 3_600_000 }[unit as 's' | 'm' | 'h'];
}
