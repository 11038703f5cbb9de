/** What the dialog "Add one device" holds, and the body of the call that it makes of it. */
import type { AuthType } from '../../src/domain/connector.ts';
import { type TagRow, tagsOf } from './tag-rows.ts';

/** Hours that an entry made by hand may wait for its device (provisioning.md, `expire_hours`). */
export const ACTIVATION_HOURS = 48;

const HOUR = 3_600_000_000;

export interface AddForm {
  readonly identity: string;
  /** Null while the field holds no number. */
  readonly hours: number | null;
  readonly tags: readonly TagRow[];
  /** A credential to set beforehand: the device is then provisioned at once. */
  readonly credential: { readonly type: AuthType; readonly key: string } | null;
}

/** When the activation period ends, in µs; null if the hours are no period. */
export function windowEndOf(hours: number | null, now: number): number | null {
  return hours !== null && hours > 0 ? now + Math.round(hours * HOUR) : null;
}

/** A credential given beforehand has no end: the activation period is then not sent, for it would become its end. */
export function bodyOf({ hours, tags, credential }: AddForm, now: number) {
  const expire = windowEndOf(hours, now);
  const auth = credential ?? (expire === null ? {} : { expire });
  return { auth, tags: tagsOf(tags) };
}
