/** Values of settings in the words of the form. */
import type { AuthType, Casing, IdentityType } from '../../src/domain/connector.ts';
import type { Path, Values } from './values.ts';

export const authTypes: Readonly<Record<AuthType, { readonly label: string; readonly about: string }>> = {
  token: {
    label: 'Token',
    about: 'The server makes a secret of 40 characters for each device when it provisions, and tells it once.',
  },
  password: {
    label: 'Password',
    about: 'Each device brings a password of its own, 20 to 512 bytes, when it provisions.',
  },
  certificate: {
    label: 'TLS Client Certificate',
    about: 'Each device proves a private key that never leaves it; the CN of its certificate is its identity.',
  },
};

/** provisioning.md, console label. */
export const identityTypes: Readonly<Record<IdentityType, string>> = {
  opaque: 'Opaque',
  base10: 'Base 10',
  base16: 'Base 16',
  mac: 'MAC',
  'mac-colon': 'MAC (:)',
  'mac-dash': 'MAC (-)',
  uuid: 'UUIDv4',
};

export const casings: Readonly<Record<Casing, string>> = {
  mixed: 'Upper or lower case',
  lower: 'Lower case',
  upper: 'Upper case',
};

/** Fields that are counted in days, 0 being without end. */
const days: readonly Path[] = ['retention.events_days', 'retention.history_days', 'retention.expired_days'];

/** A value as it is told in a list of changes; lists have words of their own. */
export function inWords<P extends Path>(path: P, value: Values[P]): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (typeof value === 'number') return numberInWords(path, value);
  if (Array.isArray(value)) return value.length === 1 ? '1 entry' : `${value.length.toLocaleString('en')} entries`;
  const text = value as string;
  if (path === 'provisioning.auth_type') return authTypes[text as AuthType].label;
  if (path === 'identity_format.type') return identityTypes[text as IdentityType];
  if (path === 'identity_format.options.casing') return casings[text as Casing];
  return text === '' ? 'none' : text;
}

function numberInWords(path: Path, value: number): string {
  if (Number.isNaN(value)) return 'not a number';
  if (path === 'identity_format.options.length') return value === 0 ? 'any' : String(value);
  if (path.endsWith('_bytes')) return `${value.toLocaleString('en')} bytes`;
  if (path === 'limits.requests_per_minute') return value === 0 ? 'no limit' : value.toLocaleString('en');
  if (path === 'provisioning.expire_hours') return plural(value, 'hour');
  if (days.includes(path)) return value === 0 ? 'forever' : plural(value, 'day');
  return String(value);
}

/** `1 day`, `2,000 days` */
export const plural = (count: number, noun: string) => `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;

/** The texts joined as a sentence does: `a, b and c`. */
export function listed(texts: readonly string[]): string {
  return texts.length < 2 ? texts.join('') : `${texts.slice(0, -1).join(', ')} and ${texts.at(-1)}`;
}
