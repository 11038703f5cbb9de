/**
 * What a backup is held to: every question that the suite asked of a store is asked once more, of the store as its tests left it
 * and of what came out of a backup of it, and both answer alike. Knows no engine, and not what a test is about.
 */
import assert from 'node:assert/strict';
import { AppError } from '../../src/domain/errors.ts';
import type { ContentReader, Store } from '../../src/store/store.ts';
import type { Open, Opened } from './fixtures.ts';

/** Which methods only read what is stored: the type checker has each one of the interface here. */
const reads: Readonly<Record<keyof Store, boolean>> = {
  createConnector: false,
  getConnector: true,
  listConnectors: true,
  changeConnector: false,
  deleteConnector: false,
  getDevice: true,
  findByToken: true,
  changeDevice: false,
  listDevices: true,
  countDevices: true,
  countByStatus: true,
  countCertificatesEnding: true,
  listTagNames: true,
  countTagValues: true,
  append: false,
  record: false,
  readValues: true,
  readState: true,
  readHistory: true,
  readBuckets: true,
  touch: false,
  readPending: true,
  acknowledge: false,
  log: false,
  readConnection: true,
  readEvents: true,
  lastSeq: true,
  readFigures: true,
  openImport: false,
  listBatches: true,
  getBatch: true,
  undoBatch: false,
  createWebhook: false,
  listWebhooks: true,
  getWebhook: true,
  changeWebhook: false,
  deleteWebhook: false,
  noteDelivery: false,
  listDeliveries: true,
  createJob: false,
  listJobs: true,
  getJob: true,
  listUnfinishedJobs: true,
  changeJob: false,
  stepJob: false,
  claim: false,
  stageContent: false,
  changeContent: false,
  getContent: true,
  listContent: true,
  listOffered: true,
  openContent: true,
  noteFetch: false,
  listFetches: true,
  listRollouts: true,
  readRolloutFigures: true,
  getUser: true,
  getUserById: true,
  getUserByLink: true,
  getUserBySubject: true,
  listUsers: true,
  countUsers: true,
  putUser: false,
  changeUser: false,
  putSession: false,
  getSession: true,
  listSessions: true,
  proveSession: false,
  deleteSession: false,
  putKey: false,
  getKey: true,
  listKeys: true,
  deleteKey: false,
  noteUse: false,
  audit: false,
  readAudit: true,
  readChain: true,
  sampleOnline: false,
  expireDue: false,
  purge: false,
  ping: false,
  onSignal: false,
  // Of the process and of the disk, not of what is stored.
  figures: false,
  sizes: false,
  close: false,
};
/** Every question there is. */
export const questionNames = Object.keys(reads).filter((name) => reads[name as keyof Store]);

/** By their text, each once. */
type Questions = Map<string, { readonly name: string; readonly args: readonly unknown[] }>;

export interface AskedAgain {
  /** Opens a store that notes what it is asked. */
  readonly open: Open;
  /** Asks all that was asked of the stores that are still open, and of what came out of their backups. */
  askAgain(): Promise<void>;
}

/**
 * `asked`: the names of the methods that were asked again. `sparing`: no test looks at a restored store itself, and of stores for
 * one test only those are asked again whose questions are not among them yet; what many tests share is in any case.
 */
export function noteQuestions(open: Open, asked: Set<string>, sparing: boolean): AskedAgain {
  const standing = new Set<() => Promise<void>>();
  return {
    async open() {
      const opened = await open();
      const questions: Questions = new Map();
      const again = async () => {
        standing.delete(again);
        await compare(opened, questions);
        for (const { name } of questions.values()) asked.add(name);
      };
      const isWorth = () => !sparing || questions.values().some(({ name }) => !asked.has(name));
      standing.add(again);
      return {
        ...opened,
        restored: sparing ? undefined : opened.restored,
        store: listening(opened.store, questions),
        reopen: async () => listening(await opened.reopen(), questions),
        finish: async () => {
          if (isWorth()) await again();
        },
        remove: () => {
          standing.delete(again);
          return opened.remove();
        },
      };
    },
    async askAgain() {
      for (const again of standing) await again();
    },
  };
}

function listening(store: Store, questions: Questions): Store {
  const methods = Object.entries(store).map(([name, method]) => {
    if (!reads[name as keyof Store]) return [name, method];
    const ask = (...args: unknown[]) => {
      questions.set(textOf(name, args), { name, args });
      return method(...args);
    };
    return [name, ask];
  });
  return Object.fromEntries(methods);
}

const textOf = (name: string, args: readonly unknown[]) =>
  `${name}(${args.map((arg) => JSON.stringify(arg instanceof Set ? [...arg] : arg)).join(', ')})`;

async function compare(opened: Opened, questions: Questions): Promise<void> {
  assert(opened.restored, 'the engine has backups');
  // What has no promise of durability is written when a store closes: whoever is asked knows it.
  const live = await opened.reopen();
  const { store, end } = await opened.restored();
  try {
    for (const [text, { name, args }] of questions) {
      assert.deepEqual(await answerOf(store, name, args), await answerOf(live, name, args), text);
    }
  } finally {
    await end();
  }
}

/** As plain data: the bytes of a file, the code of a refusal. */
async function answerOf(store: Store, name: string, args: readonly unknown[]): Promise<unknown> {
  const ask = store[name as keyof Store] as (...args: readonly unknown[]) => Promise<unknown>;
  try {
    const answer = await ask(...args);
    const told = name === 'openContent' && answer !== null ? await bytesOf(answer as ContentReader) : answer;
    return told === undefined ? undefined : JSON.parse(JSON.stringify(told));
  } catch (error) {
    if (error instanceof AppError) return { refused: error.code };
    throw error;
  }
}

async function bytesOf(reader: ContentReader) {
  const pieces: Uint8Array[] = [];
  try {
    const { content } = reader;
    for (let at = 0; at < content.bytes; at += pieces.at(-1)!.length) pieces.push(await reader.read(at, 1 << 20));
    return { content, bytes: Buffer.concat(pieces).toString('base64') };
  } finally {
    await reader.close();
  }
}
