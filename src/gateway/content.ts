/**
 * Files for devices, whatever protocol carries them: which a device is offered, their bytes, and what a device sends itself.
 * Brings together the rules of the domain and the store; notes who fetched what.
 */
import type { Connector } from '../domain/connector.ts';
import { type Content, checkContentType, deviceContentId, isOffered, storeFromDevice } from '../domain/content.ts';
import type { Device, Origin } from '../domain/device.ts';
import { AppError } from '../domain/errors.ts';
import type { Part } from '../domain/range.ts';
import type { Logger } from '../log.ts';
import type { ContentReader, Store } from '../store/store.ts';
import type { Directory } from './directory.ts';
import type { Session } from './sessions.ts';

/** Bytes that one download holds in memory. */
const PIECE = 65_536;
/** Downloads of this process at a time: what slow readers may hold together. */
const DOWNLOADS_MAX = 2_000;
/** Of those, one device's: it needs no more, and others must not wait for it. */
const DEVICE_DOWNLOADS_MAX = 8;
/** What devices send may take this share of the room, so that a fleet never leaves none for people. */
const DEVICE_SHARE = 0.5;

export interface ContentDeps {
  readonly store: Store;
  readonly directory: Directory;
  readonly clock: () => number;
  readonly logger: Logger;
  /** Bytes of all files of the installation. */
  readonly totalBytes: number;
}

/** A file that is being sent; `close` must be called, however it ends. */
export interface Download {
  readonly content: Content;
  pieces(part: Part): AsyncGenerator<Uint8Array, void, undefined>;
  /** The device has got the part. */
  sent(part: Part): void;
  /** Called when the device's sessions were dropped: whether it may go on has to be looked at again. */
  onDropped(listener: () => void): void;
  close(): Promise<void>;
}

export interface DeviceContent {
  /** The device's sessions were dropped. */
  drop(device: number): void;
  /** Ids of what this device is offered. */
  list(session: Session): Promise<string[]>;
  /** CONTENT_UNKNOWN unless it is offered. */
  describe(session: Session, id: string): Promise<Content>;
  /** CONTENT_UNKNOWN, OVERLOADED, RATE_LIMITED. */
  open(session: Session, id: string, origin: Origin): Promise<Download>;
  /** UPLOAD_DISABLED, CONTENT_INVALID, CONTENT_LIMIT, BODY_TOO_LARGE, STORAGE_FULL. */
  take(session: Session, name: string, type: string | undefined, bytes: Buffer, origin: Origin): Promise<void>;
}

export function createDeviceContent({ store, directory, clock, logger, totalBytes }: ContentDeps): DeviceContent {
  let downloads = 0;
  /** Those under way, by device, each with what is to be called when its sessions are dropped. */
  const live = new Map<number, Set<{ dropped: () => void }>>();

  function connectorOf({ ref }: Session): Connector {
    const connector = directory.get(ref.connector);
    if (connector === undefined) throw new AppError('CONNECTOR_UNKNOWN', { seen: ref.connector });
    return connector;
  }

  async function deviceOf({ ref }: Session): Promise<Device> {
    const found = await store.getDevice(ref.connector, ref.identity);
    if (found === null) throw new AppError('CREDENTIAL_INVALID', { seen: 'a device that was deleted' });
    return found.device;
  }

  /** What is not offered is not there: a device learns nothing of other files. */
  function expectOffered(content: Content | null, device: Device, id: string): Content {
    if (content !== null && isOffered(content, device)) return content;
    throw new AppError('CONTENT_UNKNOWN', { seen: id });
  }

  function note(session: Session, { id, sha256 }: Content, completed: boolean): void {
    store.noteFetch(session.ref, id, sha256, clock(), completed).catch((cause) => {
      logger.warn('it could not be noted who fetched a file', { id, cause });
    });
  }

  function noteSent(session: Session, content: Content, origin: Origin): void {
    note(session, content, true);
    const { id, bytes, sha256 } = content;
    const { identity, connector } = session.ref;
    const event = {
      type: 'content_out' as const,
      identity,
      origin,
      timestamp: clock(),
      payload: { id, bytes, sha256 },
    };
    store
      .log(connector, [event], session.ref)
      .catch((cause) => logger.warn('a download could not be logged', { id, cause }));
  }

  function toDownload(reader: ContentReader, session: Session, origin: Origin): Download {
    const { content } = reader;
    const { key } = session.ref;
    const own = { dropped: () => {} };
    live.set(key, (live.get(key) ?? new Set()).add(own));
    let open = true;
    return {
      content,
      onDropped(listener) {
        own.dropped = listener;
      },
      async *pieces({ start, end }) {
        if (start === 0) note(session, content, false);
        for (let at = start; at <= end; ) {
          const piece = await reader.read(at, Math.min(PIECE, end + 1 - at));
          at += piece.length;
          yield piece;
        }
      },
      sent({ end }) {
        if (end === content.bytes - 1) noteSent(session, content, origin);
      },
      async close() {
        if (!open) return;
        open = false;
        downloads -= 1;
        const others = live.get(key);
        if (others?.delete(own) && others.size === 0) live.delete(key);
        await reader.close();
      },
    };
  }

  /** Counts one more. OVERLOADED, RATE_LIMITED. */
  function begin({ ref }: Session): void {
    if (downloads >= DOWNLOADS_MAX)
      throw new AppError('OVERLOADED', { seen: `${downloads} downloads`, retryAfter: 10 });
    const own = live.get(ref.key)?.size ?? 0;
    if (own >= DEVICE_DOWNLOADS_MAX) {
      const seen = `${own} downloads of this device at a time`;
      throw new AppError('RATE_LIMITED', { seen, wanted: `at most ${DEVICE_DOWNLOADS_MAX}`, retryAfter: 10 });
    }
    downloads += 1;
  }

  return {
    drop(device) {
      for (const { dropped } of [...(live.get(device) ?? [])]) dropped();
    },

    async list(session) {
      const device = await deviceOf(session);
      const offered = await store.listOffered(session.ref.connector);
      return offered.filter((content) => isOffered(content, device)).map(({ id }) => id);
    },

    async describe(session, id) {
      return expectOffered(await store.getContent(session.ref.connector, id), await deviceOf(session), id);
    },

    async open(session, id, origin) {
      store.touch(session.ref, clock(), origin.ip);
      const device = await deviceOf(session);
      begin(session);
      let reader: ContentReader | null = null;
      try {
        reader = await store.openContent(session.ref.connector, id);
        // What was opened is what has to be offered.
        expectOffered(reader?.content ?? null, device, id);
        return toDownload(reader!, session, origin);
      } catch (error) {
        downloads -= 1;
        await reader?.close();
        throw error;
      }
    },

    async take(session, name, type, bytes, origin) {
      const { content: setting } = connectorOf(session).settings;
      if (!setting.device_upload) throw new AppError('UPLOAD_DISABLED', {});
      const { connector, identity } = session.ref;
      const id = deviceContentId(identity, name);
      const media = checkContentType(type);
      const bounds = { file: setting.device_upload_bytes, total: Math.floor(totalBytes * DEVICE_SHARE) };
      const staged = await store.stageContent(once(bytes), bounds);
      try {
        await store.changeContent(
          connector,
          id,
          (before) => {
            const now = clock();
            const given = { id, type: media, bytes: staged.bytes, sha256: staged.sha256 };
            const content = storeFromDevice(before, identity, given, now);
            const event = { type: 'content_in' as const, identity, origin, timestamp: now, payload: given };
            return { answer: null, content, room: setting.device_upload_total_bytes, events: [event] };
          },
          staged,
        );
      } finally {
        await staged.discard();
      }
      store.touch(session.ref, clock(), origin.ip);
    },
  };
}

async function* once(bytes: Buffer): AsyncGenerator<Uint8Array, void, undefined> {
  if (bytes.length > 0) yield bytes;
}
