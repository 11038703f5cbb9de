/**
 * Which refusals are told of a device: those that are logged as `refused`, counted, and explained to people. The others of
 * the catalogue are about the bytes of a request.
 */
import type { ErrorCode } from './errors.ts';

/** Refusals that say something about a device or its credential. */
export const tellingCodes = [
  'CREDENTIAL_MISSING',
  'CREDENTIAL_INVALID',
  'CREDENTIAL_EXPIRED',
  'CREDENTIAL_CONFLICT',
  'CREDENTIAL_TAKEN',
  'DEVICE_LOCKED',
  'CERTIFICATE_NOT_YET_VALID',
  'CERTIFICATE_EXPIRED',
  'CERTIFICATE_UNTRUSTED',
  'CERTIFICATE_REVOKED',
  'CERTIFICATE_NAME',
  'CERTIFICATE_REQUIRED',
  'CERTIFICATE_NOT_WANTED',
  'PROVISIONING_DISABLED',
  'ADDRESS_NOT_ALLOWED',
  'IDENTITY_UNKNOWN',
  'IDENTITY_FORMAT',
  'ALREADY_PROVISIONED',
  'WINDOW_CLOSED',
  'PASSWORD_MISSING',
  'PASSWORD_LENGTH',
  'PASSWORD_NOT_WANTED',
  'VALUE_REFUSED',
] as const satisfies readonly ErrorCode[];

export type TellingCode = (typeof tellingCodes)[number];
