/**
 * Signals of this node and of the others. A notification only wakes: commits are numbered without gaps, so a node knows what it
 * has missed and reads it from `commits`; where even that is gone, it tells its listeners that anything may have changed.
 * Nothing hangs on a notification: the table is also looked at by the clock.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import type { Signal } from '../store.ts';
import { type Database, poolConfig, statement } from './database.ts';
import { unpackSignals } from './signal-text.ts';

/** ms between two looks at the table. */
const LOOK_EVERY = 1_000;
/** ms between two tries to listen. */
const LISTEN_AGAIN = 250;
const PAGE = 1_000;

const missed = statement(
  'signals-missed',
  `SELECT number, CASE WHEN node = $2 THEN NULL ELSE signals END AS signals FROM commits
   WHERE number >= $1 ORDER BY number LIMIT ${PAGE}`,
);
const highest = statement('signals-highest', 'SELECT coalesce(max(number), 0) AS number FROM commits');

interface Row {
  readonly number: number;
  readonly signals: string | null;
}

export interface Signals {
  /** Tells the listeners of this node. */
  send(signals: readonly Signal[]): void;
  onSignal(listener: (signal: Signal) => void): () => void;
  close(): Promise<void>;
}

interface Parts {
  readonly db: Database;
  readonly url: string;
  readonly node: string;
  /** Everything that may have changed, once it is not known what did. */
  readonly everything: () => Promise<readonly Signal[]>;
  /** Comes before the listeners, with what other nodes did. */
  readonly before: (signal: Signal) => void;
  readonly passing: (error: Error) => void;
}

export async function openSignals({ db, url, node, everything, before, passing }: Parts): Promise<Signals> {
  const listeners = new Set<(signal: Signal) => void>();
  const closing = new AbortController();
  let last = (await db.read<{ number: number }>(highest))[0]!.number;
  let looking: Promise<void> | null = null;
  let again = false;
  let client: Client | null = null;
  /** Texts that could not be read, and how many of them the listeners have been told of, as that anything may have changed. */
  let unread = 0;
  let told = 0;

  function send(signals: readonly Signal[]): void {
    for (const signal of signals) for (const listener of listeners) listener(signal);
  }

  function take(text: string | null): void {
    if (text === null || text === '') return;
    let signals: Signal[];
    try {
      signals = unpackSignals(text);
    } catch {
      // Of another version, or nobody's: it may mean anything.
      unread += 1;
      look();
      return;
    }
    for (const signal of signals) before(signal);
    send(signals);
  }

  /** `<number> <node> <signals>`, the last left out where it would be too long. */
  function heard(payload: string): void {
    const [number = '', from] = payload.split(' ', 2);
    const head = number.length + 1 + (from?.length ?? 0);
    const complete = from === node || payload.length > head;
    if (Number(number) === last + 1 && complete && looking === null) {
      last += 1;
      if (from !== node) take(payload.slice(head + 1));
    } else if (Number(number) > last) look();
  }

  /** Reads what was missed, and once more if something came meanwhile. */
  function look(): void {
    again = true;
    looking ??= (async () => {
      while (again && !closing.signal.aborted) {
        again = false;
        await catchUp();
      }
    })()
      // The next look finds it.
      .catch(() => {})
      .finally(() => {
        looking = null;
      });
  }

  async function catchUp(): Promise<void> {
    if (told < unread) return startOver();
    const rows = await db.read<Row>(missed, [last, node]);
    if (last > 0 && rows.length === 0) return startOver();
    for (const { number, signals } of rows) {
      if (number <= last) continue;
      if (number > last + 1) return startOver();
      last = number;
      take(signals);
    }
    if (rows.length === PAGE) again = true;
  }

  async function startOver(): Promise<void> {
    const upTo = unread;
    const [{ number } = { number: 0 }] = await db.read<{ number: number }>(highest);
    const signals = await everything();
    last = Math.max(last, number);
    told = upTo;
    for (const signal of signals) before(signal);
    send(signals);
  }

  /** Keeps one connection listening for as long as the store is open. */
  async function keepListening(): Promise<void> {
    let failing = false;
    while (!closing.signal.aborted) {
      const ended = Promise.withResolvers<void>();
      // Named, so that who looks at the database's connections knows it.
      client = new Client({ ...poolConfig(url), application_name: 'slipway-signals' });
      client.on('error', () => ended.resolve());
      client.on('end', () => ended.resolve());
      client.on('notification', ({ payload }) => heard(payload ?? ''));
      try {
        await client.connect();
        await client.query('LISTEN slipway');
        failing = false;
        look();
        await Promise.race([ended.promise, watch(client)]);
      } catch (cause) {
        if (!failing && !closing.signal.aborted)
          passing(new Error('Signals of other nodes come late: no connection listens; trying again', { cause }));
        failing = true;
      }
      await client.end().catch(() => {});
      await delay(LISTEN_AGAIN, undefined, { signal: closing.signal }).catch(() => {});
    }
  }

  /** A connection that was cut says nothing: it is asked. Resolves when it does not answer any more. */
  async function watch(listening: Client): Promise<void> {
    while (!closing.signal.aborted) {
      await delay(LOOK_EVERY * 5, undefined, { signal: closing.signal }).catch(() => {});
      try {
        await listening.query('SELECT 1');
      } catch {
        listening.connection.stream.destroy();
        return;
      }
    }
  }

  const listening = keepListening();
  const timer = setInterval(() => {
    if (!db.unreachable()) look();
  }, LOOK_EVERY);
  timer.unref();

  return {
    send,
    onSignal(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      clearInterval(timer);
      closing.abort();
      await client?.end().catch(() => {});
      await looking;
      await listening;
    },
  };
}
