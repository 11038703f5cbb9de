/** The Solutions' figures and the Overview: what the server counted is what stands there, as plot and as table. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { eventually, newConnector, type TestConnector } from '../helpers/connector.ts';
import { startServer, type TestServer } from '../helpers/server.ts';
import { launchBrowser } from './chromium.ts';
import { expectAccessible, expectNoSidewaysScrolling, openConsole } from './console.ts';

let server: TestServer;
let browser: Browser;
let connector: TestConnector;
before(async () => {
  [server, browser] = await Promise.all([startServer(), launchBrowser()]);
  connector = await newConnector(server);
  const token = await connector.provision('00000001');
  for (let n = 0; n < 3; n += 1) assert.equal(await connector.write(`a=${n}`, { token }), 204);
  await connector.whitelist('00000002');
  const stranger = await connector.send('/provision/activate', { method: 'POST', body: 'id=00000009' });
  assert.equal(stranger.status, 404);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const path = () => `/connectors/${connector.id}/overview`;

test('the Solutions tell devices, online and last activity of each connector', async () => {
  const watched = await openConsole(browser, server);
  const { body } = await server.api('GET', `/api:1/connectors/${connector.id}`);
  const row = watched.page.getByRole('row').filter({ hasText: body.name });
  await row.getByRole('cell', { name: '2', exact: true }).waitFor();
  await row.getByRole('cell', { name: '1', exact: true }).waitFor();
  await row.getByText(/ago|just now/).waitFor();
  watched.expectClean();
  await watched.close();
});

test('the Overview shows who there is now, and the counts over time as a plot and as a table', async () => {
  const watched = await openConsole(browser, server, path());
  const { page } = watched;
  await page.getByText('3 in the last 24 hours').waitFor();
  const writes = page.getByRole('region', { name: 'Writes per second' });
  await writes
    .getByRole('img', { name: /Writes per second, last 24 hours: 3 in all/ })
    .locator('canvas')
    .waitFor();
  await page.getByRole('region', { name: 'Online' }).getByText('at most 1 at a time').waitFor();
  await page.getByText('1 h', { exact: true }).click();
  await page.getByText('3 in the last hour').waitFor();
  assert.match(page.url(), /range=1h/);
  const provisioned = page.getByRole('region', { name: /Provisioned per/ });
  await provisioned.getByText('Table', { exact: true }).click();
  await provisioned.getByRole('cell', { name: '1', exact: true }).first().waitFor();
  await page
    .getByRole('region', { name: /Refused/ })
    .getByText('The identity is not whitelisted')
    .waitFor();
  await page.getByRole('link', { name: 'Show: Whitelisted' }).click();
  await eventually('the filtered list', async () => page.url().includes('status=whitelisted'));
  watched.expectClean();
  await watched.close();
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`the Overview is accessible and fits on a narrow screen, ${colorScheme}`, async () => {
    const watched = await openConsole(browser, server, path(), { colorScheme, viewport: { width: 380, height: 800 } });
    await watched.page.getByRole('region', { name: 'Online' }).locator('canvas').waitFor();
    await expectAccessible(watched.page);
    await expectNoSidewaysScrolling(watched.page);
    watched.expectClean();
    await watched.close();
  });
}
