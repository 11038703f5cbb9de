/** How the wire shows a device (management-api.md, Identity) and the state of its resources. Never a secret. */
import type { AuthType, Resource } from '../domain/connector.ts';
import { type Credential, type Device, isOnline, statusOf } from '../domain/device.ts';
import type { ValueState } from '../store/store.ts';

/** `defaultType`: what the connector gives to a device that asks for nothing else. `now` in µs. */
export function viewDevice(device: Device, defaultType: AuthType, now: number) {
  const { expiresAt, lastSeen } = device;
  return {
    identity: device.identity,
    auth: {
      type: device.credential?.type ?? device.authType ?? defaultType,
      ...(expiresAt === null ? {} : { expire: expiresAt }),
    },
    state: {},
    locked: device.locked,
    reprovision: device.reprovision,
    devmode: false,
    status: statusOf(device, now),
    online: isOnline(device, now),
    lastip: device.lastIp,
    lastseen: lastSeen,
    created: device.created,
    provisioned_at: device.provisionedAt,
    tags: device.tags,
    batch: device.batch,
    ...(device.credential?.type === 'certificate' && { certificate_expires: device.credential.notAfter }),
  };
}

/** What may be shown of a credential: its kind, and of a certificate what is public anyway. */
export function viewCredential(credential: Credential | null) {
  if (credential === null) return null;
  if (credential.type !== 'certificate') return { type: credential.type };
  const { type, fingerprint, notBefore, notAfter } = credential;
  return { type, fingerprint, not_before: notBefore, not_after: notAfter };
}

interface ShownValue {
  readonly reported: string | null;
  readonly set: string | null;
  readonly timestamp: number;
}

/** State by alias. A resource with an initial value shows it as `set`, as of `created`, until another is set. */
export function viewState(
  state: Readonly<Record<string, ValueState>>,
  resources: Readonly<Record<string, Resource>>,
  created: number,
): Record<string, ShownValue> {
  const shown = new Map<string, ShownValue>();
  for (const [alias, { settable, initial }] of Object.entries(resources)) {
    if (settable && initial !== null) shown.set(alias, { reported: null, set: String(initial), timestamp: created });
  }
  for (const [alias, { set, setAt, reported, reportedAt }] of Object.entries(state)) {
    const timestamp = Math.max(setAt ?? 0, reportedAt ?? 0);
    shown.set(alias, { reported, set: set ?? shown.get(alias)?.set ?? null, timestamp });
  }
  return Object.fromEntries(shown);
}
