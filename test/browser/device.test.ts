/** The page of a device, as a person uses it: who it is, what can be done, its credential, and what happens if something fails. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { type Factory, openFactory } from '../helpers/authority.ts';
import { newConnector, resource, type TestConnector } from '../helpers/connector.ts';
import { admin, startServer, type TestServer } from '../helpers/server.ts';
import type { Watched } from './browser.ts';
import { launchBrowser } from './chromium.ts';
import { consoleUrl, expectAccessible, openConsole } from './console.ts';
import { copied, devicePath, part, shell } from './device-page.ts';

let server: TestServer;
let browser: Browser;
let factory: Factory;
let connector: TestConnector;
before(async () => {
  [server, browser] = await Promise.all([startServer(), launchBrowser()]);
  factory = openFactory();
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
  factory?.remove();
  await browser?.close();
  await server?.stop();
});

const pathOf = (identity: string, query = '') => devicePath(connector, identity, query);

const open = (identity: string, query = '') => openConsole(browser, server, pathOf(identity, query));

/** Presses the button of the page, then that of the dialog. */
async function act(page: Page, button: string, verb: string): Promise<void> {
  await page.getByRole('button', { name: button, exact: true }).click();
  await page.getByRole('dialog').getByRole('button', { name: verb, exact: true }).click();
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
}

describe('who it is', () => {
  test('any identity is shown, copied and kept over a reload', async () => {
    const watched = await openConsole(browser, server);
    const { page } = watched;
    for (const identity of [
      '00:14:22:01:23:45',
      'a/b#c%d?e&f+g h',
      '%2F%25',
      `long ${'ü'.repeat(125)}.`,
      `<b>'"\\{{x}}`,
    ]) {
      await connector.whitelist(identity);
      await page.goto(consoleUrl(server) + pathOf(identity));
      await page.getByRole('heading', { name: identity, exact: true }).waitFor();
      assert.equal(await copied(page, 'identity'), identity);
      assert.equal(await page.getByRole('tab', { name: 'Devices' }).getAttribute('aria-selected'), 'true');
      await page.reload();
      await page.getByRole('heading', { name: identity, exact: true }).waitFor();
      await page.getByRole('img', { name: 'Whitelisted' }).waitFor();
    }
    watched.expectClean();
    await watched.close();
  });

  test('an identity that is not known says so, shows what it tried, and can be whitelisted', async () => {
    const identity = 'stranger/1';
    assert.equal((await connector.send('/provision/activate', { body: 'id=stranger%2F1' })).status, 404);
    const watched = await open(identity);
    const { page } = watched;
    await page.getByRole('heading', { name: 'This identity is not known here' }).waitFor();
    await part(page, 'Why was it refused?').getByText('The identity is not whitelisted').waitFor();
    await expectAccessible(page);
    await page.getByRole('main').getByRole('button', { name: 'Whitelist it' }).first().click();
    await page.getByRole('heading', { name: identity, exact: true }).waitFor();
    assert.equal((await connector.device(identity)).status, 'whitelisted');
    watched.expectClean();
    await watched.close();
  });

  test('one that does not fit the identity format is not offered to be whitelisted', async () => {
    const numbers = await newConnector(server, { identity_format: { type: 'base10', options: { length: 8 } } });
    const watched = await openConsole(browser, server, `/connectors/${numbers.id}/devices/abc`);
    await watched.page.getByText('8 characters, each 0-9').waitFor();
    assert.equal(await watched.page.getByRole('button', { name: 'Whitelist it' }).isDisabled(), true);
    await watched.close();
  });
});

describe('what can be done', () => {
  test('a life by clicking: window, provision, write, lock, unlock, reprovision, revoke, open again, delete', async () => {
    const identity = 'life-1';
    await connector.whitelist(identity);
    const watched = await open(identity);
    const { page } = watched;

    await page.getByRole('button', { name: 'Activation window' }).click();
    const dialog = page.getByRole('dialog', { name: 'Change the activation window' });
    const hours = dialog.getByLabel('Hours from now');
    assert.equal(await hours.inputValue(), '24');
    await hours.fill('none');
    await dialog.getByText('A number of hours above 0').waitFor();
    assert.equal(await dialog.getByRole('button', { name: 'SAVE' }).isDisabled(), true);
    await hours.fill('48');
    await hours.press('Enter');
    await page.getByText('The activation window was changed.').waitFor();
    const { auth } = await connector.device(identity);
    assert.ok(Math.abs(auth.expire / 1e6 - (Date.now() / 1000 + 48 * 3600)) < 120);

    // As it is pasted into a shell.
    const token = await shell(await copied(page, 'Provision (the answer is the token)'));
    assert.match(token, /^[0-9a-f]{40}$/);
    await page.getByRole('img', { name: 'Provisioned' }).waitFor();
    await page.getByText('online', { exact: true }).waitFor();
    const write = await copied(page, 'Write a value');
    assert.match(await shell(write.replace('<device-token>', token)), /^HTTP\/1\.1 204/);

    await act(page, 'Lock', 'Lock');
    await page.getByText('Nothing that it sends is accepted until you unlock it.').waitFor();
    assert.equal(await connector.write('target=21', { token }), 403);
    // Its last event is a refusal now: the page says why.
    await part(page, 'Why was it refused?').getByText('Somebody locked this device').waitFor();
    await act(page, 'Unlock', 'Unlock');
    await page.getByText('What it sends is accepted again.').waitFor();
    assert.equal(await connector.write('target=21', { token }), 204);

    await act(page, 'Reprovision', 'Allow');
    await page.getByRole('img', { name: 'Reprovision' }).waitFor();
    await act(page, 'Withdraw reprovision', 'Withdraw');
    await act(page, 'Reprovision', 'Allow');
    const second = await connector.activate(identity);
    assert.notEqual(second, token);

    await act(page, 'Revoke', 'Revoke');
    await part(page, 'Credential').getByText('Revoked: it has no credential').waitFor();
    assert.equal(await connector.write('target=21', { token: second }), 401);
    await act(page, 'Activation window', 'SAVE');
    await page.getByRole('img', { name: 'Whitelisted' }).waitFor();
    await connector.activate(identity);

    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('dialog').getByText(identity, { exact: true }).waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
    await act(page, 'Delete', 'Delete');
    await page.waitForURL(/\/devices$/);
    assert.equal((await connector.api('GET', `/identity/${identity}`)).status, 404);
    watched.expectClean();
    await watched.close();
  });

  test('an open dialog stands in the address, and goes with Escape', async () => {
    await connector.whitelist('escape-1');
    const watched = await open('escape-1', '?dialog=delete');
    const { page } = watched;
    await page.getByRole('dialog', { name: 'Delete this device?' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    await page.waitForURL((url) => !url.search.includes('dialog'));
    watched.expectClean();
    await watched.close();
  });

  test('a credential that was given an end can have its end removed', async () => {
    await connector.provision('ended-1');
    await connector.change('ended-1', { auth: { expire: Date.now() * 1000 - 1_000_000 } });
    const watched = await open('ended-1');
    await part(watched.page, 'Credential')
      .getByText(/^Ended/)
      .waitFor();
    await act(watched.page, 'Remove the end', 'Remove the end');
    await watched.page.getByRole('img', { name: 'Provisioned' }).waitFor();
    await watched.close();
  });

  test('a viewer sees all and changes nothing', async () => {
    await connector.provision('seen-1');
    const watched = await openConsole(browser, server);
    const { page } = watched;
    // Roles other than admin are given out elsewhere: only the answer about who is signed in says viewer here.
    await page.route('**/api:1/session', async (route) => {
      const answer = await route.fetch();
      const { account } = await answer.json();
      await route.fulfill({ response: answer, json: { account: { ...account, role: 'viewer' } } });
    });
    await connector.change('seen-1', { locked: true });
    assert.equal((await connector.send('/provision/activate', { body: 'id=seen-1' })).status, 403);
    await page.goto(consoleUrl(server) + pathOf('seen-1', '?dialog=delete'));
    await part(page, 'Why was it refused?').getByText('Unlock it: an operator may do that.').waitFor();
    await part(page, 'Resources')
      .getByRole('row', { name: /target/ })
      .waitFor();
    for (const name of ['Lock', 'Unlock', 'Revoke', 'Reprovision', 'Delete', 'Set target', 'Add a tag', 'Unlock it'])
      assert.equal(await page.getByRole('button', { name, exact: true }).count(), 0, name);
    assert.equal(await page.getByRole('dialog').count(), 0);
    await watched.close();
  });
});

describe('credential', () => {
  test('a certificate shows its fingerprint and dates, and warns in its last thirty days; never a key', async () => {
    const certificate = factory.selfSigned('cert-1', { to: new Date(Date.now() + 20.5 * 86_400_000) });
    await connector.whitelist('cert-1', { auth: { type: 'certificate' } });
    assert.equal(await connector.write('temperature=3', { certificate }), 204);
    const watched = await open('cert-1');
    const card = part(watched.page, 'Credential');
    await card.getByText('TLS Client Certificate').waitFor();
    await card.getByText('20 days left').waitFor();
    const { credential } = await connector.device('cert-1');
    assert.equal(await copied(watched.page, 'fingerprint'), credential.fingerprint);
    assert.doesNotMatch(await card.innerText(), /BEGIN/);
    await watched.close();
  });

  test('a device that is to provision by password or certificate is shown the commands of its own', async () => {
    await connector.whitelist('password-1', { auth: { type: 'password' } });
    await connector.whitelist('certificate/1', { auth: { type: 'certificate' } });
    const watched = await open('password-1');
    const { page } = watched;
    const activate = await copied(page, 'Provision (a password of 20 to 512 bytes)');
    assert.equal(await shell(`${activate.replace('<password>', 'a'.repeat(24))} -s -w '%{http_code}'`), '204');
    await page.goto(consoleUrl(server) + pathOf('certificate/1'));
    const make = await copied(page, 'Make a key and a certificate');
    const write = await copied(page, 'Write a value');
    const folder = (await shell('mktemp -d')).trim();
    try {
      await shell(`cd ${folder} && ${make} 2>&1 && ${write} | grep 'HTTP/1.1 204'`);
    } finally {
      await shell(`rm -r ${folder}`);
    }
    assert.equal((await connector.device('certificate/1')).status, 'provisioned');
    await watched.close();
  });
});

describe('with PKI', () => {
  test('the commands make a certificate that the own CA signed, and the device is let in with it', async () => {
    const folder = (await shell('mktemp -d')).trim();
    const ca = 'openssl req -x509 -nodes -newkey rsa:2048 -subj "/CN=Own CA" -addext keyUsage=critical,keyCertSign';
    try {
      await shell(`cd ${folder} && ${ca} -keyout ca-key.pem -out ca-cert.pem 2>&1`);
      const own = await newConnector(server, {
        provisioning: { auth_type: 'certificate' },
        pki: { enabled: true, client_ca: [await shell(`cat ${folder}/ca-cert.pem`)] },
      });
      await own.whitelist('signed/1');
      const watched = await openConsole(browser, server, devicePath(own, 'signed/1'));
      for (const label of ['Make a key and a signing request', 'Sign it with your own CA', 'Write a value']) {
        await shell(`cd ${folder} && ${await copied(watched.page, label)} 2>&1`);
      }
      assert.equal((await own.device('signed/1')).status, 'provisioned');
      watched.expectClean();
      await watched.close();
    } finally {
      await shell(`rm -r ${folder}`);
    }
  });
});

describe('when something fails', () => {
  /** Types a value for `target` and sends it. */
  async function send(watched: Watched, value: string): Promise<void> {
    await watched.page.getByRole('button', { name: 'Set target' }).click();
    await watched.page.getByLabel('Value of target').fill(value);
    await watched.page.getByLabel('Value of target').press('Enter');
  }

  test('a lost server is said where it happened, and what was typed is sent once it is back', async () => {
    await connector.whitelist('lost-1');
    const watched = await open('lost-1');
    const { page } = watched;
    await page.getByRole('button', { name: 'Set target' }).waitFor();
    await watched.context.setOffline(true);
    await send(watched, '33');
    await part(page, 'Resources').getByRole('alert').getByText('The server cannot be reached').waitFor();
    assert.equal(await page.getByLabel('Value of target').inputValue(), '33');
    await watched.context.setOffline(false);
    await page.getByRole('status').getByText('The server cannot be reached').waitFor({ state: 'hidden' });
    await page.getByLabel('Value of target').press('Enter');
    await page.getByText('target is set').waitFor();
    assert.equal((await connector.state('lost-1')).target.set, '33');
    watched.expectClean(/ERR_INTERNET_DISCONNECTED/);
    await watched.close();
  });

  test('a session that ended is opened over the page, and what was typed is still there', async () => {
    await connector.whitelist('session-1');
    const watched = await open('session-1');
    const { page } = watched;
    await page.getByRole('button', { name: 'Set target' }).waitFor();
    await watched.context.clearCookies();
    await send(watched, '34');
    const dialog = page.getByRole('dialog', { name: 'Your session has ended' });
    await dialog.getByLabel('Password').first().fill(admin.password);
    await dialog.getByRole('button', { name: 'Sign in' }).click();
    await dialog.waitFor({ state: 'hidden' });
    assert.equal(await page.getByLabel('Value of target').inputValue(), '34');
    await page.getByLabel('Value of target').press('Enter');
    await page.getByText('target is set').waitFor();
    watched.expectClean(/status of 401/);
    await watched.close();
  });

  test('an action that is refused says why in its dialog', async () => {
    await connector.provision('race-1');
    const watched = await open('race-1');
    const { page } = watched;
    await page.getByRole('button', { name: 'Reprovision' }).click();
    // Somebody else deletes it, while the dialog is open.
    await page.route(`**/identity/race-1`, (route) =>
      route.request().method() === 'GET' ? route.abort('blockedbyclient') : route.continue(),
    );
    assert.equal((await connector.api('DELETE', '/identity/race-1')).status, 204);
    await page.getByRole('dialog').getByRole('button', { name: 'Allow' }).click();
    await page.getByRole('dialog').getByRole('alert').getByText('There is no such identity').waitFor();
    await page.unroute('**/identity/race-1');
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('heading', { name: 'This identity is not known here' }).waitFor();
    await watched.close();
  });
});
