/**
 * What is noted of devices beside the commits: when they were last heard of, whose connection stands here, which values they
 * have taken. Kept in memory and written in larger steps, every few seconds and before a list of this node needs it: a row for
 * each write would cost as much as the write itself.
 */
import { type Database, statement } from './database.ts';
import { numbers, texts } from './text.ts';

const WRITE_EVERY = 5_000;
const STEP = 5_000;

/** What is newer than the row; null where nothing is. */
export interface Noted {
  readonly at: number | null;
  readonly ip: string | null;
  readonly connected: boolean | null;
  readonly leftAt: number | null;
}

export interface Presence {
  heard(device: number, at: number, ip: string | null): void;
  connected(device: number): void;
  left(device: number, at: number): void;
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
/** A connection that another node has taken over since is that one's to end. */
const writeLinks = statement(
  'presence-links',
  `UPDATE presence p SET node = CASE WHEN n.connected THEN $1 END, left_at = coalesce(n.left_at, p.left_at)
   FROM unnest($2::bigint[], $3::boolean[], $4::bigint[]) AS n (device, connected, left_at)
   WHERE p.device = n.device AND (n.connected OR p.node IS NULL OR p.node = $1)`,
);
const writeTaken = statement(
  'wanted-taken',
  `DELETE FROM wanted w USING unnest($1::bigint[], $2::text[], $3::bigint[]) AS n (device, alias, at)
   WHERE w.device = n.device AND w.alias = n.alias COLLATE "C" AND w.at = n.at`,
);
const endAll = statement(
  'presence-end',
  `UPDATE presence SET node = NULL, left_at = greatest(coalesce(last_seen, 0), coalesce(left_at, 0)) WHERE node = $1`,
);

const nothing: Noted = { at: null, ip: null, connected: null, leftAt: null };
const none: ReadonlyMap<string, number> = new Map();
type Taken = Map<number, Map<string, number>>;

export function createPresence(db: Database, node: string, passing: (error: Error) => void): Presence {
  let noted = new Map<number, Noted>();
  let taken: Taken = new Map();
  /** On their way into the tables. */
  let leaving = { noted: new Map<number, Noted>(), taken: new Map() as Taken };
  let turn: Promise<void> = Promise.resolve();

  const note = (device: number, change: Partial<Noted>) =>
    void noted.set(device, { ...(noted.get(device) ?? nothing), ...change });

  async function writeStep(): Promise<void> {
    leaving = { noted, taken };
    noted = new Map();
    taken = new Map();
    const rows = [...leaving.noted].sort(([a], [b]) => a - b);
    try {
      for (let at = 0; at < rows.length; at += STEP) await writeRows(rows.slice(at, at + STEP));
      await writeAcknowledged(leaving.taken);
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
    const heard = rows.filter(([, { at }]) => at !== null);
    const links = rows.filter(([, { connected }]) => connected !== null);
    if (heard.length > 0) {
      await db.read(writeHeard, [
        numbers(heard.map(([device]) => device)),
        numbers(heard.map(([, { at }]) => at)),
        texts(heard.map(([, { ip }]) => ip)),
      ]);
    }
    if (links.length > 0) {
      await db.read(writeLinks, [
        node,
        numbers(links.map(([device]) => device)),
        texts(links.map(([, { connected }]) => String(connected))),
        numbers(links.map(([, { leftAt }]) => leftAt)),
      ]);
    }
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
    if (noted.size === 0 && taken.size === 0) return turn;
    const done = turn.then(writeStep);
    turn = done.catch(() => {});
    return done;
  }

  const failed = (cause: unknown) =>
    passing(new Error('When devices were last heard of could not be written', { cause }));
  const timer = setInterval(() => {
    if (!db.unreachable()) flush().catch(failed);
  }, WRITE_EVERY);
  timer.unref();

  return {
    heard(device, at, ip) {
      const before = noted.get(device);
      if (before === undefined) noted.set(device, { ...nothing, at, ip });
      else if (before.at === null || before.at < at) noted.set(device, { ...before, at, ip });
    },
    connected: (device) => note(device, { connected: true }),
    left: (device, at) => note(device, { connected: false, leftAt: at }),
    acknowledge: (device, alias, setAt) => void taken.getOrInsertComputed(device, () => new Map()).set(alias, setAt),
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
      for (const map of [noted, taken, leaving.noted, leaving.taken]) map.delete(device);
    },
    flush,
    /** Connections that stand end with the store. */
    async close() {
      clearInterval(timer);
      await flush().catch(failed);
      await db.read(endAll, [node]).catch(failed);
    },
  };
}

/** What was noted later counts where it says something. */
function newer(before: Noted, now: Noted = nothing): Noted {
  const [at, ip] =
    now.at !== null && (before.at === null || now.at > before.at) ? [now.at, now.ip] : [before.at, before.ip];
  return { at, ip, connected: now.connected ?? before.connected, leftAt: now.leftAt ?? before.leftAt };
}
