/** Settings of a connector, as a person meets them: the tutorial's steps, what a change affects, clashes, faults, PKI. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { type Factory, openFactory } from '../helpers/authority.ts';
import { eventually, newConnector, type TestConnector } from '../helpers/connector.ts';
import { caExtensions, openWorkshop } from '../helpers/openssl.ts';
import { admin, startServer, type TestServer } from '../helpers/server.ts';
import { runTool } from '../helpers/tool.ts';
import type { Watched } from './browser.ts';
import { launchBrowser } from './chromium.ts';
import { expectAccessible, expectNoSidewaysScrolling, openConsole } from './console.ts';

let server: TestServer;
let browser: Browser;
let factory: Factory;
before(async () => {
  [server, browser] = await Promise.all([startServer(), launchBrowser()]);
  factory = openFactory();
});
after(async () => {
  await browser?.close();
  await server?.stop();
  factory?.remove();
});

async function openSettings(connector: TestConnector, search = '', options: BrowserContextOptions = {}) {
  const watched = await openConsole(
    browser,
    connector.server,
    `/connectors/${connector.id}/settings${search}`,
    options,
  );
  await watched.page.getByRole('heading', { name: 'General' }).waitFor();
  return watched;
}

const settingsOf = async (connector: TestConnector) => (await connector.api('GET', '')).body;
const save = (page: Page) => page.getByRole('button', { name: 'SAVE', exact: true }).click();
const saved = (page: Page) => page.getByRole('alert').getByText('Saved').waitFor();
const untouched = (page: Page) => page.getByRole('status').getByText('Nothing to save').waitFor();

async function finish(watched: Watched, expected?: RegExp): Promise<void> {
  watched.expectClean(expected);
  await watched.close();
}

test('the tutorial: Settings, Provisioning, Prefix, Type, Length, two boxes unchecked, SAVE', async () => {
  const connector = await newConnector(server);
  const watched = await openConsole(browser, server);
  const { page } = watched;
  await page.getByRole('link', { name: connector.name }).click();
  await page.getByRole('tab', { name: 'Settings' }).click();
  assert.equal(await page.getByLabel('Token').isChecked(), true, 'the default authentication is token based');
  await page.getByRole('heading', { name: 'Provisioning' }).scrollIntoViewIfNeeded();
  assert.equal(await page.getByRole('button', { name: 'SAVE' }).isDisabled(), true);
  assert.equal(await page.getByLabel('Prefix').inputValue(), '');
  await page.getByLabel('Type').selectOption('Base 10');
  await page.getByLabel('Length').fill('8');
  assert.equal(await page.getByLabel('Allow devices to register their own identity').isChecked(), false);
  assert.equal(await page.getByLabel('Restrict IP addresses').isChecked(), false);
  await page.getByRole('button', { name: 'SAVE' }).click();
  await saved(page);
  const { identity_format, provisioning } = await settingsOf(connector);
  assert.deepEqual(identity_format, { type: 'base10', prefix: '', options: { casing: 'mixed', length: 8 } });
  assert.equal(provisioning.presenter_identity, false);

  // "switch the provisioning authentication to use TLS Client Certificate authentication"
  await page.getByLabel('TLS Client Certificate').check();
  await page.getByText('Devices already provisioned keep their credential.').last().waitFor();
  await page.getByRole('button', { name: 'SAVE' }).click();
  await untouched(page);
  assert.equal((await settingsOf(connector)).provisioning.auth_type, 'certificate');
  await finish(watched);
});

test('every field is saved as it was typed, and only what was changed is sent', async () => {
  const connector = await newConnector(server);
  const watched = await openSettings(connector);
  const { page } = watched;
  const patches: unknown[] = [];
  page.on('request', (request) => {
    if (request.method() === 'PATCH') patches.push(request.postDataJSON());
  });
  await page.getByLabel('Name', { exact: true }).fill('Pump 8');
  await page.getByLabel('Description').fill('The small one.\nBlue.');
  await page.getByLabel('Type').selectOption('MAC (:)');
  await page.getByLabel('Casing').selectOption('Upper case');
  await page.getByLabel('Prefix').fill('CC3220-');
  await page.getByLabel('Let the server make identities').check();
  await page.getByLabel('Activation window').fill('0.5');
  await page.getByLabel('data_out').uncheck();
  await page.getByLabel('Keep events').fill('0');
  await page.getByLabel('Requests per minute').fill('120');
  const details = page.getByRole('region', { name: 'What changes' });
  await details.getByText('MAC (:)').waitFor();
  await details.getByText('New identities must fit: CC3220-, then 17 characters').waitFor();
  await save(page);
  await saved(page);
  await page.getByRole('heading', { name: 'Pump 8', level: 1 }).waitFor();
  const now = await settingsOf(connector);
  assert.equal(now.description, 'The small one.\nBlue.');
  assert.deepEqual(now.identity_format, {
    type: 'mac-colon',
    prefix: 'CC3220-',
    options: { casing: 'upper', length: 0 },
  });
  assert.equal(now.provisioning.expire_hours, 0.5);
  assert.ok(!now.events.types.includes('data_out'));
  assert.equal(patches.length, 1);
  const sent = patches[0] as Record<string, object>;
  assert.deepEqual(sent.provisioning, { generate_identity: true, expire_hours: 0.5 });
  assert.deepEqual(sent.retention, { events_days: 0 });
  assert.equal(sent.pki, undefined);
  await finish(watched);
});

test('the format is told in words, with a sample that fits, and a field that says which rule refuses', async () => {
  const watched = await openSettings(await newConnector(server));
  const { page } = watched;
  await page.getByLabel('Prefix').fill('ABC');
  await page.getByLabel('Type').selectOption('Base 16');
  await page.getByLabel('Length').fill('3');
  await page.getByLabel('Casing').selectOption('Lower case');
  await page.getByText('ABC, then 3 characters, each 0-9 or a-f, in lower case.', { exact: true }).waitFor();
  const sample = page.getByLabel('Sample identity', { exact: true });
  assert.match((await sample.textContent()) ?? '', /^ABC[0-9a-f]{3}$/);
  const first = await sample.textContent();
  await eventually('another sample', async () => {
    await page.getByRole('button', { name: 'Another sample' }).click();
    return (await sample.textContent()) !== first;
  });
  const field = page.getByLabel('Try an identity');
  for (const [identity, answer] of [
    ['ABC12f', 'It fits.'],
    ['12f', 'Refused by Prefix'],
    ['ABC12g', 'Refused by Type'],
    ['ABC12', 'Refused by Length'],
    ['ABC12F', 'Refused by Casing'],
    ['ABC12f ', 'no leading or trailing space'],
  ] as const) {
    await field.fill(identity);
    await page.getByText(answer).waitFor();
  }
  await page.getByLabel('Type').selectOption('UUIDv4');
  assert.equal(await page.getByLabel('Length').inputValue(), '36');
  assert.equal(await page.getByLabel('Length').isDisabled(), true);
  await finish(watched);
});

test('addresses are judged as they are added, also many at once; an empty list is warned of', async () => {
  const connector = await newConnector(server);
  const watched = await openSettings(connector);
  const { page } = watched;
  await page.getByLabel('Restrict IP addresses').check();
  await page.getByText('The list is empty: no device can provision.').first().waitFor();
  const field = page.getByLabel('Address or range');
  await field.fill('10.0.0.0/8, 10.0.0 2001:db8::/32');
  await field.press('Enter');
  await page.getByText('10.0.0: expected an IP address or a CIDR range').waitFor();
  assert.equal(await field.inputValue(), '10.0.0', 'what is none stays to be mended');
  await field.fill('10.0.0.7');
  await page.getByRole('button', { name: 'Add address' }).click();
  await page.getByRole('button', { name: 'Remove 2001:db8::/32' }).click();
  await save(page);
  await saved(page);
  const { ip_whitelisting } = (await settingsOf(connector)).provisioning;
  assert.deepEqual(ip_whitelisting, { enabled: true, allowed: ['10.0.0.0/8', '10.0.0.7'] });
  await finish(watched);
});

test('what is wrong is told at its field and above the form, with links; nothing is sent until it is mended', async () => {
  const connector = await newConnector(server);
  const watched = await openSettings(connector);
  const { page } = watched;
  await page.getByText('In words', { exact: true }).waitFor();
  await page.getByLabel('Length').fill('abc');
  await page.getByText('In words, before the mistake above').waitFor();
  await page.getByRole('region', { name: 'What changes' }).getByText('not a number').waitFor();
  await page.getByLabel('Length').fill('-3');
  await page.getByLabel('Activation window').fill('');
  await page.getByLabel('Enable PKI').check();
  await save(page);
  const summary = page.getByRole('alert').filter({ hasText: 'Nothing was saved' });
  await summary.waitFor();
  await summary.getByRole('link', { name: 'Activation window' }).click();
  assert.equal(await page.evaluate('document.activeElement.id'), 'field-provisioning.expire_hours');
  await page.keyboard.type('12');
  await page.getByLabel('Length').fill('');
  await page.getByLabel('Enable PKI').uncheck();
  await summary.waitFor({ state: 'detached' });
  await save(page);
  await saved(page);
  assert.equal((await settingsOf(connector)).provisioning.expire_hours, 12);
  await finish(watched);
});

test('shorter retention is asked about first, since it cannot be undone', async () => {
  const connector = await newConnector(server);
  const watched = await openSettings(connector);
  const { page } = watched;
  await page.getByLabel('Keep events').fill('7');
  await save(page);
  const dialog = page.getByRole('dialog', { name: 'Remove this for good?' });
  await dialog.getByText('Events older than 7 days are removed within minutes').waitFor();
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await dialog.waitFor({ state: 'hidden' });
  assert.equal((await settingsOf(connector)).retention.events_days, 30);
  await save(page);
  await dialog.getByRole('button', { name: 'Save and remove' }).click();
  await saved(page);
  assert.equal((await settingsOf(connector)).retention.events_days, 7);
  await finish(watched);
});

test('a CA made by the shown command is decoded, submitted and saved; what is none says why', async (t) => {
  const connector = await newConnector(server, {
    provisioning: { auth_type: 'certificate', presenter_identity: true },
  });
  const watched = await openSettings(connector);
  const { page } = watched;
  await page.getByRole('button', { name: 'Copy Make a CA' }).click();
  const command = String(await page.evaluate('navigator.clipboard.readText()'));
  const home = await mkdtemp(join(tmpdir(), 'slipway-ca-'));
  t.after(() => rm(home, { recursive: true }));
  const made = await runTool('sh', ['-c', `cd '${home}' && ${command} 2>/dev/null && cat ca-cert.pem`]);
  assert.equal(made.code, 0, 'the command makes a CA');
  const pem = made.stdout.toString();

  const leaf = factory.selfSigned('leaf');

  await page.getByLabel('Enable PKI').check();
  await page.getByRole('button', { name: 'ADD', exact: true }).click();
  const dialog = page.getByRole('dialog', { name: 'Add a CA certificate' });
  const text = dialog.getByLabel('PEM of the certificate');
  await text.fill('-----BEGIN CERTIFICATE-----\nnot base64!\n-----END CERTIFICATE-----');
  await dialog.getByRole('button', { name: 'DECODE' }).click();
  await dialog.getByRole('alert').getByText('cut short or is no base64').waitFor();
  assert.match(await text.inputValue(), /not base64!/, 'the text is kept');
  assert.equal(await dialog.getByRole('button', { name: 'SUBMIT' }).isDisabled(), true);

  await text.fill(leaf.cert);
  await dialog.getByRole('button', { name: 'DECODE' }).click();
  await dialog.getByText('This is not a CA certificate').waitFor();
  assert.equal(await dialog.getByRole('button', { name: 'SUBMIT' }).isDisabled(), true);

  await text.fill(leaf.key);
  await dialog.getByText('Nothing was sent').waitFor();
  assert.equal(await dialog.getByRole('button', { name: 'DECODE' }).isDisabled(), true);

  await text.fill(pem);
  await dialog.getByRole('button', { name: 'DECODE' }).click();
  await dialog.getByText('O=My company, CN=Device CA').waitFor();
  await dialog.getByText(/3,6\d\d days left/).waitFor();
  await dialog.getByText('EC P-256').waitFor();
  assert.deepEqual((await settingsOf(connector)).pki.client_ca, [], 'nothing is saved by decoding');
  await dialog.getByRole('button', { name: 'SUBMIT' }).click();
  await dialog.waitFor({ state: 'hidden' });
  await page.getByText('Not saved yet').waitFor();
  await save(page);
  await saved(page);
  const { pki } = await settingsOf(connector);
  assert.equal(pki.enabled, true);
  assert.equal(pki.client_ca.length, 1);

  await page.getByRole('button', { name: 'Remove O=My company, CN=Device CA' }).click();
  await page.getByText('Devices of O=My company, CN=Device CA are refused from now on').waitFor();
  await page.getByRole('button', { name: 'Discard' }).click();
  await untouched(page);
  await page.getByText('O=My company, CN=Device CA').first().waitFor();
  await finish(watched, /status of 400/);
});

test('a file with two CAs and a revocation list are taken; the list says how many certificates are on it', async () => {
  const connector = await newConnector(server);
  const [a, b] = [factory.authority('Authority A'), factory.authority('Authority B')];
  const crl = a.revoke(a.issue('r1'), a.issue('r2'));
  const watched = await openSettings(connector, '?dialog=add-ca');
  const { page } = watched;
  const dialog = page.getByRole('dialog');
  const buffer = Buffer.from(`Authority A\n${a.cert}\nAuthority B\n${b.cert}`);
  await dialog
    .getByLabel('File with the certificate')
    .setInputFiles({ name: 'cas.pem', mimeType: 'text/plain', buffer });
  await dialog.getByRole('button', { name: 'DECODE' }).click();
  await dialog.getByText('CN=Authority B').first().waitFor();
  await dialog.getByRole('button', { name: 'SUBMIT' }).click();
  await dialog.waitFor({ state: 'hidden' });
  await page.getByRole('button', { name: 'Add revocation list' }).click();
  await dialog.getByLabel('PEM of the revocation list').fill(crl);
  await dialog.getByRole('button', { name: 'DECODE' }).click();
  await dialog.getByText('2 certificates').waitFor();
  await dialog.getByRole('button', { name: 'SUBMIT' }).click();
  await dialog.waitFor({ state: 'hidden' });
  await save(page);
  await saved(page);
  const { pki } = await settingsOf(connector);
  assert.deepEqual([pki.client_ca.length, pki.crl.length], [2, 1]);
  await finish(watched);
});

test('what only the server can judge is told at its field too, and the draft stays', async (t) => {
  const workshop = openWorkshop();
  t.after(() => workshop.remove());
  const extensions = [...caExtensions, 'nameConstraints=critical,permitted;DNS:example.com'];
  const { pem } = workshop.make({ subject: '/CN=Constrained', extensions });
  const connector = await newConnector(server);
  const watched = await openSettings(connector, '?dialog=add-ca');
  const { page } = watched;
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('PEM of the certificate').fill(pem);
  await dialog.getByRole('button', { name: 'DECODE' }).click();
  await dialog.getByRole('button', { name: 'SUBMIT' }).click();
  await dialog.waitFor({ state: 'hidden' });
  await page.getByLabel('Length').fill('8');
  await save(page);
  const summary = page.getByRole('alert').filter({ hasText: 'Nothing was saved' });
  await summary.getByText('critical extension 2.5.29.30').waitFor();
  await summary.getByRole('link', { name: 'CA certificates, entry 1' }).click();
  assert.equal(await page.evaluate('document.activeElement.id'), 'field-pki.client_ca[0]');
  await page.getByRole('group', { name: 'CA certificates' }).getByText('critical extension 2.5.29.30').waitFor();
  await page.getByRole('button', { name: 'Remove CN=Constrained' }).click();
  await summary.waitFor({ state: 'detached' });
  await save(page);
  await saved(page);
  assert.equal((await settingsOf(connector)).identity_format.options.length, 8);
  await finish(watched, /status of 400/);
});

test('a clash shows what somebody else changed; each field is decided, and nothing of the draft is lost', async () => {
  const connector = await newConnector(server);
  const watched = await openSettings(connector);
  const { page } = watched;
  await page.getByLabel('Name', { exact: true }).fill('Mine');
  await page.getByLabel('Description').fill('Mine as well');
  await page.getByLabel('Length').fill('8');
  await connector.set({ name: 'Theirs', description: 'Theirs as well', provisioning: { expire_hours: 48 } });
  await save(page);
  const dialog = page.getByRole('dialog', { name: 'Somebody else changed these settings' });
  await dialog.getByText('48 hours').waitFor();
  await dialog.getByRole('heading', { name: 'You changed 2 of them too' }).waitFor();
  await dialog.getByLabel('Take theirs: Theirs as well').check();
  await dialog.getByRole('button', { name: 'Go on with these' }).click();
  await dialog.waitFor({ state: 'hidden' });
  assert.equal((await settingsOf(connector)).name, 'Theirs', 'nothing is saved yet');
  assert.equal(await page.getByLabel('Name', { exact: true }).inputValue(), 'Mine');
  assert.equal(await page.getByLabel('Description').inputValue(), 'Theirs as well');
  assert.equal(await page.getByLabel('Activation window').inputValue(), '48');
  await save(page);
  await saved(page);
  const now = await settingsOf(connector);
  assert.deepEqual([now.name, now.description, now.provisioning.expire_hours], ['Mine', 'Theirs as well', 48]);
  assert.equal(now.identity_format.options.length, 8);
  await finish(watched, /status of 412/);
});

test('a change of what stands on other pages is no clash', async () => {
  const connector = await newConnector(server);
  const watched = await openSettings(connector);
  const { page } = watched;
  await page.getByLabel('Length').fill('8');
  await connector.set({ resources: { temperature: { format: 'number' } } });
  await save(page);
  await saved(page);
  const now = await settingsOf(connector);
  assert.deepEqual([now.identity_format.options.length, Object.keys(now.resources)], [8, ['temperature']]);
  await finish(watched, /status of 412/);
});

test('leaving with changes asks, by a link and by the browser; a section is no leaving', async () => {
  const connector = await newConnector(server);
  const watched = await openSettings(connector);
  const { page } = watched;
  await page.getByLabel('Description').fill('typed');
  await page.getByRole('navigation', { name: 'Sections' }).getByRole('link', { name: 'Retention' }).click();
  await page.waitForURL(/section=retention/);
  assert.equal(await page.evaluate('document.activeElement.textContent'), 'Retention');
  await page.getByRole('tab', { name: 'Logs' }).click();
  const dialog = page.getByRole('dialog', { name: 'Leave without saving?' });
  await dialog.getByRole('button', { name: 'Stay' }).click();
  await dialog.waitFor({ state: 'hidden' });
  assert.equal(await page.getByLabel('Description').inputValue(), 'typed');
  const asked = page.waitForEvent('dialog');
  await page.close({ runBeforeUnload: true });
  const question = await asked;
  assert.equal(question.type(), 'beforeunload');
  await question.dismiss();
  assert.equal(await page.getByLabel('Description').inputValue(), 'typed');
  await page.getByRole('tab', { name: 'Logs' }).click();
  await dialog.getByRole('button', { name: 'Leave without saving' }).click();
  await page.waitForURL(/\/logs/);
  assert.equal((await settingsOf(connector)).description, '');
  await finish(watched);
});

test('a link to a section goes there, also when the page is opened by it', async () => {
  const watched = await openSettings(await newConnector(server), '?section=limits');
  const { page } = watched;
  await eventually('the section has the focus', async () =>
    Boolean(await page.evaluate('document.activeElement.textContent === "Limits"')),
  );
  assert.ok(await page.getByLabel('Requests per minute').isVisible());
  await finish(watched);
});

test('an ended session and a lost server lose nothing that was typed', async (t) => {
  const own = await startServer();
  t.after(() => own.stop());
  const connector = await newConnector(own);
  const watched = await openSettings(connector);
  const { page } = watched;
  await page.getByLabel('Description').fill('typed before the session ended');
  await watched.context.clearCookies();
  await save(page);
  const ended = page.getByRole('dialog', { name: 'Your session has ended' });
  await ended.getByLabel('Password').first().fill('not-the-password');
  await ended.getByRole('button', { name: 'Sign in' }).click();
  await ended.getByRole('alert').getByText('Not signed in').waitFor();
  assert.equal(await page.getByText('Authorization').count(), 0, 'nothing for programmers');
  await ended.getByLabel('Password').first().fill(admin.password);
  await ended.getByRole('button', { name: 'Sign in' }).click();
  await ended.waitFor({ state: 'hidden' });
  await page.getByRole('alert').getByText('You are signed in again').waitFor();
  assert.equal(await page.getByLabel('Description').inputValue(), 'typed before the session ended');
  await save(page);
  await saved(page);

  await page.getByLabel('Description').fill('typed before the server was lost');
  await own.kill9();
  await save(page);
  await page.getByRole('region', { name: 'Changes' }).getByText('The server cannot be reached').waitFor();
  await page.getByText('Whether your change was made is not known').waitFor();
  assert.equal(await page.getByLabel('Description').inputValue(), 'typed before the server was lost');
  assert.equal(await page.getByRole('button', { name: 'SAVE', exact: true }).isEnabled(), true);
  await finish(watched, /status of 401|ERR_CONNECTION|Failed to load resource/);
  await own.restart();
  assert.equal((await settingsOf(connector)).description, 'typed before the session ended');
});

test('a connector is deleted only by those who type its name', async () => {
  const connector = await newConnector(server);
  await connector.whitelist('d1');
  const watched = await openSettings(connector);
  const { page } = watched;
  await page.getByLabel('Description').fill('about to go');
  await page.getByRole('button', { name: 'Delete connector' }).click();
  const dialog = page.getByRole('dialog', { name: `Delete ${connector.name}?` });
  await dialog.getByText('1 device and the whole log').waitFor();
  const button = dialog.getByRole('button', { name: 'Delete connector' });
  await dialog.getByLabel('type the name').fill(`${connector.name}x`);
  assert.equal(await button.isDisabled(), true);
  await dialog.getByLabel('type the name').fill(connector.name);
  await button.click();
  await page.getByRole('heading', { name: 'Solutions' }).waitFor();
  assert.equal((await connector.api('GET', '')).status, 404);
  await finish(watched);
});

test('by keyboard alone: a field is changed and saved', async () => {
  const connector = await newConnector(server);
  const watched = await openSettings(connector);
  const { page } = watched;
  await page.getByLabel('Name', { exact: true }).focus();
  await page.keyboard.press('End');
  await page.keyboard.type(' by keyboard');
  const active = () => page.evaluate('document.activeElement.textContent');
  for (let i = 0; i < 120 && (await active()) !== 'SAVE'; i++) await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await saved(page);
  assert.equal((await settingsOf(connector)).name, `${connector.name} by keyboard`);
  await finish(watched);
});

test('a role that may only look sees everything and can change nothing', async (t) => {
  const own = await startServer();
  t.after(() => own.stop());
  const connector = await newConnector(own, { pki: { client_ca: [factory.authority('Seen by all').cert] } });
  const database = new DatabaseSync(join(own.data, 'slipway.db'));
  database.exec("UPDATE users SET role = 'viewer'");
  database.close();
  const watched = await openSettings(connector);
  const { page } = watched;
  await page.getByText('Settings are for the role admin.').waitFor();
  await page.getByText('CN=Seen by all').first().waitFor();
  for (const label of [
    'Name',
    'Prefix',
    'Type',
    'Length',
    'Enable PKI',
    'Restrict IP addresses',
    'Token',
    'Write data_in',
  ])
    assert.equal(await page.getByLabel(label, { exact: true }).isDisabled(), true, label);
  for (const name of ['SAVE', 'ADD', 'Add revocation list', 'Remove O=Tests, CN=Seen by all', 'Delete connector'])
    assert.equal(await page.getByRole('button', { name, exact: true }).count(), 0, name);
  await page.getByLabel('Try an identity').fill('anything');
  await page.getByText('It fits.').waitFor();
  await finish(watched);
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`the form, its bar and its dialogs are accessible and fit on a narrow screen, ${colorScheme}`, async () => {
    const ca = factory.authority('A CA with a name that is long enough to need a second line');
    const connector = await newConnector(server, {
      pki: { enabled: true, client_ca: [ca.cert], crl: [ca.revoke(ca.issue('r'))] },
      provisioning: { ip_whitelisting: { enabled: true, allowed: ['2001:db8:1111:2222:3333:4444:5555:6666/128'] } },
    });
    const narrow = { colorScheme, viewport: { width: 380, height: 800 } };
    const watched = await openSettings(connector, '', narrow);
    const { page } = watched;
    const look = async () => {
      await expectAccessible(page);
      await expectNoSidewaysScrolling(page);
    };
    await page.getByText('1 certificate', { exact: true }).waitFor();
    await look();
    await page.getByLabel('Prefix').fill('X'.repeat(100));
    await page.getByLabel('Try an identity').fill('y'.repeat(256));
    await page.getByLabel('Keep events').fill('7');
    await page.getByLabel('Activation window').fill('none');
    await page.getByRole('button', { name: 'Details' }).click();
    await look();
    await save(page);
    await page.getByRole('alert').filter({ hasText: 'Nothing was saved' }).waitFor();
    await look();
    await page.getByLabel('Activation window').fill('24');
    await save(page);
    await page.getByRole('dialog', { name: 'Remove this for good?' }).waitFor();
    await look();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await connector.set({ identity_format: { prefix: 'Z'.repeat(100) } });
    await save(page);
    await page.getByRole('button', { name: 'Save and remove' }).click();
    await page.getByRole('dialog', { name: 'Somebody else changed these settings' }).waitFor();
    await look();
    await page.getByRole('button', { name: 'Go on with these' }).click();
    await page.getByRole('button', { name: 'Discard' }).click();
    await page.getByRole('button', { name: 'ADD', exact: true }).click();
    const adding = page.getByRole('dialog', { name: 'Add a CA certificate' });
    await adding.getByLabel('PEM of the certificate').fill(ca.cert);
    await adding.getByRole('button', { name: 'DECODE' }).click();
    await adding.getByText('This one is already in the form.').waitFor();
    await look();
    await page.keyboard.press('Escape');
    await adding.waitFor({ state: 'hidden' });
    await page.getByRole('button', { name: 'Delete connector' }).click();
    await page.getByRole('dialog', { name: /^Delete / }).waitFor();
    await look();
    await finish(watched, /status of 412/);
  });
}
