/** The way in: signing in, the first link, headers of the page, a connector made by clicking. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { eventually, newConnector } from '../helpers/connector.ts';
import { admin, startServer, type TestServer } from '../helpers/server.ts';
import { openPage } from './browser.ts';
import { launchBrowser } from './chromium.ts';
import { consoleUrl, expectAccessible, expectNoSidewaysScrolling, openConsole } from './console.ts';

let server: TestServer;
let browser: Browser;
before(async () => {
  [server, browser] = await Promise.all([startServer(), launchBrowser()]);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

test('a wrong password says so and keeps what was typed; the right one opens the page that was asked for', async () => {
  const watched = await openPage(browser, `${consoleUrl(server)}/account`);
  const { page } = watched;
  await page.getByLabel('Email').fill(admin.email);
  await page.getByLabel('Password').first().fill('wrong-wrong-wrong');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('alert').getByText('Not signed in').waitFor();
  await page.getByRole('alert').getByText('The email or the password is wrong.').waitFor();
  assert.equal(await page.getByText('LOGIN_FAILED').count(), 0);
  assert.equal(await page.title(), 'Sign in · Slipway');
  assert.equal(await page.getByLabel('Email').inputValue(), admin.email);
  await page.getByLabel('Password').first().fill(admin.password);
  await page.getByLabel('Password').first().press('Enter');
  await page.getByRole('heading', { name: 'Account' }).waitFor();
  watched.expectClean(/status of 401/);
  await watched.close();
});

test('the session is a cookie that scripts cannot read, and a stranger page cannot use', async () => {
  const watched = await openConsole(browser, server);
  const [cookie] = await watched.context.cookies();
  assert.equal(cookie?.httpOnly, true);
  assert.equal(cookie?.sameSite, 'Strict');
  assert.equal(await watched.page.evaluate('document.cookie'), '');
  const headers = { cookie: `${cookie?.name}=${cookie?.value}` };
  const url = `${consoleUrl(server)}/api:1/connectors`;
  assert.equal((await fetch(url, { headers })).status, 200);
  assert.equal((await fetch(url, { headers: { ...headers, 'sec-fetch-site': 'same-site' } })).status, 403);
  const made = { method: 'POST', body: '{"name":"Stolen"}' };
  const json = { ...headers, 'content-type': 'application/json' };
  assert.equal((await fetch(url, { ...made, headers: json })).status, 403, 'no Origin');
  assert.equal((await fetch(url, { ...made, headers: { ...json, origin: 'http://localhost:1' } })).status, 403);
  assert.equal((await fetch(url, { ...made, headers: { ...json, 'sec-fetch-site': 'cross-site' } })).status, 403);
  await watched.close();
});

test('a stranger who follows a link into a connector makes no error in the browser', async () => {
  const connector = (await server.api('GET', '/api:1/connectors')).body[0].id;
  const stranger = await openPage(browser, `${consoleUrl(server)}/connectors/${connector}/overview`);
  await stranger.page.getByRole('button', { name: 'Sign in' }).waitFor();
  stranger.expectClean();
  await stranger.close();
});

test('the page allows no script but its own files, and no other host', async () => {
  const response = await fetch(consoleUrl(server), { headers: { accept: 'text/html' } });
  assert.equal(response.status, 200);
  const policy = response.headers.get('content-security-policy') ?? '';
  assert.match(policy, /default-src 'none'/);
  assert.match(policy, /script-src 'self'(;|$)/);
  assert.doesNotMatch(policy, /unsafe/);
  const other = await fetch(consoleUrl(server), { headers: { accept: 'text/html' } });
  assert.notEqual(other.headers.get('content-security-policy'), policy, 'a nonce is used once');
  assert.equal((await fetch(`${consoleUrl(server)}/assets/none.js`)).status, 404);
  assert.equal((await fetch(`${consoleUrl(server)}/assets/..%2f..%2findex.html`)).status, 400);
});

test('a connector is made by clicking, and its settings follow', async () => {
  const watched = await openConsole(browser, server);
  const { page } = watched;
  await page.getByRole('button', { name: 'NEW CONNECTOR' }).click();
  await page.getByLabel('Name').fill('Pump <b>7</b>');
  await page.getByRole('button', { name: 'Create' }).click();
  await page.getByRole('heading', { name: 'Pump <b>7</b>' }).waitFor();
  assert.match(page.url(), /\/connectors\/[a-z0-9]{16}\/settings$/);
  await page.getByRole('link', { name: 'Solutions' }).first().click();
  await page.getByRole('link', { name: 'Pump <b>7</b>' }).waitFor();
  watched.expectClean();
  await watched.close();
});

test('the first link says what follows, and asks for the current password only where another page signed in', async () => {
  const link = `${consoleUrl(server)}/welcome#${encodeURIComponent(admin.email)}:${admin.password}`;
  const watched = await openPage(browser, link);
  const { page } = watched;
  await page.getByRole('heading', { name: 'Welcome to Slipway' }).waitFor();
  await page.getByText('choose your own password').waitFor();
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('still has the password that was made at the first start').waitFor();
  assert.equal(await page.getByLabel('Current password').count(), 0);
  await page.reload();
  await page.getByText('If you have chosen another one since').waitFor();
  assert.equal(await page.getByLabel('Current password').inputValue(), admin.password);
  assert.equal(await page.getByText('still has the password').count(), 0);
  await page.goto(`${consoleUrl(server)}/welcome#%zz:1`);
  await page.reload();
  await page.getByRole('heading', { name: 'Change password' }).waitFor();
  watched.expectClean();
  await watched.close();
});

test('the tabs of a connector are links, also for the keyboard; each page has a title of its own', async () => {
  const connector = await newConnector(server);
  const watched = await openConsole(browser, server, `/connectors/${connector.id}/devices`);
  const { page } = watched;
  const settings = page.getByRole('tab', { name: 'Settings' });
  await eventually('the title', async () => (await page.title()) === `Devices · ${connector.name} · Slipway`);
  assert.equal(await settings.getAttribute('href'), `/connectors/${connector.id}/settings`);
  await settings.click({ modifiers: ['Control'] });
  // The browser is asked for its windows: the library misses the event of a new one now and then, when the page's
  // Cross-Origin-Opener-Policy gives it another process while it opens.
  const devtools = await browser.newBrowserCDPSession();
  await eventually('the other window', async () => {
    const { targetInfos } = await devtools.send('Target.getTargets');
    return targetInfos.some(({ url }) => url.endsWith(`/connectors/${connector.id}/settings`));
  });
  await devtools.detach();
  assert.match(page.url(), /\/devices$/);
  await page.getByRole('tab', { name: 'Devices' }).focus();
  await page.keyboard.press('ArrowRight');
  await page.waitForURL(/\/logs$/);
  assert.equal(await page.getByRole('tab', { name: 'Logs' }).getAttribute('aria-selected'), 'true');
  await eventually('the title', async () => (await page.title()) === `Logs · ${connector.name} · Slipway`);
  await page.goto(consoleUrl(server));
  await eventually('the title', async () => (await page.title()) === 'Solutions · Slipway');
  watched.expectClean();
  await watched.close();
});

test('the tab that is open is in sight on a narrow screen, and a long name is whole', async () => {
  const connector = await newConnector(server);
  const name = 'W'.repeat(120);
  assert.equal((await connector.api('PATCH', '', { name })).status, 200);
  const narrow = { viewport: { width: 380, height: 800 } };
  const watched = await openConsole(browser, server, `/connectors/${connector.id}/overview`, narrow);
  const { page } = watched;
  await page.getByRole('heading', { name, level: 1 }).waitFor();
  const heading = (await page.getByRole('heading', { name, level: 1 }).boundingBox())!;
  assert.ok(heading.x + heading.width <= 380);
  await eventually('the tab is in sight', async () => {
    const box = (await page.getByRole('tab', { name: 'Overview' }).boundingBox())!;
    return box.x >= 0 && box.x + box.width <= 380;
  });
  await expectNoSidewaysScrolling(page);
  await page.goto(consoleUrl(server));
  await page.getByRole('link', { name }).waitFor();
  await expectNoSidewaysScrolling(page);
  watched.expectClean();
  await watched.close();
});

test('a connector that nobody knows is not found, and a link leads on', async () => {
  const watched = await openConsole(browser, server, '/connectors/zzzz/devices');
  const { page } = watched;
  await page.getByRole('heading', { name: 'There is no such connector' }).waitFor();
  assert.equal(await page.getByText('This was refused').count(), 0);
  await page.getByRole('link', { name: 'Go to the Solutions' }).click();
  await page.getByRole('heading', { name: 'Solutions' }).waitFor();
  watched.expectClean(/status of 404/);
  await watched.close();
});

test('another password ends every other session; the next sign-in takes the new one alone', async () => {
  const own = await startServer();
  const watched = await openConsole(browser, own, '/account');
  const other = await openConsole(browser, own);
  const { page } = watched;
  await page.getByLabel('Current password').fill('not-the-password');
  await page.getByLabel('New password', { exact: true }).fill('a-better-password');
  await page.getByLabel('New password again').fill('a-better-password');
  await page.getByRole('button', { name: 'Change password' }).click();
  await page.getByRole('alert').getByText('The current password is wrong').waitFor();
  await page.getByLabel('Current password').fill(admin.password);
  await page.getByRole('button', { name: 'Change password' }).click();
  await page.getByText('Password changed').waitFor();
  await page.reload();
  await page.getByRole('heading', { name: 'Account' }).waitFor();
  await other.page.reload();
  await other.page.getByRole('button', { name: 'Sign in' }).waitFor();
  const wrong = await own.api('POST', '/api:1/token', admin, {}).catch(() => null);
  assert.notEqual(wrong?.status, 200);
  watched.expectClean(/status of 403/);
  await watched.close();
  await other.close();
  await own.stop();
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`sign in, Solutions and Account are accessible and fit on a narrow screen, ${colorScheme}`, async () => {
    const narrow = { colorScheme, viewport: { width: 380, height: 800 } };
    const stranger = await openPage(browser, consoleUrl(server), narrow);
    await stranger.page.getByRole('button', { name: 'Sign in' }).waitFor();
    await expectAccessible(stranger.page);
    await expectNoSidewaysScrolling(stranger.page);
    stranger.expectClean();
    await stranger.close();
    const watched = await openConsole(browser, server, '/', narrow);
    for (const [path, heading] of [
      ['/', 'Solutions'],
      ['/account', 'Account'],
    ] as const) {
      await watched.page.goto(consoleUrl(server) + path);
      await watched.page.getByRole('heading', { name: heading, level: 1 }).waitFor();
      await expectAccessible(watched.page);
      await expectNoSidewaysScrolling(watched.page);
    }
    watched.expectClean();
    await watched.close();
  });
}
