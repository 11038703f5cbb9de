/** People, keys, the audit log and the own account, by clicking. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { codeAt, fromBase32, stepAt } from '../../src/domain/totp.ts';
import { newConnector } from '../helpers/connector.ts';
import { startProvider, type TestProvider } from '../helpers/provider.ts';
import { admin, startServer, type TestServer } from '../helpers/server.ts';
import { openPage, type Watched } from './browser.ts';
import { launchBrowser } from './chromium.ts';
import { consoleUrl, expectAccessible, expectNoSidewaysScrolling, openConsole } from './console.ts';

let provider: TestProvider;
let server: TestServer;
let browser: Browser;
before(async () => {
  provider = await startProvider('groups:admins=admin,groups:line=operator');
  [server, browser] = await Promise.all([startServer({ env: provider.env }), launchBrowser()]);
  provider.expect(consoleUrl(server));
});
after(async () => {
  await browser?.close();
  await server?.stop();
  await provider?.stop();
});

const PASSWORD = 'a-password-of-mine';

async function signIn(page: Page, email: string, password: string): Promise<void> {
  await page.getByLabel('Email').fill(email);
  await page.getByLabel('Password').first().fill(password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
}

/** The page after the sign-in of somebody else than the first account. */
async function openAs(email: string, password = PASSWORD): Promise<Watched> {
  const watched = await openPage(browser, consoleUrl(server));
  await signIn(watched.page, email, password);
  await watched.page.getByRole('heading', { name: 'Solutions' }).waitFor();
  return watched;
}

async function addUser(email: string, role = 'viewer', connectors: readonly string[] | null = null) {
  const { status, text, body } = await server.api('POST', '/api:1/users', {
    email,
    role,
    connectors,
    password: PASSWORD,
  });
  assert.equal(status, 201, text);
  return body;
}

test('a person is invited by a link, sets a password, signs in, and sees only the connector that was given', async () => {
  const [mine, other] = [await newConnector(server), await newConnector(server)];
  const watched = await openConsole(browser, server, '/account/people');
  const { page } = watched;
  await page.getByRole('button', { name: 'ADD PERSON' }).click();
  const dialog = page.getByRole('dialog', { name: 'Add a person' });
  await dialog.getByLabel('Email').fill('Kim@example.com');
  await dialog.getByRole('radio', { name: 'Operator' }).check();
  await dialog.getByRole('checkbox', { name: mine.name, exact: true }).check();
  await dialog.getByRole('button', { name: 'Add' }).click();
  const shown = page.getByRole('dialog', { name: 'Link to set a password' });
  const link = await shown.getByRole('textbox', { name: 'The link' }).inputValue();
  assert.match(link, new RegExp(`^${consoleUrl(server)}/password#[\\w-]{43}$`));
  await shown.getByRole('button', { name: 'Done' }).click();
  await page
    .getByRole('row', { name: /kim@example\.com/ })
    .getByText('invited')
    .waitFor();
  const row = page.getByRole('row', { name: /kim@example\.com/ });
  await row.getByText(mine.name, { exact: true }).waitFor();
  assert.equal(await row.getByText(mine.id).count(), 0);
  assert.ok(!(await page.content()).includes(link.split('#')[1]!));

  const invited = await openPage(browser, link);
  await invited.page.getByLabel('New password', { exact: true }).fill(PASSWORD);
  await invited.page.getByLabel('New password again').fill(PASSWORD);
  await expectAccessible(invited.page);
  await invited.page.getByRole('button', { name: 'Set password' }).click();
  await invited.page.getByText('The password of kim@example.com is set.').waitFor();
  await invited.page.getByRole('link', { name: 'Go to sign in' }).click();
  await signIn(invited.page, 'kim@example.com', PASSWORD);
  await invited.page.getByRole('link', { name: mine.name, exact: true }).waitFor();
  assert.equal(await invited.page.getByRole('link', { name: other.name, exact: true }).count(), 0);
  assert.equal(await invited.page.getByRole('button', { name: 'NEW CONNECTOR' }).count(), 0);
  await invited.page.goto(`${consoleUrl(server)}/connectors/${other.id}/devices`);
  await invited.page.getByRole('heading', { name: 'There is no such connector' }).waitFor();
  await invited.page.goto(`${consoleUrl(server)}/account`);
  await invited.page.getByRole('heading', { name: 'Sessions' }).waitFor();
  for (const role of ['tab', 'link'] as const) {
    assert.equal(await invited.page.getByRole(role, { name: 'People' }).count(), 0);
  }
  await invited.page.goto(link);
  await invited.page.reload();
  await invited.page.getByLabel('New password', { exact: true }).fill(PASSWORD);
  await invited.page.getByLabel('New password again').fill(PASSWORD);
  await invited.page.getByRole('button', { name: 'Set password' }).click();
  await invited.page.getByRole('alert').getByText('The link was used').waitFor();
  invited.expectClean(/status of 404/);
  watched.expectClean();
  await invited.close();
  await watched.close();
});

test('another role ends the session of that person, in the open page too; a removed account does not come back', async () => {
  await addUser('lou@example.com');
  const [watched, theirs] = [await openConsole(browser, server, '/account/people'), await openAs('lou@example.com')];
  const { page } = watched;
  const row = page.getByRole('row', { name: /lou@example\.com/ });
  await row.getByRole('button', { name: 'Actions for lou@example.com' }).click();
  await page.getByRole('menuitem', { name: 'Change…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Change lou@example.com' });
  await dialog.getByRole('radio', { name: 'Operator' }).check();
  await dialog.getByText('The sessions of this account end').waitFor();
  await dialog.getByRole('button', { name: 'Save' }).click();
  await row.getByText('operator').waitFor();
  await theirs.page.getByRole('dialog', { name: 'Your session has ended' }).waitFor();
  await row.getByRole('button', { name: 'Actions for lou@example.com' }).click();
  await page.getByRole('menuitem', { name: 'Remove…' }).click();
  await page.getByRole('dialog', { name: 'Remove this account?' }).getByRole('button', { name: 'Remove' }).click();
  await row.waitFor({ state: 'detached' });
  await theirs.page.getByLabel('Password').first().fill(PASSWORD);
  await theirs.page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await theirs.page.getByText('The email or the password is wrong.').waitFor();
  watched.expectClean();
  await theirs.close();
  await watched.close();
});

test('the last admin cannot be removed, and the page says why', async () => {
  const watched = await openConsole(browser, server, '/account/people');
  const { page } = watched;
  await page.getByRole('button', { name: `Actions for ${admin.email}` }).click();
  await page.getByRole('menuitem', { name: 'Remove…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Remove this account?' });
  await dialog.getByRole('button', { name: 'Remove' }).click();
  await dialog.getByRole('alert').getByText('the last account that can manage everything').waitFor();
  watched.expectClean(/status of 409/);
  await watched.close();
});

test('a session whose password was shown long ago is asked for it once more, and goes on with what was begun', async () => {
  const own = await startServer();
  const watched = await openConsole(browser, own, '/account/keys');
  const { page } = watched;
  // As if a quarter of an hour had passed: the server is asked by another account of the database.
  const { DatabaseSync } = await import('node:sqlite');
  const db = new DatabaseSync(`${own.data}/slipway.db`);
  db.exec('PRAGMA busy_timeout = 5000; UPDATE sessions SET proven = 0');
  db.close();
  await page.getByRole('button', { name: 'NEW KEY' }).click();
  const dialog = page.getByRole('dialog', { name: 'New API key' });
  await dialog.getByLabel('Name').fill('Line 3');
  await dialog.getByRole('radio', { name: 'Operator' }).check();
  await dialog.getByRole('radio', { name: 'Tutorial' }).check();
  await dialog.getByRole('button', { name: 'Create' }).click();
  const proof = page.getByRole('dialog', { name: 'Is it you?' });
  await proof.getByLabel('Your password').fill('not-the-password');
  await expectAccessible(page);
  await proof.getByRole('button', { name: 'Continue' }).click();
  await proof.getByRole('alert').getByText('The current password is wrong').waitFor();
  await proof.getByLabel('Your password').fill(admin.password);
  await proof.getByLabel('Your password').press('Enter');
  const shown = page.getByRole('dialog', { name: 'Your new key' });
  const key = await shown.getByRole('textbox', { name: 'The key' }).inputValue();
  assert.match(key, /^slipway_[\w-]{43}$/);
  await shown.getByRole('button', { name: 'Done' }).click();
  const me = await own.api('GET', '/api:1/users/me', undefined, { authorization: `token ${key}` });
  assert.equal(me.body.email, 'key:Line 3');
  const row = page.getByRole('row', { name: /Line 3/ });
  await row.getByText('Tutorial').waitFor();
  await row.getByRole('button', { name: 'Delete the key Line 3' }).click();
  await page.getByRole('dialog', { name: 'Delete this key?' }).getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('heading', { name: 'No API key yet' }).waitFor();
  assert.equal((await own.api('GET', '/api:1/users/me', undefined, { authorization: `token ${key}` })).status, 401);
  watched.expectClean(/status of 403/);
  await watched.close();
  await own.stop();
});

test('a second factor is turned on with a code, asked for at the sign-in, replaced by a recovery code, and turned off', async () => {
  await addUser('two@example.com');
  const watched = await openAs('two@example.com');
  const { page } = watched;
  await page.goto(`${consoleUrl(server)}/account`);
  await page.getByRole('button', { name: 'Turn on' }).click();
  const dialog = page.getByRole('dialog', { name: 'Turn the second factor on' });
  await dialog.getByRole('img', { name: 'QR code of the secret' }).waitFor();
  await expectAccessible(page);
  const secret = (await dialog.getByTestId('secret').innerText()).replaceAll(/\s/g, '');
  const codeOf = (steps = 0) => codeAt(fromBase32(secret), stepAt(Date.now() * 1000) + steps);
  await dialog.getByLabel('Code', { exact: true }).fill('000000');
  await dialog.getByRole('button', { name: 'Turn on' }).click();
  await dialog.getByRole('alert').getByText('The code of the second factor is wrong').waitFor();
  await dialog.getByLabel('Code', { exact: true }).fill(codeOf(-1));
  await dialog.getByRole('button', { name: 'Turn on' }).click();
  const codes = page.getByRole('dialog', { name: 'Your recovery codes' });
  await codes.getByRole('listitem').first().waitFor();
  const [recovery] = await codes.getByRole('listitem').allInnerTexts();
  assert.equal(await codes.getByRole('listitem').count(), 10);
  await codes.getByRole('button', { name: 'I have kept them' }).click();
  await page.getByRole('button', { name: 'Turn off' }).waitFor();
  for (const code of [codeOf(), recovery!]) {
    const other = await openPage(browser, consoleUrl(server));
    await signIn(other.page, 'two@example.com', PASSWORD);
    await other.page.getByLabel('Code', { exact: true }).fill(code);
    assert.equal(await other.page.getByRole('alert').count(), 0, 'being asked for a code is no error');
    await other.page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await other.page.getByRole('heading', { name: 'Solutions' }).waitFor();
    other.expectClean(/status of 401/);
    await other.close();
  }
  await page.getByRole('button', { name: 'Turn off' }).click();
  await page
    .getByRole('dialog', { name: 'Turn the second factor off?' })
    .getByRole('button', { name: 'Turn off' })
    .click();
  await page.getByRole('button', { name: 'Turn on' }).waitFor();
  watched.expectClean(/status of 401/);
  await watched.close();
});

test('the own sessions are listed and can be ended', async () => {
  await addUser('many@example.com');
  const [watched, other] = [await openAs('many@example.com'), await openAs('many@example.com')];
  const { page } = watched;
  await page.goto(`${consoleUrl(server)}/account`);
  await page.getByText('This one').waitFor();
  await page.getByRole('button', { name: /^End the session from/ }).click();
  await page.getByRole('button', { name: /^End the session from/ }).waitFor({ state: 'detached' });
  await other.page.reload();
  await other.page.getByRole('button', { name: 'Sign in', exact: true }).waitFor();
  watched.expectClean();
  await other.close();
  await watched.close();
});

test('the audit log shows what was there before and after, is searched, and the search is in the address', async () => {
  const connector = await newConnector(server);
  await connector.whitelist('audited-1');
  await connector.change('audited-1', { locked: true });
  const watched = await openConsole(browser, server, '/account/audit');
  const { page } = watched;
  await page.getByRole('searchbox', { name: 'Search' }).fill('devices/audited-1');
  await page.waitForURL(/search=devices/);
  const entries = page.getByRole('list', { name: 'Entries' }).getByRole('listitem');
  await page.getByRole('button', { name: /Change device .*audited-1/ }).waitFor();
  assert.equal(await entries.count(), 2);
  const entry = page.getByRole('button', { name: /Change device .*audited-1/ });
  await entry.focus();
  await page.keyboard.press('Enter');
  assert.equal(await entry.getAttribute('aria-expanded'), 'true');
  assert.match(
    await entries.first().innerText(),
    /Before\s+\{\s+"locked": false\s+\}\s+After\s+\{\s+"locked": true\s+\}/,
  );
  await page.reload();
  await page.getByRole('button', { name: /Whitelist device .*audited-1/ }).waitFor();
  assert.equal(await entries.count(), 2);
  await page.getByRole('searchbox', { name: 'Search' }).fill('there is nothing of this kind');
  await page.getByRole('heading', { name: 'Nothing found' }).waitFor();
  const downloading = page.waitForEvent('download');
  await page.getByRole('link', { name: 'Export' }).click();
  assert.equal((await downloading).suggestedFilename(), 'audit.ndjson');
  watched.expectClean();
  await watched.close();
});

test('who has an account at the provider signs in there, and comes back to the page that was asked for', async () => {
  provider.people.set('robin', { email: 'robin@example.com', email_verified: true, groups: ['line'] });
  provider.people.set('stranger', { email: 'stranger@example.com', email_verified: true, groups: [] });
  for (const login of ['robin', 'stranger']) {
    const watched = await openPage(browser, `${consoleUrl(server)}/account?from=link`);
    const { page } = watched;
    await page.getByRole('link', { name: 'Sign in with Harbour ID' }).click();
    await page.getByPlaceholder('Enter any login').fill(login);
    await page.getByPlaceholder('and password').fill('any');
    await page.getByRole('button', { name: 'Sign-in' }).click();
    await page.getByRole('button', { name: 'Continue' }).click();
    if (login === 'robin') {
      await page.getByText('robin@example.com').first().waitFor();
      await page.getByRole('heading', { name: 'Sessions' }).waitFor();
      assert.equal(await page.getByRole('heading', { name: 'Change password' }).count(), 0);
    } else {
      await page.getByRole('alert').getByText('gives you no role here').waitFor();
      await expectAccessible(page);
    }
    await watched.close();
  }
});

test('whoever manages the installation finds its pages from everywhere, on a narrow screen in the menu of the account', async () => {
  const wide = await openConsole(browser, server, '/');
  const navigation = wide.page.getByRole('navigation', { name: 'Slipway' });
  for (const name of ['People', 'API keys', 'Audit log']) {
    await navigation.getByRole('link', { name, exact: true }).click();
    await wide.page.getByRole('heading', { name, level: 2 }).waitFor();
  }
  wide.expectClean();
  await wide.close();
  const narrow = await openConsole(browser, server, '/', { viewport: { width: 380, height: 800 } });
  for (const name of ['People', 'API keys', 'Audit log']) {
    assert.equal(await narrow.page.getByRole('link', { name, exact: true }).count(), 0);
    await narrow.page.getByRole('button', { name: 'admin@localhost', exact: true }).click();
    await narrow.page.getByRole('menuitem', { name, exact: true }).click();
    await narrow.page.getByRole('heading', { name, level: 2 }).waitFor();
  }
  narrow.expectClean();
  await narrow.close();
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`People, API keys, Audit log and their dialogs are accessible and fit on a narrow screen, ${colorScheme}`, async () => {
    await server.api('POST', '/api:1/keys', {
      name: `A key with a name that is rather long, ${colorScheme}`,
      role: 'viewer',
    });
    const narrow = { colorScheme, viewport: { width: 380, height: 800 } };
    const watched = await openConsole(browser, server, '/', narrow);
    const { page } = watched;
    for (const [path, heading, button] of [
      ['/account', 'Sessions', null],
      ['/account/people', 'People', 'ADD PERSON'],
      ['/account/keys', 'API keys', 'NEW KEY'],
      ['/account/audit', 'Audit log', null],
    ] as const) {
      await page.goto(consoleUrl(server) + path);
      await page.getByRole('heading', { name: heading, level: 2 }).waitFor();
      await page
        .getByRole(path === '/account/audit' ? 'listitem' : 'row')
        .first()
        .waitFor();
      await expectAccessible(page);
      await expectNoSidewaysScrolling(page);
      if (button === null) continue;
      await page.getByRole('button', { name: button }).click();
      await page.getByRole('dialog').waitFor();
      await expectAccessible(page);
      await expectNoSidewaysScrolling(page);
      await page.keyboard.press('Escape');
    }
    await page
      .getByRole('button', { name: /Create|Sign in|Whitelist/ })
      .first()
      .click();
    await expectAccessible(page);
    watched.expectClean();
    await watched.close();
  });
}
