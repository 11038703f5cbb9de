/** Connector › Content: files sent in, offered, rolled out, watched and deleted. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { newConnector, resource, type TestConnector } from '../helpers/connector.ts';
import { startServer, type TestServer } from '../helpers/server.ts';
import { launchBrowser } from './chromium.ts';
import { consoleUrl, expectAccessible, expectNoSidewaysScrolling, openConsole } from './console.ts';

let server: TestServer;
let browser: Browser;
before(async () => {
  [server, browser] = await Promise.all([startServer(), launchBrowser()]);
  // Answers once the console is built.
  await fetch(consoleUrl(server), { headers: { accept: 'text/html' } });
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const pathOf = ({ id }: TestConnector) => `/connectors/${id}/content`;
const row = (page: Page, id: string) =>
  page.getByRole('table', { name: 'Files' }).getByRole('row').filter({ hasText: id });
const infoOf = async (connector: TestConnector, id: string) =>
  (await connector.api('GET', `/content/${encodeURIComponent(id)}/info`)).body;
async function store(connector: TestConnector, id: string, text: string, query = ''): Promise<void> {
  const answer = await connector.server.api(
    'PUT',
    `/api:1/service/${connector.id}/device2/content/${id}${query}`,
    text,
    { 'content-type': 'text/plain' },
  );
  assert.equal(answer.status, 201, answer.text);
}

test('a file is sent in with its progress, offered, fetched by a device, and deleted', async () => {
  const connector = await newConnector(server);
  const token = await connector.provision('00000001');
  await connector.change('00000001', { tags: { site: ['lab'] } });
  const watched = await openConsole(browser, server, pathOf(connector));
  const { page } = watched;
  await page.getByRole('heading', { name: 'No file yet' }).waitFor();
  await page.getByRole('button', { name: 'Upload a file' }).press('Enter');
  const dialog = page.getByRole('dialog', { name: 'Upload a file' });
  await dialog.getByRole('button', { name: 'UPLOAD' }).click();
  await dialog.getByText('1 to 128 letters, digits').waitFor();
  const buffer = randomBytes(5 << 20);
  const chooser = page.waitForEvent('filechooser');
  await dialog.getByRole('button', { name: 'File' }).click();
  await (await chooser).setFiles({ name: 'Firmware 1.2.bin', mimeType: 'application/x-firmware', buffer });
  assert.equal(await dialog.getByLabel('Id').inputValue(), 'Firmware-1.2.bin');
  await dialog.getByLabel('Id').fill('fw-1.2.bin');
  await dialog.getByLabel('Meta').fill('v1.2');
  await dialog.getByRole('button', { name: 'UPLOAD' }).click();
  await page.getByText('File stored').waitFor();
  await dialog.waitFor({ state: 'detached' });
  const digest = createHash('sha256').update(buffer).digest('hex');
  const { type, bytes, sha256, meta, offer } = await infoOf(connector, 'fw-1.2.bin');
  assert.deepEqual(
    [type, bytes, sha256, meta, offer],
    ['application/x-firmware', buffer.length, digest, 'v1.2', 'none'],
  );

  await row(page, 'fw-1.2.bin').getByText('Nobody').waitFor();
  await page.getByRole('button', { name: 'Copy SHA-256 of fw-1.2.bin' }).waitFor();
  await page.getByRole('button', { name: 'fw-1.2.bin', exact: true }).click();
  const file = page.getByRole('dialog', { name: 'fw-1.2.bin' });
  await file.getByText(digest).waitFor();
  await file.getByRole('button', { name: 'Copy SHA-256' }).waitFor();
  await file.getByText('No device yet.').waitFor();
  await file.getByRole('combobox', { name: 'Offered to' }).click();
  await page.getByRole('option', { name: 'Devices with a tag' }).click();
  await file.getByRole('combobox', { name: 'Tag name' }).fill('site');
  await file.getByRole('combobox', { name: 'Value' }).fill('lab');
  await file.getByRole('button', { name: 'SAVE' }).click();
  await page.getByText('Offer saved').waitFor();
  assert.equal((await infoOf(connector, 'fw-1.2.bin')).offer, 'tag:site:lab');
  await file.getByText('1 device', { exact: true }).waitFor();
  assert.equal((await connector.send('/provision/download?id=fw-1.2.bin&info=true', { token })).status, 200);
  const part = await connector
    .send('/provision/download?id=fw-1.2.bin', { token, headers: { Range: 'bytes=0-0' } })
    .catch(() => null);
  assert.ok(part === null || part.status === 206);
  await file.getByRole('link', { name: '00000001' }).waitFor();
  await file.getByText('not yet').waitFor();
  const download = page.waitForEvent('download');
  await file.getByRole('link', { name: 'Download' }).click();
  assert.equal((await download).suggestedFilename(), 'fw-1.2.bin');

  await file.getByRole('button', { name: 'Delete' }).click();
  const sure = page.getByRole('dialog', { name: 'Delete the file?' });
  await sure.getByText('This cannot be undone').waitFor();
  await sure.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('heading', { name: 'No file yet' }).waitFor();
  assert.equal((await connector.api('GET', '/content/fw-1.2.bin/info')).status, 404);
  watched.expectClean();
  await watched.close();
});

test('a rollout is planned, advanced, held, resumed and stopped, with figures', async () => {
  const connector = await newConnector(server, { resources: { fw: resource() } });
  const token = await connector.provision('00000001');
  await store(connector, 'fw.bin', 'x');
  const watched = await openConsole(browser, server, `${pathOf(connector)}?dialog=file&file=fw.bin`);
  const { page } = watched;
  const file = page.getByRole('dialog', { name: 'fw.bin' });
  await file.getByRole('button', { name: 'Roll out step by step' }).click();
  await file.getByLabel('Steps').fill('10, 1');
  await file.getByLabel('Hold it when too many devices report failure').check();
  await file.getByRole('button', { name: 'START' }).click();
  await file.getByText('Growing percentages, the last of them 100').waitFor();
  await file.getByLabel('Steps').fill('1, 100');
  await file.getByRole('combobox', { name: 'Resource' }).click();
  await page.getByRole('option', { name: 'fw' }).click();
  await file.getByLabel('Values that mean failure').fill('failed');
  await file.getByRole('button', { name: 'START' }).click();
  await file.getByText('1 % of 1 device, about 0').waitFor();
  await file.getByText('whom the file is for stays as it is').waitFor();
  await file.getByRole('button', { name: 'Advance to 100 %' }).click();
  await file.getByText('100 % of 1 device').waitFor();
  await connector.send('/provision/download?id=fw.bin', { token });
  await connector.write('fw=failed', { token });
  await file.getByText('1 of 1 devices that took it report failure on fw').waitFor();
  await file.getByText('1 failed, 0 succeeded (held above 5 %)', { exact: false }).waitFor();
  await expectAccessible(page);
  await file.getByRole('button', { name: 'Resume' }).click();
  await file.getByRole('button', { name: 'Hold' }).click();
  await file.getByText('Somebody held it.').waitFor();
  await file.getByRole('button', { name: 'Stop' }).click();
  await file.getByRole('button', { name: 'Stop the rollout' }).click();
  await file.getByText('No device sees it.').waitFor();
  const { rollout, offer } = await infoOf(connector, 'fw.bin');
  assert.deepEqual([rollout, offer], [null, 'none']);
  watched.expectClean();
  await watched.close();
});

test('an upload that the server refuses says why, and what was typed stays', async () => {
  const connector = await newConnector(server);
  await store(connector, 'fw.bin', 'x');
  await connector.api('PUT', '/content/fw.bin/rollout', {});
  const watched = await openConsole(browser, server, `${pathOf(connector)}?dialog=upload`);
  const { page } = watched;
  const dialog = page.getByRole('dialog', { name: 'Upload a file' });
  const chooser = page.waitForEvent('filechooser');
  await dialog.getByRole('button', { name: 'File' }).click();
  await (await chooser).setFiles({ name: 'fw.bin', mimeType: 'text/plain', buffer: Buffer.from('y') });
  await dialog.getByLabel('Meta').fill('typed');
  await dialog.getByRole('button', { name: 'UPLOAD' }).click();
  await dialog.getByText('saw one that is running', { exact: false }).waitFor();
  assert.equal(await dialog.getByLabel('Meta').inputValue(), 'typed');
  watched.expectClean(/status of 409/);
  await watched.close();
});

test('files of devices stand apart, by the identity that sent them', async () => {
  const connector = await newConnector(server, { content: { device_upload: true } });
  const token = await connector.provision('00000001');
  await connector.send('/provision/upload?id=log.txt', { token, body: 'hello', contentType: 'text/plain' });
  const watched = await openConsole(browser, server, pathOf(connector));
  const { page } = watched;
  await page.getByRole('heading', { name: 'No file yet' }).waitFor();
  await page.getByText('From devices').click();
  await row(page, '00000001/log.txt').waitFor();
  assert.match(page.url(), /by=devices/);
  await page.getByRole('button', { name: '00000001/log.txt', exact: true }).click();
  await page.getByRole('dialog').getByText('by the device 00000001').waitFor();
  watched.expectClean();
  await watched.close();
});

test('who may not change sees all of it and no button', async () => {
  const connector = await newConnector(server);
  await store(connector, 'fw.bin', 'x');
  const watched = await openConsole(browser, server, '/');
  const { page } = watched;
  await page.route('**/api:1/session', async (route) => {
    const response = await route.fetch();
    const answer = (await response.json()) as { account: object };
    await route.fulfill({ response, json: { account: { ...answer.account, role: 'viewer' } } });
  });
  await page.goto(`${consoleUrl(server)}${pathOf(connector)}?dialog=file&file=fw.bin`);
  await page.getByRole('dialog', { name: 'fw.bin' }).getByText('No device yet.').waitFor();
  assert.equal(await page.getByRole('button', { name: /Upload|SAVE|Delete|Roll out/ }).count(), 0);
  await page.goto(`${consoleUrl(server)}${pathOf(connector)}?dialog=delete&file=fw.bin`);
  await row(page, 'fw.bin').waitFor();
  assert.equal(await page.getByRole('dialog').count(), 0);
  await watched.close();
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`the files and their dialogs are accessible and fit on a narrow screen, ${colorScheme}`, async () => {
    const empty = await newConnector(server);
    const connector = await newConnector(server, { resources: { fw: resource() } });
    const long = 'x'.repeat(128);
    await store(connector, long, 'x', `?meta=${'m'.repeat(1024)}&offer=tag:${'n'.repeat(100)}:${'v'.repeat(200)}`);
    await store(connector, 'plain.bin', 'x');
    await store(connector, 'rolling', 'x');
    const token = await connector.provision('i'.repeat(200));
    await connector.send('/provision/download?id=plain.bin', { token });
    await connector.api('PUT', '/content/rolling/rollout', { every: 3600 });
    const watched = await openConsole(browser, server, pathOf(empty), { colorScheme });
    const { page } = watched;
    await page.getByRole('heading', { name: 'No file yet' }).waitFor();
    await expectAccessible(page);
    for (const viewport of [
      { width: 380, height: 800 },
      { width: 1280, height: 860 },
    ]) {
      await page.setViewportSize(viewport);
      await page.goto(consoleUrl(server) + pathOf(connector));
      await row(page, 'plain.bin').waitFor();
      await expectAccessible(page);
      await expectNoSidewaysScrolling(page);
      for (const [search, shown] of [
        ['dialog=upload', 'UPLOAD'],
        ['dialog=delete&file=plain.bin', 'Cancel'],
        ['dialog=file&file=rolling', 'Advance to 10 %'],
        [`dialog=file&file=${long}`, 'Roll out step by step'],
        ['dialog=file&file=plain.bin', 'Roll out step by step'],
      ] as const) {
        await page.goto(`${consoleUrl(server)}${pathOf(connector)}?${search}`);
        await page.getByRole('dialog').getByRole('button', { name: shown }).waitFor();
        await expectAccessible(page);
        await expectNoSidewaysScrolling(page);
      }
      await page.getByRole('button', { name: 'Roll out step by step' }).click();
      await page.getByLabel('Hold it when too many devices report failure').check();
      await expectAccessible(page);
      await expectNoSidewaysScrolling(page);
    }
    watched.expectClean();
    await watched.close();
  });
}
