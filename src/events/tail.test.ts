/** Following the log over a real store: order, no gaps, filters, and the ways in which it ends. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { defaultSettings, type EventType } from '../domain/connector.ts';
import { openSqliteStore } from '../store/sqlite/index.ts';
import type { Store } from '../store/store.ts';
import { tailEvents } from './tail.ts';

let folder: string;
let store: Store;
let made = 0;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-tail-'));
  store = await openSqliteStore({ folder });
});
after(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

async function newConnector(): Promise<string> {
  const id = `tail${++made}`;
  await store.createConnector({ id, created: 1, version: 1, settings: defaultSettings(id) });
  return id;
}

const log = (connector: string, identities: readonly string[], type: EventType = 'refused') =>
  store.log(
    connector,
    identities.map((identity) => ({ type, identity, origin: null, timestamp: 1, payload: null })),
  );

/** Reads until `count` events came. */
async function take(
  connector: string,
  count: number,
  query: { types?: EventType[]; identity?: string; after: number },
) {
  const end = new AbortController();
  const seen: string[] = [];
  const pages: number[] = [];
  for await (const page of tailEvents(store, connector, query, end.signal)) {
    seen.push(...page.map(({ identity }) => identity!));
    pages.push(page.length);
    if (seen.length >= count) break;
  }
  return { seen, pages };
}

const names = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `e${from + i}`);

test('what is there comes first, in pages, then what happens, in order', async () => {
  const connector = await newConnector();
  await log(connector, names(0, 450));
  const reading = take(connector, 500, { after: 0 });
  for (let i = 450; i < 500; i++) await log(connector, [`e${i}`]);
  const { seen, pages } = await reading;
  assert.deepEqual(seen, names(0, 500));
  assert.ok(pages.every((length) => length <= 200));
});

test('nothing is lost of what is written while a page is being handled', async () => {
  const connector = await newConnector();
  const end = new AbortController();
  const seen: string[] = [];
  await log(connector, ['e0']);
  for await (const page of tailEvents(store, connector, { after: 0 }, end.signal)) {
    seen.push(...page.map(({ identity }) => identity!));
    if (seen.length < 20) await log(connector, [`e${seen.length}`]);
    else break;
  }
  assert.deepEqual(seen, names(0, 20));
});

test('only what fits the query comes, however much else is logged', async () => {
  const connector = await newConnector();
  const reading = take(connector, 2, { types: ['locked'], identity: 'x', after: 0 });
  await log(connector, ['x'], 'locked');
  await log(connector, names(0, 500));
  await log(connector, ['y'], 'locked');
  await log(connector, ['x'], 'locked');
  assert.deepEqual((await reading).seen, ['x', 'x']);
});

test('it ends when it is told to, also while it waits', async () => {
  const connector = await newConnector();
  const end = new AbortController();
  const reading = (async () => {
    for await (const _ of tailEvents(store, connector, { after: await store.lastSeq() }, end.signal));
  })();
  await log(await newConnector(), ['elsewhere']);
  end.abort();
  await reading;
  for await (const _ of tailEvents(store, connector, { after: 0 }, end.signal)) assert.fail('it was aborted before');
});

test('it fails when the connector goes', async () => {
  const connector = await newConnector();
  const reading = take(connector, 1, { after: await store.lastSeq() });
  const failed = assert.rejects(reading, { code: 'CONNECTOR_UNKNOWN' });
  await store.deleteConnector(connector);
  await failed;
});
