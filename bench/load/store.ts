/**
 * Fills a data folder through the store's own interface, as a process of its own: millions of values would take too long through a
 * door. What is stored is the same, the log included; how many values come in one write is said by who asks.
 */
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { checkout } from '../checkout.ts';
import { answerQuestions } from '../helper.ts';
import { filledIdentity, INTERVAL, valueText } from '../series.ts';

type Domain = typeof import('../../src/domain/connector.ts') & typeof import('../../src/domain/device.ts');
type Engine = typeof import('../../src/store/sqlite/index.ts');
type Store = Awaited<ReturnType<Engine['openSqliteStore']>>;
type Ref = Parameters<Store['append']>[0]['ref'];

export type StoreQuestion =
  /** Opens the folder; a new one gets a connector, with a resource `temperature`, that keeps all for so many days (0: for ever). */
  | { readonly kind: 'open'; readonly folder: string; readonly days: number }
  /**
   * Stores the values `first` to `first + values - 1` of the devices `from` to `from + devices - 1`, all devices in turn, `together`
   * values in a write. `apart`: no write shares a row with the next one of its device, as when those come 30 s later.
   */
  | {
      readonly kind: 'fill';
      readonly from: number;
      readonly devices: number;
      readonly first: number;
      readonly values: number;
      readonly together: number;
      readonly apart: boolean;
      /** Of the value 0, µs since the epoch. */
      readonly start: number;
    }
  /** Whitelists devices whose window closed at `expired`, µs. */
  | { readonly kind: 'whitelist'; readonly devices: number; readonly expired: number }
  /** Removes what is too old at `now` (µs), step by step without a rest, until nothing is left or the time is over. */
  | { readonly kind: 'purge'; readonly now: number; readonly seconds: number }
  /** Bytes of the database that are in use. Closes the store. */
  | { readonly kind: 'close' };

export interface FillAnswer {
  readonly seconds: number;
  /** CPU time of the process, ms. */
  readonly cpu: number;
}

export interface PurgeAnswer extends FillAnswer {
  readonly steps: number;
  readonly done: boolean;
  /** How long the longest step held the loop, and how long it took with its commit, ms. */
  readonly longest: number;
}

export interface Size {
  /** Pages that hold something, and the file with those that are free. */
  readonly used: number;
  readonly file: number;
}

/** Writes under way at once. */
const AT_ONCE = 400;
/** What a step of house-keeping handles at most, as the server asks for it. */
const STEP = 200;

const load = <Module>(path: string): Promise<Module> => import(join(checkout, path));
let folder = '';
let store: Store | null = null;
let connector = '';
const refs = new Map<number, Ref>();

answerQuestions<StoreQuestion>((question) => {
  switch (question.kind) {
    case 'open':
      return open(question.folder, question.days);
    case 'fill':
      return measured(() => fill(question));
    case 'whitelist':
      return measured(() => whitelist(question.devices, question.expired));
    case 'purge':
      return purge(question.now, question.seconds);
    case 'close':
      return close();
  }
});

async function open(where: string, days: number): Promise<void> {
  const { openSqliteStore } = await load<Engine>('src/store/sqlite/index.ts');
  const { defaultSettings } = await load<Domain>('src/domain/connector.ts');
  folder = where;
  store = await openSqliteStore({ folder });
  const [known] = await store.listConnectors();
  connector = known?.id ?? 'benchbenchbench0';
  if (known !== undefined) return;
  const settings = defaultSettings('Bench');
  settings.resources.temperature = {
    format: 'number',
    unit: '°C',
    settable: false,
    allowed: [],
    initial: null,
    sync: false,
  };
  settings.retention = { events_days: days, expired_days: days, history_days: days };
  settings.provisioning.presenter_identity = true;
  await store.createConnector({ id: connector, created: Date.now() * 1000, version: 1, settings });
}

async function deviceOf(n: number): Promise<Ref> {
  const known = refs.get(n);
  if (known !== undefined) return known;
  const { newDevice } = await load<Domain>('src/domain/device.ts');
  const identity = filledIdentity(n);
  const { found } = await store!.changeDevice(connector, identity, (device) =>
    device === null ? { answer: null, device: newDevice(identity, Date.now() * 1000) } : { answer: null },
  );
  refs.set(n, found!.ref);
  return found!.ref;
}

async function fill({ from, devices, first, values, together, apart, start }: StoreQuestion & { kind: 'fill' }) {
  const all = await inTurn(devices, (n) => deviceOf(from + n));
  const origin = { ip: '127.0.0.1', protocol: 'onep:v1/http', connectionId: 'bench' } as const;
  const write = (device: number, n: number, count: number) => {
    const points = Array.from({ length: count }, (_, at) => ({
      timestamp: start + (n + at) * INTERVAL,
      values: { temperature: valueText(from + device, n + at) },
    }));
    const { timestamp } = points.at(-1)!;
    return store!.append({ ref: all[device]!, type: 'data_in', origin, timestamp, points, undefinedPoints: [] });
  };
  for (let n = first; n < first + values; n += together) {
    const count = Math.min(together, first + values - n);
    await inTurn(devices, (device) => write(device, n, count));
    // A question about history has what waits written first.
    if (apart) await store!.readHistory(all[0]!, { alias: 'temperature', from: 0, to: 0, limit: 1 });
  }
}

async function whitelist(devices: number, expired: number): Promise<void> {
  const { newDevice } = await load<Domain>('src/domain/device.ts');
  await inTurn(devices, (n) => {
    const identity = `expiring-${n}`;
    const device = { ...newDevice(identity, expired - 1), expiresAt: expired };
    return store!.changeDevice(connector, identity, () => ({ answer: null, device }));
  });
}

/** Some at once: they share commits. */
async function inTurn<T>(count: number, work: (n: number) => Promise<T>): Promise<T[]> {
  const done: T[] = [];
  for (let n = 0; n < count; n += AT_ONCE) {
    const length = Math.min(AT_ONCE, count - n);
    done.push(...(await Promise.all(Array.from({ length }, (_, at) => work(n + at)))));
  }
  return done;
}

async function measured(work: () => Promise<void>): Promise<FillAnswer> {
  const start = performance.now();
  const cpu = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(cpu);
  return { seconds: (performance.now() - start) / 1000, cpu: (user + system) / 1000 };
}

async function purge(now: number, seconds: number): Promise<PurgeAnswer> {
  let [steps, done, longest] = [0, false, 0];
  const until = performance.now() + seconds * 1000;
  const used = await measured(async () => {
    while (!done && performance.now() < until) {
      const start = performance.now();
      done = (await store!.purge(now, STEP)) === 0;
      longest = Math.max(longest, performance.now() - start);
      steps += 1;
    }
  });
  return { ...used, steps, done, longest };
}

async function close(): Promise<Size> {
  await store!.close();
  store = null;
  refs.clear();
  const file = join(folder, 'slipway.db');
  const db = new DatabaseSync(file);
  const pragma = (name: string) => Object.values(db.prepare(`PRAGMA ${name}`).get()!)[0] as number;
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  const used = (pragma('page_count') - pragma('freelist_count')) * pragma('page_size');
  db.close();
  rmSync(`${file}-wal`, { force: true });
  return { used, file: statSync(file).size };
}
