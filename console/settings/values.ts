/**
 * The settings as the form holds them: one value per field, by its path on the wire. Knows how to take settings apart and
 * put them together; not what they mean.
 */
import type { ConnectorSettings } from '../../src/domain/connector.ts';
import type { SettingsPatch } from '../../src/domain/settings.ts';
import type { SectionId } from './sections.ts';

/** What this page edits; resources have a page of their own. */
type Editable = Omit<ConnectorSettings, 'resources'>;

type PathOf<T> = {
  [K in keyof T & string]: T[K] extends readonly unknown[] ? K : T[K] extends object ? `${K}.${PathOf<T[K]>}` : K;
}[keyof T & string];
type At<T, P extends string> = P extends `${infer K}.${infer Rest}`
  ? K extends keyof T
    ? At<T[K], Rest>
    : never
  : P extends keyof T
    ? T[P]
    : never;

/** `identity_format.options.length` */
export type Path = PathOf<Editable>;

/** A number that stands for none, of an emptied field, is NaN. */
export type Values = { readonly [P in Path]: At<Editable, P> };

interface Field {
  /** As in the form. */
  readonly label: string;
  readonly section: SectionId;
}

/** Every field, in the order of the form. */
export const fields: Readonly<Record<Path, Field>> = {
  name: { label: 'Name', section: 'general' },
  description: { label: 'Description', section: 'general' },
  'provisioning.auth_type': { label: 'Authentication', section: 'authentication' },
  'provisioning.enabled': { label: 'Enable provisioning', section: 'provisioning' },
  'identity_format.prefix': { label: 'Prefix', section: 'provisioning' },
  'identity_format.type': { label: 'Type', section: 'provisioning' },
  'identity_format.options.length': { label: 'Length', section: 'provisioning' },
  'identity_format.options.casing': { label: 'Casing', section: 'provisioning' },
  'provisioning.presenter_identity': {
    label: 'Allow devices to register their own identity',
    section: 'provisioning',
  },
  'provisioning.generate_identity': { label: 'Let the server make identities', section: 'provisioning' },
  'provisioning.ip_whitelisting.enabled': { label: 'Restrict IP addresses', section: 'provisioning' },
  'provisioning.ip_whitelisting.allowed': { label: 'Allowed addresses', section: 'provisioning' },
  'provisioning.expire_hours': { label: 'Activation window', section: 'provisioning' },
  'pki.enabled': { label: 'Enable PKI', section: 'pki' },
  'pki.client_ca': { label: 'CA certificates', section: 'pki' },
  'pki.crl': { label: 'Revocation lists', section: 'pki' },
  'events.types': { label: 'Shown in the log', section: 'events' },
  'retention.events_days': { label: 'Keep events', section: 'retention' },
  'retention.history_days': { label: 'Keep the history of resources', section: 'retention' },
  'retention.expired_days': { label: 'Keep expired whitelist entries', section: 'retention' },
  'limits.requests_per_minute': { label: 'Requests per minute', section: 'limits' },
  'content.device_upload': { label: 'Let devices send files', section: 'limits' },
  'content.device_upload_bytes': { label: 'Largest file of a device', section: 'limits' },
  'content.device_upload_total_bytes': { label: 'All files of devices together', section: 'limits' },
};

export const paths = Object.keys(fields) as readonly Path[];

/** Takes settings apart. */
export function valuesOf(settings: Editable): Values {
  return Object.fromEntries(paths.map((path) => [path, read(settings, path)])) as Values;
}

function read(settings: object, path: Path): unknown {
  return path.split('.').reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], settings);
}

/** Puts these fields, or all, together as the wire has them. */
export function nest(values: Partial<Values>): SettingsPatch {
  const root: Record<string, unknown> = {};
  for (const [path, value] of Object.entries(values)) {
    const keys = path.split('.');
    const last = keys.pop()!;
    let target = root;
    for (const key of keys) {
      target[key] ??= {};
      target = target[key] as Record<string, unknown>;
    }
    target[last] = value;
  }
  return root as SettingsPatch;
}

/** Whole settings out of the form's values, as the domain's rules take them. */
export function settingsOf(values: Values): ConnectorSettings {
  return { ...(nest(values) as Editable), resources: {} };
}

/** Lists are equal with the same entries in the same order; NaN is NaN. */
export function isSame(a: unknown, b: unknown): boolean {
  if (!Array.isArray(a) || !Array.isArray(b)) return Object.is(a, b);
  return a.length === b.length && a.every((entry, i) => entry === b[i]);
}

/** The field that a fault's path points at or into: `pki.client_ca[3]` → `pki.client_ca`. Null if the form has none such. */
export function pathOfFault(faultPath: string): Path | null {
  const plain = faultPath.replace(/\[.*$/, '');
  return paths.find((path) => path === plain) ?? null;
}
