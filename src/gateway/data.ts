/** Values of devices, for both doors: what a write, a back-dated record and a read mean, whatever protocol carried them. */
import type { Connector, Resource } from '../domain/connector.ts';
import type { Origin, Point } from '../domain/device.ts';
import { AppError } from '../domain/errors.ts';
import { checkSpacing } from '../domain/record.ts';
import { checkAlias, checkValue } from '../domain/resources.ts';
import type { PendingValue, Store, ValueState } from '../store/store.ts';
import type { Directory } from './directory.ts';
import type { Session } from './sessions.ts';

/** Longest value, in bytes of UTF-8 (device-http.md, write). */
export const VALUE_MAX = 1_048_576;
/** Most points of one back-dated request (device-mqtt.md, batch). */
export const POINTS_MAX = 10_000;

/** Characters of values in one answer. */
const READ_MAX = 4 * VALUE_MAX;

/** One back-dated value. `timestamp` in µs since the epoch; `text` is how the device wrote it. */
export interface RecordedPoint {
  readonly alias: string;
  readonly timestamp: number;
  readonly text: string;
  readonly value: string;
}
export interface Conflict {
  readonly alias: string;
  readonly texts: readonly string[];
}

export interface DeviceData {
  /** Counts one request against the connector's rate limit; to be called once for each, before anything else. RATE_LIMITED. */
  admit(session: Session): void;
  /** All values get the same timestamp. Throws or rejects with 400, 404, 413, 422, 503. */
  write(session: Session, pairs: readonly (readonly [alias: string, value: string])[], origin: Origin): Promise<void>;
  /** Stores all points, or none and answers which of them lie too close together or are recorded already. */
  record(session: Session, points: readonly RecordedPoint[], origin: Origin): Promise<readonly Conflict[]>;
  /** The wanted values (`set`) with the time they were set, in the order asked; undefined where there is none. */
  read(
    session: Session,
    aliases: readonly string[],
    origin: Origin,
  ): Promise<({ value: string; at: number } | undefined)[]>;
  /** A message of the device's own: shown in the log, stored in no resource. */
  publish(session: Session, message: object, origin: Origin): Promise<void>;
  /** A live connection began or ended. */
  note(session: Session, type: 'connect' | 'disconnect', payload: object, origin: Origin): Promise<void>;
  /** The id of the live connection of the device that began last, on whichever gateway; null if none stands. */
  connection(session: Session): Promise<string | null>;
  /** Its connection still stands. */
  touch(session: Session, origin: Origin): void;
  /** The oldest value that is to be sent to the device, of an alias that is not in `except`; null if there is none. */
  pending(session: Session, except: ReadonlySet<string>): Promise<PendingValue | null>;
  /** The device took the value. */
  acknowledge(session: Session, alias: string, setAt: number): void;
}

export function createDeviceData(store: Store, directory: Directory, clock: () => number): DeviceData {
  function connectorOf(session: Session): Connector {
    const connector = directory.get(session.ref.connector);
    if (connector === undefined) throw new AppError('CONNECTOR_UNKNOWN', { seen: session.ref.connector });
    return connector;
  }

  return {
    admit(session) {
      const perMinute = connectorOf(session).settings.limits.requests_per_minute;
      if (perMinute > 0) throttle(session, perMinute, clock());
    },

    write(session, pairs, origin) {
      const { resources } = connectorOf(session).settings;
      const timestamp = clock();
      let values: Record<string, string> | null = null;
      let others: Record<string, string> | null = null;
      for (const [alias, value] of pairs) {
        const resource = check(resources, alias, value);
        if (resource === undefined) {
          others ??= {};
          others[alias] = value;
        } else {
          values ??= {};
          values[alias] = value;
        }
      }
      return store.append({
        ref: session.ref,
        type: 'data_in',
        origin,
        timestamp,
        points: values === null ? none : [{ timestamp, values }],
        undefinedPoints: others === null ? none : [{ timestamp, values: others }],
      });
    },

    async record(session, points, origin) {
      const { resources } = connectorOf(session).settings;
      if (points.length > POINTS_MAX) {
        throw new AppError('BODY_TOO_LARGE', { seen: `${points.length} points`, wanted: `at most ${POINTS_MAX}` });
      }
      const close = checkSpacing(points);
      if (close.length > 0) {
        return conflictsOf(
          points,
          close.flatMap(({ alias, earlier, later }) => [earlier, later].map((timestamp) => ({ alias, timestamp }))),
        );
      }
      const defined: Point[] = [];
      const others: Point[] = [];
      for (const { alias, timestamp, value } of points) {
        const list = check(resources, alias, value) === undefined ? others : defined;
        list.push({ timestamp, values: { [alias]: value } });
      }
      const entry = { ref: session.ref, type: 'data_in' as const, origin, timestamp: clock() };
      const taken = await store.record({ ...entry, points: together(defined), undefinedPoints: together(others) });
      return conflictsOf(points, taken);
    },

    async read(session, aliases, origin) {
      store.touch(session.ref, clock(), origin.ip);
      const { resources } = connectorOf(session).settings;
      const states = await store.readValues(session.ref, aliases);
      let size = 0;
      return states.map((state, at) => {
        const value = wantedValue(state, Object.hasOwn(resources, aliases[at]!) ? resources[aliases[at]!] : undefined);
        size += value?.value.length ?? 0;
        if (size > READ_MAX) {
          throw new AppError('BODY_TOO_LARGE', {
            seen: 'values too large for one answer',
            wanted: 'fewer aliases at once',
          });
        }
        return value;
      });
    },

    publish: (session, message, origin) => log(session, 'publish', message, origin),
    note: log,
    connection: (session) => store.readConnection(session.ref),
    touch: (session, origin) => store.touch(session.ref, clock(), origin.ip),

    async pending(session, except) {
      const { resources } = connectorOf(session).settings;
      let passed = except;
      for (;;) {
        const value = await store.readPending(session.ref, passed);
        if (value === null) return null;
        const { alias } = value;
        if (Object.hasOwn(resources, alias) && resources[alias]!.sync) return value;
        passed = new Set([...passed, alias]);
      }
    },

    acknowledge: (session, alias, setAt) => store.acknowledge(session.ref, alias, setAt),
  };

  function log(
    { ref }: Session,
    type: 'publish' | 'connect' | 'disconnect',
    payload: object,
    origin: Origin,
  ): Promise<void> {
    const event = { type, identity: ref.identity, origin, timestamp: clock(), payload };
    return store.log(ref.connector, [event], ref);
  }
}

/** What the cloud wants: what was set, or else what the resource begins with. */
function wantedValue(
  state: ValueState | undefined,
  resource: Resource | undefined,
): { value: string; at: number } | undefined {
  if (state !== undefined && state.set !== null) return { value: state.set, at: state.setAt ?? 0 };
  if (!resource?.settable || resource.initial === null) return undefined;
  return { value: String(resource.initial), at: 0 };
}

const none: readonly Point[] = [];

/** The resource that the value is for; undefined if the alias is none. ALIAS_INVALID, BODY_TOO_LARGE, VALUE_REFUSED. */
function check(resources: Record<string, Resource>, alias: string, value: string): Resource | undefined {
  if (value.length > VALUE_MAX / 4 && Buffer.byteLength(value) > VALUE_MAX) {
    throw new AppError('BODY_TOO_LARGE', {
      seen: `${Buffer.byteLength(value)} bytes for ${alias}`,
      wanted: `at most ${VALUE_MAX}`,
    });
  }
  const resource = Object.hasOwn(resources, alias) ? resources[alias] : undefined;
  if (resource === undefined) {
    if (!checkAlias(alias))
      throw new AppError('ALIAS_INVALID', { seen: alias, wanted: '1 to 128 characters, none of . $ & = / + #' });
    return undefined;
  }
  const fault = checkValue(resource, value);
  if (fault !== null)
    throw new AppError('VALUE_REFUSED', { seen: `${alias}=${fault.seen}`, wanted: `${alias}: ${fault.wanted}` });
  return resource;
}

/** Points of the same moment as one. */
function together(points: readonly Point[]): Point[] {
  const byTime = new Map<number, Point>();
  for (const point of points) {
    const same = byTime.get(point.timestamp);
    if (same === undefined) byTime.set(point.timestamp, point);
    else Object.assign(same.values, point.values);
  }
  return [...byTime.values()];
}

/** The conflicts in the words of the request: timestamps as the device wrote them, by alias. */
function conflictsOf(
  points: readonly RecordedPoint[],
  taken: readonly { readonly alias: string; readonly timestamp: number }[],
): Conflict[] {
  const wanted = new Set(taken.map(({ alias, timestamp }) => `${timestamp} ${alias}`));
  const found = points.filter(({ alias, timestamp }) => wanted.has(`${timestamp} ${alias}`));
  return [...Map.groupBy(found, ({ alias }) => alias)].map(([alias, list]) => ({
    alias,
    texts: list.map(({ text }) => text),
  }));
}

/** The connector's rate limit per device and minute. RATE_LIMITED. */
function throttle(session: Session, perMinute: number, now: number): void {
  const minute = Math.floor(now / 60_000_000);
  if (session.minute !== minute) {
    session.minute = minute;
    session.requests = 0;
  }
  session.requests += 1;
  if (session.requests <= perMinute) return;
  const retryAfter = Math.max(1, 60 - Math.floor((now / 1_000_000) % 60));
  const seen = `more than ${perMinute} requests of this device within a minute`;
  throw new AppError('RATE_LIMITED', { seen, wanted: `at most ${perMinute}`, retryAfter });
}
