/** By what a credential is found, and what a device's status is apart from time: as both engines index it. Pure. */
import type { Credential, Device, DeviceStatus } from '../domain/device.ts';

/** What SHA-256 finds the credential by; a password is found by its identity alone. */
export function digestOf(credential: Credential): string | null {
  if (credential.type === 'token') return credential.digest;
  return credential.type === 'certificate' ? credential.fingerprint : null;
}

/** What an index can know of a device's status: everything but the passing of time (lists.ts). */
export function phaseOf(device: Device, expiryLogged: boolean): DeviceStatus {
  if (device.locked) return 'locked';
  if (expiryLogged) return 'expired';
  if (device.reprovision) return 'reprovision';
  // Readers rely on it: whoever is whitelisted has no credential at all.
  return device.credential === null && device.previous === null ? 'whitelisted' : 'provisioned';
}
