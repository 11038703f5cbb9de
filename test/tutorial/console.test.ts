/**
 * The tutorial's steps in the console, in a real browser: every tab, button and field is found by the name that the
 * tutorial gives it, and the commands are those that it prints. One walk, in its order.
 */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { launchBrowser } from '../browser/chromium.ts';
import { openConsole } from '../browser/console.ts';
import { openFactory } from '../helpers/authority.ts';
import { newConnector } from '../helpers/connector.ts';
import { curl, runCurl } from '../helpers/curl.ts';
import { startServer, type TestServer } from '../helpers/server.ts';
import { identitiesCsv } from './settings.ts';

type Watched = Awaited<ReturnType<typeof openConsole>>;

let server: TestServer;
let browser: Browser;
let watched: Watched;
let page: Page;
/** What the copy buttons gave. */
let url = '';
let id = '';
let token = '';
const factory = openFactory();
const form = ['-H', 'Content-Type: application/x-www-form-urlencoded; charset=utf-8'];

before(async () => {
  [server, browser] = await Promise.all([startServer(), launchBrowser()]);
  id = (await newConnector(server)).id;
  watched = await openConsole(browser, server);
  page = watched.page;
});
after(async () => {
  await browser?.close();
  await server?.stop();
  factory.remove();
});

const tab = (name: string) => page.getByRole('tab', { name, exact: true });
const save = () => page.getByRole('button', { name: 'SAVE', exact: true });
/** The row of a device in the list. */
const row = (identity: string) =>
  page.getByRole('row').filter({ has: page.getByRole('link', { name: identity, exact: true }) });
const statusIn = (identity: string, status: string) => row(identity).getByRole('img', { name: status, exact: true });

async function openNewDevices(item: string): Promise<void> {
  await page.getByRole('button', { name: '+ NEW DEVICE(S)' }).click();
  await page.getByRole('menuitem', { name: item, exact: true }).click();
}

/** Presses a copy button and gives what is on the clipboard then. */
async function copied(name: string): Promise<string> {
  await page.getByRole('button', { name: `Copy ${name}`, exact: true }).click();
  return (await page.evaluate('navigator.clipboard.readText()')) as string;
}

test('Configure Device Identity Format 1: the Solutions List leads to the connector', async () => {
  const { body } = await server.api('GET', `/api:1/connectors/${id}`);
  await page.reload();
  await page.getByRole('link', { name: body.name, exact: true }).click();
  await page.getByRole('heading', { name: body.name, level: 1 }).waitFor();
});

test('Configure 2: Click Settings', async () => {
  await tab('Settings').click();
  await page.getByRole('heading', { name: 'Provisioning', exact: true }).waitFor();
});

test('Configure 3: the default authentication method is token based; the Provisioning section follows', async () => {
  assert.ok(await page.getByRole('radio', { name: 'Token' }).isChecked());
  await page.getByRole('heading', { name: 'Provisioning', exact: true }).scrollIntoViewIfNeeded();
});

test('Configure 4: Prefix, Type and Length: Base 10 with a length of 8', async () => {
  assert.equal(await page.getByLabel('Prefix', { exact: true }).inputValue(), '');
  await page.getByLabel('Type', { exact: true }).selectOption('Base 10');
  await page.getByLabel('Length', { exact: true }).fill('8');
});

test('Configure 5: "Allow devices to register their own identity" is unchecked', async () => {
  const box = page.getByLabel('Allow devices to register their own identity');
  assert.equal(await box.isChecked(), false);
});

test('Configure 6: "Restrict IP addresses" is unchecked', async () => {
  assert.equal(await page.getByLabel('Restrict IP addresses').isChecked(), false);
});

test('Configure 7: SAVE keeps the settings', async () => {
  await save().click();
  await page.getByText('Saved', { exact: true }).waitFor();
  const { body } = await server.api('GET', `/api:1/service/${id}/device2`);
  assert.deepEqual(body.identity_format, { type: 'base10', prefix: '', options: { casing: 'mixed', length: 8 } });
  assert.equal(body.provisioning.presenter_identity, false);
});

test('Whitelist One Device 1: the Devices tab, + NEW DEVICE(S), "Add one device"', async () => {
  await tab('Devices').click();
  await openNewDevices('Add one device');
  await page.getByRole('dialog').waitFor();
});

test('Whitelist One Device 2: an identity that does not fit is told at once; the activation period is 48 hours', async () => {
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Identity').first().fill('1234');
  await dialog
    .getByText(/8 characters/)
    .first()
    .waitFor();
  assert.match(await dialog.getByLabel(/activation period/i).inputValue(), /^48\b/);
  await dialog.getByLabel('Identity').first().fill('00000001');
});

test('Whitelist One Device 3: ADD lists it as whitelisted; the filter menu tells what the icons mean', async () => {
  await page.getByRole('dialog').getByRole('button', { name: 'ADD', exact: true }).click();
  await statusIn('00000001', 'Whitelisted').waitFor();
  const { body } = await server.api('GET', `/api:1/service/${id}/device2/identity/00000001`);
  const hours = (body.auth.expire - body.created) / 3_600_000_000;
  assert.ok(Math.abs(hours - 48) < 0.1, `${hours} hours`);
  await page
    .getByRole('button', { name: /status/i })
    .first()
    .click();
  for (const meaning of [/let in, not provisioned yet/i, /has a credential/i, /nothing that it sends is accepted/i]) {
    await page.getByText(meaning).first().waitFor();
  }
  await page.keyboard.press('Escape');
});

test('Whitelist Devices In Bulk 2 and 3: "Add many devices", UPLOAD CSV, ADD', async () => {
  const file = join(server.data, 'identities.csv');
  await writeFile(file, identitiesCsv);
  await openNewDevices('Add many devices');
  const dialog = page.getByRole('dialog');
  const choosing = page.waitForEvent('filechooser');
  await dialog.getByRole('button', { name: 'UPLOAD CSV' }).click();
  await (await choosing).setFiles(file);
  const add = dialog.getByRole('button', { name: 'ADD', exact: true });
  await add.click();
  await dialog
    .getByText(/4 devices/)
    .first()
    .waitFor();
  await dialog.getByRole('button', { name: 'Close' }).first().click();
  for (const identity of ['00000002', '00000003', '00000004', '00000005'])
    await statusIn(identity, 'Whitelisted').waitFor();
  await row('00000005').getByText(/g3/).first().waitFor();
});

test('Provisioning Devices: the copy buttons give CONNECTOR-URL and CONNECTOR-ID', async () => {
  url = await copied('CONNECTOR-URL');
  assert.equal(url, server.url(id));
  assert.equal(await copied('CONNECTOR-ID'), id);
});

test('Provision with Token 1 and 2: the token comes from curl, and the device is displayed as provisioned', async () => {
  const { stdout } = await runCurl(server, ['-X', 'POST', `${url}/provision/activate`, ...form, '-d', 'id=00000001']);
  token = stdout.toString();
  assert.match(token, /^[0-9a-f]{40}$/);
  await statusIn('00000001', 'Provisioned').waitFor();
});

test('Provision with Token 3 to 5: Logs has the provision event, and the write comes in live', async () => {
  await tab('Logs').click();
  await page.getByText('Provision', { exact: true }).first().waitFor();
  await page.getByRole('link', { name: '00000001' }).first().waitFor();
  const { status } = await curl(server, [
    ...['-X', 'POST', `${url}/api:v1/stack/alias`, '-H', `Authorization: Token ${token}`],
    ...[...form, '-d', 'myalias=50'],
  ]);
  assert.equal(status, 204);
  await page.getByText('Write', { exact: true }).first().waitFor();
  await page
    .getByText(/myalias/)
    .first()
    .waitFor();
});

test('Resources: the alias that was written is defined with one click, and then holds what is written', async () => {
  await tab('Resources').click();
  await page.getByRole('button', { name: 'Define myalias' }).click();
  const defined = page.getByRole('table', { name: 'Resources' });
  await defined.getByRole('row').filter({ hasText: 'myalias' }).getByRole('cell', { name: 'number' }).waitFor();
  const { status } = await curl(server, [
    ...['-X', 'POST', `${url}/api:v1/stack/alias`, '-H', `Authorization: Token ${token}`],
    ...[...form, '-d', 'myalias=51'],
  ]);
  assert.equal(status, 204);
  await tab('Devices').click();
  await page.getByRole('link', { name: '00000001', exact: true }).click();
  await page.getByRole('row').filter({ hasText: 'myalias' }).getByText('51').first().waitFor();
});

test('Provision with TLS Client Certificate 1: switching the authentication, SAVE', async () => {
  await tab('Settings').click();
  await page.getByRole('radio', { name: 'TLS Client Certificate' }).check();
  await save().click();
  await page.getByText('Saved', { exact: true }).waitFor();
});

test('Provision with TLS Client Certificate 2 to 6: the first write shows two events', async () => {
  await tab('Devices').click();
  await statusIn('00000002', 'Whitelisted').waitFor();
  const { certPath, keyPath } = factory.tutorial('00000002');
  await tab('Logs').click();
  const { status } = await curl(server, [
    ...[`${url}/api:v1/stack/alias`, '-d', 'myalias=55', '--cert', certPath, '--key', keyPath],
  ]);
  assert.equal(status, 204);
  await page.getByRole('link', { name: '00000002' }).nth(1).waitFor();
  const { body } = await server.api(
    'GET',
    `/api:1/service/${id}/device2/events?identity=00000002&types=provisioned,data_in`,
  );
  assert.deepEqual(
    body.events.map((event: { type: string }) => event.type),
    ['data_in', 'provisioned'],
  );
  await tab('Devices').click();
  await statusIn('00000002', 'Provisioned').waitFor();
});

test('Nothing of the walk made an error in the browser, or a request to another host', () => {
  watched.expectClean();
});
