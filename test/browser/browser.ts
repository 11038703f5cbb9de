/**
 * A real Chromium: the one that is installed, or that of `SLIPWAY_TEST_CHROMIUM`, or else the one that comes inside the
 * package @sparticuz/chromium. Every page is watched: what it says in the browser's console, and which hosts it asks.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach } from 'node:test';
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

const installed = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/opt/google/chrome/chrome',
];

/** No calls home, and no sandbox of its own: tests run as root too. */
const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
];

interface Executable {
  readonly path: string;
  readonly env: Record<string, string>;
}

/** The package brings the libraries that a machine without a desktop lacks, for where it knows them to be missing. */
async function findExecutable(): Promise<Executable> {
  const own = [process.env.SLIPWAY_TEST_CHROMIUM ?? '', ...installed].find((path) => path !== '' && existsSync(path));
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([, value]) => value !== undefined));
  if (own !== undefined) return { path: own, env: inherited as Record<string, string> };
  const marker = process.env.AWS_EXECUTION_ENV;
  process.env.AWS_EXECUTION_ENV = 'AWS_Lambda_nodejs22.x';
  const before = process.env.LD_LIBRARY_PATH;
  const { default: packaged } = await import('@sparticuz/chromium');
  const path = await packaged.executablePath();
  // What the package set is for the browser alone, not for curl and openssl.
  restore('AWS_EXECUTION_ENV', marker);
  restore('LD_LIBRARY_PATH', before);
  const libraries = [before, join(tmpdir(), 'al2023', 'lib')].filter(Boolean).join(delimiter);
  return { path, env: { ...(inherited as Record<string, string>), LD_LIBRARY_PATH: libraries } };
}

function restore(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name];
  else process.env[name] = value;
}

export async function launchBrowser(): Promise<Browser> {
  const { path, env } = await findExecutable();
  return chromium.launch({ executablePath: path, args, env });
}

/** What the tests of the console will use. Unpacks it where it comes in a package: two files at once would get in each other's way. */
export async function prepareBrowser(): Promise<string> {
  const browser = await launchBrowser();
  const version = browser.version();
  await browser.close();
  return `${version}, ${(await findExecutable()).path}`;
}

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

/** What was on the screen when a test failed, as a screen reader tells it: that it was not found says little. */
afterEach(async (context) => {
  if (!('passed' in context) || context.passed) return;
  for (const page of opened) {
    const shown = await page.ariaSnapshot({ timeout: 5_000 }).catch((error: Error) => error.message);
    console.log(`${context.name}: ${page.url()} shows\n${shown}`);
  }
});

export async function openPage(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Watched> {
  const context = await browser.newContext({
    // Without one Chromium takes that of the machine's C locale, which is no language at all.
    locale: 'en-US',
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
