/**
 * What follows from the log: current state, history, figures over time, the index of events by identity, when a device was
 * last heard of. The log row alone is what an answer waits for; these tables follow shortly after in larger, sorted
 * transactions, which is cheaper by far than one row each at a time. Until then memory holds what they lack, and reads look there
 * first. After a crash they are caught up from the log: `projected` in `meta` is written in the same transaction.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { EventType } from '../../domain/connector.ts';
import type { Point } from '../../domain/device.ts';
import type { DeviceRef, PendingValue, ValueState } from '../store.ts';
import { follow, type MutableState, noState, type StateColumns, toState } from '../value-state.ts';
import type { Aliases } from './aliases.ts';
import { BLOCK_BYTES, type Block, spanOf } from './blocks.ts';
import type { Changes } from './changes.ts';
import { FREQUENT_MAX, typeCode } from './codes.ts';
import type { Committer } from './committer.ts';
import type { Figures } from './figures.ts';
import type { LoggedEvent } from './ledger.ts';
import { createPresences, type Presence } from './presence.ts';
import { createWanted } from './wanted.ts';

/** Waiting events past which new data is refused: reached only when the disk takes no more. */
const WAITING_EVENTS = 100_000;
const WAITING_BYTES = 128 << 20;
/** Bounds of a transaction: a few milliseconds of the loop. What it costs is rows, and those follow the devices in it. */
const STEP_EVENTS = 8_000;
const STEP_DEVICES = 400;
/** What an event counts, as a part of a device, that leaves no more here than a row of the index. */
const INDEXED_ONLY = 0.25;
const STEP_BYTES = 8 << 20;
/** Waiting events that start a step at once; fewer wait for the clock, so that several values of a device share a row. */
const EAGER_EVENTS = 8_000;
const EAGER_BYTES = 16 << 20;
/** Devices whose changes are brought home in one transaction. */
const CHANGES_STEP = 200;
const LAZY_MS = 1_000;

/** Events by which a device is heard of. */
const fromDevice: ReadonlySet<EventType> = new Set<EventType>(['data_in', 'provisioned', 'publish', 'connect']);

interface Held {
  /** Changes with the next value: whoever keeps it has to copy it. */
  readonly state: MutableState;
  /** The event that wrote it last: when that one is projected, the table knows. */
  seq: number;
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
  let queue: LoggedEvent[] = [];
  let head = 0;
  let bytes = 0;
  let timer: NodeJS.Timeout | null = null;
  let failing = false;
  /** The latest arrival that any value may have; greater than the clock where that was set back. */
  let newest = writers.newest();
  const states = new Map<number, Map<string, Held>>();
  const presences = createPresences(db);
  const wanted = createWanted(db, aliases);

  function add(events: readonly LoggedEvent[]): void {
    for (const event of events) {
      queue.push(event);
      bytes += event.bytes;
      if (event.device === null) continue;
      noteEvent(event, event.device);
      if (event.points.length === 0) continue;
      wanted.add(event);
      hold(states, event, (alias) => read(event.connector, event.device!, alias), newest);
      if (event.timestamp > newest) newest = event.timestamp;
    }
    plan();
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
    const waiting = queue.length - head;
    if (waiting >= EAGER_EVENTS || bytes >= EAGER_BYTES) {
      // A step is small and takes more than a commit brings, so one for each commit keeps up.
      if (!failing) attempt(step);
    }
    if (changes.isEager() && !failing) attempt(changesStep);
    const others = presences.size > 0 || wanted.acknowledgements > 0 || changes.waits();
    if (timer === null && (queue.length > head || others)) {
      timer = setTimeout(() => {
        timer = null;
        flush().catch(failed);
      }, LAZY_MS);
      timer.unref();
    }
  }

  function attempt(work: () => void): void {
    try {
      work();
    } catch (error) {
      failed(error);
    }
  }

  /** Nothing is lost: the log has it all. The clock tries again. */
  function failed(error: unknown): void {
    failing = true;
    onError(error);
    plan();
  }

  /** Brings some of the changed devices home, and with them when they were heard of. */
  function changesStep(): void {
    const devices = changes.next(CHANGES_STEP);
    const touched = presences.take(new Set(devices), 0, () => false);
    try {
      committer.aside(() => {
        changes.write(devices, touched);
        presences.writeLinks(touched);
      });
      failing = false;
    } catch (error) {
      presences.restore(touched);
      throw error;
    }
    changes.written(devices);
  }

  /** False if there was nothing to write. */
  function step(): boolean {
    const from = head;
    let size = 0;
    let indexed = 0;
    const devices = new Set<number>();
    const rows = () => devices.size + indexed * INDEXED_ONLY;
    while (head < queue.length && head - from < STEP_EVENTS && size < STEP_BYTES && rows() < STEP_DEVICES) {
      const event = queue[head++]!;
      const { device, points } = event;
      if (device === null || (points.length === 0 && changes.has(device))) indexed += 1;
      else devices.add(device);
      size += event.bytes;
    }
    const events = queue.slice(from, head);
    const touched = presences.take(devices, STEP_DEVICES, changes.has);
    const until = head === queue.length ? Number.POSITIVE_INFINITY : events.at(-1)!.seq;
    try {
      committer.aside(() => writeStep(events, touched, until));
      failing = false;
    } catch (error) {
      head = from;
      aliases.forget();
      presences.restore(touched);
      throw error;
    }
    bytes -= size;
    if (head > 8 * STEP_EVENTS || head === queue.length) {
      queue = queue.slice(head);
      head = 0;
    }
    release(states, events);
    wanted.release(until);
    return events.length > 0 || touched.size > 0;
  }

  function writeStep(events: readonly LoggedEvent[], touched: ReadonlyMap<number, Presence>, until: number) {
    presences.write(touched);
    for (const { connector, identity, type, seqs } of indexRows(events)) {
      writers.index(connector, identity, type, seqs[0]!, seqs.at(-1)!, `[${seqs}]`);
    }
    const devices = new Set(events.filter(({ points }) => points.length > 0).map(({ device }) => device!));
    const gone = new Set([...devices].filter((device) => !writers.exists(device)));
    wanted.write(events, gone, until);
    const lastSeq = events.at(-1)?.seq;
    if (lastSeq === undefined) return;
    for (const { device, alias, state, blocks } of tracesOf(events, gone, aliases)) {
      writers.state(device, alias, state.set, state.setAt, state.reported, state.reportedAt);
      for (const [span, block] of blocks) writers.block(device, alias, span, lastSeq, JSON.stringify(block));
    }
    figures.count(events);
    writers.mark(lastSeq, newest);
  }

  async function flush(): Promise<void> {
    const until = queue.at(-1)?.seq ?? 0;
    // What follows no event is written by the last step, or by one of its own.
    let others = Math.max(Math.ceil(presences.size / STEP_DEVICES), Number(wanted.acknowledgements > 0));
    while ((head < queue.length && queue[head]!.seq <= until) || others > 0) {
      const wrote = step();
      others = wrote ? others - 1 : 0;
      await new Promise(setImmediate);
    }
    // Last, as they take along what the steps left to them.
    const lastChange = changes.last();
    while (changes.waits(lastChange)) {
      changesStep();
      await new Promise(setImmediate);
    }
  }

  return {
    add,
    touch(device, at, ip) {
      presences.heard(device, at, ip);
      plan();
    },
    acknowledge(connector, device, alias, at) {
      wanted.acknowledge(connector, device, alias, at, queue.at(-1)?.seq ?? 0);
      plan();
    },
    pending: (ref, except) => wanted.oldest(ref, except, (alias) => states.get(ref.key)?.get(alias)?.state),
    held: (device) => states.get(device),
    presence: presences.get,
    connection: presences.connection,
    waiting: (device) =>
      queue
        .slice(head)
        .filter((event) => event.device === device && event.type === 'data_in')
        .flatMap(({ points }) => points),
    flush,
    flushNow() {
      while (changes.waits()) changesStep();
      while (head < queue.length || presences.size > 0 || wanted.acknowledgements > 0) step();
    },
    forget(device) {
      states.delete(device);
      presences.forget(device);
      wanted.forget(device);
    },
    full: () => queue.length - head > WAITING_EVENTS || bytes > WAITING_BYTES || changes.isFull(),
  };
}

interface IndexRow {
  readonly connector: number;
  readonly identity: string;
  readonly type: number;
  readonly seqs: number[];
}

/** One row for the events of one type and identity, and one for those of a rare type; sorted as their table is. */
function indexRows(events: readonly LoggedEvent[]): IndexRow[] {
  const rows = new Map<string, IndexRow>();
  const add = (connector: number, identity: string, type: number, seq: number) => {
    const name = `${connector} ${type} ${identity}`;
    const row = rows.get(name);
    if (row === undefined) rows.set(name, { connector, identity, type, seqs: [seq] });
    else row.seqs.push(seq);
  };
  for (const { connector, identity, type, seq } of events) {
    const code = typeCode(type);
    if (identity !== null) add(connector, identity, code, seq);
    if (code > FREQUENT_MAX) add(connector, '', code, seq);
  }
  return [...rows.values()].sort(
    (a, b) => a.connector - b.connector || compare(a.identity, b.identity) || a.type - b.type,
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
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

function release(states: Map<number, Map<string, Held>>, events: readonly LoggedEvent[]): void {
  for (const { device, points, seq } of events) {
    const state = device === null ? undefined : states.get(device);
    if (state === undefined) continue;
    for (const { values } of points) {
      for (const alias in values) if (state.get(alias)?.seq === seq) state.delete(alias);
    }
    if (state.size === 0) states.delete(device!);
  }
}

/** What one step writes of one alias of one device: its state, and its points by span. */
interface Traces {
  readonly device: number;
  readonly alias: number;
  readonly state: MutableState;
  /** The span written to last, which the next point mostly falls into too. */
  span: number;
  block: Block;
  readonly blocks: Map<number, Block>;
}

/** All that the events of one step leave behind, sorted as the tables are; one row however many values there were. */
function tracesOf(events: readonly LoggedEvent[], gone: ReadonlySet<number>, aliases: Aliases): Traces[] {
  const devices = new Map<number, Map<string, Traces>>();
  for (const { connector, device, type, timestamp: arrived, points } of events) {
    if (device === null || points.length === 0 || gone.has(device)) continue;
    let ofDevice = devices.get(device);
    if (ofDevice === undefined) {
      ofDevice = new Map();
      devices.set(device, ofDevice);
    }
    for (const { timestamp, values } of points) {
      for (const name in values) {
        let traces = ofDevice.get(name);
        if (traces === undefined) {
          const alias = aliases.key(connector, name);
          traces = { device, alias, state: { ...noState }, span: -1, block: [], blocks: new Map() };
          ofDevice.set(name, traces);
        }
        follow(traces.state, type === 'data_in', Math.min(timestamp, arrived), values[name]!);
        if (type === 'data_in') addPoint(traces, timestamp, values[name]!);
      }
    }
  }
  const all = [...devices.values()].flatMap((ofDevice) => [...ofDevice.values()]);
  return all.sort((a, b) => a.device - b.device || a.alias - b.alias);
}

function addPoint(traces: Traces, timestamp: number, value: string): void {
  const span = spanOf(timestamp);
  if (span !== traces.span) {
    traces.span = span;
    traces.block = traces.blocks.get(span) ?? [];
    traces.blocks.set(span, traces.block);
  }
  traces.block.push(timestamp, value);
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
  const mark = db.prepare("INSERT OR REPLACE INTO meta VALUES ('projected', ?), ('newest', ?)");
  const newest = db.prepare("SELECT coalesce(max(value), 0) AS newest FROM meta WHERE name = 'newest'");
  const readState = db.prepare(
    'SELECT set_value, set_at, reported, reported_at FROM state WHERE device = ? AND alias = ?',
  );
  return {
    exists: (device: number) => exists.get(device) !== undefined,
    index: (connector: number, identity: string, type: number, first: number, last: number, seqs: string) =>
      index.run(connector, identity, type, first, last, seqs),
    state: (device: number, alias: number, ...values: (string | number | null)[]) =>
      state.run(device, alias, ...values),
    block: (device: number, alias: number, span: number, step: number, data: string) =>
      block.run(device, alias, span, step, data),
    mark: (seq: number, newest: number) => mark.run(seq, newest),
    newest: () => (newest.get() as { newest: number }).newest,
    readState(device: number, alias: number): ValueState | undefined {
      const row = readState.get(device, alias) as unknown as StateColumns | undefined;
      return row === undefined ? undefined : toState(row);
    },
  };
}
