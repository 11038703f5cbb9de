/**
 * The rules of what people and factories may do to a device: whitelist, lock, revoke, reprovision, tag, remove
 * (provisioning.md, A device's life). Pure: the stored device and the wish come in, the new device and the events to
 * log come out, as `changeDevice` of the store takes them. Knows nothing of HTTP, hashing or who may call.
 */
import type { AuthType, ConnectorSettings, EventType } from './connector.ts';
import {
  type Credential,
  type Device,
  hasExpired,
  type NewEvent,
  newDevice,
  type Origin,
  statusOf,
  type Tags,
} from './device.ts';
import { AppError } from './errors.ts';
import { checkIdentity } from './identity.ts';

/** Who acts, from where, and when (µs). */
export interface Actor {
  readonly who: string;
  readonly origin: Origin;
  readonly now: number;
}

/** A rule's decision; the shape of the store's `DeviceChange`. */
export interface Decision<T> {
  readonly answer: T;
  readonly device?: Device | null;
  readonly events?: readonly NewEvent[];
}

export interface WhitelistRequest {
  readonly identity: string;
  /** What the entry asks for; left out, the connector's setting decides. */
  readonly authType?: AuthType;
  /** Given beforehand: the device is provisioned at once. */
  readonly credential?: Credential;
  /** µs since the epoch; 0 = revoked; left out, the connector's activation window. */
  readonly expire?: number;
  readonly locked?: boolean;
  /** Replaces the tags. */
  readonly tags?: Tags;
}

export interface DevicePatch {
  readonly locked?: boolean;
  readonly reprovision?: boolean;
  /** µs since the epoch; 0 = revoke; null = never ends. */
  readonly expire?: number | null;
  /** Replaces the values of the names given; a name without values goes. */
  readonly tags?: Tags;
}

const HOUR = 3_600_000_000;

/** When an activation window that opens at `now` (µs) closes, in µs. */
export function windowEnd(settings: ConnectorSettings, now: number): number {
  return now + Math.round(settings.provisioning.expire_hours * HOUR);
}

/**
 * Lets an identity in, or with `upsert` brings a known one up to date. The answer is true when it is new.
 * DEVICE_KNOWN without `upsert`; IDENTITY_FORMAT, for new identities only.
 */
export function whitelist(
  device: Device | null,
  request: WhitelistRequest,
  settings: ConnectorSettings,
  upsert: boolean,
  actor: Actor,
): Decision<boolean> {
  if (device === null) return enter(request, settings, actor);
  if (upsert) return refresh(device, request, settings, actor);
  const status = statusOf(device, actor.now);
  throw new AppError('DEVICE_KNOWN', {
    seen: `${device.identity}, ${status}`,
    wanted: 'a new identity, or ?upsert=true',
  });
}

function enter(request: WhitelistRequest, settings: ConnectorSettings, actor: Actor): Decision<boolean> {
  const fault = checkIdentity(settings.identity_format, request.identity);
  if (fault !== null) throw new AppError('IDENTITY_FORMAT', { seen: fault.seen, wanted: fault.wanted });
  const entry: Device = {
    ...newDevice(request.identity, actor.now),
    authType: request.authType ?? null,
    tags: request.tags ?? {},
    locked: request.locked ?? false,
    expiresAt: request.expire ?? windowEnd(settings, actor.now),
  };
  const device = request.credential === undefined ? entry : bind(entry, request.credential, request.expire, actor);
  const events = [event('whitelisted', device, actor, { expire: device.expiresAt })];
  if (device.credential !== null) events.push(given(device, actor));
  if (device.locked) events.push(event('locked', device, actor));
  return { answer: true, device, events };
}

/** A known identity whitelisted again: keeps what it has, unless a credential is given; a closed window opens again. */
function refresh(
  device: Device,
  request: WhitelistRequest,
  settings: ConnectorSettings,
  actor: Actor,
): Decision<boolean> {
  const bound = device.credential !== null || request.credential !== undefined;
  const expire = bound ? request.expire : (request.expire ?? windowEnd(settings, actor.now));
  const { device: patched, events } = change(device, { locked: request.locked, expire }, actor);
  const next: Device = {
    ...patched,
    authType: request.authType ?? patched.authType,
    tags: request.tags ?? patched.tags,
  };
  if (request.credential === undefined || isSame(device.credential, request.credential)) {
    return { answer: false, device: next, events };
  }
  const changed = bind(next, request.credential, request.expire, actor);
  if (changed.credential !== null) events.push(given(changed, actor));
  return { answer: false, device: changed, events };
}

/** True for the same token or certificate, so that a script may run twice; password hashes differ each time. */
function isSame(a: Credential | null, b: Credential): boolean {
  if (a?.type === 'token' && b.type === 'token') return a.digest === b.digest;
  return a?.type === 'certificate' && b.type === 'certificate' && a.fingerprint === b.fingerprint;
}

/** Binds a credential given beforehand. It ends at `expire`, or never; with 0 it is not bound at all. */
function bind(device: Device, credential: Credential, expire: number | undefined, actor: Actor): Device {
  if (expire === 0) return device;
  return {
    ...device,
    credential,
    previous: null,
    reprovision: false,
    provisionedAt: actor.now,
    expiresAt: expire ?? null,
  };
}

/** Changes a known device. DEVICE_UNKNOWN; STATE_CONFLICT when a device without credential is to provision again. */
export function patchDevice(device: Device | null, patch: DevicePatch, actor: Actor): Decision<null> {
  const known = expectDevice(device);
  return { answer: null, ...change(known, patch, actor) };
}

function change(device: Device, patch: DevicePatch, actor: Actor): { device: Device; events: NewEvent[] } {
  const events: NewEvent[] = [];
  let next = device;
  if (patch.expire !== undefined) next = expireAt(next, patch.expire, actor, events);
  if (patch.reprovision !== undefined) next = allowReprovision(next, patch.reprovision, actor, events);
  if (patch.locked !== undefined && patch.locked !== next.locked) {
    next = { ...next, locked: patch.locked };
    events.push(event(patch.locked ? 'locked' : 'unlocked', next, actor));
  }
  if (patch.tags !== undefined) next = { ...next, tags: mergeTags(next.tags, patch.tags) };
  return { device: next, events };
}

/** For a provisioned device the end of its credential, else the end of its activation window; 0 revokes. */
function expireAt(device: Device, expire: number | null, actor: Actor, events: NewEvent[]): Device {
  if (expire === 0) return revoke(device, actor, events);
  const next = { ...device, expiresAt: expire };
  if (device.credential === null && hasExpired(device, actor.now) && !hasExpired(next, actor.now)) {
    events.push(event('whitelisted', next, actor, { expire }));
  }
  return next;
}

/** Ends the credential at once: not provisioned, and not whitelisted either (provisioning.md, A device's life). */
function revoke(device: Device, actor: Actor, events: NewEvent[]): Device {
  if (device.expiresAt === 0 && device.credential === null) return device;
  const next: Device = {
    ...device,
    credential: null,
    previous: null,
    provisionedAt: null,
    reprovision: false,
    expiresAt: 0,
  };
  events.push(event('revoked', next, actor));
  return next;
}

function allowReprovision(device: Device, allow: boolean, actor: Actor, events: NewEvent[]): Device {
  if (device.reprovision === allow) return device;
  if (device.credential === null) {
    throw new AppError('STATE_CONFLICT', {
      seen: statusOf(device, actor.now),
      wanted: 'a provisioned device; a new auth.expire opens the activation window of one that is not',
    });
  }
  const next = { ...device, reprovision: allow };
  events.push(event('reprovision', next, actor, { allowed: allow }));
  return next;
}

/** DEVICE_UNKNOWN when there is nothing to remove. */
export function removeDevice(device: Device | null, actor: Actor): Decision<null> {
  const known = expectDevice(device);
  return { answer: null, device: null, events: [event('deleted', known, actor)] };
}

/** Replaces all tags. The device never sees them, and the log does not tell of them. */
export function replaceTags(device: Device | null, tags: Tags): Decision<null> {
  return { answer: null, device: { ...expectDevice(device), tags: mergeTags({}, tags) } };
}

/** Removes one tag by name. TAG_UNKNOWN. */
export function removeTag(device: Device | null, name: string): Decision<null> {
  const known = expectDevice(device);
  if (!Object.hasOwn(known.tags, name)) throw new AppError('TAG_UNKNOWN', { seen: name });
  return { answer: null, device: { ...known, tags: mergeTags(known.tags, { [name]: [] }) } };
}

/** The names given take the values given, each once; a name without values goes. */
export function mergeTags(current: Tags, patch: Tags): Tags {
  const merged = new Map(Object.entries(current));
  for (const [name, values] of Object.entries(patch)) {
    if (values.length === 0) merged.delete(name);
    else merged.set(name, [...new Set(values)]);
  }
  return Object.fromEntries(merged);
}

function expectDevice(device: Device | null): Device {
  if (device === null) throw new AppError('DEVICE_UNKNOWN');
  return device;
}

/** The device was provisioned by a credential that an operator gave beforehand. */
function given(device: Device, actor: Actor): NewEvent {
  return event('provisioned', device, actor, { auth: device.credential?.type, given: true });
}

function event(type: EventType, device: Device, actor: Actor, more: Record<string, unknown> = {}): NewEvent {
  return {
    type,
    identity: device.identity,
    origin: actor.origin,
    timestamp: actor.now,
    payload: { who: actor.who, ...more },
  };
}
