/** Certificates of devices by when they end: found, counted, shown, and told to Prometheus. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openFactory } from '../helpers/authority.ts';
import { readScrape } from '../helpers/scrape.ts';
import { at, startApi, type TestApi, type TestConnector } from './harness.ts';

const DAY = 86_400_000_000;

let api: TestApi;
let connector: TestConnector;
const factory = openFactory();
before(async () => {
  api = await startApi();
  connector = await api.connector();
  for (const [identity, days] of [
    ['soon', 5],
    ['later', 40],
    ['long', 300],
  ] as const) {
    const { cert } = factory.selfSigned(identity, { to: new Date(Date.now() + days * 86_400_000) });
    const answer = await api.call('PUT', connector.base + at(identity), { auth: { type: 'certificate', key: cert } });
    assert.equal(answer.status, 201, answer.text);
  }
  await api.call('PUT', connector.base + at('by-token'));
});
after(async () => {
  factory.remove();
  await api.close();
});

const within = (days: number) => `certificate_expires_before=${Date.now() * 1000 + days * DAY}`;

test('a list and a count of those whose certificate ends before a time, alone and with other filters', async () => {
  const listed = async (query: string) => {
    const { body } = await api.call('GET', `${connector.base}/identity/?${query}&sort=identity`);
    return body.devices.map(({ identity }: { identity: string }) => identity);
  };
  const counted = async (query: string) =>
    (await api.call('GET', `${connector.base}/identities/count?${query}`)).body.count;
  for (const [days, identities] of [
    [0, []],
    [7, ['soon']],
    [90, ['later', 'soon']],
    [1000, ['later', 'long', 'soon']],
  ] as const) {
    assert.deepEqual(await listed(within(days)), identities);
    assert.equal(await counted(within(days)), identities.length);
  }
  assert.deepEqual(await listed(`${within(90)}&identity=lat`), ['later']);
  assert.equal(await counted(`${within(90)}&status=whitelisted`), 0);
  const { status, body } = await api.call('GET', `${connector.base}/identities/count?certificate_expires_before=soon`);
  assert.deepEqual([status, body.code], [400, 'SCHEMA']);
});

test('a device with a certificate shows when it ends, in lists too; one without shows nothing', async () => {
  const { body } = await api.call('GET', `${connector.base}/identity/?sort=identity`);
  const days = body.devices.map(({ identity, certificate_expires }: Record<string, number>) => [
    identity,
    certificate_expires === undefined ? null : Math.round((certificate_expires - Date.now() * 1000) / DAY),
  ]);
  assert.deepEqual(days, [
    ['by-token', null],
    ['later', 40],
    ['long', 300],
    ['soon', 5],
  ]);
});

test('/metrics tells how many end within 7, 30 and 90 days, and how many have ended', async () => {
  const { text } = await api.call('GET', '/metrics', undefined, { as: 'nobody' });
  const figures = readScrape(text);
  const counts = ['0', '7', '30', '90'].map((days) =>
    figures.value('slipway_device_certificates_ending', { within_days: days }),
  );
  assert.deepEqual(counts, [0, 1, 1, 2]);
});
