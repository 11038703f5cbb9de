/**
 * From flags to a fleet that can run: which connector, how devices prove who they are, what they write, who they are and
 * whether they are let in. Asks the management API where it may; decides what is done where it may not.
 */
import { randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { AuthType, Resource } from '../domain/connector.ts';
import { createCertificates, type MakeCertificate, readIssuer } from './certificates.ts';
import { type Keyring, noKeyring, openKeyring, type Secret } from './credentials.ts';
import { Explained } from './explained.ts';
import type { Flags } from './flags.ts';
import { anyFormat, makeIdentities, readIdentities } from './identities.ts';
import { authPatch, type ConnectorView, type Management, openManagement, type Settings } from './management.ts';
import { openTarget, type Place, type Target } from './target.ts';
import type { Alias } from './values.ts';

/** What is taken where no flag says otherwise: the settings that a server on this machine has. */
export interface Defaults {
  readonly api: string;
  readonly email: string;
  readonly password: string | null;
  readonly mqttPort: number;
  /** Certificate file of the local CA, which need not be there. */
  readonly caPath: string;
}

export interface Plan {
  readonly target: Target;
  readonly auth: AuthType;
  readonly aliases: readonly Alias[];
  readonly settable: readonly string[];
  readonly seed: number;
  readonly keyring: Keyring;
  readonly makeCertificate: MakeCertificate;
  /** Who takes part, with what is kept of them. */
  readonly members: readonly (readonly [identity: string, secret: Secret | null])[];
}

type Note = (text: string) => void;

/** A connector as far as it is known. `settings` and `management` are null where nobody may ask. */
interface Found {
  readonly id: string;
  readonly place: Place;
  readonly management: Management | null;
  readonly settings: Settings | null;
  /** Certificate of the server's own CA, PEM; null where there is none, or nobody may ask. */
  readonly authority: string | null;
}

/** The connector that is made where none was named: nothing of yours gets made-up data unless you say so. */
const OWN = 'Simulation';
const resource = (given: Partial<Resource>): Resource => ({
  format: 'number',
  unit: '',
  settable: false,
  allowed: [],
  initial: null,
  sync: false,
  ...given,
});
const ownResources: Record<string, Resource> = {
  temperature: resource({ unit: '°C', allowed: ['-20..60'] }),
  humidity: resource({ unit: '%', allowed: ['0..100'] }),
  running: resource({ format: 'boolean' }),
  setpoint: resource({ unit: '°C', allowed: ['5..30'], settable: true, sync: true }),
};
/** Where nothing is known of the resources. */
const usualAliases = ['temperature', 'humidity'];

/** Throws Explained. What is worth knowing goes to `note`. */
export async function makePlan(flags: Flags, defaults: Defaults, note: Note): Promise<Plan> {
  const found = await findConnector(flags, defaults, note);
  const { settings } = found;
  const target = await openTarget(found.place, await readTrust(flags, defaults, found.authority));
  const auth = flags.auth ?? settings?.provisioning.auth_type ?? 'token';
  const aliases = chooseAliases(flags, settings, note);
  const settable = settableOf(flags, settings, aliases);
  const makeCertificate = await certificates(flags, auth, settings);
  const seed = flags.seed ?? randomInt(1_000_000);
  const keyring = await openCredentials(flags, found, note);
  const members = await chooseMembers(flags, found, keyring, seed, note);
  return { target, auth, aliases, settable, seed, keyring, makeCertificate, members };
}

async function findConnector(flags: Flags, defaults: Defaults, note: Note): Promise<Found> {
  if (flags.url !== null && flags.connector !== null) {
    throw new Explained('--url names the connector already; leave --connector out.');
  }
  const asks = flags.url === null || flags.api !== null || flags.key !== null || flags.password !== null;
  const management = asks ? await signIn(flags, defaults) : null;
  const facts = (await management?.server()) ?? { mqttPort: null, deviceUrl: null, authority: null };
  const { mqttPort, deviceUrl, authority } = facts;
  const place = (url: string) => placeOf(url, flags, mqttPort ?? defaults.mqttPort);
  if (flags.url !== null) {
    const there = place(flags.url);
    const id = there.host.split('.')[0]!;
    return { id, place: there, management, settings: (await management?.settings(id)) ?? null, authority };
  }
  const { connector, settings } =
    flags.connector === null
      ? await ownConnector(management!, flags, note, async () => {
          if (deviceUrl !== null) await openTarget(place(deviceUrl), await readTrust(flags, defaults, authority));
        })
      : await named(management!, flags.connector);
  const { auth_type } = settings.provisioning;
  if (flags.auth !== null && flags.auth !== auth_type) {
    throw new Explained(`The connector ${connector.name} provisions by ${auth_type}; --auth says ${flags.auth}.`);
  }
  return { id: connector.id, place: place(connector.url), management, settings, authority };
}

function signIn(flags: Flags, defaults: Defaults): Promise<Management> {
  const base = flags.api ?? defaults.api;
  if (flags.key !== null) return openManagement(base, { key: flags.key });
  const password = flags.password ?? defaults.password;
  if (password === null) {
    throw new Explained(
      `Who asks the management API at ${base}? Give --password (or SLIPWAY_ADMIN_PASSWORD) or --key.\n` +
        'Without it, --url names the connector, and --identities who is let in already.',
    );
  }
  return openManagement(base, { email: flags.email ?? defaults.email, password });
}

function placeOf(text: string, flags: Flags, mqttPort: number): Place {
  const url = URL.parse(text);
  if (url === null || !['https:', 'mqtts:'].includes(url.protocol) || url.hostname === '') {
    throw new Explained(`--url is ${JSON.stringify(text)}; expected https://<id>.m2.<domain>:<port> or mqtts://….`);
  }
  const named = url.port === '' ? (url.protocol === 'https:' ? 443 : 8883) : Number(url.port);
  const other = flags.protocol === 'mqtt' && url.protocol === 'https:';
  return { host: url.hostname, port: flags.port ?? (other ? mqttPort : named) };
}

interface Known {
  readonly connector: ConnectorView;
  readonly settings: Settings;
}

async function named(management: Management, name: string): Promise<Known> {
  const all = await management.connectors();
  const connector = all.find(({ id }) => id === name) ?? all.find((one) => one.name === name);
  if (connector === undefined) {
    throw new Explained(
      `There is no connector ${name}; there are: ${all.map((one) => one.name).join(', ') || 'none'}.`,
    );
  }
  return { connector, settings: await management.settings(connector.id) };
}

/** `tryPort`: throws where no device could connect; nothing is made then. */
async function ownConnector(
  management: Management,
  { auth }: Flags,
  note: Note,
  tryPort: () => Promise<void>,
): Promise<Known> {
  const there = (await management.connectors()).find(({ name }) => name === OWN);
  if (there === undefined) await tryPort();
  const connector = there ?? (await management.createConnector(OWN, 'Made by slipway simulate'));
  if (there === undefined) {
    note(`Made the connector "${OWN}", ${connector.url}`);
    const settings = await management.change(connector.id, { resources: ownResources, ...(auth && authPatch(auth)) });
    return { connector, settings };
  }
  const settings = await management.settings(connector.id);
  if (auth === null || auth === settings.provisioning.auth_type) return { connector, settings };
  note(`The connector "${OWN}" provisions by ${auth} from now on.`);
  return { connector, settings: await management.change(connector.id, authPatch(auth)) };
}

/** CA certificates, PEM: those that were given, that of the server as its management API says, and that of this machine. */
async function readTrust(flags: Flags, { caPath }: Defaults, told: string | null): Promise<string[]> {
  const given = flags.ca.map((path) =>
    readFile(path, 'utf8').catch((error) => {
      throw new Explained(`--ca cannot be read: ${error.message}`);
    }),
  );
  const local = await readFile(caPath, 'utf8').catch(() => null);
  const all = [...(await Promise.all(given)), told, local].filter((pem) => pem !== null);
  return [...new Set(all)];
}

function chooseAliases({ aliases }: Flags, settings: Settings | null, note: Note): Alias[] {
  const resources = settings?.resources ?? {};
  const sensors = Object.keys(resources).filter((name) => !resources[name]!.settable);
  const all = sensors.length > 0 ? sensors : Object.keys(resources);
  const names = aliases ?? (all.length > 0 ? all : usualAliases);
  const undefinedOnes = names.filter((name) => !Object.hasOwn(resources, name));
  if (settings !== null && undefinedOnes.length > 0) {
    note(`No resource of ${settings.name}, so in its log only: ${undefinedOnes.join(', ')}`);
  }
  return names.map((name) => ({ name, resource: resources[name] ?? null }));
}

function settableOf({ listen, protocol }: Flags, settings: Settings | null, written: readonly Alias[]): string[] {
  if (listen && protocol === 'https' && settings === null) {
    throw new Explained(
      '--listen needs to know which resources the cloud may set: give --api with --password or --key.',
    );
  }
  // What a device writes itself would wake its own poll.
  const own = new Set(written.map(({ name }) => name));
  return Object.entries(settings?.resources ?? {})
    .filter(([name, { settable }]) => settable && !own.has(name))
    .map(([name]) => name);
}

async function certificates(flags: Flags, auth: AuthType, settings: Settings | null): Promise<MakeCertificate> {
  const { deviceCa, deviceCaKey } = flags;
  if (deviceCa !== null) return createCertificates(await readIssuer(deviceCa, deviceCaKey!));
  if (auth === 'certificate' && settings?.pki.enabled === true) {
    throw new Explained(
      `The connector ${settings.name} takes certificates of its CAs only: give --device-ca and --device-ca-key.`,
    );
  }
  return createCertificates(null);
}

async function openCredentials({ credentials }: Flags, { id, place }: Found, note: Note): Promise<Keyring> {
  if (credentials === null) return noKeyring;
  const path = credentials === '' ? `fleet-${id}.jsonl` : credentials;
  const keyring = await openKeyring(path, place.host);
  note(`Credentials are kept in ${path}: ${keyring.known.size} so far.`);
  return keyring;
}

/** Who is kept takes part first. */
async function chooseMembers(
  flags: Flags,
  found: Found,
  { known }: Keyring,
  seed: number,
  note: Note,
): Promise<[string, Secret | null][]> {
  const { management, settings, id } = found;
  const kept: [string, Secret | null][] = [...known].slice(0, flags.devices);
  const taken = new Set(known.keys());
  const missing = flags.devices - kept.length;
  if (missing === 0) return kept;
  const others =
    flags.identities === null
      ? makeIdentities(settings?.identity_format ?? anyFormat, seed, missing, taken)
      : await readIdentities(flags.identities, missing, taken);
  const members = [...kept, ...others.map((identity): [string, null] => [identity, null])];
  if (flags.identities !== null || settings?.provisioning.presenter_identity === true) return members;
  if (management === null) {
    note('Nobody lets the devices in: the connector has to allow that they register their own identity.');
    return members;
  }
  const imported = await management.whitelist(id, others, `Simulation, ${missing} devices, seed ${seed}`);
  const before = Object.entries(imported.known).flatMap(([status, count]) => (count > 0 ? [`${count} ${status}`] : []));
  note(`Let ${imported.count} devices in.${before.length === 0 ? '' : ` Known before: ${before.join(', ')}.`}`);
  return members;
}
