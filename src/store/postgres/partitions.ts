/**
 * Partitions of the log (a day each) and of the history (a week each): made ahead of time, and dropped as a whole once no
 * connector keeps anything of them. What claims another time, long past or still to come, stands in the default partition until
 * a partition of its time is made, so that nobody can make partitions by what they send.
 */
import { type Database, statement } from './database.ts';
import { LOCKS, locks } from './schema.ts';

const DAY = 86_400_000_000;

interface Kind {
  readonly table: 'events' | 'points';
  /** µs. */
  readonly width: number;
  /** How many are made ahead, beside the one of now. */
  readonly ahead: number;
}
const kinds: Record<'events' | 'points', Kind> = {
  events: { table: 'events', width: DAY, ahead: 3 },
  points: { table: 'points', width: 7 * DAY, ahead: 1 },
};

const list = statement(
  'partitions',
  `SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
   WHERE i.inhparent IN ('events'::regclass, 'points'::regclass) AND c.relname ~ '_[0-9]+$'`,
);

/** Names say where a partition begins, by its number since the epoch. */
const nameOf = ({ table }: Kind, at: number) => `${table}_${at}`;

export type Partitions = ReturnType<typeof createPartitions>;

export function createPartitions(db: Database) {
  async function names(): Promise<string[]> {
    return (await db.read<{ name: string }>(list)).map(({ name }) => name);
  }

  /** One partition, with what the default one holds of its time. Nodes make them one after the other. */
  async function make(kind: Kind, at: number): Promise<void> {
    const { table, width } = kind;
    const name = nameOf(kind, at);
    const [from, to] = [at * width, (at + 1) * width];
    await db.run(`
      SET LOCAL lock_timeout = '2s';
      SELECT pg_advisory_xact_lock(${LOCKS}, ${locks.partitions});
      DO $do$ BEGIN
        IF to_regclass('${name}') IS NOT NULL THEN RETURN; END IF;
        LOCK TABLE ${table}_default IN ACCESS EXCLUSIVE MODE;
        CREATE TABLE ${name} (LIKE ${table} INCLUDING DEFAULTS);
        WITH moved AS (DELETE FROM ${table}_default WHERE timestamp >= ${from} AND timestamp < ${to} RETURNING *)
          INSERT INTO ${name} SELECT * FROM moved;
        ALTER TABLE ${table} ATTACH PARTITION ${name} FOR VALUES FROM (${from}) TO (${to});
      END $do$`);
  }

  return {
    /** Makes those of now and the next ones. */
    async makeAhead(now: number): Promise<void> {
      const there = new Set(await names());
      for (const kind of Object.values(kinds)) {
        const first = Math.floor(now / kind.width);
        for (let at = first; at <= first + kind.ahead; at += 1) {
          if (!there.has(nameOf(kind, at))) await make(kind, at);
        }
      }
    },

    /** Drops one partition that ended before the time; false if there is none. Waits for nobody for long. */
    async dropOne(table: 'events' | 'points', before: number): Promise<boolean> {
      const kind = kinds[table];
      const ended = (await names()).find((name) => {
        if (!name.startsWith(`${table}_`)) return false;
        return (Number(name.slice(table.length + 1)) + 1) * kind.width <= before;
      });
      if (ended === undefined) return false;
      await db.run(`SET LOCAL lock_timeout = '2s'; DROP TABLE IF EXISTS ${ended}`);
      return true;
    },
  };
}
