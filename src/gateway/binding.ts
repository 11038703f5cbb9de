/**
 * Binds a credential to a device: by an activation, or by the certificate of its first request. What is bound is decided by
 * the domain, and stored before anybody hears of it. Knows neither sessions nor what becomes of a refusal.
 */
import { randomBytes } from 'node:crypto';
import { type ClientCertificate, toCredential } from '../domain/certificate.ts';
import type { AuthType, Connector } from '../domain/connector.ts';
import { digestOfToken, TOKEN_BYTES } from '../domain/credentials.ts';
import type { Credential, Device, Origin } from '../domain/device.ts';
import { AppError } from '../domain/errors.ts';
import { type ActivationRequest, activate, checkActivation, isBound, renew } from '../domain/provisioning.ts';
import type { Store } from '../store/store.ts';
import { type Directory, settingsOf } from './directory.ts';
import { hashPassword } from './password.ts';

export interface Activation {
  readonly connector: Connector;
  readonly identity: string;
  readonly password: Buffer | null;
  readonly certificate: ClientCertificate | null;
  readonly origin: Origin;
}

/** What was bound. `token`: its clear text, this once; null where the credential is the device's own. */
export interface Bound {
  readonly credential: Credential;
  readonly token: string | null;
}

export interface Binding {
  /** Provisions. Throws AppError 400, 403, 404, 409, 415. */
  bind(activation: Activation): Promise<Bound>;
  /** Provisions or renews, where the certificate is not yet the device's own. Throws likewise, and 401. */
  bindCertificate(
    connector: Connector,
    identity: string,
    certificate: ClientCertificate,
    device: Device | null,
    origin: Origin,
  ): Promise<void>;
  /** How many devices were provisioned since the start, by what they got. */
  provisioned(): Readonly<Record<AuthType, number>>;
}

export interface BindingDeps {
  readonly store: Store;
  readonly directory: Directory;
  readonly clock: () => number;
}

/** Tokens that are drawn at once: what random bytes cost is the call. */
const TOKENS_DRAWN = 64;

export function createBinding({ store, directory, clock }: BindingDeps): Binding {
  const provisioned: Record<AuthType, number> = { token: 0, password: 0, certificate: 0 };
  let drawn: Buffer = Buffer.alloc(0);

  async function bind(activation: Activation): Promise<Bound> {
    const { connector, identity, password, origin } = activation;
    if (password === null && activation.certificate === null) return bindToken(connector, identity, origin);
    const settings = settingsOf(directory, connector);
    const found = await store.getDevice(connector.id, identity);
    const certificate = activation.certificate && withStoredChain(activation.certificate, found?.device ?? null);
    const request: ActivationRequest = {
      identity,
      passwordLength: password === null ? null : password.length,
      certificate,
      origin,
      now: clock(),
    };
    const wanted = checkActivation(found?.device ?? null, request, settings);
    const { credential, token } = await makeCredential(wanted, password, certificate);
    await store.changeDevice(connector.id, identity, (device) =>
      activate(device, request, settingsOf(directory, connector), credential),
    );
    provisioned[credential.type] += 1;
    return { credential, token };
  }

  /** Who shows nothing gets a token or nothing: the device need not be read to know which credential to make. */
  async function bindToken(connector: Connector, identity: string, origin: Origin): Promise<Bound> {
    const request: ActivationRequest = { identity, passwordLength: null, certificate: null, origin, now: clock() };
    const bound = makeToken();
    await store.changeDevice(connector.id, identity, (device) =>
      activate(device, request, settingsOf(directory, connector), bound.credential),
    );
    provisioned.token += 1;
    return bound;
  }

  function makeToken(): Bound {
    if (drawn.length === 0) drawn = randomBytes(TOKENS_DRAWN * TOKEN_BYTES);
    const token = drawn.toString('hex', 0, TOKEN_BYTES);
    drawn = drawn.fill(0, 0, TOKEN_BYTES).subarray(TOKEN_BYTES);
    return { credential: { type: 'token', digest: digestOfToken(token) }, token };
  }

  async function makeCredential(
    type: AuthType,
    password: Buffer | null,
    certificate: ClientCertificate | null,
  ): Promise<Bound> {
    if (type === 'certificate') return { credential: toCredential(certificate!), token: null };
    if (type === 'password') return { credential: { type, hash: await hashPassword(password!) }, token: null };
    return makeToken();
  }

  async function bindCertificate(
    connector: Connector,
    identity: string,
    certificate: ClientCertificate,
    device: Device | null,
    origin: Origin,
  ): Promise<void> {
    const isCertificate = (credential: Credential | undefined) =>
      credential?.type === 'certificate' ? credential : null;
    const current = isCertificate(device?.credential ?? undefined);
    const previous = isCertificate(device?.previous?.credential);
    const { fingerprint } = certificate;
    if (current?.fingerprint === fingerprint || previous?.fingerprint === fingerprint) return;
    if (device?.locked) throw new AppError('DEVICE_LOCKED', { seen: identity });
    if (device?.expiresAt === 0) throw new AppError('CREDENTIAL_INVALID', { seen: 'a certificate of a revoked entry' });
    const request = { identity, passwordLength: null, certificate, origin, now: clock() };
    const settings = settingsOf(directory, connector);
    if (device !== null && device.credential !== null && !device.reprovision) {
      if (current === null) {
        throw new AppError('CREDENTIAL_INVALID', {
          seen: 'a client certificate',
          wanted: `a ${device.credential.type}`,
        });
      }
      await store.changeDevice(connector.id, identity, (now) =>
        isBound(now, fingerprint) ? { answer: null } : renew(now, request, settings),
      );
      return;
    }
    if (checkActivation(device, request, settings) !== 'certificate') throw new AppError('CERTIFICATE_NOT_WANTED');
    const credential = toCredential(certificate);
    // Of several first calls at once one provisions; the others find it done.
    let isFirst = false;
    await store.changeDevice(connector.id, identity, (now) => {
      isFirst = !isBound(now, fingerprint);
      return isFirst ? activate(now, request, settings, credential) : { answer: null };
    });
    if (isFirst) provisioned.certificate += 1;
  }

  return { bind, bindCertificate, provisioned: () => provisioned };
}

/** A resumed TLS session brings no intermediates; those stored with the same certificate stand in (device-http.md). */
export function withStoredChain(certificate: ClientCertificate, device: Device | null): ClientCertificate {
  if (certificate.chain.length > 0) return certificate;
  const stored = [device?.credential, device?.previous?.credential].find(
    (credential) => credential?.type === 'certificate' && credential.fingerprint === certificate.fingerprint,
  );
  return stored?.type === 'certificate' ? { ...certificate, chain: stored.chain } : certificate;
}
