/** The console in a real browser: what its first load brings, and how soon a list of a large fleet is on the screen. */
import type { Page } from 'playwright-core';
import { launchBrowser } from '../../test/browser/chromium.ts';
import { keptFleet } from '../fleet.ts';
import { median, percentile } from '../measure.ts';
import type { Row } from '../result.ts';
import { admin, type Slipway } from '../slipway.ts';

/** ms from the click on the connector to its first page of devices. */
const LIST_LIMIT = 300;
/** Bytes of JavaScript, as they come over the wire, until the first page is there. */
const SCRIPT_LIMIT = 350_000;
/** Devices on a page of the console. */
const PAGE_SIZE = 50;

export const consoleRow: Row = async (options) => {
  const { server, rows } = await keptFleet(options.rows, options.nodeFlags);
  const browser = await launchBrowser();
  try {
    const page = await browser.newPage();
    const script = await firstLoad(page, server);
    const times: number[] = [];
    const whole: number[] = [];
    for (let round = 0; round < 2 * options.rounds + 1; round += 1) {
      const time = await listTime(page, server);
      // The first one also loads the page's own script.
      if (round === 0) continue;
      times.push(time.first);
      whole.push(time.all);
    }
    const common = { cpu_ms_per_1000: null, reference_cpu_ms_per_1000: null, load_share: null, goal: 1 };
    return {
      'console-script': {
        ...common,
        ours: script,
        reference: SCRIPT_LIMIT,
        ratio: SCRIPT_LIMIT / script,
        unit: 'bytes',
        rounds: 1,
      },
      'console-list': {
        ...common,
        ours: median(times),
        reference: LIST_LIMIT,
        ratio: LIST_LIMIT / median(times),
        unit: 'ms',
        rounds: times.length,
        devices: rows,
        p90_ms: percentile(times, 0.9),
        max_ms: Math.max(...times),
        all_rows_ms: median(whole),
      },
    };
  } finally {
    await browser.close();
  }
};

/** Signs in and gives the bytes of JavaScript that this took; no file of it was in the browser's cache. */
async function firstLoad(page: Page, server: Slipway): Promise<number> {
  await page.goto(`http://localhost:${server.consolePort}/`);
  await page.getByLabel('Email').fill(admin.email);
  await page.getByLabel('Password').first().fill(admin.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('link', { name: 'Tutorial' }).waitFor();
  await page.waitForLoadState('networkidle');
  return (await page.evaluate(
    `performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('.js'))
      .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0)`,
  )) as number;
}

/** ms from the click in the Solutions to the first devices on the screen, and to the last of the page, below the screen. */
async function listTime(page: Page, server: Slipway): Promise<{ readonly first: number; readonly all: number }> {
  await page.goto(`http://localhost:${server.consolePort}/`);
  const link = page.getByRole('link', { name: 'Tutorial', exact: true });
  await link.waitFor();
  await page.waitForLoadState('networkidle');
  const start = performance.now();
  await link.click();
  await page.locator('tbody tr a').first().waitFor();
  const first = performance.now() - start;
  await page
    .locator('tbody tr a')
    .nth(PAGE_SIZE - 1)
    .waitFor({ state: 'attached' });
  return { first, all: performance.now() - start };
}
