/** Certificates that will end: a word on the Overview leads to a list of the devices, each with its days. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { openFactory } from '../helpers/authority.ts';
import { newConnector, type TestConnector } from '../helpers/connector.ts';
import { startServer, type TestServer } from '../helpers/server.ts';
import { launchBrowser } from './chromium.ts';
import { expectAccessible, expectNoSidewaysScrolling, openConsole } from './console.ts';

let server: TestServer;
let browser: Browser;
let connector: TestConnector;
const factory = openFactory();
before(async () => {
  [server, browser] = await Promise.all([startServer(), launchBrowser()]);
  connector = await newConnector(server);
  for (const [identity, days] of [
    ['soon', 5.5],
    ['later', 40.5],
  ] as const) {
    const { cert } = factory.selfSigned(identity, { to: new Date(Date.now() + days * 86_400_000) });
    await connector.whitelist(identity, { auth: { type: 'certificate', key: cert } });
  }
  await connector.whitelist('by-token');
});
after(async () => {
  factory.remove();
  await browser?.close();
  await server?.stop();
});

test('the Overview tells how many end within 30 days, and leads to them', async () => {
  const watched = await openConsole(browser, server, `/connectors/${connector.id}/overview`);
  const { page } = watched;
  await page.getByText('1 device has a certificate that ends within 30 days').waitFor();
  await expectAccessible(page);
  await page.getByRole('link', { name: 'Show devices whose certificate ends' }).click();
  const row = page.getByRole('row').filter({ hasText: 'soon' });
  await row.getByText('Certificate: 5 days left').waitFor();
  assert.equal(await page.getByRole('row').filter({ hasText: 'later' }).count(), 0);
  await page.getByRole('button', { name: 'Certificate ends within 30 days, remove this filter' }).click();
  await page.getByRole('row').filter({ hasText: 'later' }).waitFor();
  watched.expectClean();
  await watched.close();
});

test('the filter of the list chooses by days, and the address keeps it', async () => {
  const watched = await openConsole(browser, server, `/connectors/${connector.id}/devices?ends=90`);
  const { page } = watched;
  await page.getByRole('row').filter({ hasText: 'later' }).waitFor();
  await page.getByRole('row').filter({ hasText: 'by-token' }).waitFor({ state: 'detached' });
  await page
    .getByRole('button', { name: /^Certificate/ })
    .first()
    .click();
  await page.getByRole('menuitemradio', { name: 'has ended' }).click();
  await page.getByRole('row').filter({ hasText: 'later' }).waitFor({ state: 'detached' });
  assert.match(page.url(), /ends=0/);
  await expectAccessible(page);
  await expectNoSidewaysScrolling(page);
  watched.expectClean();
  await watched.close();
});

test('a connector none of whose certificates ends soon says nothing of it', async () => {
  const other = await newConnector(server);
  const watched = await openConsole(browser, server, `/connectors/${other.id}/overview`);
  await watched.page.getByRole('heading', { name: 'Devices now' }).waitFor();
  await watched.page.getByText('Nobody was refused.').waitFor();
  assert.equal(await watched.page.getByText(/certificate that ends/).count(), 0);
  watched.expectClean();
  await watched.close();
});
