/**
 * A real Chromium: the one that is installed, or that of `SLIPWAY_TEST_CHROMIUM`, or else the one that comes inside the
 * package @sparticuz/chromium.
 */
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

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
