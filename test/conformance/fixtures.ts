/** What the topics of the store suite share: opening stores, making things in them, and comparing. Knows no engine. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { NewAudit } from '../../src/domain/audit.ts';
import { type Connector, type ConnectorSettings, defaultSettings } from '../../src/domain/connector.ts';
import {
  type Credential,
  type Device,
  type NewEvent,
  newDevice,
  type Origin,
  type StoredEvent,
} from '../../src/domain/device.ts';
import { AppError, type ErrorCode } from '../../src/domain/errors.ts';
import type {
  ApiKey,
  DataEntry,
  DeviceRef,
  Found,
  ImportRow,
  ImportStage,
  Session,
  Signal,
  Store,
  User,
} from '../../src/store/store.ts';

/**
 * An empty store of its own. `reopen` closes it and opens it again on the same data; `kill` gives what a process finds that
 * starts after this one was killed at this moment; `remove` closes and erases all of them. `restored`, where there are tools for
 * it: what comes out of a backup of the store as it is now, taken and put back as the documents say; `finish` is called when
 * the tests are through with it.
 */
export interface Opened {
  readonly store: Store;
  readonly reopen: () => Promise<Store>;
  readonly kill: () => Promise<Store>;
  readonly remove: () => Promise<void>;
  readonly restored?: () => Promise<Restored>;
  readonly finish?: () => Promise<void>;
}
export type Open = () => Promise<Opened>;

/** `end` closes and erases it. */
export interface Restored {
  readonly store: Store;
  readonly end: () => Promise<void>;
}

/** µs. All tests live around this moment: no test reads the clock. */
export const NOW = Date.UTC(2026, 8, 21) * 1000;
export const SECOND = 1_000_000;
export const HOUR = 3600 * SECOND;
export const DAY = 24 * HOUR;

export const ORIGIN: Origin = { ip: '192.0.2.7', protocol: 'onep:v1/http', connectionId: 'connection-1' };

export interface Shared {
  readonly store: Store;
  reopen(): Promise<Store>;
  /** The store as it is, once more after reopening, and then what comes out of a backup of it. */
  nowAndReopened(): AsyncGenerator<Store>;
}

/** One store for all tests of a topic, each of which makes its own connector. Call it inside `describe`. */
export function shareStore(open: Open): Shared {
  let opened: Opened | undefined;
  let store: Store | undefined;
  before(async () => {
    opened = await open();
    store = opened.store;
  });
  after(async () => opened?.remove());
  async function reopen() {
    assert(opened, 'the store of this topic is open');
    store = await opened.reopen();
    return store;
  }
  return {
    get store() {
      assert(store, 'the store of this topic is open');
      return store;
    },
    reopen,
    async *nowAndReopened() {
      assert(store, 'the store of this topic is open');
      yield store;
      yield await reopen();
      const restored = await opened?.restored?.();
      if (restored === undefined) return;
      try {
        yield restored.store;
      } finally {
        await restored.end();
      }
    },
  };
}

/** Lends a store that nothing else uses: for what concerns all connectors at once, and for closing. */
export async function alone(open: Open, work: (opened: Opened) => Promise<void>): Promise<void> {
  const opened = await open();
  try {
    await work(opened);
    await opened.finish?.();
  } finally {
    await opened.remove();
  }
}

let made = 0;

export function someConnector(change: Partial<ConnectorSettings> = {}): Connector {
  made += 1;
  const id = `c${String(made).padStart(15, '0')}`;
  return { id, created: NOW, version: 1, settings: { ...defaultSettings(`Product ${made}`), ...change } };
}

/** Makes a connector; answers its id. */
export async function makeConnector(store: Store, change: Partial<ConnectorSettings> = {}): Promise<string> {
  const connector = someConnector(change);
  await store.createConnector(connector);
  return connector.id;
}

/** Makes a device, or replaces it. */
export async function put(
  store: Store,
  connector: string,
  identity: string,
  over: Partial<Device> = {},
  events: readonly NewEvent[] = [],
): Promise<Found> {
  const device = { ...newDevice(identity, NOW), ...over };
  const { found } = await store.changeDevice(connector, identity, () => ({ answer: null, device, events }));
  assert(found, `${identity} is there after it was written`);
  return found;
}

export async function makeRef(store: Store, connector: string, identity = 'device'): Promise<DeviceRef> {
  return (await put(store, connector, identity)).ref;
}

export async function remove(store: Store, connector: string, identity: string): Promise<void> {
  const { found } = await store.changeDevice(connector, identity, () => ({ answer: null, device: null }));
  assert.equal(found, null);
}

/** Changes what is there. */
export async function edit(store: Store, connector: string, identity: string, over: Partial<Device>): Promise<Device> {
  const { found } = await store.changeDevice(connector, identity, (device) => {
    assert(device, `${identity} is there to be changed`);
    return { answer: null, device: { ...device, ...over } };
  });
  assert(found);
  return found.device;
}

export const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');
export const tokenOf = (text: string): Credential => ({ type: 'token', digest: digestOf(text) });
export const certificateOf = (text: string): Extract<Credential, { type: 'certificate' }> => ({
  type: 'certificate',
  fingerprint: digestOf(`certificate ${text}`),
  publicKey: digestOf(`key ${text}`),
  certificate: `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`,
  chain: [],
  notBefore: NOW - DAY,
  notAfter: NOW + 365 * DAY,
});

export function eventOf(type: NewEvent['type'], over: Partial<NewEvent> = {}): NewEvent {
  return { type, identity: 'device', origin: ORIGIN, timestamp: NOW, payload: null, ...over };
}

export function dataIn(ref: DeviceRef, values: Record<string, string>, timestamp = NOW): DataEntry {
  return { ref, type: 'data_in', origin: ORIGIN, timestamp, points: [{ timestamp, values }], undefinedPoints: [] };
}
export function dataOut(ref: DeviceRef, values: Record<string, string>, timestamp = NOW): DataEntry {
  return { ...dataIn(ref, values, timestamp), type: 'data_out' };
}

/** What a device said at `at` and sent only now. */
export function backDated(ref: DeviceRef, values: Record<string, string>, at: number): DataEntry {
  return { ...dataIn(ref, values, at), timestamp: NOW };
}

/** Rows of a file whose header is line 1. */
export function rowsOf(identities: readonly string[], firstLine = 2): ImportRow[] {
  return identities.map((identity, index) => ({ line: firstLine + index, identity, tags: {}, credential: null }));
}

export function batchOf(id: string, over: { name?: string; who?: string; created?: number } = {}) {
  return { id, name: `Lot ${id}`, who: 'operator@example.com', created: NOW, ...over };
}

/** Whitelists the identities as one batch. */
export async function importAll(store: Store, connector: string, batch: string, identities: readonly string[]) {
  const stage = await store.openImport(connector);
  await addAll(stage, rowsOf(identities));
  const info = await stage.apply(batchOf(batch), NOW + DAY, () => {});
  await stage.discard();
  return info;
}

export async function addAll(stage: ImportStage, rows: readonly ImportRow[]): Promise<void> {
  for (let at = 0; at < rows.length; at += 1000) {
    assert.deepEqual(await stage.add(rows.slice(at, at + 1000)), []);
  }
}

/** Makes devices as the product does: batches by import, last seen by being heard of. A batch's devices begin at NOW. */
export async function placeFleet(store: Store, connector: string, fleet: readonly Device[]): Promise<void> {
  for (const batch of new Set(fleet.map((device) => device.batch))) {
    const members = fleet.filter((device) => device.batch === batch).map((device) => device.identity);
    if (batch !== null) await importAll(store, connector, batch, members);
  }
  const place = async (device: Device) => {
    const { ref } = await put(store, connector, device.identity, { ...device, lastSeen: null, lastIp: null });
    if (device.lastSeen !== null) store.touch(ref, device.lastSeen, device.lastIp ?? '192.0.2.99');
  };
  await Promise.all(fleet.map(place));
  // Touches are written along with a later commit: this one.
  await store.log(connector, [eventOf('publish')]);
}

export async function allDevices(store: Store, connector: string, now = NOW): Promise<Device[]> {
  const devices: Device[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.listDevices(connector, {}, { sort: 'identity', limit: 1000, cursor }, now);
    devices.push(...page.devices);
    cursor = page.cursor ?? undefined;
  } while (cursor !== undefined);
  return devices;
}

export async function allEvents(store: Store, connector: string) {
  const all: StoredEvent[] = [];
  // A page has a bound in bytes too, and where it lies depends on the engine.
  for (let after = 0; ; after = all.at(-1)!.seq) {
    const { events, mayLoadMore } = await store.readEvents(connector, { limit: 10_000, order: 'oldest', after });
    all.push(...events);
    if (!mayLoadMore) return all;
  }
}

/** What JSON makes of it: engines may hand out objects without a prototype. */
export const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

export function same(actual: unknown, expected: unknown, message?: string): void {
  const [seen, wanted] = [plain(actual), plain(expected)];
  if (message === undefined) assert.deepEqual(seen, wanted);
  else assert.deepEqual(seen, wanted, message);
}

export async function rejectsWith(promise: Promise<unknown>, code: ErrorCode, what: string = code): Promise<void> {
  const matches = (error: unknown) => {
    assert(error instanceof AppError, `${String(error)} is from the catalogue`);
    assert.equal(error.code, code);
    return true;
  };
  await assert.rejects(promise, matches, what);
}

/** Collects signals until `stop`. */
export function listen(store: Store): { readonly signals: Signal[]; readonly stop: () => void } {
  const signals: Signal[] = [];
  return { signals, stop: store.onSignal((signal) => signals.push(signal)) };
}

/** Repeats a step of house-keeping until nothing is left; answers how many things were handled. */
export async function drain(step: (limit: number) => Promise<number>, limit = 100): Promise<number> {
  let total = 0;
  for (let round = 0; round < 10_000; round += 1) {
    const handled = await step(limit);
    assert(handled >= 0 && handled <= limit, `a step handles at most ${limit}, this one ${handled}`);
    if (handled === 0) return total;
    total += handled;
  }
  assert.fail('house-keeping comes to an end');
}

/** Waits for what the store does by itself. */
export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let round = 0; round < 1000; round += 1) {
    if (await holds()) return;
    await sleep(10);
  }
  assert.fail(`${what} within ten seconds`);
}

/** An admin of all connectors with a password, unless said otherwise. */
export function someUser(id: string, change: Partial<User> = {}): User {
  return {
    id,
    email: `${id}@example.com`,
    role: 'admin',
    connectors: null,
    password: '$argon2id$v=19$hash',
    created: NOW,
    link: null,
    factor: null,
    subject: null,
    ...change,
  };
}

/** A session of the user; its digest is that of the name. */
export function someSession(user: string, name: string, change: Partial<Session> = {}): Session {
  return {
    digest: digestOf(name),
    user,
    created: NOW,
    expires: NOW + DAY,
    ip: '192.0.2.1',
    agent: 'curl/8',
    proven: NOW,
    used: NOW,
    ...change,
  };
}

/** A key of the id; its digest is that of the id. */
export function someKey(id: string, change: Partial<ApiKey> = {}): ApiKey {
  return {
    id,
    name: `Key ${id}`,
    role: 'operator',
    connector: null,
    digest: digestOf(id),
    created: NOW,
    creator: 'admin@example.com',
    expires: null,
    used: null,
    ...change,
  };
}

/** An entry for the audit log. */
export function auditOf(action: string, target = 'users/somebody', change: Partial<NewAudit> = {}): NewAudit {
  const who = 'admin@example.com';
  return { timestamp: NOW, who, from: '192.0.2.1', action, target, before: null, after: { action }, ...change };
}
