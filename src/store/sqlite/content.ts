/** Files for devices: their descriptions, who is offered them and who fetched them. Their bytes: content-files.ts. */
import type { FileHandle } from 'node:fs/promises';
import type { DatabaseSync } from 'node:sqlite';
import { type Content, contentLimits, expectDeviceRoom, formatOffer, parseOffer } from '../../domain/content.ts';
import { AppError } from '../../domain/errors.ts';
import type { Rollout, RolloutFigures } from '../../domain/rollout.ts';
import type {
  ContentChange,
  ContentFetch,
  ContentQuery,
  ContentReader,
  DeviceRef,
  Signal,
  StagedContent,
} from '../store.ts';
import type { Aliases } from './aliases.ts';
import type { WriteAudit } from './audit.ts';
import { type Committer, decided } from './committer.ts';
import type { Connectors } from './connectors.ts';
import { openContentFiles } from './content-files.ts';
import type { Ledger, LoggedEvent } from './ledger.ts';
import type { Projection } from './projection.ts';
import type { Reader } from './reader.ts';

interface Parts {
  readonly db: DatabaseSync;
  readonly folder: string;
  readonly committer: Committer;
  readonly audit: WriteAudit;
  readonly connectors: Connectors;
  readonly aliases: Aliases;
  readonly ledger: Ledger;
  readonly projection: Projection;
  readonly reader: Reader;
  readonly signal: (signal: Signal) => void;
}

export interface ContentRow extends Omit<Content, 'offer' | 'rollout'> {
  readonly key: number;
  readonly connector: number;
  readonly offer: string;
  readonly rollout: string | null;
  readonly listed: number;
}

/** What a change did, for memory and files to follow after the commit. */
interface Outcome<T> {
  readonly answer: T;
  readonly before: ContentRow | undefined;
  readonly events: readonly LoggedEvent[];
}

export function createContent(parts: Parts) {
  const { db, folder, committer, audit, connectors, aliases, ledger, projection, reader, signal } = parts;
  const one = db.prepare('SELECT * FROM content WHERE connector = ? AND id = ?');
  const usedBy = db.prepare('SELECT 1 FROM content WHERE sha256 = ? LIMIT 1');
  const offered = db.prepare('SELECT * FROM content WHERE connector = ? AND listed = 1 ORDER BY id');
  const running = db.prepare(`SELECT * FROM content WHERE rollout IS NOT NULL AND rollout ->> 'state' = 'running'`);
  const countListed = db.prepare('SELECT count(*) AS n FROM content WHERE connector = ? AND listed = 1');
  const countOfDevice = db.prepare('SELECT count(*) AS n FROM content WHERE connector = ? AND device = ?');
  const sentBytes = db.prepare('SELECT bytes FROM content_sent WHERE connector = ?');
  const insert = db.prepare(`INSERT INTO content
    (connector, id, type, bytes, sha256, meta, created, updated, who, device, offer, rollout, listed)
    VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)`);
  const update =
    db.prepare(`UPDATE content SET type = ?, bytes = ?, sha256 = ?, meta = ?, updated = ?, who = ?, device = ?,
    offer = ?, rollout = ?, listed = ? WHERE key = ?`);
  const remove = db.prepare('DELETE FROM content WHERE key = ?');
  const note = db.prepare(`INSERT INTO content_fetches VALUES (?1, ?2, ?3, ?4, ?5, ?5, 1, ?6)
    ON CONFLICT DO UPDATE SET last = ?5, sha256 = ?4,
      first = iif(sha256 = ?4, first, ?5),
      times = iif(sha256 = ?4, times, 0) + iif(?6 IS NULL, 1, 0),
      completed = iif(sha256 = ?4, coalesce(completed, ?6), NULL)
    WHERE ?6 IS NULL OR sha256 = ?4`);
  const leave = db.prepare('INSERT INTO content_remains VALUES (?)');
  const lost = db.prepare('SELECT content FROM content_remains LIMIT 1');
  const dropRemains = db.prepare('DELETE FROM content_remains WHERE content = ?');
  const dropLost = db.prepare(`DELETE FROM content_fetches WHERE content = ?1 AND device IN
    (SELECT device FROM content_fetches WHERE content = ?1 LIMIT ?2)`);
  const someOf = db.prepare('SELECT * FROM content WHERE connector = ? LIMIT ?');

  const isUsed = (sha256: string) => usedBy.get(sha256) !== undefined;
  const { sum } = db
    .prepare('SELECT coalesce(sum(bytes), 0) AS sum FROM (SELECT DISTINCT sha256, bytes FROM content)')
    .get() as { sum: number };
  const files = openContentFiles({ folder, isUsed, storedBytes: sum });

  const find = (connector: number, id: string) => one.get(connector, id) as unknown as ContentRow | undefined;

  function apply<T>(
    connector: number,
    id: string,
    decide: (content: Content | null) => ContentChange<T>,
    staged: StagedContent | undefined,
  ): Outcome<T> {
    const before = find(connector, id);
    const change = decided(() => decide(before === undefined ? null : toContent(before)));
    const after = change.content;
    if (change.room !== undefined && staged !== undefined) {
      const { bytes: sent = 0 } = (sentBytes.get(connector) ?? {}) as { bytes?: number };
      expectDeviceRoom(sent, before === undefined ? null : toContent(before), staged.bytes, change.room);
    }
    if (after)
      write(connector, before, staged === undefined ? after : { ...after, bytes: staged.bytes, sha256: staged.sha256 });
    else if (after === null && before !== undefined) drop(before);
    const events = (change.events ?? []).map((event) => ledger.writeEvent(connector, null, event));
    audit(change.audit);
    return { answer: change.answer, before: after === undefined ? undefined : before, events };
  }

  function drop({ key }: ContentRow): void {
    remove.run(key);
    leave.run(key);
  }

  function write(connector: number, before: ContentRow | undefined, content: Content): void {
    const { id, type, bytes, sha256, meta, created, updated, who, device, offer, rollout } = content;
    const listed = isListed(content) ? 1 : 0;
    if (listed === 1 && before?.listed !== 1) expectFewer(countListed.get(connector), contentLimits.files, 'files');
    const rest = [formatOffer(offer), rollout === null ? null : JSON.stringify(rollout), listed];
    if (before === undefined) {
      if (device !== null)
        expectFewer(countOfDevice.get(connector, device), contentLimits.filesPerDevice, 'of a device');
      insert.run(connector, id, type, bytes, sha256, meta, created, updated, who, device, ...rest);
    } else {
      update.run(type, bytes, sha256, meta, updated, who, device, ...rest, before.key);
    }
  }

  /** CONTENT_UNKNOWN */
  function expectRow(id: string, content: string): ContentRow {
    const row = find(connectors.keyOf(id), content);
    if (row === undefined) throw new AppError('CONTENT_UNKNOWN', { seen: content });
    return row;
  }

  async function change<T>(
    id: string,
    content: string,
    decide: (content: Content | null) => ContentChange<T>,
    staged?: StagedContent,
  ): Promise<T> {
    const connector = connectors.keyOf(id);
    const { answer } = await committer.submit(
      () => {
        if (connectors.nameOf(connector) === undefined) throw new AppError('CONNECTOR_UNKNOWN', { seen: id });
        return apply(connector, content, decide, staged);
      },
      {
        committed: ({ events }) => projection.add(events),
        durable({ before, events }) {
          if (before !== undefined) files.release(before.sha256, before.bytes);
          if (events.length > 0) signal({ kind: 'events', connector: id });
        },
      },
    );
    // It is the file's own now; where nothing was written it goes.
    await staged?.discard();
    return answer;
  }

  async function openReader(id: string, content: string): Promise<ContentReader | null> {
    for (;;) {
      const row = find(connectors.keyOf(id), content);
      if (row === undefined) return null;
      const file = await files.open(row.sha256).catch((cause: NodeJS.ErrnoException) => {
        // Replaced or deleted in between.
        if (cause.code === 'ENOENT' && find(row.connector, content)?.sha256 !== row.sha256) return null;
        throw new AppError('STORAGE_UNAVAILABLE', { seen: `a file that cannot be read (${cause.code})`, cause });
      });
      if (file !== null) return readerOf(file, toContent(row));
    }
  }

  return {
    stageContent: files.stage,
    changeContent: change,
    async getContent(id: string, content: string): Promise<Content | null> {
      const row = find(connectors.keyOf(id), content);
      return row === undefined ? null : toContent(row);
    },
    async listContent(id: string, query: ContentQuery) {
      const rows = await reader.ask('listContent', connectors.keyOf(id), query);
      const mayLoadMore = rows.length > query.limit;
      return { content: rows.slice(0, query.limit).map(toContent), mayLoadMore };
    },
    async listOffered(id: string): Promise<Content[]> {
      const rows = offered.all(connectors.keyOf(id)) as unknown as ContentRow[];
      return rows.map(toContent).filter(({ offer }) => offer.to !== 'none');
    },
    openContent: openReader,
    async noteFetch(
      { connector, key, identity }: DeviceRef,
      id: string,
      sha256: string,
      at: number,
      completed: boolean,
    ) {
      await committer.submit(() => {
        const row = find(connectors.keyOf(connector), id);
        if (row !== undefined) note.run(row.key, key, identity, sha256, at, completed ? at : null);
      });
    },
    async listFetches(id: string, content: string, query: { readonly before?: number; readonly limit: number }) {
      const rows = await reader.ask('listFetches', expectRow(id, content).key, query);
      return { fetches: rows.slice(0, query.limit), mayLoadMore: rows.length > query.limit };
    },
    async listRollouts() {
      const rows = running.all() as unknown as ContentRow[];
      return rows.flatMap((row) => {
        const connector = connectors.nameOf(row.connector);
        return connector === undefined ? [] : [{ connector, content: toContent(row) }];
      });
    },
    async readRolloutFigures(id: string, content: string): Promise<RolloutFigures> {
      await projection.flush();
      const row = expectRow(id, content);
      const { watch, since } = toContent(row).rollout ?? { watch: null, since: 0 };
      const alias = watch === null ? undefined : aliases.find(row.connector, watch.alias);
      return reader.ask(
        'rolloutFigures',
        row.key,
        row.sha256,
        alias ?? null,
        since,
        watch?.failure ?? [],
        watch?.success ?? [],
      );
    },
    /** Inside a transaction: removes some of what belongs to a connector; the rows that were, whose bytes are to be released. */
    purgeOf(connector: number, limit: number): ContentRow[] {
      const rows = someOf.all(connector, limit) as unknown as ContentRow[];
      for (const row of rows) drop(row);
      return rows;
    },
    /** Inside a transaction: who fetched what is no longer there. Answers how many were removed. */
    purgeFetches(limit: number): number {
      const found = lost.get() as { content: number } | undefined;
      if (found === undefined) return 0;
      const dropped = Number(dropLost.run(found.content, limit).changes);
      if (dropped < limit) dropRemains.run(found.content);
      return Math.max(dropped, 1);
    },
    release: files.release,
  };
}

export type ContentStore = ReturnType<typeof createContent>;

/** Questions to the reader's thread. */
export function createContentQueries(db: DatabaseSync) {
  const pages = Object.fromEntries(
    Object.entries({ all: '', people: 'AND device IS NULL', devices: 'AND device IS NOT NULL' }).map(
      ([by, condition]) => [
        by,
        db.prepare(`SELECT * FROM content WHERE connector = ? AND id > ? ${condition} ORDER BY id LIMIT ?`),
      ],
    ),
  );
  const fetches = db.prepare(`SELECT identity, sha256, first, last, times, completed FROM content_fetches
    WHERE content = ? AND last < ? ORDER BY last DESC, device LIMIT ?`);
  // What was reported before the device began to fetch says nothing of the file.
  const figures = db.prepare(`SELECT count(*) AS taken, count(completed) AS completed,
      count(*) FILTER (WHERE said AND reported IN (SELECT value FROM json_each(?5))) AS failed,
      count(*) FILTER (WHERE said AND reported IN (SELECT value FROM json_each(?6))) AS succeeded
    FROM (SELECT f.completed, s.reported, s.reported_at >= max(f.first, ?4) AS said
      FROM content_fetches f LEFT JOIN state s ON s.device = f.device AND s.alias = ?3
      WHERE f.content = ?1 AND f.sha256 = ?2)`);
  return {
    /** One more than asked for, if there is one. */
    listContent: (connector: number, { after = '', by, limit }: ContentQuery) =>
      pages[by ?? 'all']!.all(connector, after, limit + 1) as unknown as ContentRow[],
    listFetches: (content: number, { before = Number.MAX_SAFE_INTEGER, limit }: { before?: number; limit: number }) =>
      fetches.all(content, before, limit + 1) as unknown as ContentFetch[],
    rolloutFigures: (
      content: number,
      sha256: string,
      alias: number | null,
      since: number,
      failure: readonly string[],
      success: readonly string[],
    ) =>
      figures.get(
        content,
        sha256,
        alias,
        since,
        JSON.stringify(failure),
        JSON.stringify(success),
      ) as unknown as RolloutFigures,
  };
}

function toContent({ key: _, connector: __, listed: ___, offer, rollout, ...row }: ContentRow): Content {
  return { ...row, offer: parseOffer(offer), rollout: rollout === null ? null : (JSON.parse(rollout) as Rollout) };
}

const isListed = ({ device, offer }: Content) => device === null || offer.to !== 'none';

/** CONTENT_LIMIT */
function expectFewer(row: unknown, most: number, what: string): void {
  if ((row as { n: number }).n >= most)
    throw new AppError('CONTENT_LIMIT', { seen: `${most} ${what}`, wanted: `at most ${most}` });
}

function readerOf(file: FileHandle, content: Content): ContentReader {
  return {
    content,
    async read(position, length) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(length), 0, length, position).catch((cause) => {
        throw new AppError('STORAGE_UNAVAILABLE', { seen: 'a file that cannot be read', cause });
      });
      if (bytesRead === 0 && length > 0)
        throw new AppError('STORAGE_UNAVAILABLE', { seen: 'a file that is too short' });
      return buffer.subarray(0, bytesRead);
    },
    close: () => file.close(),
  };
}
