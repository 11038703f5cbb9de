/** Events on their way into the log, as the arrays that `write_log` takes; and what they count for in the figures. Pure. */
import type { NewAudit } from '../../domain/audit.ts';
import type { NewEvent } from '../../domain/device.ts';
import { kindOf, MINUTE } from '../figure-columns.ts';
import { dataPayload, ruleOf } from '../payload.ts';
import type { DataEntry, Signal } from '../store.ts';
import { type Sql, sql } from './database.ts';
import { type List, numbers, texts } from './text.ts';

/** An event of a connector, and of a device where it concerns one that is stored. */
export interface Logged extends NewEvent {
  /** Keys. */
  readonly connector: number;
  readonly device: number | null;
}

/** Writes statements as one commit, with what the log and the audit log are told of them, and then tells the signals. */
export type Commit = (
  statements: readonly Sql[],
  signals?: readonly Signal[],
  events?: readonly Logged[],
  audit?: readonly (NewAudit | null | undefined)[],
) => Promise<void>;

export function loggedData(connector: number, entry: DataEntry): Logged {
  const { ref, type, origin, timestamp } = entry;
  return { connector, device: ref.key, type, identity: ref.identity, origin, timestamp, payload: dataPayload(entry) };
}

/** The last thirteen parameters that the routines which write have in common, in their order. */
export function logValues(events: readonly Logged[]): List[] {
  return [
    numbers(events.map(({ connector }) => connector)),
    numbers(events.map(({ device }) => device)),
    texts(events.map(({ identity }) => identity)),
    texts(events.map(({ type }) => type)),
    texts(events.map(({ origin }) => origin?.ip ?? null)),
    texts(events.map(({ origin }) => origin?.protocol ?? null)),
    numbers(events.map(({ timestamp }) => timestamp)),
    texts(events.map(({ origin }) => origin?.connectionId ?? null)),
    texts(events.map(({ payload }) => JSON.stringify(payload ?? null))),
    ...countValues(events),
  ];
}

/** One row for all of a kind in a minute. In one order everywhere, as rows are locked in it. */
function countValues(events: readonly Logged[]): List[] {
  const counts = new Map<string, { connector: number; minute: number; kind: string; n: number }>();
  for (const { connector, type, timestamp, payload } of events) {
    const kind = kindOf(type, ruleOf(type, payload));
    if (kind === null) continue;
    const minute = Math.floor(timestamp / MINUTE);
    counts.getOrInsertComputed(`${connector} ${minute} ${kind}`, () => ({ connector, minute, kind, n: 0 })).n += 1;
  }
  const rows = [...counts.values()];
  return [
    numbers(rows.map(({ connector }) => connector)),
    numbers(rows.map(({ minute }) => minute)),
    texts(rows.map(({ kind }) => kind)),
    numbers(rows.map(({ n }) => n)),
  ];
}

/** The end of a list of statements that commits: `id` as the database gives it. */
export function logStatement(id: string, node: string, signals: string, events: readonly Logged[] = []): Sql {
  const lists = logValues(events).map((list) => sql`${list}`);
  return `SELECT write_log(${sql`${id}`}, ${sql`${node}`}, ${sql`${signals}`}, ${lists.join(', ')})`;
}
