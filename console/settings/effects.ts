/** What a change of settings affects, and what it does not, in sentences (provisioning.md, Settings that decide who gets in). */
import { describeFormat } from '../../src/domain/identity.ts';
import { type Change, changesBetween, listChange } from './draft.ts';
import { type Path, settingsOf, type Values } from './values.ts';
import { inWords, listed } from './words.ts';

export interface Effect {
  /** `loses` is for good, so it is asked about first; `warns` can shut devices out. */
  readonly kind: 'affects' | 'keeps' | 'warns' | 'loses';
  readonly text: string;
}

/** The name of a certificate or revocation list, if it is known. */
export type NameOf = (pem: string) => string | undefined;

interface Scene {
  readonly before: Values;
  readonly after: Values;
  readonly nameOf: NameOf;
}

/** In the order of the form; each told once. */
export function effectsOf(before: Values, after: Values, nameOf: NameOf): Effect[] {
  const scene = { before, after, nameOf };
  const told = new Map<string, Effect>();
  for (const change of changesBetween(before, after)) {
    for (const effect of rules[change.path]?.(scene, change) ?? []) told.set(effect.text, effect);
  }
  return [...told.values()];
}

const affects = (text: string): Effect => ({ kind: 'affects', text });
const keeps = (text: string): Effect => ({ kind: 'keeps', text });
const warns = (text: string): Effect => ({ kind: 'warns', text });
const loses = (text: string): Effect => ({ kind: 'loses', text });

const rules: Readonly<Partial<Record<Path, (scene: Scene, change: Change) => Effect[]>>> = {
  name: () => [keeps('The id and the address of the connector stay as they are.')],
  'provisioning.auth_type': ({ after }) => [
    affects(`Devices that provision from now on get a ${newCredential[after['provisioning.auth_type']]}.`),
    keeps('Devices already provisioned keep their credential.'),
  ],
  'provisioning.enabled': ({ after }) =>
    after['provisioning.enabled']
      ? [affects('Devices may provision again, as far as their activation window is still open.')]
      : [
          warns('No device can provision until this is switched on again. Activation windows go on closing meanwhile.'),
          keeps('Devices already provisioned go on.'),
        ],
  'identity_format.prefix': describeNewFormat,
  'identity_format.type': describeNewFormat,
  'identity_format.options.length': describeNewFormat,
  'identity_format.options.casing': describeNewFormat,
  'provisioning.presenter_identity': ({ after }) =>
    after['provisioning.presenter_identity']
      ? [
          warns(
            after['pki.enabled'] && after['provisioning.auth_type'] === 'certificate'
              ? 'A device that nobody whitelisted is let in if its certificate leads to one of the CAs and its identity fits the format.'
              : 'A device that nobody whitelisted is let in if its identity fits the format.',
          ),
        ]
      : [
          affects('Only identities that were whitelisted can provision from now on.'),
          keeps('Devices that registered themselves before stay.'),
        ],
  'provisioning.generate_identity': ({ after }) => [
    affects(
      after['provisioning.generate_identity']
        ? 'Operators and scripts may ask the server for new identities.'
        : 'The server makes no more identities.',
    ),
    keeps('Identities that were made before stay.'),
  ],
  'provisioning.ip_whitelisting.enabled': describeAddresses,
  'provisioning.ip_whitelisting.allowed': describeAddresses,
  'provisioning.expire_hours': ({ after }) => [
    affects(
      `Identities that are whitelisted from now on may provision for ${inWords('provisioning.expire_hours', after['provisioning.expire_hours'])}, unless their entry names another time.`,
    ),
    keeps('Windows that are open now stay as they are.'),
  ],
  'pki.enabled': ({ after }) =>
    after['pki.enabled']
      ? [
          warns(
            'From its next request on, a device with a certificate that leads to none of the CAs is refused, also if it is provisioned.',
          ),
          keeps('Devices with tokens or passwords go on.'),
        ]
      : [
          warns('Certificates that devices signed themselves can provision. Revocation lists no longer count.'),
          affects('A renewed certificate is no longer taken without an operator.'),
        ],
  'pki.client_ca': describeAuthorities,
  'pki.crl': describeLists,
  'events.types': () => [
    affects('The log shows these events unless others are asked for.'),
    keeps('All events are still recorded.'),
  ],
  'retention.events_days': (_, change) => describeRetention('Events', change),
  'retention.history_days': (_, change) => describeRetention('Values in the history of resources', change),
  'retention.expired_days': (_, change) => describeRetention('Whitelist entries that expired', change),
  'limits.requests_per_minute': ({ after }) => [
    affects(
      after['limits.requests_per_minute'] > 0
        ? 'A device that sends more gets 429 until the next minute.'
        : 'Devices may send as much as they like.',
    ),
  ],
};

const newCredential = { token: 'token', password: 'password', certificate: 'TLS client certificate' } as const;

function describeNewFormat({ after }: Scene): Effect[] {
  const format = settingsOf(after).identity_format;
  const { length } = format.options;
  // While it is being typed it may be no length yet.
  const words = Number.isInteger(length) && length >= 0 ? ` ${describeFormat(format)}` : '';
  return [
    affects(`New identities must fit${words === '' ? ' the new format.' : `:${words}`}`),
    keeps('Identities that are known keep working, whether they fit or not.'),
  ];
}

function describeAddresses({ after }: Scene): Effect[] {
  const count = after['provisioning.ip_whitelisting.allowed'].length;
  if (!after['provisioning.ip_whitelisting.enabled']) return [affects('Devices may provision from any address.')];
  return [
    count === 0
      ? warns('The list of addresses is empty: no device can provision.')
      : affects('Devices provision only from the addresses and ranges of the list.'),
    keeps('Devices already provisioned go on from wherever they are.'),
  ];
}

function describeAuthorities({ before, after, nameOf }: Scene): Effect[] {
  const { added, removed } = listChange(before['pki.client_ca'], after['pki.client_ca']);
  if (!after['pki.enabled']) return [keeps('CAs count only while PKI is enabled.')];
  return [
    ...(added.length > 0 ? [affects(`Devices of ${namesOf(added, nameOf, 'the new CA')} can connect.`)] : []),
    ...(removed.length > 0
      ? [
          warns(
            `Devices of ${namesOf(removed, nameOf, 'a removed CA')} are refused from now on, also those that are provisioned.`,
          ),
        ]
      : []),
  ];
}

function describeLists({ before, after, nameOf }: Scene): Effect[] {
  const { added, removed } = listChange(before['pki.crl'], after['pki.crl']);
  if (!after['pki.enabled']) return [keeps('Revocation lists count only while PKI is enabled.')];
  return [
    ...(added.length > 0
      ? [
          warns(
            `Devices whose certificate is on the list of ${namesOf(added, nameOf, 'its CA')} are refused from now on.`,
          ),
        ]
      : []),
    ...(removed.length > 0
      ? [
          warns(
            `Certificates that only the removed list of ${namesOf(removed, nameOf, 'its CA')} names are accepted again.`,
          ),
        ]
      : []),
  ];
}

const namesOf = (pems: readonly string[], nameOf: NameOf, unknown: string) =>
  listed([...new Set(pems.map((pem) => nameOf(pem) ?? unknown))]);

/** 0 keeps without end. */
function describeRetention(what: string, { path, from, to }: Change): Effect[] {
  const [before, after] = [from as number, to as number];
  const shorter = after > 0 && (before === 0 || after < before);
  if (!shorter) return [keeps('What was removed before does not come back.')];
  return [loses(`${what} older than ${inWords(path, after)} are removed within minutes and cannot be brought back.`)];
}
