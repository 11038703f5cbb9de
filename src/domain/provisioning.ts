/**
 * Who may provision, how, and if not, why (provisioning.md). Pure: the stored device, the request and the settings come
 * in; the new device and its events, or the refusal, come out. Both doors use it, so that no rule is written twice.
 */
import { type ClientCertificate, toCredential } from './certificate.ts';
import type { AuthType, ConnectorSettings } from './connector.ts';
import { type Credential, type Device, hasExpired, type NewEvent, newDevice, type Origin } from './device.ts';
import { AppError } from './errors.ts';
import { checkIdentity } from './identity.ts';
import { isAllowed } from './network.ts';
import { checkDates, trustedUntil } from './pki.ts';

/** device-http.md, POST /provision/activate: 20 to 512 bytes. */
export const PASSWORD_MIN = 20;
export const PASSWORD_MAX = 512;
/** provisioning.md: the credential before a reprovision ends after 24 h at the most. */
const GRACE = 86_400_000_000;

export interface ActivationRequest {
  readonly identity: string;
  /** Bytes of the password that was sent; null if none was. */
  readonly passwordLength: number | null;
  readonly certificate: ClientCertificate | null;
  readonly origin: Origin;
  readonly now: number;
}

interface Decision {
  readonly answer: null;
  readonly device: Device;
  readonly events: readonly NewEvent[];
}

/** What the device is to get. Throws the AppError of the first rule that says no. */
export function checkActivation(
  device: Device | null,
  request: ActivationRequest,
  settings: ConnectorSettings,
): AuthType {
  const { provisioning, identity_format: format } = settings;
  if (!provisioning.enabled) throw new AppError('PROVISIONING_DISABLED');
  const { enabled: restricted, allowed } = provisioning.ip_whitelisting;
  if (restricted && !isAllowed(allowed, request.origin.ip)) {
    throw new AppError('ADDRESS_NOT_ALLOWED', {
      seen: request.origin.ip,
      wanted: allowed.join(', ') || 'an allowed address',
    });
  }
  if (device === null) {
    if (!provisioning.presenter_identity) throw new AppError('IDENTITY_UNKNOWN', { seen: request.identity });
    const fault = checkIdentity(format, request.identity);
    if (fault !== null) throw new AppError('IDENTITY_FORMAT', { seen: fault.seen, wanted: fault.wanted });
  } else {
    checkStanding(device, request.now);
  }
  const wanted = device?.authType ?? provisioning.auth_type;
  checkProof(wanted, request, settings);
  return wanted;
}

/** Whether a known device may provision now. */
function checkStanding(device: Device, now: number): void {
  if (device.locked) throw new AppError('DEVICE_LOCKED', { seen: device.identity });
  if (hasExpired(device, now)) {
    const seen = device.expiresAt === 0 ? 'a revoked entry' : `it closed at ${isoTime(device.expiresAt!)}`;
    throw new AppError('WINDOW_CLOSED', { seen, wanted: 'a new window, opened by an operator' });
  }
  if (device.credential !== null && !device.reprovision) {
    const seen = `${device.identity}, provisioned by ${device.credential.type}`;
    throw new AppError('ALREADY_PROVISIONED', { seen, wanted: 'reprovision, set by an operator' });
  }
}

/** device-http.md, POST /provision/activate: the table of what the connector wants and what was sent. */
function checkProof(wanted: AuthType, request: ActivationRequest, settings: ConnectorSettings): void {
  const { passwordLength, certificate } = request;
  if (wanted === 'certificate') {
    if (certificate === null) throw new AppError('CERTIFICATE_REQUIRED');
    checkCertificate(certificate, request.identity, settings, request.now);
  } else if (wanted === 'password') {
    if (passwordLength === null) throw new AppError('PASSWORD_MISSING');
    if (passwordLength < PASSWORD_MIN || passwordLength > PASSWORD_MAX) {
      throw new AppError('PASSWORD_LENGTH', {
        seen: `${passwordLength} bytes`,
        wanted: `${PASSWORD_MIN} to ${PASSWORD_MAX}`,
      });
    }
  } else if (passwordLength !== null) {
    throw new AppError('PASSWORD_NOT_WANTED');
  }
}

/**
 * Name, dates and, with PKI on, the chain of a certificate whose key the handshake has proved. The answer is until when
 * that holds, µs.
 */
export function checkCertificate(
  certificate: ClientCertificate,
  identity: string,
  { pki }: ConnectorSettings,
  now: number,
): number {
  if (certificate.commonName !== identity) {
    throw new AppError('CERTIFICATE_NAME', { seen: certificate.commonName ?? 'none', wanted: identity });
  }
  const until = pki.enabled
    ? trustedUntil(certificate, pki, now)
    : (checkDates(certificate, now) ?? certificate.notAfter);
  if (typeof until !== 'number') throw until;
  return until;
}

/**
 * Binds the credential to the identity. Checks everything again, since between the first check and this one the device
 * may have been provisioned by another request.
 */
export function activate(
  device: Device | null,
  request: ActivationRequest,
  settings: ConnectorSettings,
  credential: Credential,
): Decision {
  const wanted = checkActivation(device, request, settings);
  if (wanted !== credential.type) throw new AppError('STATE_CONFLICT', { seen: credential.type, wanted });
  const { now, origin, identity } = request;
  const before = device ?? newDevice(identity, now);
  const kept = before.credential !== null && !sameSecret(before.credential, credential);
  const provisioned: NewEvent = {
    type: 'provisioned',
    identity,
    origin,
    timestamp: now,
    payload: { auth: credential.type, ...(device === null ? { registered_itself: true } : {}) },
  };
  return {
    answer: null,
    device: {
      ...before,
      credential,
      previous: kept ? { credential: before.credential!, until: now + GRACE } : null,
      reprovision: false,
      expiresAt: null,
      provisionedAt: now,
      lastSeen: now,
      lastIp: origin.ip,
    },
    events: [provisioned],
  };
}

/** Whether the device is provisioned with this very certificate: a first call that raced with another of its own. */
export function isBound(device: Device | null, fingerprint: string): boolean {
  return device?.credential?.type === 'certificate' && device.credential.fingerprint === fingerprint;
}

/**
 * Takes a renewed certificate in place of the old one (provisioning.md, PKI). Throws where PKI is off or the certificate
 * is not the newer one: an old certificate must not come back.
 */
export function renew(
  device: Device | null,
  request: ActivationRequest & { readonly certificate: ClientCertificate },
  settings: ConnectorSettings,
): Decision {
  const { certificate, identity, now, origin } = request;
  const current = device?.credential;
  if (!device || current?.type !== 'certificate')
    throw new AppError('CREDENTIAL_INVALID', { seen: 'a client certificate' });
  if (!settings.pki.enabled || certificate.notBefore < current.notBefore) {
    const wanted = settings.pki.enabled ? 'a newer certificate' : 'the certificate that the device provisioned with';
    throw new AppError('CREDENTIAL_INVALID', {
      seen: `a certificate with fingerprint ${certificate.fingerprint}`,
      wanted,
    });
  }
  checkCertificate(certificate, identity, settings, now);
  const payload = { auth: 'certificate', renewed: true, replaced: current.fingerprint };
  return {
    answer: null,
    device: { ...device, credential: toCredential(certificate) },
    events: [{ type: 'provisioned', identity, origin, timestamp: now, payload }],
  };
}

function sameSecret(a: Credential, b: Credential): boolean {
  return a.type === 'certificate' && b.type === 'certificate' && a.fingerprint === b.fingerprint;
}

const isoTime = (micros: number) => new Date(micros / 1000).toISOString();
