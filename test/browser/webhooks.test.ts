/** The Webhooks page, and what is done to all devices that fit a filter: by clicking, as a person does it. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { eventually, newConnector, type TestConnector } from '../helpers/connector.ts';
import { assertSigned, type Receiver, startReceiver } from '../helpers/receiver.ts';
import { startServer, type TestServer } from '../helpers/server.ts';
import { launchBrowser } from './chromium.ts';
import { expectAccessible, expectNoSidewaysScrolling, openConsole } from './console.ts';

let server: TestServer;
let browser: Browser;
let receiver: Receiver;
before(async () => {
  const env = { SLIPWAY_WEBHOOK_ALLOW: '127.0.0.0/8' };
  [server, browser, receiver] = await Promise.all([startServer({ env }), launchBrowser(), startReceiver()]);
});
after(async () => {
  await browser?.close();
  await server?.stop();
  await receiver?.close();
});

const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name, exact: true });

async function importDevices(connector: TestConnector, count: number): Promise<void> {
  const rows = Array.from({ length: count }, (_, n) => `${n % 2 === 0 ? 'even' : 'odd'}-${n}`);
  const path = `/api:1/service/${connector.id}/device2/identities?name=lot`;
  const answer = await server.api('POST', path, `ID\n${rows.join('\n')}\n`, { 'content-type': 'text/csv' });
  assert.equal(answer.status, 200, answer.text);
}

test('a webhook is made, shows its secret once, delivers signed events, tells of failures, and is deleted', async () => {
  const connector = await newConnector(server);
  const watched = await openConsole(browser, server, `/connectors/${connector.id}/devices`);
  const { page } = watched;
  await page.getByRole('tab', { name: 'Webhooks' }).click();
  await page.getByRole('heading', { name: 'No webhook yet' }).waitFor();
  await expectAccessible(page);
  await button(page, '+ NEW WEBHOOK').click();
  const dialog = page.getByRole('dialog', { name: 'New webhook' });
  await dialog.getByLabel('URL').fill('http://192.168.1.1/');
  await dialog.getByRole('button', { name: 'SUBMIT' }).click();
  await dialog.getByText('WEBHOOK_TARGET').waitFor();
  await dialog.getByLabel('URL').fill(receiver.url);
  await expectAccessible(page);
  await dialog.getByRole('button', { name: 'SUBMIT' }).click();
  await dialog.getByText('Its secret, shown this once').waitFor();
  const secret = (await dialog.locator('code').textContent())!;
  await dialog.getByRole('button', { name: 'Done' }).click();
  const card = page.getByRole('region', { name: `Webhook to ${receiver.url}` });
  await card.getByText('Active').waitFor();

  await connector.whitelist('a');
  await eventually('the event is there', async () => receiver.taken.length === 1);
  assertSigned(receiver.taken[0]!, secret);
  await card.getByRole('button', { name: 'Deliveries' }).click();
  await card.getByText('Delivered, 204').waitFor();
  await card.getByText('The only one so far.').waitFor();
  receiver.behave((_, response) => void response.writeHead(500).end());
  await connector.whitelist('b');
  await card.getByText('Failing').waitFor();
  await card.getByText('Failed: it answered 500').first().waitFor();
  await card.getByText(/^The last \d+, newest first\.$/).waitFor();
  await expectAccessible(page);
  await page.setViewportSize({ width: 380, height: 700 });
  await expectNoSidewaysScrolling(page);
  await page.setViewportSize({ width: 1280, height: 800 });
  receiver.behave(null);
  await card.getByText('Active').waitFor();

  await card.getByRole('button', { name: 'Replay…' }).click();
  const replay = page.getByRole('dialog', { name: 'Deliver again' });
  await replay.getByLabel('After sequence number').fill('0');
  await replay.getByRole('button', { name: 'Deliver again' }).click();
  await replay.waitFor({ state: 'hidden' });
  await eventually('both came again', async () => receiver.seqs().length >= 4);
  await card.getByRole('button', { name: 'Switch off' }).click();
  await card.getByText('Off', { exact: true }).waitFor();
  await card.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete the webhook' }).click();
  await page.getByRole('heading', { name: 'No webhook yet' }).waitFor();
  await watched.close();
});

test('all devices that fit a filter are locked at once, with progress, and the undoing gives back what was', async () => {
  const connector = await newConnector(server);
  await importDevices(connector, 300);
  await connector.change('even-4', { locked: true });
  const watched = await openConsole(browser, server, `/connectors/${connector.id}/devices?identity=even`);
  const { page } = watched;
  await page.getByText('150 devices fit', { exact: true }).waitFor();
  await page.getByRole('checkbox', { name: /all/i }).first().check();
  await button(page, 'Select all 150 that fit the filter').click();
  await page.getByRole('status').filter({ hasText: 'All 150 that fit the filter selected' }).waitFor();
  await expectAccessible(page);
  await button(page, 'Lock').click();
  await page.getByRole('status').filter({ hasText: '149 devices locked, 1 needed no change' }).waitFor();
  const locked = async () => (await connector.api('GET', '/identities/count?status=locked')).body.count;
  assert.equal(await locked(), 150);
  await expectAccessible(page);
  await button(page, 'Undo').click();
  await page.getByRole('status').filter({ hasText: '149 devices as before' }).waitFor();
  assert.equal(await locked(), 1);
  await button(page, 'Close').click();
  await watched.close();
});

test('deleting all that fit names their number first, and what is selected by hand is not what is meant then', async () => {
  const connector = await newConnector(server);
  await importDevices(connector, 120);
  const watched = await openConsole(browser, server, `/connectors/${connector.id}/devices`);
  const { page } = watched;
  await page.getByText('120 devices', { exact: true }).waitFor();
  const first = page.getByRole('row').nth(1).getByRole('checkbox');
  await first.check();
  await button(page, 'Select all 120 devices').click();
  await first.uncheck();
  await first.check();
  await page.getByRole('status').filter({ hasText: '1 selected' }).waitFor();
  await button(page, 'Select all 120 devices').click();
  await button(page, 'Delete').click();
  await page
    .getByRole('dialog', { name: 'Delete 120 devices?' })
    .getByRole('button', { name: 'Delete 120 devices' })
    .click();
  await page.getByRole('status').filter({ hasText: '120 devices deleted' }).waitFor();
  assert.equal(await button(page, 'Undo').count(), 0);
  await eventually('the list is empty', async () => (await connector.api('GET', '/identities/count')).body.count === 0);
  await watched.close();
});
