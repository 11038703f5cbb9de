/**
 * Gateways that run: each gives a sign of life every few seconds. Devices whose gateway has given none for a while have left with it;
 * a gateway that was only cut off says so once it is back.
 */
import { type Database, statement } from './database.ts';
import type { Presence } from './presence.ts';

/** Seconds without a sign of life after which a node counts as gone. */
export const GONE_AFTER = 15;
/** ms without one after which others may have thought so. */
const MISSED = 10_000;
/** Devices in one step. */
const STEP = 5_000;

const alive = statement(
  'node-alive',
  'INSERT INTO nodes VALUES ($1, now()) ON CONFLICT (node) DO UPDATE SET seen = excluded.seen',
);
const cutOff = statement(
  'presence-cut-off',
  `WITH gone AS (
     UPDATE presence SET node = NULL, connection = NULL, left_at = greatest(coalesce(last_seen, 0), coalesce(left_at, 0))
     WHERE device IN (SELECT p.device FROM nodes n JOIN presence p ON p.node = n.node
       WHERE n.seen <= now() - make_interval(secs => ${GONE_AFTER}) LIMIT ${STEP} FOR UPDATE OF p SKIP LOCKED)
     RETURNING 1
   ) SELECT count(*) AS n FROM gone`,
);
/** Whose devices have left. */
const forgetGone = statement(
  'nodes-gone',
  `DELETE FROM nodes n WHERE n.seen < now() - interval '1 hour' AND NOT EXISTS (SELECT 1 FROM presence p WHERE p.node = n.node)`,
);
const leave = statement('node-leave', 'DELETE FROM nodes WHERE node = $1');

export interface Nodes {
  /** A sign of life of this node, and a look at those of the others. */
  beat(): Promise<void>;
  leave(): Promise<void>;
}

export function createNodes(db: Database, node: string, presence: Presence): Nodes {
  let last = performance.now();
  return {
    async beat() {
      await db.read(alive, [node]);
      if (performance.now() - last > MISSED) await presence.announce();
      last = performance.now();
      for (let n = STEP; n === STEP; ) n = (await db.read<{ n: number }>(cutOff))[0]!.n;
      await db.read(forgetGone);
    },
    leave: async () => void (await db.read(leave, [node])),
  };
}
