/** Why servers refuse devices: counted by kind in bounded memory, each with an example and, where there is one, a way out. */
import { type ErrorCode, errors, printable } from '../domain/errors.ts';

/** Kinds of refusals told apart; the rest counts as one. */
const KINDS_MAX = 50;
const OTHERS = 'other reasons';

export interface Reason {
  /** What all of its kind have in common: `The identity is not whitelisted`. */
  readonly text: string;
  count: number;
  /** The last one, word for word. */
  example: string;
  /** What to do about it; null if that is not known. */
  readonly hint: string | null;
}

/** Counts by kind. */
export class Reasons {
  readonly #byText = new Map<string, Reason>();
  total = 0;

  add(message: string): void {
    const example = printable(message);
    const { text, hint } = kindOf(example);
    const known = this.#byText.get(text) ?? (this.#byText.size < KINDS_MAX ? undefined : this.#byText.get(OTHERS));
    const reason = known ?? { text: this.#byText.size < KINDS_MAX ? text : OTHERS, count: 0, example, hint };
    reason.count += 1;
    reason.example = example;
    this.#byText.set(reason.text, reason);
    this.total += 1;
  }

  /** Most frequent first. */
  list(): Reason[] {
    return [...this.#byText.values()].sort((a, b) => b.count - a.count);
  }
}

const wrongAuth = '--auth says what devices bring: token, password or certificate';
const hints: Partial<Record<ErrorCode, string>> = {
  CONNECTOR_UNKNOWN: 'the first part of the host name in --url is the id of the connector',
  IDENTITY_UNKNOWN:
    'let the devices in: --api with --password or --key whitelists them, or allow devices to register their own identity',
  IDENTITY_FORMAT: 'with --api the identities are made to fit; or give a list of them: --identities',
  ALREADY_PROVISIONED:
    'give the credentials file of the run that provisioned them (--credentials), or let others come: another --seed',
  WINDOW_CLOSED: 'whitelist them anew, or let others come: another --seed',
  PROVISIONING_DISABLED: 'switch provisioning on in the settings of the connector',
  ADDRESS_NOT_ALLOWED: 'the connector provisions from certain addresses only',
  PASSWORD_MISSING: wrongAuth,
  PASSWORD_NOT_WANTED: wrongAuth,
  CERTIFICATE_REQUIRED: wrongAuth,
  CERTIFICATE_NOT_WANTED: wrongAuth,
  CERTIFICATE_UNTRUSTED:
    '--device-ca and --device-ca-key name a CA of the connector, which then signs the certificates',
  CREDENTIAL_INVALID: 'the credential was revoked, or belongs to another server: remove it from the credentials file',
  VALUE_REFUSED: 'with --api the values are made to fit',
  RATE_LIMITED: 'the connector limits the requests of a device: a lower --rate, or more --devices',
};

function kindOf(message: string): { readonly text: string; readonly hint: string | null } {
  for (const [code, { text }] of Object.entries(errors)) {
    if (message.startsWith(text)) return { text, hint: hints[code as ErrorCode] ?? null };
  }
  // A server that has words of its own: up to where it tells what it saw.
  return { text: message.split(': ', 1)[0]!.slice(0, 120), hint: null };
}
