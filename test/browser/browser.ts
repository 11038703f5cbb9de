/** Pages that are watched: what each says in the browser's console, which hosts it asks, and what it shows when a test fails. */
import assert from 'node:assert/strict';
import { afterEach, type SuiteContext, type TestContext } from 'node:test';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';

/** A page with all that went wrong in it. */
export interface Watched {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Errors and warnings in the browser's console, failures of scripts, requests to other hosts. */
  readonly faults: string[];
  /** Fails if there were any, but for those that fit `expected`. */
  expectClean(expected?: RegExp): void;
  close(): Promise<void>;
}

/** Pages that are open in this file. */
const opened = new Set<Page>();

/** What was on the screen when a test failed, as a screen reader tells it: that something was not found says little. */
async function tellShown(context: TestContext | SuiteContext): Promise<void> {
  if (!('passed' in context) || context.passed) return;
  for (const page of opened) {
    const shown = await page.ariaSnapshot({ timeout: 5_000 }).catch((error: Error) => error.message);
    console.log(`${context.name}: ${page.url()} shows\n${shown}`);
  }
}

// Scripts that open pages, too, are no tests, and would be told as a run of none.
if (process.env.NODE_TEST_CONTEXT !== undefined) afterEach(tellShown);

export async function openPage(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Watched> {
  const context = await browser.newContext({
    // Without one Chromium takes that of the machine's C locale, which is no language at all.
    locale: 'en-US',
    // What moves between the pressing and the release of a button is not clicked.
    reducedMotion: 'reduce',
    viewport: { width: 1280, height: 860 },
    permissions: ['clipboard-read', 'clipboard-write'],
    ...options,
  });
  const page = await context.newPage();
  // What is waited for comes at once; a machine that is busy with other things may take its time.
  page.setDefaultTimeout(45_000);
  const faults: string[] = [];
  const { origin } = new URL(url);
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) faults.push(`console ${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => faults.push(`script: ${error.message}`));
  page.on('request', (request) => {
    const target = new URL(request.url());
    if (!['data:', 'blob:'].includes(target.protocol) && target.origin !== origin)
      faults.push(`request to ${target.origin}`);
  });
  opened.add(page);
  page.on('close', () => opened.delete(page));
  await page.goto(url);
  return {
    page,
    context,
    faults,
    expectClean(expected) {
      assert.deepEqual(
        faults.filter((fault) => !expected?.test(fault)),
        [],
      );
    },
    close: () => context.close(),
  };
}
