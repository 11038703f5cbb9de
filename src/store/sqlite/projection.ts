/**
 * What follows from the log: current state, history, figures over time, the index of events by identity, when a device was
 * last heard of. The log row alone is what an answer waits for; these tables follow a stretch of the log at a time, which is
 * cheaper by far than one row each, in steps so short that the loop is not held. Until then memory holds what they lack, and
 * reads look there first. After a crash they are caught up from the log: `projected` in `meta` says from where.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { EventType } from '../../domain/connector.ts';
import type { Point } from '../../domain/device.ts';
import type { DeviceRef, PendingValue, ValueState } from '../store.ts';
import { follow, type MutableState, noState, type StateColumns, toState } from '../value-state.ts';
import type { Aliases } from './aliases.ts';
import { BLOCK_BYTES, type Block } from './blocks.ts';
import { beginStep } from './budget.ts';
import type { Changes } from './changes.ts';
import type { Committer } from './committer.ts';
import type { Figures } from './figures.ts';
import type { LoggedEvent } from './ledger.ts';
import { createPresences, type Presence } from './presence.ts';
import { createTraces, type DeviceTraces, type IndexRow, isOfDevice, type TraceRow, type Traces } from './traces.ts';
import { createWanted } from './wanted.ts';

/** Waiting events past which new data is refused: reached only when the disk takes no more. */
const WAITING_EVENTS = 100_000;
const WAITING_BYTES = 128 << 20;
/** Bounds of a stretch: past them it is written at once. Before, it waits for the clock, so that several values of a device share a row. */
const STRETCH_EVENTS = 8_000;
const STRETCH_BYTES = 8 << 20;
const LAZY_MS = 1_000;

/** Events by which a device is heard of. */
const fromDevice: ReadonlySet<EventType> = new Set<EventType>(['data_in', 'provisioned', 'publish', 'connect']);

interface Held {
  /** Changes with the next value: whoever keeps it has to copy it. */
  readonly state: MutableState;
  /** The event that wrote it last: when that one is projected, the table knows. */
  seq: number;
}

/** What is being written: rows in order, and how many of them are. */
interface Stretch {
  readonly traces: Traces;
  readonly rows: readonly TraceRow[];
  at: number;
}

export interface Projection {
  /** Takes what was just committed. */
  add(events: readonly LoggedEvent[]): void;
  touch(device: number, at: number, ip: string): void;
  acknowledge(connector: number, device: number, alias: string, at: number): void;
  /** As the store's `readPending`. */
  pending(ref: DeviceRef, except: ReadonlySet<string>): PendingValue | null;
  /** What is newer than the `state` table; undefined where nothing is. */
  held(device: number): ReadonlyMap<string, Held> | undefined;
  presence(device: number): Presence | undefined;
  /** Id of the live connection of the device. */
  connection(device: number): string | null;
  /** Reports of the device that wait to be written. */
  waiting(device: number): Point[];
  /** Writes everything that waits, in steps between which the loop runs. */
  flush(): Promise<void>;
  /** The same without pause: at start and at the end. */
  flushNow(): void;
  forget(device: number): void;
  /** True when so much waits that nothing more may be taken. */
  full(): boolean;
}

export function createProjection(
  db: DatabaseSync,
  committer: Committer,
  aliases: Aliases,
  figures: Figures,
  changes: Changes,
  onError: (error: unknown) => void,
): Projection {
  const writers = prepareWriters(db);
  const states = new Map<number, Map<string, Held>>();
  const presences = createPresences(db);
  const wanted = createWanted(db, aliases);
  /** What is gathered, and before it what is being written, oldest first. */
  let gathered = createTraces();
  const stretches: Stretch[] = [];
  /** The latest arrival that any value may have; greater than the clock where that was set back. */
  let newest = writers.newest();
  /** The stretch that a crash left half written: gathered to the same end it is the same rows, of which some are written. */
  const halfWritten = writers.begun();
  /** Number of the last event that the tables have. */
  let written = 0;
  let timer: NodeJS.Timeout | null = null;
  let working = false;
  let failing = false;
  /** The step that was asked for last: each has a turn of the loop to itself. */
  let lastStep: Promise<void> = Promise.resolve();

  function add(events: readonly LoggedEvent[]): void {
    for (const event of events) {
      if (event.seq > halfWritten.last && gathered.last !== 0 && gathered.last <= halfWritten.last) endStretch();
      const { device, points } = event;
      if (device !== null) {
        noteEvent(event, device);
        wanted.add(event);
        if (points.length > 0) hold(states, event, (alias) => read(event.connector, device, alias), newest);
        if (points.length > 0 && event.timestamp > newest) newest = event.timestamp;
      }
      gathered.add(event, wanted.has);
      if (gathered.last > halfWritten.last && (gathered.events >= STRETCH_EVENTS || gathered.bytes >= STRETCH_BYTES)) {
        endStretch();
      }
    }
    plan();
  }

  function endStretch(): void {
    if (gathered.events === 0) return;
    const stretch = { traces: gathered, rows: gathered.rows(), at: 0 };
    stretches.push(stretch);
    gathered = createTraces();
    if (stretch.traces.last === halfWritten.last) advance(stretch, halfWritten.rows);
  }

  function advance(stretch: Stretch, at: number): void {
    const { traces, rows } = stretch;
    for (const row of rows.slice(stretch.at, at)) if (isOfDevice(row)) release(states, row, traces.last);
    stretch.at = at;
  }

  function read(connector: number, device: number, alias: string): ValueState | undefined {
    const key = aliases.find(connector, alias);
    return key === undefined ? undefined : writers.readState(device, key);
  }

  function noteEvent({ type, protocol, connection, timestamp, ip }: LoggedEvent, device: number): void {
    if (protocol !== null && fromDevice.has(type)) presences.heard(device, timestamp, ip);
    if (type === 'connect') presences.connected(device, connection ?? '');
    if (type === 'disconnect') presences.left(device, timestamp, connection ?? '');
  }

  function plan(): void {
    if (!working && !failing && (stretches.length > 0 || changes.isEager())) {
      working = true;
      inTurn(eagerStep).catch(failed);
    }
    if (timer === null && (gathered.events > 0 || stretches.length > 0 || othersWait() || changes.waits())) {
      timer = setTimeout(() => {
        timer = null;
        flush().catch(failed);
      }, LAZY_MS);
      timer.unref();
    }
  }

  /** What does not wait for the clock. */
  function eagerStep(): void {
    working = false;
    if (stretches.length > 0) stretchStep();
    else if (changes.isEager()) changesStep();
    plan();
  }

  function inTurn(step: () => void): Promise<void> {
    const done = lastStep.then(() => new Promise(setImmediate)).then(step);
    lastStep = done.catch(() => {});
    return done;
  }

  /** Nothing is lost: the log has it all. The clock tries again. */
  function failed(error: unknown): void {
    failing = true;
    onError(error);
    plan();
  }

  const othersWait = () => presences.size > 0 || wanted.acknowledgements > 0;

  /** Runs `write` in a transaction; what it takes of the presences is given back where that fails. */
  function inTransaction(write: (take: (device: number) => Presence | undefined) => void): void {
    const taken = new Map<number, Presence>();
    const take = (device: number) => {
      const presence = presences.take(device);
      if (presence !== undefined) taken.set(device, presence);
      return presence;
    };
    try {
      committer.aside(() => write(take));
      failing = false;
    } catch (error) {
      aliases.forget();
      presences.restore(taken);
      throw error;
    }
  }

  /** Brings some of the changed devices home, and with them when they were heard of. */
  function changesStep(): void {
    const isOver = beginStep();
    let devices: Float64Array = new Float64Array();
    inTransaction((take) => {
      devices = changes.write(isOver, (device) => {
        const presence = take(device);
        if (presence !== undefined) presences.writeLink(device, presence);
        return presence;
      });
    });
    changes.written(devices);
  }

  /** Writes some rows of the oldest stretch, and with the last ones that it is done. */
  function stretchStep(): void {
    const stretch = stretches[0]!;
    const { traces, rows } = stretch;
    const isOver = beginStep();
    let at = stretch.at;
    inTransaction((take) => {
      while (at < rows.length && (at === stretch.at || !isOver())) writeRow(rows[at++]!, traces.last, take);
      if (at < rows.length) {
        writers.begin(traces.last, at);
        return;
      }
      wanted.writeAcknowledged(traces.last);
      figures.count(traces.counts);
      writers.mark(traces.last, newest);
    });
    advance(stretch, at);
    if (at < rows.length) return;
    stretches.shift();
    written = traces.last;
    wanted.release(written);
  }

  function writeRow(row: TraceRow, last: number, take: (device: number) => Presence | undefined): void {
    if (!isOfDevice(row)) {
      writers.index(row);
      return;
    }
    const { device } = row;
    for (const index of row.index) writers.index(index);
    // A device on its way to its row takes along when it was heard of.
    const presence = changes.has(device) ? undefined : take(device);
    if (presence !== undefined) presences.write(device, presence);
    if (row.aliases.size > 0 && writers.exists(device)) writeValues(row, last);
  }

  function writeValues({ device, connector, aliases: traces, values }: DeviceTraces, last: number): void {
    if (values !== null) wanted.write(values);
    const held = states.get(device);
    const named = [...traces].map(([name, { blocks }]) => ({ key: aliases.key(connector, name), name, blocks }));
    for (const { key, name, blocks } of named.sort((a, b) => a.key - b.key)) {
      const state = held?.get(name)?.state;
      if (state !== undefined) writers.state(device, key, state);
      for (const [span, block] of blocks) writers.block(device, key, span, last, block);
    }
  }

  /** When devices were heard of that no event tells of, and what they acknowledged meanwhile. How many devices. */
  function othersStep(): number {
    const until = gathered.events > 0 || stretches.length > 0 ? written : Number.POSITIVE_INFINITY;
    const isOver = beginStep();
    let count = 0;
    inTransaction((take) => {
      wanted.writeAcknowledged(until);
      for (const device of presences.devices()) {
        if (changes.has(device)) continue;
        presences.write(device, take(device)!);
        count += 1;
        if (isOver()) break;
      }
    });
    wanted.release(until);
    return count;
  }

  async function flush(): Promise<void> {
    endStretch();
    const until = stretches.at(-1)?.traces.last ?? 0;
    const waits = () => stretches.length > 0 && stretches[0]!.traces.last <= until;
    while (waits()) await inTurn(() => void (waits() && stretchStep()));
    // As many as there are now: more come while they are written.
    for (let others = othersWait() ? presences.size : -1; others >= 0; ) {
      await inTurn(() => {
        const count = othersWait() ? othersStep() : 0;
        others = count === 0 ? -1 : others - count;
      });
    }
    // Last, as they take along what was left to them.
    const lastChange = changes.last();
    while (changes.waits(lastChange)) await inTurn(() => void (changes.waits(lastChange) && changesStep()));
    plan();
  }

  function flushNow(): void {
    while (changes.waits()) changesStep();
    endStretch();
    while (stretches.length > 0) stretchStep();
    while (othersWait()) othersStep();
  }

  return {
    add,
    touch(device, at, ip) {
      presences.heard(device, at, ip);
      plan();
    },
    acknowledge(connector, device, alias, at) {
      wanted.acknowledge(connector, device, alias, at, gathered.last || stretches.at(-1)?.traces.last || written);
      plan();
    },
    pending: (ref, except) => wanted.oldest(ref, except, (alias) => states.get(ref.key)?.get(alias)?.state),
    held: (device) => states.get(device),
    presence: presences.get,
    connection: presences.connection,
    waiting: (device) =>
      [...stretches.map(({ traces }) => traces), gathered].flatMap((traces) => traces.points(device)),
    flush,
    flushNow,
    forget(device) {
      states.delete(device);
      presences.forget(device);
      wanted.forget(device);
    },
    full() {
      let events = gathered.events;
      let bytes = gathered.bytes;
      for (const { traces } of stretches) {
        events += traces.events;
        bytes += traces.bytes;
      }
      return events > WAITING_EVENTS || bytes > WAITING_BYTES || changes.isFull();
    },
  };
}

/** Lets memory follow an event: `data_in` sets both sides of the state, `data_out` what the cloud wants. */
function hold(
  states: Map<number, Map<string, Held>>,
  event: LoggedEvent,
  read: (alias: string) => ValueState | undefined,
  newest: number,
): void {
  let state = states.get(event.device!);
  if (state === undefined) {
    state = new Map();
    states.set(event.device!, state);
  }
  const reports = event.type === 'data_in';
  for (const { timestamp, values } of event.points) {
    // A report of this very moment, newer than all there is, replaces both sides: no need to look them up.
    const replaces = reports && timestamp === event.timestamp && timestamp > newest;
    const at = Math.min(timestamp, event.timestamp);
    for (const alias in values) {
      let held = state.get(alias);
      if (held === undefined) {
        held = { state: { ...((replaces ? undefined : read(alias)) ?? noState) }, seq: event.seq };
        state.set(alias, held);
      }
      held.seq = event.seq;
      follow(held.state, reports, at, values[alias]!);
    }
  }
}

/** Memory need not know any longer what the table knows, up to the event `last`. */
function release(states: Map<number, Map<string, Held>>, { device, aliases }: DeviceTraces, last: number): void {
  const state = states.get(device);
  if (state === undefined) return;
  for (const alias of aliases.keys()) if ((state.get(alias)?.seq ?? last + 1) <= last) state.delete(alias);
  if (state.size === 0) states.delete(device);
}

function prepareWriters(db: DatabaseSync) {
  const exists = db.prepare('SELECT 1 FROM devices WHERE key = ?');
  const index = db.prepare('INSERT OR IGNORE INTO event_index VALUES (?,?,?,?,?,?)');
  // Each side follows the newer time, so that writing a step again after a crash changes nothing.
  const state = db.prepare(`
    INSERT INTO state VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET
      set_value = iif(set_at IS NULL OR ?4 >= set_at, coalesce(?3, set_value), set_value),
      set_at = iif(set_at IS NULL OR ?4 >= set_at, coalesce(?4, set_at), set_at),
      reported = iif(reported_at IS NULL OR ?6 >= reported_at, coalesce(?5, reported), reported),
      reported_at = iif(reported_at IS NULL OR ?6 >= reported_at, coalesce(?6, reported_at), reported_at)`);
  // Goes into the row written last where both together are small: who reads pays for rows. The order stays that of writing.
  const block = db.prepare(`
    INSERT INTO points VALUES (?1, ?2, ?3, coalesce(
      (SELECT iif(octet_length(data) + octet_length(?5) <= ${BLOCK_BYTES}, step, NULL) FROM points
        WHERE device = ?1 AND alias = ?2 AND span = ?3 ORDER BY step DESC LIMIT 1), ?4), ?5)
    ON CONFLICT DO UPDATE SET data = substr(data, 1, length(data) - 1) || ',' || substr(?5, 2)`);
  const begin = db.prepare("INSERT OR REPLACE INTO meta VALUES ('projecting', ?), ('projecting_rows', ?)");
  const begun = db.prepare(`SELECT coalesce(max(value) FILTER (WHERE name = 'projecting'), 0) AS last,
    coalesce(max(value) FILTER (WHERE name = 'projecting_rows'), 0) AS rows FROM meta`);
  const mark = db.prepare("INSERT OR REPLACE INTO meta VALUES ('projected', ?), ('newest', ?)");
  const newest = db.prepare("SELECT coalesce(max(value), 0) AS newest FROM meta WHERE name = 'newest'");
  const readState = db.prepare(
    'SELECT set_value, set_at, reported, reported_at FROM state WHERE device = ? AND alias = ?',
  );
  return {
    exists: (device: number) => exists.get(device) !== undefined,
    index: ({ connector, identity, type, seqs }: IndexRow) =>
      index.run(connector, identity, type, seqs[0]!, seqs.at(-1)!, `[${seqs}]`),
    state: (device: number, alias: number, { set, setAt, reported, reportedAt }: ValueState) =>
      state.run(device, alias, set, setAt, reported, reportedAt),
    block: (device: number, alias: number, span: number, last: number, points: Block) =>
      block.run(device, alias, span, last, JSON.stringify(points)),
    /** Of the stretch that ends with the event `last`, so many rows are written. */
    begin: (last: number, rows: number) => begin.run(last, rows),
    begun: () => begun.get() as { last: number; rows: number },
    mark: (seq: number, newest: number) => mark.run(seq, newest),
    newest: () => (newest.get() as { newest: number }).newest,
    readState(device: number, alias: number): ValueState | undefined {
      const row = readState.get(device, alias) as unknown as StateColumns | undefined;
      return row === undefined ? undefined : toState(row);
    },
  };
}
