/**
 * What both device doors call to let a device in: finds out who it is by what it shows, and remembers that as a session.
 * Brings together the rules of the domain and the store; knows nothing of HTTP or MQTT.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { type ClientCertificate, readCertificate } from '../domain/certificate.ts';
import type { AuthType, Connector } from '../domain/connector.ts';
import { digestOfToken, matchCredential, normalizeToken, sameDigest } from '../domain/credentials.ts';
import { type Credential, type Device, hasExpired, type Origin } from '../domain/device.ts';
import { AppError } from '../domain/errors.ts';
import { checkCertificate } from '../domain/provisioning.ts';
import type { Logger } from '../log.ts';
import type { Found, Store } from '../store/store.ts';
import { type Activation, type Bound, createBinding, withStoredChain } from './binding.ts';
import { type Directory, settingsOf } from './directory.ts';
import type { Failures } from './failures.ts';
import { verifyPassword } from './password.ts';
import { createRefusals } from './refusals.ts';
import type { Session, Sessions } from './sessions.ts';

/** What a device shows to say who it is. `connector` is null where the host names none: the token alone finds it. */
export interface Presented {
  readonly connector: Connector | null;
  readonly token: string | null;
  /** As in RFC 7617, decoded. */
  readonly basic: Buffer | null;
  /** Where the protocol keeps the two apart. */
  readonly login?: Login | null;
  readonly certificate: ClientCertificate | null;
  readonly origin: Origin;
}

export interface Login {
  readonly identity: string;
  readonly password: Buffer;
}

export interface AdmissionDeps {
  readonly store: Store;
  readonly directory: Directory;
  readonly sessions: Sessions;
  readonly failures: Failures;
  readonly clock: () => number;
  readonly logger: Logger;
}

export interface Admission {
  /** Who this is. A certificate of a whitelisted identity provisions it on the way. Throws AppError 401, 403, 404, 409, 415, 429. */
  authenticate(presented: Presented): Promise<Session>;
  /** Whether a session found earlier still holds now; throws what the device is to be told if it only has to wait. */
  holds(session: Session): boolean;
  /** Provisions. The token, or null where the credential is the device's own. Throws AppError 400, 403, 404, 409, 415, 429. */
  provision(activation: Activation): Promise<string | null>;
  /**
   * Provisions, and lets the device in at once, without counting that as a use of its new credential: it may not have
   * arrived yet. Throws as `provision`.
   */
  enter(activation: Activation): Promise<Entered>;
  /** Logs an authenticated device's refused request (a value that does not fit) and gives the error back. */
  refused(error: unknown, connector: Connector | null, identity: string | null, origin: Origin): unknown;
  /** How many devices were provisioned since the start, by what they got. */
  provisioned(): Readonly<Record<AuthType, number>>;
  /** Logs a refusal, whatever it is about: for a protocol that has no other way to tell the device. */
  logRefusal(error: AppError, connector: string, identity: string, origin: Origin): void;
}

export interface Entered {
  readonly session: Session;
  /** Null where the credential is the device's own. */
  readonly token: string | null;
}

/** As whom a device presents itself, as far as that is known: a refusal is told of this identity. */
interface Claim {
  identity: string | null;
}

/** How a session is found, and found again. */
interface Lookup {
  /** By what it is remembered. */
  readonly key: string;
  readonly auth: AuthType;
  find(): Promise<Found | null>;
  accepts(credential: Credential): boolean;
  /** Until when the credential holds, µs. Throws what the device is to be told. Left out: without end. */
  check?(credential: Credential): number;
  /** False: being let in does not count as the first use of a new credential. */
  readonly isUse?: boolean;
}

/** Identities may hold colons (MAC addresses), so several places of `identity:password` may be the right one. */
const COLONS_MAX = 16;

export function createAdmission(deps: AdmissionDeps): Admission {
  const { store, directory, sessions, clock } = deps;
  const { bind, bindCertificate, provisioned } = createBinding(deps);
  const { refused, logRefusal } = createRefusals(deps);
  /** Keys the memory of verified passwords; gone with the process. */
  const passwordKey = randomBytes(32);

  async function authenticate(presented: Presented): Promise<Session> {
    const { connector, certificate, token, basic, login = null, origin } = presented;
    const claim: Claim = { identity: certificate?.commonName ?? null };
    try {
      if (token === null && basic === null && login === null)
        return await byCertificate(connector, certificate, origin);
      const session =
        token === null ? await byPassword(connector, presented, claim) : await byToken(connector, token, claim);
      if (certificate !== null && certificate.commonName !== session.ref.identity) {
        const seen = `a certificate for ${certificate.commonName ?? 'nobody'}`;
        throw new AppError('CREDENTIAL_CONFLICT', { seen, wanted: `one for ${session.ref.identity}` });
      }
      return session;
    } catch (error) {
      throw refused(error, connector, claim.identity, origin);
    }
  }

  async function byToken(connector: Connector | null, text: string, claim: Claim): Promise<Session> {
    const token = normalizeToken(text);
    const digest = token === null ? null : digestOfToken(token);
    if (digest === null) throw new AppError('CREDENTIAL_INVALID', { seen: 'a token', wanted: '40 hex digits' });
    const known = sessions.get(`t:${digest}`);
    if (known !== undefined && holds(known)) return inConnector(known, connector);
    const find = async () => {
      const found = await store.findByToken(digest);
      // A token tells whose it is, so that a refusal (locked, ended) can be told of that device.
      if (found !== null && found.ref.connector === connector?.id) claim.identity = found.ref.identity;
      return found;
    };
    const session = await admit({
      key: `t:${digest}`,
      auth: 'token',
      find,
      accepts: (credential) => credential.type === 'token' && sameDigest(credential.digest, digest),
    });
    return inConnector(session, connector);
  }

  /** A token belongs to one connector; at the door of another it opens nothing. */
  function inConnector(session: Session, connector: Connector | null): Session {
    if (connector === null || session.ref.connector === connector.id) return session;
    throw new AppError('CREDENTIAL_INVALID', { seen: 'a token', wanted: `a token of connector ${connector.id}` });
  }

  async function byPassword(
    connector: Connector | null,
    { basic, login }: Pick<Presented, 'basic' | 'login'>,
    claim: Claim,
  ): Promise<Session> {
    if (connector === null)
      throw new AppError('CREDENTIAL_INVALID', { seen: 'a password', wanted: 'a host that names a connector' });
    const key = `p:${connector.id}:${digestOfPassword(connector.id, login?.identity ?? '', login?.password ?? basic!)}`;
    const known = sessions.get(key);
    if (known !== undefined && holds(known)) return known;
    for (const { identity, password } of login ? [login] : splits(basic!)) {
      const found = await store.getDevice(connector.id, identity);
      if (found !== null) claim.identity = identity;
      const proven = found === null ? null : await verified(found.device, password);
      if (proven === null) continue;
      return admit({
        key,
        auth: 'password',
        find: () => store.getDevice(connector.id, identity),
        accepts: (credential) => credential.type === 'password' && credential.hash === proven,
      });
    }
    throw new AppError('CREDENTIAL_INVALID', { seen: 'an identity and a password' });
  }

  function digestOfPassword(connector: string, identity: string, secret: Buffer): string {
    const hash = createHmac('sha256', passwordKey).update(connector).update('\0');
    return hash.update(JSON.stringify(identity)).update(secret).digest('base64');
  }

  /** The stored hash that the password fits; null if none. */
  async function verified(device: Device, password: Buffer): Promise<string | null> {
    for (const credential of [device.credential, device.previous?.credential]) {
      if (credential?.type === 'password' && (await verifyPassword(credential.hash, password))) return credential.hash;
    }
    return null;
  }

  async function byCertificate(
    connector: Connector | null,
    certificate: ClientCertificate | null,
    origin: Origin,
  ): Promise<Session> {
    if (certificate === null) {
      throw new AppError('CREDENTIAL_MISSING', {
        wanted: 'Authorization: Token <token>, Basic, or a client certificate',
      });
    }
    if (connector === null) {
      throw new AppError('CREDENTIAL_INVALID', {
        seen: 'a client certificate',
        wanted: 'a host that names a connector',
      });
    }
    const key = `c:${connector.id}:${certificate.fingerprint}`;
    const known = sessions.get(key);
    if (known !== undefined && holds(known)) return known;
    const identity = certificate.commonName;
    if (identity === null)
      throw new AppError('CERTIFICATE_NAME', { seen: 'none', wanted: 'exactly one, the identity' });
    const found = await store.getDevice(connector.id, identity);
    const complete = withStoredChain(certificate, found?.device ?? null);
    await bindCertificate(connector, identity, complete, found?.device ?? null, origin);
    const check = () => checkCertificate(complete, identity, settingsOf(directory, connector), clock());
    return admit(certificateLookup(key, connector, identity, certificate), check);
  }

  /** Keeps digests alone: the certificate itself is checked again as it is stored. */
  function certificateLookup(
    key: string,
    connector: Connector,
    identity: string,
    { fingerprint, publicKey }: ClientCertificate,
  ): Lookup {
    return {
      key,
      auth: 'certificate',
      find: () => store.getDevice(connector.id, identity),
      accepts: (credential) =>
        credential.type === 'certificate' &&
        sameDigest(credential.fingerprint, fingerprint) &&
        sameDigest(credential.publicKey, publicKey),
      check(credential) {
        if (credential.type !== 'certificate') throw new AppError('CREDENTIAL_INVALID', { seen: 'a certificate' });
        const stored = readCertificate(credential.certificate, credential.chain);
        return checkCertificate(stored, identity, settingsOf(directory, connector), clock());
      },
    };
  }

  /**
   * Looks the device up, asks the rules, and remembers the session. A signal that comes while the store is read means that
   * what was read may be out of date: it is read again.
   */
  async function admit(lookup: Lookup, check = lookup.check ?? forever): Promise<Session> {
    const { key, auth, find, accepts, isUse = true } = lookup;
    for (;;) {
      const known = sessions.get(key);
      if (known !== undefined && holds(known)) return known;
      const epoch = sessions.epoch();
      const found = await find();
      const slot = found === null ? null : matchCredential(found.device, clock(), accepts);
      if (found === null || slot === null) throw new AppError('CREDENTIAL_INVALID', { seen: `a ${auth}` });
      const { ref, device } = found;
      if (device.locked) throw new AppError('DEVICE_LOCKED', { seen: ref.identity });
      if (hasExpired(device, clock())) throw new AppError('CREDENTIAL_EXPIRED', { seen: ref.identity });
      const checkedUntil = check(slot === 'current' ? device.credential! : device.previous!.credential);
      if (slot === 'current' && device.previous !== null && isUse) {
        // The new credential is in use: from now on the old one is not.
        await store.changeDevice(ref.connector, ref.identity, (now) => ({
          answer: null,
          ...(now?.previous && now.credential && accepts(now.credential) ? { device: { ...now, previous: null } } : {}),
        }));
        continue;
      }
      if (sessions.epoch() !== epoch) continue;
      const until = Math.min(
        device.expiresAt ?? Infinity,
        slot === 'previous' ? device.previous!.until : Infinity,
        checkedUntil,
      );
      const renew = () => admit(lookup);
      const session: Session = { ref, auth, until, valid: true, minute: 0, requests: 0, renew, news: null };
      sessions.put(key, session);
      return session;
    }
  }

  function holds(session: Session): boolean {
    // Most never end by themselves, and then the time need not be asked for.
    return session.valid && (session.until === Number.POSITIVE_INFINITY || session.until > clock());
  }

  async function provision(activation: Activation): Promise<string | null> {
    return (await bindOrRefuse(activation)).token;
  }

  async function bindOrRefuse(activation: Activation): Promise<Bound> {
    try {
      return await bind(activation);
    } catch (error) {
      throw refused(error, activation.connector, activation.identity, activation.origin);
    }
  }

  async function enter(activation: Activation): Promise<Entered> {
    const { credential, token } = await bindOrRefuse(activation);
    const { connector, identity, certificate } = activation;
    if (credential.type === 'certificate') {
      const lookup = certificateLookup(
        `c:${connector.id}:${credential.fingerprint}`,
        connector,
        identity,
        certificate!,
      );
      return { session: await admit(lookup), token };
    }
    const bound = JSON.stringify(credential);
    const session = await admit({
      key: `e:${connector.id}:${identity}`,
      auth: credential.type,
      find: () => store.getDevice(connector.id, identity),
      accepts: (other) => JSON.stringify(other) === bound,
      isUse: false,
    });
    return { session, token };
  }

  return { authenticate, holds, provision, enter, refused, provisioned, logRefusal };
}

/** A credential without an end of its own. */
const forever = () => Number.POSITIVE_INFINITY;

/** `identity:password` at each colon that may part the two. */
function* splits(basic: Buffer): Generator<{ identity: string; password: Buffer }> {
  let at = basic.indexOf(0x3a);
  for (let n = 0; at !== -1 && n < COLONS_MAX; n += 1) {
    yield { identity: basic.toString('utf8', 0, at), password: basic.subarray(at + 1) };
    at = basic.indexOf(0x3a, at + 1);
  }
}
