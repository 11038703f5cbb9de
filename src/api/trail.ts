/** What calls write into the audit log: who, from where, and what of a change is told. Never a secret. */
import type { FastifyRequest } from 'fastify';
import { difference, type NewAudit } from '../domain/audit.ts';
import type { Job } from '../domain/bulk.ts';
import type { ConnectorSettings } from '../domain/connector.ts';
import type { Content } from '../domain/content.ts';
import type { Device } from '../domain/device.ts';
import { normalizeAddress } from '../domain/network.ts';
import { tellUser, type User } from '../domain/people.ts';
import type { Webhook } from '../domain/webhook.ts';
import type { ContentChange, DeviceChange } from '../store/store.ts';
import { viewContent } from './content/view.ts';
import type { Caller } from './context.ts';
import { viewCredential } from './device-view.ts';

/** What of a call its entries are made of. */
export interface Acting {
  readonly caller: Caller | null;
  readonly request: Pick<FastifyRequest, 'ip'>;
  readonly now: number;
  readonly action: string;
}

export const targets = {
  connector: (id: string) => `connectors/${id}`,
  device: (connector: string, identity: string) => `connectors/${connector}/devices/${identity}`,
  batch: (connector: string, id: string) => `connectors/${connector}/batches/${id}`,
  job: (connector: string, id: string) => `connectors/${connector}/jobs/${id}`,
  content: (connector: string, id: string) => `connectors/${connector}/content/${id}`,
  webhook: (connector: string, id: string) => `connectors/${connector}/webhooks/${id}`,
  user: (email: string) => `users/${email}`,
  key: (id: string) => `keys/${id}`,
} as const;

/** An entry for a change of this call. `who` where nobody has signed in yet. */
export function entry(
  { caller, request, now, action }: Acting,
  target: string,
  before: unknown,
  after: unknown,
  who = caller?.who ?? 'nobody',
): NewAudit {
  return { timestamp: now, who, from: normalizeAddress(request.ip), action, target, before, after };
}

/** The same with what differs alone; null where nothing does. */
export function changeEntry(call: Acting, target: string, before: unknown, after: unknown): NewAudit | null {
  const told = difference(before, after);
  return told === null ? null : entry(call, target, told.before, told.after);
}

/** A rule on a device whose decisions are told in the audit log. */
export function audited<T>(
  call: Acting,
  connector: string,
  identity: string,
  decide: (device: Device | null) => DeviceChange<T>,
): (device: Device | null) => DeviceChange<T> {
  return (device) => {
    const change = decide(device);
    if (change.device === undefined) return change;
    const told = changeEntry(call, targets.device(connector, identity), tellDevice(device), tellDevice(change.device));
    return told === null ? change : { ...change, audit: told };
  };
}

function tellDevice(device: Device | null) {
  if (device === null) return null;
  const { authType, credential, provisionedAt, expiresAt, locked, reprovision, tags, batch } = device;
  return {
    auth: authType,
    credential: viewCredential(credential),
    provisioned_at: provisionedAt,
    expire: expiresAt,
    locked,
    reprovision,
    tags,
    batch,
  };
}

/** The same for a rule on a file. */
export function auditedContent<T>(
  call: Acting,
  connector: string,
  id: string,
  decide: (content: Content | null) => ContentChange<T>,
): (content: Content | null) => ContentChange<T> {
  return (content) => {
    const change = decide(content);
    if (change.content === undefined) return change;
    const told = changeEntry(call, targets.content(connector, id), tellContent(content), tellContent(change.content));
    return told === null ? change : { ...change, audit: told };
  };
}

function tellContent(content: Content | null) {
  if (content === null) return null;
  const { id: _, created: __, who: ___, ...told } = viewContent(content);
  return told;
}

/** For changes of a job, with the number of devices that it had changed by then. */
export function jobEntry(call: Acting) {
  return (before: Job, { connector, id, state, changed }: Job): NewAudit =>
    entry(call, targets.job(connector, id), { state: before.state }, { state, changed });
}

/** What is told of a webhook; its secret is not, only that there is a new one. */
export function tellWebhook(hook: Webhook, newSecret = false) {
  const { url, types, enabled, pausedAt } = hook;
  return { url, types, enabled, paused: pausedAt !== null, ...(newSecret && { secret: 'new' }) };
}

/** Where a webhook goes on from; a replay also ends a pause. */
export const tellPlace = ({ position, pausedAt }: Webhook) => ({ position, paused: pausedAt !== null });

/** For changes of a connector's settings. */
export function settingsEntry(call: Acting, connector: string) {
  return (before: ConnectorSettings, after: ConnectorSettings): NewAudit | null =>
    changeEntry(call, targets.connector(connector), before, after);
}

/** For changes of an account; told under the email that it had. */
export function userEntry(call: Acting, who?: string) {
  return (before: User | null, after: User | null): NewAudit | null => {
    const told = difference(before && tellUser(before), after && tellUser(after));
    const target = targets.user((before ?? after)?.email ?? '');
    return told === null ? null : entry(call, target, told.before, told.after, who);
  };
}
