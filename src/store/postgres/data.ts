/** Values: taken in (the hot path), and read back as current state. Plain events go the same way, as they share the log. */
import type { EventType } from '../../domain/connector.ts';
import type { NewEvent, Point } from '../../domain/device.ts';
import { AppError } from '../../domain/errors.ts';
import { aliasesOf, connectionSignals, sizeOfData, sizeOfEvent } from '../payload.ts';
import type { DataEntry, DeviceRef, PendingValue, Signal, ValueState } from '../store.ts';
import { follow, type MutableState, noState, type StateColumns, toState } from '../value-state.ts';
import { createCommitter, type Outcome } from './committer.ts';
import type { Connectors } from './connectors.ts';
import { type Database, statement } from './database.ts';
import { type Logged, loggedData, logValues } from './ledger.ts';
import type { Link, Presence } from './presence.ts';
import { packSignals } from './signal-text.ts';
import { numbers, texts } from './text.ts';

interface Parts {
  readonly db: Database;
  readonly node: string;
  readonly connectors: Connectors;
  readonly presence: Presence;
  readonly send: (signals: readonly Signal[]) => void;
}

/** One write: an entry of a device, or events that carry no values. */
interface Write {
  readonly id: string;
  readonly connector: number;
  readonly entry: DataEntry | null;
  /** Points that are there already refuse it. */
  readonly recorded: boolean;
  readonly events: readonly NewEvent[];
  /** Whom those come from. */
  readonly device: DeviceRef | null;
}

/** Two, so that the database has work while a commit is on its way to the disk. */
const LANES = 2;
/** Events by which a device is heard of; `connect`, too, but that is written with it. */
const fromDevice: ReadonlySet<EventType> = new Set<EventType>(['data_in', 'provisioned', 'publish']);

const append = statement(
  'append-batch',
  `SELECT append_batch($1, $2, $3, ${Array.from({ length: 44 }, (_, at) => `$${at + 4}`).join(', ')}) AS refused`,
);
const stateOf = statement(
  'state',
  'SELECT alias, set_value, set_at, reported, reported_at FROM state WHERE device = $1 ORDER BY alias',
);
const valuesOf = statement(
  'values',
  'SELECT alias, set_value, set_at, reported, reported_at FROM state WHERE device = $1 AND alias = ANY ($2::text[])',
);

const connectionOf = statement('connection', 'SELECT connection FROM presence WHERE device = $1');
const pending = statement(
  'pending',
  `SELECT alias, value, at FROM wanted w WHERE device = $1 AND alias <> ALL ($2::text[]) AND NOT EXISTS (
     SELECT 1 FROM unnest($3::text[], $4::bigint[]) AS a (alias, at) WHERE a.alias COLLATE "C" = w.alias AND a.at = w.at)
   ORDER BY at, alias LIMIT 1`,
);

interface StateRow extends StateColumns {
  readonly alias: string;
}

/** Nothing was written if there are any: keys of connectors, places among the recorded points. */
interface Refusals {
  readonly dead?: readonly number[];
  readonly taken?: readonly number[];
}

export function createData({ db, node, connectors, presence, send }: Parts) {
  const committer = createCommitter<Write>(db, commit, LANES);
  /**
   * Commits of `connect` events under way, by device. Two commits may be under way at a time, and the one that commits last is the
   * connection that counts: what follows of the same device waits.
   */
  const linking = new Map<number, Promise<void>>();

  async function commit(batch: readonly Write[]): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = batch.map(() => 'again');
    const places = withoutClashes(batch);
    const writes = places.map((at) => batch[at]!);
    const recorded = writes.filter(({ recorded }) => recorded).flatMap(eachOnce);
    const signals = signalsOf(writes);
    const rows = await db.commit<{ refused: Refusals }>((id) => ({
      statement: append,
      values: [id, node, packSignals(signals), ...valuesFor(writes, recorded)],
    }));
    const { dead, taken } = rows?.[0]?.refused ?? {};
    if (dead !== undefined) {
      for (const [at, { id, connector }] of batch.entries()) {
        if (!dead.includes(connector)) continue;
        connectors.forget(id);
        outcomes[at] = { error: new AppError('CONNECTOR_UNKNOWN', { seen: id }) };
      }
    } else if (taken !== undefined) {
      const conflicts = Map.groupBy(taken, (at) => recorded[at]!.write);
      for (const [at, write] of batch.entries()) {
        const places = conflicts.get(write);
        if (places === undefined) continue;
        outcomes[at] = {
          answer: places.map((at) => ({ alias: recorded[at]!.alias, timestamp: recorded[at]!.timestamp })),
        };
      }
    } else {
      for (const [n, at] of places.entries()) outcomes[at] = { answer: writes[n]!.recorded ? [] : undefined };
      for (const write of writes) noteHeard(write);
      send(signals);
    }
    return outcomes;
  }

  function noteHeard({ entry, events, device }: Write): void {
    const ref = entry?.ref ?? device;
    if (ref === null) return;
    for (const { type, origin, timestamp } of entry === null ? events : [entry]) {
      if (origin !== null && origin.protocol !== null && fromDevice.has(type)) {
        presence.heard(ref.key, timestamp, origin.ip);
      }
    }
  }

  function submit<T>(write: Omit<Write, 'connector'>, bytes: number): Promise<T> {
    // Mostly known: no step more on the hot path.
    const connector = connectors.find(write.id);
    if (connector !== undefined) return committer.submit({ ...write, connector }, bytes);
    return connectors.keyOf(write.id).then((connector) => committer.submit({ ...write, connector }, bytes));
  }

  const entryWrite = (entry: DataEntry, recorded: boolean) => {
    return { id: entry.ref.connector, entry, recorded, events: [], device: null };
  };

  return {
    append: (entry: DataEntry): Promise<void> => submit(entryWrite(entry, false), sizeOfData(entry)),

    record: (entry: DataEntry): Promise<{ alias: string; timestamp: number }[]> =>
      submit(entryWrite(entry, true), sizeOfData(entry)),

    async log(id: string, events: readonly NewEvent[], device: DeviceRef | null = null): Promise<void> {
      const bytes = events.reduce((sum, event) => sum + sizeOfEvent(event), 0);
      const write = () => submit<void>({ id, entry: null, recorded: false, events, device }, bytes);
      const [link, type] = linkOf(device, events);
      if (link === null) return write();
      const before = linking.get(link.ref.key);
      if (type === 'connect') {
        presence.connected(link);
        const begun = before === undefined ? write() : before.then(write);
        const done: Promise<void> = begun
          .catch(() => {})
          .finally(() => {
            if (linking.get(link.ref.key) === done) linking.delete(link.ref.key);
          });
        linking.set(link.ref.key, done);
        return begun;
      }
      presence.left(link);
      await before;
      return write().catch((error) => {
        presence.leftUntold(link, events.at(-1)!.timestamp);
        throw error;
      });
    },

    async readConnection(ref: DeviceRef): Promise<string | null> {
      return (await db.read<{ connection: string | null }>(connectionOf, [ref.key]))[0]?.connection ?? null;
    },

    /** What was acknowledged and still stands in the table is passed over. */
    async readPending(ref: DeviceRef, except: ReadonlySet<string>): Promise<PendingValue | null> {
      const done = presence.acknowledged(ref.key);
      const rows = await db.read<{ alias: string; value: string; at: number }>(pending, [
        ref.key,
        texts(except),
        texts(done.keys()),
        numbers(done.values()),
      ]);
      const row = rows[0];
      return row === undefined ? null : { alias: row.alias, value: row.value, setAt: row.at };
    },

    async readValues(ref: DeviceRef, aliases: readonly string[]): Promise<(ValueState | undefined)[]> {
      const rows = await db.read<StateRow>(valuesOf, [ref.key, texts(aliases)]);
      const byAlias = new Map(rows.map((row) => [row.alias, toState(row)]));
      return aliases.map((alias) => byAlias.get(alias));
    },

    async readState(ref: DeviceRef): Promise<Record<string, ValueState>> {
      const state: Record<string, ValueState> = Object.create(null);
      for (const row of await db.read<StateRow>(stateOf, [ref.key])) state[row.alias] = toState(row);
      return state;
    },

    figures: committer.figures,
    close: committer.close,
  };
}

interface PlacedPoint {
  readonly write: Write;
  readonly device: number;
  readonly alias: string;
  readonly timestamp: number;
  readonly value: string;
}

function pointsOf(write: Write): PlacedPoint[] {
  const { entry } = write;
  if (entry === null) return [];
  return entry.points.flatMap(({ timestamp, values }) =>
    Object.keys(values).map((alias) => ({ write, device: entry.ref.key, alias, timestamp, value: values[alias]! })),
  );
}

const nameOf = ({ device, alias, timestamp }: PlacedPoint) => `${device} ${timestamp} ${alias}`;

/** Of two points of one moment the first. */
function eachOnce(write: Write): PlacedPoint[] {
  return [
    ...new Map(
      pointsOf(write)
        .toReversed()
        .map((point) => [nameOf(point), point]),
    ).values(),
  ];
}

/** Places of all but those records that repeat a point of another one in this batch: these have to see it written. */
function withoutClashes(batch: readonly Write[]): number[] {
  const all = batch.map((_, at) => at);
  if (!batch.some(({ recorded }) => recorded)) return all;
  const seen = new Set<string>();
  return all.filter((at) => {
    const write = batch[at]!;
    const names = pointsOf(write).map(nameOf);
    const clashes = names.some((name) => seen.has(name));
    if (clashes) return false;
    for (const name of names) seen.add(name);
    return true;
  });
}

function signalsOf(writes: readonly Write[]): Signal[] {
  const values = writes.flatMap(({ entry }): Signal[] => {
    if (entry === null || entry.points.length === 0) return [];
    const by = entry.type === 'data_out' ? 'cloud' : 'device';
    return [{ kind: 'values', ref: entry.ref, aliases: aliasesOf(entry), by }];
  });
  const begun = writes.flatMap(({ device, events }) => (device === null ? [] : connectionSignals(device, events)));
  const grown = new Set(writes.map(({ id }) => id));
  return [...values, ...begun, ...[...grown].map((connector): Signal => ({ kind: 'events', connector }))];
}

/** The parameters of `append_batch` from the fourth on. */
function valuesFor(writes: readonly Write[], recorded: readonly PlacedPoint[]) {
  const events = writes.flatMap(({ connector, entry, events, device }): Logged[] =>
    entry === null
      ? events.map((event) => ({ ...event, connector, device: device?.key ?? null }))
      : [loggedData(connector, entry)],
  );
  const reported = writes.filter(({ entry, recorded }) => entry?.type === 'data_in' && !recorded).flatMap(pointsOf);
  const states = statesOf(writes);
  return [
    ...logValues(events),
    numbers(new Set(writes.map(({ connector }) => connector))),
    numbers(new Set(writes.flatMap(({ entry }) => (entry === null ? [] : [entry.ref.key])))),
    ...pointValues(reported),
    ...pointValues(recorded),
    numbers(states.map(({ device }) => device)),
    texts(states.map(({ alias }) => alias)),
    texts(states.map(({ state }) => state.set)),
    numbers(states.map(({ state }) => state.setAt)),
    texts(states.map(({ state }) => state.reported)),
    numbers(states.map(({ state }) => state.reportedAt)),
    ...wantedValues(writes),
    ...linkValues(writes),
  ];
}

interface Said {
  readonly device: number;
  readonly alias: string;
  readonly at: number;
  readonly value: string | null;
}

/** What devices said, which takes away what was wanted; and what the cloud wants last, without what was said since. */
function wantedValues(writes: readonly Write[]) {
  const said: Said[] = [];
  const wanted = new Map<string, Said>();
  for (const write of writes) {
    for (const { device, alias, timestamp, value } of pointsOf(write)) {
      const at = Math.min(timestamp, write.entry!.timestamp);
      const name = `${device} ${alias}`;
      const before = wanted.get(name);
      const one = { device, alias, at, value };
      if (write.entry!.type === 'data_in') {
        said.push(one);
        if (before !== undefined && before.at <= at && before.value === value)
          wanted.set(name, { ...before, value: null });
      } else if (before === undefined || at >= before.at) wanted.set(name, one);
    }
  }
  return [said, [...wanted.values()]].flatMap((list) => [
    numbers(list.map(({ device }) => device)),
    texts(list.map(({ alias }) => alias)),
    numbers(list.map(({ at }) => at)),
    texts(list.map(({ value }) => value)),
  ]);
}

/** What these events say of a live connection of the device. */
function linkOf(device: DeviceRef | null, events: readonly NewEvent[]): [Link | null, EventType | null] {
  const last = events.findLast(({ type }) => type === 'connect' || type === 'disconnect');
  if (device === null || last === undefined) return [null, null];
  return [{ ref: device, connection: last.origin?.connectionId ?? '' }, last.type];
}

/** Connections that began, the last one of each device; and those that ended. */
function linkValues(writes: readonly Write[]) {
  const begun = new Map<number, NewEvent>();
  const ended = new Map<string, { device: number; event: NewEvent }>();
  for (const { device, events } of writes) {
    if (device === null) continue;
    for (const event of events) {
      if (event.type === 'connect') begun.set(device.key, event);
      if (event.type === 'disconnect') {
        ended.set(`${device.key} ${event.origin?.connectionId}`, { device: device.key, event });
      }
    }
  }
  const left = [...ended.values()];
  return [
    numbers(begun.keys()),
    numbers([...begun.values()].map(({ timestamp }) => timestamp)),
    texts([...begun.values()].map(({ origin }) => origin?.ip ?? null)),
    texts([...begun.values()].map(({ origin }) => origin?.connectionId ?? '')),
    numbers(left.map(({ device }) => device)),
    numbers(left.map(({ event }) => event.timestamp)),
    texts(left.map(({ event }) => event.origin?.connectionId ?? '')),
  ];
}

function pointValues(points: readonly PlacedPoint[]) {
  return [
    numbers(points.map(({ device }) => device)),
    texts(points.map(({ alias }) => alias)),
    numbers(points.map(({ timestamp }) => timestamp)),
    texts(points.map(({ value }) => value)),
  ];
}

/** What the batch says of each alias of each device: one row, however many values there were. */
function statesOf(writes: readonly Write[]): { device: number; alias: string; state: MutableState }[] {
  const devices = new Map<number, Map<string, MutableState>>();
  for (const { entry } of writes) {
    if (entry === null) continue;
    const ofDevice = devices.getOrInsertComputed(entry.ref.key, () => new Map());
    for (const point of entry.points) followPoint(ofDevice, entry, point);
  }
  return [...devices].flatMap(([device, ofDevice]) =>
    [...ofDevice].map(([alias, state]) => ({ device, alias, state })),
  );
}

/** A point that claims a time still to come counts as of its arrival, or it would hide all that follows. */
function followPoint(ofDevice: Map<string, MutableState>, { type, timestamp: arrived }: DataEntry, point: Point): void {
  const at = Math.min(point.timestamp, arrived);
  for (const alias in point.values) {
    const state = ofDevice.getOrInsertComputed(alias, () => ({ ...noState }));
    follow(state, type === 'data_in', at, point.values[alias]!);
  }
}
