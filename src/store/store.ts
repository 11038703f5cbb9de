/**
 * The one interface between Slipway and what it keeps: a method per question that the product asks. Every engine
 * (`sqlite/`, later `postgres/`) passes the same suite, `test/conformance/store.ts`. All methods are async, also where
 * the engine is not.
 *
 * Promises of every engine:
 * - a method that writes resolves after its data is committed and fsynced, never before;
 * - a rejected write has left nothing behind;
 * - the log numbers events with growing sequence numbers and never uses a number twice;
 * - signals are sent after the commit that they tell of, and before the promise of that write resolves.
 *
 * Errors: `AppError` OVERLOADED when the bounded queue of writes is full, STORAGE_UNAVAILABLE when the engine cannot be
 * reached, and those named at a method. All times are µs since the epoch.
 */
import type { ChainRow, NewAudit } from '../domain/audit.ts';
import type { Before, BulkOutcome, Job } from '../domain/bulk.ts';
import type { Connector, ConnectorSettings, EventType } from '../domain/connector.ts';
import type { Content } from '../domain/content.ts';
import type { Credential, Device, DeviceStatus, NewEvent, Origin, Point, StoredEvent, Tags } from '../domain/device.ts';
import type { ApiKey, Checked, People, Session, User, UserChange } from '../domain/people.ts';
import type { RolloutFigures } from '../domain/rollout.ts';
import type { Delivery, Webhook, WebhookProgress } from '../domain/webhook.ts';
import type { HistogramFigures } from '../metrics/histogram.ts';

export type { ApiKey, Session, User };

/** Names a stored device. `key` is the engine's own handle: never reused, also not after a delete. */
export interface DeviceRef {
  readonly connector: string;
  readonly identity: string;
  readonly key: number;
}

export interface Found {
  readonly ref: DeviceRef;
  readonly device: Device;
}

/** What a rule decided: the answer for the caller, what becomes of the device, and what the log says of it. */
export interface DeviceChange<T> {
  readonly answer: T;
  /** The whole new device; `null` deletes it; left out, nothing of it changes. */
  readonly device?: Device | null;
  readonly events?: readonly NewEvent[];
  readonly audit?: NewAudit;
}

export interface Changed<T> {
  readonly answer: T;
  /** The device after the change; null if there is none. */
  readonly found: Found | null;
}

/** A signal wakes; its content is read from the store. Sent to every node of an installation. */
export type Signal =
  /** Settings changed, or the connector was made or deleted: drop what is cached of it. */
  | { readonly kind: 'connector'; readonly connector: string }
  /** Credential, lock or existence changed: drop cached sessions; end live ones that may not go on. */
  | { readonly kind: 'device'; readonly ref: DeviceRef }
  /** The wanted value (`set`) of these aliases changed: the device reported another one, or the cloud set it. */
  | {
      readonly kind: 'values';
      readonly ref: DeviceRef;
      readonly aliases: readonly string[];
      readonly by: 'device' | 'cloud';
    }
  /** A live connection of the device began (an id, as in `Origin`): an older one that stands elsewhere is to end. */
  | { readonly kind: 'connection'; readonly ref: DeviceRef; readonly connection: string }
  /** The log of the connector grew. */
  | { readonly kind: 'events'; readonly connector: string }
  /** Sessions of this account (an id) ended, or the key of this id: cut what it has open. */
  | { readonly kind: 'account'; readonly account: string }
  /** A webhook of the connector was made, changed or removed, or a job was: whoever works on those looks again. */
  | { readonly kind: 'work'; readonly connector: string };

/** Values that a device reported (`data_in`) or that the cloud set (`data_out`). */
export interface DataEntry {
  readonly ref: DeviceRef;
  readonly type: 'data_in' | 'data_out';
  readonly origin: Origin;
  /** When it arrived. */
  readonly timestamp: number;
  /** Values of defined resources: they reach state and (`data_in`) history. */
  readonly points: readonly Point[];
  /** Values of aliases that are no resource: shown in the log only. */
  readonly undefinedPoints: readonly Point[];
}

/** State of one alias (management-api.md): what the cloud wants, and what the device last said. */
export interface ValueState {
  readonly set: string | null;
  readonly setAt: number | null;
  readonly reported: string | null;
  readonly reportedAt: number | null;
}

/** A value that the cloud set, on its way to the device. */
export interface PendingValue {
  readonly alias: string;
  readonly value: string;
  readonly setAt: number;
}

export interface HistoryQuery {
  readonly alias: string;
  /** Inclusive, µs. */
  readonly from: number;
  readonly to: number;
  readonly limit: number;
}
export interface HistoryPoint {
  readonly timestamp: number;
  readonly value: string;
}
/** Values that are no numbers are left out of buckets. `timestamp` is the bucket's start. */
export interface HistoryBucket {
  readonly timestamp: number;
  readonly min: number;
  readonly mean: number;
  readonly max: number;
  readonly count: number;
}

/** All given conditions must hold. */
export interface DeviceFilter {
  /** Substring of the identity; `*` stands for anything, and anchors the rest: `00*` begins with 00. */
  readonly identity?: string;
  readonly status?: DeviceStatus;
  /** Each must hold. */
  readonly tags?: readonly { readonly name: string; readonly value: string }[];
  readonly batch?: string;
  readonly ipaddress?: string;
  readonly online?: boolean;
  /** Last seen, else created, before this time. */
  readonly before?: number;
  /** The credential is a certificate that ends before this time. */
  readonly certificateExpiresBefore?: number;
}
export type DeviceSort = 'activity' | '-activity' | 'identity' | '-identity' | 'created' | '-created';
export interface DevicePage {
  /** `-activity` (newest first: last seen, else created) is the usual one. */
  readonly sort: DeviceSort;
  readonly limit: number;
  /** From an earlier page; CURSOR_INVALID if it is none or belongs to another sort. */
  readonly cursor?: string;
}
/** Which of a tag's values: those that begin so, and the first `limit` of them. */
export interface ValuesPart {
  readonly begins?: string;
  readonly limit?: number;
}

export interface EventQuery {
  readonly types?: readonly EventType[];
  readonly identity?: string;
  /** Sequence numbers, both exclusive. */
  readonly before?: number;
  readonly after?: number;
  readonly limit: number;
  /** `newest` first (the default), or `oldest` first, as a stream reads. */
  readonly order?: 'newest' | 'oldest';
}

export interface FigureQuery {
  /** Inclusive, µs; the buckets that they lie in are counted in full. */
  readonly from: number;
  readonly to: number;
  /** µs, a multiple of a minute. */
  readonly bucket: number;
}
/** Columns of one length: an entry for each bucket, also where nothing happened. */
export interface FigureSeries {
  /** Start of each bucket, a multiple of its width; ascending. */
  readonly times: readonly number[];
  /** `data_in` events. */
  readonly writes: readonly number[];
  readonly provisioned: readonly number[];
  /** The highest sample; null where none was taken. */
  readonly online: readonly (number | null)[];
  /** `refused` events by the rule in their payload; only of rules that refused somebody. */
  readonly refused: Readonly<Record<string, readonly number[]>>;
}

export interface ImportRow {
  /** Line of the file on which the row begins, from 1. */
  readonly line: number;
  readonly identity: string;
  readonly tags: Tags;
  /** Given beforehand, the device is provisioned at once. */
  readonly credential: Credential | null;
}
export interface ImportDuplicate {
  readonly line: number;
  readonly identity: string;
  /** Line on which the identity stood first. */
  readonly firstLine: number;
}
/** What an import would do: counts of rows. */
export interface ImportReview {
  readonly fresh: number;
  readonly duplicates: number;
  readonly known: Readonly<Record<DeviceStatus, number>>;
}
export interface BatchInfo {
  readonly id: string;
  readonly name: string;
  readonly who: string;
  readonly created: number;
  /** `writing` and `undoing` finish by themselves, also after a crash. */
  readonly state: 'writing' | 'done' | 'undoing' | 'undone';
  /** Devices that the batch brought in. */
  readonly count: number;
}
/** Rows on their way in. Nothing of them is seen by anyone until `apply`. */
export interface ImportStage {
  /** Takes rows in file order; answers which of them repeat an identity of the same file (those are not kept). */
  add(rows: readonly ImportRow[]): Promise<ImportDuplicate[]>;
  review(now: number): Promise<ImportReview>;
  /**
   * Writes every row whose identity is not known yet, in steps between which other writes go on. From its first step on
   * the import is finished by the store itself, also after a crash. `expiresAt`: the activation window. `audit` is written
   * with the first step.
   */
  apply(
    batch: Omit<BatchInfo, 'state' | 'count'>,
    expiresAt: number | null,
    onProgress: (written: number, total: number) => void,
    audit?: NewAudit,
  ): Promise<BatchInfo>;
  /** Throws the rows away. Harmless after `apply`. */
  discard(): Promise<void>;
}

/** Which devices a job is about: those that a filter finds when their turn comes, or those that are named. */
export type JobTargets = { readonly filter: DeviceFilter } | { readonly identities: readonly string[] };
/** µs for which a finished job can be looked at and undone. */
export const JOBS_KEPT = 30 * 86_400_000_000;
/** What a rule makes of a device; `before` is what the job kept of it, when it is being undone. */
export type JobRule = (device: Device, before: Before | null) => DeviceChange<BulkOutcome>;

/** In bytes. */
export interface ContentBounds {
  readonly file: number;
  /** Of all files of the installation. */
  readonly total: number;
}
/** The bytes of a file, taken in and synced, that belong to nothing yet. */
export interface StagedContent {
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
  /** Throws them away. Harmless once they belong to a file. */
  discard(): Promise<void>;
}
/** What a rule decided of a file; as for devices. `room`: bytes that devices of the connector may have sent together (STORAGE_FULL). */
export interface ContentChange<T> {
  readonly answer: T;
  readonly content?: Content | null;
  readonly room?: number;
  readonly events?: readonly NewEvent[];
  readonly audit?: NewAudit;
}
export interface ContentQuery {
  /** Ids behind this one, in the order of their bytes. */
  readonly after?: string;
  readonly by?: 'people' | 'devices';
  readonly limit: number;
}
/** One version of a file, open. It may break off once that version is no longer kept: then `read` rejects. */
export interface ContentReader {
  readonly content: Content;
  /** Some of the bytes from `position` on: at least one, at most `length`. */
  read(position: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}
/** Who fetched a file. Times in µs. */
export interface ContentFetch {
  readonly identity: string;
  /** The version: SHA-256, hex. The other fields tell of this one. */
  readonly sha256: string;
  readonly first: number;
  readonly last: number;
  /** How often it was begun. */
  readonly times: number;
  /** When it first had all of it. */
  readonly completed: number | null;
}

/** Newest first, from before a number. */
export interface AuditQuery {
  /** Exclusive. */
  readonly before?: number;
  readonly limit: number;
  /** Part of the text of an entry, in whatever case. */
  readonly search?: string;
}
export interface AuditPage {
  readonly rows: readonly ChainRow[];
  /** `before` of the next page; null behind the last. A search looks at so many rows for a page, and may find none. */
  readonly next: number | null;
}

export interface Store {
  // Connectors
  createConnector(connector: Connector, audit?: NewAudit): Promise<void>;
  getConnector(id: string): Promise<Connector | null>;
  listConnectors(): Promise<Connector[]>;
  /**
   * Applies `decide` to the current settings, of the current version, atomically. CONNECTOR_UNKNOWN; whatever `decide`
   * throws leaves all as it was. `audit` tells what is written of it, given the settings before and after.
   */
  changeConnector(
    id: string,
    decide: (settings: ConnectorSettings, version: number) => ConnectorSettings,
    audit?: (before: ConnectorSettings, after: ConnectorSettings) => NewAudit | null,
  ): Promise<Connector>;
  /**
   * The connector is gone at once; what belonged to it is removed in steps. With it go its place in the lists of accounts, whose
   * sessions stay, and the keys that saw it alone. False if there was none.
   */
  deleteConnector(id: string, audit?: NewAudit): Promise<boolean>;

  // Devices
  getDevice(connector: string, identity: string): Promise<Found | null>;
  /** `digest`: of a token, over all connectors, hex. */
  findByToken(digest: string): Promise<Found | null>;
  /**
   * Reads the device, lets the rule decide, and writes what it decided, with no other change in between: of two callers
   * that race, the second sees what the first did. CREDENTIAL_TAKEN when a token digest or, inside the connector, a
   * fingerprint belongs to another device. CONNECTOR_UNKNOWN. What `decide` throws is passed on.
   */
  changeDevice<T>(
    connector: string,
    identity: string,
    decide: (device: Device | null) => DeviceChange<T>,
  ): Promise<Changed<T>>;
  listDevices(
    connector: string,
    filter: DeviceFilter,
    page: DevicePage,
    now: number,
  ): Promise<{ devices: Device[]; cursor: string | null }>;
  countDevices(connector: string, filter: DeviceFilter, now: number): Promise<number>;
  /** All of one moment: they add up to the number of devices. */
  countByStatus(connector: string, now: number): Promise<Record<DeviceStatus, number>>;
  /** How many devices, of all connectors, have a certificate that ends before each of these times. */
  countCertificatesEnding(before: readonly number[]): Promise<number[]>;
  listTagNames(connector: string): Promise<string[]>;
  /** In the order of the values; `begins` and `limit` narrow what may be a value per device. */
  countTagValues(connector: string, name: string, part?: ValuesPart): Promise<{ value: string; count: number }[]>;

  // Data
  /** The hot path. */
  append(entry: DataEntry, audit?: NewAudit): Promise<void>;
  /**
   * Back-dated data: as `append`, unless a point is already recorded at that alias and time. Then nothing is stored and
   * the answer names those that are. Never replaces a newer current value.
   */
  record(entry: DataEntry): Promise<{ alias: string; timestamp: number }[]>;
  /** In the order asked; undefined where the device has no such value. */
  readValues(ref: DeviceRef, aliases: readonly string[]): Promise<(ValueState | undefined)[]>;
  readState(ref: DeviceRef): Promise<Record<string, ValueState>>;
  readHistory(ref: DeviceRef, query: HistoryQuery): Promise<{ points: HistoryPoint[]; mayLoadMore: boolean }>;
  /** `bucket` in µs. */
  readBuckets(
    ref: DeviceRef,
    query: HistoryQuery,
    bucket: number,
  ): Promise<{ points: HistoryBucket[]; mayLoadMore: boolean }>;
  /** Notes that the device was heard of. No promise of durability: written along with later commits. */
  touch(ref: DeviceRef, at: number, ip: string): void;
  /**
   * The oldest value that the cloud set (`data_out`) and the device has not, of an alias that is not in `except`; null
   * if there is none. A newer value replaces the older one of its alias. The device has a value once that very one was
   * acknowledged, or reported by the device itself; a crash forgets none, however old.
   */
  readPending(ref: DeviceRef, except: ReadonlySet<string>): Promise<PendingValue | null>;
  /** Notes that the device has taken the value that was set at `setAt`. No promise of durability, as for `touch`. */
  acknowledge(ref: DeviceRef, alias: string, setAt: number): void;

  // The log
  /**
   * `device`: whom the events come from; it counts as heard of. `connect` and `disconnect` say from when to when a live
   * connection stands, by its id; one that stands when the store closes or crashes has ended with it. The end of one that
   * another has replaced is logged, and the device has not left with it.
   */
  log(connector: string, events: readonly NewEvent[], device?: DeviceRef): Promise<void>;
  /** The id of the live connection of the device that began last, on whichever node; null if none stands. */
  readConnection(ref: DeviceRef): Promise<string | null>;
  readEvents(connector: string, query: EventQuery): Promise<{ events: StoredEvent[]; mayLoadMore: boolean }>;
  /** The highest number in the log; 0 if it is empty. */
  lastSeq(): Promise<number>;
  /** Counted from the log, each event once, and kept as long as the events are. By the time of the events. */
  readFigures(connector: string, query: FigureQuery): Promise<FigureSeries>;

  // Imports
  openImport(connector: string): Promise<ImportStage>;
  listBatches(connector: string): Promise<BatchInfo[]>;
  getBatch(connector: string, id: string): Promise<BatchInfo | null>;
  /** Removes the devices of a batch, in steps. BATCH_UNKNOWN, BATCH_BUSY, STATE_CONFLICT once one of them is provisioned. */
  undoBatch(connector: string, id: string, origin: Origin | null, now: number, audit?: NewAudit): Promise<BatchInfo>;

  // Webhooks
  /** `most`: of the connector. WEBHOOK_LIMIT, CONNECTOR_UNKNOWN. */
  createWebhook(hook: Webhook, most: number, audit?: NewAudit): Promise<void>;
  /** Of one connector, or of all that there are; in the order in which they were made. */
  listWebhooks(connector?: string): Promise<Webhook[]>;
  getWebhook(connector: string, id: string): Promise<Webhook | null>;
  /**
   * Changes it as people do: its generation grows. WEBHOOK_UNKNOWN; what `decide` throws is passed on. `audit` as for
   * `changeConnector`.
   */
  changeWebhook(
    connector: string,
    id: string,
    decide: (hook: Webhook) => Webhook,
    audit?: (before: Webhook, after: Webhook) => NewAudit | null,
  ): Promise<Webhook>;
  /** False if there was none. `audit` tells what is written of the one that there was. */
  deleteWebhook(connector: string, id: string, audit?: (before: Webhook) => NewAudit): Promise<boolean>;
  /**
   * Notes how far a webhook is, and the try that it comes of. False, and nothing is noted, where the webhook is of another
   * generation by now, or its lease (`webhook <id>`) is not held by this node.
   */
  noteDelivery(hook: Webhook, progress: WebhookProgress, delivery: Delivery | null): Promise<boolean>;
  /** The last tries, newest first; as many as `DELIVERIES_KEPT`. */
  listDeliveries(connector: string, id: string): Promise<Delivery[]>;

  // Jobs: what is done to many devices, step by step
  /** `most`: unfinished ones of the connector; OVERLOADED beyond. No device that is made later belongs to it. */
  createJob(job: Job, targets: JobTargets, most: number, audit?: NewAudit): Promise<void>;
  /** Newest first, `limit` of them. */
  listJobs(connector: string, limit: number): Promise<Job[]>;
  getJob(connector: string, id: string): Promise<Job | null>;
  /** What is still to be worked on, of all connectors, oldest first. */
  listUnfinishedJobs(): Promise<Job[]>;
  /** JOB_UNKNOWN; what `decide` throws is passed on. `audit` as for `changeConnector`. */
  changeJob(
    connector: string,
    id: string,
    decide: (job: Job) => Job,
    audit?: (before: Job, after: Job) => NewAudit | null,
  ): Promise<Job>;
  /**
   * The next few devices, in one commit together with how far the job is: after a crash none is counted twice or left out.
   * Of a job that is `undoing`, the devices that it changed. At the end its state is `done` or `undone`. Answers the job
   * as it is then; unchanged where somebody else was at it. JOB_UNKNOWN.
   */
  stepJob(connector: string, id: string, rule: JobRule, now: number): Promise<Job>;

  // Leases
  /**
   * Makes this node the only one that works on something, for so many seconds from now, by the clock of the engine; also
   * prolongs. False while another node has it. Let go of when the store closes.
   */
  claim(name: string, seconds: number): Promise<boolean>;

  // Content
  /**
   * Takes the bytes of a file in, as they come. What is not made part of a file by `changeContent` leaves nothing behind, also
   * after a crash. BODY_TOO_LARGE, STORAGE_FULL; what the source throws is passed on.
   */
  stageContent(bytes: AsyncIterable<Uint8Array>, bounds: ContentBounds): Promise<StagedContent>;
  /**
   * Reads the file, lets the rule decide, and writes what it decided, with no other change in between. `staged`: the bytes of
   * what it decides; without it they stay what they were. CONNECTOR_UNKNOWN; CONTENT_LIMIT. What `decide` throws is passed on.
   */
  changeContent<T>(
    connector: string,
    id: string,
    decide: (content: Content | null) => ContentChange<T>,
    staged?: StagedContent,
  ): Promise<T>;
  getContent(connector: string, id: string): Promise<Content | null>;
  listContent(connector: string, query: ContentQuery): Promise<{ content: Content[]; mayLoadMore: boolean }>;
  /** All that is offered to somebody, by id. */
  listOffered(connector: string): Promise<Content[]>;
  /** Null if there is no such file. */
  openContent(connector: string, id: string): Promise<ContentReader | null>;
  /** Notes that the device began to fetch this version, or, with `completed`, that it has all of it. */
  noteFetch(ref: DeviceRef, id: string, sha256: string, at: number, completed: boolean): Promise<void>;
  /** The latest first; `before` exclusive, of `last`. CONTENT_UNKNOWN. */
  listFetches(
    connector: string,
    id: string,
    query: { readonly before?: number; readonly limit: number },
  ): Promise<{ fetches: ContentFetch[]; mayLoadMore: boolean }>;
  /** Rollouts of all connectors that are running. */
  listRollouts(): Promise<{ connector: string; content: Content }[]>;
  /** How those fared that took the present version; without a watched resource nobody fails. CONTENT_UNKNOWN. */
  readRolloutFigures(connector: string, id: string): Promise<RolloutFigures>;

  // People. Whatever may end a session tells the signal `account`.
  /** `email` in lower case. */
  getUser(email: string): Promise<User | null>;
  getUserById(id: string): Promise<User | null>;
  /** By the digest of a one-time link. */
  getUserByLink(digest: string): Promise<User | null>;
  /** By what an OpenID provider calls it. */
  getUserBySubject(subject: string): Promise<User | null>;
  /** By email. */
  listUsers(): Promise<User[]>;
  countUsers(): Promise<number>;
  /** Creates or replaces by id. Another password, role or connectors end the sessions of the account. USER_KNOWN */
  putUser(user: User, audit?: NewAudit): Promise<void>;
  /**
   * Reads the account, lets the rule decide, and writes what it decided, with no other change of any account in between.
   * Sessions end as for `putUser`, with the account, and where the rule says so. USER_KNOWN where the email belongs to
   * another one. `audit` tells what is written of it, given the account before and after.
   */
  changeUser<T>(
    id: string,
    decide: (user: User | null, people: People) => UserChange<T>,
    audit?: (before: User | null, after: User | null) => NewAudit | null,
  ): Promise<T>;
  /** Opens a session of an account that (still) is as it was when its owner was checked; else false, and nothing is stored. */
  putSession(session: Session, checked: Checked, audit?: NewAudit): Promise<boolean>;
  getSession(digest: string): Promise<Session | null>;
  /** Of an account, the one used last first. */
  listSessions(user: string): Promise<Session[]>;
  /** The owner of the session has shown the password at `at`. False if there is no such session any more. */
  proveSession(digest: string, at: number, audit?: NewAudit): Promise<boolean>;
  /** False if there was none; then nothing is written of it. */
  deleteSession(digest: string, audit?: NewAudit): Promise<boolean>;
  /** KEY_KNOWN where another has the name: the log tells them apart by it. */
  putKey(key: ApiKey, audit?: NewAudit): Promise<void>;
  /** By the digest of its secret. */
  getKey(digest: string): Promise<ApiKey | null>;
  /** Newest first. */
  listKeys(): Promise<ApiKey[]>;
  /** False if there was none; then nothing is written of it. */
  deleteKey(id: string, audit?: NewAudit): Promise<boolean>;
  /** Notes that a session (by its digest) or a key (by its id) was used. No promise of durability. */
  noteUse(what: 'session' | 'key', id: string, at: number): void;

  // Audit
  /** Writes an entry by itself: of what changes nothing, as a sign-in that failed. */
  audit(entry: NewAudit): Promise<void>;
  readAudit(query: AuditQuery): Promise<AuditPage>;
  /** Oldest first, from behind a number. */
  readChain(after: number, limit: number): Promise<ChainRow[]>;

  // House-keeping
  /** Notes for every connector how many devices are online (`online` of `readFigures`). */
  sampleOnline(now: number): Promise<void>;
  // Each does one small step and says how many things it handled; 0 = nothing left to do.
  /** Marks entries whose time has passed and logs `expired` for each, once. */
  expireDue(now: number, limit: number): Promise<number>;
  /** Removes what retention no longer keeps, and what belonged to deleted devices and connectors. */
  purge(now: number, limit: number): Promise<number>;

  // Life
  /** Resolves if the engine can write. */
  ping(): Promise<void>;
  /** Called after each commit; returns the way to stop listening. */
  onSignal(listener: (signal: Signal) => void): () => void;
  figures(): StoreFigures;
  sizes(): Promise<StoreSizes>;
  /** Finishes what was accepted, then closes. */
  close(): Promise<void>;
}

/** For `/metrics`. Histograms count since the start. */
export interface CommitFigures {
  /** How long each commit took, flush included, in s; and how many writes shared it. */
  readonly commitSeconds: HistogramFigures;
  readonly commitWrites: HistogramFigures;
  readonly queuedWrites: number;
  readonly queuedBytes: number;
}
export interface StoreFigures extends CommitFigures {
  /** Questions that wait for whoever reads. */
  readonly queuedQuestions: number;
}
/** In bytes. */
export interface StoreSizes {
  readonly database: number;
  /** The write-ahead log; null where it is not this database's alone. */
  readonly wal: number | null;
}
