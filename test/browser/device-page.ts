/** What the tests of a device's page share: its address, its parts, and what its copy buttons copy. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Page } from 'playwright-core';
import type { TestConnector } from '../helpers/connector.ts';

/** Path of the page of a device in the console. */
export const devicePath = (connector: TestConnector, identity: string, query = '') =>
  `/connectors/${connector.id}/devices/${encodeURIComponent(identity)}${query}`;

/** The part of the page with that heading. */
export const part = (page: Page, name: string) => page.getByRole('region', { name });

interface Navigator {
  readonly clipboard: { readText(): Promise<string> };
}

/** What a copy button put into the clipboard. */
export async function copied(page: Page, label: string): Promise<string> {
  await page.getByRole('button', { name: `Copy ${label}` }).click();
  return page.evaluate(() => (globalThis as unknown as { navigator: Navigator }).navigator.clipboard.readText());
}

/** What the command prints, pasted into a shell. Rejects if it fails. */
export const shell = async (command: string) => (await promisify(execFile)('sh', ['-c', command])).stdout;
