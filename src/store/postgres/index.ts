/** PostgreSQL behind the store's interface: opens the parts of this folder in order and closes them in reverse. */
import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { addHistograms } from '../../metrics/histogram.ts';
import { refuseAfterClose } from '../closed-store.ts';
import type { CommitFigures, Signal, Store } from '../store.ts';
import { auditStatements, createAuditQueries } from './audit.ts';
import { createConnectors } from './connectors.ts';
import { createContent } from './content.ts';
import { createData } from './data.ts';
import { openDatabase, poolConfig, sql, statement } from './database.ts';
import { createDevices } from './devices.ts';
import { createEventQueries } from './event-queries.ts';
import { readFigures } from './figures.ts';
import { createHistory } from './history.ts';
import { createHousekeeping } from './housekeeping.ts';
import { createImports } from './imports.ts';
import { createJobs } from './jobs.ts';
import { createKeep, type Keep } from './keep.ts';
import { createLeases } from './leases.ts';
import { type Commit, logStatement } from './ledger.ts';
import { createLists } from './lists.ts';
import { createNodes } from './nodes.ts';
import { createPartitions } from './partitions.ts';
import { createPeople } from './people.ts';
import { createPresence } from './presence.ts';
import { migrate } from './schema.ts';
import { packSignals } from './signal-text.ts';
import { openSignals, type Signals } from './signals.ts';
import { createWebhooks } from './webhooks.ts';

interface Options {
  /** `postgres://user:password@host:port/database` */
  readonly url: string;
  /** Something is to be tried again later; nothing is lost. */
  readonly passing?: (error: Error) => void;
}

/** ms between two rounds of clearing away what commits left for other nodes, and how long that is kept. */
const SWEEP_EVERY = 30_000;
const COMMITS_KEPT = '15 minutes';

export interface PostgresStore extends Store {
  readonly keep: Keep;
}

/** Connects, brings the schema up to date, and resolves when it can be used. */
export async function openPostgresStore({
  url,
  passing = (error) => process.emitWarning(error),
}: Options): Promise<PostgresStore> {
  await prepare(url);
  const node = randomUUID();
  const db = openDatabase(url, node);
  const clock = () => Date.now() * 1000;
  let signals: Signals | null = null;
  const send = (sent: readonly Signal[]) => signals?.send(sent);

  /** Writes a list of statements as one commit. */
  const commit: Commit = async (statements, sent = [], events = [], audit = []) => {
    const told = auditStatements(audit);
    await db.commitAll((id) => [...statements, logStatement(id, node, packSignals(sent), events), ...told]);
    send(sent);
  };

  const connectors = createConnectors(db, commit);
  const presence = createPresence(db, node, passing);
  const partitions = createPartitions(db);
  const nodes = createNodes(db, node, presence);
  const parts = { db, node, nodes, connectors, presence, partitions, send, commit, clock, passing };
  const devices = createDevices(parts);
  const data = createData(parts);
  const lists = createLists(db);
  const history = createHistory(db);
  const events = createEventQueries(db);
  const imports = createImports(parts);
  const { purgeOf, purgeBlobs, purgeFetches, ...content } = createContent(parts);
  const housekeeping = createHousekeeping({ ...parts, content: { purgeOf, purgeBlobs, purgeFetches } });
  const people = createPeople(db, commit, passing);
  const webhooks = createWebhooks(parts);
  const jobs = createJobs(parts);
  const leases = createLeases(db, node);

  /** After a gap that nobody can fill: all connectors may have changed, those that are gone too. */
  async function everything(): Promise<Signal[]> {
    const before = connectors.known();
    const now = (await connectors.list()).map(({ id }) => id);
    const replaced = await presence.replaced();
    return [
      ...[...new Set([...before, ...now])].flatMap((connector): Signal[] => [
        { kind: 'connector', connector },
        { kind: 'events', connector },
      ]),
      // By whatever connection: who hears it looks for itself.
      ...replaced.map(({ ref }): Signal => ({ kind: 'connection', ref, connection: '' })),
    ];
  }
  const before = (signal: Signal) => {
    if (signal.kind === 'connector') connectors.forget(signal.connector);
  };

  try {
    await partitions.makeAhead(clock());
    signals = await openSignals({ db, url, node, everything, before, passing });
    await imports.start();
  } catch (error) {
    await signals?.close();
    await db.close();
    throw error;
  }

  const sweeper = setInterval(() => {
    if (db.unreachable()) return;
    const old = `at < now() - interval '${COMMITS_KEPT}'`;
    db.run(`DELETE FROM commits WHERE ${old} AND (number IS NULL OR number < (SELECT max(number) FROM commits));
      DELETE FROM leases WHERE until < now() - interval '1 hour'`).catch((cause) =>
      passing(new Error('Old commits could not be cleared away; trying again', { cause })),
    );
  }, SWEEP_EVERY);
  sweeper.unref();

  /** For lists: at worst they tell of devices as they last were. */
  const followed = () => presence.flush().catch(() => {});

  const store: PostgresStore = {
    keep: createKeep(db),
    createConnector: connectors.create,
    getConnector: connectors.get,
    listConnectors: connectors.list,
    changeConnector: connectors.change,
    deleteConnector: connectors.delete,

    getDevice: devices.get,
    findByToken: devices.findByToken,
    changeDevice: devices.change,
    async listDevices(id, filter, page, now) {
      const connector = await connectors.keyOf(id);
      await followed();
      return lists.listDevices(connector, filter, page, now);
    },
    async countDevices(id, filter, now) {
      const connector = await connectors.keyOf(id);
      await followed();
      return lists.countDevices(connector, filter, now);
    },
    countByStatus: async (id, now) => lists.countByStatus(await connectors.keyOf(id), now),
    countCertificatesEnding: lists.countCertificatesEnding,
    listTagNames: async (id) => lists.listTagNames(await connectors.keyOf(id)),
    countTagValues: async (id, name, part) => lists.countTagValues(await connectors.keyOf(id), name, part),

    append: data.append,
    record: data.record,
    readValues: data.readValues,
    readState: data.readState,
    readHistory: (ref, query) => history.read(ref.key, query),
    readBuckets: (ref, query, bucket) => history.readBuckets(ref.key, query, bucket),
    touch: (ref, at, ip) => presence.heard(ref.key, at, ip),
    readPending: data.readPending,
    acknowledge: (ref, alias, setAt) => presence.acknowledge(ref.key, alias, setAt),

    log: data.log,
    readConnection: data.readConnection,
    readEvents: async (id, query) => events.readEvents(await connectors.keyOf(id), query),
    lastSeq: events.lastSeq,
    readFigures: async (id, query) => readFigures(db, await connectors.keyOf(id), query),

    openImport: imports.open,
    listBatches: imports.list,
    getBatch: imports.get,
    undoBatch: imports.undo,
    ...webhooks,
    ...jobs,
    claim: leases.claim,
    ...content,
    ...people,
    ...createAuditQueries(db),
    ...housekeeping,

    // Really writes: a full disk, or a server that only reads, is to be found out.
    ping: () =>
      commit([sql`INSERT INTO meta VALUES ('pinged', 1) ON CONFLICT (name) DO UPDATE SET value = meta.value + 1`]),
    onSignal: signals.onSignal,
    figures: () => ({ ...sum(data.figures(), devices.figures()), queuedQuestions: db.waiting() }),
    sizes: async () => ({ database: (await db.read<{ bytes: number }>(databaseSize))[0]!.bytes, wal: null }),
    async close() {
      clearInterval(sweeper);
      await Promise.all([data.close(), devices.close()]);
      await imports.close();
      await leases.release().catch(() => {});
      await presence.close();
      await nodes.leave().catch(() => {});
      await signals.close();
      await db.close();
    },
  };
  return refuseAfterClose(store);
}

/** Over a connection of its own, which waits as long as other gateways take that start at the same time. */
async function prepare(url: string): Promise<void> {
  const client = new Client({ ...poolConfig(url), statement_timeout: undefined, query_timeout: undefined });
  client.on('error', () => {});
  await client.connect();
  try {
    await migrate(client);
    const { rows } = await client.query<{ moving: boolean }>("SELECT to_regclass('moving') IS NOT NULL AS moving");
    if (rows[0]!.moving) throw new Error('A move into this database is not finished: slipway migrate goes on with it');
  } finally {
    await client.end();
  }
}

const databaseSize = statement('database-size', 'SELECT pg_database_size(current_database()) AS bytes');

function sum(a: CommitFigures, b: CommitFigures): CommitFigures {
  return {
    commitSeconds: addHistograms(a.commitSeconds, b.commitSeconds),
    commitWrites: addHistograms(a.commitWrites, b.commitWrites),
    queuedWrites: a.queuedWrites + b.queuedWrites,
    queuedBytes: a.queuedBytes + b.queuedBytes,
  };
}
