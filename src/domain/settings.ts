/**
 * Changes to the settings of a connector: how a PATCH is merged (management-api.md, Device2) and which settings make no
 * sense. The shape and types of a patch are checked before, by the schema of the call.
 */
import { type Casing, type ConnectorSettings, eventTypes, type IdentityFormat, type Resource } from './connector.ts';
import { type AppError, printable } from './errors.ts';
import { byteLength, checkAlways, IDENTITY_BYTES_MAX, identityTypes, leastLength } from './identity.ts';
import { checkRange } from './ip-text.ts';
import { checkResource, type SettingFault, type ValueFault } from './resources.ts';

export type { SettingFault } from './resources.ts';

type Patch<T> = T extends readonly unknown[] ? T : T extends object ? { readonly [K in keyof T]?: Patch<T[K]> } : T;

/** Any part of the settings. `resources` is the whole new set, of which each may leave out what has a default. */
export type SettingsPatch = Patch<Omit<ConnectorSettings, 'resources'>> & {
  readonly resources?: Readonly<Record<string, Partial<Resource>>>;
};

/** PEM is judged elsewhere (pki.ts). Each answers null, or why the text is no CA certificate or revocation list. */
export interface CheckPem {
  ca(pem: string): AppError | null;
  crl(pem: string): AppError | null;
}

/** Bounds; text in characters, lists in entries, PEM in bytes. */
export const limits = {
  name: 128,
  description: 2000,
  expireHours: 87_600,
  retentionDays: 36_500,
  requestsPerMinute: 1_000_000,
  ranges: 1000,
  certificates: 100,
  pem: 1_048_576,
  resources: 1000,
  /** Bytes of one file that a device sends. */
  deviceUpload: 3_145_728,
  /** Bytes of all that devices of a connector send. */
  deviceUploadTotal: 1_099_511_627_776,
} as const;

/**
 * The settings with the patch merged in, sharing nothing with either. Arrays and `resources` are replaced, all else is
 * merged. Only fields that settings have are looked at, so no key of a patch can reach a prototype.
 */
export function mergeSettings(current: ConnectorSettings, patch: SettingsPatch): ConnectorSettings {
  const { resources, ...rest } = patch;
  const merged = merge(structuredClone({ ...current, resources: {} }), rest) as ConnectorSettings;
  merged.resources = resources === undefined ? structuredClone(current.resources) : fillResources(resources);
  return merged;
}

/** Writes into `target`, which is ours. */
function merge(target: object, patch: object): object {
  for (const key of Object.keys(target) as (keyof typeof target)[]) {
    const value: unknown = Object.hasOwn(patch, key) ? patch[key] : undefined;
    if (value === undefined) continue;
    Object.assign(target, {
      [key]: isRecord(value) && isRecord(target[key]) ? merge(target[key], value) : structuredClone(value),
    });
  }
  return target;
}

function isRecord(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `fromEntries` makes own properties, whatever their name. */
function fillResources(resources: Readonly<Record<string, Partial<Resource>>>): Record<string, Resource> {
  return Object.fromEntries(Object.entries(resources).map(([alias, given]) => [alias, fillResource(given)]));
}

/** A whole definition; what is left out gets its default (management-api.md, Resource). */
export function fillResource(given: Partial<Resource>): Resource {
  const { format = 'string', unit = '', settable = false, allowed = [], initial = null } = given;
  return { format, unit, settable, allowed: [...allowed], initial, sync: given.sync ?? settable };
}

/** Everything that makes no sense in the settings, each by its path; empty if they are good. */
export function checkSettings(settings: ConnectorSettings, checkPem: CheckPem): SettingFault[] {
  return [
    ...checkTexts(settings),
    ...checkIdentityFormat(settings.identity_format),
    ...checkProvisioning(settings),
    ...checkPki(settings, checkPem),
    ...checkEvents(settings),
    ...checkNumbers(settings),
    ...checkContent(settings),
    ...checkResources(settings),
  ];
}

function checkTexts({ name, description }: ConnectorSettings): SettingFault[] {
  const faults: SettingFault[] = [];
  if (name.trim() === '' || name.length > limits.name || /\p{Cc}|\p{Cs}/u.test(name)) {
    faults.push({ path: 'name', seen: show(name), wanted: `1 to ${limits.name} characters, no control characters` });
  }
  if (description.length > limits.description || /[^\P{Cc}\r\n\t]|\p{Cs}/u.test(description)) {
    const wanted = `at most ${limits.description} characters, no control characters but line breaks and tabs`;
    faults.push({ path: 'description', seen: show(description), wanted });
  }
  return faults;
}

function checkIdentityFormat(format: IdentityFormat): SettingFault[] {
  const { type, prefix, options } = format;
  const faults: SettingFault[] = [];
  const fault = (path: string, seen: string, wanted: string) =>
    faults.push({ path: `identity_format.${path}`, seen, wanted });
  const knownType = identityTypes.includes(type);
  if (!knownType) fault('type', show(type), identityTypes.join(', '));
  const casings: readonly Casing[] = ['lower', 'upper', 'mixed'];
  if (!casings.includes(options.casing)) fault('options.casing', show(options.casing), casings.join(', '));
  const always = prefix === '' ? null : checkAlways(prefix);
  if (always !== null) fault('prefix', always.seen, always.wanted);
  if (!isWhole(options.length, IDENTITY_BYTES_MAX)) {
    fault('options.length', String(options.length), `a whole number, 0 to ${IDENTITY_BYTES_MAX}`);
  } else if (knownType && byteLength(prefix) + leastLength(format) > IDENTITY_BYTES_MAX) {
    const seen = `a prefix of ${byteLength(prefix)} bytes and a part of ${leastLength(format)}`;
    fault('prefix', seen, `at most ${IDENTITY_BYTES_MAX} bytes together`);
  }
  return faults;
}

function checkProvisioning({ provisioning }: ConnectorSettings): SettingFault[] {
  const { auth_type, expire_hours, ip_whitelisting } = provisioning;
  const faults: SettingFault[] = [];
  if (!['token', 'password', 'certificate'].includes(auth_type)) {
    faults.push({ path: 'provisioning.auth_type', seen: show(auth_type), wanted: 'token, password or certificate' });
  }
  if (!(expire_hours > 0 && expire_hours <= limits.expireHours)) {
    const wanted = `more than 0 and at most ${limits.expireHours} hours`;
    faults.push({ path: 'provisioning.expire_hours', seen: String(expire_hours), wanted });
  }
  const path = 'provisioning.ip_whitelisting.allowed';
  faults.push(...checkCount(path, ip_whitelisting.allowed.length, limits.ranges));
  ip_whitelisting.allowed.slice(0, limits.ranges).forEach((range, i) => {
    const wanted = 'an IP address or a CIDR range such as 10.0.0.0/8 or 2001:db8::/32';
    if (!checkRange(range)) faults.push({ path: `${path}[${i}]`, seen: show(range), wanted });
  });
  return faults;
}

function checkPki({ pki }: ConnectorSettings, rules: CheckPem): SettingFault[] {
  const faults = [
    ...checkPems('pki.client_ca', pki.client_ca, (pem) => rules.ca(pem), 'a CA certificate in PEM'),
    ...checkPems('pki.crl', pki.crl, (pem) => rules.crl(pem), 'a certificate revocation list in PEM'),
  ];
  if (pki.enabled && pki.client_ca.length === 0) {
    faults.push({
      path: 'pki.enabled',
      seen: 'true without a CA',
      wanted: 'at least one certificate in pki.client_ca',
    });
  }
  return faults;
}

/** Never repeats the text itself: it may hold a private key by mistake. */
function checkPems(
  path: string,
  pems: readonly string[],
  check: (pem: string) => AppError | null,
  usual: string,
): SettingFault[] {
  const faults = checkCount(path, pems.length, limits.certificates);
  pems.slice(0, limits.certificates).forEach((pem, i) => {
    const fault = checkPem(pem, check, usual);
    if (fault !== null) faults.push({ path: `${path}[${i}]`, ...fault });
  });
  return faults;
}

function checkPem(pem: string, check: (pem: string) => AppError | null, usual: string): ValueFault | null {
  const bytes = byteLength(pem);
  if (bytes > limits.pem) return { seen: `${bytes} bytes`, wanted: `at most ${limits.pem}` };
  const error = check(pem);
  return error === null ? null : { seen: error.seen ?? error.message, wanted: error.wanted ?? usual };
}

function checkEvents({ events }: ConnectorSettings): SettingFault[] {
  const faults = checkCount('events.types', events.types.length, eventTypes.length);
  events.types.slice(0, eventTypes.length).forEach((type, i) => {
    if (!eventTypes.includes(type))
      faults.push({ path: `events.types[${i}]`, seen: show(type), wanted: eventTypes.join(', ') });
  });
  return faults;
}

function checkNumbers({ retention, limits: rates }: ConnectorSettings): SettingFault[] {
  const faults: SettingFault[] = [];
  for (const name of ['events_days', 'expired_days', 'history_days'] as const) {
    const days = retention[name];
    if (days >= 0 && days <= limits.retentionDays) continue;
    const wanted = `0 (without end) to ${limits.retentionDays} days`;
    faults.push({ path: `retention.${name}`, seen: String(days), wanted });
  }
  if (!isWhole(rates.requests_per_minute, limits.requestsPerMinute)) {
    const wanted = `a whole number, 0 (no limit) to ${limits.requestsPerMinute}`;
    faults.push({ path: 'limits.requests_per_minute', seen: String(rates.requests_per_minute), wanted });
  }
  return faults;
}

function checkContent({ content }: ConnectorSettings): SettingFault[] {
  const most = { device_upload_bytes: limits.deviceUpload, device_upload_total_bytes: limits.deviceUploadTotal };
  return (['device_upload_bytes', 'device_upload_total_bytes'] as const).flatMap((name) => {
    const bytes = content[name];
    if (isWhole(bytes, most[name]) && bytes > 0) return [];
    return [{ path: `content.${name}`, seen: String(bytes), wanted: `a whole number of bytes, 1 to ${most[name]}` }];
  });
}

function checkResources({ resources }: ConnectorSettings): SettingFault[] {
  const entries = Object.entries(resources);
  const faults = checkCount('resources', entries.length, limits.resources);
  return faults.length > 0 ? faults : entries.flatMap(([alias, resource]) => checkResource(alias, resource));
}

function checkCount(path: string, count: number, most: number): SettingFault[] {
  return count <= most ? [] : [{ path, seen: `${count} entries`, wanted: `at most ${most}` }];
}

function isWhole(value: number, most: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= most;
}

function show(text: string): string {
  return text === '' ? 'nothing' : printable(String(text));
}
