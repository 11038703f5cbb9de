/**
 * What changes of a device in its life: its standing and its credentials, as its row and the table of credentials hold them.
 * Writes both; decides nothing, and runs inside whatever transaction is open.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { AuthType } from '../../domain/connector.ts';
import type { Credential, Device } from '../../domain/device.ts';
import { digestOf, phaseOf } from '../credential-digest.ts';
import { type Phase, phases } from './codes.ts';

/** Named as the columns. On disk as JSON, for a while (changes.ts): a new field has to be optional. */
export interface DeviceState {
  readonly expires: number | null;
  readonly expiry_logged: number;
  readonly locked: number;
  readonly reprovision: number;
  readonly auth_type: AuthType | null;
  readonly provisioned_at: number | null;
  readonly phase: Phase;
  readonly credential: Credential | null;
  readonly previous: Device['previous'];
}

/** When a device was heard of, and from where. */
export interface Heard {
  readonly at: number | null;
  readonly ip: string | null;
}

/** `expiryLogged`: whether the log tells already that its time is over. */
export function toState(device: Device, expiryLogged: boolean): DeviceState {
  return {
    expires: device.expiresAt,
    expiry_logged: Number(expiryLogged),
    locked: Number(device.locked),
    reprovision: Number(device.reprovision),
    auth_type: device.authType,
    provisioned_at: device.provisionedAt,
    phase: phases[phaseOf(device, expiryLogged)],
    credential: device.credential,
    previous: device.previous,
  };
}

/** When a certificate ends, µs; null for whatever else. */
export const endOf = (credential: Credential | null) =>
  credential?.type === 'certificate' ? credential.notAfter : null;

/** Slots of the `credentials` table. */
export const slots = { current: 0, previous: 1 } as const;

export type StateWriter = ReturnType<typeof createStateWriter>;

export function createStateWriter(db: DatabaseSync) {
  const standing = `expires = ?, expiry_logged = ?, locked = ?, reprovision = ?, auth_type = ?, provisioned_at = ?, phase = ?,
    certificate_ends = ?`;
  const update = db.prepare(`UPDATE devices SET ${standing} WHERE key = ?`);
  // In one statement, since both move the device in the same indexes.
  const updateHeard = db.prepare(`UPDATE devices SET ${standing},
    last_seen = max(coalesce(last_seen, 0), ?9), last_ip = iif(coalesce(last_seen, 0) < ?9, ?10, last_ip),
    activity = iif(coalesce(last_seen, 0) < ?9, ?9, activity) WHERE key = ?11`);
  const putCredential = db.prepare('INSERT OR REPLACE INTO credentials VALUES (?,?,?,?,?,?,?)');
  const dropCredentials = db.prepare('DELETE FROM credentials WHERE device = ?');

  function put(connector: number, key: number, slot: number, credential: Credential, until: number | null): void {
    const { type } = credential;
    putCredential.run(key, slot, connector, type, digestOf(credential), until, JSON.stringify(credential));
  }

  /** Credentials of a device that has none in the table. */
  function putCredentials(connector: number, key: number, { credential, previous }: DeviceState): void {
    if (credential !== null) put(connector, key, slots.current, credential, null);
    if (previous !== null) put(connector, key, slots.previous, previous.credential, previous.until);
  }

  return {
    putCredentials,
    /** Does nothing where the device is gone. */
    write(connector: number, key: number, state: DeviceState, heard: Heard | undefined): void {
      const { expires, expiry_logged: logged, locked, reprovision, auth_type, provisioned_at, phase } = state;
      const standing = [
        expires,
        logged,
        locked,
        reprovision,
        auth_type,
        provisioned_at,
        phase,
        endOf(state.credential),
      ];
      const { changes } =
        heard === undefined || heard.at === null
          ? update.run(...standing, key)
          : updateHeard.run(...standing, heard.at, heard.ip, key);
      if (changes === 0) return;
      // The old ones first: a credential may move from one slot to the other.
      dropCredentials.run(key);
      putCredentials(connector, key, state);
    },
  };
}
