/** Carries a remedy out by the management API, and says in a sentence what was done. */
import type { QueryClient } from '@tanstack/react-query';
import { api, unwrap } from '../api/client.ts';
import { deviceQuery, settingsQuery } from '../api/queries.ts';
import type { Identity, SettingsPatch } from '../api/types.ts';
import { windowEnd } from '../parts/activation-window.ts';
import { formatExact } from '../parts/format-time.ts';
import type { Remedy } from './rules.ts';

const device = '/api:1/service/{connector}/device2/identity/{identity}';

/** What the remedy is carried out on. */
export interface Patient {
  readonly connector: string;
  readonly identity: string;
}

/** Throws ApiFailure or Unreachable. Remedies that are links (`settings`, `resources`) have nothing to carry out. */
export async function mend(client: QueryClient, patient: Patient, remedy: Remedy): Promise<string> {
  const done = await carryOut(client, patient, remedy);
  const touched = ['device', 'devices', 'settings', 'explain', 'events'];
  await Promise.all(touched.map((key) => client.invalidateQueries({ queryKey: [key, patient.connector] })));
  return done;
}

async function carryOut(client: QueryClient, patient: Patient, remedy: Remedy): Promise<string> {
  const { connector, identity } = patient;
  switch (remedy.kind) {
    case 'whitelist':
      return `${identity} is whitelisted. ${windowOf(await whitelist(patient, {}, false))}`;
    // The server's clock and the connector's own setting say when the window closes.
    case 'reopen':
      return `The activation window is open again. ${windowOf(await whitelist(patient, {}, true))}`;
    case 'take': {
      const expire = await laterEnd(client, patient);
      const changed = await whitelist(patient, { auth: { type: remedy.type, expire } }, true);
      return `${identity} now provisions by ${remedy.type}. ${windowOf(changed)}`;
    }
    case 'unlock':
      await change(patient, { locked: false });
      return `${identity} is unlocked: what it sends is accepted from its next request on.`;
    case 'keep':
      await change(patient, { auth: { expire: null } });
      return `The credential of ${identity} is valid again and has no end.`;
    case 'reprovision':
      await change(patient, { reprovision: true });
      return `${identity} may provision once more. Its present credential works until the new one is used.`;
    case 'switch-on':
      await changeSettings(client, connector, () => ({ provisioning: { enabled: true } }));
      return 'Provisioning is switched on, for every device of this connector.';
    case 'allow-address':
      await changeSettings(client, connector, (allowed) => ({
        provisioning: { ip_whitelisting: { allowed: [...allowed, remedy.address] } },
      }));
      return `${remedy.address} is allowed: devices may be provisioned from there.`;
    case 'settings':
    case 'resources':
      return '';
  }
}

const windowOf = ({ auth }: Identity) =>
  auth.expire === undefined ? 'It can try again.' : `It can provision until ${formatExact(auth.expire).slice(0, 16)}.`;

/** The end of an activation window that is open for longer than a new one would be; undefined if a new one is to open. */
async function laterEnd(client: QueryClient, { connector, identity }: Patient): Promise<number | undefined> {
  const [device, { settings }] = await Promise.all([
    client.fetchQuery({ ...deviceQuery(connector, identity), staleTime: 0 }),
    client.fetchQuery(settingsQuery(connector)),
  ]);
  const usual = windowEnd(settings.provisioning.expire_hours, Date.now() * 1000) ?? 0;
  const end = device?.auth.expire;
  return end !== undefined && end > usual ? end : undefined;
}

interface Wish {
  readonly auth?: { readonly type: Identity['auth']['type']; readonly expire?: number };
}

const whitelist = ({ connector, identity }: Patient, body: Wish, upsert: boolean) =>
  unwrap(api.PUT(device, { params: { path: { connector, identity }, query: { upsert } }, body })) as Promise<Identity>;

interface Change {
  readonly locked?: boolean;
  readonly reprovision?: boolean;
  readonly auth?: { readonly expire: null };
}

const change = ({ connector, identity }: Patient, body: Change) =>
  unwrap(api.PATCH(device, { params: { path: { connector, identity } }, body }));

/** Reads the settings anew and changes just that version: what somebody else saved meanwhile is not overwritten. */
async function changeSettings(
  client: QueryClient,
  connector: string,
  patchOf: (allowed: readonly string[]) => SettingsPatch,
): Promise<void> {
  const { settings, etag } = await client.fetchQuery({ ...settingsQuery(connector), staleTime: 0 });
  const body = patchOf(settings.provisioning.ip_whitelisting.allowed);
  const headers = { 'If-Match': etag };
  await unwrap(api.PATCH('/api:1/service/{connector}/device2', { params: { path: { connector } }, body, headers }));
}
