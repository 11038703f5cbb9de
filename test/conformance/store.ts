/**
 * The suite that every store engine passes: each comment in src/store/store.ts is a promise, and each promise has a test
 * here. Knows no engine; a `<engine>.test.ts` beside it says how one is opened.
 */
import { describe } from 'node:test';
import { auditTests } from './audit.ts';
import { connectorTests } from './connectors.ts';
import { contentTests } from './content.ts';
import { credentialTests } from './credentials.ts';
import { dataTests } from './data.ts';
import { deviceTests } from './devices.ts';
import { eventTests } from './events.ts';
import { figureTests } from './figures.ts';
import type { Open } from './fixtures.ts';
import { historyTests } from './history.ts';
import { housekeepingTests } from './housekeeping.ts';
import { importTests } from './imports.ts';
import { jobTests } from './jobs.ts';
import { keyTests } from './keys.ts';
import { lifeTests } from './life.ts';
import { listTests } from './lists.ts';
import { pagingTests } from './paging.ts';
import { pendingTests } from './pending.ts';
import { peopleTests } from './people.ts';
import { presenceTests } from './presence.ts';
import { signalTests } from './signals.ts';
import { undoTests } from './undo.ts';
import { webhookTests } from './webhooks.ts';

/** Registers the suite. `open` gives a new, empty store each time. */
export function runStoreSuite(name: string, open: Open): void {
  describe(`${name} keeps the promises of a store`, () => {
    describe('connectors', () => connectorTests(open));
    describe('devices', () => deviceTests(open));
    describe('credentials', () => credentialTests(open));
    describe('signals', () => signalTests(open));
    describe('lists', () => listTests(open));
    describe('paging', () => pagingTests(open));
    describe('data', () => dataTests(open));
    describe('values on their way to devices', () => pendingTests(open));
    describe('presence', () => presenceTests(open));
    describe('history', () => historyTests(open));
    describe('events', () => eventTests(open));
    describe('figures over time', () => figureTests(open));
    describe('imports', () => importTests(open));
    describe('undoing an import', () => undoTests(open));
    describe('webhooks', () => webhookTests(open));
    describe('jobs', () => jobTests(open));
    describe('house-keeping', () => housekeepingTests(open));
    describe('content', () => contentTests(open));
    describe('people', () => peopleTests(open));
    describe('keys', () => keyTests(open));
    describe('audit', () => auditTests(open));
    describe('life', () => lifeTests(open));
  });
}
