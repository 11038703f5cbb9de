/**
 * The suite that every store engine passes: each comment in src/store/store.ts is a promise, and each promise has a test
 * here. Knows no engine; a `<engine>.test.ts` beside it says how one is opened.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { noteQuestions, questionNames } from './asked-again.ts';
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

/** By topic. Their order is that of the interface, more or less. */
const topics: readonly (readonly [name: string, tests: (open: Open) => void])[] = [
  ['connectors', connectorTests],
  ['devices', deviceTests],
  ['credentials', credentialTests],
  ['signals', signalTests],
  ['lists', listTests],
  ['paging', pagingTests],
  ['data', dataTests],
  ['values on their way to devices', pendingTests],
  ['presence', presenceTests],
  ['history', historyTests],
  ['events', eventTests],
  ['figures over time', figureTests],
  ['imports', importTests],
  ['undoing an import', undoTests],
  ['webhooks', webhookTests],
  ['jobs', jobTests],
  ['house-keeping', housekeepingTests],
  ['content', contentTests],
  ['people', peopleTests],
  ['keys', keyTests],
  ['audit', auditTests],
  ['life', lifeTests],
];

/** Registers the suite. `open` gives a new, empty store each time. */
export function runStoreSuite(name: string, open: Open): void {
  describe(`${name} keeps the promises of a store`, () => {
    for (const [topic, tests] of topics) describe(topic, () => tests(open));
  });
}

/**
 * Registers the suite for stores that can be restored: what comes out of their backups is asked all that they were asked.
 * `sparing`: where a backup takes long; see asked-again.ts.
 */
export function runRestoredSuite(name: string, open: Open, sparing = false): void {
  describe(`${name} keeps the promises of a store, and what comes out of its backup answers as it does`, () => {
    const asked = new Set<string>();
    for (const [topic, tests] of topics) {
      describe(topic, () => {
        const noting = noteQuestions(open, asked, sparing);
        tests(noting.open);
        it('is answered alike by what comes out of a backup', noting.askAgain);
      });
    }
    it('has asked what came out of a backup every question that a store answers', () =>
      assert.deepEqual([...asked].sort(), questionNames.toSorted()));
  });
}
