/** The page of a device: its resources and values, charts over time, events and tags; light, dark and narrow. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { newConnector, resource, type TestConnector } from '../helpers/connector.ts';
import { startServer, type TestServer } from '../helpers/server.ts';
import { launchBrowser } from './chromium.ts';
import { expectAccessible, expectNoSidewaysScrolling, openConsole } from './console.ts';
import { devicePath, part } from './device-page.ts';

let server: TestServer;
let browser: Browser;
let connector: TestConnector;
before(async () => {
  [server, browser] = await Promise.all([startServer(), launchBrowser()]);
  connector = await newConnector(server, {
    resources: {
      temperature: resource({ format: 'number', unit: '°C', settable: false }),
      target: resource({ format: 'number', unit: '°C', allowed: ['-40..125'], initial: 20 }),
      mode: resource({ allowed: ['off', 'eco', 'comfort'] }),
      pump: resource({ format: 'boolean' }),
    },
  });
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const open = (identity: string, query = '', options = {}) =>
  openConsole(browser, server, devicePath(connector, identity, query), options);

describe('resources', () => {
  test('what is set differs from what is reported until the device takes it over; each format has its control', async () => {
    const token = await connector.provision('values-1');
    await connector.write('temperature=21.5&target=22&mode=eco&pump=true', { token });
    const watched = await open('values-1');
    const { page } = watched;
    const table = part(page, 'Resources');
    const row = (alias: string) => table.getByRole('row', { name: new RegExp(`^${alias}`) });
    await row('temperature').getByText('21.5').first().waitFor();
    assert.equal(await page.getByRole('button', { name: 'Set temperature' }).count(), 0, 'not settable');

    await page.getByRole('button', { name: 'Set target' }).focus();
    await page.keyboard.press('Enter');
    const value = page.getByLabel('Value of target');
    await value.fill('200');
    await page.getByText('Expected: one of -40..125').waitFor();
    await value.press('Enter');
    await page.getByText(/saw target = 200, expected one of -40\.\.125/).waitFor();
    assert.equal(await value.inputValue(), '200');
    await value.fill('24.5');
    // What the device says meanwhile arrives, and does not take the place of what is typed.
    await connector.write('temperature=23.25', { token });
    await row('temperature').getByText('23.25').first().waitFor();
    assert.equal(await value.inputValue(), '24.5');
    await value.press('Enter');
    await page.getByText('target is set').waitFor();
    await row('target').getByText('not confirmed by the device yet').waitFor();
    assert.equal((await connector.state('values-1')).target.set, '24.5');
    await connector.write('target=24.50', { token });
    await row('target').getByText('not confirmed by the device yet').waitFor({ state: 'hidden' });

    await page.getByRole('button', { name: 'Set mode', exact: true }).click();
    await page.getByRole('combobox', { name: 'Value of mode' }).click();
    await page.getByRole('option', { name: 'comfort' }).click();
    await table.getByRole('button', { name: 'Set', exact: true }).click();
    await page.getByText('mode is set').waitFor();
    await page.getByRole('button', { name: 'Set pump' }).click();
    await page.getByRole('switch', { name: /Value of pump/ }).press('Space');
    await table.getByRole('button', { name: 'Set', exact: true }).click();
    await page.getByText('pump is set').waitFor();
    const { mode, pump } = await connector.state('values-1');
    assert.deepEqual([mode.set, mode.reported, pump.set, pump.reported], ['comfort', 'eco', 'false', 'true']);
    watched.expectClean(/status of 422/);
    await watched.close();
  });

  test('values of an alias that is not defined any more are marked; a thousand resources are filtered', async () => {
    const many = Object.fromEntries(Array.from({ length: 999 }, (_, i) => [`r${i}`, resource()]));
    const big = await newConnector(server, { resources: { old: resource(), ...many } });
    await big.write('old=1', { token: await big.provision('d') });
    await big.set({ resources: many });
    const watched = await openConsole(browser, server, `/connectors/${big.id}/devices/d`);
    const table = part(watched.page, 'Resources');
    await table.getByRole('button', { name: 'Show 950 more' }).waitFor();
    await table.getByLabel('Filter resources').fill('OLD');
    await table.getByRole('row', { name: /old/ }).getByText('not defined').waitFor();
    await table.getByLabel('Filter resources').fill('nothing like this');
    await table.getByText('No resource has').waitFor();
    await watched.close();
  });

  test('a connector without resources says what they are, and where to define them', async () => {
    const bare = await newConnector(server);
    await bare.whitelist('d');
    const watched = await openConsole(browser, server, `/connectors/${bare.id}/devices/d`);
    await watched.page.getByRole('link', { name: 'Define resources' }).waitFor();
    await watched.close();
  });
});

describe('over time', () => {
  const points = (count: number, step: number) => {
    const now = Math.floor(Date.now() / 1000);
    return Array.from({ length: count }, (_, i) => `${now - 5 - i * step}=${20 + (i % 10)}`).join('&');
  };

  test('a chart shows the values, goes on by itself, zooms by dragging, and is a table as well', async () => {
    const token = await connector.provision('chart-1');
    await connector.send('/api:v1/stack/record', { token, body: `alias=temperature&${points(50, 60)}` });
    const watched = await open('chart-1');
    const { page } = watched;
    const chart = part(page, 'Over time');
    await chart.getByRole('img', { name: 'temperature: 50 values in °C, from 20 to 29, last 20' }).waitFor();
    await connector.write('temperature=31', { token });
    await chart.getByRole('img', { name: '51 values in °C, from 20 to 31, last 31' }).waitFor();

    await chart.getByText('1 h', { exact: true }).click();
    await page.waitForURL(/range=1h/);
    await chart.locator('.u-over').scrollIntoViewIfNeeded();
    const box = (await chart.locator('.u-over').boundingBox())!;
    await page.mouse.move(box.x + box.width * 0.5, box.y + 40);
    await chart.getByText(/^2\d °C$/).waitFor();
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.8, box.y + 60, { steps: 5 });
    await page.mouse.up();
    await page.waitForURL(/range=custom/);
    const { searchParams } = new URL(page.url());
    const length = (Number(searchParams.get('to')) - Number(searchParams.get('from'))) / 1e6;
    assert.ok(Math.abs(length - 0.3 * 3600) < 60, `${length} s`);
    await chart.getByRole('img', { name: /1[78] values/ }).waitFor();
    await page.goBack();
    await page.waitForURL(/range=1h/);

    await chart.getByText('Table', { exact: true }).click();
    await chart.getByRole('cell', { name: '31', exact: true }).waitFor();
    await page.reload();
    await chart.getByRole('cell', { name: '31', exact: true }).waitFor();
    await chart.getByText('Custom', { exact: true }).click();
    await chart.getByLabel('From', { exact: true }).fill('2020-01-01T00:00:00');
    await chart.getByLabel('To', { exact: true }).fill('2020-01-02T00:00:00');
    await chart.getByRole('button', { name: 'Show', exact: true }).click();
    await chart.getByText('No values in this time').waitFor();
    await chart.getByRole('button', { name: 'Show all values' }).click();
    await chart.getByRole('cell', { name: '31', exact: true }).waitFor();
    watched.expectClean();
    await watched.close();
  });

  test('many values are summed up; booleans are steps; texts are listed; nothing says so', async () => {
    const token = await connector.provision('chart-2');
    for (const part of [0, 1]) {
      const body = points(2000, 30)
        .split('&')
        .slice(part * 1000, part * 1000 + 1000)
        .join('&');
      const recorded = await connector.send('/api:v1/stack/record', { token, body: `alias=temperature&${body}` });
      assert.equal(recorded.status, 204, recorded.body);
    }
    await connector.write('pump=true&mode=eco', { token });
    const watched = await open('chart-2');
    const { page } = watched;
    const chart = part(page, 'Over time');
    await chart.getByRole('img', { name: '2,000 values in °C, from 20 to 29' }).waitFor();
    await chart.getByText('Each point sums up 5 min').waitFor();
    await page.getByRole('button', { name: 'Show pump over time' }).click();
    await chart.getByRole('img', { name: 'pump: 1 value, last true' }).waitFor();
    await page.getByRole('button', { name: 'Show mode over time' }).click();
    await chart.getByRole('cell', { name: 'eco' }).waitFor();
    await page.getByRole('button', { name: 'Show target over time' }).click();
    await chart.getByText('No values yet').waitFor();
    watched.expectClean();
    await watched.close();
  });
});

test('the last events open to their JSON and lead to the Logs of this device', async () => {
  const token = await connector.provision('events-1');
  const watched = await open('events-1');
  const { page } = watched;
  const events = part(page, 'Events');
  await events.getByRole('button', { name: /Whitelist/ }).waitFor();
  await connector.write('temperature=19.75', { token });
  const line = events.getByRole('button', { name: /Write.*temperature=19\.75/ });
  await line.click();
  await events.getByText('"type": "data_in"').waitFor();
  await page.reload();
  await events.getByText('"type": "data_in"').waitFor();
  const link = await events.getByRole('link', { name: 'Open in Logs' }).getAttribute('href');
  assert.match(link ?? '', new RegExp(`/connectors/${connector.id}/logs\\?identity=events-1`));
  watched.expectClean();
  await watched.close();
});

test('tags are added, changed and removed; what cannot be a tag is said at the field', async () => {
  await connector.whitelist('tags-1', { tags: { site: ['Zürich'] } });
  const watched = await open('tags-1');
  const { page } = watched;
  const tags = part(page, 'Tags');
  await tags.getByRole('button', { name: 'Add a tag' }).click();
  await tags.getByRole('textbox', { name: 'Tag', exact: true }).fill('x'.repeat(200));
  await tags.getByText(/Expected: 1 to \d+ characters/).waitFor();
  await tags.getByRole('textbox', { name: 'Tag', exact: true }).fill('claim/code %');
  const values = tags.getByLabel('Values');
  await values.fill('a, b');
  await values.press('Enter');
  await values.fill('second');
  await tags.getByRole('button', { name: 'ADD' }).click();
  await tags.getByText('claim/code %: a, b, second').waitFor();
  assert.deepEqual((await connector.device('tags-1')).tags, { 'claim/code %': ['a, b', 'second'], site: ['Zürich'] });

  await tags.getByRole('button', { name: 'Change tag site' }).click();
  await tags.getByLabel('Values').press('Backspace');
  await tags.getByLabel('Values').fill('Basel');
  await tags.getByRole('button', { name: 'SAVE' }).click();
  await tags.getByText('site: Basel').waitFor();
  await tags.getByRole('button', { name: 'Remove tag site' }).click();
  await tags.getByText('site: Basel').waitFor({ state: 'hidden' });
  assert.deepEqual((await connector.device('tags-1')).tags, { 'claim/code %': ['a, b', 'second'] });
  watched.expectClean();
  await watched.close();
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`the page is accessible and fits on a narrow screen, with dialogs and fields open, ${colorScheme}`, async () => {
    const identity = `narrow ${colorScheme} ${'x'.repeat(200)}`;
    const token = await connector.provision(identity);
    await connector.write('temperature=21&mode=eco&pump=1', { token });
    await connector.change(identity, { tags: { [`name ${'n'.repeat(100)}`]: ['v'.repeat(200)], group: ['g1'] } });
    await connector.api('PATCH', `/identity/${encodeURIComponent(identity)}/state`, { mode: 'comfort' });
    await connector.send('/provision/activate', { body: `id=${encodeURIComponent(identity)}` });
    const watched = await open(identity, '', { colorScheme, viewport: { width: 380, height: 800 } });
    const { page } = watched;
    await part(page, 'Over time')
      .getByRole('img', { name: /temperature: 1 value/ })
      .waitFor();
    await part(page, 'Why was it refused?').getByText('A device is provisioned once').waitFor();
    await page.getByRole('button', { name: 'Set mode', exact: true }).click();
    await page.getByRole('button', { name: 'Set target' }).click();
    await page.getByRole('button', { name: 'Set pump' }).click();
    await page.getByRole('button', { name: 'Change tag group' }).click();
    await part(page, 'Events').getByRole('button', { name: /Set/ }).click();
    await expectAccessible(page);
    await expectNoSidewaysScrolling(page);
    await part(page, 'Over time').getByText('Table', { exact: true }).click();
    await part(page, 'Over time').getByText('Custom', { exact: true }).click();
    await part(page, 'Over time').getByRole('cell', { name: '21', exact: true }).waitFor();
    await expectAccessible(page);
    await expectNoSidewaysScrolling(page);
    for (const name of ['Reprovision', 'Delete']) {
      await page.getByRole('button', { name, exact: true }).click();
      await page.getByRole('dialog').waitFor();
      await expectAccessible(page);
      await expectNoSidewaysScrolling(page);
      await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
      await page.getByRole('dialog').waitFor({ state: 'hidden' });
    }
    watched.expectClean();
    await watched.close();
  });
}
