/** The Devices page: finding, adding and changing devices by clicking, as a person does it. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { eventually, newConnector, type TestConnector } from '../helpers/connector.ts';
import { startServer, type TestServer } from '../helpers/server.ts';
import { runTool } from '../helpers/tool.ts';
import type { Watched } from './browser.ts';
import { launchBrowser } from './chromium.ts';
import { expectAccessible, expectNoSidewaysScrolling, openConsole } from './console.ts';

let server: TestServer;
let browser: Browser;
before(async () => {
  [server, browser] = await Promise.all([startServer(), launchBrowser()]);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const digits = { identity_format: { type: 'base10', options: { length: 8 } } };

const openDevices = (connector: TestConnector, query = '', options: BrowserContextOptions = {}): Promise<Watched> =>
  openConsole(browser, server, `/connectors/${connector.id}/devices${query}`, options);

const row = (page: Page, identity: string) =>
  page.getByRole('row').filter({ has: page.getByRole('link', { name: identity, exact: true }) });
const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name, exact: true });
/** Identities in the order of the table. */
const listed = (page: Page) =>
  page.locator('tbody tr').evaluateAll((rows) => rows.map((row) => row.querySelector('a')?.getAttribute('aria-label')));

/** Waits until the table shows just these, in this order. */
const expectListed = (page: Page, identities: readonly string[]) =>
  eventually(`the list is ${identities.join(', ')}`, async () => {
    const now = await listed(page);
    return now.length === identities.length && identities.every((identity, at) => now[at] === identity);
  });

const expectFocus = (control: Locator) => control.and(control.page().locator(':focus')).waitFor();

/** Devices by a CSV file; the last row is the newest. */
async function importDevices(connector: TestConnector, identities: readonly string[], name = 'lot'): Promise<void> {
  const headers = { 'content-type': 'text/csv' };
  const path = `/api:1/service/${connector.id}/device2/identities?name=${name}`;
  const answer = await server.api('POST', path, `ID\n${identities.join('\n')}\n`, headers);
  assert.equal(answer.status, 200, answer.text);
}

test('one device is added as the tutorial does it: checked as it is typed, 48 hours, listed with the tag icon', async () => {
  const connector = await newConnector(server, digits);
  const watched = await openDevices(connector);
  const { page } = watched;
  await page.getByRole('heading', { name: 'No device yet' }).waitFor();
  await button(page, '+ NEW DEVICE(S)').click();
  await page.getByRole('menuitem', { name: 'Add one device' }).click();
  const dialog = page.getByRole('dialog', { name: 'Add one device' });
  await dialog.getByText('8 characters, each 0-9.').waitFor();
  await dialog.getByLabel('Identity').fill('0000x');
  await dialog.getByText('Expected: 8 characters, each 0-9').waitFor();
  assert.equal(await dialog.getByRole('button', { name: 'ADD', exact: true }).isDisabled(), true);
  await dialog.getByLabel('Identity').fill('0000001');
  await dialog.getByText('this has 7').waitFor();
  await dialog.getByLabel('Identity').fill('00000001');
  await dialog.getByText('It fits the format').waitFor();
  assert.equal(await dialog.getByLabel('Activation period').inputValue(), '48 hours');
  await dialog.getByText('It has to provision before').waitFor();
  await dialog.getByRole('button', { name: 'Add a tag' }).click();
  await dialog.getByRole('combobox', { name: 'Tag name' }).fill('group');
  await dialog.getByRole('combobox', { name: 'Tag value' }).fill('g1');
  const asked = Date.now() * 1000;
  await dialog.getByRole('button', { name: 'ADD', exact: true }).click();
  await dialog.waitFor({ state: 'hidden' });
  await row(page, '00000001').getByRole('img', { name: 'Whitelisted' }).hover();
  await page.getByRole('tooltip').getByText('Let in, not provisioned yet').waitFor();
  await row(page, '00000001').getByRole('button', { name: 'group: g1' }).waitFor();
  await page.getByText('1 device', { exact: true }).waitFor();
  const { auth, tags } = await connector.device('00000001');
  assert.ok(auth.expire >= asked + 48 * 3_600_000_000 && auth.expire <= Date.now() * 1000 + 48 * 3_600_000_000);
  assert.deepEqual(tags, { group: ['g1'] });
  watched.expectClean();
  await watched.close();
});

test('the copied command provisions the device, and the list shows it without a reload', async () => {
  const connector = await newConnector(server, digits);
  await connector.whitelist('00000001');
  const watched = await openDevices(connector);
  const { page } = watched;
  await page.getByRole('heading', { name: 'How a device provisions' }).waitFor();
  await button(page, /^Copy Provision/).click();
  const command = (await page.evaluate('navigator.clipboard.readText()')) as string;
  const { stdout, stderr } = await runTool('sh', ['-c', command.replace(/^curl/, 'curl -sS')]);
  assert.match(stdout.toString(), /^[0-9a-f]{40}$/, stderr);
  await row(page, '00000001').getByRole('img', { name: 'Provisioned' }).waitFor();
  await row(page, '00000001').getByText('online', { exact: true }).waitFor();
  await row(page, '00000001').getByText('127.0.0.1').waitFor();
  await button(page, 'How a device provisions').click();
  await page.getByText('Write a value').waitFor({ state: 'hidden' });
  await page.reload();
  await row(page, '00000001').waitFor();
  assert.equal(await button(page, 'How a device provisions').getAttribute('aria-expanded'), 'false');
  await connector.set({ provisioning: { auth_type: 'certificate', enabled: false } });
  await page.reload();
  await button(page, 'How a device provisions').click();
  await page.getByText('openssl req -x509').waitFor();
  await page.getByText('Provisioning is switched off').waitFor();
  watched.expectClean();
  await watched.close();
});

test('the activation period is that of the connector where it was set there, and a wrong one is told of, not changed', async () => {
  const connector = await newConnector(server, { provisioning: { expire_hours: 12 } });
  const watched = await openDevices(connector, '?add=one');
  const { page } = watched;
  const dialog = page.getByRole('dialog', { name: 'Add one device' });
  const period = dialog.getByLabel('Activation period');
  await dialog.getByLabel('Identity').fill('a');
  await eventually('the hours are the connector’s', async () => (await period.inputValue()) === '12 hours');
  for (const wrong of ['-5', '9999999']) {
    await period.fill(wrong);
    await dialog.getByLabel('Identity').focus();
    await dialog.getByText('A number of hours above 0, up to 87,600').waitFor();
    assert.equal(await period.inputValue(), `${wrong} hours`);
    assert.equal(await dialog.getByRole('button', { name: 'ADD', exact: true }).isDisabled(), true);
  }
  await period.fill('2');
  await dialog.getByRole('button', { name: 'ADD', exact: true }).click();
  await row(page, 'a').waitFor();
  const { auth, created } = await connector.device('a');
  assert.ok(Math.abs((auth.expire - created) / 3_600_000_000 - 2) < 0.1);
  watched.expectClean();
  await watched.close();
});

test('a known identity is answered kindly, with a link to it; what was typed stays, and another can be added', async () => {
  const connector = await newConnector(server, digits);
  await connector.whitelist('00000001');
  const watched = await openDevices(connector, '?add=one');
  const { page } = watched;
  const dialog = page.getByRole('dialog', { name: 'Add one device' });
  await dialog.getByLabel('Add another').check();
  await dialog.getByLabel('Identity').fill('00000001');
  await page.keyboard.press('Enter');
  await dialog.getByText('This device is already here').waitFor();
  const known = dialog.getByRole('alert').getByRole('link', { name: '00000001' });
  assert.match((await known.getAttribute('href')) ?? '', /\/devices\/00000001$|\/devices\/%2200000001%22$/);
  assert.equal(await dialog.getByLabel('Identity').inputValue(), '00000001');
  await dialog.getByLabel('Identity').fill('00000002');
  await page.keyboard.press('Enter');
  await dialog.getByRole('status').getByText('was added').waitFor();
  assert.equal(await dialog.getByLabel('Identity').inputValue(), '');
  await page.keyboard.type('00000003');
  await page.keyboard.press('Enter');
  await dialog.getByRole('link', { name: '00000003' }).waitFor();
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'hidden' });
  await expectListed(page, ['00000003', '00000002', '00000001']);
  watched.expectClean(/status of 409/);
  await watched.close();
});

test('the server makes an identity where the settings allow it', async () => {
  const connector = await newConnector(server, { ...digits, provisioning: { generate_identity: true } });
  const watched = await openDevices(connector, '?add=one');
  await button(watched.page, 'Let the server make one').click();
  await watched.page.getByRole('link', { name: /^\d{8}$/ }).waitFor();
  assert.equal((await connector.api('GET', '/identities/count')).body.count, 1);
  watched.expectClean();
  await watched.close();
});

test('a credential is set beforehand: the device is provisioned at once and for good; a wrong one is told of at its field', async () => {
  const connector = await newConnector(server, digits);
  const watched = await openDevices(connector, '?add=one');
  const { page } = watched;
  const dialog = page.getByRole('dialog', { name: 'Add one device' });
  await dialog.getByLabel('Identity').fill('00000001');
  await dialog.getByRole('button', { name: 'Advanced' }).click();
  await dialog.getByText('Certificate', { exact: true }).click();
  await dialog.getByRole('textbox', { name: 'Certificate' }).fill('no certificate');
  await dialog.getByRole('button', { name: 'ADD', exact: true }).click();
  await dialog.getByText('This is no valid PEM certificate').waitFor();
  await dialog.getByText('Token', { exact: true }).click();
  await dialog.getByRole('textbox', { name: 'Token' }).fill('too short');
  await dialog.getByRole('button', { name: 'ADD', exact: true }).click();
  await dialog.getByText('Saw 9 characters; expected a token of 40 lower-case hex digits').waitFor();
  const token = '0123456789abcdef0123456789abcdef01234567';
  await dialog.getByRole('textbox', { name: 'Token' }).fill(token);
  await dialog.getByRole('button', { name: 'ADD', exact: true }).click();
  await row(page, '00000001').getByRole('img', { name: 'Provisioned' }).waitFor();
  assert.equal((await connector.device('00000001')).auth.expire, undefined);
  assert.equal(await connector.write('a=1', { token }), 204);
  watched.expectClean(/status of 400/);
  await watched.close();
});

test('each filter finds its devices, stands in the address and can be taken away', async () => {
  const connector = await newConnector(server);
  await importDevices(connector, ['pump-1', 'pump-2', 'valve-1'], 'evening');
  await connector.whitelist('valve-2', { tags: { site: ['north'], line: ['4'] } });
  await connector.change('pump-1', { tags: { site: ['north'] } });
  await connector.change('pump-2', { locked: true });
  const watched = await openDevices(connector);
  const { page } = watched;
  const clear = () => button(page, 'Clear all').click();
  await row(page, 'pump-1').waitFor();

  await page.keyboard.press('/');
  await page.keyboard.type('pump');
  await page.getByText('2 devices fit').waitFor();
  await expectListed(page, ['pump-2', 'pump-1']);
  await expectFocus(page.getByLabel('Search identities'));
  assert.match(page.url(), /identity=pump/);
  await page.keyboard.type('*1');
  await expectListed(page, ['pump-1']);
  await button(page, 'Identity: pump*1, remove this filter').click();
  await page.getByText('4 devices', { exact: true }).waitFor();
  assert.equal(await page.getByLabel('Search identities').inputValue(), '');

  await button(page, 'Status').click();
  await page.getByText('Device status icons and their meanings').waitFor();
  for (const name of ['Whitelisted', 'Provisioned', 'Reprovision', 'Expired', 'Locked']) {
    await page.getByRole('menuitemradio', { name: new RegExp(`^${name}`) }).waitFor();
  }
  await page.getByRole('menuitemradio', { name: /^Locked/ }).click();
  await expectListed(page, ['pump-2']);
  await clear();

  await row(page, 'pump-1').getByRole('button', { name: 'site: north' }).click();
  await expectListed(page, ['valve-2', 'pump-1']);
  await button(page, 'Tag: 1').click();
  await page.getByRole('combobox', { name: 'Tag name' }).fill('li');
  await page.getByRole('option', { name: 'line' }).click();
  await page.getByRole('combobox', { name: 'Tag value' }).click();
  await page.getByRole('option', { name: /^4/ }).click();
  await button(page, 'Show devices with this tag').click();
  await expectListed(page, ['valve-2']);
  await page.reload();
  await expectListed(page, ['valve-2']);
  await button(page, 'Tag line: 4, remove this filter').click();
  await expectListed(page, ['valve-2', 'pump-1']);
  await clear();

  await row(page, 'valve-1').getByRole('link', { name: 'evening' }).click();
  await page.getByText('3 devices fit').waitFor();
  await button(page, 'Batch: evening, remove this filter').waitFor();
  await button(page, 'Online').click();
  await page.getByRole('menuitemradio', { name: /^Online/ }).click();
  await page.getByRole('heading', { name: 'No device fits these filters' }).waitFor();
  await button(page, 'Clear filters').click();
  await expectListed(page, ['valve-2', 'valve-1', 'pump-2', 'pump-1']);
  await page.goBack();
  await page.getByRole('heading', { name: 'No device fits these filters' }).waitFor();
  watched.expectClean();
  await watched.close();
});

test('headers sort and say how; pages are walked forth and back, and a link leads to the same page', async () => {
  const connector = await newConnector(server);
  const identities = Array.from({ length: 120 }, (_, i) => `n${String(i).padStart(3, '0')}`);
  await importDevices(connector, identities);
  const watched = await openDevices(connector);
  const { page } = watched;
  const header = (name: string) => page.getByRole('columnheader', { name });
  await row(page, 'n119').waitFor();
  assert.equal(await header('Last activity').getAttribute('aria-sort'), 'descending');
  await row(page, 'n119').getByText('added just now').waitFor();
  await page.getByLabel('Select all on this page').click();
  await page.getByText('50 selected, all on this page').waitFor();
  await button(page, 'Clear the selection').click();
  await button(page, 'Identity').click();
  await expectListed(page, identities.slice(0, 50));
  assert.equal(await header('Identity').getAttribute('aria-sort'), 'ascending');
  assert.equal(await header('Last activity').getAttribute('aria-sort'), 'none');
  await page.getByText('1–50 of 120').waitFor();
  assert.equal(await button(page, 'Previous').isDisabled(), true);
  await button(page, 'Next').click();
  await expectListed(page, identities.slice(50, 100));
  await button(page, 'Next').click();
  await expectListed(page, identities.slice(100));
  await page.getByText('101–120 of 120').waitFor();
  assert.equal(await button(page, 'Next').isDisabled(), true);
  await page.reload();
  await expectListed(page, identities.slice(100));
  await button(page, 'Previous').click();
  await expectListed(page, identities.slice(50, 100));
  await button(page, 'Identity').click();
  await expectListed(page, identities.toReversed().slice(0, 50));
  await button(page, 'Created').click();
  await eventually(
    'the column is sorted',
    async () => (await header('Created').getAttribute('aria-sort')) === 'descending',
  );
  watched.expectClean();
  await watched.close();
});

test('an address with a cursor of another list leads back to the first page', async () => {
  const connector = await newConnector(server);
  await connector.whitelist('a');
  const watched = await openDevices(connector, '?pages=%5B%22wrong%22%5D');
  await watched.page.getByRole('alert').getByText('CURSOR_INVALID').waitFor();
  await button(watched.page, 'Try again').click();
  await row(watched.page, 'a').waitFor();
  watched.expectClean(/status of 400/);
  await watched.close();
});

test('many are selected by shift, and locked, unlocked and tagged', async () => {
  const connector = await newConnector(server);
  await importDevices(connector, ['a', 'b', 'c', 'd', 'e']);
  const watched = await openDevices(connector, '?sort=identity');
  const { page } = watched;
  const bar = page.getByRole('region', { name: 'Selected devices' });
  const select = (identity: string) => page.getByLabel(`Select ${identity}`, { exact: true });
  await select('b').click();
  await select('d').click({ modifiers: ['Shift'] });
  await bar.getByText('3 selected').waitFor();
  await bar.getByRole('button', { name: 'Lock', exact: true }).click();
  await page.getByText('3 devices locked').waitFor();
  for (const identity of ['b', 'c', 'd']) await row(page, identity).getByRole('img', { name: 'Locked' }).waitFor();
  assert.deepEqual(
    await Promise.all(['a', 'b', 'd', 'e'].map(async (identity) => (await connector.device(identity)).locked)),
    [false, true, true, false],
  );
  await bar.getByRole('button', { name: 'Unlock' }).click();
  await page.getByText('3 devices unlocked').waitFor();
  await page.getByLabel('Select all on this page').click();
  await bar.getByText('5 selected').waitFor();
  await bar.getByRole('button', { name: 'Tag…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Tag 5 devices' });
  await dialog.getByRole('combobox', { name: 'Tag name' }).fill('site');
  await dialog.getByRole('combobox', { name: 'Tag value' }).fill('north');
  await dialog.getByRole('button', { name: 'Set the tag' }).click();
  await row(page, 'e').getByRole('button', { name: 'site: north' }).waitFor();
  assert.deepEqual((await connector.device('a')).tags, { site: ['north'] });
  await bar.getByRole('button', { name: 'Tag…' }).click();
  await dialog.getByRole('combobox', { name: 'Tag name' }).fill('site');
  await dialog.getByRole('button', { name: 'Remove the tag' }).click();
  await row(page, 'a').getByRole('button', { name: 'site: north' }).waitFor({ state: 'hidden' });
  await page.getByText('5 devices no longer tagged site').waitFor();
  await bar.getByRole('button', { name: 'Clear the selection' }).click();
  await bar.waitFor({ state: 'hidden' });
  watched.expectClean();
  await watched.close();
});

test('revoking and deleting ask first and name the number; who failed is named with the reason, and tried again', async () => {
  const connector = await newConnector(server);
  await connector.provision('a');
  await connector.whitelist('b');
  const watched = await openDevices(connector);
  const { page } = watched;
  const bar = page.getByRole('region', { name: 'Selected devices' });
  await page.getByLabel('Select all on this page').click();
  await bar.getByRole('button', { name: 'Reprovision' }).click();
  await bar.getByText('1 device failed, 1 may provision once more').waitFor();
  const failed = bar.getByRole('list', { name: 'Devices that failed' });
  await failed.getByText('expected a provisioned device').waitFor();
  assert.equal(await failed.getByRole('listitem').count(), 1);
  await row(page, 'a').getByRole('img', { name: 'Reprovision' }).waitFor();
  await connector.activate('b');
  await bar.getByRole('button', { name: 'Try again for 1 device' }).click();
  await page.getByText('1 device may provision once more').waitFor();
  await bar.getByRole('button', { name: 'Revoke' }).click();
  await page.getByRole('dialog', { name: 'Revoke 2 devices?' }).getByRole('button', { name: 'Cancel' }).click();
  assert.equal((await connector.device('a')).status, 'reprovision');
  await bar.getByRole('button', { name: 'Revoke' }).click();
  await button(page, 'Revoke 2 devices').click();
  await row(page, 'b').getByRole('img', { name: 'Expired' }).waitFor();
  await bar.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('dialog', { name: 'Delete 2 devices?' }).getByText('This cannot be undone').waitFor();
  await button(page, 'Delete 2 devices').click();
  await page.getByRole('heading', { name: 'No device yet' }).waitFor();
  assert.equal((await connector.api('GET', '/identities/count')).body.count, 0);
  watched.expectClean(/status of 409/);
  await watched.close();
});

test('activation windows of many are opened again; a device with a credential keeps it, without an end', async () => {
  const connector = await newConnector(server);
  await connector.provision('a');
  for (const closed of ['b', 'c']) await connector.whitelist(closed, { auth: { expire: 0 } });
  const watched = await openDevices(connector);
  const { page } = watched;
  const bar = page.getByRole('region', { name: 'Selected devices' });
  await page.getByLabel('Select all on this page').click();
  await bar.getByRole('button', { name: 'Activation window…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Activation window of 3 devices' });
  await dialog.getByLabel('Hours from now').fill('72');
  await page.keyboard.press('Enter');
  await bar.getByText('1 device failed, 2 may provision').waitFor();
  await bar.getByText('It has a credential already').waitFor();
  for (const name of ['b', 'c']) {
    await row(page, name).getByRole('img', { name: 'Whitelisted' }).waitFor();
    const { expire } = (await connector.device(name)).auth;
    assert.ok(Math.abs(expire / 3_600_000_000 - Date.now() / 3_600_000 - 72) < 0.1);
  }
  assert.equal((await connector.device('a')).auth.expire, undefined);
  watched.expectClean();
  await watched.close();
});

test('everything is reached by keyboard: the menu, the dialog, the button', async () => {
  const connector = await newConnector(server);
  const watched = await openDevices(connector);
  const { page } = watched;
  await page.getByRole('heading', { name: 'No device yet' }).waitFor();
  await button(page, '+ NEW DEVICE(S)').focus();
  await page.keyboard.press('Enter');
  await page.getByRole('menuitem', { name: 'Add one device' }).waitFor();
  await expectFocus(page.getByRole('menuitem', { name: 'Add one device' }));
  await page.keyboard.press('Enter');
  const field = page.getByRole('dialog').getByLabel('Identity');
  await expectFocus(field);
  await page.keyboard.type('by hand');
  await page.keyboard.press('Enter');
  await row(page, 'by hand').waitFor();
  for (const name of ['Add one device', 'Add many devices']) {
    await button(page, '+ NEW DEVICE(S)').focus();
    await page.keyboard.press('Enter');
    await page.getByRole('menuitem', { name }).press('Enter');
    const dialog = page.getByRole('dialog', { name });
    await expectFocus(dialog.locator('*'));
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    await expectFocus(button(page, '+ NEW DEVICE(S)'));
  }
  watched.expectClean();
  await watched.close();
});

test('a server that is gone, or has ended the session, takes nothing of what was typed', async () => {
  const own = await startServer();
  const connector = await newConnector(own);
  const watched = await openConsole(browser, own, `/connectors/${connector.id}/devices?add=one`);
  const { page } = watched;
  const dialog = page.getByRole('dialog', { name: 'Add one device' });
  await dialog.getByLabel('Identity').fill('typed with care');
  await watched.context.clearCookies();
  await dialog.getByRole('button', { name: 'ADD', exact: true }).click();
  const again = page.getByRole('dialog', { name: 'Your session has ended' });
  await again.getByLabel('Password').first().fill('correct-horse-battery');
  await again.getByRole('button', { name: 'Sign in' }).click();
  await again.waitFor({ state: 'hidden' });
  assert.equal(await dialog.getByLabel('Identity').inputValue(), 'typed with care');
  await page.route('**/identity/typed*', (route) => route.abort());
  await dialog.getByRole('button', { name: 'ADD', exact: true }).click();
  await dialog.getByRole('alert').getByText('The server cannot be reached').waitFor();
  await page.unroute('**/identity/typed*');
  assert.equal(await dialog.getByLabel('Identity').inputValue(), 'typed with care');
  await dialog.getByRole('button', { name: 'ADD', exact: true }).click();
  await row(page, 'typed with care').waitFor();
  watched.expectClean(/status of 401|Failed to load resource/);
  await watched.close();
  await own.stop();
});

test('the list that fails says why and is asked again', async () => {
  const connector = await newConnector(server);
  await connector.whitelist('a');
  const watched = await openDevices(connector, '?tag=%5B%22nocolon%22%5D');
  const { page } = watched;
  await page.getByRole('alert').getByText('<name>:<value>').waitFor();
  await button(page, 'Clear all').click();
  await row(page, 'a').waitFor();
  watched.expectClean(/status of 400/);
  await watched.close();
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`the page and its dialogs are accessible and fit on a narrow screen, ${colorScheme}`, async () => {
    const long = `${'x'.repeat(240)}-end of it`;
    const connector = await newConnector(server, { provisioning: { generate_identity: true } });
    const watched = await openDevices(connector, '', { colorScheme, viewport: { width: 380, height: 800 } });
    const { page } = watched;
    const check = async () => {
      await expectAccessible(page);
      await expectNoSidewaysScrolling(page);
    };
    await page.getByRole('heading', { name: 'No device yet' }).waitFor();
    await check();
    const tags = Object.fromEntries(Array.from({ length: 64 }, (_, i) => [`tag ${i}`, ['y'.repeat(200)]]));
    await connector.whitelist(long, { tags });
    await connector.whitelist('locked', { locked: true, auth: { expire: 0 } });
    await connector.provision('ready');
    await row(page, long).waitFor();
    await page.getByText('Write a value').waitFor({ state: 'hidden' });
    await check();
    await button(page, 'Status').click();
    await page.getByRole('menuitemradio', { name: /^Locked/ }).waitFor();
    await check();
    await page.keyboard.press('Escape');
    await button(page, 'Tag').click();
    await page.getByRole('combobox', { name: 'Tag name' }).waitFor();
    await check();
    await page.keyboard.press('Escape');
    await button(page, 'How a device provisions').click();
    await page.getByText('Write a value').waitFor();
    await page.getByLabel('Select all on this page').click();
    await page.getByText('3 selected').waitFor();
    await check();
    await button(page, 'Delete').click();
    await button(page, 'Delete 3 devices').waitFor();
    await check();
    await button(page, 'Cancel').click();
    await button(page, 'Reprovision').click();
    await page.getByText('2 devices failed').waitFor();
    await check();
    await button(page, '+ NEW DEVICE(S)').click();
    await page.getByRole('menuitem', { name: 'Add one device' }).click();
    const dialog = page.getByRole('dialog', { name: 'Add one device' });
    await dialog.getByLabel('Identity').fill(' wrong');
    await dialog.getByRole('button', { name: 'Add a tag' }).click();
    await dialog.getByRole('button', { name: 'Advanced' }).click();
    await dialog.getByText('Password', { exact: true }).click();
    await dialog.getByRole('textbox', { name: 'Password' }).waitFor();
    await check();
    await page.setViewportSize({ width: 1280, height: 860 });
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    await row(page, long)
      .getByRole('button', { name: /all 64 tags/ })
      .click();
    await page.getByRole('button', { name: /^tag 63/ }).waitFor();
    await check();
    watched.expectClean(/status of 409/);
    await watched.close();
  });
}
