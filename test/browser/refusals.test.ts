/** "Why was it refused?": what the console says of a refusal, and that its button mends it, as the device finds out. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { type Factory, openFactory } from '../helpers/authority.ts';
import { eventually, newConnector, resource, type TestConnector } from '../helpers/connector.ts';
import { startServer, type TestServer } from '../helpers/server.ts';
import type { Watched } from './browser.ts';
import { launchBrowser } from './chromium.ts';
import { consoleUrl, expectAccessible, expectNoSidewaysScrolling, openConsole } from './console.ts';
import { devicePath, part } from './device-page.ts';

let server: TestServer;
let browser: Browser;
let factory: Factory;
let watched: Watched;
before(async () => {
  [server, browser] = await Promise.all([startServer(), launchBrowser()]);
  factory = openFactory();
  watched = await openConsole(browser, server);
});
after(async () => {
  factory?.remove();
  await browser?.close();
  await server?.stop();
});

const activate = async (connector: TestConnector, identity: string, more = '') =>
  (await connector.send('/provision/activate', { body: `id=${encodeURIComponent(identity)}${more}` })).status;

/** Opens the page of the device once its refusal is on record; gives the part that explains it. */
async function openWhy(connector: TestConnector, identity: string, page: Page = watched.page) {
  await eventually('the refusal is on record', async () => {
    const { body } = await connector.api('GET', `/identity/${encodeURIComponent(identity)}/explain`);
    return body.attempts.length > 0;
  });
  await page.goto(consoleUrl(server) + devicePath(connector, identity));
  return part(page, 'Why was it refused?');
}

interface Case {
  readonly title: string;
  readonly button: string;
  readonly done: RegExp;
  /** Leads to the refusal; gives what the device tries again once it is mended, and the status that it gets then. */
  readonly scene: (connector: TestConnector, identity: string) => Promise<() => Promise<number>>;
  readonly gets: number;
}

const restricted = { provisioning: { ip_whitelisting: { enabled: true, allowed: ['10.0.0.0/8'] } } };

const cases: readonly Case[] = [
  {
    title: 'The identity is not whitelisted',
    button: 'Whitelist it',
    done: /is whitelisted\. It can provision until/,
    scene: async (connector, identity) => {
      assert.equal(await activate(connector, identity), 404);
      return () => activate(connector, identity);
    },
    gets: 200,
  },
  {
    title: 'The device is locked',
    button: 'Unlock it',
    done: /is unlocked/,
    scene: async (connector, identity) => {
      const token = await connector.provision(identity);
      await connector.change(identity, { locked: true });
      assert.equal(await connector.write('a=1', { token }), 403);
      return () => connector.write('a=1', { token });
    },
    gets: 204,
  },
  {
    title: 'The activation window has closed',
    button: 'Open the window again',
    done: /is open again\. It can provision until/,
    scene: async (connector, identity) => {
      await connector.whitelist(identity);
      await connector.change(identity, { auth: { expire: 0 } });
      assert.equal(await activate(connector, identity), 409);
      return () => activate(connector, identity);
    },
    gets: 200,
  },
  {
    title: 'The credential has ended',
    button: 'Remove the end of the credential',
    done: /valid again and has no end/,
    scene: async (connector, identity) => {
      const token = await connector.provision(identity);
      await connector.change(identity, { auth: { expire: Date.now() * 1000 - 1_000_000 } });
      assert.equal(await connector.write('a=1', { token }), 401);
      return () => connector.write('a=1', { token });
    },
    gets: 204,
  },
  {
    title: 'The device is already provisioned',
    button: 'Allow it to provision once more',
    done: /may provision once more/,
    scene: async (connector, identity) => {
      await connector.provision(identity);
      assert.equal(await activate(connector, identity), 409);
      return () => activate(connector, identity);
    },
    gets: 200,
  },
  {
    title: 'Provisioning is switched off',
    button: 'Switch provisioning on',
    done: /switched on, for every device/,
    scene: async (connector, identity) => {
      await connector.whitelist(identity);
      await connector.set({ provisioning: { enabled: false } });
      assert.equal(await activate(connector, identity), 403);
      return () => activate(connector, identity);
    },
    gets: 200,
  },
  {
    title: 'The address is not allowed',
    button: 'Allow 127.0.0.1',
    done: /127\.0\.0\.1 is allowed/,
    scene: async (connector, identity) => {
      await connector.whitelist(identity);
      await connector.set(restricted);
      assert.equal(await activate(connector, identity), 403);
      return () => activate(connector, identity);
    },
    gets: 200,
  },
  {
    title: 'A password is not accepted',
    button: 'Let this device provision by password',
    done: /now provisions by password/,
    scene: async (connector, identity) => {
      await connector.whitelist(identity);
      const again = () => activate(connector, identity, '&password=correct-horse-battery-1');
      assert.equal(await again(), 415);
      return again;
    },
    gets: 204,
  },
  {
    title: 'A client certificate is required',
    button: 'Let this device provision by token',
    done: /now provisions by token/,
    scene: async (connector, identity) => {
      await connector.whitelist(identity, { auth: { type: 'certificate' } });
      assert.equal(await activate(connector, identity), 415);
      return () => activate(connector, identity);
    },
    gets: 200,
  },
];

for (const [i, { title, button, done, scene, gets }] of cases.entries()) {
  test(`${title}: the button "${button}" mends it, says so, and the device gets in`, async () => {
    const connector = await newConnector(server);
    const identity = `d/${i}`;
    const again = await scene(connector, identity);
    const why = await openWhy(connector, identity);
    await why.getByRole('heading', { name: title }).waitFor();
    await why.getByRole('button', { name: button, exact: true }).click();
    if (button === 'Whitelist it') {
      // The page of an unknown identity gives way to that of the device.
      await watched.page.getByRole('heading', { name: identity, exact: true }).waitFor();
    } else await why.getByRole('status').getByText(done).waitFor();
    assert.equal(await again(), gets);
  });
}

test('a window that is open for longer than a new one stays open as long', async () => {
  const connector = await newConnector(server);
  const expire = Date.now() * 1000 + 90 * 24 * 3_600_000_000;
  await connector.whitelist('d', { auth: { expire } });
  assert.equal(await activate(connector, 'd', '&password=correct-horse-battery-1'), 415);
  const why = await openWhy(connector, 'd');
  await why.getByRole('button', { name: 'Let this device provision by password' }).click();
  await why.getByRole('status').getByText('now provisions by password').waitFor();
  const { auth } = await connector.device('d');
  assert.deepEqual(auth, { type: 'password', expire });
});

test('an address that is allowed is added to those that were, also to one that somebody saved meanwhile', async () => {
  const connector = await newConnector(server);
  await connector.whitelist('d');
  await connector.set(restricted);
  await activate(connector, 'd');
  const why = await openWhy(connector, 'd');
  await why.getByRole('button', { name: 'Allow 127.0.0.1' }).waitFor();
  await connector.set({ provisioning: { ip_whitelisting: { allowed: ['10.0.0.0/8', '192.0.2.1'] } } });
  await why.getByRole('button', { name: 'Allow 127.0.0.1' }).click();
  await why.getByRole('status').getByText('127.0.0.1 is allowed').waitFor();
  const { body } = await connector.api('GET', '');
  assert.deepEqual(body.provisioning.ip_whitelisting.allowed, ['10.0.0.0/8', '192.0.2.1', '127.0.0.1']);
});

test('what was mended elsewhere is told as that, without the button', async () => {
  const connector = await newConnector(server);
  await connector.whitelist('d', { locked: true });
  await activate(connector, 'd');
  const why = await openWhy(connector, 'd');
  await why.getByRole('button', { name: 'Unlock it' }).waitFor();
  await connector.change('d', { locked: false });
  await why.getByRole('status').getByText('It is not locked any more. The device can try again.').waitFor();
  assert.equal(await why.getByRole('button', { name: 'Unlock it' }).count(), 0);
});

test('what a person has to decide leads to the page where it is decided', async () => {
  const authority = factory.authority('Ours');
  const connector = await newConnector(server, {
    pki: { enabled: true, client_ca: [authority.cert] },
    resources: { target: resource({ format: 'number' }) },
  });
  const certificate = factory.selfSigned('stranger');
  await connector.whitelist('stranger', { auth: { type: 'certificate' } });
  assert.equal(await connector.write('a=1', { certificate }), 403);
  const why = await openWhy(connector, 'stranger');
  await why.getByRole('heading', { name: 'The certificate does not lead to one of your CAs' }).waitFor();
  const settings = why.getByRole('link', { name: 'Open Settings: Public Key Infrastructure' });
  assert.match((await settings.getAttribute('href')) ?? '', /\/settings\?section=pki$/);

  const token = await connector.provision('writer');
  assert.equal(await connector.write('target=warm', { token }), 422);
  const other = await openWhy(connector, 'writer');
  await other.getByText('target=warm').first().waitFor();
  await other.getByRole('link', { name: 'Open Resources' }).click();
  await watched.page.waitForURL(/\/resources$/);
});

test('attempts that failed alike are one line; the page opens the newest only if it is the last that is known', async () => {
  const connector = await newConnector(server);
  const token = await connector.provision('d');
  for (let i = 0; i < 3; i++) await activate(connector, 'd');
  const why = await openWhy(connector, 'd');
  await why.getByText('3 times').waitFor();
  await why.getByText('A device is provisioned once').waitFor();
  await connector.write('a=1', { token });
  await watched.page.reload();
  await why.getByRole('heading', { name: 'The device is already provisioned' }).waitFor();
  await part(watched.page, 'Events').getByRole('button', { name: /Write/ }).waitFor();
  await why.getByText('A device is provisioned once').waitFor({ state: 'hidden' });
  await why.getByRole('button', { name: /already provisioned/ }).press('Enter');
  await why.getByText('A device is provisioned once').waitFor();
});

test('a remedy that the server refuses says why, and can be tried again', async () => {
  const connector = await newConnector(server);
  await connector.whitelist('d', { locked: true });
  await activate(connector, 'd');
  const why = await openWhy(connector, 'd');
  const button = why.getByRole('button', { name: 'Unlock it' });
  await button.waitFor();
  await watched.context.setOffline(true);
  await button.click();
  await why.getByRole('alert').getByText('The server cannot be reached').waitFor();
  await watched.context.setOffline(false);
  await button.click();
  await why
    .getByRole('status')
    .getByText(/is unlocked/)
    .waitFor();
});

test('the browser had nothing to say but the refusals of this test', () => {
  watched.expectClean(/ERR_INTERNET_DISCONNECTED/);
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`a refusal is accessible and fits on a narrow screen, ${colorScheme}`, async () => {
    const connector = await newConnector(server, restricted);
    const identity = 'x'.repeat(256);
    await connector.whitelist(identity);
    await activate(connector, identity);
    const narrow = await openConsole(browser, server, '/', { colorScheme, viewport: { width: 380, height: 800 } });
    const why = await openWhy(connector, identity, narrow.page);
    await why.getByRole('button', { name: 'Allow 127.0.0.1' }).waitFor();
    await expectAccessible(narrow.page);
    await expectNoSidewaysScrolling(narrow.page);
    await why.getByRole('button', { name: 'Allow 127.0.0.1' }).click();
    await why.getByRole('status').getByText('127.0.0.1 is allowed').waitFor();
    await expectAccessible(narrow.page);
    narrow.expectClean();
    await narrow.close();
  });
}
