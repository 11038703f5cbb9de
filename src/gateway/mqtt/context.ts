/** What a handler of the MQTT door is given. Types only. */
import type { ClientCertificate } from '../../domain/certificate.ts';
import type { Connector } from '../../domain/connector.ts';
import type { Origin } from '../../domain/device.ts';
import type { AppError } from '../../domain/errors.ts';
import type { Admission } from '../admission.ts';
import type { DeviceData } from '../data.ts';
import type { Directory } from '../directory.ts';
import type { Session } from '../sessions.ts';
import type { Version } from './packets.ts';
import type { Topic } from './topics.ts';

export interface DoorDeps {
  readonly admission: Admission;
  readonly data: DeviceData;
  readonly directory: Directory;
  /** µs since the epoch. */
  readonly clock: () => number;
}

/** What a client said of itself in CONNECT; for 3.1.1 what that version implies. */
export interface Client {
  readonly version: Version;
  readonly id: string;
  /** Seconds; 0 = none. */
  readonly keepAlive: number;
  /** Messages to it that may wait for their PUBACK. */
  readonly receiveMaximum: number;
  /** Bytes of the largest packet that it takes. */
  readonly packetMax: number;
  /** Whether it wants reason strings in any packet (MQTT 5.0, Request Problem Information). */
  readonly wantsReasons: boolean;
}

/** A topic that came before, as bytes and as what it means. */
export interface KnownTopic {
  readonly raw: Buffer;
  readonly topic: Topic;
}

/** Whether a refusal has been shown in the log already. */
export type Refusal = 'logged' | 'to be logged';

/** A connection, as handlers see it. */
export interface Link {
  readonly origin: Origin;
  /** Null before CONNECT was read. */
  readonly client: Client | null;
  /** Null as long as the device has not authenticated. */
  readonly session: Session | null;
  /** What the client published on last: mostly it does so again. */
  lastTopic: KnownTopic | null;
  /** Null where the server name names none; throws CONNECTOR_UNKNOWN. */
  connector(): Connector | null;
  certificate(): ClientCertificate | null;
  /** From now on this client. */
  introduce(client: Client): void;
  /** From now on this device; takes over from an older connection of it. Resolves once its `connect` is stored. */
  enter(session: Session): Promise<void>;
  /** Handles nothing further before `work` is done; what it rejects with ends the connection. */
  hold(work: Promise<void>): void;
  /** Sends a packet, unless it is larger than the client takes. False if so. */
  send(bytes: Buffer): boolean;
  /**
   * A message that is acknowledged (`id` other than 0) once `work` is done, in the order of these calls. What `work`
   * rejects with refuses the message, or ends the connection. `endpoint`: as what it is counted.
   */
  accept(id: number, bytes: number, endpoint: number, work: Promise<unknown>, refusal?: Refusal): void;
  /** A message that is refused at once, in its turn. */
  refuse(id: number, endpoint: number, error: AppError): void;
  /** Handles nothing for this time, in ms. */
  pauseFor(ms: number): void;
  /** The CONNACK that lets it in. */
  welcome(connack: Buffer): void;
  /** The CONNACK that does not; ends the connection. */
  reject(connack: Buffer, error: AppError): void;
  /** Sends what the cloud set while the device was away. */
  startSending(): void;
  /** The client took the value that was sent with this identifier. */
  acknowledged(id: number): void;
  /** The client says that it goes. */
  leave(): void;
  /** Ends the connection, and says why where the version can. */
  end(error: AppError): void;
}
