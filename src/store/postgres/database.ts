/**
 * The connections: a bounded pool that reads and one that writes. A write whose connection breaks is looked up afterwards by
 * the id that it would have left (`commits`), so that its outcome is always known: done once, or never.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { escapeLiteral, Pool, type PoolClient, type PoolConfig } from 'pg';
import { AppError } from '../../domain/errors.ts';
import { isBroken, isDuplicate, isPassing, toFailure, unavailable } from './failures.ts';
import { fromText, type List, toText } from './text.ts';

const READERS = 8;
const WRITERS = 4;
/** Questions that may wait for a connection. */
const WAITING_MAX = 10_000;
/** ms. The server gives a statement up before we give up the connection, so that nothing goes on behind our back. */
const CONNECT_TIMEOUT = 3_000;
const STATEMENT_TIMEOUT = 8_000;
const ANSWER_TIMEOUT = 10_000;
/**
 * What the server does about a gateway that it does not hear of any more: a statement whose end is lost on the way would hold its
 * locks for as long as the connection seems to stand.
 */
const FORGET_SOON = `SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3;
  SET tcp_user_timeout = 10000`;
/** ms between two tries to reach a server that does not answer. */
const PROBE_EVERY = 250;
/** Tries of a write that PostgreSQL gave up for the sake of another. */
const TRIES = 10;
/** ms after which a lost write's id may have been cleared away: until then its outcome is waited for. */
const RESOLVE_WITHIN = 600_000;

export type Value = string | number | boolean | null | List;

/** A prepared statement: the name is known to each connection that ran it once. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}
export const statement = (name: string, text: string): Statement => ({ name, text });

/** A statement, or a part of one, with its values written into it. */
export type Sql = string;
/** Writes values into a statement, for lists of statements. */
export function sql(parts: TemplateStringsArray, ...values: Value[]): Sql {
  return parts.reduce((text, part, at) => text + literal(values[at - 1]!) + part);
}

function literal(value: Value): string {
  if (value === null) return 'NULL';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return escapeLiteral(typeof value === 'string' ? toText(value) : value.literal);
}

export interface Database {
  /** Rows of one statement. STORAGE_UNAVAILABLE, OVERLOADED. */
  read<Row>(statement: Statement, values?: readonly Value[]): Promise<Row[]>;
  /** Rows of a statement that is made for the occasion; planned for its values. */
  ask<Row>(text: string, values?: readonly Value[]): Promise<Row[]>;
  /** Rows of one that writes what nobody sees yet: not sent again when its outcome is not known. */
  put<Row>(text: string, values: readonly Value[]): Promise<Row[]>;
  /**
   * Runs one statement that commits with the id that it is given (`write_log`). Resolves with its rows, or with null where the
   * answer was lost and the commit was found to be there. Waits until that is known. STORAGE_UNAVAILABLE: it is not there.
   */
  commit<Row>(
    statement: (id: string) => { readonly statement: Statement; readonly values: readonly Value[] },
  ): Promise<Row[] | null>;
  /** The same for a list of statements, which are one transaction. Unmet where a `demand` among them does not hold. */
  commitAll(statements: (id: string) => readonly string[]): Promise<void>;
  /** Runs statements of no consequence: no outcome is looked for. */
  run(text: string): Promise<void>;
  /** Questions that wait for a connection. */
  waiting(): number;
  /** True while no connection can be had. */
  unreachable(): boolean;
  /** Called when that begins. */
  onUnreachable(listener: () => void): void;
  close(): Promise<void>;
}

export function poolConfig(url: string): PoolConfig {
  return {
    connectionString: url,
    application_name: 'slipway',
    connectionTimeoutMillis: CONNECT_TIMEOUT,
    statement_timeout: STATEMENT_TIMEOUT,
    query_timeout: ANSWER_TIMEOUT,
    keepAlive: true,
    types: { getTypeParser: ((oid: number) => parsers.get(oid) ?? String) as never },
  };
}

/** By type (pg_type.oid): int8, int2, int4, float8, bool, json, text, varchar. Nothing else is asked for. */
const parsers = new Map<number, (text: string) => unknown>([
  [20, Number],
  [21, Number],
  [23, Number],
  [701, Number],
  [16, (text) => text === 't'],
  [114, JSON.parse],
  [25, fromText],
  [1043, fromText],
]);

export function openDatabase(url: string, node: string): Database {
  const readers = new Pool({ ...poolConfig(url), max: READERS });
  const writers = new Pool({ ...poolConfig(url), max: WRITERS });
  // An idle connection that breaks leaves its pool; the next question opens another.
  for (const pool of [readers, writers]) {
    pool.on('error', () => {});
    // One that breaks at work says so to whoever uses it; without a listener it would end the process besides.
    pool.on('connect', (client) => {
      client.on('error', () => {});
      // Where the system cannot, its own times hold.
      client.query(FORGET_SOON).catch(() => {});
    });
  }
  const listeners: (() => void)[] = [];
  const closing = new AbortController();
  let down = false;

  function noteDown(): void {
    if (down || closing.signal.aborted) return;
    down = true;
    for (const listener of listeners) listener();
    void probe();
  }

  async function probe(): Promise<void> {
    while (down && !closing.signal.aborted) {
      await delay(PROBE_EVERY, undefined, { signal: closing.signal }).catch(() => {});
      const client = await writers.connect().catch(() => null);
      if (client === null) continue;
      const alive = await client.query('SELECT 1').then(
        () => true,
        () => false,
      );
      client.release(!alive);
      down = !alive;
    }
  }

  /** A connection, or an error after which nothing was sent. */
  async function connect(pool: Pool): Promise<PoolClient> {
    if (closing.signal.aborted) throw new AppError('STORAGE_UNAVAILABLE', { seen: 'a closed store' });
    if (down) throw new AppError('STORAGE_UNAVAILABLE', { seen: 'a database that does not answer', retryAfter: 5 });
    if (pool.waitingCount >= WAITING_MAX) {
      throw new AppError('OVERLOADED', { seen: `${pool.waitingCount} questions waiting`, retryAfter: 1 });
    }
    try {
      return await pool.connect();
    } catch (cause) {
      // All connections at work is no reason to think that the server is gone.
      if (pool.totalCount >= (pool === readers ? READERS : WRITERS)) {
        throw new AppError('OVERLOADED', { seen: 'a database that is busy', retryAfter: 1, cause });
      }
      noteDown();
      throw unavailable(cause);
    }
  }

  /** Runs `work` on a connection, which leaves the pool if it broke. */
  async function using<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await connect(pool);
    let broken = false;
    try {
      return await work(client);
    } catch (error) {
      broken = isBroken(error);
      throw error;
    } finally {
      client.release(broken);
    }
  }

  async function question<Row>(
    query: { name?: string; text: string },
    values: readonly Value[],
    resend = true,
  ): Promise<Row[]> {
    const given = values.map(toParameter);
    for (let tries = 1; ; tries += 1) {
      try {
        return await using(readers, async (client) => (await client.query({ ...query, values: given })).rows as Row[]);
      } catch (error) {
        // Asking twice changes nothing; one connection that broke says nothing of the next.
        const again = !(error instanceof AppError) && (isPassing(error) || (isBroken(error) && resend && tries === 1));
        if (!again || tries >= TRIES) throw toFailure(error);
      }
    }
  }

  /** Sends a write until its outcome is known. Null: it is done, and its answer was lost. */
  async function attempt<T>(
    send: (client: PoolClient, id: string) => Promise<T>,
    mayRepeat: (error: unknown) => boolean,
  ): Promise<T | null> {
    for (let tries = 1; ; tries += 1) {
      const id = randomUUID();
      try {
        return await using(writers, (client) => send(client, id));
      } catch (error) {
        if (error instanceof AppError) throw error;
        if (isBroken(error)) {
          if (await wasCommitted(id)) return null;
          if (tries >= TRIES) throw unavailable(error);
        } else if (!mayRepeat(error) || tries >= TRIES) throw error;
        await delay(Math.random() * 10 * tries);
      }
    }
  }

  /**
   * Puts a row of its own where the lost write's would be. If that one is there already, it was committed; if not, it never
   * will be, as the id is taken. Whoever is under way still is waited for by the database itself.
   */
  async function wasCommitted(id: string): Promise<boolean> {
    const until = performance.now() + RESOLVE_WITHIN;
    for (;;) {
      try {
        return await using(writers, async (client) => {
          await client.query('INSERT INTO commits (id, node) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING', [id, node]);
          const { rows } = await client.query('SELECT number IS NOT NULL AS found FROM commits WHERE id = $1', [id]);
          return rows[0]?.found === true;
        });
      } catch (error) {
        if (closing.signal.aborted || performance.now() > until) throw unavailable(error);
        await delay(PROBE_EVERY, undefined, { signal: closing.signal }).catch(() => {});
      }
    }
  }

  return {
    read: ({ name, text }, values = []) => question({ name, text }, values),
    ask: (text, values = []) => question({ text }, values),
    put: (text, values) => question({ text }, values, false),
    async commit<Row>(make: Parameters<Database['commit']>[0]): Promise<Row[] | null> {
      return attempt(async (client, id) => {
        const { statement, values } = make(id);
        const { rows } = await client.query({ ...statement, values: values.map(toParameter) });
        return rows as Row[];
        // A row that somebody else has just written is seen by the next try.
      }, isPassingOrDuplicate);
    },
    async commitAll(make) {
      try {
        await attempt((client, id) => client.query(make(id).join(';\n')), isPassing);
      } catch (error) {
        throw toFailure(error);
      }
    },
    async run(text) {
      await using(writers, (client) => client.query(text)).catch((error) => {
        throw toFailure(error);
      });
    },
    waiting: () => readers.waitingCount,
    unreachable: () => down,
    onUnreachable: (listener) => void listeners.push(listener),
    async close() {
      closing.abort();
      await Promise.all([readers.end(), writers.end()]);
    },
  };
}

const isPassingOrDuplicate = (error: unknown) => isPassing(error) || isDuplicate(error);

function toParameter(value: Value): string | number | boolean | null {
  if (typeof value === 'string') return toText(value);
  return typeof value === 'object' && value !== null ? value.literal : value;
}
