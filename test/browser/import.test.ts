/** "Add many devices" (console.md; tutorial, Whitelist Devices In Bulk): the check, the adding, the undoing, and what may go wrong. */
import assert from 'node:assert/strict';
import { mkdtemp, open, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { eventually, newConnector, type TestConnector } from '../helpers/connector.ts';
import { admin, startServer, type TestServer } from '../helpers/server.ts';
import type { Watched } from './browser.ts';
import { launchBrowser } from './chromium.ts';
import { expectAccessible, expectNoSidewaysScrolling, openConsole } from './console.ts';
import { type Line, openLine } from './line.ts';

let server: TestServer;
let browser: Browser;
let line: Line;
let folder: string;
before(async () => {
  [server, browser] = await Promise.all([startServer(), launchBrowser()]);
  line = await openLine(server);
  folder = await mkdtemp(join(tmpdir(), 'slipway-csv-'));
});
after(async () => {
  await browser?.close();
  await line?.close();
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

const eightDigits = { identity_format: { type: 'base10', prefix: '', options: { casing: 'mixed', length: 8 } } };
const tags = (group: string, code: string) =>
  `"[{""name"": ""group"", ""value"": ""${group}""},{""name"": ""claim_code"", ""value"": ""${code}""}]"`;
const tutorialFile = `ID,TLS Client Certificate,Tags
00000001,,${tags('g1', 'abc')}
00000002,,${tags('g1', 'abc')}
00000003,,${tags('g2', 'def')}
00000004,,${tags('g2', 'def')}
00000005,,${tags('g3', 'def')}
`;

/** Rows of about 200 bytes, none of them known. */
const manyRows = (rows: number) =>
  `ID\n${Array.from({ length: rows }, (_, i) => String(i).padStart(200, 'x')).join('\n')}\n`;

let files = 0;
async function file(text: string, name = `file-${++files}.csv`): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

interface Opened extends Watched {
  readonly connector: TestConnector;
  readonly dialog: Locator;
}

async function openDialog(
  settings: object = eightDigits,
  options: BrowserContextOptions = {},
  through: TestServer = server,
): Promise<Opened> {
  const connector = await newConnector(server, settings);
  const watched = await openConsole(browser, through, `/connectors/${connector.id}/devices?add=many`, options);
  const dialog = watched.page.getByRole('dialog', { name: 'Add many devices' });
  await dialog.getByText('Download identities.csv').waitFor();
  return { ...watched, connector, dialog };
}

/** By the file chooser, as a person does it. */
async function choose({ page, dialog }: Pick<Opened, 'page' | 'dialog'>, path: string, button = 'UPLOAD CSV') {
  const chooser = page.waitForEvent('filechooser');
  await dialog.getByRole('button', { name: button }).click();
  await (await chooser).setFiles(path);
}

const another = 'Choose another file';
const add = (dialog: Locator) => dialog.getByRole('button', { name: 'ADD', exact: true });
const checked = (dialog: Locator) => dialog.getByText('This was a check: nothing has been written').waitFor();

async function figure(dialog: Locator, label: string): Promise<string> {
  return (await dialog.locator('dl > div').filter({ hasText: label }).locator('dd').allInnerTexts()).join(' | ');
}

async function devices(connector: TestConnector, query = ''): Promise<number> {
  return (await connector.api('GET', `/identities/count${query}`)).body.count;
}

const batches = async (connector: TestConnector) => (await connector.api('GET', '/batches')).body.batches;

async function signInAgain(page: Page): Promise<void> {
  const ended = page.getByRole('dialog', { name: 'Your session has ended' });
  await ended.getByLabel('Password').first().fill(admin.password);
  await ended.getByRole('button', { name: 'Sign in' }).click();
  await ended.waitFor({ state: 'detached' });
}

test('UPLOAD CSV, navigate to the identities.csv file, click ADD: now additional devices are whitelisted', async () => {
  const opened = await openDialog();
  const { page, dialog, connector } = opened;
  await choose(opened, await file(tutorialFile, 'identities.csv'));
  await checked(dialog);
  assert.equal(await figure(dialog, 'Rows'), '5');
  assert.equal(await figure(dialog, 'New'), '5');
  assert.equal(await dialog.getByLabel('Activation window').inputValue(), '48 hours');
  assert.equal(await dialog.getByLabel('Name of the batch').inputValue(), 'identities.csv');
  assert.equal(await devices(connector), 0, 'the check has written something');
  await add(dialog).click();
  await dialog.getByText('5 devices added').waitFor();
  assert.equal(await devices(connector, '?tag=claim_code:def&status=whitelisted'), 3);
  const device = await connector.device('00000001');
  const hours = (device.auth.expire - device.created) / 3_600_000_000;
  assert.ok(Math.abs(hours - 48) < 0.1, `${hours} h`);
  await dialog.getByRole('link', { name: 'Show these devices' }).click();
  await dialog.waitFor({ state: 'detached' });
  const [batch] = await batches(connector);
  assert.equal(new URL(page.url()).searchParams.get('batch'), batch.id);
  opened.expectClean();
  await opened.close();
});

test('the sample fits the connector, can be dropped, and all goes by keyboard, undoing too', async () => {
  const mac = { identity_format: { type: 'mac-colon', prefix: 'P-', options: { casing: 'upper', length: 0 } } };
  const opened = await openDialog(mac);
  const { page, dialog, connector } = opened;
  const download = page.waitForEvent('download');
  await dialog.getByRole('button', { name: 'Download identities.csv' }).press('Enter');
  assert.equal((await download).suggestedFilename(), 'identities.csv');
  const sample = await readFile(await (await download).path(), 'utf8');
  const transfer = await page.evaluateHandle(`(() => {
    const data = new DataTransfer();
    data.items.add(new File([${JSON.stringify(sample)}], 'dropped.csv', { type: 'text/csv' }));
    return data;
  })()`);
  await dialog.getByText('or drop the file here').dispatchEvent('drop', { dataTransfer: transfer });
  await checked(dialog);
  await dialog.getByLabel('Name of the batch').focus();
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.type('Lot 7');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await dialog.getByText('5 devices added').waitFor();
  assert.equal(await devices(connector), 5);
  assert.equal((await batches(connector))[0].name, 'Lot 7');
  const question = page.getByRole('dialog', { name: 'Undo this import?' });
  await dialog.getByRole('button', { name: 'Undo Lot 7' }).press('Enter');
  await question.waitFor();
  await page.keyboard.press('Escape');
  await question.waitFor({ state: 'detached' });
  assert.ok(await dialog.isVisible(), 'Escape closed more than the question');
  await dialog.getByRole('button', { name: 'Undo Lot 7' }).press('Enter');
  // A dialog takes the focus a moment after it opens; the key would go to whatever has it.
  await question.locator(':focus').waitFor();
  await question.getByRole('button', { name: 'Remove 5 devices' }).press('Enter');
  await dialog.getByText('Undone: 5 devices removed').waitFor();
  assert.equal(await devices(connector), 0);
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  opened.expectClean();
  await opened.close();
});

test('bad, repeated and known rows are shown with line, column, value, reason and what was expected; bad ones are left out on request', async () => {
  const opened = await openDialog();
  const { page, dialog, connector } = opened;
  await connector.whitelist('00000001');
  await connector.whitelist('00000002', { locked: true });
  const bad = Array.from({ length: 1200 }, (_, i) => `x${i},`).join('\n');
  await choose(
    opened,
    await file(`ID,Tags\n00000001,\n00000002,\n00000003,\n00000003,\n00000004,g1\n${bad}\n`, 'mixed.csv'),
  );
  await checked(dialog);
  assert.equal(await figure(dialog, 'Rows'), '1,205');
  assert.equal(await figure(dialog, 'New'), '1');
  assert.equal(await figure(dialog, 'Already known'), '2 | 1 whitelisted, 1 locked');
  assert.equal(await figure(dialog, 'Repeated in the file'), '1');
  assert.equal(await figure(dialog, 'Bad'), '1,201');
  const badRows = dialog.getByRole('region', { name: 'Bad rows' });
  const cells = (row: number) => badRows.getByRole('row').nth(row).getByRole('cell').allInnerTexts();
  assert.deepEqual(await cells(1), [
    '6',
    'Tags',
    'g1',
    'is not a JSON array',
    'a JSON array such as [{"name":"group","value":"g1"}]',
  ]);
  assert.deepEqual(await cells(2), [
    '7',
    'ID',
    'x0',
    'does not fit the Type of the identity format',
    '8 characters, each 0-9',
  ]);
  await dialog.getByText('The first 1,000 faults are listed').waitFor();
  await dialog.getByRole('button', { name: 'next page' }).click();
  assert.equal((await cells(1))[0], '106');
  const repeated = dialog.getByRole('region', { name: 'Repeated rows' }).getByRole('row').nth(1).getByRole('cell');
  assert.deepEqual(await repeated.allInnerTexts(), ['5', '00000003', '4']);
  assert.ok(await add(dialog).isDisabled());
  await dialog.getByText('Correct the bad rows').waitFor();
  await dialog.getByRole('switch', { name: 'Leave the bad rows out' }).press('Space');
  await dialog.getByLabel('Activation window').fill('0');
  assert.ok(await add(dialog).isDisabled());
  await dialog.getByLabel('Activation window').fill('2');
  await add(dialog).click();
  await dialog.getByText('1 device added').waitFor();
  await dialog.getByText('2 rows were known already and left as they are.').waitFor();
  await dialog.getByText('1,201 rows were bad and left out.').waitFor();
  assert.equal(await devices(connector), 3);
  assert.equal((await connector.device('00000002')).status, 'locked');
  await dialog.getByRole('button', { name: 'Add another file' }).click();
  await choose(opened, await file('ID\n00000001\n'));
  await dialog.getByText('There is no new device in this file.').waitFor();
  assert.ok(await add(dialog).isDisabled());
  await page.keyboard.press('Escape');
  opened.expectClean();
  await opened.close();
});

test('a file that is none says why, an empty one and one of 200 MB too, and the next one is taken', async () => {
  const opened = await openDialog();
  const { dialog } = opened;
  await choose(opened, await file('ID,Colour\na,b\n', 'wrong.csv'));
  await dialog.getByRole('alert').getByText('saw the unknown column "Colour"').waitFor();
  assert.ok(await add(dialog).isDisabled());
  await choose(opened, await file('', 'empty.csv'), another);
  await dialog.getByRole('alert').getByText('empty.csv is empty').waitFor();
  await choose(opened, await file('PK\u0003\u0004\uFFFD', 'book.xlsx'));
  await dialog.getByRole('alert').getByText('save it as "CSV UTF-8"').waitFor();
  const large = await file('ID,Colour\n', 'large.csv');
  await truncate(large, 200_000_000);
  await choose(opened, large, another);
  await dialog.getByText('200 MB').first().waitFor();
  await dialog.getByRole('alert').getByText('saw the unknown column "Colour"').waitFor();
  await choose(opened, await file(tutorialFile), another);
  await checked(dialog);
  opened.expectClean();
  await opened.close();
});

test('a file that changed on the disk since the check is not added, and is checked again when it is chosen again', async () => {
  const opened = await openDialog();
  const { dialog, connector } = opened;
  const path = await file(tutorialFile, 'changing.csv');
  await choose(opened, path);
  await checked(dialog);
  await dialog.getByLabel('Name of the batch').fill('Kept');
  const handle = await open(path, 'a');
  await handle.write(`00000006,,\n`);
  await handle.close();
  await add(dialog).click();
  await dialog.getByRole('alert').getByText('The file has changed since it was chosen').waitFor();
  assert.equal(await devices(connector), 0);
  await choose(opened, path, another);
  await checked(dialog);
  assert.equal(await figure(dialog, 'New'), '6');
  assert.equal(await dialog.getByLabel('Name of the batch').inputValue(), 'Kept');
  opened.expectClean();
  await opened.close();
});

test('settings that changed since the check make the server refuse: the bad rows of now are shown', async () => {
  const opened = await openDialog();
  const { dialog, connector } = opened;
  await choose(opened, await file(tutorialFile));
  await checked(dialog);
  await connector.set({ identity_format: { options: { length: 4 } } });
  await add(dialog).click();
  await dialog.getByRole('alert').getByText('Something has changed since the check').waitFor();
  assert.equal(await figure(dialog, 'Bad'), '5');
  await dialog.getByRole('cell', { name: 'does not fit the Length of the identity format' }).first().waitFor();
  assert.equal(await devices(connector), 0);
  opened.expectClean();
  await opened.close();
});

test('a session that ended keeps file and choices, and ADD can be tried again', async () => {
  const opened = await openDialog();
  const { page, dialog, context, connector } = opened;
  await context.clearCookies();
  await choose(opened, await file(tutorialFile));
  await signInAgain(page);
  await dialog.getByRole('alert').getByRole('button', { name: 'Try again' }).click();
  await checked(dialog);
  await dialog.getByLabel('Name of the batch').fill('Late shift');
  await context.clearCookies();
  await add(dialog).click();
  await signInAgain(page);
  await dialog.getByRole('alert').getByText('Nothing was written; the file and your choices are still here').waitFor();
  await dialog.getByRole('alert').getByRole('button', { name: 'Try again' }).click();
  await dialog.getByText('5 devices added').waitFor();
  assert.equal((await batches(connector))[0].name, 'Late shift');
  opened.expectClean(/status of 401/);
  await opened.close();
});

test('a check can be cancelled, and ends with the dialog: the server keeps nothing', async () => {
  const opened = await openDialog({}, {}, line.server);
  const { page, dialog } = opened;
  const staged = () => readdir(join(server.data, 'imports'));
  const path = await file(manyRows(60_000));
  for (const end of ['Cancel the check', 'Close'] as const) {
    line.holdUpload(1_000_000);
    const failed = page.waitForEvent('requestfailed');
    await choose(opened, path);
    await dialog.getByText(/^Sending the file: .* of 12 MB$/).waitFor();
    await dialog.getByRole('button', { name: end }).click();
    assert.match((await failed).url(), /dry_run=true/);
    line.release();
    await eventually('the staged rows are dropped', async () => (await staged()).length === 0);
  }
  await dialog.waitFor({ state: 'detached' });
  opened.expectClean();
  await opened.close();
});

test('a server lost in the middle of an upload says that nothing was written, and is tried again once it is back', async () => {
  const opened = await openDialog({}, {}, line.server);
  const { dialog, connector } = opened;
  line.holdUpload(1_000_000);
  await choose(opened, await file(manyRows(60_000)));
  await dialog.getByText(/^Sending the file/).waitFor();
  await dialog.getByLabel('Name of the batch').fill('Kept');
  line.cut();
  await dialog.getByRole('alert').getByText('The server cannot be reached').waitFor();
  await dialog.getByRole('alert').getByText('Nothing was written').waitFor();
  line.release();
  line.mend();
  await dialog.getByRole('button', { name: 'Try again' }).click();
  await checked(dialog);
  assert.equal(await dialog.getByLabel('Name of the batch').inputValue(), 'Kept');
  line.holdUpload(1_000_000);
  await add(dialog).click();
  await dialog.getByText(/^Sending the file/).waitFor();
  line.cut();
  await dialog.getByText('Whether they were added is not known yet').waitFor();
  line.release();
  line.mend();
  await dialog.getByText('nothing of the file was written').waitFor();
  assert.equal(await devices(connector), 0);
  await dialog.getByRole('button', { name: 'Try again' }).click();
  await dialog.getByText('60,000 devices added').waitFor();
  assert.deepEqual(
    (await batches(connector)).map(({ name }: { name: string }) => name),
    ['Kept'],
  );
  opened.expectClean(/Failed to load resource/);
  await opened.close();
});

test('a server lost while it writes goes on by itself, and the result is found', async () => {
  const opened = await openDialog({}, {}, line.server);
  const { dialog, connector } = opened;
  await choose(opened, await file(manyRows(20_000), 'lot.csv'));
  await checked(dialog);
  line.holdAfter('"phase":"writing"');
  await add(dialog).click();
  await dialog.getByText(/^Writing: [\d,]+ of 20,000 rows written$/).waitFor();
  line.cut();
  await dialog.getByText('Whether they were added is not known yet').waitFor();
  line.release();
  line.mend();
  await dialog.getByText('20,000 devices added').waitFor();
  assert.equal((await batches(connector)).length, 1);
  opened.expectClean(/Failed to load resource/);
  await opened.close();
});

test('closing while the server writes asks; it goes on by itself and tells when it is done', async () => {
  const opened = await openDialog({}, {}, line.server);
  const { page, dialog, connector } = opened;
  await choose(opened, await file(manyRows(20_000), 'lot.csv'));
  await checked(dialog);
  line.holdAfter('"phase":"writing"');
  await add(dialog).click();
  await dialog.getByText(/rows written$/).waitFor();
  const question = page.getByRole('dialog', { name: 'Close while the devices are being added?' });
  await page.keyboard.press('Escape');
  await question.getByText('goes on by itself').waitFor();
  await page.keyboard.press('Escape');
  await question.waitFor({ state: 'detached' });
  await dialog.getByText(/rows written$/).waitFor();
  await page.keyboard.press('Escape');
  await question.getByRole('button', { name: 'Close and let it go on' }).click();
  await dialog.waitFor({ state: 'detached' });
  line.release();
  await page.getByRole('alert').getByText('20,000 devices added').waitFor();
  assert.equal(await devices(connector), 20_000);
  opened.expectClean();
  await opened.close();
});

test('closing while the file is still on its way asks, stops it, and nothing is written', async () => {
  const opened = await openDialog({}, {}, line.server);
  const { page, dialog, connector } = opened;
  await choose(opened, await file(manyRows(60_000)));
  await checked(dialog);
  line.holdUpload(1_000_000);
  await add(dialog).click();
  await dialog.getByText(/^Sending the file/).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Stop and close' }).click();
  await dialog.waitFor({ state: 'detached' });
  line.release();
  await eventually('it is dropped', async () => (await readdir(join(server.data, 'imports'))).length === 0);
  assert.deepEqual(await batches(connector), []);
  opened.expectClean();
  await opened.close();
});

test('earlier imports lead to their devices and are undone; one that has provisioned meanwhile explains why not', async () => {
  const opened = await openDialog();
  const { page, dialog, connector } = opened;
  for (const [name, id] of [
    ['first', '00000001'],
    ['second', '00000002'],
  ]) {
    const form = new FormData();
    form.set('identities', new File([`ID\n${id}\n`], `${name}.csv`));
    await connector.api('POST', '/identities', form);
  }
  await connector.activate('00000002');
  await dialog.getByRole('button', { name: 'Earlier imports' }).click();
  const row = (name: string) => dialog.getByRole('row').filter({ hasText: name });
  await row('first.csv').getByText(admin.email).waitFor();
  await row('second.csv').getByRole('button', { name: 'Undo' }).click();
  const question = page.getByRole('dialog', { name: 'Undo this import?' });
  await question.getByText('cannot be undone any more').waitFor();
  await question.getByText('1 device of this one has').waitFor();
  assert.equal(await question.getByRole('button', { name: 'Remove 1 device' }).isDisabled(), true);
  await question.getByRole('button', { name: 'Cancel' }).click();
  await row('first.csv').getByRole('button', { name: 'Undo' }).click();
  await question.getByRole('button', { name: 'Remove 1 device' }).click();
  await row('first.csv').getByText('Undone').waitFor();
  assert.equal(await devices(connector), 1);
  await row('second.csv').getByRole('link', { name: 'second.csv' }).click();
  const second = (await batches(connector)).find(({ name }: { name: string }) => name === 'second.csv');
  await page.waitForURL(`**/devices?batch=${second.id}`);
  opened.expectClean(/status of 409/);
  await opened.close();
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`every state is accessible and fits on a narrow screen, ${colorScheme}`, async () => {
    const opened = await openDialog(eightDigits, { colorScheme, viewport: { width: 380, height: 800 } });
    const { page, dialog } = opened;
    const faint = `[...document.querySelectorAll('[role=dialog]')].some((part) => getComputedStyle(part).opacity < 1)`;
    const look = async () => {
      // A dialog that is still fading in has other colours than it will have.
      await eventually('dialogs have come in', async () => !(await page.evaluate(faint)));
      await expectAccessible(page);
      await expectNoSidewaysScrolling(page);
    };
    await look();
    await choose(opened, await file('ID,Colour\n', `${'long-name-'.repeat(20)}.csv`));
    await dialog.getByRole('alert').waitFor();
    await look();
    const long = `${'9'.repeat(256)},no`;
    await choose(opened, await file(`ID,Tags\n00000001,\n00000001,\n${`${long}\n`.repeat(150)}`), another);
    await checked(dialog);
    await look();
    await dialog.getByRole('switch').press('Space');
    await add(dialog).click();
    await dialog.getByText('1 device added').waitFor();
    await dialog.getByRole('button', { name: 'Earlier imports' }).click();
    await dialog.getByRole('cell', { name: 'Added' }).waitFor();
    await look();
    await dialog.getByRole('button', { name: /^Undo/ }).first().click();
    await page.getByRole('dialog', { name: 'Undo this import?' }).waitFor();
    await look();
    opened.expectClean();
    await opened.close();
  });
}
