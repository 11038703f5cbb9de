/** The rows of the bench, by name, in the order of a whole run. */
import type { Row } from './result.ts';
import { activate } from './rows/activate.ts';
import { bulkLock, bulkTag } from './rows/bulk.ts';
import { consoleRow } from './rows/console.ts';
import { growth } from './rows/growth.ts';
import { history } from './rows/history.ts';
import { httpWrite, httpWriteTls } from './rows/http-write.ts';
import { idle } from './rows/idle.ts';
import { importRow } from './rows/import.ts';
import { latency } from './rows/latency.ts';
import { list } from './rows/list.ts';
import { lists } from './rows/lists.ts';
import { mqttPublish } from './rows/mqtt-publish.ts';
import { mqttStorm } from './rows/mqtt-storm.ts';
import { pgWrite } from './rows/pg-write.ts';
import { polls } from './rows/polls.ts';
import { tlsHandshake } from './rows/tls-handshake.ts';

export const rows: Readonly<Record<string, Row>> = {
  'http-write': httpWrite,
  'http-write-tls': httpWriteTls,
  'mqtt-publish': mqttPublish,
  activate,
  'tls-handshake': tlsHandshake,
  import: importRow,
  list,
  lists,
  console: consoleRow,
  history,
  idle,
  latency,
  'mqtt-storm': mqttStorm,
  polls,
  'pg-write': pgWrite,
  growth,
  'bulk-tag': bulkTag,
  'bulk-lock': bulkLock,
};

/** Those that share a server with an imported fleet. */
export const onFleet: ReadonlySet<string> = new Set(['import', 'list', 'lists', 'console']);

/** What takes too long for a whole run: run by name, or with `--large`. */
export const apart: ReadonlySet<string> = new Set(['pg-write', 'growth', 'bulk-tag', 'bulk-lock']);
