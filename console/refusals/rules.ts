/**
 * Every refusal of a device in words for people: what it means, what mends it, whether a button can, and whether the cause
 * still holds. Pure: knows neither the page nor how a remedy is carried out (mend.ts).
 */
import { errors } from '../../src/domain/errors.ts';
import { checkIdentity } from '../../src/domain/identity.ts';
import type { TellingCode } from '../../src/domain/refusals.ts';
import type { Identity, Settings } from '../api/types.ts';
import { type SectionId, sectionTitles } from '../settings/sections.ts';

export interface Refused {
  readonly rule: string | null;
  readonly seen: string | null;
  readonly wanted: string | null;
  readonly message: string | null;
}

/** Where on the Settings page it can be mended: `?section=`. */
export type SettingsSection = Extract<SectionId, 'authentication' | 'provisioning' | 'pki'>;

/** What a button, or a link to the page where a person decides, can do about a refusal. */
export type Remedy =
  | { readonly kind: 'whitelist' }
  | { readonly kind: 'unlock' }
  | { readonly kind: 'reopen' }
  | { readonly kind: 'keep' }
  | { readonly kind: 'reprovision' }
  | { readonly kind: 'take'; readonly type: Identity['auth']['type'] }
  | { readonly kind: 'switch-on' }
  | { readonly kind: 'allow-address'; readonly address: string }
  | { readonly kind: 'settings'; readonly section: SettingsSection }
  | { readonly kind: 'resources' };

/** How things stand now. `device`: null if the identity is not known, undefined while nobody has looked. */
export interface Standing {
  readonly identity: string | null;
  readonly device: Identity | null | undefined;
  readonly settings: Pick<Settings, 'provisioning' | 'identity_format' | 'pki'> | undefined;
  /** µs since the epoch. */
  readonly now: number;
}

export interface Rule {
  readonly title: string;
  /** What happened, for somebody who has not read the manual. */
  readonly explanation: string;
  /** What mends it, as advice. */
  readonly advice: string;
  /** In the order in which they are worth trying; those that make no sense as things stand are left out later. */
  readonly remedies: readonly (Remedy['kind'] | `settings:${SettingsSection}` | `take:${Identity['auth']['type']}`)[];
  /** Why the cause is gone, as a sentence; null if it is not, or cannot be told from here. */
  readonly gone?: (standing: Standing, refused: Refused) => string | null;
}

const hasCredential = ({ device }: Standing) => device?.credential !== null && device?.credential !== undefined;
const hasEnded = ({ device, now }: Standing) => device?.auth.expire !== undefined && device.auth.expire <= now;
const toSettings = (section: SettingsSection) => `settings:${section}` as const;

/** One row for each refusal that is told of a device. */
export const rules: Readonly<Record<TellingCode, Rule>> = {
  IDENTITY_UNKNOWN: {
    title: 'The identity is not whitelisted',
    explanation:
      'A device asked to be provisioned under an identity that nobody has whitelisted, and this connector does not allow devices to register their own identity.',
    advice: 'If the device is yours, whitelist it and let it try again. If you do not know it, there is nothing to do.',
    remedies: ['whitelist', toSettings('provisioning')],
    gone: ({ device }) => (device ? 'The identity is known by now.' : null),
  },
  IDENTITY_FORMAT: {
    title: 'The identity does not fit the identity format',
    explanation:
      'Devices may register their own identity here, but only one that fits the identity format of the connector. This one does not.',
    advice: 'Correct the identity in the device, or change the identity format if the device is right.',
    remedies: [toSettings('provisioning')],
    gone: ({ identity, device, settings }) => {
      if (device) return 'The identity is known by now.';
      if (identity === null || settings === undefined) return null;
      return checkIdentity(settings.identity_format, identity) === null ? 'The identity fits the format by now.' : null;
    },
  },
  WINDOW_CLOSED: {
    title: 'The activation window has closed',
    explanation:
      'The device was whitelisted for a limited time, and asked to be provisioned after that. An entry that was revoked is refused in the same way.',
    advice: 'Open the window again and let the device try again.',
    remedies: ['reopen', 'keep'],
    gone: (standing) => {
      if (!standing.device || hasEnded(standing)) return null;
      return hasCredential(standing) ? 'The device is provisioned by now.' : 'The window is open again.';
    },
  },
  ALREADY_PROVISIONED: {
    title: 'The device is already provisioned',
    explanation:
      'A device is provisioned once. Asked a second time, Slipway keeps the credential that is there, so that nobody can take the place of a device by knowing its identity.',
    advice:
      'If the device was reset, or has lost its credential, allow it to provision once more. Its old credential works until the new one is used, 24 hours at the most.',
    remedies: ['reprovision'],
    gone: (standing) => {
      if (!standing.device) return null;
      if (!hasCredential(standing)) return 'The device has no credential any more.';
      return standing.device.reprovision ? 'The device may provision once more by now.' : null;
    },
  },
  DEVICE_LOCKED: {
    title: 'The device is locked',
    explanation: 'Somebody locked this device: nothing that it sends is accepted, whatever credential it shows.',
    advice: 'Unlock it, if the reason for locking it is gone. The log says who locked it.',
    remedies: ['unlock'],
    gone: ({ device }) => (device && !device.locked ? 'It is not locked any more.' : null),
  },
  PROVISIONING_DISABLED: {
    title: 'Provisioning is switched off',
    explanation:
      'This connector provisions no devices at the moment. Devices that are already provisioned are not affected.',
    advice: 'Switch provisioning on and let the device try again. This applies to every device of the connector.',
    remedies: ['switch-on', toSettings('provisioning')],
    gone: ({ settings }) => (settings?.provisioning.enabled ? 'Provisioning is switched on by now.' : null),
  },
  ADDRESS_NOT_ALLOWED: {
    title: 'The address is not allowed',
    explanation:
      'This connector provisions from some addresses only (Restrict IP addresses), and the device came from another one.',
    advice: 'Allow this address if you know it: a new line of your factory, for example. It applies to every device.',
    remedies: ['allow-address', toSettings('provisioning')],
    gone: ({ settings }, { seen }) => {
      const restriction = settings?.provisioning.ip_whitelisting;
      if (restriction?.enabled === false) return 'Addresses are not restricted any more.';
      return seen !== null && restriction?.allowed.includes(seen) ? 'The address is allowed by now.' : null;
    },
  },
  CREDENTIAL_MISSING: {
    title: 'The device did not say who it is',
    explanation: 'The request had no token, no password and no client certificate, so Slipway cannot tell whose it is.',
    advice:
      'The device has to send its token or password in the Authorization header, or to present its certificate. If it has none yet, it has to provision first.',
    remedies: [],
  },
  CREDENTIAL_INVALID: {
    title: 'The credential is not valid',
    explanation:
      'The token, password or certificate is not the one that is bound to the device. It may be mistyped, of another connector, or older than the last provisioning.',
    advice:
      'Check that the device talks to the right connector and has stored its credential. If the credential is lost, allow the device to provision once more.',
    remedies: ['reprovision', 'reopen'],
  },
  CREDENTIAL_EXPIRED: {
    title: 'The credential has ended',
    explanation: 'The credential was given an end, and that time has passed.',
    advice: 'Remove the end of the credential. The device keeps it and need not provision again.',
    remedies: ['keep'],
    gone: (standing) =>
      standing.device && hasCredential(standing) && !hasEnded(standing) ? 'The credential is valid again.' : null,
  },
  CREDENTIAL_CONFLICT: {
    title: 'Two credentials of different devices',
    explanation:
      'The client certificate is that of one device, the Authorization header that of another. Slipway does not guess which one is meant.',
    advice: 'Correct the device: it should send one of the two, or both of the same device.',
    remedies: [],
  },
  CREDENTIAL_TAKEN: {
    title: 'The credential belongs to another device',
    explanation:
      'A credential belongs to one device only. This one is bound to another identity already: two devices may have been given the same certificate or token.',
    advice:
      'Give each device a credential of its own. If the other one is out of use, revoke it and let this one try again.',
    remedies: [],
  },
  CERTIFICATE_NOT_YET_VALID: {
    title: 'The certificate is not valid yet',
    explanation:
      "The certificate begins at a time that is still to come by the server's clock. Mostly the machine that made it has a clock that is ahead.",
    advice:
      'Wait until the certificate begins, or set the clock of the machine that makes certificates. GET /timestamp tells the time of the server.',
    remedies: [],
  },
  CERTIFICATE_EXPIRED: {
    title: 'The certificate is no longer valid',
    explanation: "By the server's clock, the certificate has expired.",
    advice:
      'Give the device a new certificate. With Enable PKI one that leads to your CA is taken at once; otherwise allow the device to provision once more.',
    remedies: ['reprovision'],
  },
  CERTIFICATE_UNTRUSTED: {
    title: 'The certificate does not lead to one of your CAs',
    explanation:
      'PKI is enabled, so that the certificate of a device has to lead to one of the CA certificates in the Settings. This one does not.',
    advice:
      'Add the CA that issued it, if it is yours, or let the device send the intermediate certificates with its own. Certificates of other CAs are refused.',
    remedies: [toSettings('pki')],
    gone: ({ settings }) => (settings?.pki.enabled === false ? 'PKI is not enabled any more.' : null),
  },
  CERTIFICATE_REVOKED: {
    title: 'The certificate was revoked',
    explanation: 'The certificate, or one on its way to the CA, is on a revocation list that was loaded here.',
    advice: 'Give the device a new certificate. If the list is out of date, load the newer one of your CA.',
    remedies: [toSettings('pki')],
  },
  CERTIFICATE_NAME: {
    title: 'The certificate has another name',
    explanation: 'The common name (CN) of a certificate has to be the identity of the device, exactly, and only one.',
    advice: 'Make a certificate with the identity as its CN, or let the device use the identity in the CN.',
    remedies: [],
  },
  CERTIFICATE_REQUIRED: {
    title: 'A client certificate is required',
    explanation:
      'This device is to be provisioned by TLS Client Certificate, and it presented none. A proxy in between may have removed it.',
    advice: 'Let the device connect with its certificate, or let it provision by token instead.',
    remedies: ['take:token', toSettings('authentication')],
  },
  CERTIFICATE_NOT_WANTED: {
    title: 'A client certificate is not accepted',
    explanation: 'The device came with a client certificate, but is to be provisioned by token or password.',
    advice: 'Let this device provision by certificate, or let it ask for a token or password.',
    remedies: ['take:certificate', toSettings('authentication')],
  },
  PASSWORD_MISSING: {
    title: 'A password is required',
    explanation: 'This device is to be provisioned by password, and it sent none.',
    advice: 'Let the device send a password of 20 to 512 bytes, or let it provision by token instead.',
    remedies: ['take:token', toSettings('authentication')],
  },
  PASSWORD_LENGTH: {
    title: 'The password has the wrong length',
    explanation: 'A password that a device provisions with has 20 to 512 bytes, so that nobody can guess it.',
    advice: 'Let the device send a longer one: 32 random characters, for example.',
    remedies: [],
  },
  PASSWORD_NOT_WANTED: {
    title: 'A password is not accepted',
    explanation:
      'The device sent a password, but is to be provisioned by token: Slipway makes the secret, not the device.',
    advice: 'Let this device provision by password, or leave the password out of its request.',
    remedies: ['take:password', toSettings('authentication')],
  },
  VALUE_REFUSED: {
    title: 'A value does not fit its resource',
    explanation:
      'The device wrote a value that the definition of the resource does not allow. The whole request was refused and nothing of it is stored.',
    advice: 'Correct what the device writes, or change the format or the allowed values of the resource.',
    remedies: ['resources'],
  },
};

/** The row of a refusal. Codes that are told rarely (of a message that cannot be understood) have the catalogue's words. */
export function ruleOf({ rule, message }: Refused): Rule {
  if (rule !== null && Object.hasOwn(rules, rule)) return rules[rule as TellingCode];
  const text = rule !== null && Object.hasOwn(errors, rule) ? errors[rule as keyof typeof errors].text : null;
  return {
    title: text ?? 'The request was refused',
    explanation: message ?? 'The server said no more about it.',
    advice: 'Check what the device sends.',
    remedies: [],
  };
}

/** Why the cause of a refusal is gone by now; null if it is not, or if nobody can tell. */
export const goneOf = (refused: Refused, standing: Standing) => ruleOf(refused).gone?.(standing, refused) ?? null;

/** What can be done about it as things stand. */
export function remediesOf(refused: Refused, standing: Standing): readonly Remedy[] {
  return ruleOf(refused)
    .remedies.map((name) => remedyOf(name, refused))
    .filter((remedy) => makesSense(remedy, standing));
}

function remedyOf(name: Rule['remedies'][number], { seen }: Refused): Remedy {
  const [kind, detail] = name.split(':');
  return { kind, section: detail, type: detail, address: seen ?? '' } as unknown as Remedy;
}

function makesSense(remedy: Remedy, standing: Standing): boolean {
  const { identity, device, settings } = standing;
  switch (remedy.kind) {
    case 'whitelist':
      return identity !== null && device === null;
    case 'unlock':
      return device?.locked === true;
    case 'reopen':
      return !!device && !hasCredential(standing) && hasEnded(standing);
    case 'keep':
      return hasCredential(standing) && hasEnded(standing);
    case 'reprovision':
      return hasCredential(standing) && !device?.reprovision;
    case 'take':
      return !!device && !hasCredential(standing) && device.auth.type !== remedy.type;
    case 'switch-on':
      return settings?.provisioning.enabled === false;
    case 'allow-address': {
      const { enabled, allowed } = settings?.provisioning.ip_whitelisting ?? { enabled: false, allowed: [] };
      return enabled && remedy.address !== '' && !allowed.includes(remedy.address);
    }
    default:
      return true;
  }
}

/** Who may carry a remedy out: settings are for admins; pages are for everybody to look at. */
export function roleFor({ kind }: Remedy): 'viewer' | 'operator' | 'admin' {
  if (kind === 'settings' || kind === 'resources') return 'viewer';
  return kind === 'switch-on' || kind === 'allow-address' ? 'admin' : 'operator';
}

/** The words on the button. */
export function labelOf(remedy: Remedy): string {
  switch (remedy.kind) {
    case 'whitelist':
      return 'Whitelist it';
    case 'unlock':
      return 'Unlock it';
    case 'reopen':
      return 'Open the window again';
    case 'keep':
      return 'Remove the end of the credential';
    case 'reprovision':
      return 'Allow it to provision once more';
    case 'take':
      return `Let this device provision by ${remedy.type}`;
    case 'switch-on':
      return 'Switch provisioning on';
    case 'allow-address':
      return `Allow ${remedy.address}`;
    case 'settings':
      return `Open Settings: ${sectionTitles[remedy.section]}`;
    case 'resources':
      return 'Open Resources';
  }
}

export interface Attempt extends Refused {
  /** µs since the epoch. */
  readonly timestamp: number;
  readonly ip: string | null;
}

/** Attempts that failed in the same way, one after the other. */
export interface AttemptGroup {
  /** The newest of them. */
  readonly last: Attempt;
  readonly first: number;
  readonly count: number;
}

/** Newest first, as they are given: a device that tries every second is one line, not twenty. */
export function groupAttempts(attempts: readonly Attempt[]): readonly AttemptGroup[] {
  const groups: AttemptGroup[] = [];
  for (const attempt of attempts) {
    const open = groups.at(-1);
    if (open !== undefined && isAlike(open.last, attempt)) {
      groups[groups.length - 1] = { ...open, first: attempt.timestamp, count: open.count + 1 };
    } else groups.push({ last: attempt, first: attempt.timestamp, count: 1 });
  }
  return groups;
}

/** The clock that a refused certificate was held against differs each time. */
function isAlike(a: Attempt, b: Attempt): boolean {
  const dated = a.rule === 'CERTIFICATE_EXPIRED' || a.rule === 'CERTIFICATE_NOT_YET_VALID';
  return a.rule === b.rule && a.seen === b.seen && a.ip === b.ip && (dated || a.wanted === b.wanted);
}
