/** Changes of devices are held before they reach their rows: nobody may notice, whatever follows what, and whenever it is killed. */
import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import fc from 'fast-check';
import { defaultSettings } from '../../domain/connector.ts';
import {
  type Credential,
  type Device,
  type DeviceStatus,
  newDevice,
  statusOf,
  type Tags,
} from '../../domain/device.ts';
import { AppError } from '../../domain/errors.ts';
import type { Store } from '../store.ts';
import { createChanges } from './changes.ts';
import { createStateWriter, toState } from './device-state.ts';
import { openSqliteStore } from './index.ts';
import { migrate } from './schema.ts';

const NOW = 1_790_000_000_000_000;
const LATER = NOW + 3_600_000_000;
const identities = ['a', 'b', 'c', 'd'];
const digests = ['1', '2', '3'].map((digit) => digit.repeat(64));

type Change = Partial<Pick<Device, 'credential' | 'previous' | 'locked' | 'expiresAt' | 'tags'>>;
interface Edit {
  readonly identity: string;
  /** Null removes the device. */
  readonly change: Change | null;
}
type Step =
  /** In one commit; `expire`: house-keeping too, behind them. */
  { readonly together: readonly Edit[]; readonly expire: boolean } | 'list' | 'begin' | 'expire' | 'purge' | 'kill';

const credentials: fc.Arbitrary<Credential> = fc.oneof(
  fc.constantFrom(...digests).map((digest) => ({ type: 'token' as const, digest })),
  fc.constantFrom(...digests).map((fingerprint) => ({
    ...{ type: 'certificate' as const, fingerprint, publicKey: fingerprint, certificate: 'PEM', chain: [] },
    ...{ notBefore: NOW, notAfter: LATER },
  })),
);
const changes: fc.Arbitrary<Change> = fc.record(
  {
    credential: fc.option(credentials),
    previous: fc.option(credentials.map((credential) => ({ credential, until: LATER }))),
    locked: fc.boolean(),
    expiresAt: fc.constantFrom(null, 0, NOW - 1, NOW, LATER),
    tags: fc.constantFrom<Tags[]>({}, { site: ['north'] }, { site: ['south'], lot: ['7'] }),
  },
  { requiredKeys: [] },
);
const edits: fc.Arbitrary<Edit> = fc.record({
  identity: fc.constantFrom(...identities),
  change: fc.oneof({ weight: 8, arbitrary: changes }, fc.constant(null)),
});
const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ together: fc.array(edits, { minLength: 1, maxLength: 6 }), expire: fc.boolean() }),
  },
  fc.constantFrom<Step>('list', 'begin', 'expire', 'purge', 'kill'),
);

/** What should be there. */
interface Model {
  readonly devices: Map<string, Device>;
  /** Those whose expiry is in the log already. */
  readonly told: Set<string>;
}

const namesOf = ({ credential, previous }: Device): string[] =>
  [credential, previous?.credential ?? null].map((one) => JSON.stringify(one)).filter((name) => name !== 'null');

/** The device after a change. Nothing in the product gives it one credential twice, nor an old one alone. */
function changed(before: Device | null, identity: string, change: Change): Device {
  const device = { ...(before ?? newDevice(identity, NOW)), ...change };
  const [current, previous] = namesOf(device);
  return previous === undefined || previous === current ? { ...device, previous: null } : device;
}

/** Follows an edit; false if it has to be refused. */
function follow({ devices, told }: Model, { identity, change }: Edit): boolean {
  const before = devices.get(identity) ?? null;
  if (change === null) {
    devices.delete(identity);
    told.delete(identity);
    return true;
  }
  const device = changed(before, identity, change);
  const taken = [...devices.values()].filter((other) => other.identity !== identity).flatMap(namesOf);
  if (namesOf(device).some((name) => taken.includes(name))) return false;
  devices.set(identity, device);
  if (device.expiresAt === 0) told.add(identity);
  else if (device.expiresAt !== before?.expiresAt) told.delete(identity);
  return true;
}

function edit(store: Store, { identity, change }: Edit): Promise<boolean> {
  return store
    .changeDevice('c', identity, (device) => ({
      answer: null,
      device: change && changed(device, identity, change),
    }))
    .then(
      () => true,
      (error) => {
        assert(error instanceof AppError && error.code === 'CREDENTIAL_TAKEN', String(error));
        return false;
      },
    );
}

async function agrees(store: Store, { devices }: Model): Promise<void> {
  for (const identity of identities) {
    const found = await store.getDevice('c', identity);
    assert.deepEqual(found?.device, devices.get(identity), identity);
  }
  for (const digest of digests) {
    const name = JSON.stringify({ type: 'token', digest } satisfies Credential);
    const holder = [...devices.values()].find((device) => namesOf(device).includes(name));
    assert.equal((await store.findByToken(digest))?.ref.identity, holder?.identity, `the holder of token ${digest[0]}`);
  }
}

async function listAgrees(store: Store, { devices }: Model): Promise<void> {
  const page = await store.listDevices('c', {}, { sort: 'identity', limit: 10 }, NOW);
  const wanted = [...devices.values()].sort((a, b) => (a.identity < b.identity ? -1 : 1));
  assert.deepEqual(page.devices, wanted);
  const counts: Record<DeviceStatus, number> = {
    whitelisted: 0,
    provisioned: 0,
    expired: 0,
    locked: 0,
    reprovision: 0,
  };
  for (const device of wanted) counts[statusOf(device, NOW)] += 1;
  assert.deepEqual(await store.countByStatus('c', NOW), counts);
}

/** Each expiry is told once. */
async function expireAgrees(store: Store, model: Model): Promise<void> {
  expired(model, await expireAll(store));
}

/** A step may end early: it goes by the clock. */
async function expireAll(store: Store): Promise<number> {
  let handled = 0;
  for (let step = -1; step !== 0; handled += step) step = await store.expireDue(NOW, 10);
  return handled;
}

function expired({ devices, told }: Model, handled: number): void {
  const due = [...devices.values()].filter(
    ({ identity, expiresAt }) => expiresAt !== null && expiresAt <= NOW && !told.has(identity),
  );
  assert.equal(handled, due.length);
  for (const { identity } of due) told.add(identity);
}

const copyOf = (model: Model): Model => ({ devices: new Map(model.devices), told: new Set(model.told) });

/** The files as they are at this moment. */
async function killed(folder: string, work: (store: Store) => Promise<void>): Promise<void> {
  const copy = await mkdtemp(join(tmpdir(), 'slipway-changes-'));
  for (const file of ['slipway.db', 'slipway.db-wal']) copyFileSync(join(folder, file), join(copy, file));
  const store = await openSqliteStore({ folder: copy });
  try {
    await work(store);
  } finally {
    await store.close();
    await rm(copy, { recursive: true });
  }
}

async function run(folder: string, store: Store, all: readonly Step[]): Promise<void> {
  const model: Model = { devices: new Map(), told: new Set() };
  const lists: Promise<unknown>[] = [];
  await store.createConnector({ id: 'c', created: NOW, version: 1, settings: defaultSettings('c') });
  for (const step of all) {
    if (step === 'list') await listAgrees(store, model);
    // A list has the rows follow: what comes next comes while they do.
    else if (step === 'begin') lists.push(store.listDevices('c', {}, { sort: 'identity', limit: 10 }, NOW));
    else if (step === 'expire') await expireAgrees(store, model);
    else if (step === 'purge') while ((await store.purge(NOW, 100)) > 0);
    else if (step === 'kill') {
      await killed(folder, async (found) => {
        const there = copyOf(model);
        await agrees(found, there);
        await expireAgrees(found, there);
        await listAgrees(found, there);
      });
    } else {
      const accepted = step.together.map((one) => follow(model, one));
      const done = step.together.map((one) => edit(store, one));
      const handled = step.expire ? store.expireDue(NOW, 10) : 0;
      assert.deepEqual(await Promise.all(done), accepted);
      // It may have looked before there was anything.
      if ((await handled) > 0) expired(model, (await handled) + (await expireAll(store)));
    }
    await agrees(store, model);
  }
  await Promise.all(lists);
}

test('a device is what the last change made of it, for every reader, and after every kill', async () => {
  const property = fc.asyncProperty(fc.array(steps, { minLength: 4, maxLength: 25 }), async (all) => {
    const folder = await mkdtemp(join(tmpdir(), 'slipway-changes-'));
    const store = await openSqliteStore({ folder });
    try {
      await run(folder, store, all);
    } finally {
      await store.close();
      await rm(folder, { recursive: true });
    }
  });
  await fc.assert(property, { numRuns: 20 });
});

test('what is settled in a transaction does not undo what was written before in the same one', () => {
  const db = new DatabaseSync(':memory:');
  migrate(db);
  db.exec(`INSERT INTO devices (connector, identity, created, expiry_logged, locked, reprovision, tags, activity, phase)
    VALUES (1, 'd', 1, 0, 0, 0, '{}', 1, 0)`);
  const rows = createStateWriter(db);
  const changes = createChanges(db, rows);
  const lockedRow = () => db.prepare('SELECT locked FROM devices').get()!.locked;
  const state = (locked: boolean) => toState({ ...newDevice('d', NOW), locked }, false);
  changes.put(1, 1, state(true));
  changes.flush();
  changes.committed();
  assert.deepEqual([lockedRow(), changes.stateOf(1)?.locked], [0, 1]);

  db.exec('BEGIN');
  rows.write(1, 1, state(false), undefined);
  changes.supersede(1);
  changes.settle();
  assert.equal(lockedRow(), 0);
  db.exec('ROLLBACK');
  changes.discard();
  assert.equal(changes.stateOf(1)?.locked, 1, 'a rollback gives back what waited');

  changes.settle();
  changes.flush();
  changes.committed();
  assert.deepEqual([lockedRow(), changes.stateOf(1), changes.waits()], [1, undefined, false]);
});
