/** Connector › Logs: live, whole whatever happens to the connection, calm while somebody reads. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Browser, Page } from 'playwright-core';
import { openFactory } from '../helpers/authority.ts';
import { eventually, newConnector, resource, type TestConnector } from '../helpers/connector.ts';
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

const logsOf = ({ id }: TestConnector) => `/connectors/${id}/logs`;
const live = (page: Page) => page.getByRole('status').getByText('Live', { exact: true }).waitFor();
const lines = (page: Page) => page.getByRole('list', { name: 'Events' }).getByRole('listitem');
/** A line by what it says. */
const line = (page: Page, text: string | RegExp) => lines(page).filter({ hasText: text });
/** Numbers of the events on the screen, from the top. */
const seqs = (page: Page) =>
  page.evaluate<number[]>("[...document.querySelectorAll('li[data-seq]')].map((li) => Number(li.dataset.seq))");

/** Until the newest line is this one. */
const newestIs = (page: Page, seq: number) =>
  eventually(`event ${seq} is on top`, async () => (await seqs(page))[0] === seq);
const scrolledTo = (page: Page) => page.evaluate<number>('window.scrollY');

test('provision and write appear while the page is open, as the tutorial says', async () => {
  const connector = await newConnector(server);
  await connector.whitelist('00000001');
  const watched = await openConsole(browser, server, `/connectors/${connector.id}/devices`);
  const { page } = watched;
  await page.getByRole('tab', { name: 'Logs' }).click();
  await page.getByText('Provision 00000001').waitFor();
  assert.match(
    await page.locator('pre').innerText(),
    new RegExp(`curl .*https://${connector.fqdn}:\\d+/provision/activate'.*--cacert.*id=00000001`, 's'),
  );
  await live(page);
  const token = await connector.activate('00000001');
  await line(page, /Provision\s*00000001/).waitFor();
  assert.equal(await connector.write('myalias=50', { token }), 204);
  await line(page, /Write\s*00000001.*myalias=50\s*not defined/s).waitFor();
  await page.getByText('Provision 00000001').waitFor({ state: 'detached' });
  watched.expectClean();
  await watched.close();
});

test('the first write with a certificate shows two events: a provision event and a write event', async () => {
  const connector = await newConnector(server, { provisioning: { auth_type: 'certificate' } });
  await connector.whitelist('00000002');
  const factory = openFactory();
  const certificate = factory.selfSigned('00000002');
  const watched = await openConsole(browser, server, logsOf(connector));
  await live(watched.page);
  assert.equal(await connector.write('myalias=55', { certificate }), 204);
  await line(watched.page, /Write.*myalias=55/s).waitFor();
  await line(watched.page, /Provision.*by TLS client certificate/s).waitFor();
  assert.deepEqual(await lines(watched.page).locator('[title^="data_in"], [title^="provisioned"]').allTextContents(), [
    'Write',
    'Provision',
  ]);
  factory.remove();
  await watched.close();
});

test('a line opens to its JSON by keyboard; the address keeps it; a refused one says why', async () => {
  const connector = await newConnector(server);
  const token = await connector.provision('00000001');
  await connector.write('myalias=50', { token });
  await connector.send('/provision/activate', { body: 'id=00000009' });
  const watched = await openConsole(browser, server, logsOf(connector));
  const { page } = watched;
  const toggle = page.getByRole('button', { name: /^Write 00000001/ });
  await toggle.focus();
  await page.keyboard.press('Enter');
  const json = page.getByRole('region', { name: 'Event as JSON' });
  const event = JSON.parse((await json.textContent())!);
  assert.equal(event.type, 'data_in');
  assert.deepEqual(event.payload[0].undefined, ['myalias']);
  await page.getByRole('button', { name: 'Copy JSON' }).click();
  assert.deepEqual(JSON.parse(await page.evaluate<string>('navigator.clipboard.readText()')), event);
  assert.match(page.url(), new RegExp(`line=${event.seq}`));
  await page.reload();
  await json.waitFor();
  await toggle.focus();
  await page.keyboard.press('Space');
  await json.waitFor({ state: 'detached' });
  await page.getByRole('button', { name: /^Refused 00000009/ }).click();
  assert.equal(JSON.parse((await json.textContent())!).payload.rule, 'IDENTITY_UNKNOWN');
  await page.getByText('The identity is not whitelisted', { exact: false }).first().waitFor();
  await page.getByRole('link', { name: '00000009' }).first().click();
  await page.waitForURL(/\/devices\/00000009$/);
  watched.expectClean();
  await watched.close();
});

test('the filters stand in the address: types by their names, the identity after a moment', async () => {
  const connector = await newConnector(server, { events: { types: ['provisioned', 'data_in'] } });
  const first = await connector.provision('00000001');
  const second = await connector.provision('00000002');
  const watched = await openConsole(browser, server, logsOf(connector));
  const { page } = watched;
  await page.getByRole('button', { name: 'Events: Provision, Write' }).waitFor();
  await line(page, '00000001').waitFor();
  assert.equal(await lines(page).count(), 2, 'whitelisting is not among the types of the settings');
  await page.getByRole('button', { name: /^Events/ }).click();
  await page.getByRole('checkbox', { name: 'Provision', exact: true }).uncheck();
  await page.getByRole('checkbox', { name: 'Whitelist' }).check();
  await page.keyboard.press('Escape');
  await page.getByLabel('Identity', { exact: true }).fill('00000002');
  await page.waitForURL(/identity=/);
  await line(page, '00000001').waitFor({ state: 'detached' });
  await live(page);
  await connector.write('a=1', { token: first });
  await connector.write('a=2', { token: second });
  await line(page, 'a=2').waitFor();
  // Not the inner text: of lines that the browser has not drawn yet there is none.
  const shown = () => lines(page).locator('[title]:not(time):not(a)').filter({ hasNotText: 'not defined' });
  assert.deepEqual(await shown().allTextContents(), ['Write', 'Whitelist']);
  await page.reload();
  await line(page, 'a=2').waitFor();
  assert.deepEqual(await shown().allTextContents(), ['Write', 'Whitelist']);
  await page.getByLabel('Identity', { exact: true }).fill('none-of-these');
  await page.getByRole('heading', { name: 'No event fits the filter' }).waitFor();
  await page.getByRole('button', { name: 'Clear the filter' }).click();
  await line(page, 'a=1').waitFor();
  assert.doesNotMatch(page.url(), /types|identity/);
  watched.expectClean();
  await watched.close();
});

test('while it is paused new lines wait and are counted; resumed, all are there', async () => {
  const connector = await newConnector(server);
  const token = await connector.provision('00000001');
  const watched = await openConsole(browser, server, logsOf(connector));
  const { page } = watched;
  await live(page);
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.getByRole('status').getByText('Paused').waitFor();
  for (const n of [1, 2, 3]) await connector.write(`n=${n}`, { token });
  await page.getByRole('button', { name: 'Resume (3 waiting)' }).waitFor();
  assert.equal(await line(page, 'n=3').count(), 0);
  await page.getByRole('button', { name: 'Resume' }).click();
  await line(page, 'n=3').waitFor();
  await live(page);
  const shown = await seqs(page);
  assert.deepEqual(
    shown,
    (await connector.events()).map(({ seq }) => seq).reverse(),
    'each event of the server, newest first',
  );
  watched.expectClean();
  await watched.close();
});

test('new lines do not move what is read: with a line open, and further down the page, they wait', async () => {
  const connector = await newConnector(server);
  const token = await connector.provision('00000001');
  for (let n = 0; n < 60; n++) await connector.write(`n=${n}.`, { token });
  const watched = await openConsole(browser, server, logsOf(connector));
  const { page } = watched;
  await live(page);
  await line(page, 'n=59.').getByRole('button').click();
  await connector.write('n=60.', { token });
  await page.getByRole('button', { name: '1 new' }).waitFor();
  assert.equal(await line(page, 'n=60.').count(), 0);
  await page.getByRole('button', { name: '1 new' }).click();
  await line(page, 'n=60.').waitFor();
  assert.equal(await page.getByRole('region', { name: 'Event as JSON' }).count(), 0);
  await page.mouse.move(600, 500);
  await page.mouse.wheel(0, 1200);
  await eventually('the page is scrolled', async () => (await scrolledTo(page)) > 600);
  const middle = line(page, 'n=30.');
  const place = await middle.boundingBox();
  await connector.write('n=61.', { token });
  await page.getByRole('button', { name: '1 new' }).waitFor();
  assert.deepEqual(await middle.boundingBox(), place);
  await page.getByRole('button', { name: '1 new' }).click();
  await line(page, 'n=61.').waitFor();
  await eventually('the page is at its top', async () => (await scrolledTo(page)) === 0);
  await connector.write('n=62.', { token });
  await line(page, 'n=62.').waitFor();
  watched.expectClean();
  await watched.close();
});

test('1,500 writes: the newest 300 lines stay; older ones load, whole and in order; a link leads to any line', async () => {
  const connector = await newConnector(server);
  const token = await connector.provision('00000001');
  const watched = await openConsole(browser, server, logsOf(connector));
  const { page } = watched;
  await live(page);
  for (let n = 0; n < 1500; n += 50) {
    const some = Array.from({ length: 50 }, () => connector.write('n=1', { token, plain: true }));
    assert.ok((await Promise.all(some)).every((status) => status === 204));
  }
  const { events } = (await connector.api('GET', '/events?limit=300')).body as { events: { seq: number }[] };
  const newest = events[0]!.seq;
  await newestIs(page, newest);
  assert.deepEqual(
    await seqs(page),
    events.map(({ seq }) => seq),
  );
  await page.getByText('300 lines are shown, which is the most').waitFor();
  for (let more = true; more; ) {
    const last = (await seqs(page)).at(-1);
    await page.getByRole('button', { name: 'Load older' }).click();
    await eventually('older lines are there', async () => (await seqs(page)).at(-1) !== last);
    more = (await page.getByRole('button', { name: 'Load older' }).count()) > 0;
  }
  await page.getByText('This is where the log begins').waitFor();
  const shown = await seqs(page);
  assert.equal(shown.length, 300);
  assert.deepEqual(
    shown,
    Array.from({ length: 300 }, (_, i) => shown[0]! - i),
  );
  await page.getByRole('button', { name: 'Back to the newest' }).click();
  await newestIs(page, newest);
  await page.goto(`${consoleUrl(server)}${logsOf(connector)}?line=${shown.at(-5)}`);
  await page.getByRole('region', { name: 'Event as JSON' }).waitFor();
  await page.getByRole('button', { name: 'Back to the newest' }).click();
  await newestIs(page, newest);
  watched.expectClean();
  await watched.close();
});

/** A port that nobody listens on now. */
async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, 'close');
  return port;
}

test('kill -9 of the server while a device writes: afterwards every line is there, once', async (t) => {
  const own = await startServer({ env: { SLIPWAY_CONSOLE_PORT: String(await freePort()) } });
  let writing = true;
  t.after(() => {
    writing = false;
    return own.stop();
  });
  const connector = await newConnector(own);
  const token = await connector.provision('00000001');
  const watched = await openConsole(browser, own, logsOf(connector));
  const { page } = watched;
  await live(page);
  let written = 0;
  const device = (async () => {
    for (; writing; written++) {
      await connector.write(`n=${written}`, { token, plain: true }).catch(() => null);
      // A device that never rests would write far more than 300 lines.
      await delay(10);
    }
  })();
  for (let round = 0; round < 2; round++) {
    const before = (await seqs(page))[0] ?? 0;
    await eventually('the device goes on writing', async () => ((await seqs(page))[0] ?? 0) > before + 20);
    await own.kill9();
    await page.getByRole('status').getByText('Reconnecting…').waitFor();
    await own.restart();
    await live(page);
    await page.getByText('The server cannot be reached').waitFor({ state: 'detached' });
  }
  writing = false;
  await device;
  assert.equal(await connector.write('the=end', { token }), 204);
  await line(page, 'the=end').waitFor();
  const all: number[] = [];
  for (let before = Number.MAX_SAFE_INTEGER; ; before = all.at(-1)!) {
    const { events } = (await connector.api('GET', `/events?limit=1000&before=${before}`)).body;
    if (events.length === 0) break;
    all.push(...events.map(({ seq }: { seq: number }) => seq));
  }
  assert.ok(all.length > 40);
  assert.deepEqual(await seqs(page), all.slice(0, 300));
  watched.expectClean(/ERR_CONNECTION|ERR_INCOMPLETE|ERR_EMPTY|status of 50\d/);
  await watched.close();
});

test('a server that refuses the stream for a while is asked again; nothing is missed', async () => {
  const connector = await newConnector(server);
  const token = await connector.provision('00000001');
  const watched = await openConsole(browser, server, '/');
  const { page } = watched;
  let refusals = 3;
  await page.route('**/events/stream?*', (route) =>
    refusals-- > 0
      ? route.fulfill({ status: 503, contentType: 'application/json', body: '{"code":"OVERLOADED","statusCode":503}' })
      : route.continue(),
  );
  await page.goto(consoleUrl(server) + logsOf(connector));
  await page.getByRole('status').getByText('Reconnecting…').waitFor();
  await connector.write('n=1', { token });
  await line(page, 'n=1').waitFor();
  await live(page);
  assert.equal(await line(page, 'n=1').count(), 1);
  watched.expectClean(/status of 503/);
  await watched.close();
});

test('when the session ends the log waits for the sign-in, and goes on without a gap', async () => {
  const connector = await newConnector(server);
  const token = await connector.provision('00000001');
  const watched = await openConsole(browser, server, logsOf(connector));
  const { page } = watched;
  await live(page);
  const cookies = (await watched.context.cookies()).map(({ name, value }) => `${name}=${value}`).join('; ');
  const headers = { cookie: cookies, origin: consoleUrl(server), 'sec-fetch-site': 'same-origin' };
  const ended = await fetch(`${consoleUrl(server)}/api:1/session`, { method: 'DELETE', headers });
  assert.equal(ended.status, 204);
  await connector.write('n=1', { token });
  const dialog = page.getByRole('dialog', { name: 'Your session has ended' });
  await dialog.waitFor();
  await connector.write('n=2', { token });
  await dialog.getByLabel('Password').first().fill(admin.password);
  await dialog.getByRole('button', { name: 'Sign in' }).click();
  await dialog.waitFor({ state: 'detached' });
  await line(page, 'n=2').waitFor();
  await live(page);
  for (const text of ['n=1', 'n=2']) assert.equal(await line(page, text).count(), 1, text);
  watched.expectClean(/status of 401/);
  await watched.close();
});

test('a page that nobody looks at lets go of its stream, and catches up when it is seen again', async () => {
  const connector = await newConnector(server);
  const token = await connector.provision('00000001');
  const watched = await openConsole(browser, server, logsOf(connector));
  const { page } = watched;
  await live(page);
  const see = (state: string) =>
    page.evaluate(`Object.defineProperty(document, 'visibilityState', { value: '${state}', configurable: true });
      document.dispatchEvent(new Event('visibilitychange'))`);
  await see('hidden');
  await page.getByRole('status').getByText('Reconnecting…').waitFor();
  await connector.write('n=1', { token });
  await see('visible');
  await line(page, 'n=1').waitFor();
  await live(page);
  watched.expectClean();
  await watched.close();
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`the log is accessible and fits on a narrow screen, ${colorScheme}`, async () => {
    const empty = await newConnector(server);
    const connector = await newConnector(server, { resources: { temp: resource() } });
    const long = `${'x'.repeat(250)}-long`;
    const token = await connector.provision('00000001');
    await connector.provision(long);
    await connector.write(`temp=20&myalias=${'long'.repeat(100)}`, { token });
    await connector.send('/provision/activate', { body: 'id=00000009' });
    await connector.api('PATCH', '/identity/00000001/state', { temp: '21' });
    await connector.change('00000001', { locked: true });
    const narrow = { colorScheme, viewport: { width: 380, height: 800 } };
    const watched = await openConsole(browser, server, logsOf(empty), narrow);
    const { page } = watched;
    await page.getByRole('heading', { name: 'Nothing has happened yet' }).waitFor();
    await page.getByText('Provision a device', { exact: true }).waitFor();
    await expectAccessible(page);
    await expectNoSidewaysScrolling(page);
    for (const viewport of [narrow.viewport, { width: 1280, height: 860 }]) {
      await page.setViewportSize(viewport);
      await page.goto(consoleUrl(server) + logsOf(connector));
      await live(page);
      await page.getByRole('button', { name: /^Refused/ }).click();
      await page.getByRole('region', { name: 'Event as JSON' }).waitFor();
      await expectAccessible(page);
      await expectNoSidewaysScrolling(page);
      await page.getByRole('button', { name: /^Events/ }).click();
      await page.getByRole('checkbox', { name: 'Provision', exact: true }).waitFor();
      await expectAccessible(page);
      await expectNoSidewaysScrolling(page);
    }
    watched.expectClean();
    await watched.close();
  });
}
