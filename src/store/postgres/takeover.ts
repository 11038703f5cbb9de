/**
 * Takes over everything from another engine into an empty database, while that one may go on writing: tables are copied page by
 * page and compared again, page by page, until nobody writes any more; the log is followed, files are copied once. Each page is
 * one commit together with a note of it, so that it goes on where a break left it, and is read back and compared.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import {
  type Cell,
  type Digest,
  digestOf,
  type Key,
  nothing,
  type Page,
  plus,
  type Row,
  type Source,
  sameDigest,
} from '../moving.ts';
import { openDatabase, poolConfig, type Sql, sql } from './database.ts';
import { createPartitions } from './partitions.ts';
import { LOCKS, locks, migrate } from './schema.ts';
import { createFiles } from './takeover-files.ts';
import { commit, countRows, mustBeSame, type Note, type Notes, noteName, readNotes } from './takeover-notes.ts';
import { clashQuery, insertRows, keyOf, rangeQuery, replaceRows, rowOf, targets } from './takeover-tables.ts';

/** Rows that are fetched at a time where a whole table is read. */
const FETCH = 2_000;
/** ms between two rounds while the source is in use. */
const ROUND_EVERY = 1_000;
/** Partitions are made for what is at most this old; older things stand in the default ones. */
const DAY = 86_400_000;
const DAYS_BACK = 35;

export interface Moved {
  readonly table: string;
  readonly source: Digest;
  readonly target: Digest;
}

export interface Progress {
  /** Rows of a table so far; of all its rows, whether copied or compared. */
  table(name: string, rows: number): void;
  /** A round is over and the source goes on: ms that it took, which a stop would take too, and how many rows were not as before. */
  round(ms: number, changed: number): void;
  /** Nobody writes any more. */
  frozen(): void;
}

/**
 * Resolves once the source stands still and all of it is here. Throws if the database holds an installation that did not come
 * from here, if another move into it is under way, and if what was written is not what is read.
 */
export async function takeOver(
  url: string,
  source: Source,
  kept: Readonly<Record<string, string>>,
  progress: Progress,
): Promise<Moved[]> {
  const client = new Client({ ...poolConfig(url), statement_timeout: undefined, query_timeout: undefined });
  client.on('error', () => {});
  await client.connect();
  try {
    await migrate(client);
    await begin(client);
    await makePartitions(url);
    const notes = await readNotes(client);
    const pages = createPages(client, notes, progress);
    const log = createLog(client, notes, source, progress);
    const files = createFiles(client, notes, source, progress);
    let settled = source.settled();
    let analyzed = false;
    for (;;) {
      const start = performance.now();
      const last = await source.freeze();
      if (last !== null) progress.frozen();
      await log.copyHistory(settled);
      let changed = await log.follow(last ?? settled);
      changed += await files.copy();
      const moved: Moved[] = [];
      for (const { name, read } of source.tables) {
        const compared = await pages.compare(name, read);
        changed += compared.changed;
        // The pages were compared with what was read back of them; beside them there must be nothing.
        const target = {
          ...compared.digest,
          rows: await countRows(client, name === 'connectors' ? 'connectors WHERE version > 0' : name),
        };
        if (targets[name]!.grows !== true) moved.push({ table: name, source: compared.digest, target });
      }
      if (last !== null) {
        moved.push(...(await log.moved()), await files.moved());
        if (moved.every(({ source, target }) => sameDigest(source, target))) {
          await finish(client, last, kept);
          if (!analyzed) await client.query('ANALYZE');
        }
        return moved;
      }
      // What was written a second ago has reached the disk there; what is younger may yet be lost in a crash.
      settled = source.settled();
      if (!analyzed) await client.query('ANALYZE');
      analyzed = true;
      progress.round(performance.now() - start, changed);
      await delay(ROUND_EVERY);
    }
  } finally {
    await client.end();
  }
}

/** Tables that change in place. */
function createPages(client: Client, notes: Notes, progress: Progress) {
  async function readBack(name: string, after: Key | null, upTo: Key | null): Promise<Row[]> {
    const { rows } = await client.query<Record<string, Cell>>(rangeQuery(name, after, upTo));
    return rows.map((found) => rowOf(name, found));
  }

  /** Whether what these rows have was another row's when that one was read, as a credential that moved: it goes from there. */
  async function clashes(name: string, rows: readonly Row[]): Promise<boolean> {
    const query = clashQuery(name, rows);
    return query !== null && (await client.query<{ clashes: boolean }>(query)).rows[0]!.clashes;
  }

  /** Notes of pages that may no longer be so: all are compared anew, row by row. */
  function forget(name: string): Sql[] {
    for (const known of [...notes.keys()]) if (known.startsWith(`${name} `)) notes.delete(known);
    return [sql`DELETE FROM moving WHERE name = ${name}`];
  }

  /** Makes the rows of a page what they are now; answers how many were not. */
  async function replace(name: string, after: Key | null, { rows, upTo }: Page, now: Digest): Promise<number> {
    const key = keyOf(name);
    const byKey = (all: readonly Row[]) => new Map(all.map((row) => [JSON.stringify(key(row)), row]));
    const before = byKey(await readBack(name, after, upTo));
    const coming = byKey(rows);
    const changed = [...coming].filter(([of, row]) => JSON.stringify(before.get(of)) !== JSON.stringify(row));
    const old = changed.filter(([of]) => before.has(of)).map(([, row]) => key(row));
    const gone = [...before].filter(([of]) => !coming.has(of)).map(([, row]) => key(row));
    const note = { ...now, to: upTo === null ? null : JSON.stringify(upTo) };
    const rewritten = changed.map(([, row]) => row);
    const forgotten = (await clashes(name, rewritten)) ? forget(name) : [];
    const statements = [...forgotten, ...replaceRows(name, rewritten, old, gone)];
    await commit(client, notes, statements, name, JSON.stringify(after), note);
    if (targets[name]!.grows !== true) mustBeSame(name, digestOf(await readBack(name, after, upTo)), now);
    return changed.length + gone.length;
  }

  return {
    /** Reads all of a table and replaces the pages that are not as they were. */
    async compare(name: string, read: (after: Key | null, upTo: Key | null) => Page) {
      let digest = nothing;
      let changed = 0;
      for (let after: Key | null = null; ; ) {
        const known = notes.get(noteName(name, JSON.stringify(after)));
        const to = known?.to ?? null;
        const page = read(after, to === null ? null : (JSON.parse(to) as Key));
        const now = digestOf(page.rows);
        const end = page.upTo === null ? null : JSON.stringify(page.upTo);
        if (known === undefined || known.to !== end || !sameDigest(known, now)) {
          changed += await replace(name, after, page, now);
        }
        digest = plus(digest, now);
        progress.table(name, digest.rows);
        if (page.upTo === null) return { digest, changed };
        after = page.upTo;
      }
    },
  };
}

/** Names of notes that are no tables: the log by connector and as a whole, and the history. */
const LOG = 'events of';
const HISTORY = 'history';

/** The log, and the history, which is copied as it stands and from then on follows the log. */
function createLog(client: Client, notes: Notes, source: Source, progress: Progress) {
  const noteOf = (name: string, at: string | number): Note | undefined => notes.get(noteName(name, at));
  const cursors = () =>
    new Map(
      [...notes]
        .filter(([name]) => name.startsWith(`${LOG} `))
        .map(([name, note]) => [Number(name.slice(LOG.length)), note]),
    );
  const digestOfLog = (): Digest => [...cursors().values()].reduce<Digest>(plus, nothing);

  async function rowsOf(name: string, query: Sql): Promise<Row[]> {
    return (await client.query<Record<string, Cell>>(query)).rows.map((found) => rowOf(name, found));
  }

  /** A whole table, as it is here. */
  async function readAll(name: string): Promise<Digest> {
    let digest = nothing;
    await client.query(`BEGIN; DECLARE moved NO SCROLL CURSOR FOR ${rangeQuery(name, null, null)}`);
    for (let rows: Row[] | null = null; rows === null || rows.length === FETCH; ) {
      rows = await rowsOf(name, `FETCH ${FETCH} FROM moved`);
      digest = plus(digest, digestOf(rows));
    }
    await client.query('COMMIT');
    return digest;
  }

  /** The next events of a connector, with what they bring to the history. Answers the last number; null: there are none. */
  async function copyEvents(connector: number, after: number, upTo: number, bring: boolean): Promise<number | null> {
    const { events, points, last } = source.readLog(connector, after, upTo);
    if (last === null) return null;
    const note = { ...plus(noteOf(LOG, connector) ?? nothing, digestOf(events)), to: String(last) };
    const statements = [
      insertRows('events', events),
      ...(bring && points.length > 0 ? [addPoints(points)] : []),
      ...(bring ? leftBehind(events) : []),
    ];
    await commit(client, notes, statements, LOG, connector, note);
    const back = sql`WHERE connector = ${connector} AND seq > ${after} AND seq <= ${last}`;
    const found = await rowsOf('events', `${rangeQuery('events', null, null)} ${back}`);
    mustBeSame('events', digestOf(found), digestOf(events));
    progress.table('events', digestOfLog().rows);
    return last;
  }

  /** Reads the history back, once, before it follows the log. */
  async function checkHistory(copied: Note): Promise<void> {
    if (noteOf(HISTORY, 'checked') !== undefined) return;
    mustBeSame('points', await readAll('points'), copied);
    await commit(client, notes, [], HISTORY, 'checked', copied);
  }

  /** Reads back what came of the log so far, once: of what comes later each page is read back as it comes. */
  async function checkLog(): Promise<void> {
    if (noteOf('events', 'checked') !== undefined) return;
    const wanted = digestOfLog();
    const to = JSON.stringify([...cursors()].map(([connector, { to }]) => [connector, to]));
    mustBeSame('events', await readAll('events'), wanted);
    await commit(client, notes, [], 'events', 'checked', { ...wanted, to });
  }

  return {
    /** The history as it stands, once. `settled`: what events behind that number bring may be in it already, or not. */
    async copyHistory(settled: number): Promise<void> {
      if (noteOf(HISTORY, 'since') === undefined) {
        await commit(client, notes, [], HISTORY, 'since', { ...nothing, to: String(settled) });
      }
      for (;;) {
        const before = noteOf(HISTORY, 'copied');
        if (before?.to === null) return checkHistory(before);
        const { rows, next } = source.readPoints(before === undefined ? null : (JSON.parse(before.to) as Key));
        const note = { ...plus(before ?? nothing, digestOf(rows)), to: next === null ? null : JSON.stringify(next) };
        await commit(client, notes, rows.length === 0 ? [] : [insertRows('points', rows)], HISTORY, 'copied', note);
        progress.table('points', note.rows);
      }
    },

    /** All events up to a number. Answers how many came. */
    async follow(upTo: number): Promise<number> {
      const since = Number(noteOf(HISTORY, 'since')!.to);
      let events = 0;
      for (const connector of source.connectors()) {
        const begun = noteOf(LOG, connector)?.rows ?? 0;
        let after = Number(noteOf(LOG, connector)?.to ?? 0);
        // First what the history has already, then what it has not.
        for (const [end, bring] of [
          [Math.min(since, upTo), false],
          [upTo, true],
        ] as const) {
          while (after < end) after = (await copyEvents(connector, after, end, bring)) ?? end;
        }
        events += (noteOf(LOG, connector)?.rows ?? 0) - begun;
      }
      await checkLog();
      return events;
    },

    /** What is there of both, by what was written and by what is there. */
    async moved(): Promise<Moved[]> {
      const { rows: begun, to } = noteOf('events', 'checked')!;
      const checked = new Map(JSON.parse(to!) as [number, string | null][]);
      let rows = begun;
      for (const connector of cursors().keys()) {
        rows += await countRows(
          client,
          sql`events WHERE connector = ${connector} AND seq > ${Number(checked.get(connector) ?? 0)}`,
        );
      }
      const events = digestOfLog();
      const copied = noteOf(HISTORY, 'copied')!;
      const added = await client.query<{ rows: number }>(
        `SELECT rows FROM moving WHERE name = '${HISTORY}' AND at = 'added'`,
      );
      const points = { ...copied, rows: copied.rows + (added.rows[0]?.rows ?? 0) };
      return [
        { table: 'events', source: events, target: { ...events, rows } },
        { table: 'points', source: points, target: points },
      ];
    },
  };
}

/** Points that follow the log: some are there already, where both were read. */
function addPoints(points: readonly Row[]): Sql {
  return `WITH added AS (${insertRows('points', points, 'ON CONFLICT DO NOTHING RETURNING 1')})
    INSERT INTO moving AS m VALUES ('${HISTORY}', 'added', NULL, (SELECT count(*) FROM added), '0')
    ON CONFLICT (name, at) DO UPDATE SET rows = m.rows + excluded.rows`;
}

/** What these events brought to the history of devices that are deleted since is to be removed, as after any deletion. */
function leftBehind(events: readonly Row[]): Sql[] {
  const gone = events.filter(([, , device, , type]) => type === 'deleted' && device !== null);
  return gone.length === 0
    ? []
    : [
        insertRows(
          'remains',
          gone.map(([, , device]) => [device!]),
          'ON CONFLICT DO NOTHING',
        ),
      ];
}

/** Only into an empty database, or one that an earlier run did not finish; one run at a time. */
async function begin(client: Client): Promise<void> {
  const { rows } = await client.query(`SELECT to_regclass('moving') IS NOT NULL AS begun,
    EXISTS (SELECT 1 FROM connectors) OR EXISTS (SELECT 1 FROM users) AS used,
    pg_try_advisory_lock(${LOCKS}, ${locks.moving}) AS alone`);
  const { begun, used, alone } = rows[0];
  if (used && !begun) throw new Error('The database holds an installation already; an empty one is needed');
  if (!alone) throw new Error('Another move into this database is under way');
  await client.query(`CREATE TABLE IF NOT EXISTS moving (
    name text NOT NULL, at text NOT NULL, "to" text, rows bigint NOT NULL, digest text NOT NULL, PRIMARY KEY (name, at))`);
}

async function makePartitions(url: string): Promise<void> {
  const db = openDatabase(url, randomUUID());
  try {
    const partitions = createPartitions(db);
    // Each call makes some days ahead.
    for (let days = 0; days <= DAYS_BACK; days += 3) await partitions.makeAhead((Date.now() - days * DAY) * 1000);
  } finally {
    await db.close();
  }
}

/** Numbers go on from where they stood; nothing of the move is left. */
async function finish(client: Client, lastSeq: number, kept: Readonly<Record<string, string>>): Promise<void> {
  const counters = ['connectors', 'devices', 'batches', 'webhooks', 'jobs', 'content', 'content_blobs'].map(
    (table) => `SELECT setval('${table}_key_seq', (SELECT greatest(max(key), 1) FROM ${table}))`,
  );
  const names = Object.entries(kept).map(([name, content]) => sql`INSERT INTO kept VALUES (${name}, ${content})`);
  const first = sql`INSERT INTO commits (id, number, node, seq) VALUES (gen_random_uuid(), 1, 'moved', ${lastSeq})`;
  await client.query([...counters, ...names, first, 'DROP TABLE moving'].join(';\n'));
}
