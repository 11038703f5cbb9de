/**
 * Takes the pictures of the console that stand in the documents: a real server, a small fleet that reports for a while, a
 * real browser. `node scripts/screenshots.ts [<name>…]` writes docs/images/<name>.png.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { launchBrowser } from '../test/browser/chromium.ts';
import { consoleUrl, openConsole } from '../test/browser/console.ts';
import { newConnector, resource, type TestConnector } from '../test/helpers/connector.ts';
import { startServer } from '../test/helpers/server.ts';

const folder = join(import.meta.dirname, '../docs/images');

interface Shot {
  readonly name: string;
  readonly path: (connector: string) => string;
  /** What has to be there before the picture is taken. */
  readonly ready: (page: Page) => Promise<unknown>;
  readonly dark?: boolean;
  readonly height?: number;
}

const shots: readonly Shot[] = [
  {
    name: 'devices',
    path: (connector) => `/connectors/${connector}/devices`,
    ready: (page) => page.getByRole('link', { name: 'PUMP-00000021' }).waitFor(),
  },
  {
    name: 'device',
    path: (connector) => `/connectors/${connector}/devices/PUMP-00000002?alias=temperature&range=1h`,
    ready: (page) => page.locator('canvas').first().waitFor(),
    height: 1180,
  },
  {
    name: 'logs',
    path: (connector) => `/connectors/${connector}/logs`,
    ready: (page) => page.getByRole('link', { name: 'PUMP-00000002' }).first().waitFor(),
    dark: true,
  },
  {
    name: 'settings',
    path: (connector) => `/connectors/${connector}/settings`,
    ready: (page) => page.getByLabel('Prefix', { exact: true }).waitFor(),
    height: 1180,
  },
  {
    name: 'overview',
    path: (connector) => `/connectors/${connector}/overview?range=1h`,
    ready: (page) => page.locator('canvas').nth(3).waitFor(),
    height: 1060,
  },
];

/** Pumps that were whitelisted, provisioned, report, are refused, locked and revoked. */
async function seed(connector: TestConnector): Promise<void> {
  await connector.set({
    name: 'Dosing pump',
    identity_format: { type: 'base10', prefix: 'PUMP-', options: { length: 8 } },
    resources: {
      temperature: resource({ format: 'number', unit: '°C', settable: false, initial: null }),
      target: resource({ format: 'number', unit: '°C', allowed: ['-20..60'] }),
      mode: resource({ allowed: ['auto', 'eco', 'off'], initial: 'auto' }),
    },
  });
  const tokens = new Map<string, string>();
  for (let n = 1; n <= 24; n += 1) {
    const identity = `PUMP-${String(n).padStart(8, '0')}`;
    await connector.whitelist(identity, {
      tags: { group: [`g${n % 3}`], ...(n % 5 === 0 ? { site: ['north hall'] } : {}) },
    });
    if (n <= 18) tokens.set(identity, await connector.activate(identity));
  }
  for (let round = 0; round < 60; round += 1) {
    for (const [at, token] of [...tokens.values()].entries()) {
      if (round > 0 && at > 3) continue;
      const value = 21 + 3 * Math.sin(round / 7 + at) + ((round * 7919) % 10) / 20;
      await connector.write(`temperature=${value.toFixed(2)}`, { token, plain: true });
    }
    await delay(120);
  }
  await connector.api('PATCH', '/identity/PUMP-00000002/state', { target: 24 });
  const hour = Array.from({ length: 118 }, (_, at) => {
    const seconds = Math.floor(Date.now() / 1000) - 3_600 + at * 30;
    return `${seconds}=${(21.5 + 2 * Math.sin(at / 14) + ((at * 7919) % 10) / 25).toFixed(2)}`;
  });
  const path = '/onep:v1/stack/alias/temperature';
  await connector.send(path, { body: hour.join('&'), token: tokens.get('PUMP-00000002'), plain: true });
  for (let n = 0; n < 4; n += 1) {
    await connector.send('/provision/activate', { method: 'POST', body: `id=PUMP-9000000${n}`, plain: true });
  }
  await connector.send('/provision/activate', { method: 'POST', body: 'id=PUMP-00000005', plain: true });
  await connector.change('PUMP-00000007', { locked: true });
  await connector.change('PUMP-00000009', { auth: { expire: 0 } });
  await connector.change('PUMP-00000011', { reprovision: true });
}

const wanted = process.argv.slice(2);
const server = await startServer();
const browser = await launchBrowser();
try {
  const connector = await newConnector(server);
  await seed(connector);
  mkdirSync(folder, { recursive: true });
  for (const { name, path, ready, dark, height = 860 } of shots) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    const colorScheme = dark ? 'dark' : 'light';
    const { page, close } = await openConsole(browser, server, '/', { colorScheme, viewport: { width: 1280, height } });
    await page.goto(consoleUrl(server) + path(connector.id));
    await ready(page);
    // Whatever comes in with it: figures, counts, fonts.
    await delay(800);
    await page.screenshot({ path: join(folder, `${name}.png`) });
    console.log(`docs/images/${name}.png`);
    await close();
  }
} finally {
  await browser.close();
  await server.stop();
}
