/** SQLite behind the store's interface: opens the parts of this folder in order and closes them in reverse. */
import { statSync } from 'node:fs';
import type { DeviceStatus } from '../../domain/device.ts';
import { AppError } from '../../domain/errors.ts';
import { refuseAfterClose } from '../closed-store.ts';
import { connectionSignals, sizeOfEvent } from '../payload.ts';
import type { Signal, Store } from '../store.ts';
import { createAliases } from './aliases.ts';
import { createAuditWriter } from './audit.ts';
import { bucketsOf } from './buckets.ts';
import { createChanges, finishChanges } from './changes.ts';
import { type Phase, phases } from './codes.ts';
import { createCommitter } from './committer.ts';
import { createConnectors } from './connectors.ts';
import { createContent } from './content.ts';
import { createCounts } from './counts.ts';
import { createData, fullDisk } from './data.ts';
import { databaseFile, openWriter } from './database.ts';
import { createDeviceRows } from './device-rows.ts';
import { createStateWriter } from './device-state.ts';
import { createDevices } from './devices.ts';
import { createFigures, readFigures } from './figures.ts';
import { lockFolder } from './folder-lock.ts';
import { createHousekeeping } from './housekeeping.ts';
import { createImports } from './imports.ts';
import { createJobs } from './jobs.ts';
import { createLedger, readUnprojected } from './ledger.ts';
import { createPeople } from './people.ts';
import { endConnections } from './presence.ts';
import { createProjection } from './projection.ts';
import { createReader, type Failures } from './reader.ts';
import { createWebhooks } from './webhooks.ts';

interface Options {
  /** Where the database lives; made if it is not there. */
  readonly folder: string;
  readonly failures?: Failures;
}

/** Opens the database, finishes what a crash interrupted, and resolves when it can be used. */
export async function openSqliteStore({ folder, failures = crash }: Options): Promise<Store> {
  const unlock = lockFolder(folder);
  try {
    return await openLocked(folder, failures, unlock);
  } catch (error) {
    unlock();
    throw error;
  }
}

async function openLocked(folder: string, failures: Failures, unlock: () => void): Promise<Store> {
  const db = openWriter(folder);
  // The file of the log exists once something was written through it.
  db.exec("INSERT OR IGNORE INTO meta VALUES ('opened', 0); UPDATE meta SET value = value + 1 WHERE name = 'opened'");
  const listeners = new Set<(signal: Signal) => void>();
  const send = (sent: Signal) => {
    for (const listener of listeners) listener(sent);
  };
  /** Connectors whose log grew in the commit under way: one signal for however many events. */
  const grown = new Set<string>();
  const signal = (sent: Signal) => {
    if (sent.kind === 'events') grown.add(sent.connector);
    else send(sent);
  };
  const ledger = createLedger(db);
  const states = createStateWriter(db);
  finishChanges(db, states);
  const changes = createChanges(db, states);
  const committer = createCommitter(db, `${databaseFile(folder)}-wal`, [ledger, changes], failures.fatal);
  committer.onCommit(() => {
    for (const connector of grown) send({ kind: 'events', connector });
    grown.clear();
  });
  const aliases = createAliases(db);
  const figures = createFigures(db);
  const projection = createProjection(db, committer, aliases, figures, changes, (error) =>
    failures.passing(new Error('State and history could not follow the log; trying again', { cause: error })),
  );
  const audit = createAuditWriter(db);
  const connectors = createConnectors(db, committer, audit, signal);
  const counts = createCounts(db);
  const rows = createDeviceRows(db, states, changes);
  const reader = createReader(db, folder, committer, failures);
  const parts = {
    db,
    folder,
    committer,
    audit,
    aliases,
    changes,
    ledger,
    figures,
    projection,
    connectors,
    counts,
    rows,
    reader,
    signal,
  };
  const devices = createDevices(parts);
  const data = createData(parts);
  const imports = createImports(parts);
  const { purgeOf, purgeFetches, release, ...content } = createContent(parts);
  const housekeeping = createHousekeeping({ ...parts, content: { purgeOf, purgeFetches, release } });
  const people = createPeople(db, committer, audit, signal);
  const webhooks = createWebhooks(parts);
  const jobs = createJobs({ ...parts, devices });
  const pinged = db.prepare(
    "INSERT OR REPLACE INTO meta SELECT 'pinged', coalesce(max(value), 0) + 1 FROM meta WHERE name = 'pinged'",
  );

  for (let rest = readUnprojected(db); rest.length > 0; rest = readUnprojected(db)) {
    projection.add(rest);
    projection.flushNow();
  }
  endConnections(db);
  await imports.resume(Date.now() * 1000).catch((error) => {
    failures.passing(
      new Error('An interrupted import could not be finished; its batch stays as it is', { cause: error }),
    );
  });

  /** For questions whose answer would lack what the tables lack. STORAGE_UNAVAILABLE while they cannot follow. */
  const followed = () =>
    projection.flush().catch((cause) => {
      throw new AppError('STORAGE_UNAVAILABLE', { seen: 'tables that cannot follow the log', retryAfter: 5, cause });
    });
  /** For lists: at worst they tell of devices as they last were. The projection has said so itself. */
  const followedIfPossible = () => projection.flush().catch(() => {});

  /** The kept counts, and what time has done to them since the sweeper last came by. */
  async function countByStatus(connector: number, now: number): Promise<Record<DeviceStatus, number>> {
    // Of devices that changed, the tables may tell a time that no longer counts.
    await followedIfPossible();
    const due = await reader.ask('countDue', connector, now);
    const dueOf = (of: Phase) => due.find(({ phase }) => phase === of)?.n ?? 0;
    const counted = Object.entries(phases).map(([status, phase]) => [
      status,
      counts.get(connector, phase) - dueOf(phase),
    ]);
    const byStatus = Object.fromEntries(counted) as Record<DeviceStatus, number>;
    return { ...byStatus, expired: due.reduce((sum, { n }) => sum + n, byStatus.expired) };
  }

  const store: Store = {
    createConnector: connectors.create,
    getConnector: async (id) => connectors.find(id)?.connector ?? null,
    listConnectors: connectors.list,
    changeConnector: connectors.change,
    deleteConnector: connectors.delete,

    getDevice: devices.get,
    findByToken: devices.findByToken,
    changeDevice: devices.change,
    async listDevices(id, filter, page, now) {
      await followedIfPossible();
      return reader.ask('listDevices', connectors.keyOf(id), filter, page, now);
    },
    async countDevices(id, filter, now) {
      const connector = connectors.keyOf(id);
      const { status, ...others } = filter;
      const onlyStatus = Object.values(others).every((condition) => condition === undefined);
      if (onlyStatus && status === undefined) return counts.total(connector);
      if (onlyStatus) return (await countByStatus(connector, now))[status!];
      await followedIfPossible();
      return reader.ask('countDevices', connector, filter, now, counts.total(connector));
    },
    countByStatus: async (id, now) => countByStatus(connectors.keyOf(id), now),
    async countCertificatesEnding(before) {
      await followedIfPossible();
      return reader.ask('countCertificatesEnding', before);
    },
    listTagNames: async (id) => reader.ask('listTagNames', connectors.keyOf(id)),
    countTagValues: async (id, name, part) => reader.ask('countTagValues', connectors.keyOf(id), name, part),

    append: data.append,
    record: data.record,
    readValues: data.readValues,
    readState: data.readState,
    async readHistory(ref, query) {
      await followed();
      const alias = aliases.find(connectors.keyOf(ref.connector), query.alias);
      if (alias === undefined) return { points: [], mayLoadMore: false };
      return reader.ask('readHistory', ref.key, alias, query);
    },
    async readBuckets(ref, query, bucket) {
      await followed();
      const alias = aliases.find(connectors.keyOf(ref.connector), query.alias);
      if (alias === undefined) return { points: [], mayLoadMore: false };
      const { figures, mayLoadMore } = await reader.ask('readBuckets', ref.key, alias, query, bucket);
      return { points: bucketsOf(figures), mayLoadMore };
    },
    touch: data.touch,
    readPending: data.readPending,
    acknowledge: data.acknowledge,

    async log(id, events, device) {
      const connector = connectors.keyOf(id);
      if (device !== undefined && projection.full()) throw new AppError('STORAGE_UNAVAILABLE', fullDisk);
      const write = () => events.map((event) => ledger.writeEvent(connector, device?.key ?? null, event));
      await committer.submit(write, {
        bytes: events.reduce((sum, event) => sum + sizeOfEvent(event), 0),
        committed: projection.add,
        durable() {
          for (const begun of device === undefined ? [] : connectionSignals(device, events)) signal(begun);
          signal({ kind: 'events', connector: id });
        },
      });
    },
    readConnection: async (ref) => projection.connection(ref.key),
    async readEvents(id, query) {
      // These are found by an index that follows the log.
      if (query.identity !== undefined || query.types !== undefined) await followed();
      return reader.ask('readEvents', connectors.keyOf(id), query);
    },
    lastSeq: async () => ledger.lastSeq(),
    async readFigures(id, query) {
      await followedIfPossible();
      return readFigures(reader, connectors.keyOf(id), query);
    },

    openImport: imports.open,
    listBatches: imports.list,
    getBatch: imports.get,
    undoBatch: imports.undo,
    ...webhooks,
    ...jobs,
    // Whoever has the folder is alone.
    claim: async () => true,
    ...content,
    ...people,
    readAudit: (query) => reader.ask('readAudit', query),
    readChain: (after, limit) => reader.ask('readChain', after, limit),
    ...housekeeping,

    // Really writes: a full disk, too, is to be found out.
    ping: () => committer.submit(() => void pinged.run()),
    onSignal(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    figures: () => ({ ...committer.figures(), queuedQuestions: reader.waiting() }),
    sizes: async () => ({ database: sizeOf(databaseFile(folder)), wal: sizeOf(`${databaseFile(folder)}-wal`) }),
    async close() {
      imports.close();
      await committer.close();
      await reader.close();
      try {
        projection.flushNow();
      } catch (cause) {
        failures.passing(new Error('State and history follow the log at the next start', { cause }));
      }
      db.close();
      unlock();
    },
  };
  return refuseAfterClose(store);
}

const sizeOf = (file: string) => statSync(file, { throwIfNoEntry: false })?.size ?? 0;

/** Where the caller has no better idea, a fatal failure ends the process: see committer.ts. */
const crash: Failures = {
  fatal: (error) => {
    throw error;
  },
  passing: (error) => process.emitWarning(error),
};
