/** The console of a real server in a real browser, signed in, and what holds on each of its pages. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { admin, type TestServer } from '../helpers/server.ts';
import { openPage, type Watched } from './browser.ts';

const require = createRequire(import.meta.url);

/** Address of the console. */
export const consoleUrl = (server: TestServer) => `http://localhost:${server.console}`;

/** Opens a page of the console as the first account. */
export async function openConsole(
  browser: Browser,
  server: TestServer,
  path = '/',
  options: BrowserContextOptions = {},
): Promise<Watched> {
  const watched = await openPage(browser, consoleUrl(server), options);
  const { page } = watched;
  await page.getByLabel('Email').fill(admin.email);
  await page.getByLabel('Password').first().fill(admin.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Solutions' }).waitFor();
  if (path !== '/') await page.goto(consoleUrl(server) + path);
  return watched;
}

interface Violation {
  readonly id: string;
  readonly impact: string;
  readonly help: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

/** Resolves when no transition is under way; those without end do not count. */
const settle = `async () => {
  const running = () =>
    document
      .getAnimations()
      .filter(({ playState, effect }) => playState === 'running' && effect?.getTiming().iterations !== Infinity);
  while (running().length > 0) await Promise.allSettled(running().map(({ finished }) => finished));
}`;

/** Fails if axe-core finds anything serious or critical on what is shown now, once nothing fades in any more. */
export async function expectAccessible(page: Page): Promise<void> {
  // Not by waitForFunction, which evaluates text again and again inside the page: its policy forbids that.
  await page.evaluate(`(${settle})()`);
  // Evaluated by the browser's own debugger: the page's content security policy takes no script of ours.
  await page.evaluate(await readFile(require.resolve('axe-core/axe.min.js'), 'utf8'));
  const violations = (await page.evaluate('axe.run(document).then(({ violations }) => violations)')) as Violation[];
  const grave = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  const told = grave.map(
    ({ id, help, nodes }) =>
      `${id}: ${help}\n${nodes.map(({ html, failureSummary }) => `  ${html} ${failureSummary}`).join('\n')}`,
  );
  assert.deepEqual(told, [], `${page.url()} is not accessible:\n${told.join('\n')}`);
}

/** Fails if the page has to be scrolled sideways. */
export async function expectNoSidewaysScrolling(page: Page): Promise<void> {
  const [needed, given] = (await page.evaluate(
    '[document.documentElement.scrollWidth, document.documentElement.clientWidth]',
  )) as [number, number];
  assert.ok(needed <= given, `${page.url()} is ${needed} px wide on a screen of ${given} px`);
}
