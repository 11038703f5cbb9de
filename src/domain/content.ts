/**
 * Files for devices (device-http.md, Content): what one is, how it may be named and described, and who is offered it. Plain
 * data and rules; where the bytes live is not known here.
 */
import type { Device } from './device.ts';
import { AppError } from './errors.ts';
import { isChosen, type Rollout } from './rollout.ts';

/** Whom a file is for. A rollout narrows it further. */
export type Offer =
  | { readonly to: 'all' }
  | { readonly to: 'none' }
  | { readonly to: 'tag'; readonly name: string; readonly value: string }
  | { readonly to: 'batch'; readonly batch: string };

/** All times in µs since the epoch. */
export interface Content {
  /** Unique in its connector. A device's upload is `<identity>/<name>`. */
  readonly id: string;
  /** Media type, as it was sent. */
  readonly type: string;
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
  readonly meta: string;
  readonly created: number;
  /** When the bytes last changed. No two versions of a file share a second: HTTP-dates tell them apart. */
  readonly updated: number;
  /** The account that sent the bytes; null for a device. */
  readonly who: string | null;
  /** Identity of the device that sent the bytes; null for people. */
  readonly device: string | null;
  readonly offer: Offer;
  readonly rollout: Rollout | null;
}

/** Bounds; text in characters. */
export const contentLimits = {
  id: 128,
  type: 128,
  meta: 1024,
  /** Files of a connector that people sent, or that are offered. */
  files: 1000,
  /** Files that one device may have sent. */
  filesPerDevice: 16,
  /** Bytes that a file of a device counts as, at least: what it takes of a disk. */
  block: 4096,
} as const;

const namePattern = /^[A-Za-z0-9_][A-Za-z0-9._-]*$/;
const nameWanted = `1 to ${contentLimits.id} letters, digits, dots, dashes and underscores, no dot or dash first`;

/** The name of a file that people or a device send. CONTENT_INVALID. */
export function checkContentName(name: string): string {
  if (namePattern.test(name) && name.length <= contentLimits.id) return name;
  throw new AppError('CONTENT_INVALID', {
    seen: `the id ${name === '' ? 'of no characters' : name}`,
    wanted: nameWanted,
  });
}

/** Id of what a device sends: no name has a slash, so no two devices and nobody else can have the same. */
export function deviceContentId(identity: string, name: string): string {
  return `${identity}/${checkContentName(name)}`;
}

/** RFC 9110, 8.3.1; no commas, since devices read it out of comma-separated text. */
const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const typePattern = new RegExp(
  `^${token}/${token}(?:[ \\t]*;[ \\t]*${token}=(?:${token}|"[^",\\\\\\x00-\\x1f\\x7f-\\uffff]*"))*$`,
);

/** The media type to keep; `application/octet-stream` where none was sent. CONTENT_INVALID. */
export function checkContentType(type: string | undefined): string {
  const given = type?.trim() || 'application/octet-stream';
  if (given.length <= contentLimits.type && typePattern.test(given)) return given;
  const wanted = `a media type of at most ${contentLimits.type} characters, without commas`;
  throw new AppError('CONTENT_INVALID', { seen: `the type ${given}`, wanted });
}

/** CONTENT_INVALID. */
export function checkContentMeta(meta: string): string {
  if (meta.length <= contentLimits.meta && !/[\p{Cc}\p{Cs}\u2028\u2029]/u.test(meta)) return meta;
  const wanted = `at most ${contentLimits.meta} characters on one line, no control characters`;
  throw new AppError('CONTENT_INVALID', { seen: `meta of ${meta.length} characters`, wanted });
}

/** `all`, `none`, `tag:<name>:<value>` (the name ends at the first colon behind it), `batch:<id>`. CONTENT_INVALID. */
export function parseOffer(text: string): Offer {
  if (text === 'all' || text === 'none') return { to: text };
  const tag = /^tag:([^:]+):(.+)$/s.exec(text);
  if (tag !== null) return { to: 'tag', name: tag[1]!, value: tag[2]! };
  const batch = /^batch:(.+)$/s.exec(text);
  if (batch !== null) return { to: 'batch', batch: batch[1]! };
  throw new AppError('CONTENT_INVALID', {
    seen: `the offer ${text}`,
    wanted: 'all, none, tag:<name>:<value> or batch:<id>',
  });
}

/** The reverse of `parseOffer`. */
export function formatOffer(offer: Offer): string {
  if (offer.to === 'tag') return `tag:${offer.name}:${offer.value}`;
  return offer.to === 'batch' ? `batch:${offer.batch}` : offer.to;
}

/** Whether this device may have the file now. */
export function isOffered(
  { offer, rollout }: Pick<Content, 'offer' | 'rollout'>,
  { identity, tags, batch }: Pick<Device, 'identity' | 'tags' | 'batch'>,
): boolean {
  return isFor(offer, tags, batch) && (rollout === null || isChosen(rollout, identity));
}

function isFor(offer: Offer, tags: Device['tags'], batch: string | null): boolean {
  switch (offer.to) {
    case 'all':
      return true;
    case 'none':
      return false;
    case 'tag':
      return Object.hasOwn(tags, offer.name) && tags[offer.name]!.includes(offer.value);
    case 'batch':
      return batch === offer.batch;
  }
}

const SECOND = 1_000_000;

/** When new bytes count as changed: now, and in a later second than those before, whatever the clock does. */
export function nextUpdated(before: Pick<Content, 'updated'> | null, now: number): number {
  return before === null ? now : Math.max(now, (Math.floor(before.updated / SECOND) + 1) * SECOND);
}

/** New bytes, and how whoever sends them describes them. */
export interface NewContent extends Pick<Content, 'id' | 'type' | 'bytes' | 'sha256'> {
  readonly meta: string;
  readonly who: string;
  /** As before, or all devices, where it is left out. */
  readonly offer?: Offer;
}

/** The file with the bytes that a person sends. ROLLOUT_STATE while a rollout decides who gets which bytes. */
export function storeFromPerson(before: Content | null, { offer, ...given }: NewContent, now: number): Content {
  expectNoRollout(before);
  const times = { created: before?.created ?? now, updated: nextUpdated(before, now) };
  return { ...given, ...times, device: null, offer: offer ?? before?.offer ?? { to: 'all' }, rollout: null };
}

/** The same for a device, by its identity. Offered to nobody, also where people offered what it sent before. */
export function storeFromDevice(
  before: Content | null,
  device: string,
  given: Pick<Content, 'id' | 'type' | 'bytes' | 'sha256'>,
  now: number,
): Content {
  const times = { created: before?.created ?? now, updated: nextUpdated(before, now) };
  return { ...given, ...times, meta: '', who: null, device, offer: { to: 'none' }, rollout: null };
}

/** ROLLOUT_STATE while one is running or held: whom a file goes to, and which bytes, is its to say. */
export function expectNoRollout(content: Content | null): void {
  const { rollout = null } = content ?? {};
  if (rollout === null || rollout.state === 'done') return;
  throw new AppError('ROLLOUT_STATE', { seen: `one that is ${rollout.state}`, wanted: 'none; stop it first' });
}

/**
 * STORAGE_FULL where what the devices of a connector sent would take more than they may together. `sent`: what it takes now,
 * the file's own version of before included.
 */
export function expectDeviceRoom(sent: number, before: Content | null, bytes: number, most: number): void {
  const old = before === null || before.device === null ? 0 : roomOf(before.bytes);
  const after = sent - old + roomOf(bytes);
  if (after <= most || after <= sent) return;
  throw new AppError('STORAGE_FULL', {
    seen: `${sent} bytes of files from devices of this connector`,
    wanted: `at most ${most} with this one`,
  });
}

/** What a file of so many bytes counts as. */
export const roomOf = (bytes: number): number => Math.max(bytes, contentLimits.block);
