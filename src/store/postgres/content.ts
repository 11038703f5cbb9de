/**
 * Files for devices. Their bytes are kept here too, in pieces, so that every gateway serves them: an upload writes pieces of
 * a blob that nobody sees until a file refers to it. Blobs that no file has are removed by house-keeping, those of gateways that
 * are gone included.
 */
import { createHash } from 'node:crypto';
import {
  type Content,
  contentLimits,
  expectDeviceRoom,
  formatOffer,
  parseOffer,
  roomOf,
} from '../../domain/content.ts';
import { AppError } from '../../domain/errors.ts';
import type { Rollout, RolloutFigures } from '../../domain/rollout.ts';
import { PIECE } from '../moving.ts';
import type {
  ContentBounds,
  ContentChange,
  ContentFetch,
  ContentQuery,
  ContentReader,
  DeviceRef,
  Signal,
  StagedContent,
} from '../store.ts';
import type { Connectors } from './connectors.ts';
import { type Database, type Sql, sql, statement } from './database.ts';
import { Unmet } from './failures.ts';
import type { Commit, Logged } from './ledger.ts';
import { createLoans, notLent } from './loans.ts';
import { GONE_AFTER } from './nodes.ts';
import { texts } from './text.ts';

interface Parts {
  readonly db: Database;
  readonly node: string;
  readonly connectors: Connectors;
  readonly commit: Commit;
}

/** Pieces that are read at a time: devices must not wait for connections because others download. */
const READS = 2;

const columns =
  'key, connector, id, type, bytes, sha256, meta, created, updated, who, device, offer, rollout, version, blob';
const one = statement('content', `SELECT ${columns} FROM content WHERE connector = $1 AND id = $2`);
const page = (by: string, condition: string) =>
  statement(
    `content-page-${by}`,
    `SELECT ${columns} FROM content WHERE connector = $1 AND id > $2 ${condition} ORDER BY id LIMIT $3`,
  );
const pages = {
  all: page('all', ''),
  people: page('people', 'AND device IS NULL'),
  devices: page('devices', 'AND device IS NOT NULL'),
};
const offered = statement(
  'content-offered',
  `SELECT ${columns} FROM content WHERE connector = $1 AND listed ORDER BY id`,
);
const running = statement(
  'content-rollouts',
  `SELECT ${columns}, (SELECT c.id FROM connectors c WHERE c.key = connector) AS connector_id
   FROM content WHERE rollout IS NOT NULL AND rollout::json ->> 'state' = 'running'`,
);
const piece = statement(
  'content-piece',
  "SELECT encode(substr(data, $3::int + 1, $4::int), 'base64') AS data FROM content_pieces WHERE blob = $1 AND n = $2",
);
const stored = statement('content-stored', 'SELECT coalesce(sum(bytes), 0)::bigint AS sum FROM content_blobs');
const sentBytes = statement('content-sent', 'SELECT bytes FROM content_sent WHERE connector = $1');
const begin = 'INSERT INTO content_blobs (node, bytes) VALUES ($1, 0) RETURNING key';
const put = `WITH b AS (UPDATE content_blobs SET bytes = bytes + $4 WHERE key = $1 AND node IS NOT NULL RETURNING key)
  INSERT INTO content_pieces SELECT key, $2, decode($3, 'base64') FROM b RETURNING n`;
const note = statement(
  'content-fetch',
  `INSERT INTO content_fetches AS f
   SELECT key, $3, $4, $5, $6, $6, 1, $7 FROM content WHERE connector = $1 AND id = $2
   ON CONFLICT (content, device) DO UPDATE SET last_at = $6, sha256 = $5,
     first_at = CASE WHEN f.sha256 = $5 THEN f.first_at ELSE $6 END,
     times = CASE WHEN f.sha256 = $5 THEN f.times ELSE 0 END + CASE WHEN $7::bigint IS NULL THEN 1 ELSE 0 END,
     completed = CASE WHEN f.sha256 = $5 THEN coalesce(f.completed, $7) END
   WHERE $7::bigint IS NULL OR f.sha256 = $5`,
);
const fetches = statement(
  'content-fetches',
  `SELECT identity, sha256, first_at AS first, last_at AS last, times, completed FROM content_fetches
   WHERE content = $1 AND last_at < $2 ORDER BY last_at DESC, device LIMIT $3`,
);
/** What was reported before the device began to fetch says nothing of the file. */
const figures = statement(
  'content-figures',
  `SELECT count(*) AS taken, count(f.completed) AS completed,
     count(*) FILTER (WHERE s.reported = ANY ($5::text[])) AS failed,
     count(*) FILTER (WHERE s.reported = ANY ($6::text[])) AS succeeded
   FROM content_fetches f
   LEFT JOIN state s ON s.device = f.device AND s.alias = $3 AND s.reported_at >= greatest(f.first_at, $4)
   WHERE f.content = $1 AND f.sha256 = $2`,
);
/** Blobs that are neither of a file nor on their way in nor read: the uploads of a gateway that is gone are so too. */
const lost = statement(
  'content-lost',
  `SELECT b.key FROM content_blobs b WHERE NOT b.kept AND NOT EXISTS (SELECT 1 FROM nodes n
     WHERE n.node = b.node AND n.seen > now() - make_interval(secs => ${GONE_AFTER}))
   AND ${notLent('b.key')} LIMIT 1`,
);
const disown = statement(
  'content-disown',
  'UPDATE content_blobs SET node = NULL WHERE key = $1 AND NOT kept RETURNING key',
);
const dropPieces = statement(
  'content-drop-pieces',
  `WITH gone AS (DELETE FROM content_pieces p USING (SELECT n FROM content_pieces WHERE blob = $1 LIMIT $2) d
     WHERE p.blob = $1 AND p.n = d.n RETURNING 1) SELECT count(*) AS n FROM gone`,
);
const dropBlob = statement(
  'content-drop-blob',
  'DELETE FROM content_blobs WHERE key = $1 AND NOT kept RETURNING 1 AS n',
);
const remains = statement('content-remains', 'SELECT content FROM content_remains LIMIT 1');
const dropFetches = statement(
  'content-drop-fetches',
  `WITH gone AS (DELETE FROM content_fetches f USING (SELECT device FROM content_fetches WHERE content = $1 LIMIT $2) d
     WHERE f.content = $1 AND f.device = d.device RETURNING 1) SELECT count(*) AS n FROM gone`,
);
const dropRemains = statement('content-drop-remains', 'DELETE FROM content_remains WHERE content = $1');
const dropOf = statement(
  'content-drop-of',
  `WITH gone AS (DELETE FROM content c USING (SELECT key FROM content WHERE connector = $1 LIMIT $2) d
       WHERE c.key = d.key RETURNING c.key, c.blob),
     freed AS (UPDATE content_blobs SET kept = false, node = NULL WHERE key IN (SELECT blob FROM gone)),
     noted AS (INSERT INTO content_remains SELECT key FROM gone)
   SELECT count(*) AS n FROM gone`,
);

interface ContentRow extends Omit<Content, 'offer' | 'rollout'> {
  readonly key: number;
  readonly connector: number;
  readonly offer: string;
  readonly rollout: string | null;
  readonly version: number;
  readonly blob: number;
}

export function createContent({ db, node, connectors, commit }: Parts) {
  /** Blobs by what was staged: how a change finds its bytes. */
  const blobs = new WeakMap<StagedContent, number>();
  const gate = createGate(READS);
  const loans = createLoans(db, node);
  /** Uploads that were broken off while the database was away: as long as this node lives they count as under way. */
  const broken = new Set<number>();

  async function find(id: string, content: string): Promise<ContentRow | undefined> {
    return (await db.read<ContentRow>(one, [await connectors.keyOf(id), content]))[0];
  }

  /** CONTENT_UNKNOWN */
  async function expectRow(id: string, content: string): Promise<ContentRow> {
    const row = await find(id, content);
    if (row === undefined) throw new AppError('CONTENT_UNKNOWN', { seen: content });
    return row;
  }

  const storedBytes = async () => (await db.read<{ sum: number }>(stored))[0]!.sum;

  async function stage(bytes: AsyncIterable<Uint8Array>, bounds: ContentBounds): Promise<StagedContent> {
    const room = bounds.total - (await storedBytes());
    const blob = (await db.put<{ key: number }>(begin, [node]))[0]!.key;
    try {
      const hash = createHash('sha256');
      let size = 0;
      let n = 0;
      const arrived = (chunk: Uint8Array) => {
        size += chunk.length;
        expectFits(size, room, bounds);
      };
      for await (const piece of pieces(bytes, arrived)) {
        hash.update(piece);
        const done = await db.put(put, [blob, n++, piece.toString('base64'), piece.length]).catch(toFull);
        if (done.length === 0) throw new AppError('STORAGE_UNAVAILABLE', { seen: 'an upload that was taken for lost' });
      }
      // Others may have sent theirs at the same time.
      expectFits(size, bounds.total - (await storedBytes()) + size, bounds);
      const staged = { bytes: size, sha256: hash.digest('hex'), discard: () => discard(blob) };
      blobs.set(staged, blob);
      return staged;
    } catch (error) {
      await discard(blob);
      throw error;
    }
  }

  /** What cannot be removed now is removed by house-keeping. */
  async function discard(blob: number): Promise<void> {
    broken.add(blob);
    try {
      const mine = await db.read(disown, [blob]);
      broken.delete(blob);
      if (mine.length === 0) return;
      await db.run(
        sql`DELETE FROM content_pieces WHERE blob = ${blob}; DELETE FROM content_blobs WHERE key = ${blob} AND NOT kept`,
      );
    } catch {}
  }

  async function change<T>(
    id: string,
    content: string,
    decide: (content: Content | null) => ContentChange<T>,
    staged?: StagedContent,
  ): Promise<T> {
    for (;;) {
      const connector = await connectors.keyOf(id);
      const before = (await db.read<ContentRow>(one, [connector, content]))[0];
      const decision = decide(before === undefined ? null : toContent(before));
      const after = decision.content;
      const events = (decision.events ?? []).map((event): Logged => ({ ...event, connector, device: null }));
      const written = after && staged !== undefined ? { ...after, bytes: staged.bytes, sha256: staged.sha256 } : after;
      const { room } = decision;
      const grown = roomOf(written?.bytes ?? 0) - (before?.device == null ? 0 : roomOf(before.bytes));
      const statements = [
        sql`SELECT demand(EXISTS (SELECT 1 FROM connectors WHERE key = ${connector} AND id IS NOT NULL FOR SHARE), 'dead')`,
        ...unchanged(connector, content, before),
        ...(written ? writeOf(node, connector, before, written, staged && blobs.get(staged)) : []),
        ...(written === null && before !== undefined ? drop(before) : []),
        // Behind the write, which holds the sum still.
        ...(room === undefined || grown <= 0 ? [] : [expectRoom(connector, room)]),
      ];
      try {
        const { audit } = decision;
        const writes = events.length > 0 || written !== undefined || audit !== undefined;
        const signals: Signal[] = events.length > 0 ? [{ kind: 'events', connector: id }] : [];
        if (writes) await commit(statements, signals, events, [audit]);
        await staged?.discard();
        return decision.answer;
      } catch (error) {
        if (!(error instanceof Unmet)) throw error;
        if (error.message === 'dead') {
          connectors.forget(id);
          throw new AppError('CONNECTOR_UNKNOWN', { seen: id });
        }
        const limit = limits.get(error.message);
        if (limit !== undefined) throw new AppError('CONTENT_LIMIT', limit);
        if (error.message === 'room') {
          const sent = (await db.read<{ bytes: number }>(sentBytes, [connector]))[0]?.bytes ?? 0;
          expectDeviceRoom(sent, before === undefined ? null : toContent(before), written!.bytes, room!);
        }
        if (error.message === 'blob')
          throw new AppError('STORAGE_UNAVAILABLE', { seen: 'an upload that was taken for lost' });
        // Somebody else was quicker: decide on what they made of it.
      }
    }
  }

  async function openReader(id: string, content: string): Promise<ContentReader | null> {
    const row = await find(id, content);
    if (row === undefined) return null;
    const { blob } = row;
    let lent = false;
    return {
      content: toContent(row),
      async read(position, length) {
        // What is not read at once is kept until it is, whatever becomes of the file.
        if (!lent && position + length < row.bytes) {
          lent = true;
          await loans.lend(blob);
        }
        return gate(() => readPiece(blob, position, length));
      },
      close: async () => {
        if (lent) await loans.giveBack(blob);
        lent = false;
      },
    };
  }

  async function readPiece(blob: number, position: number, length: number): Promise<Buffer> {
    const [n, from] = [Math.floor(position / PIECE), position % PIECE];
    const found = (await db.read<{ data: string }>(piece, [blob, n, from, Math.min(length, PIECE - from)]))[0];
    if (found === undefined) throw new AppError('CONTENT_CHANGED', { seen: 'bytes that are no longer kept' });
    return Buffer.from(found.data, 'base64');
  }

  const count = async (...asked: Parameters<typeof db.read>) => (await db.read<{ n: number }>(...asked))[0]?.n ?? 0;

  return {
    stageContent: stage,
    changeContent: change,
    async getContent(id: string, content: string): Promise<Content | null> {
      const row = await find(id, content);
      return row === undefined ? null : toContent(row);
    },
    async listContent(id: string, { after = '', by = undefined, limit }: ContentQuery) {
      const rows = await db.read<ContentRow>(pages[by ?? 'all'], [await connectors.keyOf(id), after, limit + 1]);
      return { content: rows.slice(0, limit).map(toContent), mayLoadMore: rows.length > limit };
    },
    async listOffered(id: string): Promise<Content[]> {
      const rows = await db.read<ContentRow>(offered, [await connectors.keyOf(id)]);
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
      await db.read(note, [await connectors.keyOf(connector), id, key, identity, sha256, at, completed ? at : null]);
    },
    async listFetches(
      id: string,
      content: string,
      { before = Number.MAX_SAFE_INTEGER, limit }: { readonly before?: number; readonly limit: number },
    ) {
      const { key } = await expectRow(id, content);
      const rows = await db.read<ContentFetch>(fetches, [key, before, limit + 1]);
      return { fetches: rows.slice(0, limit), mayLoadMore: rows.length > limit };
    },
    async listRollouts() {
      const rows = await db.read<ContentRow & { connector_id: string | null }>(running);
      return rows.flatMap(({ connector_id: connector, ...row }) =>
        connector === null ? [] : [{ connector, content: toContent(row) }],
      );
    },
    async readRolloutFigures(id: string, content: string): Promise<RolloutFigures> {
      const row = await expectRow(id, content);
      const { watch, since } = toContent(row).rollout ?? { watch: null, since: 0 };
      const { alias = '', failure = [], success = [] } = watch ?? {};
      const values = [row.key, row.sha256, alias, since, texts(failure), texts(success)];
      return (await db.read<RolloutFigures>(figures, values))[0]!;
    },
    /** One small step each; how many things it handled. */
    purgeOf: (connector: number, limit: number) => count(dropOf, [connector, limit]),
    async purgeBlobs(limit: number): Promise<number> {
      for (const blob of [...broken]) await discard(blob);
      await loans.forget();
      const key = (await db.read<{ key: number }>(lost))[0]?.key;
      // Whoever is still sending it is refused from here on.
      if (key === undefined || (await db.read(disown, [key])).length === 0) return 0;
      const dropped = await count(dropPieces, [key, limit]);
      return dropped < limit ? Math.max(dropped, await count(dropBlob, [key])) : dropped;
    },
    async purgeFetches(limit: number): Promise<number> {
      const content = (await db.read<{ content: number }>(remains))[0]?.content;
      if (content === undefined) return 0;
      const dropped = await count(dropFetches, [content, limit]);
      if (dropped < limit) await db.read(dropRemains, [content]);
      return Math.max(dropped, 1);
    },
  };
}

export type ContentStore = ReturnType<typeof createContent>;

const limits = new Map([
  ['files', { seen: `${contentLimits.files} files`, wanted: `at most ${contentLimits.files}` }],
  [
    'device-files',
    { seen: `${contentLimits.filesPerDevice} of a device`, wanted: `at most ${contentLimits.filesPerDevice}` },
  ],
]);

/** The demand that nobody has changed the file since it was read. */
function unchanged(connector: number, id: string, before: ContentRow | undefined): Sql[] {
  return before === undefined
    ? [sql`SELECT demand(NOT EXISTS (SELECT 1 FROM content WHERE connector = ${connector} AND id = ${id}), 'stale')`]
    : [
        sql`SELECT demand(EXISTS (SELECT 1 FROM content WHERE key = ${before.key} AND version = ${before.version} FOR UPDATE), 'stale')`,
      ];
}

/** `blob`: its new bytes, which this gateway took in. */
function writeOf(
  node: string,
  connector: number,
  before: ContentRow | undefined,
  content: Content,
  blob: number | undefined,
): Sql[] {
  const { id, type, bytes, sha256, meta, created, updated, who, device, offer } = content;
  const rollout = content.rollout === null ? null : JSON.stringify(content.rollout);
  const listed = device === null || offer.to !== 'none';
  const fewer = (condition: Sql, most: number, code: string) =>
    `SELECT demand((SELECT count(*) FROM content WHERE connector = ${connector} AND ${condition}) < ${most}, '${code}')`;
  const wasListed = before !== undefined && isListed(before);
  const keep =
    blob === undefined
      ? []
      : [
          sql`SELECT demand(EXISTS (SELECT 1 FROM content_blobs WHERE key = ${blob} AND node = ${node} FOR UPDATE), 'blob')`,
          sql`UPDATE content_blobs SET kept = true, node = NULL WHERE key = ${blob}`,
          ...(before === undefined ? [] : [free(before.blob)]),
        ];
  const write =
    before === undefined
      ? sql`INSERT INTO content (connector, id, type, bytes, sha256, meta, created, updated, who, device, offer, rollout, listed, blob)
          VALUES (${connector}, ${id}, ${type}, ${bytes}, ${sha256}, ${meta}, ${created}, ${updated}, ${who}, ${device},
            ${formatOffer(offer)}, ${rollout}, ${listed}, ${blob!})`
      : sql`UPDATE content SET type = ${type}, bytes = ${bytes}, sha256 = ${sha256}, meta = ${meta}, updated = ${updated},
          who = ${who}, device = ${device}, offer = ${formatOffer(offer)}, rollout = ${rollout}, listed = ${listed},
          version = version + 1, blob = ${blob ?? before.blob} WHERE key = ${before.key}`;
  return [
    ...(listed && !wasListed ? [fewer('listed', contentLimits.files, 'files')] : []),
    ...(before === undefined && device !== null
      ? [fewer(sql`device = ${device}`, contentLimits.filesPerDevice, 'device-files')]
      : []),
    ...keep,
    write,
  ];
}

const expectRoom = (connector: number, room: number) =>
  sql`SELECT demand((SELECT bytes FROM content_sent WHERE connector = ${connector}) <= ${room}, 'room')`;

const free = (blob: number) => sql`UPDATE content_blobs SET kept = false, node = NULL WHERE key = ${blob}`;

const drop = ({ key, blob }: ContentRow): Sql[] => [
  sql`DELETE FROM content WHERE key = ${key}`,
  sql`INSERT INTO content_remains VALUES (${key})`,
  free(blob),
];

const isListed = ({ device, offer }: ContentRow) => device === null || offer !== 'none';

function toContent({ key: _, connector: __, version: ___, blob: ____, offer, rollout, ...row }: ContentRow): Content {
  return { ...row, offer: parseOffer(offer), rollout: rollout === null ? null : (JSON.parse(rollout) as Rollout) };
}

function expectFits(size: number, room: number, { file, total }: ContentBounds): void {
  if (size > file) throw new AppError('BODY_TOO_LARGE', { seen: `more than ${file} bytes`, wanted: `at most ${file}` });
  if (size <= room) return;
  throw new AppError('STORAGE_FULL', {
    seen: `${total - room} bytes of files`,
    wanted: `at most ${total} with this one`,
  });
}

/** A database whose disk is full says so (PostgreSQL manual, appendix A: disk_full). */
function toFull(error: unknown): never {
  const cause = error instanceof AppError ? error.cause : error;
  if ((cause as { code?: string })?.code !== '53100') throw error;
  throw new AppError('STORAGE_FULL', { seen: 'a disk that takes no more', cause });
}

/** The bytes in pieces of `PIECE`, the last one shorter. `arrived`: called with what comes, before it is kept. */
async function* pieces(
  bytes: AsyncIterable<Uint8Array>,
  arrived: (chunk: Uint8Array) => void,
): AsyncGenerator<Buffer, void, undefined> {
  let waiting: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of bytes) {
    arrived(chunk);
    waiting.push(chunk);
    length += chunk.length;
    if (length < PIECE) continue;
    const all = Buffer.concat(waiting, length);
    let at = 0;
    for (; length - at >= PIECE; at += PIECE) yield all.subarray(at, at + PIECE);
    waiting = at === length ? [] : [Buffer.from(all.subarray(at))];
    length -= at;
  }
  if (length > 0) yield Buffer.concat(waiting, length);
}

/** Lets `most` of those that come through at a time. */
function createGate(most: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let inside = 0;
  return async (work) => {
    if (inside >= most) await new Promise<void>((resolve) => waiting.push(resolve));
    else inside += 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) inside -= 1;
      else next();
    }
  };
}
