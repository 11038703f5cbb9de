/**
 * What is noted of devices beside the commits: when they were last heard of, and which values they have taken. Kept in memory
 * and written in larger steps, every few seconds and before a list of this node needs it: a row for each write would cost as much
 * as the write itself. Live connections are written with the log (`link_devices`); here is known which of them stand on this
 * node, for when others took it for dead.
 */
import type { DeviceRef } from '../store.ts';
import { type Database, statement } from './database.ts';
import { type List, numbers, texts } from './text.ts';

const WRITE_EVERY = 5_000;
/** ms until the table knows what a device has taken: it may connect to another node, which would send it once more. */
const WRITE_TAKEN = 200;
const STEP = 5_000;

/** When and from where a device was heard of, newer than its row. */
export interface Noted {
  readonly at: number;
  readonly ip: string | null;
}

/** A live connection, as its `connect` named it. */
export interface Link {
  readonly ref: DeviceRef;
  readonly connection: string;
}

export interface Presence {
  heard(device: number, at: number, ip: string | null): void;
  /** The connection is told of from now on. */
  connected(link: Link): void;
  left(link: Link): void;
  /** The same, where the log could not be told: written as soon as it can be. */
  leftUntold(link: Link, at: number): void;
  /** Connections of this node that another one has replaced. */
  replaced(): Promise<Link[]>;
  /** Says once more which connections stand here: others took this node for dead. */
  announce(): Promise<void>;
  acknowledge(device: number, alias: string, setAt: number): void;
  /** What is not in the table yet. */
  noted(device: number): Noted | undefined;
  /** Alias → when the value was set that the device has taken, and that may still stand in the table. */
  acknowledged(device: number): ReadonlyMap<string, number>;
  forget(device: number): void;
  /** Writes all that was noted before. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

const writeHeard = statement(
  'presence-heard',
  `UPDATE presence p SET last_seen = n.at, last_ip = n.ip, activity = n.at
   FROM unnest($1::bigint[], $2::bigint[], $3::text[]) AS n (device, at, ip)
   WHERE p.device = n.device AND (p.last_seen IS NULL OR p.last_seen < n.at)`,
);
const writeLeft = statement(
  'presence-left',
  `SELECT link_devices($1, '{}', '{}', '{}', '{}', $2::bigint[], $3::bigint[], $4::text[])`,
);
const findReplaced = statement(
  'presence-replaced',
  `SELECT n.at FROM unnest($1::bigint[], $2::text[]) WITH ORDINALITY AS n (device, connection, at)
   JOIN presence p ON p.device = n.device WHERE p.connection <> n.connection COLLATE "C"`,
);
const writeAnnounced = statement(
  'presence-announce',
  `UPDATE presence p SET node = $1, connection = n.connection, left_at = NULL
   FROM unnest($2::bigint[], $3::text[]) AS n (device, connection) WHERE p.device = n.device AND p.connection IS NULL`,
);
const writeTaken = statement(
  'wanted-taken',
  `DELETE FROM wanted w USING unnest($1::bigint[], $2::text[], $3::bigint[]) AS n (device, alias, at)
   WHERE w.device = n.device AND w.alias = n.alias COLLATE "C" AND w.at = n.at`,
);
const endAll = statement(
  'presence-end',
  `UPDATE presence SET node = NULL, connection = NULL, left_at = greatest(coalesce(last_seen, 0), coalesce(left_at, 0))
   WHERE node = $1`,
);

const none: ReadonlyMap<string, number> = new Map();
type Taken = Map<number, Map<string, number>>;

export function createPresence(db: Database, node: string, passing: (error: Error) => void): Presence {
  let noted = new Map<number, Noted>();
  let taken: Taken = new Map();
  /** On their way into the tables. */
  let leaving = { noted: new Map<number, Noted>(), taken: new Map() as Taken };
  let turn: Promise<void> = Promise.resolve();
  /** By device: those that stand here. */
  const links = new Map<number, Link>();
  /** Ends that the log could not be told of, with their times. */
  const untold = new Map<Link, number>();

  const forget = ({ ref, connection }: Link) => {
    if (links.get(ref.key)?.connection === connection) links.delete(ref.key);
  };

  async function writeUntold(): Promise<void> {
    const rows = [...untold];
    if (rows.length === 0) return;
    await db.read(writeLeft, [
      node,
      numbers(rows.map(([{ ref }]) => ref.key)),
      numbers(rows.map(([, at]) => at)),
      texts(rows.map(([{ connection }]) => connection)),
    ]);
    for (const [link] of rows) untold.delete(link);
  }

  /** All links of this node, some at a time, as the first two of the values of a statement. */
  async function eachStep(work: (step: readonly Link[], devices: List, connections: List) => Promise<void>) {
    const all = [...links.values()];
    for (let at = 0; at < all.length; at += STEP) {
      const step = all.slice(at, at + STEP);
      await work(step, numbers(step.map(({ ref }) => ref.key)), texts(step.map(({ connection }) => connection)));
    }
  }

  async function writeStep(): Promise<void> {
    leaving = { noted, taken };
    noted = new Map();
    taken = new Map();
    const rows = [...leaving.noted].sort(([a], [b]) => a - b);
    try {
      for (let at = 0; at < rows.length; at += STEP) await writeRows(rows.slice(at, at + STEP));
      await writeAcknowledged(leaving.taken);
      await writeUntold();
    } catch (error) {
      for (const [device, before] of leaving.noted) noted.set(device, newer(before, noted.get(device)));
      for (const [device, before] of leaving.taken) {
        taken.set(device, new Map([...before, ...(taken.get(device) ?? [])]));
      }
      throw error;
    } finally {
      leaving = { noted: new Map(), taken: new Map() };
    }
  }

  async function writeRows(rows: readonly (readonly [number, Noted])[]): Promise<void> {
    await db.read(writeHeard, [
      numbers(rows.map(([device]) => device)),
      numbers(rows.map(([, { at }]) => at)),
      texts(rows.map(([, { ip }]) => ip)),
    ]);
  }

  async function writeAcknowledged(all: Taken): Promise<void> {
    const rows = [...all].flatMap(([device, aliases]) => [...aliases].map(([alias, at]) => ({ device, alias, at })));
    if (rows.length === 0) return;
    await db.read(writeTaken, [
      numbers(rows.map(({ device }) => device)),
      texts(rows.map(({ alias }) => alias)),
      numbers(rows.map(({ at }) => at)),
    ]);
  }

  function flush(): Promise<void> {
    if (noted.size === 0 && taken.size === 0 && untold.size === 0) return turn;
    const done = turn.then(writeStep);
    turn = done.catch(() => {});
    return done;
  }

  const failed = (cause: unknown) =>
    passing(new Error('When devices were last heard of could not be written', { cause }));
  const write = () => {
    if (!db.unreachable()) flush().catch(failed);
  };
  const timer = setInterval(write, WRITE_EVERY);
  timer.unref();
  let soon: NodeJS.Timeout | null = null;

  return {
    heard(device, at, ip) {
      const before = noted.get(device);
      if (before === undefined || before.at < at) noted.set(device, { at, ip });
    },
    connected: (link) => void links.set(link.ref.key, link),
    left: forget,
    leftUntold: (link, at) => void untold.set(link, at),
    async replaced() {
      const found: Link[] = [];
      await eachStep(async (step, ...values) => {
        for (const { at } of await db.read<{ at: number }>(findReplaced, values)) found.push(step[at - 1]!);
      });
      return found;
    },
    announce: () => eachStep(async (_, ...values) => void (await db.read(writeAnnounced, [node, ...values]))),
    acknowledge(device, alias, setAt) {
      taken.getOrInsertComputed(device, () => new Map()).set(alias, setAt);
      soon ??= setTimeout(() => {
        soon = null;
        write();
      }, WRITE_TAKEN).unref();
    },
    noted(device) {
      const [before, now] = [leaving.noted.get(device), noted.get(device)];
      return before === undefined ? now : newer(before, now);
    },
    acknowledged(device) {
      const [before, now] = [leaving.taken.get(device), taken.get(device)];
      if (before === undefined) return now ?? none;
      return now === undefined ? before : new Map([...before, ...now]);
    },
    forget(device) {
      links.delete(device);
      for (const map of [noted, taken, leaving.noted, leaving.taken]) map.delete(device);
    },
    flush,
    /** Connections that stand end with the store. */
    async close() {
      clearInterval(timer);
      if (soon !== null) clearTimeout(soon);
      await flush().catch(failed);
      await db.read(endAll, [node]).catch(failed);
    },
  };
}

function newer(before: Noted, now: Noted | undefined): Noted {
  return now !== undefined && now.at > before.at ? now : before;
}
