/** What the dialog "Add one device" holds, and the body of the call that it makes of it. */
import type { AuthType } from '../../src/domain/connector.ts';
import { windowEnd } from '../parts/activation-window.ts';
import { type TagRow, tagsOf } from './tag-rows.ts';

export interface AddForm {
  readonly identity: string;
  /** Of the activation window: as it was typed, or the connector's own. */
  readonly hours: number | string;
  readonly tags: readonly TagRow[];
  /** A credential to set beforehand: the device is then provisioned at once. */
  readonly credential: { readonly type: AuthType; readonly key: string } | null;
}

/** A credential given beforehand has no end: the activation window is then not sent, for it would become its end. */
export function bodyOf({ hours, tags, credential }: AddForm, now: number) {
  const expire = windowEnd(hours, now);
  const auth = credential ?? (expire === null ? {} : { expire });
  return { auth, tags: tagsOf(tags) };
}
