/** Connector › Resources: defined, changed and removed; beside what others do; offered from what devices write. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { newConnector, resource, type TestConnector } from '../helpers/connector.ts';
import { admin, startServer, type TestServer } from '../helpers/server.ts';
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

const pathOf = ({ id }: TestConnector) => `/connectors/${id}/resources`;
const resourcesOf = async (connector: TestConnector) => (await connector.api('GET', '')).body.resources;
const row = (page: Page, alias: string) =>
  page.getByRole('table', { name: 'Resources' }).getByRole('row').filter({ hasText: alias });

test('a resource is added, edited and removed by keyboard and by clicking; wrong fields say what they want', async () => {
  const connector = await newConnector(server);
  const watched = await openConsole(browser, server, pathOf(connector));
  const { page } = watched;
  await page.getByRole('heading', { name: 'No resource yet' }).waitFor();
  await page.getByRole('button', { name: 'Add a resource' }).press('Enter');
  const dialog = page.getByRole('dialog', { name: 'Add a resource' });
  await dialog.waitFor();
  assert.match(page.url(), /dialog=add/);
  await page.keyboard.type('my.alias');
  await page.keyboard.press('Enter');
  await dialog.getByText('none of . $ & = / + #, no control characters').waitFor();
  await dialog.getByLabel('Alias').fill('target');
  await dialog.getByRole('combobox', { name: 'Format' }).click();
  await page.getByRole('option', { name: 'Number' }).click();
  await dialog.getByLabel('Unit').fill('°C');
  await dialog.getByLabel('Allowed values').fill('10-30\nten');
  await dialog.getByLabel('Settable').check();
  await dialog.getByLabel('Initial').fill('21');
  await dialog.getByRole('button', { name: 'ADD' }).click();
  await dialog.getByText('Line 2: saw ten').waitFor();
  await dialog.getByLabel('Allowed values').fill('10-30\n-40..5');
  await dialog.getByRole('button', { name: 'ADD' }).click();
  await row(page, 'target').waitFor();
  const expected = {
    format: 'number',
    unit: '°C',
    settable: true,
    allowed: ['10-30', '-40..5'],
    initial: 21,
    sync: true,
  };
  assert.deepEqual(await resourcesOf(connector), { target: expected });
  await page.getByRole('button', { name: 'Edit target' }).click();
  await page.getByRole('dialog').getByLabel('Initial').fill('-41');
  await page.getByRole('dialog').getByRole('button', { name: 'SAVE' }).click();
  await page.getByRole('dialog').getByText('saw -41').waitFor();
  await page.getByRole('dialog').getByLabel('Initial').fill('-40');
  await page.getByRole('dialog').getByLabel('Initial').press('Enter');
  await page.getByText('Resource saved').waitFor();
  assert.equal((await resourcesOf(connector)).target.initial, -40);
  await page.getByRole('button', { name: 'Remove target' }).click();
  await page.getByText('The history that is there stays', { exact: false }).waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove', exact: true }).click();
  await page.getByRole('heading', { name: 'No resource yet' }).waitFor();
  assert.deepEqual(await resourcesOf(connector), {});
  watched.expectClean();
  await watched.close();
});

test('an alias that devices write though nobody defined it becomes a resource with one click', async () => {
  const connector = await newConnector(server);
  const token = await connector.provision('00000001');
  await connector.write('myalias=50&note=hello', { token });
  await connector.write('myalias=51', { token });
  const watched = await openConsole(browser, server, pathOf(connector));
  const { page } = watched;
  const offers = page.getByRole('table', { name: 'Aliases that are not defined' });
  const cells = offers.getByRole('row').filter({ hasText: 'myalias' }).getByRole('cell');
  await cells.first().waitFor();
  assert.deepEqual((await cells.allInnerTexts()).slice(0, 3), ['number', '51', '2']);
  await page.getByRole('button', { name: 'Define myalias' }).click();
  await row(page, 'myalias').waitFor();
  await offers.getByText('myalias').waitFor({ state: 'detached' });
  await offers.getByText('note').waitFor();
  assert.equal((await resourcesOf(connector)).myalias.format, 'number');
  await connector.write('myalias=52', { token });
  assert.equal((await connector.state('00000001')).myalias.reported, '52');
  watched.expectClean();
  await watched.close();
});

test('what somebody else changes meanwhile is kept, if it is another alias', async () => {
  const connector = await newConnector(server, { resources: { mine: resource(), theirs: resource() } });
  const watched = await openConsole(browser, server, pathOf(connector));
  const { page } = watched;
  await page.getByRole('button', { name: 'Edit mine' }).click();
  await page.getByRole('dialog').getByLabel('Unit').fill('K');
  await connector.set({ resources: { mine: resource(), theirs: resource({ unit: 'm' }), third: resource() } });
  await page.getByRole('dialog').getByRole('button', { name: 'SAVE' }).click();
  await page.getByText('Resource saved').waitFor();
  const resources = await resourcesOf(connector);
  assert.deepEqual([resources.mine.unit, resources.theirs.unit, Object.keys(resources).length], ['K', 'm', 3]);
  await row(page, 'third').waitFor();
  watched.expectClean(/status of 412/);
  await watched.close();
});

test('the same alias changed by two is shown, nothing is saved or lost until one decides', async () => {
  const connector = await newConnector(server, { resources: { temp: resource({ unit: 'C' }), gone: resource() } });
  const watched = await openConsole(browser, server, pathOf(connector));
  const { page } = watched;
  const dialog = page.getByRole('dialog');
  await page.getByRole('button', { name: 'Edit temp' }).click();
  await dialog.getByLabel('Unit').fill('K');
  await connector.set({ resources: { temp: resource({ unit: 'F' }), gone: resource() } });
  await dialog.getByRole('button', { name: 'SAVE' }).click();
  await dialog.getByText('is now: string, F, settable, sync').waitFor();
  await expectAccessible(page);
  assert.equal((await resourcesOf(connector)).temp.unit, 'F');
  assert.equal(await dialog.getByLabel('Unit').inputValue(), 'K');
  await dialog.getByRole('button', { name: 'Save mine' }).click();
  await page.getByText('Resource saved').waitFor();
  assert.equal((await resourcesOf(connector)).temp.unit, 'K');
  await page.getByRole('button', { name: 'Edit gone' }).click();
  await dialog.getByLabel('Unit').fill('m');
  await connector.set({ resources: { temp: resource({ unit: 'K' }) } });
  await dialog.getByRole('button', { name: 'SAVE' }).click();
  await dialog.getByText('has been removed in the meantime').waitFor();
  await dialog.getByRole('button', { name: 'Leave it removed' }).click();
  await dialog.waitFor({ state: 'detached' });
  assert.deepEqual(Object.keys(await resourcesOf(connector)), ['temp']);
  watched.expectClean(/status of 412/);
  await watched.close();
});

test('a server that is away, one that refuses, a session that ends: what was typed stays, and is saved afterwards', async () => {
  const connector = await newConnector(server);
  const watched = await openConsole(browser, server, `${pathOf(connector)}?dialog=add`);
  const { page } = watched;
  const dialog = page.getByRole('dialog', { name: 'Add a resource' });
  await dialog.getByLabel('Alias').fill('typed');
  const add = dialog.getByRole('button', { name: 'ADD' });
  const settings = (url: URL) => url.pathname.endsWith('/device2');
  const details = [{ path: 'resources.typed.unit', seen: 'a unit', expected: 'another one' }];
  const refusal = { statusCode: 400, error: 'Bad Request', code: 'SETTINGS_INVALID', message: 'Not valid.', details };
  await page.route(settings, (route) =>
    route.request().method() === 'PATCH' ? route.abort('connectionrefused') : route.fallback(),
  );
  await add.click();
  await dialog.getByText('The server cannot be reached').waitFor();
  await page.unroute(settings);
  await page.route(settings, (route) =>
    route.request().method() === 'PATCH' ? route.fulfill({ status: 400, json: refusal }) : route.fallback(),
  );
  await add.click();
  await dialog.getByText('saw a unit, expected another one').waitFor();
  await page.unroute(settings);
  const cookie = (await watched.context.cookies()).map(({ name, value }) => `${name}=${value}`).join('; ');
  const headers = { cookie, origin: consoleUrl(server), 'sec-fetch-site': 'same-origin' };
  assert.equal((await fetch(`${consoleUrl(server)}/api:1/session`, { method: 'DELETE', headers })).status, 204);
  await add.click();
  const again = page.getByRole('dialog', { name: 'Your session has ended' });
  await again.getByLabel('Password').first().fill(admin.password);
  await again.getByRole('button', { name: 'Sign in' }).click();
  await again.waitFor({ state: 'detached' });
  assert.equal(await dialog.getByLabel('Alias').inputValue(), 'typed');
  await add.click();
  await row(page, 'typed').waitFor();
  watched.expectClean(/ERR_CONNECTION|status of 40[01]/);
  await watched.close();
});

test('who may not change settings sees all of it and no button', async () => {
  const connector = await newConnector(server, { resources: { temp: resource() } });
  const token = await connector.provision('00000001');
  await connector.write('myalias=50', { token });
  const watched = await openConsole(browser, server, '/');
  const { page } = watched;
  // There are no accounts of other roles yet: the answer about this one is changed on its way.
  await page.route('**/api:1/session', async (route) => {
    const response = await route.fetch();
    const answer = (await response.json()) as { account: object };
    await route.fulfill({ response, json: { account: { ...answer.account, role: 'viewer' } } });
  });
  await page.goto(`${consoleUrl(server)}${pathOf(connector)}?dialog=add`);
  await row(page, 'temp').waitFor();
  await page.getByRole('table', { name: 'Aliases that are not defined' }).getByText('myalias').waitFor();
  assert.equal(await page.getByRole('button', { name: /Add|Define|Edit|Remove/ }).count(), 0);
  assert.equal(await page.getByRole('dialog').count(), 0);
  await watched.close();
});

test('among 1,000 resources one is found by a part of its alias; pages and the search stand in the address', async () => {
  const names = Array.from({ length: 1000 }, (_, i) => `sensor_${i + 1}`);
  const connector = await newConnector(server, {
    resources: Object.fromEntries(names.map((name) => [name, resource({ format: 'number', unit: 'kPa' })])),
  });
  const watched = await openConsole(browser, server, pathOf(connector));
  const { page } = watched;
  await page.getByText('1 to 50 of 1,000').waitFor();
  await page.getByRole('button', { name: 'Page 20' }).click();
  await row(page, 'sensor_1000').waitFor();
  await page.reload();
  await row(page, 'sensor_1000').waitFor();
  await page.getByLabel('Find a resource').fill('OR_777');
  await page.getByText('1 of 1,000 resources').waitFor();
  await page.getByRole('button', { name: 'Edit sensor_777' }).click();
  await page.getByRole('dialog').getByLabel('Unit').fill('bar');
  await page.getByRole('dialog').getByRole('button', { name: 'SAVE' }).click();
  await row(page, 'bar').waitFor();
  assert.match(page.url(), /find=OR_777/);
  watched.expectClean();
  await watched.close();
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`the resources and their dialogs are accessible and fit on a narrow screen, ${colorScheme}`, async () => {
    const empty = await newConnector(server);
    const long = 'x'.repeat(128);
    const connector = await newConnector(server, {
      resources: {
        [long]: resource({ unit: 'u'.repeat(64), allowed: ['a'.repeat(1024)], initial: 'a'.repeat(1024) }),
        temp: resource({ format: 'number', settable: false, sync: false }),
      },
    });
    const token = await connector.provision('00000001');
    await connector.write(`${'y'.repeat(128)}=${'z'.repeat(500)}&b=1`, { token });
    const watched = await openConsole(browser, server, pathOf(empty), { colorScheme });
    const { page } = watched;
    await page.getByRole('heading', { name: 'No resource yet' }).waitFor();
    await expectAccessible(page);
    for (const viewport of [
      { width: 380, height: 800 },
      { width: 1280, height: 860 },
    ]) {
      await page.setViewportSize(viewport);
      await page.goto(consoleUrl(server) + pathOf(connector));
      await row(page, 'temp').waitFor();
      await page.getByRole('button', { name: 'Define b' }).waitFor();
      await expectAccessible(page);
      await expectNoSidewaysScrolling(page);
      for (const dialog of ['dialog=add', 'dialog=edit&alias=temp', 'dialog=remove&alias=temp']) {
        await page.goto(`${consoleUrl(server)}${pathOf(connector)}?${dialog}`);
        await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).waitFor();
        await expectAccessible(page);
        await expectNoSidewaysScrolling(page);
      }
    }
    watched.expectClean();
    await watched.close();
  });
}
