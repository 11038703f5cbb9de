/** What a handler of the device door is given. Types only. */
import type { ClientCertificate } from '../../domain/certificate.ts';
import type { Connector } from '../../domain/connector.ts';
import type { Origin } from '../../domain/device.ts';
import type { Admission } from '../admission.ts';
import type { DeviceContent } from '../content.ts';
import type { DeviceData } from '../data.ts';
import type { Directory } from '../directory.ts';
import type { Session } from '../sessions.ts';
import type { Request } from './parser.ts';
import type { Reply } from './reply.ts';
import type { Waiting } from './waiting.ts';

export interface DoorDeps {
  readonly admission: Admission;
  readonly data: DeviceData;
  readonly content: DeviceContent;
  readonly directory: Directory;
  readonly waiting: Waiting;
  /** µs since the epoch. */
  readonly clock: () => number;
}

/** One request with all that its connection knows. */
export interface Exchange {
  readonly request: Request;
  /** Path without prefix and query, `/stack/alias`. */
  readonly path: string;
  readonly query: string;
  /** Null where the host names none. */
  readonly connector: Connector | null;
  readonly certificate: ClientCertificate | null;
  readonly origin: Origin;
  /** Who is asking, if an earlier request on the connection showed the same credential and it still holds. */
  readonly session: Session | null;
  /** Who is asking. Throws AppError. */
  authenticate(): Promise<Session>;
  /** Called when the client has gone; returns the way to stop listening. */
  onGone(listener: () => void): () => void;
}

export type Handler = (exchange: Exchange, deps: DoorDeps) => Promise<Reply>;
